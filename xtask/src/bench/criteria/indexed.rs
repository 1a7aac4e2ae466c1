//! Each kind of criterion with its advised index, against SQL by hand with indexes of its own.

use anyhow::{Context, Result, ensure};
use postgres::Client;
use serde::Serialize;
use serde_json::json;

use super::cases::{ByHand, CASES, Case};
use super::{Scope, plan, settle, store_membership};
use crate::bench::LARGEST_RATIO;
use crate::bench::pairs::{self, Budget, Paired};
use crate::bench::{APPLICATION, DATABASE};
use crate::cluster::{Cluster, SUPERUSER};
use crate::console::note;

/// The indexes by hand.
const BY_HAND: &str = include_str!("../../../../benches/by_hand.sql");

/// A statement under the policy and by hand.
#[derive(Debug, Serialize)]
pub struct Comparison {
    pub kind: &'static str,
    pub criteria: &'static str,
    /// The index that answers the policy: `advised`, or one for this parameter alone.
    pub index: &'static str,
    /// `count` or `fetch`.
    pub statement: &'static str,
    pub against: &'static str,
    pub rows: usize,
    #[serde(flatten)]
    pub paired: Paired,
    /// The SQL by hand means the same for every document, but for the note.
    pub has_bar: bool,
    pub note: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub plans: Option<Plans>,
}

/// How both sides are answered.
#[derive(Debug, Serialize)]
pub struct Plans {
    pub policy: String,
    pub by_hand: String,
}

impl Comparison {
    /// The bar is for what means the same.
    pub fn keeps_bar(&self) -> bool {
        !self.has_bar || self.paired.ratio <= LARGEST_RATIO
    }
}

impl Case {
    /// The kind as an id.
    pub fn id(&self) -> String {
        self.kind
            .chars()
            .filter(char::is_ascii_alphabetic)
            .collect()
    }
}

/// Stores a policy and a membership for each case.
pub fn store(superuser: &mut Client) -> Result<()> {
    for case in &CASES {
        let (kind, _) = case.criteria.split_once('?').unwrap_or_default();
        let policy = json!({
            "resourceType": "AccessPolicy", "id": case.id(),
            "resource": [{"resourceType": kind, "criteria": case.criteria}]
        });
        store_membership(superuser, &case.id(), &policy).context(case.criteria)?;
    }
    Ok(())
}

/// Creates the advised indexes and those by hand.
pub fn create_indexes(superuser: &mut Client) -> Result<()> {
    superuser.batch_execute("SET maintenance_work_mem = '1GB'")?;
    let advice = superuser.query("SELECT statement FROM fhir_access.index_advice()", &[])?;
    for row in advice {
        let statement: &str = row.get(0);
        superuser.batch_execute(statement).context("the advice")?;
        note(statement);
    }
    superuser
        .batch_execute(BY_HAND)
        .context("by_hand.sql failed")
}

/// Where the system has put two backends is worth more than the bar in what takes 20 µs: so many pairs of them are asked.
const BACKENDS: usize = 5;

/// Pairs of runs of each.
const LEAST_PAIRS: usize = 20;

/// Compares all cases with all their SQL by hand.
pub fn compare(cluster: &Cluster, superuser: &mut Client, scope: Scope) -> Result<Vec<Comparison>> {
    let mut comparisons = Vec::new();
    let mut compare = |case, index, by_hand: &'static [ByHand]| {
        for by_hand in by_hand {
            comparisons.extend(compare_case(cluster, (case, index, by_hand), scope)?);
        }
        anyhow::Ok(())
    };
    for case in &CASES {
        compare(case, "advised", case.by_hand)?;
    }
    let own = || {
        CASES
            .iter()
            .filter_map(|case| Some((case, case.own.as_ref()?)))
    };
    for (_, own) in own() {
        superuser.batch_execute(own.index)?;
    }
    settle(superuser)?;
    for (case, own) in own() {
        compare(case, own.name, own.by_hand)?;
    }
    Ok(comparisons)
}

/// Compares one case with one condition by hand, in both statements.
fn compare_case(
    cluster: &Cluster,
    (case, index, by_hand): (&Case, &'static str, &'static ByHand),
    scope: Scope,
) -> Result<Vec<Comparison>> {
    let mut comparisons = Vec::new();
    for statement in [("count", "count(*)"), ("fetch", "resource")] {
        let mut all = Vec::new();
        for _ in 0..BACKENDS {
            let mut application = cluster.connect(APPLICATION, DATABASE)?;
            let mut superuser = cluster.connect(SUPERUSER, DATABASE)?;
            application.batch_execute(&format!("SET fhir_access.membership = '{}'", case.id()))?;
            if all.is_empty() {
                check_rows(&mut application, &mut superuser, case, by_hand)?;
            }
            let compared = compare_one(
                &mut application,
                &mut superuser,
                (case, index, by_hand),
                statement,
                scope,
            )
            .with_context(|| format!("{} of {}: {}", statement.0, case.kind, by_hand.name))?;
            all.push(compared);
        }
        all.sort_by(|one, other| one.paired.ratio.total_cmp(&other.paired.ratio));
        comparisons.extend(all.into_iter().nth(BACKENDS / 2));
    }
    Ok(comparisons)
}

/// Both sides must see the same rows.
fn check_rows(
    application: &mut Client,
    superuser: &mut Client,
    case: &Case,
    by_hand: &ByHand,
) -> Result<()> {
    let ids = |client: &mut Client, condition: &str| {
        let statement = client.prepare(&format!("SELECT id FROM {}{condition}", case.table))?;
        pairs::rows(client, &statement, &[])
    };
    let seen = ids(application, "")?;
    let expected = ids(superuser, &format!(" WHERE {}", by_hand.condition))?;
    ensure!(
        seen == expected,
        "{}: {} sees {} rows, the policy {}",
        case.criteria,
        by_hand.name,
        expected.len(),
        seen.len()
    );
    Ok(())
}

fn compare_one(
    application: &mut Client,
    superuser: &mut Client,
    (case, index, by_hand): (&Case, &'static str, &'static ByHand),
    (statement, columns): (&'static str, &str),
    scope: Scope,
) -> Result<Comparison> {
    let policy_sql = format!("SELECT {columns} FROM {}", case.table);
    let by_hand_sql = format!("{policy_sql} WHERE {}", by_hand.condition);
    let plans = Plans {
        policy: plan(application, &policy_sql)?,
        by_hand: plan(superuser, &by_hand_sql)?,
    };
    ensure!(
        !plans.policy.contains("hand_"),
        "the policy uses an index that was made by hand:\n{}",
        plans.policy
    );
    let policy = application.prepare(&policy_sql)?;
    let by_hand_statement = superuser.prepare(&by_hand_sql)?;
    let rows = pairs::rows_seen(application, &policy)?;
    let paired = pairs::interleave(
        Budget {
            pairs: (scope.pairs / BACKENDS).max(LEAST_PAIRS),
            ..scope.budget()
        },
        || pairs::timed(application, &policy, &[]),
        || pairs::timed(superuser, &by_hand_statement, &[]),
    )?;
    Ok(Comparison {
        kind: case.kind,
        criteria: case.criteria,
        index,
        statement,
        against: by_hand.name,
        rows,
        paired,
        has_bar: by_hand.same,
        note: by_hand.note,
        plans: scope.plans.then_some(plans),
    })
}
