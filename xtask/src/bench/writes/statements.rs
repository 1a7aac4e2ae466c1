//! The same write on two tables, in turn.

use std::cell::{Cell, RefCell};
use std::io::Write as _;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use postgres::types::ToSql;
use postgres::{Client, Statement};
use serde::Serialize;

use super::data::{Observations, ROWS};
use crate::bench::pairs::{self, Budget, Paired};

/// No comparison runs longer than this.
const LONGEST: Duration = Duration::from_secs(60);

/// Runs of each statement for many.
const MANY: usize = 12;

/// The table under the policy.
pub const GUARDED: &str = "guarded";

/// The same one, unprotected.
pub const PLAIN: &str = "plain";

/// The table with the rules of the policy "everything" written by hand, in row security and a trigger.
pub const BY_HAND: &str = "by_hand";

/// The criteria of both policies, as conditions.
const OF_STATUS: &str = r#"resource @> ANY ('{"{\"status\": \"amended\"}","{\"status\": \"corrected\"}","{\"status\": \"final\"}","{\"status\": \"preliminary\"}","{\"status\": \"registered\"}"}'::jsonb[])"#;

/// The limits of the project.
const OF_PROJECT: &str = r#"resource @> '{"meta": {"project": "clinic"}}'"#;

/// What one statement costs under a policy.
#[derive(Debug, Serialize)]
pub struct Write {
    pub name: &'static str,
    pub policy: &'static str,
    /// The table without the policy that it is compared with.
    pub against: &'static str,
    pub rows: usize,
    #[serde(flatten)]
    pub paired: Paired,
    /// What the ratio must not exceed, where the project promises something.
    pub bar: Option<f64>,
}

impl Write {
    pub fn keeps_bar(&self) -> bool {
        self.bar.is_none_or(|bar| self.paired.ratio <= bar)
    }
}

/// Both sides of the comparisons, and somebody who tidies up between them.
pub struct Sides<'a> {
    pub policy: &'static str,
    /// The table without the policy.
    pub against: &'static str,
    pub application: &'a RefCell<Client>,
    pub superuser: &'a RefCell<Client>,
    pub observations: &'a Observations,
    pub most: usize,
}

/// One table, and the statement on it.
struct Side {
    statement: Statement,
    /// How many of the rows were used.
    used: Cell<usize>,
}

