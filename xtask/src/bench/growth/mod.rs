//! `cargo xtask bench growth`: more stored documents, more instances of a policy, more entries for a type.

mod print;

use std::cell::{Cell, RefCell};
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use postgres::Client;
use serde::Serialize;

use super::pairs::{self, Budget, Paired};
use super::{APPLICATION, DATABASE};
use crate::cluster::{Cluster, SUPERUSER};
use crate::console::step;

pub use print::sections;

const DATA: &str = include_str!("../../../../benches/observations.sql");
const MEMBERSHIPS: &str = include_str!("../../../../benches/growth.sql");
const DOCUMENTS: &str = include_str!("../../../../benches/growth_documents.sql");

/// The database with many documents.
const MANY: &str = "many";

/// Stored policies, and as many memberships.
const FEW_DOCUMENTS: usize = 10;
const MANY_DOCUMENTS: usize = 10_000;

const INSTANCES: [usize; 4] = [1, 10, 100, 1_000];
const ENTRIES: [usize; 6] = [1, 5, 10, 20, 50, 100];

/// No change: what runs of the same side differ by.
const DOCUMENTS_BAR: f64 = 1.10;

/// Pairs of backends of which the middle one counts.
const BACKENDS: usize = 7;

/// A thousand instances against one.
const INSTANCES_BAR: f64 = 5.0;

/// Linear with a small factor: entries cost little more than the same conditions by hand, and one more of many costs little
/// more than one more of a few.
const ENTRIES_BAR: f64 = 1.5;
const LINEAR_BAR: f64 = 1.5;

/// A few entries.
const SOME_ENTRIES: usize = 20;

/// No comparison runs longer than this.
const LONGEST: Duration = Duration::from_secs(8);

/// What is asked: a row of Patient/p0, and its compartment.
const READ: &str = "SELECT resource::text FROM observation WHERE id = 'o4000'";
const SEARCH: &str = r#"SELECT count(*) FROM observation WHERE resource @> '{"subject": {"reference": "Patient/p0"}}'"#;

/// How a statement is run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
enum Run {
    /// Prepared.
    Read,
    Search,
    /// Parsed and planned each time.
    Planned,
    /// After a switch between memberships that the backend knows.
    Switched,
    /// The first time in a backend.
    First,
}

impl Run {
    fn name(self) -> &'static str {
        match self {
            Self::Read => "read by id, prepared",
            Self::Search => "search of a compartment, prepared",
            Self::Planned => "read by id, planned each time",
            Self::Switched => "switch and read",
            Self::First => "first use in a backend",
        }
    }
}

/// A statement at a number of something, in turn with the same at the smallest number.
#[derive(Debug, Serialize)]
pub struct Measure {
    run: Run,
    at: usize,
    #[serde(flatten)]
    paired: Paired,
    /// What each one more adds.
    each_us: f64,
    bar: Option<f64>,
}

impl Measure {
    fn of(run: Run, (least, at): (usize, usize), paired: Paired, bar: Option<f64>) -> Self {
        let more = at.saturating_sub(least).max(1) as f64;
        Self {
            run,
            at,
            each_us: (paired.policy_ms - paired.by_hand_ms) * 1e3 / more,
            paired,
            bar,
        }
    }

    fn kept(&self) -> Option<bool> {
        self.bar.map(|most| self.paired.ratio <= most)
    }
}

/// A statement under a policy of so many entries, in turn with the same conditions by hand.
#[derive(Debug, Serialize)]
pub struct Entries {
    run: Run,
    at: usize,
    #[serde(flatten)]
    paired: Paired,
    /// What each entry more than one adds, under the policy and by hand.
    each_us: f64,
    by_hand_each_us: f64,
    /// [`each_us`](Self::each_us) at the most, to what it is for a few entries.
    curve: Option<f64>,
}

impl Entries {
    fn kept(&self) -> bool {
        // What a single entry costs in planning is another question (of planning time).
        (self.paired.ratio <= ENTRIES_BAR || self.at < SOME_ENTRIES)
            && self.curve.is_none_or(|curve| curve <= LINEAR_BAR)
    }
}

/// What was measured.
#[derive(Serialize)]
pub struct Report {
    documents: Vec<Measure>,
    instances: Vec<Measure>,
    entries: Vec<Entries>,
    pub good: bool,
}

