//! A statement's own conditions on a protected table, which indexes of the user's own serve: below the policy's, as without row
//! security.

use anyhow::{Context, Result, ensure};
use postgres::Client;

use super::compartment::Comparison;
use super::pairs::{self, Budget};

/// A member who may see the fifth of the rows that are of the laboratory.
const MEMBERSHIP: &str = "laboratory";

/// A policy for it, and indexes for the conditions.
const PREPARATION: &str = r#"
    INSERT INTO fhir_access.access_policy (resource) VALUES ('{"resourceType": "AccessPolicy", "id": "laboratory",
        "resource": [{"resourceType": "Observation", "criteria": "Observation?category=laboratory"}]}');
    INSERT INTO fhir_access.project_membership (resource) VALUES ('{"resourceType": "ProjectMembership", "id": "laboratory",
        "accessPolicy": {"reference": "AccessPolicy/laboratory"}}');
    CREATE INDEX own_date ON observation ((resource ->> 'effectiveDateTime'));
    ANALYZE observation"#;

/// What somebody without the extension would write.
const BY_HAND: &str = r#"resource @> '{"category": [{"coding": [{"code": "laboratory"}]}]}'"#;

const CONDITIONS: [(&str, &str); 4] = [
    (
        "own @>",
        r#"resource @> '{"encounter": {"reference": "Encounter/e4711"}}'"#,
    ),
    (
        "own @?",
        r#"resource @? '$.encounter ? (@.reference == "Encounter/e4711")'"#,
    ),
    (
        "own ->> =",
        "resource ->> 'effectiveDateTime' = '2021-02-03T09:15:00Z'",
    ),
    (
        "own ->> LIKE, ->> BETWEEN",
        "resource ->> 'effectiveDateTime' BETWEEN '2021-02-03' AND '2021-02-05' AND resource #>> '{subject,reference}' LIKE 'Patient/p1%'",
    ),
];

/// Compares statements with each condition.
pub fn compare(
    application: &mut Client,
    superuser: &mut Client,
    pairs: usize,
) -> Result<Vec<Comparison>> {
    superuser.batch_execute(PREPARATION)?;
    application.batch_execute(&format!("SET fhir_access.membership = '{MEMBERSHIP}'"))?;
    let mut comparisons = Vec::new();
    for (name, condition) in CONDITIONS {
        let select = "SELECT id, resource::text FROM observation WHERE";
        let policy = application.prepare(&format!("{select} {condition}"))?;
        let by_hand = superuser.prepare(&format!("{select} {BY_HAND} AND {condition}"))?;
        let seen = pairs::rows(application, &policy, &[])?;
        ensure!(
            !seen.is_empty() && seen == pairs::rows(superuser, &by_hand, &[])?,
            "the rows of {name} differ"
        );
        let paired = pairs::interleave(
            Budget::pairs(pairs),
            || pairs::timed(application, &policy, &[]),
            || pairs::timed(superuser, &by_hand, &[]),
        )
        .with_context(|| name)?;
        comparisons.push(Comparison {
            name,
            against: "hand-written",
            rows: seen.len(),
            paired,
            has_bar: true,
        });
    }
    Ok(comparisons)
}