impl Sides<'_> {
    /// Measures every statement.
    pub fn all(&self) -> Result<Vec<Write>> {
        if self.against == BY_HAND {
            return Ok(vec![
                self.insert_one().context("INSERT of one row")?,
                self.update_one().context("UPDATE of one row")?,
                self.insert_many().context("INSERT … SELECT")?,
                self.update_many().context("UPDATE of all rows")?,
            ]);
        }
        Ok(vec![
            self.insert_one().context("INSERT of one row")?,
            self.update_one().context("UPDATE of one row")?,
            self.delete_one().context("DELETE of one row")?,
            self.insert_many().context("INSERT … SELECT")?,
            self.update_many().context("UPDATE of all rows")?,
            self.delete_many().context("DELETE of all rows")?,
            self.delete_where()
                .context("DELETE with the predicate by hand")?,
            self.copy().context("COPY")?,
        ])
    }

    /// What a policy of criteria alone may cost, and one that asks everything; what is written by hand must not be faster.
    fn bar(&self, criteria: f64, everything: f64) -> Option<f64> {
        Some(match (self.against, self.policy) {
            (BY_HAND, _) => 1.0,
            (_, "everything") => everything,
            _ => criteria,
        })
    }

    fn insert_one(&self) -> Result<Write> {
        self.empty()?;
        let text = "INSERT INTO {table} (id, resource) VALUES ($1, $2::text::jsonb)";
        self.compare("INSERT of one row", 1, self.bar(1.25, 1.5), text, |side| {
            let (id, body) = self.next(side)?;
            self.timed(side, &[&id, &body], 1)
        })
    }

    fn update_one(&self) -> Result<Write> {
        self.fill()?;
        let text = "UPDATE {table} SET resource = $2::text::jsonb WHERE id = $1";
        self.compare("UPDATE of one row", 1, self.bar(1.35, 1.5), text, |side| {
            let (id, body) = self.next(side)?;
            let amended = body.replacen("\"final\"", "\"amended\"", 1);
            self.timed(side, &[&id, &amended.as_str()], 1)
        })
    }

    fn delete_one(&self) -> Result<Write> {
        self.fill()?;
        let text = "DELETE FROM {table} WHERE id = $1";
        self.compare("DELETE of one row", 1, Some(1.15), text, |side| {
            let (id, _) = self.next(side)?;
            self.timed(side, &[&id], 1)
        })
    }

    fn insert_many(&self) -> Result<Write> {
        let text = "INSERT INTO {table} (id, resource) SELECT id, resource FROM source";
        self.compare("INSERT … SELECT", ROWS, self.bar(1.5, 1.5), text, |side| {
            self.empty()?;
            self.timed(side, &[], ROWS)
        })
    }

    fn update_many(&self) -> Result<Write> {
        let text = r#"UPDATE {table} SET resource = jsonb_set(resource, '{status}', '"amended"')"#;
        let bar = (self.against == BY_HAND).then_some(1.0);
        self.compare("UPDATE of all rows", ROWS, bar, text, |side| {
            self.fill()?;
            self.timed(side, &[], ROWS)
        })
    }

    fn delete_many(&self) -> Result<Write> {
        self.compare(
            "DELETE of all rows",
            ROWS,
            Some(1.3),
            "DELETE FROM {table}",
            |side| {
                self.fill()?;
                self.timed(side, &[], ROWS)
            },
        )
    }

    /// Against the same `DELETE` with the policy's predicate written by hand: to ask it costs more than to delete a row.
    fn delete_where(&self) -> Result<Write> {
        let by_hand = match self.policy {
            "everything" => format!("DELETE FROM {PLAIN} WHERE {OF_PROJECT} AND {OF_STATUS}"),
            _ => format!("DELETE FROM {PLAIN} WHERE {OF_STATUS}"),
        };
        let texts = [format!("DELETE FROM {GUARDED}"), by_hand];
        let name = "DELETE, same WHERE by hand";
        self.compare_two(name, ROWS, Some(1.15), texts, |side| {
            self.fill()?;
            self.timed(side, &[], ROWS)
        })
    }

    /// The rate must be half of what it is without a policy, at the least.
    fn copy(&self) -> Result<Write> {
        let input = self.observations.as_copy();
        let text = "COPY {table} (id, resource) FROM STDIN";
        self.compare("COPY", ROWS, Some(2.0), text, |side| {
            self.empty()?;
            let mut client = self.application.borrow_mut();
            let begun = Instant::now();
            let mut writer = client.copy_in(&side.statement)?;
            writer.write_all(input.as_bytes())?;
            let written = writer.finish()?;
            let time = begun.elapsed();
            ensure!(written == ROWS as u64, "{written} rows were copied");
            Ok(time)
        })
    }

    /// Runs the statement on both tables in turn.
    fn compare(
        &self,
        name: &'static str,
        rows: usize,
        bar: Option<f64>,
        text: &str,
        run: impl Fn(&Side) -> Result<Duration>,
    ) -> Result<Write> {
        let texts = [GUARDED, self.against].map(|table| text.replace("{table}", table));
        self.compare_two(name, rows, bar, texts, run)
    }

    /// Runs the first text, which is under the policy, and the second in turn.
    fn compare_two(
        &self,
        name: &'static str,
        rows: usize,
        bar: Option<f64>,
        [guarded, plain]: [String; 2],
        run: impl Fn(&Side) -> Result<Duration>,
    ) -> Result<Write> {
        let side = |text: &str| -> Result<Side> {
            Ok(Side {
                statement: self.application.borrow_mut().prepare(text)?,
                used: Cell::new(0),
            })
        };
        let (guarded, plain) = (side(&guarded)?, side(&plain)?);
        // A row is used once on each side: there are no more pairs than that.
        let most = ROWS - pairs::WARM_UP;
        let budget = Budget {
            warm_up: if rows == 1 { pairs::WARM_UP } else { 1 },
            pairs: if rows == 1 { self.most.min(most) } else { MANY },
            time: LONGEST,
        };
        let paired = pairs::interleave(budget, || run(&guarded), || run(&plain))?;
        Ok(Write {
            name,
            policy: self.policy,
            against: self.against,
            rows,
            paired,
            bar,
        })
    }

    fn timed(
        &self,
        side: &Side,
        parameters: &[&(dyn ToSql + Sync)],
        rows: usize,
    ) -> Result<Duration> {
        let mut client = self.application.borrow_mut();
        let begun = Instant::now();
        let written = client.execute(&side.statement, parameters)?;
        let time = begun.elapsed();
        ensure!(written == rows as u64, "{written} rows were written");
        Ok(time)
    }

    /// The next row of this side.
    fn next(&self, side: &Side) -> Result<(&str, &str)> {
        let place = side.used.replace(side.used.get() + 1);
        let (id, body) = self.observations.rows.get(place).context("no rows left")?;
        Ok((id, body))
    }

    fn empty(&self) -> Result<()> {
        let text = format!("TRUNCATE {GUARDED}, {}", self.against);
        Ok(self.superuser.borrow_mut().batch_execute(&text)?)
    }

    /// Both tables hold everything, as it is stored.
    fn fill(&self) -> Result<()> {
        self.empty()?;
        let mut superuser = self.superuser.borrow_mut();
        superuser.batch_execute(&format!("INSERT INTO {GUARDED} SELECT * FROM stored"))?;
        superuser.batch_execute(&format!(
            "BEGIN; SET LOCAL session_replication_role = replica; INSERT INTO {} SELECT * FROM stored; COMMIT",
            self.against
        ))?;
        Ok(superuser.batch_execute(&format!("VACUUM (ANALYZE) {GUARDED}, {}", self.against))?)
    }
}