/// Measures in an empty cluster.
pub fn measure(cluster: &Cluster, pairs: usize) -> Result<Report> {
    step("loading 200,000 Observations");
    let mut server = cluster.connect(SUPERUSER, "postgres")?;
    server.batch_execute(&format!("CREATE DATABASE {DATABASE} TEMPLATE template0"))?;
    let mut superuser = cluster.connect(SUPERUSER, DATABASE)?;
    superuser
        .batch_execute(DATA)
        .context("observations.sql failed")?;
    superuser
        .batch_execute(MEMBERSHIPS)
        .context("growth.sql failed")?;
    superuser.batch_execute("VACUUM (ANALYZE, FREEZE)")?;
    drop(superuser);
    server.batch_execute("CHECKPOINT")?;
    server.batch_execute(&format!(
        "CREATE DATABASE {MANY} TEMPLATE {DATABASE} STRATEGY file_copy"
    ))?;
    for (database, documents) in [(DATABASE, FEW_DOCUMENTS), (MANY, MANY_DOCUMENTS)] {
        let mut superuser = cluster.connect(SUPERUSER, database)?;
        superuser
            .batch_execute(&DOCUMENTS.replace("{documents}", &documents.to_string()))
            .context("growth_documents.sql failed")?;
        superuser.batch_execute("VACUUM (ANALYZE)")?;
    }
    server.batch_execute("CHECKPOINT")?;
    step("stored documents");
    let documents = documents(cluster, pairs)?;
    step("instances of a policy");
    let instances = instances(cluster, pairs)?;
    step("entries for a type");
    let entries = entries(cluster, pairs)?;
    let good = documents
        .iter()
        .chain(&instances)
        .all(|one| one.kept() != Some(false))
        && entries.iter().all(Entries::kept);
    Ok(Report {
        documents,
        instances,
        entries,
        good,
    })
}

fn budget(pairs: usize) -> Budget {
    Budget {
        warm_up: pairs::WARM_UP,
        pairs,
        time: LONGEST,
    }
}

/// A member's connection.
fn member(cluster: &Cluster, database: &str, membership: &str) -> Result<RefCell<Client>> {
    let mut client = cluster.connect(APPLICATION, database)?;
    client.batch_execute(&format!("SET fhir_access.membership = '{membership}'"))?;
    let rows = client.query(READ, &[])?.len();
    ensure!(rows == 1, "{membership} reads {rows} rows");
    Ok(RefCell::new(client))
}

/// One side of a comparison; the condition goes before the statement's own.
fn side<'a>(
    client: &'a RefCell<Client>,
    run: Run,
    condition: Option<&str>,
) -> Result<Box<dyn FnMut() -> Result<Duration> + 'a>> {
    let text = if run == Run::Search { SEARCH } else { READ };
    let text = match condition {
        Some(condition) => text
            .replace("resource::text", "(resource - 'performer')::text")
            .replace("WHERE", &format!("WHERE ({condition}) AND")),
        None => text.to_owned(),
    };
    Ok(match run {
        Run::Read | Run::Search => {
            let statement = client.borrow_mut().prepare(&text)?;
            Box::new(move || pairs::timed(&mut client.borrow_mut(), &statement, &[]))
        }
        Run::Switched => {
            let turn = Cell::new(0);
            Box::new(move || {
                turn.set((turn.get() + 1) % 8);
                let text = format!("SET fhir_access.membership = 'd{}'; {text}", turn.get());
                pairs::timed_batch(&mut client.borrow_mut(), &text)
            })
        }
        Run::Planned | Run::First => {
            Box::new(move || pairs::timed_batch(&mut client.borrow_mut(), &text))
        }
    })
}

fn compare(
    many: &RefCell<Client>,
    few: &RefCell<Client>,
    run: Run,
    pairs: usize,
) -> Result<Paired> {
    pairs::on_one_core(&mut [&mut many.borrow_mut(), &mut few.borrow_mut()])?;
    pairs::interleave(budget(pairs), side(many, run, None)?, side(few, run, None)?)
}

/// The same membership in a database with many documents, and in one with few.
fn documents(cluster: &Cluster, pairs: usize) -> Result<Vec<Measure>> {
    let mut measures = Vec::new();
    for run in [Run::Read, Run::Planned, Run::Switched] {
        // Where the system has put two backends can be worth more than the bar: several pairs of them are asked.
        let mut paired = Vec::new();
        for _ in 0..BACKENDS {
            let many = member(cluster, MANY, "d5")?;
            let few = member(cluster, DATABASE, "d5")?;
            paired.push(compare(&many, &few, run, (pairs / BACKENDS).max(20))?);
        }
        paired.sort_by(|left, right| left.ratio.total_cmp(&right.ratio));
        let middle = paired.get(BACKENDS / 2).cloned();
        measures.push((run, middle.context("nothing was measured")?));
    }
    // The connection itself is made before the clock starts.
    let first = |database: &'static str| {
        move || -> Result<Duration> {
            let mut client = cluster.connect(APPLICATION, database)?;
            pairs::timed_batch(
                &mut client,
                &format!("SET fhir_access.membership = 'd5'; {READ}"),
            )
        }
    };
    let paired = pairs::interleave(
        Budget {
            warm_up: 6,
            pairs: 300,
            time: LONGEST,
        },
        first(MANY),
        first(DATABASE),
    )?;
    measures.push((Run::First, paired));
    Ok(measures
        .into_iter()
        .map(|(run, paired)| {
            let counts = (FEW_DOCUMENTS, MANY_DOCUMENTS);
            Measure::of(run, counts, paired, Some(DOCUMENTS_BAR))
        })
        .collect())
}

