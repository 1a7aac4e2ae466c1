//! `cargo xtask bench fhirpath`: write constraints alone, from a document's bytes to the verdict, and in an UPDATE.

mod expressions;
mod updates;

use anyhow::Result;
use serde::Serialize;

use super::plot::{Plot, Ratio};
use super::report::{self, Section, verdict};
use crate::cluster::Cluster;
use crate::console;

use expressions::LONGEST_NS;
use updates::{LARGEST_RATIO, Update};

pub use expressions::{Expression, measure as expressions};

/// What was measured.
#[derive(Serialize)]
pub struct Report {
    rows: usize,
    expressions: Vec<Expression>,
    updates: Vec<Update>,
    pub good: bool,
}

/// Measures statements in an empty cluster.
pub fn measure(cluster: &Cluster, pairs: usize, expressions: Vec<Expression>) -> Result<Report> {
    let updates = updates::measure(cluster, pairs)?;
    let good =
        expressions.iter().all(Expression::keeps_bar) && updates.iter().all(Update::keeps_bar);
    Ok(Report {
        rows: updates::ROWS,
        expressions,
        updates,
        good,
    })
}

/// For a reader.
pub fn sections(report: &Report) -> Vec<Section> {
    let rows = report.expressions.iter().map(|one| {
        vec![
            Some(one.name.clone()),
            Some(format!("{:.0}", one.mean_ns)),
            Some(format!("{:.0}–{:.0}", one.interval_ns.0, one.interval_ns.1)),
            Some(report::bar(one.has_bar.then_some(one.keeps_bar()))),
        ]
    });
    let column = format!("bar {} ns", console::thousands(LONGEST_NS as usize));
    let expressions = Section::new(
        "Expressions on an Observation of 2.5 KB, from the bytes of two documents to the verdict",
    )
    .remark("criterion, release build, means with their confidence interval of 95 %")
    .table(&["expression", "ns", "interval", &column], rows.collect());
    let rows = report.updates.iter().map(|one| {
        let (low, high) = one.spread;
        vec![
            Some(one.name.to_owned()),
            Some(one.rows.to_string()),
            Some(format!("{:.3}", one.constrained_ms)),
            Some(format!("{:.3}", one.plain_ms)),
            Some(format!("{:.3}", one.ratio)),
            Some(format!("{low:.3}–{high:.3}")),
            Some(verdict(one.keeps_bar())),
        ]
    });
    let column = format!("bar {LARGEST_RATIO:.2}");
    let columns = [
        "statement",
        "rows",
        "with ms",
        "without ms",
        "ratio",
        "spread",
        &column,
    ];
    let title = "An UPDATE under a policy with two write constraints against the same one without";
    let updates = Section::new(title)
        .remark(format!(
            "{} rows, release build, prepared statements, medians",
            console::thousands(report.rows)
        ))
        .table(&columns, rows.collect())
        .plot(Plot::Ratios {
            name: "updates".to_owned(),
            title: title.to_owned(),
            ratios: report
                .updates
                .iter()
                .map(|one| Ratio {
                    label: one.name.to_owned(),
                    series: "with / without".to_owned(),
                    ratio: one.ratio,
                    spread: one.spread,
                })
                .collect(),
            bar: Some(LARGEST_RATIO),
        });
    vec![expressions, updates]
}
