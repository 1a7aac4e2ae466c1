//! The report, for a reader.

use super::Report;
use super::sessions::{LONGEST_COMPILATION_MS, LONGEST_SWITCH_US};
use crate::bench::LARGEST_RATIO;
use crate::bench::pairs::Paired;
use crate::bench::plot::{Plot, Ratio};
use crate::bench::report::{self, Section, verdict};
use crate::console::{bold, dim, thousands};

/// For a reader.
pub fn sections(report: &Report) -> Vec<Section> {
    vec![
        indexed(report),
        scans(report),
        sessions(report),
        instances(report),
    ]
}

fn ms(time: f64) -> Option<String> {
    Some(format!("{time:.3}"))
}

fn ratio(paired: &Paired) -> Option<String> {
    Some(format!("{:.3}", paired.ratio))
}

fn spread(paired: &Paired) -> Option<String> {
    Some(report::spread(paired))
}

fn text(text: &str) -> Option<String> {
    Some(text.to_owned())
}

fn per_second(rows: f64) -> Option<String> {
    Some(thousands(rows as usize))
}

fn indexed(report: &Report) -> Section {
    let rows = report.indexed.iter().map(|one| {
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
            Some(report::bar(one.has_bar.then_some(one.keeps_bar()))),
            Some(one.note.unwrap_or_default().to_owned()),
        ]
    });
    let columns = [
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
    ];
    let title = "Criteria with their advised indexes against SQL by hand, prepared statements";
    let mut section = Section::new(title)
        .remark(format!(
            "{} rows per table, release build, medians",
            thousands(report.rows)
        ))
        .table(&columns, rows.collect());
    for one in &report.indexed {
        if let Some(plans) = &one.plans {
            section = section.after(format!(
                "{} {} {}\n{}\n{}\n{}",
                bold(one.criteria),
                one.statement,
                dim(one.against),
                plans.policy,
                dim("by hand:"),
                plans.by_hand
            ));
        }
    }
    let with_bar = report.indexed.iter().filter(|one| one.has_bar);
    section.plot(Plot::Ratios {
        name: "indexed".to_owned(),
        title: title.to_owned(),
        ratios: with_bar
            .map(|one| {
                let label = format!("{}, {} ({})", one.kind, one.statement, one.against);
                Ratio::of(label, "policy / by hand", &one.paired)
            })
            .collect(),
        bar: Some(LARGEST_RATIO),
    })
}

fn scans(report: &Report) -> Section {
    let rows = report.scans.iter().map(|one| {
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
    });
    let columns = [
        "kind",
        "policy",
        "resource @> …",
        "no condition",
        "ratio",
        "policy µs",
        "@> µs",
        "criteria",
    ];
    let mut section = Section::new("Filters without an index")
        .remark("rows per second and core; µs are those of a row without reading it")
        .table(&columns, rows.collect());
    for one in &report.scans {
        if let Some(plan) = &one.plan {
            section = section.after(format!("{}\n{plan}", bold(one.criteria)));
        }
    }
    section
}

fn sessions(report: &Report) -> Section {
    let sessions = &report.sessions;
    let row = |what: &str, time: f64, unit: &str, bar: Option<(f64, f64)>| {
        let bar = match bar {
            Some((bar, value)) => format!("{} (at most {bar} {unit})", verdict(value <= bar)),
            None => String::new(),
        };
        vec![text(what), Some(format!("{time:.3} {unit}")), Some(bar)]
    };
    let entries = sessions.entries;
    let rows = vec![
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
    ];
    Section::new("Policies and memberships, as a client sees them")
        .table(&["what", "median", "bar"], rows)
}

fn instances(report: &Report) -> Section {
    let rows = report.instances.iter().map(|one| {
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
    });
    let columns = [
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
    ];
    let mut section =
        Section::new("A thousand instances of one policy: RiskAssessment?subject=%patient")
            .table(&columns, rows.collect());
    let mut last = "";
    for one in &report.instances {
        if let (Some(plan), true) = (&one.plan, one.index != last) {
            section = section.after(format!("{}\n{}", bold(one.index), plan));
            last = one.index;
        }
    }
    section
}
