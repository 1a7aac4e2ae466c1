//! `cargo xtask bench estimates`: whether the planner knows what a policy leaves. Pages of 20 rows against the best plan that can be
//! forced by hand; and what a point read costs more to plan than where nothing is protected.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use postgres::Client;
use serde::Serialize;

use super::pairs::{self, Budget, Paired, WARM_UP};
use super::plot::{Plot, Ratio};
use super::report::{self, Section, verdict};
use super::{APPLICATION, DATABASE};
use crate::cluster::Cluster;
use crate::console::{step, thousands};

/// The data and the policies.
const DATA: &str = include_str!("../../../benches/estimates.sql");

/// A policy's plan may take so many times the best.
const LARGEST_RATIO: f64 = 1.2;

/// A point read may cost so many microseconds more.
const LARGEST_DIFFERENCE: f64 = 60.0;

/// Policies by how many rows they leave.
const MEMBERSHIPS: [&str; 7] = [
    "not-preliminary",
    "final",
    "amended",
    "corrected",
    "preliminary",
    "cancelled",
    "unknown",
];

/// What is asked of each; `{where}` is the policy's condition where it is written by hand.
const STATEMENTS: [(&str, &str); 3] = [
    ("LIMIT 20", "SELECT id FROM observation {where} LIMIT 20"),
    (
        "ORDER BY id LIMIT 20",
        "SELECT id FROM observation {where} ORDER BY id LIMIT 20",
    ),
    (
        "join",
        "SELECT count(*) FROM observation o JOIN task t ON t.observation = o.id {where}",
    ),
];

/// The plans that are forced: what PostgreSQL is told not to do.
const FORCED: [&str; 5] = [
    "",
    "SET enable_seqscan = off",
    "SET enable_bitmapscan = off",
    "SET enable_hashjoin = off",
    "SET enable_nestloop = off",
];

/// A statement under a policy, against the best plan.
#[derive(Serialize)]
struct Page {
    membership: &'static str,
    statement: &'static str,
    share: f64,
    expected: f64,
    best: &'static str,
    #[serde(flatten)]
    paired: Paired,
}

/// A point read, against one of a table that is not protected.
#[derive(Serialize)]
struct Read {
    name: &'static str,
    protected_us: f64,
    plain_us: f64,
}

/// What was measured.
#[derive(Serialize)]
pub struct Report {
    rows: usize,
    pages: Vec<Page>,
    reads: Vec<Read>,
    pub good: bool,
}

/// Measures in an empty cluster.
pub fn measure(cluster: &Cluster, pairs: usize, rows: usize) -> Result<Report> {
    step(&format!("loading {} Observations", thousands(rows)));
    let mut superuser = super::database(cluster)?;
    superuser
        .batch_execute(&DATA.replace("{rows}", &rows.to_string()))
        .context("estimates.sql failed")?;
    super::settle(&mut superuser)?;
    let mut application = cluster.connect(APPLICATION, DATABASE)?;
    pairs::on_one_core(&mut [&mut application, &mut superuser])?;
    step(&format!("up to {pairs} paired runs of each statement"));
    let mut pages = Vec::new();
    for membership in MEMBERSHIPS {
        for statement in &STATEMENTS {
            let page = page(
                &mut application,
                &mut superuser,
                membership,
                statement,
                pairs,
            )
            .with_context(|| format!("{membership}, {}", statement.0))?;
            pages.push(page);
        }
    }
    let mut reads = Vec::new();
    for name in ["read", "everything", "root"] {
        reads.push(read(&mut application, name, pairs.saturating_mul(5))?);
    }
    Ok(Report {
        rows,
        good: pages.iter().all(Page::keeps_bar) && reads.iter().all(Read::keeps_bar),
        pages,
        reads,
    })
}

impl Page {
    /// Of a page that takes less than a tenth of a millisecond, what a statement costs besides its plan shows: that is measured by
    /// other subjects.
    fn keeps_bar(&self) -> bool {
        const BESIDES_MS: f64 = 0.02;
        self.paired.ratio <= LARGEST_RATIO
            || self.paired.policy_ms - self.paired.by_hand_ms <= BESIDES_MS
    }
}

impl Read {
    fn difference(&self) -> f64 {
        self.protected_us - self.plain_us
    }

    fn keeps_bar(&self) -> bool {
        self.difference() <= LARGEST_DIFFERENCE
    }
}

fn become_member(client: &mut Client, membership: &str) -> Result<()> {
    Ok(client.batch_execute(&format!("SET fhir_access.membership = '{membership}'"))?)
}

