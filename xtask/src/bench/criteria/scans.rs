//! Each kind of criterion as a filter, where no index can answer it.

use std::time::Duration;

use anyhow::{Context, Result};
use postgres::Client;
use serde::Serialize;

use super::cases::CASES;
use super::{Scope, plan};
use crate::bench::pairs::{self, Budget, Paired};

/// Containment that no row fits: what a filter is compared with.
const CONTAINMENT: [(&str, &str); 3] = [
    (
        "observation",
        r#"{"code":{"coding":[{"system":"http://loinc.org","code":"none"}]}}"#,
    ),
    ("patient", r#"{"name":[{"family":"None"}]}"#),
    (
        "risk_assessment",
        r#"{"subject":{"reference":"Patient/none"}}"#,
    ),
];

/// Each pass takes seconds.
const PASSES: Budget = Budget {
    warm_up: 1,
    pairs: 5,
    time: Duration::MAX,
};

/// A whole table read through a policy, and through containment.
#[derive(Debug, Serialize)]
pub struct Scan {
    pub kind: &'static str,
    pub criteria: &'static str,
    /// Rows per second and core.
    pub policy_rows_per_second: f64,
    pub containment_rows_per_second: f64,
    /// Rows per second without any condition.
    pub bare_rows_per_second: f64,
    /// Time of the policy to time of containment.
    pub ratio: f64,
    /// Of one row, without reading it.
    pub policy_us: f64,
    pub containment_us: f64,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub plan: Option<String>,
}

/// Reads each table once per pair, in one process.
pub fn measure(
    application: &mut Client,
    superuser: &mut Client,
    scope: Scope,
) -> Result<Vec<Scan>> {
    let mut scans = Vec::new();
    for (table, document) in CONTAINMENT {
        let bare = superuser.prepare(&format!("SELECT count(*) FROM {table}"))?;
        let contained = format!("SELECT count(*) FROM {table} WHERE resource @> '{document}'");
        let contained = superuser.prepare(&contained)?;
        let mut times = Vec::new();
        for _ in 0..PASSES.pairs {
            times.push(pairs::timed(superuser, &bare, &[])?);
        }
        let bare_ms = pairs::median_ms(times);
        for case in CASES.iter().filter(|case| case.table == table) {
            application.batch_execute(&format!("SET fhir_access.membership = '{}'", case.id()))?;
            let sql = format!("SELECT count(*) FROM {table}");
            let plan = scope.plans.then(|| plan(application, &sql)).transpose()?;
            let policy = application.prepare(&sql)?;
            let Paired {
                policy_ms,
                by_hand_ms,
                ratio,
                ..
            } = pairs::interleave(
                PASSES,
                || pairs::timed(application, &policy, &[]),
                || pairs::timed(superuser, &contained, &[]),
            )
            .context(case.criteria)?;
            let rows = scope.rows as f64;
            scans.push(Scan {
                kind: case.kind,
                criteria: case.criteria,
                policy_rows_per_second: rows / policy_ms * 1e3,
                containment_rows_per_second: rows / by_hand_ms * 1e3,
                bare_rows_per_second: rows / bare_ms * 1e3,
                ratio,
                policy_us: (policy_ms - bare_ms) / rows * 1e3,
                containment_us: (by_hand_ms - bare_ms) / rows * 1e3,
                plan,
            });
        }
    }
    Ok(scans)
}
