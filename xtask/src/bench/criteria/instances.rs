//! Many instances of one policy: somebody who cares for a thousand patients.

use anyhow::{Context, Result, ensure};
use postgres::Client;
use serde::Serialize;
use serde_json::json;

use super::{Scope, plan, settle, store_documents};
use crate::bench::pairs::{self, Paired};

/// Instances.
const PATIENTS: usize = 1_000;

/// Policy and membership.
const CAREGIVER: &str = "caregiver";

/// Another index in the place of the advised one.
const DOCUMENT: &str = "DO $$ BEGIN
    EXECUTE (SELECT 'DROP INDEX ' || string_agg(indexrelid::regclass::text, ', ') FROM pg_index
              WHERE indrelid = 'risk_assessment'::regclass AND pg_get_indexdef(indexrelid) LIKE '%targets(%');
    END $$;
    CREATE INDEX ON risk_assessment USING gin (resource jsonb_path_ops)";

/// SQL by hand; `{patients}` is the array of references.
const BY_HAND: [(&str, &str); 2] = [
    (
        "= ANY, B-tree",
        "WHERE resource #>> '{subject,reference}' = ANY ({patients})",
    ),
    (
        "join with the list, B-tree",
        "JOIN unnest({patients}) AS patient ON resource #>> '{subject,reference}' = patient",
    ),
];

/// A statement under the policy and by hand.
#[derive(Debug, Serialize)]
pub struct Comparison {
    /// The index that answers the policy.
    pub index: &'static str,
    /// `count` or `fetch`.
    pub statement: &'static str,
    pub against: &'static str,
    pub rows: usize,
    #[serde(flatten)]
    pub paired: Paired,
    /// An `EXPLAIN`, which is parsed and planned each time.
    pub planning: Paired,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub plan: Option<String>,
}

/// Stores a policy with a parameter, and a membership with many instances of it.
pub fn store(superuser: &mut Client) -> Result<()> {
    let policy = json!({
        "resourceType": "AccessPolicy", "id": CAREGIVER,
        "resource": [{"resourceType": "RiskAssessment", "criteria": "RiskAssessment?subject=%patient"}]
    });
    let access: Vec<serde_json::Value> = (0..PATIENTS)
        .map(|n| {
            json!({
                "policy": {"reference": format!("AccessPolicy/{CAREGIVER}")},
                "parameter": [{"name": "patient", "valueReference": {"reference": format!("Patient/p{n}")}}]
            })
        })
        .collect();
    let membership = json!({
        "resourceType": "ProjectMembership", "id": CAREGIVER,
        "profile": {"reference": "Practitioner/gp7"}, "access": access
    });
    store_documents(superuser, &policy, &membership)
}

/// Compares with the advised index, then with one on the document in its place.
pub fn compare(
    application: &mut Client,
    superuser: &mut Client,
    scope: Scope,
) -> Result<Vec<Comparison>> {
    application.batch_execute(&format!("SET fhir_access.membership = '{CAREGIVER}'"))?;
    let policy_plan = plan(application, "SELECT count(*) FROM risk_assessment")?;
    ensure!(
        policy_plan.contains("targets("),
        "the advised index is not one of references:\n{policy_plan}"
    );
    let mut comparisons = with_index("advised: targets()", application, superuser, scope)?;
    superuser.batch_execute(DOCUMENT)?;
    settle(superuser)?;
    comparisons.extend(with_index("the document", application, superuser, scope)?);
    Ok(comparisons)
}

fn with_index(
    index: &'static str,
    application: &mut Client,
    superuser: &mut Client,
    scope: Scope,
) -> Result<Vec<Comparison>> {
    let references: Vec<String> = (0..PATIENTS).map(|n| format!("Patient/p{n}")).collect();
    let patients = format!("'{{{}}}'::text[]", references.join(","));
    let mut comparisons = Vec::new();
    for (statement, columns) in [("count", "count(*)"), ("fetch", "resource")] {
        let policy_sql = format!("SELECT {columns} FROM risk_assessment");
        let policy_plan = plan(application, &policy_sql)?;
        ensure!(
            !policy_plan.contains("hand_"),
            "the policy uses an index that was made by hand:\n{policy_plan}"
        );
        let policy = application.prepare(&policy_sql)?;
        for (against, by_hand) in BY_HAND {
            let by_hand_sql = format!("{policy_sql} {}", by_hand.replace("{patients}", &patients));
            let by_hand = superuser.prepare(&by_hand_sql)?;
            let seen = pairs::rows_seen(application, &policy)?;
            let expected = pairs::rows_seen(superuser, &by_hand)?;
            ensure!(
                seen == expected,
                "{against} sees {expected} rows, the policy {seen}"
            );
            let paired = pairs::interleave(
                scope.budget(),
                || pairs::timed(application, &policy, &[]),
                || pairs::timed(superuser, &by_hand, &[]),
            )
            .with_context(|| format!("{statement} against {against}"))?;
            let explain_policy = format!("EXPLAIN {policy_sql}");
            let explain_by_hand = format!("EXPLAIN {by_hand_sql}");
            let planning = pairs::interleave(
                scope.budget(),
                || pairs::timed_batch(application, &explain_policy),
                || pairs::timed_batch(superuser, &explain_by_hand),
            )?;
            comparisons.push(Comparison {
                index,
                statement,
                against,
                rows: seen,
                paired,
                planning,
                plan: scope.plans.then(|| policy_plan.clone()),
            });
        }
    }
    Ok(comparisons)
}
