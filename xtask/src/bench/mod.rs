//! `cargo xtask bench`: what row security, masking, histories, writes and write constraints cost, and what a backend keeps.
//!
//! Statements are measured as a ratio in one run on one machine: the same prepared statement under a policy, and with the
//! same predicate written by hand, by a role that row security does not apply to, in turn; or under a policy with and
//! without constraints; or on a protected table and on one that is not.

mod compartment;
mod criteria;
mod fhirpath;
mod histories;
mod masking;
mod memory;
mod own_conditions;
mod pairs;
mod rows;
mod writes;

use anyhow::Result;
use serde::Serialize;

use crate::cluster::{Cluster, Purpose};
use crate::console::table;
use crate::project::Project;
use crate::setup;

/// The role that the policy applies to.
const APPLICATION: &str = "bench_app";

/// The database.
const DATABASE: &str = "bench";

/// Row security may cost this much, as a ratio.
const LARGEST_RATIO: f64 = 1.10;

/// Options of `cargo xtask bench`.
#[derive(clap::Args)]
pub struct Options {
    /// What to measure.
    #[arg(value_enum, default_value_t = Subject::Rows)]
    subject: Subject,
    /// Paired runs of each statement: 2,000, of criteria 300, of masking 200.
    #[arg(long, value_name = "N")]
    pairs: Option<usize>,
    /// Of criteria: resources in each table. The bars are meant for the default.
    #[arg(long, default_value_t = 1_000_000, value_name = "N")]
    rows: usize,
    /// Of criteria: show the plans of both sides.
    #[arg(long)]
    verbose: bool,
    /// Print JSON instead of tables.
    #[arg(long)]
    json: bool,
}

/// What can be measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Subject {
    /// Row security on one compartment, and a backend's memory under switches of membership.
    Rows,
    /// Each kind of criterion with its index and without one, policies, memberships, and many instances of a policy.
    Criteria,
    /// FHIRPath: write constraints alone, and in an UPDATE.
    Fhirpath,
    /// INSERT, UPDATE, DELETE and COPY, of one row and of many.
    Writes,
    /// Documents with hidden fields: reading them, and planning.
    Masking,
    /// Versions of resources, each asked about with its current row.
    Histories,
}

/// Measures. True when all bars are kept.
pub fn run(project: &Project, options: &Options) -> Result<bool> {
    let _lock = project.lock("bench")?;
    let pairs = |usual: usize| options.pairs.unwrap_or(usual).max(20);
    match options.subject {
        Subject::Rows => {
            let report = in_cluster(project, |cluster, postgresql| {
                rows::measure(cluster, pairs(2000), postgresql)
            })?;
            tell(options, &report, rows::print)?;
            Ok(report.good)
        }
        Subject::Criteria => {
            let scope = criteria::Scope {
                rows: options.rows.max(1000),
                pairs: pairs(300),
                plans: options.verbose,
            };
            let report = in_cluster(project, |cluster, postgresql| {
                criteria::measure(cluster, scope, postgresql)
            })?;
            tell(options, &report, criteria::print)?;
            Ok(report.good)
        }
        Subject::Fhirpath => {
            let expressions = fhirpath::expressions(project)?;
            let report = in_cluster(project, |cluster, postgresql| {
                fhirpath::measure(cluster, pairs(2000), expressions, postgresql)
            })?;
            tell(options, &report, fhirpath::print)?;
            Ok(report.good)
        }
        Subject::Writes => {
            let observations = writes::Observations::of(project)?;
            let report = in_cluster(project, |cluster, postgresql| {
                writes::measure(cluster, pairs(2000), &observations, postgresql)
            })?;
            tell(options, &report, writes::print)?;
            Ok(report.good)
        }
        Subject::Masking => {
            let patients = masking::Patients::of(project)?;
            let report = in_cluster(project, |cluster, postgresql| {
                masking::measure(cluster, pairs(200), &patients, postgresql)
            })?;
            tell(options, &report, masking::print)?;
            Ok(report.good)
        }
        Subject::Histories => {
            let report = in_cluster(project, |cluster, postgresql| {
                histories::measure(cluster, pairs(2000), postgresql)
            })?;
            tell(options, &report, histories::print)?;
            Ok(report.good)
        }
    }
}

/// Measures in a new cluster, which is removed afterwards; told PostgreSQL's version.
fn in_cluster<T>(
    project: &Project,
    measure: impl FnOnce(&Cluster, String) -> Result<T>,
) -> Result<T> {
    let ready = setup::all(project)?;
    let cluster = Cluster::fresh(project, &ready.server, Purpose::Bench)?;
    let report = measure(&cluster, ready.server.version()?);
    cluster.remove()?;
    report
}

fn tell<T: Serialize>(options: &Options, report: &T, print: fn(&T)) -> Result<()> {
    if options.json {
        println!("{}", serde_json::to_string_pretty(report)?);
    } else {
        print(report);
    }
    Ok(())
}

/// Shows a table.
fn show(columns: &[&str], rows: &[Vec<Option<String>>]) {
    let columns: Vec<String> = columns.iter().map(|name| (*name).to_owned()).collect();
    for line in table(&columns, rows, 60) {
        println!("  {line}");
    }
}

/// How a bar is shown.
fn verdict(good: bool) -> String {
    if good { "kept" } else { "BROKEN" }.to_owned()
}