fn page(
    application: &mut Client,
    superuser: &mut Client,
    membership: &'static str,
    (name, statement): &(&'static str, &'static str),
    pairs: usize,
) -> Result<Page> {
    become_member(application, membership)?;
    become_member(superuser, membership)?;
    let condition: String = superuser
        .query_one(
            "SELECT predicate FROM fhir_access.explain('Observation')",
            &[],
        )?
        .get(0);
    let condition = condition.replace("resource", "observation.resource");
    let by_hand = |alias: &str| {
        let condition = condition.replace("observation.", alias);
        statement.replace("{where}", &format!("WHERE {condition}"))
    };
    let alias = if statement.contains(" o ") {
        "o."
    } else {
        "observation."
    };
    let by_hand = by_hand(alias);
    let under_policy = application.prepare(&statement.replace("{where}", ""))?;
    let counted = superuser.query_one(
        &format!(
            "SELECT avg(CASE WHEN {condition} THEN 1.0 ELSE 0.0 END)::float8 FROM observation"
        ),
        &[],
    )?;
    let all = superuser.query_one("SELECT count(*)::float8 FROM observation", &[])?;
    let plan = application.query("EXPLAIN SELECT FROM observation", &[])?;
    let expected = plan
        .first()
        .and_then(|line| expected_rows(line.get(0)))
        .context("a plan says how many rows it expects")?;

    let mut best: Option<(&'static str, f64)> = None;
    for forced in FORCED {
        superuser.batch_execute("RESET ALL")?;
        superuser.batch_execute(forced)?;
        let prepared = superuser.prepare(&by_hand)?;
        let mut times = Vec::new();
        for run in 0..12 {
            let time = pairs::timed(superuser, &prepared, &[])?;
            if run > 1 {
                times.push(time);
            }
            if time > Duration::from_secs(1) {
                times.push(time);
                break;
            }
        }
        let median = pairs::median_ms(times);
        if best.is_none_or(|(_, least)| median < least) {
            best = Some((forced, median));
        }
    }
    let (best, _) = best.context("some plan is the best")?;
    superuser.batch_execute("RESET ALL")?;
    superuser.batch_execute(best)?;
    let prepared = superuser.prepare(&by_hand)?;
    let seen = pairs::rows(application, &under_policy, &[])?.len();
    ensure!(
        seen == pairs::rows(superuser, &prepared, &[])?.len(),
        "another number of rows is read"
    );
    let paired = pairs::interleave(
        Budget {
            warm_up: WARM_UP,
            pairs,
            time: Duration::from_secs(10),
        },
        || pairs::timed(application, &under_policy, &[]),
        || pairs::timed(superuser, &prepared, &[]),
    )?;
    superuser.batch_execute("RESET ALL")?;
    Ok(Page {
        membership,
        statement: name,
        share: counted.get(0),
        expected: expected / all.get::<_, f64>(0),
        best,
        paired,
    })
}

/// `… rows=123 …`
fn expected_rows(line: &str) -> Option<f64> {
    let (_, rows) = line.split_once("rows=")?;
    rows.split(' ').next()?.parse().ok()
}

/// Statements of one client, one after the other: whatever it is that they are planned for each time.
fn read(application: &mut Client, membership: &'static str, pairs: usize) -> Result<Read> {
    become_member(application, membership)?;
    let client = std::cell::RefCell::new(application);
    let from = |table: &str| {
        let statement = format!("SELECT resource FROM {table} WHERE id = 'nobody'");
        pairs::timed_batch(*client.borrow_mut(), &statement)
    };
    let paired = pairs::interleave(Budget::pairs(pairs), || from("patient"), || from("plain"))?;
    Ok(Read {
        name: membership,
        protected_us: paired.policy_ms * 1e3,
        plain_us: paired.by_hand_ms * 1e3,
    })
}

/// For a reader.
pub fn sections(report: &Report) -> Vec<Section> {
    let rows = report.pages.iter().map(|page| {
        let best = page.best.replace("SET enable_", "").replace(" = off", "");
        vec![
            Some(page.membership.to_owned()),
            Some(page.statement.to_owned()),
            Some(format!("{:.4} %", page.share * 100.0)),
            Some(format!("{:.4} %", page.expected * 100.0)),
            Some(match best.as_str() {
                "" => "nothing".to_owned(),
                _ => best,
            }),
            Some(format!("{:.3}", page.paired.policy_ms)),
            Some(format!("{:.3}", page.paired.by_hand_ms)),
            Some(format!("{:.3}", page.paired.ratio)),
            Some(report::spread(&page.paired)),
            Some(verdict(page.keeps_bar())),
        ]
    });
    let columns = [
        "policy",
        "statement",
        "rows",
        "expected",
        "best without",
        "policy ms",
        "best ms",
        "ratio",
        "spread",
        "",
    ];
    let title = "Pages under a policy against the best plan forced by hand, prepared statements";
    let pages = Section::new(title)
        .remark(format!(
            "{} Observations, release build, medians; at most {LARGEST_RATIO}",
            thousands(report.rows)
        ))
        .table(&columns, rows.collect())
        .plot(Plot::Ratios {
            name: "ratios".to_owned(),
            title: title.to_owned(),
            ratios: report
                .pages
                .iter()
                .map(|page| Ratio::of(page.statement, page.membership, &page.paired))
                .collect(),
            bar: Some(LARGEST_RATIO),
        });
    let rows = report.reads.iter().map(|read| {
        vec![
            Some(read.name.to_owned()),
            Some(format!("{:.0}", read.protected_us)),
            Some(format!("{:.0}", read.plain_us)),
            Some(format!("{:.0}", read.difference())),
            Some(verdict(read.keeps_bar())),
        ]
    });
    let reads = Section::new(
        "A point read that finds nothing, not prepared, against a table that is not protected",
    )
    .remark(format!(
        "microseconds, medians; at most {LARGEST_DIFFERENCE} more"
    ))
    .table(
        &["membership", "protected", "plain", "difference", ""],
        rows.collect(),
    );
    vec![pages, reads]
}

#[cfg(test)]
mod tests {
    use super::expected_rows;

    #[test]
    fn rows_of_a_plan() {
        let line = "Seq Scan on observation  (cost=0.00..1.00 rows=42 width=0)";
        assert_eq!(expected_rows(line), Some(42.0));
        assert_eq!(expected_rows("Limit"), None);
    }
}
