//! `cargo xtask bench`: what access control costs, by several methods, and what a backend keeps.
//!
//! Statements are measured as a ratio in one run on one machine: the same prepared statement under a policy, and with the
//! same predicate written by hand, by a role that row security does not apply to, in turn; or under a policy with and
//! without constraints; or on a protected table and on one that is not. Each bench hands its results to one harness
//! (`report`), which shows tables, writes JSON and draws plots.

mod compartment;
mod criteria;
mod estimates;
mod fhirpath;
mod growth;
mod histories;
mod machine;
mod masking;
mod memory;
mod own_conditions;
mod pairs;
mod plot;
mod report;
mod rows;
mod statements;
mod switching;
mod writes;

use std::path::PathBuf;

use anyhow::Result;
use postgres::Client;

use crate::cluster::{Cluster, Purpose, SUPERUSER};
use crate::project::Project;
use crate::setup::{self, Server};

use machine::Machine;
use report::Outcome;

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
    #[arg(value_enum, default_value_t = Subject::Statements)]
    subject: Subject,
    /// Paired runs of each statement: 2,000, of criteria 300, of masking 200; of statements: rounds of slices, 21.
    #[arg(long, value_name = "N")]
    pairs: Option<usize>,
    /// Resources. Of criteria in each table, 1M by default, which the bars are meant for; of statements in all tables
    /// together, 10k,1M by default. 10M needs 30 GB of disk, and half an hour more.
    #[arg(long, value_name = "N", value_delimiter = ',', value_parser = count)]
    rows: Vec<usize>,
    /// Of statements: how many clients ask at a time.
    #[arg(long, value_name = "N", value_delimiter = ',', value_parser = count, default_values = ["1", "4"])]
    clients: Vec<usize>,
    /// Of criteria and statements: show the plans of both sides.
    #[arg(long)]
    verbose: bool,
    /// Write the results as JSON into a file, or instead of tables to standard output.
    #[arg(long, value_name = "FILE", num_args = 0..=1, default_missing_value = "-")]
    json: Option<PathBuf>,
}

/// What can be measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Subject {
    /// The ten statements, by five methods of access control, on tables of several sizes.
    Statements,
    /// Another membership in each transaction; what a switch costs, and what a backend keeps.
    Switching,
    /// More stored documents, more instances of a policy, more entries for a type.
    Growth,
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
    /// Pages under policies that leave most, some and few rows, against the best plans; and the time to plan a point read.
    Estimates,
}

/// Measures. True when all bars are kept.
pub fn run(project: &Project, options: &Options) -> Result<bool> {
    let _lock = project.lock("bench")?;
    // Before the cluster: it takes long, and needs none.
    let expressions = match options.subject {
        Subject::Fhirpath => fhirpath::expressions(project)?,
        _ => Vec::new(),
    };
    let ready = setup::all(project)?;
    let mut machine = Machine::now(project, ready.server.version()?)?;
    let cluster = Cluster::fresh(project, &ready.server, Purpose::Bench)?;
    let outcome = measure(project, options, &cluster, &ready.server, expressions);
    cluster.remove()?;
    let outcome = outcome?;
    machine.end();
    let bench = options.subject.name();
    if options.json.as_deref() != Some("-".as_ref()) {
        outcome.print(&machine);
    }
    if let Some(file) = &options.json {
        report::write_json(&outcome.json(&bench, &machine), file)?;
    }
    outcome.draw(project, &bench)?;
    Ok(outcome.good())
}