/// How these are asked about.
const RUNS: [Run; 3] = [Run::Read, Run::Search, Run::Planned];

/// Memberships with many instances of a policy, each in turn with the one that has one.
fn instances(cluster: &Cluster, pairs: usize) -> Result<Vec<Measure>> {
    let one = member(cluster, DATABASE, "i1")?;
    let mut measures = Vec::new();
    for run in RUNS {
        for number in INSTANCES {
            let many = member(cluster, DATABASE, &format!("i{number}"))?;
            let paired = compare(&many, &one, run, pairs)
                .with_context(|| format!("{number} instances, {}", run.name()))?;
            let bar = INSTANCES.last().filter(|most| **most == number);
            measures.push(Measure::of(
                run,
                (1, number),
                paired,
                bar.map(|_| INSTANCES_BAR),
            ));
        }
    }
    Ok(measures)
}

/// Policies of many entries, each in turn with the same conditions by hand.
fn entries(cluster: &Cluster, pairs: usize) -> Result<Vec<Entries>> {
    let superuser = RefCell::new(cluster.connect(SUPERUSER, DATABASE)?);
    superuser
        .borrow_mut()
        .batch_execute("SET search_path = public, fhir_access")?;
    let mut measured: Vec<Entries> = Vec::new();
    for run in RUNS {
        for number in ENTRIES {
            let membership = format!("e{number}");
            let policy = member(cluster, DATABASE, &membership)?;
            let condition = condition(&mut superuser.borrow_mut(), &membership)?;
            pairs::on_one_core(&mut [&mut policy.borrow_mut(), &mut superuser.borrow_mut()])?;
            let paired = pairs::interleave(
                budget(pairs),
                side(&policy, run, None)?,
                side(&superuser, run, Some(&condition))?,
            )
            .with_context(|| format!("{number} entries, {}", run.name()))?;
            let at = |number: usize| {
                let mut these = measured.iter().filter(|one| one.run == run);
                these.find(|one| one.at == number)
            };
            let more = number.saturating_sub(1).max(1) as f64;
            let added = |time: f64, first: Option<f64>| {
                first.map_or(0.0, |first| (time - first) * 1e3 / more)
            };
            let each_us = added(paired.policy_ms, at(1).map(|one| one.paired.policy_ms));
            let curve = at(SOME_ENTRIES)
                .filter(|_| ENTRIES.last() == Some(&number))
                .map(|some| each_us / some.each_us);
            measured.push(Entries {
                run,
                at: number,
                each_us,
                by_hand_each_us: added(paired.by_hand_ms, at(1).map(|one| one.paired.by_hand_ms)),
                curve,
                paired,
            });
        }
    }
    Ok(measured)
}

/// The conditions of all entries, as `explain()` shows them.
fn condition(superuser: &mut Client, membership: &str) -> Result<String> {
    superuser.batch_execute(&format!("SET fhir_access.membership = '{membership}'"))?;
    let rows = superuser.query(
        "SELECT predicate FROM fhir_access.explain('Observation')",
        &[],
    )?;
    superuser.batch_execute("RESET fhir_access.membership")?;
    let predicates: Vec<String> = rows.iter().map(|row| row.get(0)).collect();
    Ok(predicates.join(" OR "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bars() {
        let measure = |bar| {
            let paired = Paired {
                policy_ms: 3.0,
                by_hand_ms: 1.0,
                ratio: 3.0,
                spread: (3.0, 3.0),
            };
            Measure::of(Run::Read, (1, 101), paired, bar)
        };
        assert_eq!(measure(Some(5.0)).kept(), Some(true));
        assert_eq!(measure(Some(2.9)).kept(), Some(false));
        assert_eq!(measure(None).kept(), None);
        assert!((measure(None).each_us - 20.0).abs() < 1e-9);
    }

    #[test]
    fn entries_are_linear() {
        let entries = |ratio, curve| Entries {
            run: Run::Planned,
            at: 100,
            paired: Paired {
                policy_ms: ratio,
                by_hand_ms: 1.0,
                ratio,
                spread: (ratio, ratio),
            },
            each_us: 1.0,
            by_hand_each_us: 1.0,
            curve,
        };
        assert!(entries(1.4, Some(1.1)).kept() && entries(1.4, None).kept());
        let few = Entries {
            at: 1,
            ..entries(1.7, None)
        };
        assert!(few.kept());
        assert!(!entries(1.6, None).kept() && !entries(1.0, Some(1.6)).kept());
    }
}
