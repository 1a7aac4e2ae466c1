//! `cargo xtask bench fhirpath`: write constraints alone, from a document's bytes to the verdict, and in an UPDATE.

mod expressions;
mod updates;

use anyhow::Result;
use serde::Serialize;

use super::{show, verdict};
use crate::cluster::Cluster;
use crate::console::{self, bold};

use expressions::{Expression, LONGEST_NS};
use updates::{LARGEST_RATIO, Update};

pub use expressions::measure as expressions;

/// What was measured.
#[derive(Serialize)]
pub struct Report {
    postgresql: String,
    rows: usize,
    expressions: Vec<Expression>,
    updates: Vec<Update>,
    pub good: bool,
}

/// Measures statements in an empty cluster.
pub fn measure(
    cluster: &Cluster,
    pairs: usize,
    expressions: Vec<Expression>,
    postgresql: String,
) -> Result<Report> {
    let updates = updates::measure(cluster, pairs)?;
    let good =
        expressions.iter().all(Expression::keeps_bar) && updates.iter().all(Update::keeps_bar);
    Ok(Report {
        postgresql,
        rows: updates::ROWS,
        expressions,
        updates,
        good,
    })
}

/// For a reader.
pub fn print(report: &Report) {
    println!(
        "\n{}",
        bold(
            "Expressions on an Observation of 2.5 KB, from the bytes of two documents to the verdict"
        )
    );
    println!("criterion, release build, means with their confidence interval of 95 %");
    let rows: Vec<Vec<Option<String>>> = report
        .expressions
        .iter()
        .map(|one| {
            vec![
                Some(one.name.clone()),
                Some(format!("{:.0}", one.mean_ns)),
                Some(format!("{:.0}–{:.0}", one.interval_ns.0, one.interval_ns.1)),
                Some(bar(one.has_bar, one.keeps_bar())),
            ]
        })
        .collect();
    let column = format!("bar {} ns", console::thousands(LONGEST_NS as usize));
    show(&["expression", "ns", "interval", &column], &rows);
    println!(
        "\n{}",
        bold("An UPDATE under a policy with two write constraints against the same one without")
    );
    println!(
        "{} rows, {}, release build, prepared statements, medians",
        console::thousands(report.rows),
        report.postgresql
    );
    let rows: Vec<Vec<Option<String>>> = report
        .updates
        .iter()
        .map(|one| {
            let (low, high) = one.spread;
            vec![
                Some(one.name.to_owned()),
                Some(one.rows.to_string()),
                Some(format!("{:.3}", one.constrained_ms)),
                Some(format!("{:.3}", one.plain_ms)),
                Some(format!("{:.3}", one.ratio)),
                Some(format!("{low:.3}–{high:.3}")),
                Some(bar(true, one.keeps_bar())),
            ]
        })
        .collect();
    let column = format!("bar {LARGEST_RATIO:.2}");
    show(
        &[
            "statement",
            "rows",
            "with ms",
            "without ms",
            "ratio",
            "spread",
            &column,
        ],
        &rows,
    );
}

fn bar(has_bar: bool, kept: bool) -> String {
    if has_bar {
        verdict(kept)
    } else {
        "no bar".to_owned()
    }
}
