//! One compartment: a statement under its policy, and with the same predicate in its WHERE.

use anyhow::{Context, Result, ensure};
use postgres::Client;
use postgres::types::ToSql;
use serde::Serialize;

use super::pairs::{self, Budget, Paired};

/// The member whose compartment is read: `m7` is Patient/p7.
const MEMBERSHIP: &str = "m7";

/// What somebody without the extension would write: every place where the patient may be referred to.
const HAND_WRITTEN: &str = r#"(resource @> '{"subject":{"reference":"Patient/p7"}}'
    OR resource @> '{"performer":[{"reference":"Patient/p7"}]}'
    OR resource @> '{"meta":{"account":{"reference":"Patient/p7"}}}'
    OR resource @> '{"meta":{"accounts":[{"reference":"Patient/p7"}]}}')"#;

/// A statement under the policy and with the predicate by hand.
#[derive(Debug, Serialize)]
pub struct Comparison {
    pub name: &'static str,
    pub against: &'static str,
    pub rows: usize,
    #[serde(flatten)]
    pub paired: Paired,
    /// Whether the project promises a ratio for this one.
    pub has_bar: bool,
}

/// A statement; `{where}` is `WHERE p AND`, or with the policy `WHERE`.
struct Question {
    name: &'static str,
    select: &'static str,
    condition: Option<&'static str>,
    parameter: Option<&'static str>,
    has_bar: bool,
}

const QUESTIONS: [Question; 4] = [
    Question {
        name: "count of the compartment",
        select: "SELECT count(*) FROM observation",
        condition: None,
        parameter: None,
        has_bar: true,
    },
    Question {
        name: "all rows of the compartment",
        select: "SELECT id, resource::text FROM observation",
        condition: None,
        parameter: None,
        has_bar: true,
    },
    Question {
        name: "one code of the compartment",
        select: "SELECT id, resource::text FROM observation",
        condition: Some(r#"resource @> '{"code":{"coding":[{"code":"3-7"}]}}'"#),
        parameter: None,
        has_bar: false,
    },
    Question {
        name: "one row by its id",
        select: "SELECT resource::text FROM observation",
        condition: Some("id = $1"),
        parameter: Some("o4007"),
        has_bar: false,
    },
];

/// Compares all statements, each with the predicate that `explain()` shows and with the hand-written one.
pub fn compare(
    application: &mut Client,
    superuser: &mut Client,
    pairs: usize,
) -> Result<Vec<Comparison>> {
    application.batch_execute(&format!("SET fhir_access.membership = '{MEMBERSHIP}'"))?;
    superuser.batch_execute(&format!("SET fhir_access.membership = '{MEMBERSHIP}'"))?;
    let explained: String = superuser
        .query_one(
            "SELECT predicate FROM fhir_access.explain('Observation')",
            &[],
        )
        .context("explain() does not show one predicate")?
        .get(0);
    superuser.batch_execute("RESET fhir_access.membership")?;
    let mut comparisons = Vec::new();
    for question in &QUESTIONS {
        for (against, predicate) in [
            ("explain()", explained.as_str()),
            ("hand-written", HAND_WRITTEN),
        ] {
            let one = compare_one(
                application,
                superuser,
                question,
                (against, predicate),
                pairs,
            )
            .with_context(|| format!("{} against {against}", question.name))?;
            comparisons.push(one);
        }
    }
    Ok(comparisons)
}

fn compare_one(
    application: &mut Client,
    superuser: &mut Client,
    question: &Question,
    (against, predicate): (&'static str, &str),
    pairs: usize,
) -> Result<Comparison> {
    let conditions = |conditions: &[Option<&str>]| {
        let present: Vec<&str> = conditions.iter().flatten().copied().collect();
        if present.is_empty() {
            String::new()
        } else {
            format!(" WHERE {}", present.join(" AND "))
        }
    };
    let policy = format!("{}{}", question.select, conditions(&[question.condition]));
    let by_hand = format!(
        "{}{}",
        question.select,
        conditions(&[Some(predicate), question.condition])
    );
    let policy = application.prepare(&policy)?;
    let by_hand = superuser.prepare(&by_hand)?;
    let parameters: Vec<&(dyn ToSql + Sync)> = question
        .parameter
        .iter()
        .map(|text| text as &(dyn ToSql + Sync))
        .collect();
    let seen = pairs::rows(application, &policy, &parameters)?;
    ensure!(
        seen == pairs::rows(superuser, &by_hand, &parameters)?,
        "the rows differ"
    );
    let paired = pairs::interleave(
        Budget::pairs(pairs),
        || pairs::timed(application, &policy, &parameters),
        || pairs::timed(superuser, &by_hand, &parameters),
    )?;
    Ok(Comparison {
        name: question.name,
        against,
        rows: seen.len(),
        paired,
        has_bar: question.has_bar,
    })
}
