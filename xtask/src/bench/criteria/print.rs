//! The report, for a reader.

use super::Report;
use super::sessions::{LONGEST_COMPILATION_MS, LONGEST_SWITCH_US};
use crate::bench::pairs::Paired;
use crate::bench::{show, verdict};
use crate::console::{bold, dim, thousands};

/// For a reader.
pub fn print(report: &Report) {
    indexed(report);
    scans(report);
    sessions(report);
    instances(report);
}

fn ms(time: f64) -> Option<String> {
    Some(format!("{time:.3}"))
}

fn ratio(paired: &Paired) -> Option<String> {
    Some(format!("{:.3}", paired.ratio))
}

fn spread(paired: &Paired) -> Option<String> {
    let (low, high) = paired.spread;
    Some(format!("{low:.3}–{high:.3}"))
}

fn text(text: &str) -> Option<String> {
    Some(text.to_owned())
}

fn per_second(rows: f64) -> Option<String> {
    Some(thousands(rows as usize))
}

fn indexed(report: &Report) {
    println!(
        "\n{}\n{} rows per table, {}, release build, medians",
        bold("Criteria with their advised indexes against SQL by hand, prepared statements"),
        thousands(report.rows),
        report.postgresql
    );
    let rows: Vec<Vec<Option<String>>> = report
        .indexed
        .iter()
        .map(|one| {
            vec![
                text(one.kind),
                text(one.index),
                text(one.statement),
                text(one.against),
                Some(one.rows.to_string()),
                ms(one.paired.policy_ms),
                ms(one.paired.by_hand_ms),
                ratio(&one.paired),
                spread(&one.paired),
                Some(if one.has_bar {
                    verdict(one.keeps_bar())
                } else {
                    "no bar".to_owned()
                }),
                Some(one.note.unwrap_or_default().to_owned()),
            ]
        })
        .collect();
    show(
        &[
            "kind",
            "index",
            "statement",
            "by hand",
            "rows",
            "policy ms",
            "by hand ms",
            "ratio",
            "spread",
            "bar 1.10",
            "by hand differs",
        ],
        &rows,
    );
    for one in &report.indexed {
        if let Some(plans) = &one.plans {
            println!(
                "\n{} {} {}\n{}\n{}\n{}",
                bold(one.criteria),
                one.statement,
                dim(one.against),
                plans.policy,
                dim("by hand:"),
                plans.by_hand
            );
        }
    }
}

fn scans(report: &Report) {
    println!(
        "\n{}\nrows per second and core; µs are those of a row without reading it",
        bold("Filters without an index")
    );
    let rows: Vec<Vec<Option<String>>> = report
        .scans
        .iter()
        .map(|one| {
            vec![
                text(one.kind),
                per_second(one.policy_rows_per_second),
                per_second(one.containment_rows_per_second),
                per_second(one.bare_rows_per_second),
                Some(format!("{:.3}", one.ratio)),
                Some(format!("{:.2}", one.policy_us)),
                Some(format!("{:.2}", one.containment_us)),
                text(one.criteria),
            ]
        })
        .collect();
    show(
        &[
            "kind",
            "policy",
            "resource @> …",
            "no condition",
            "ratio",
            "policy µs",
            "@> µs",
            "criteria",
        ],
        &rows,
    );
    for one in &report.scans {
        if let Some(plan) = &one.plan {
            println!("\n{}\n{plan}", bold(one.criteria));
        }
    }
}

fn sessions(report: &Report) {
    let sessions = &report.sessions;
    println!(
        "\n{}",
        bold("Policies and memberships, as a client sees them")
    );
    let row = |what: &str, time: f64, unit: &str, bar: Option<(f64, f64)>| {
        let bar = match bar {
            Some((bar, value)) => format!("{} (at most {bar} {unit})", verdict(value <= bar)),
            None => String::new(),
        };
        vec![text(what), Some(format!("{time:.3} {unit}")), Some(bar)]
    };
    let entries = sessions.entries;
    show(
        &["what", "median", "bar"],
        &[
            row(
                &format!("validate() a policy of {entries} entries"),
                sessions.validate_ms,
                "ms",
                None,
            ),
            row(
                "SET membership, EXPLAIN: first time",
                sessions.first_ms,
                "ms",
                Some((LONGEST_COMPILATION_MS, sessions.first_ms)),
            ),
            row(
                "SET membership, EXPLAIN: second time",
                sessions.second_ms,
                "ms",
                None,
            ),
            row("explain() in that session", sessions.explain_ms, "ms", None),
            row(
                "EXPLAIN of the same predicate by hand",
                sessions.by_hand_ms,
                "ms",
                None,
            ),
            row("SET membership, known", sessions.switch_us, "µs", None),
            row("SET application_name", sessions.set_us, "µs", None),
            row(
                "SET membership above SET application_name",
                sessions.switch_above_set_us,
                "µs",
                Some((LONGEST_SWITCH_US, sessions.switch_above_set_us)),
            ),
            row(
                "next statement after a switch",
                sessions.next_after_switch_us,
                "µs",
                None,
            ),
            row(
                "the same by hand after DISCARD PLANS",
                sessions.next_after_discard_us,
                "µs",
                None,
            ),
            row(
                "next statement after SET application_name",
                sessions.next_after_set_us,
                "µs",
                None,
            ),
        ],
    );
}

fn instances(report: &Report) {
    println!(
        "\n{}",
        bold("A thousand instances of one policy: RiskAssessment?subject=%patient")
    );
    let rows: Vec<Vec<Option<String>>> = report
        .instances
        .iter()
        .map(|one| {
            vec![
                text(one.index),
                text(one.statement),
                text(one.against),
                Some(one.rows.to_string()),
                ms(one.paired.policy_ms),
                ms(one.paired.by_hand_ms),
                ratio(&one.paired),
                spread(&one.paired),
                ms(one.planning.policy_ms),
                ms(one.planning.by_hand_ms),
            ]
        })
        .collect();
    show(
        &[
            "index",
            "statement",
            "by hand",
            "rows",
            "policy ms",
            "by hand ms",
            "ratio",
            "spread",
            "planning ms",
            "by hand ms",
        ],
        &rows,
    );
    let mut last = "";
    for one in &report.instances {
        if let (Some(plan), true) = (&one.plan, one.index != last) {
            println!("\n{}\n{}", bold(one.index), plan);
            last = one.index;
        }
    }
}
