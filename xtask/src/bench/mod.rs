//! `cargo xtask bench`: what row security costs, and what a backend keeps.
//!
//! Everything is measured as a ratio in one run on one machine: the same prepared statement under a policy, and with the
//! same predicate written by hand, by a role that row security does not apply to, in turn.

mod compartment;
mod criteria;
mod memory;
mod pairs;
mod rows;

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
    /// Paired runs of each statement: 2,000, or of criteria 300.
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
}

/// Measures. True when all bars are kept.
pub fn run(project: &Project, options: &Options) -> Result<bool> {
    let _lock = project.lock("bench")?;
    let ready = setup::all(project)?;
    let cluster = Cluster::fresh(project, &ready.server, Purpose::Bench)?;
    let postgresql = ready.server.version()?;
    match options.subject {
        Subject::Rows => {
            let pairs = options.pairs.unwrap_or(2000).max(20);
            let report = rows::measure(&cluster, pairs, postgresql);
            cluster.remove()?;
            let report = report?;
            tell(options, &report, rows::print)?;
            Ok(report.good)
        }
        Subject::Criteria => {
            let scope = criteria::Scope {
                rows: options.rows.max(1000),
                pairs: options.pairs.unwrap_or(300).max(20),
                plans: options.verbose,
            };
            let report = criteria::measure(&cluster, scope, postgresql);
            cluster.remove()?;
            let report = report?;
            tell(options, &report, criteria::print)?;
            Ok(report.good)
        }
    }
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
