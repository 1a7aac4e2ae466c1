//! The same UPDATE by two members, one of whom has two write constraints.

use std::cell::{Cell, RefCell};
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use postgres::error::SqlState;
use postgres::types::ToSql;
use postgres::{Client, Statement};
use serde::Serialize;

use crate::bench::pairs::{self, Budget};
use crate::bench::{APPLICATION, DATABASE};
use crate::cluster::Cluster;
use crate::console::{step, thousands};

/// The data and the policies.
const DATA: &str = include_str!("../../../../benches/constraints.sql");

/// The Observation.
const DOCUMENT: &str = include_str!("../../../../crates/fhirpath/benches/observation.json");

/// Rows of the table.
pub const ROWS: usize = 10_000;

/// Rows that the statement for many changes.
const MANY: usize = 500;

/// Constraints may cost this much, as a ratio.
pub const LARGEST_RATIO: f64 = 1.15;

/// No comparison runs longer than this.
const LONGEST: Duration = Duration::from_secs(60);

/// Row versions that are left behind before they are cleaned up.
const LEFT_BEHIND: usize = 10_000;

/// Both sides of one statement.
#[derive(Debug, Serialize)]
pub struct Update {
    pub name: &'static str,
    pub rows: usize,
    pub constrained_ms: f64,
    pub plain_ms: f64,
    pub ratio: f64,
    pub spread: (f64, f64),
}

impl Update {
    pub fn keeps_bar(&self) -> bool {
        self.ratio <= LARGEST_RATIO
    }
}

/// A statement; `$1` and `$2` are the first and the last id.
struct Question {
    name: &'static str,
    rows: usize,
    set: &'static str,
}

const QUESTIONS: [Question; 3] = [
    Question {
        name: "one row, one element",
        rows: 1,
        set: r#"jsonb_set(resource, '{issued}', to_jsonb(clock_timestamp()))"#,
    },
    Question {
        name: "one row, the whole document",
        rows: 1,
        set: "(($3::text)::jsonb || jsonb_build_object('id', id))",
    },
    Question {
        name: "many rows, one element",
        rows: MANY,
        set: r#"jsonb_set(resource, '{issued}', to_jsonb(clock_timestamp()))"#,
    },
];

/// Measures in an empty cluster.
pub fn measure(cluster: &Cluster, most: usize) -> Result<Vec<Update>> {
    step(&format!("loading {} Observations", thousands(ROWS)));
    let mut superuser = super::super::database(cluster)?;
    let document = format!("'{}'", DOCUMENT.replace('\'', "''"));
    let data = DATA
        .replace("{rows}", &ROWS.to_string())
        .replace("{document}", &document);
    superuser
        .batch_execute(&data)
        .context("constraints.sql failed")?;
    superuser.batch_execute("VACUUM (ANALYZE, FREEZE) observation")?;
    superuser.batch_execute("CHECKPOINT")?;
    let member = |name: &str| -> Result<Client> {
        let mut client = cluster.connect(APPLICATION, DATABASE)?;
        client.batch_execute(&format!("SET fhir_access.membership = '{name}'"))?;
        Ok(client)
    };
    let (mut constrained, mut plain) = (member("constrained")?, member("plain")?);
    constraints_hold(&mut constrained, &mut plain)?;
    step("paired runs of each UPDATE");
    let mut updates = Vec::new();
    for question in &QUESTIONS {
        let one = compare(question, &mut constrained, &mut plain, &mut superuser, most)
            .context(question.name)?;
        updates.push(one);
    }
    Ok(updates)
}

/// One side is held by the constraints, and the other one is not: else there would be nothing to compare.
fn constraints_hold(constrained: &mut Client, plain: &mut Client) -> Result<()> {
    let refused = |client: &mut Client| -> Result<bool> {
        let mut transaction = client.transaction()?;
        let statement = r#"UPDATE observation SET resource = (resource - 'subject') || '{"status": "final"}'::jsonb
            WHERE id = 'o00000'"#;
        let result = transaction.execute(statement, &[]);
        transaction.rollback()?;
        match result {
            Ok(_) => Ok(false),
            Err(error) if error.code() == Some(&SqlState::INSUFFICIENT_PRIVILEGE) => Ok(true),
            Err(error) => Err(error.into()),
        }
    };
    ensure!(refused(constrained)?, "the constraints are not enforced");
    ensure!(!refused(plain)?, "the policy without constraints refuses");
    Ok(())
}

fn compare(
    question: &Question,
    constrained: &mut Client,
    plain: &mut Client,
    superuser: &mut Client,
    most: usize,
) -> Result<Update> {
    let text = format!(
        "UPDATE observation SET resource = {} WHERE id BETWEEN $1 AND $2 AND $3::text IS NOT NULL",
        question.set
    );
    let document = DOCUMENT.replace("\"final\"", "\"amended\"");
    let side = |client: &mut Client| client.prepare(&text);
    let (constrained_statement, plain_statement) = (side(constrained)?, side(plain)?);
    let next = Cell::new(0);
    let turn = Cell::new(0_usize);
    let superuser = RefCell::new(superuser);
    // Both sides of a pair change the same rows.
    let run = |client: &mut Client, statement: &Statement| -> Result<Duration> {
        let first = next.get();
        turn.set(turn.get() + 1);
        if turn.get().is_multiple_of(2) {
            next.set((first + question.rows) % (ROWS - question.rows));
        }
        if turn.get() * question.rows % LEFT_BEHIND < question.rows {
            superuser.borrow_mut().batch_execute("VACUUM observation")?;
        }
        let id = |number: usize| format!("o{number:05}");
        let (from, until) = (id(first), id(first + question.rows - 1));
        let parameters: [&(dyn ToSql + Sync); 3] = [&from, &until, &document];
        let begun = std::time::Instant::now();
        let changed = client.execute(statement, &parameters)?;
        let time = begun.elapsed();
        ensure!(changed == question.rows as u64, "{changed} rows changed");
        Ok(time)
    };
    let budget = Budget {
        warm_up: pairs::WARM_UP,
        pairs: most,
        time: LONGEST,
    };
    let paired = pairs::interleave(
        budget,
        || run(constrained, &constrained_statement),
        || run(plain, &plain_statement),
    )?;
    Ok(Update {
        name: question.name,
        rows: question.rows,
        constrained_ms: paired.policy_ms,
        plain_ms: paired.by_hand_ms,
        ratio: paired.ratio,
        spread: paired.spread,
    })
}
