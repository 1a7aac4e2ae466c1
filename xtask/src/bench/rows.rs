//! Row security itself: what it costs on one compartment, and what a backend keeps over switches of membership.

use anyhow::{Context, Result};
use serde::Serialize;

use super::compartment::{self, Comparison};
use super::memory::{self, Memory};
use super::plot::{Plot, Ratio};
use super::report::{self, Section, verdict};
use super::{APPLICATION, DATABASE, LARGEST_RATIO};
use super::{own_conditions, pairs};
use crate::cluster::Cluster;
use crate::console::{self, step};

/// The data and the policy.
const DATA: &str = include_str!("../../../benches/observations.sql");

/// A backend may grow by so much between 100 and 10,000 switches of membership.
const LARGEST_GROWTH_MB: f64 = 20.0;

/// What was measured.
#[derive(Serialize)]
pub struct Report {
    rows: i64,
    speed: Vec<Comparison>,
    memory: Memory,
    pub good: bool,
}

/// Measures in an empty cluster.
pub fn measure(cluster: &Cluster, pairs: usize) -> Result<Report> {
    step("loading 200,000 Observations");
    let mut superuser = super::database(cluster)?;
    superuser
        .batch_execute(DATA)
        .context("observations.sql failed")?;
    superuser.batch_execute("VACUUM (ANALYZE, FREEZE) observation")?;
    superuser.batch_execute("CHECKPOINT")?;
    let rows = superuser
        .query_one("SELECT count(*) FROM observation", &[])?
        .get(0);
    let mut application = cluster.connect(APPLICATION, DATABASE)?;
    pairs::on_one_core(&mut [&mut application, &mut superuser])?;
    step(&format!("{} paired runs of each statement", pairs));
    let mut speed = compartment::compare(&mut application, &mut superuser, pairs)?;
    speed.extend(own_conditions::compare(
        &mut application,
        &mut superuser,
        pairs,
    )?);
    step("10,000 switches of membership");
    let memory = memory::measure(cluster.connect(APPLICATION, DATABASE)?, ("m", 200), 100)?;
    let fast = speed
        .iter()
        .filter(|one| one.has_bar)
        .all(|one| one.paired.ratio <= LARGEST_RATIO);
    let good = fast && memory.grown_mb < LARGEST_GROWTH_MB;
    Ok(Report {
        rows,
        speed,
        memory,
        good,
    })
}

/// For a reader.
pub fn sections(report: &Report) -> Vec<Section> {
    let rows = report.speed.iter().map(|one| {
        vec![
            Some(one.name.to_owned()),
            Some(one.against.to_owned()),
            Some(one.rows.to_string()),
            Some(format!("{:.3}", one.paired.policy_ms)),
            Some(format!("{:.3}", one.paired.by_hand_ms)),
            Some(format!("{:.3}", one.paired.ratio)),
            Some(report::spread(&one.paired)),
            Some(report::bar(
                one.has_bar.then_some(one.paired.ratio <= LARGEST_RATIO),
            )),
        ]
    });
    let columns = [
        "statement",
        "against",
        "rows",
        "policy ms",
        "by hand ms",
        "ratio",
        "spread",
        "bar 1.10",
    ];
    let title = "Row security against the same WHERE written by hand, prepared statements";
    let speed = Section::new(title)
        .remark(format!(
            "{} rows, release build, medians",
            console::thousands(report.rows.unsigned_abs() as usize)
        ))
        .table(&columns, rows.collect())
        .plot(Plot::Ratios {
            name: "ratios".to_owned(),
            title: title.to_owned(),
            ratios: report
                .speed
                .iter()
                .map(|one| Ratio::of(one.name, one.against, &one.paired))
                .collect(),
            bar: Some(LARGEST_RATIO),
        });
    let memory = &report.memory;
    let row = vec![
        Some(format!("{:.1}", memory.after_first_mb)),
        Some(format!("{:.1}", memory.after_last_mb)),
        Some(format!("{:.1}", memory.grown_mb)),
        Some(format!("{:.1}", memory.private_grown_mb)),
        Some(format!("{:.3}", memory.switch_ms)),
        Some(verdict(memory.grown_mb < LARGEST_GROWTH_MB)),
    ];
    let columns = [
        "MB after 100",
        "MB after 10,000",
        "grown MB",
        "private grown MB",
        "ms per switch and query",
        "bar 20 MB",
    ];
    let memory =
        Section::new("A backend's memory under switches of membership").table(&columns, vec![row]);
    vec![speed, memory]
}
