//! `cargo xtask bench writes`: each kind of write under a policy, against the same table unprotected, with the same indexes.

mod data;
mod statements;

use std::cell::RefCell;
use std::io::Write as _;

use anyhow::{Context, Result, ensure};
use postgres::Client;
use postgres::error::SqlState;
use serde::Serialize;

use super::plot::{Plot, Ratio};
use super::report::{self, Section};
use super::{APPLICATION, DATABASE};
use crate::cluster::Cluster;
use crate::console::{step, thousands};

use statements::{BY_HAND, GUARDED, PLAIN, Sides, Write};

pub use data::{Observations, as_copy, synthea};

/// The tables and the policies.
const TABLES_AND_POLICIES: &str = include_str!("../../../../benches/writes.sql");

/// The rules of the second policy, by hand.
const RULES_BY_HAND: &str = include_str!("../../../../benches/writes_by_hand.sql");

/// The memberships that are measured, and the tables against which.
const COMPARISONS: [(&str, &str); 3] = [
    ("criteria", PLAIN),
    ("everything", PLAIN),
    ("everything", BY_HAND),
];

/// What was measured.
#[derive(Serialize)]
pub struct Report {
    origin: &'static str,
    mean_bytes: usize,
    writes: Vec<Write>,
    pub good: bool,
}

/// Measures in an empty cluster.
pub fn measure(cluster: &Cluster, pairs: usize, observations: &Observations) -> Result<Report> {
    step(&format!(
        "loading {} Observations of {}",
        thousands(data::ROWS),
        observations.origin
    ));
    let mut superuser = super::database(cluster)?;
    superuser
        .batch_execute(TABLES_AND_POLICIES)
        .context("writes.sql failed")?;
    superuser
        .batch_execute(RULES_BY_HAND)
        .context("writes_by_hand.sql failed")?;
    let mut writer = superuser.copy_in("COPY source FROM STDIN")?;
    writer.write_all(observations.as_copy().as_bytes())?;
    writer.finish()?;
    superuser.batch_execute(
        r#"INSERT INTO stored
         SELECT id, jsonb_set(resource, '{meta}', coalesce(resource -> 'meta', '{}') || '{"project": "clinic"}') FROM source;
         INSERT INTO patient
         SELECT DISTINCT substr(reference, 9), jsonb_build_object('resourceType', 'Patient', 'id', substr(reference, 9))
           FROM (SELECT resource #>> '{subject,reference}' AS reference FROM source) AS subjects
          WHERE reference LIKE 'Patient/%';
         INSERT INTO patient_by_hand SELECT * FROM patient"#,
    )?;
    super::settle(&mut superuser)?;
    let superuser = RefCell::new(superuser);
    let mut writes = Vec::new();
    for (policy, against) in COMPARISONS {
        let mut application = cluster.connect(APPLICATION, DATABASE)?;
        application.batch_execute(&format!(
            "SET fhir_access.membership = '{policy}'; SET app.project = 'clinic'"
        ))?;
        is_enforced(&mut application)?;
        step(&format!(
            "paired runs under the policy \"{policy}\", against the table \"{against}\""
        ));
        let sides = Sides {
            policy,
            against,
            application: &RefCell::new(application),
            superuser: &superuser,
            observations,
            most: pairs,
        };
        writes.extend(sides.all()?);
    }
    Ok(Report {
        origin: observations.origin,
        mean_bytes: observations.mean_bytes(),
        good: writes.iter().all(Write::keeps_bar),
        writes,
    })
}

/// One table refuses, and another does not: else there would be nothing to compare.
fn is_enforced(application: &mut Client) -> Result<()> {
    for table in [GUARDED, PLAIN, BY_HAND] {
        let mut transaction = application.transaction()?;
        let text = format!(
            r#"INSERT INTO {table} VALUES ('x', '{{"resourceType": "Observation", "id": "x", "status": "unknown"}}')"#
        );
        let refused = match transaction.batch_execute(&text) {
            Ok(()) => false,
            Err(error)
                if [
                    &SqlState::INSUFFICIENT_PRIVILEGE,
                    &SqlState::CHECK_VIOLATION,
                ]
                .contains(&error.code().unwrap_or(&SqlState::SUCCESSFUL_COMPLETION)) =>
            {
                true
            }
            Err(error) => return Err(error.into()),
        };
        transaction.rollback()?;
        ensure!(
            refused == (table != PLAIN),
            "{table} is not as it should be"
        );
    }
    Ok(())
}

/// For a reader.
pub fn sections(report: &Report) -> Vec<Section> {
    [
        (
            PLAIN,
            "ratios",
            "Writes under a policy against the same table unprotected, with the same indexes",
        ),
        (
            BY_HAND,
            "rules",
            "Writes under a policy against the same rules by hand, in row security and a PL/pgSQL trigger",
        ),
    ]
    .map(|(against, name, title)| section(report, against, name, title))
    .into()
}

fn section(report: &Report, against: &str, name: &str, title: &str) -> Section {
    let writes = || report.writes.iter().filter(|one| one.against == against);
    let rows = writes().map(|one| {
        vec![
            Some(one.policy.to_owned()),
            Some(one.name.to_owned()),
            Some(thousands(one.rows)),
            Some(format!("{:.3}", one.paired.policy_ms)),
            Some(format!("{:.3}", one.paired.by_hand_ms)),
            Some(format!("{:.2}", one.paired.ratio)),
            Some(report::spread(&one.paired)),
            Some(one.bar.map_or_else(String::new, |bar| format!("{bar:.2}"))),
            Some(report::bar(one.bar.map(|_| one.keeps_bar()))),
        ]
    });
    let columns = [
        "policy",
        "statement",
        "rows",
        "policy ms",
        "other ms",
        "ratio",
        "spread",
        "bar",
        "",
    ];
    Section::new(title)
        .remark(format!(
            "Observations of {}, {} bytes of JSON on average, primary key and GIN index, release build, medians",
            report.origin, report.mean_bytes
        ))
        .table(&columns, rows.collect())
        .plot(Plot::Ratios {
            name: name.to_owned(),
            title: title.to_owned(),
            ratios: writes()
                .map(|one| Ratio::of(one.name, one.policy, &one.paired))
                .collect(),
            bar: None,
        })
}