/// Measures in an empty cluster.
fn measure(
    project: &Project,
    options: &Options,
    cluster: &Cluster,
    server: &Server,
    expressions: Vec<fhirpath::Expression>,
) -> Result<Outcome> {
    let pairs = |usual: usize| options.pairs.unwrap_or(usual).max(20);
    match options.subject {
        Subject::Statements => {
            let scope = statements::Scope {
                rows: match options.rows.as_slice() {
                    [] => vec![10_000, 1_000_000],
                    rows => rows.to_vec(),
                },
                clients: options.clients.clone(),
                rounds: options.pairs.unwrap_or(21).max(3),
                plans: options.verbose,
            };
            let report = statements::measure(project, cluster, server, &scope)?;
            Outcome::new(&report, statements::sections(&report), report.good)
        }
        Subject::Switching => {
            let report = switching::measure(cluster, pairs(2000))?;
            Outcome::new(&report, switching::sections(&report), report.good)
        }
        Subject::Growth => {
            let report = growth::measure(cluster, pairs(2000))?;
            Outcome::new(&report, growth::sections(&report), report.good)
        }
        Subject::Rows => {
            let report = rows::measure(cluster, pairs(2000))?;
            Outcome::new(&report, rows::sections(&report), report.good)
        }
        Subject::Criteria => {
            let rows = options.rows.first().copied().unwrap_or(1_000_000);
            let scope = criteria::Scope {
                rows: rows.max(1000),
                pairs: pairs(300),
                plans: options.verbose,
            };
            let report = criteria::measure(cluster, scope)?;
            Outcome::new(&report, criteria::sections(&report), report.good)
        }
        Subject::Fhirpath => {
            let report = fhirpath::measure(cluster, pairs(2000), expressions)?;
            Outcome::new(&report, fhirpath::sections(&report), report.good)
        }
        Subject::Writes => {
            let observations = writes::Observations::of(project)?;
            let report = writes::measure(cluster, pairs(2000), &observations)?;
            Outcome::new(&report, writes::sections(&report), report.good)
        }
        Subject::Masking => {
            let patients = masking::Patients::of(project)?;
            let report = masking::measure(cluster, pairs(200), &patients)?;
            Outcome::new(&report, masking::sections(&report), report.good)
        }
        Subject::Estimates => {
            let rows = options.rows.first().copied().unwrap_or(200_000);
            let report = estimates::measure(cluster, pairs(300), rows.clamp(1000, 200_000))?;
            Outcome::new(&report, estimates::sections(&report), report.good)
        }
        Subject::Histories => {
            let report = histories::measure(cluster, pairs(2000))?;
            Outcome::new(&report, histories::sections(&report), report.good)
        }
    }
}

/// A superuser in a new database, the bench's only one.
fn database(cluster: &Cluster) -> Result<Client> {
    cluster
        .connect(SUPERUSER, "postgres")?
        .batch_execute(&format!("CREATE DATABASE {DATABASE} TEMPLATE template0"))?;
    cluster.connect(SUPERUSER, DATABASE)
}

/// Statistics are there, and nothing of the loading is left to do: no pending entries of indexes, no dirty blocks.
fn settle(superuser: &mut Client) -> Result<()> {
    superuser.batch_execute("VACUUM (ANALYZE, FREEZE)")?;
    Ok(superuser.batch_execute("CHECKPOINT")?)
}

/// The plan of a statement.
fn plan(client: &mut Client, statement: &str) -> Result<String> {
    let rows = client.query(&format!("EXPLAIN (COSTS OFF) {statement}"), &[])?;
    // Nobody reads a list of a thousand references.
    let lines = rows.iter().map(|row| {
        let line: String = row.get(0);
        format!("{line:.400}")
    });
    let lines: Vec<String> = lines.collect();
    Ok(lines.join("\n"))
}

impl Subject {
    /// As it is typed.
    fn name(self) -> String {
        format!("{self:?}").to_lowercase()
    }
}

/// `10k`, `1M`, `2500`.
fn count(text: &str) -> Result<usize, String> {
    let (digits, unit) = match text.strip_suffix(['k', 'K']) {
        Some(digits) => (digits, 1_000),
        None => match text.strip_suffix(['m', 'M']) {
            Some(digits) => (digits, 1_000_000),
            None => (text, 1),
        },
    };
    let number: Option<usize> = digits.parse().ok();
    number
        .and_then(|number| number.checked_mul(unit))
        .filter(|number| *number > 0)
        .ok_or_else(|| "not a number such as 2500, 10k or 1M".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts() {
        assert_eq!(count("2500"), Ok(2_500));
        assert_eq!(count("10k"), Ok(10_000));
        assert_eq!(count("1M"), Ok(1_000_000));
        for text in ["", "k", "0", "1.5k", "-1", "99999999999999999999M"] {
            assert!(count(text).is_err(), "{text}");
        }
    }
}
