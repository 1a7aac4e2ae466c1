//! The report, for a reader.

use super::{Answer, CASES, GROWTH_BAR, MEDIAN_BAR, Report, WORST_BAR};
use crate::bench::plot::{Line, Plot, Ratio};
use crate::bench::report::{Section, verdict};
use crate::console::{bold, dim, thousands};

/// For a reader.
pub fn sections(report: &Report) -> Vec<Section> {
    let mut sections = Vec::new();
    for summary in &report.summaries {
        sections.push(statements(report, summary.resources, summary.clients));
    }
    sections.push(bars(report));
    if !report.growth.is_empty() {
        sections.push(growth(report));
    }
    sections
}

/// So many of them.
pub fn clients(count: usize) -> String {
    format!("{count} client{}", if count == 1 { "" } else { "s" })
}

fn ms(time: f64) -> Option<String> {
    Some(if time < 9.995 {
        format!("{time:.3}")
    } else {
        format!("{time:.1}")
    })
}

fn statements(report: &Report, resources: usize, count: usize) -> Section {
    let these: Vec<&Answer> = report
        .answers
        .iter()
        .filter(|one| one.resources == resources && one.clients == count)
        .collect();
    let title = format!("{} resources, {}", thousands(resources), clients(count));
    let mut section = Section::new(&title);
    if let Some(size) = report.sizes.iter().find(|one| one.asked == resources) {
        section = section.remark(format!(
            "{} Patients, {} Encounters, {} Observations of {}, {:.0} MB and {:.0} MB of indexes; pgbench, prepared statements, medians of {} rounds; load {:.1}",
            thousands(size.patients.unsigned_abs() as usize),
            thousands(size.encounters.unsigned_abs() as usize),
            thousands(size.observations.unsigned_abs() as usize),
            report.origin,
            size.table_mb,
            size.index_mb,
            report.rounds,
            size.load,
        ));
    }
    if let Some(reason) = &report.no_application {
        section = section.remark(format!("(e) is skipped: {reason}"));
    }
    let rows = these.iter().map(|one| {
        let (low, high) = one.to_by_hand.spread;
        vec![
            Some(one.statement.to_owned()),
            Some(one.rows.to_string()),
            ms(one.by_hand_ms),
            ms(one.fhir_access_ms),
            ms(one.setting_ms),
            ms(one.function_ms),
            match one.application_ms {
                Some(time) => ms(time),
                None => Some("–".to_owned()),
            },
            Some(format!("{:.3}", one.to_by_hand.ratio)),
            Some(format!("{low:.2}–{high:.2}")),
            Some(verdict(one.to_by_hand.ratio <= WORST_BAR)),
            Some(format!("{:.3}", one.to_setting.ratio)),
            Some(verdict(one.to_setting.ratio < 1.0)),
        ]
    });
    let columns = [
        "statement",
        "rows",
        "(a) by hand ms",
        "(b) fhir_access",
        "(c) setting",
        "(d) function",
        "(e) Node",
        "b/a",
        "spread",
        &format!("bar {WORST_BAR:.2}"),
        "b/c",
        "bar < 1",
    ];
    section = section.table(&columns, rows.collect());
    for one in &these {
        if let Some((by_hand, fhir_access)) = &one.plans {
            section = section.after(format!(
                "{}\n{}\n{by_hand}\n{}\n{fhir_access}",
                bold(one.statement),
                dim("(a) by hand"),
                dim("(b) fhir_access")
            ));
        }
    }
    let mut ratios = Vec::new();
    for one in &these {
        let against_hand = |series: &str, time: f64| Ratio {
            label: one.statement.to_owned(),
            series: series.to_owned(),
            ratio: time / one.by_hand_ms,
            spread: (time / one.by_hand_ms, time / one.by_hand_ms),
        };
        ratios.push(Ratio {
            label: one.statement.to_owned(),
            series: "fhir_access".to_owned(),
            ratio: one.to_by_hand.ratio,
            spread: one.to_by_hand.spread,
        });
        ratios.push(against_hand("current_setting()", one.setting_ms));
        ratios.push(against_hand("PL/pgSQL function", one.function_ms));
        ratios.extend(
            one.application_ms
                .map(|time| against_hand("application", time)),
        );
    }
    section.plot(Plot::Ratios {
        name: format!("{resources}-{count}"),
        title: format!("Time against the same by hand in the statement: {title}"),
        ratios,
        bar: Some(WORST_BAR),
    })
}

fn bars(report: &Report) -> Section {
    let rows = report.summaries.iter().map(|one| {
        vec![
            Some(thousands(one.resources)),
            Some(one.clients.to_string()),
            Some(format!("{:.3}", one.median)),
            Some(verdict(one.median <= MEDIAN_BAR)),
            Some(format!("{:.3}", one.worst)),
            Some(verdict(one.worst <= WORST_BAR)),
            Some(one.slower_than_setting.len().to_string()),
            Some(verdict(one.slower_than_setting.is_empty())),
        ]
    });
    let columns = [
        "resources",
        "clients",
        "median b/a",
        &format!("bar {MEDIAN_BAR:.2}"),
        "worst b/a",
        &format!("bar {WORST_BAR:.2}"),
        "not faster than (c)",
        "bar 0",
    ];
    Section::new("The ten statements together").table(&columns, rows.collect())
}

fn growth(report: &Report) -> Section {
    let rows = report.growth.iter().map(|one| {
        vec![
            Some(one.statement.to_owned()),
            Some(one.clients.to_string()),
            Some(format!("{:.3}", one.fhir_access)),
            Some(format!("{:.3}", one.by_hand)),
            Some(verdict(one.fhir_access <= GROWTH_BAR)),
        ]
    });
    let columns = [
        "statement",
        "clients",
        "(b) fhir_access",
        "(a) by hand",
        &format!("bar {GROWTH_BAR:.2}"),
    ];
    let lines = CASES.iter().filter(|case| case.indexed).map(|case| {
        let points = report.answers.iter().filter(|one| {
            one.statement == case.name
                && report.summaries.first().map(|first| first.clients) == Some(one.clients)
        });
        Line {
            label: case.name.to_owned(),
            points: points
                .map(|one| (one.resources as f64, one.best_fhir_access_ms))
                .collect(),
        }
    });
    Section::new("What indexes find: time in the largest tables to time in the smallest")
        .remark("the fastest slices of both")
        .table(&columns, rows.collect())
        .plot(Plot::Curves {
            name: "growth".to_owned(),
            title: "What indexes find, under fhir_access".to_owned(),
            x: "resources".to_owned(),
            y: "ms".to_owned(),
            lines: lines.collect(),
        })
}
