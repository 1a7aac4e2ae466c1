//! Paired, interleaved runs of prepared statements.

use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use postgres::types::ToSql;
use postgres::{Client, Statement};
use serde::Serialize;

/// The member whose compartment is read: `m7` is Patient/p7.
const MEMBERSHIP: &str = "m7";

/// What somebody without the extension would write: every place where the patient may be referred to.
const HAND_WRITTEN: &str = r#"(resource @> '{"subject":{"reference":"Patient/p7"}}'
    OR resource @> '{"performer":[{"reference":"Patient/p7"}]}'
    OR resource @> '{"meta":{"account":{"reference":"Patient/p7"}}}'
    OR resource @> '{"meta":{"accounts":[{"reference":"Patient/p7"}]}}')"#;

/// Runs before anything is measured: more than the five after which PostgreSQL settles on a plan.
const WARM_UP: usize = 50;

/// Parts of a run whose ratios show the spread.
const PARTS: usize = 20;

/// A statement under the policy and with the predicate by hand.
#[derive(Debug, Serialize)]
pub struct Comparison {
    pub name: &'static str,
    pub against: &'static str,
    pub rows: usize,
    /// Medians over all runs.
    pub policy_ms: f64,
    pub by_hand_ms: f64,
    /// The median of the ratios of all pairs: what drifts in the course of a run changes both sides of a pair.
    pub ratio: f64,
    /// The tenth and the ninetieth percentile of the ratios of twenty parts of the run.
    pub spread: (f64, f64),
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
    let seen = rows(application, &policy, &parameters)?;
    ensure!(
        seen == rows(superuser, &by_hand, &parameters)?,
        "the rows differ"
    );
    for _ in 0..WARM_UP {
        timed(application, &policy, &parameters)?;
        timed(superuser, &by_hand, &parameters)?;
    }
    let mut times = Vec::with_capacity(pairs);
    for pair in 0..pairs {
        // Whoever goes second finds warmer caches: take turns.
        let (first, second);
        if pair % 2 == 0 {
            first = timed(application, &policy, &parameters)?;
            second = timed(superuser, &by_hand, &parameters)?;
        } else {
            second = timed(superuser, &by_hand, &parameters)?;
            first = timed(application, &policy, &parameters)?;
        }
        times.push((first, second));
    }
    let (policy_ms, by_hand_ms) = medians(&times);
    let mut parts: Vec<f64> = times
        .chunks(pairs.div_ceil(PARTS))
        .map(median_ratio)
        .collect();
    parts.sort_by(f64::total_cmp);
    Ok(Comparison {
        name: question.name,
        against,
        rows: seen.len(),
        policy_ms,
        by_hand_ms,
        ratio: median_ratio(&times),
        spread: (percentile(&parts, 10), percentile(&parts, 90)),
        has_bar: question.has_bar,
    })
}

/// All rows as text, sorted: what both sides must agree on.
fn rows(
    client: &mut Client,
    statement: &Statement,
    parameters: &[&(dyn ToSql + Sync)],
) -> Result<Vec<String>> {
    let mut rows = Vec::new();
    for row in client.query(statement, parameters)? {
        let mut text = String::new();
        for column in 0..row.len() {
            match row.try_get::<_, String>(column) {
                Ok(value) => text.push_str(&value),
                Err(_) => text.push_str(&row.get::<_, i64>(column).to_string()),
            }
            text.push('\t');
        }
        rows.push(text);
    }
    rows.sort();
    Ok(rows)
}

/// The time a client waits for all rows.
fn timed(
    client: &mut Client,
    statement: &Statement,
    parameters: &[&(dyn ToSql + Sync)],
) -> Result<Duration> {
    let begun = Instant::now();
    let rows = client.query(statement, parameters)?;
    let time = begun.elapsed();
    std::hint::black_box(rows);
    Ok(time)
}

/// The median of the ratios of pairs.
fn median_ratio(times: &[(Duration, Duration)]) -> f64 {
    let mut ratios: Vec<f64> = times
        .iter()
        .map(|(policy, by_hand)| policy.as_secs_f64() / by_hand.as_secs_f64())
        .collect();
    ratios.sort_by(f64::total_cmp);
    percentile(&ratios, 50)
}

/// The medians of both sides, in milliseconds.
fn medians(times: &[(Duration, Duration)]) -> (f64, f64) {
    let median = |side: fn(&(Duration, Duration)) -> Duration| {
        let mut times: Vec<f64> = times
            .iter()
            .map(|pair| side(pair).as_secs_f64() * 1e3)
            .collect();
        times.sort_by(f64::total_cmp);
        percentile(&times, 50)
    };
    (median(|pair| pair.0), median(|pair| pair.1))
}

/// A percentile of sorted numbers: the nearest rank. Not a number, for none.
fn percentile(sorted: &[f64], percent: usize) -> f64 {
    let rank = sorted.len().saturating_sub(1) * percent / 100;
    sorted.get(rank).copied().unwrap_or(f64::NAN)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles() {
        let numbers = [1.0, 2.0, 3.0, 4.0, 5.0];
        assert_eq!(percentile(&numbers, 50), 3.0);
        assert_eq!(percentile(&numbers, 0), 1.0);
        assert_eq!(percentile(&numbers, 100), 5.0);
        assert!(percentile(&[], 50).is_nan());
    }

    #[test]
    fn medians_of_both_sides() {
        let milliseconds = Duration::from_millis;
        let times = [
            (milliseconds(3), milliseconds(1)),
            (milliseconds(1), milliseconds(2)),
            (milliseconds(2), milliseconds(9)),
        ];
        assert_eq!(medians(&times), (2.0, 2.0));
        assert_eq!(median_ratio(&times), 0.5);
    }
}
