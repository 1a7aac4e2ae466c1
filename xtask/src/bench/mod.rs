//! `cargo xtask bench`: what row security costs, and what a backend keeps.
//!
//! Everything is measured as a ratio in one run on one machine: the same prepared statement under a policy, and with the
//! same predicate written by hand, by a role that row security does not apply to, in turn.

mod memory;
mod pairs;

use anyhow::{Context, Result};
use serde::Serialize;

use crate::cluster::{Cluster, Purpose, SUPERUSER};
use crate::console::{self, bold, step, table};
use crate::project::Project;
use crate::setup;

/// The data and the policy.
const DATA: &str = include_str!("../../../benches/observations.sql");

/// The role that the policy applies to.
const APPLICATION: &str = "bench_app";

/// The database.
const DATABASE: &str = "bench";

/// Row security may cost this much, as a ratio.
const LARGEST_RATIO: f64 = 1.10;

/// A backend may grow by so much between 100 and 10,000 switches of membership.
const LARGEST_GROWTH_MB: f64 = 20.0;

/// Options of `cargo xtask bench`.
#[derive(clap::Args)]
pub struct Options {
    /// Paired runs of each statement.
    #[arg(long, default_value_t = 2000, value_name = "N")]
    pairs: usize,
    /// Print JSON instead of tables.
    #[arg(long)]
    json: bool,
}

/// What was measured.
#[derive(Serialize)]
struct Report {
    postgresql: String,
    rows: i64,
    speed: Vec<pairs::Comparison>,
    memory: memory::Memory,
    good: bool,
}

/// Measures. True when both bars are kept.
pub fn run(project: &Project, options: &Options) -> Result<bool> {
    let _lock = project.lock("bench")?;
    let ready = setup::all(project)?;
    let cluster = Cluster::fresh(project, &ready.server, Purpose::Bench)?;
    let report = measure(&cluster, options, ready.server.version()?);
    cluster.remove()?;
    let report = report?;
    if options.json {
        println!("{}", serde_json::to_string_pretty(&report)?);
    } else {
        print(&report);
    }
    Ok(report.good)
}

fn measure(cluster: &Cluster, options: &Options, postgresql: String) -> Result<Report> {
    step("loading 200,000 Observations");
    cluster
        .connect(SUPERUSER, "postgres")?
        .batch_execute(&format!("CREATE DATABASE {DATABASE} TEMPLATE template0"))?;
    let mut superuser = cluster.connect(SUPERUSER, DATABASE)?;
    superuser
        .batch_execute(DATA)
        .context("observations.sql failed")?;
    superuser.batch_execute("VACUUM (ANALYZE, FREEZE) observation")?;
    superuser.batch_execute("CHECKPOINT")?;
    let rows = superuser
        .query_one("SELECT count(*) FROM observation", &[])?
        .get(0);
    let mut application = cluster.connect(APPLICATION, DATABASE)?;
    step(&format!("{} paired runs of each statement", options.pairs));
    let speed = pairs::compare(&mut application, &mut superuser, options.pairs.max(20))?;
    step("10,000 switches of membership");
    let memory = memory::measure(cluster.connect(APPLICATION, DATABASE)?)?;
    let fast = speed
        .iter()
        .filter(|one| one.has_bar)
        .all(|one| one.ratio <= LARGEST_RATIO);
    let good = fast && memory.grown_mb < LARGEST_GROWTH_MB;
    Ok(Report {
        postgresql,
        rows,
        speed,
        memory,
        good,
    })
}

fn print(report: &Report) {
    let header = |names: &[&str]| {
        names
            .iter()
            .map(|name| (*name).to_owned())
            .collect::<Vec<_>>()
    };
    let verdict = |good: bool| if good { "kept" } else { "BROKEN" }.to_owned();
    println!(
        "\n{}",
        bold("Row security against the same WHERE written by hand, prepared statements")
    );
    println!(
        "{} rows, {}, release build, medians",
        console::thousands(report.rows.unsigned_abs() as usize),
        report.postgresql
    );
    let rows: Vec<Vec<Option<String>>> = report
        .speed
        .iter()
        .map(|one| {
            let (low, high) = one.spread;
            vec![
                Some(one.name.to_owned()),
                Some(one.against.to_owned()),
                Some(one.rows.to_string()),
                Some(format!("{:.3}", one.policy_ms)),
                Some(format!("{:.3}", one.by_hand_ms)),
                Some(format!("{:.3}", one.ratio)),
                Some(format!("{low:.3}–{high:.3}")),
                Some(if one.has_bar {
                    verdict(one.ratio <= LARGEST_RATIO)
                } else {
                    "no bar".to_owned()
                }),
            ]
        })
        .collect();
    let columns = header(&[
        "statement",
        "against",
        "rows",
        "policy ms",
        "by hand ms",
        "ratio",
        "spread",
        "bar 1.10",
    ]);
    for line in table(&columns, &rows, 60) {
        println!("  {line}");
    }
    let memory = &report.memory;
    println!(
        "\n{}",
        bold("A backend's memory under switches of membership")
    );
    let rows = vec![vec![
        Some(format!("{:.1}", memory.after_100_mb)),
        Some(format!("{:.1}", memory.after_10000_mb)),
        Some(format!("{:.1}", memory.grown_mb)),
        Some(format!("{:.1}", memory.private_grown_mb)),
        Some(format!("{:.3}", memory.switch_ms)),
        Some(verdict(memory.grown_mb < LARGEST_GROWTH_MB)),
    ]];
    let columns = header(&[
        "MB after 100",
        "MB after 10,000",
        "grown MB",
        "private grown MB",
        "ms per switch and query",
        "bar 20 MB",
    ]);
    for line in table(&columns, &rows, 60) {
        println!("  {line}");
    }
}
