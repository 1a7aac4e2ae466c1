//! For a reader.

use super::{
    ENTRIES_BAR, Entries, FEW_DOCUMENTS, LINEAR_BAR, MANY_DOCUMENTS, Measure, RUNS, Report, Run,
    SOME_ENTRIES,
};
use crate::bench::plot::{Line, Plot};
use crate::bench::report::{self, Section};
use crate::console::thousands;

/// Tables and plots.
pub fn sections(report: &Report) -> Vec<Section> {
    let documents = format!(
        "Stored policies and memberships: {} against {} of each",
        thousands(MANY_DOCUMENTS),
        thousands(FEW_DOCUMENTS)
    );
    vec![
        section(&documents, "documents", &report.documents),
        section(
            "Instances of one policy, against one",
            "instances",
            &report.instances,
        )
        .plot(curves(
            "Instances of one policy",
            "instances",
            &report.instances,
        )),
        entries_section(&report.entries).plot(Plot::Curves {
            name: "entries".to_owned(),
            title: "Entries for one type".to_owned(),
            x: "entries".to_owned(),
            y: "ms".to_owned(),
            lines: RUNS
                .iter()
                .flat_map(|run| entries_lines(&report.entries, *run))
                .collect(),
        }),
    ]
}

fn entries_lines(entries: &[Entries], run: Run) -> [Line; 2] {
    let these = || entries.iter().filter(move |one| one.run == run);
    [
        Line {
            label: run.name().to_owned(),
            points: these()
                .map(|one| (one.at as f64, one.paired.policy_ms))
                .collect(),
        },
        Line {
            label: format!("{}, by hand", run.name()),
            points: these()
                .map(|one| (one.at as f64, one.paired.by_hand_ms))
                .collect(),
        },
    ]
}

fn entries_section(entries: &[Entries]) -> Section {
    let rows = entries.iter().map(|one| {
        vec![
            Some(one.run.name().to_owned()),
            Some(one.at.to_string()),
            Some(format!("{:.3}", one.paired.policy_ms)),
            Some(format!("{:.3}", one.paired.by_hand_ms)),
            Some(format!("{:.3}", one.paired.ratio)),
            Some(report::spread(&one.paired)),
            Some(format!("{:.2}", one.each_us)),
            Some(format!("{:.2}", one.by_hand_each_us)),
            Some(
                one.curve
                    .map_or_else(String::new, |curve| format!("{curve:.2}")),
            ),
            Some(report::verdict(one.kept())),
        ]
    });
    let columns = [
        "statement",
        "entries",
        "policy ms",
        "by hand ms",
        "ratio",
        "spread",
        "each adds µs",
        "by hand µs",
        "curve",
        &format!("bars {ENTRIES_BAR}, {LINEAR_BAR}"),
    ];
    Section::new("Entries for one type, against the same conditions by hand")
        .remark(format!(
            "200,000 Observations, paired runs, medians; the curve is what each adds at the most to what it adds at {SOME_ENTRIES}"
        ))
        .table(&columns, rows.collect())
}

fn section(title: &str, what: &str, measures: &[Measure]) -> Section {
    let rows = measures.iter().map(|one| {
        vec![
            Some(one.run.name().to_owned()),
            Some(thousands(one.at)),
            Some(format!("{:.3}", one.paired.policy_ms)),
            Some(format!("{:.3}", one.paired.by_hand_ms)),
            Some(format!("{:.3}", one.paired.ratio)),
            Some(report::spread(&one.paired)),
            Some(format!("{:.3}", one.each_us)),
            Some(
                one.bar
                    .map_or_else(String::new, |most| format!("{most:.2}")),
            ),
            Some(one.kept().map_or_else(String::new, report::verdict)),
        ]
    });
    let columns = [
        "statement",
        what,
        "ms",
        "ms at the least",
        "ratio",
        "spread",
        "each adds µs",
        "bar",
        "",
    ];
    Section::new(title)
        .remark("200,000 Observations, paired runs, medians")
        .table(&columns, rows.collect())
}

fn curves(title: &str, what: &str, measures: &[Measure]) -> Plot {
    let lines = RUNS.map(|run| Line {
        label: run.name().to_owned(),
        points: measures
            .iter()
            .filter(|one| one.run == run)
            .map(|one| (one.at as f64, one.paired.policy_ms))
            .collect(),
    });
    Plot::Curves {
        name: what.to_owned(),
        title: title.to_owned(),
        x: what.to_owned(),
        y: "ms".to_owned(),
        lines: lines.into(),
    }
}
