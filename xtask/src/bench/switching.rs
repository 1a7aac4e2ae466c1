//! `cargo xtask bench switching`: another membership in each transaction, what a switch costs, and what a backend keeps.

use std::cell::{Cell, RefCell};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use postgres::types::ToSql;
use postgres::{Client, Statement};
use serde::Serialize;

use super::memory::{self, Memory};
use super::pairs::{self, Budget, Paired};
use super::plot::{Plot, Ratio};
use super::report::{self, Section, verdict};
use super::{APPLICATION, DATABASE};
use crate::cluster::{Cluster, SUPERUSER};
use crate::console::{step, thousands};

/// The data, and what is added here.
const DATA: &str = include_str!("../../../benches/observations.sql");
const MEMBERSHIPS_AND_COPY: &str = include_str!("../../../benches/switching.sql");

/// Memberships that are switched between.
const MEMBERSHIPS: usize = 1_000;

/// Switches after which memory is read first: all memberships have been seen twice.
const FIRST: usize = 2 * MEMBERSHIPS;

/// Memberships that a backend has at hand in any case.
const KNOWN: usize = 8;

/// So many in turn, in transactions.
const ROTATIONS: [usize; 2] = [KNOWN, MEMBERSHIPS];

/// (b) / (c), (b) / (a).
const SETTING_BAR: f64 = 1.0;
const BY_HAND_BAR: f64 = 1.5;

/// What a switch adds to a statement.
const HIT_BAR_US: f64 = 50.0;
const MISS_BAR_US: f64 = 1_000.0;

/// Flat: from the second rotation to the tenth, of memory that is a backend's own.
const MEMORY_BAR_MB: f64 = 2.0;

/// No comparison runs longer than this.
const LONGEST: Duration = Duration::from_secs(30);

/// A transaction under fhir_access and by another method.
#[derive(Debug, Serialize)]
pub struct Transaction {
    statement: &'static str,
    memberships: usize,
    against: &'static str,
    #[serde(flatten)]
    paired: Paired,
    bar: f64,
}

/// What a switch adds to a statement that is planned anew in any case.
#[derive(Debug, Serialize)]
pub struct Switch {
    /// To what kind of membership.
    to: &'static str,
    /// `SET fhir_access.membership` and a statement.
    switch_us: f64,
    /// `SET app.patient` and the statement.
    set_us: f64,
    /// The typical difference.
    added_us: f64,
    bar_us: f64,
}

/// What was measured.
#[derive(Serialize)]
pub struct Report {
    transactions: Vec<Transaction>,
    switches: Vec<Switch>,
    memory: Memory,
    pub good: bool,
}

/// A read; the same by hand, on the copy.
struct Question {
    name: &'static str,
    policy: &'static str,
    by_hand: &'static str,
    setting: &'static str,
}

const QUESTIONS: [Question; 2] = [
    Question {
        name: "read by id",
        policy: "SELECT resource::text FROM observation WHERE id = $1",
        by_hand: "SELECT (resource - 'performer')::text FROM copied WHERE id = $1
             AND resource @> jsonb_build_object('subject', jsonb_build_object('reference', $2::text))",
        setting: "SELECT (resource - 'performer')::text FROM copied WHERE id = $1",
    },
    Question {
        name: "the compartment, 100 rows",
        policy: "SELECT resource::text FROM observation WHERE $1::text IS NOT NULL",
        by_hand: "SELECT (resource - 'performer')::text FROM copied WHERE $1::text IS NOT NULL
             AND resource @> jsonb_build_object('subject', jsonb_build_object('reference', $2::text))",
        setting: "SELECT (resource - 'performer')::text FROM copied WHERE $1::text IS NOT NULL",
    },
];

/// Measures in an empty cluster.
pub fn measure(cluster: &Cluster, pairs: usize) -> Result<Report> {
    step("loading 200,000 Observations, twice");
    let mut superuser = super::database(cluster)?;
    superuser
        .batch_execute(DATA)
        .context("observations.sql failed")?;
    superuser
        .batch_execute(MEMBERSHIPS_AND_COPY)
        .context("switching.sql failed")?;
    super::settle(&mut superuser)?;
    step(&format!(
        "up to {pairs} paired transactions, each under another membership"
    ));
    let mut transactions = Vec::new();
    for question in &QUESTIONS {
        for memberships in ROTATIONS {
            let these = compare(cluster, question, memberships, pairs);
            transactions.extend(these.context(question.name)?);
        }
    }
    step("switches");
    let switches = vec![hit(cluster, pairs)?, miss(cluster)?];
    step("10,000 switches in rotation");
    let memory = memory::measure(
        cluster.connect(APPLICATION, DATABASE)?,
        ("s", MEMBERSHIPS),
        FIRST,
    )?;
    let good = transactions.iter().all(Transaction::keeps_bar)
        && switches.iter().all(Switch::keeps_bar)
        && memory.private_grown_mb <= MEMORY_BAR_MB;
    Ok(Report {
        transactions,
        switches,
        memory,
        good,
    })
}

impl Transaction {
    fn keeps_bar(&self) -> bool {
        self.paired.ratio <= self.bar
    }
}

impl Switch {
    fn of(to: &'static str, paired: &Paired, bar_us: f64) -> Self {
        Self {
            to,
            switch_us: paired.policy_ms * 1e3,
            set_us: paired.by_hand_ms * 1e3,
            added_us: (paired.policy_ms - paired.by_hand_ms) * 1e3,
            bar_us,
        }
    }

    fn keeps_bar(&self) -> bool {
        self.added_us <= self.bar_us
    }
}

/// One side: how a transaction begins for a patient, and its statement.
struct Side {
    client: RefCell<Client>,
    statement: Statement,
    begin: fn(usize) -> String,
    /// The statement is told the patient.
    told: bool,
    memberships: usize,
    turn: Cell<usize>,
}

impl Side {
    fn new(
        mut client: Client,
        statement: &str,
        begin: fn(usize) -> String,
        told: bool,
        memberships: usize,
    ) -> Result<Self> {
        let statement = client.prepare(statement)?;
        Ok(Self {
            client: RefCell::new(client),
            statement,
            begin,
            told,
            memberships,
            turn: Cell::new(0),
        })
    }

    /// A transaction for the next patient, and how many rows it has read.
    fn run(&self) -> Result<(Duration, usize)> {
        let turn = self.turn.replace(self.turn.get() + 1);
        let patient = turn % self.memberships;
        let (id, reference) = (
            format!("o{}", patient + 2_000 * (1 + turn % 90)),
            format!("Patient/p{patient}"),
        );
        let begin = (self.begin)(patient);
        let parameters: &[&(dyn ToSql + Sync)] = match self.told {
            true => &[&id, &reference],
            false => &[&id],
        };
        let mut client = self.client.borrow_mut();
        let begun = Instant::now();
        client.batch_execute(&begin)?;
        let rows = client.query(&self.statement, parameters)?;
        client.batch_execute("COMMIT")?;
        Ok((begun.elapsed(), rows.len()))
    }
}

fn compare(
    cluster: &Cluster,
    question: &Question,
    memberships: usize,
    pairs: usize,
) -> Result<Vec<Transaction>> {
    let side = |role: &str, text: &str, begin: fn(usize) -> String, told: bool| {
        Side::new(
            cluster.connect(role, DATABASE)?,
            text,
            begin,
            told,
            memberships,
        )
    };
    let policy = side(
        APPLICATION,
        question.policy,
        |patient| format!("BEGIN; SET LOCAL fhir_access.membership = 's{patient}'"),
        false,
    )?;
    let setting = side(
        "bench_setting",
        question.setting,
        |patient| format!("BEGIN; SET LOCAL app.patient = 'Patient/p{patient}'"),
        false,
    )?;
    let by_hand = side(SUPERUSER, question.by_hand, |_| "BEGIN".to_owned(), true)?;
    let found = [policy.run()?.1, setting.run()?.1, by_hand.run()?.1];
    ensure!(
        found[0] > 0 && found.iter().all(|rows| *rows == found[0]),
        "the methods find {found:?} rows"
    );
    pairs::on_one_core(&mut [
        &mut policy.client.borrow_mut(),
        &mut setting.client.borrow_mut(),
        &mut by_hand.client.borrow_mut(),
    ])?;
    let others = [
        ("(c) current_setting()", &setting, SETTING_BAR),
        ("(a) by hand", &by_hand, BY_HAND_BAR),
    ];
    let mut transactions = Vec::new();
    for (against, other, bar) in others {
        let budget = Budget {
            // All memberships are known then, as far as they may be.
            warm_up: memberships.max(pairs::WARM_UP),
            pairs,
            time: LONGEST,
        };
        let paired = pairs::interleave(budget, || Ok(policy.run()?.0), || Ok(other.run()?.0))?;
        transactions.push(Transaction {
            statement: question.name,
            memberships,
            against,
            paired,
            bar,
        });
    }
    Ok(transactions)
}

/// A statement that is planned each time.
const PLANNED: &str = "SELECT resource::text FROM observation WHERE id = 'o4007'";

/// A setting of the session to another value, and a statement.
fn set_and_read(client: &mut Client, setting: &str, value: usize) -> Result<Duration> {
    pairs::timed_batch(client, &format!("SET {setting} = 's{value}'; {PLANNED}"))
}

/// Between memberships that the backend knows.
fn hit(cluster: &Cluster, pairs: usize) -> Result<Switch> {
    let client = RefCell::new(cluster.connect(APPLICATION, DATABASE)?);
    client
        .borrow_mut()
        .batch_execute("SET fhir_access.membership = 's0'")?;
    let turn = Cell::new(0);
    let side = |setting: &'static str| {
        let (client, turn) = (&client, &turn);
        move || {
            turn.set(turn.get() + 1);
            set_and_read(&mut client.borrow_mut(), setting, turn.get() % KNOWN)
        }
    };
    let budget = Budget {
        warm_up: 200,
        pairs,
        time: LONGEST,
    };
    let paired = pairs::interleave(budget, side("fhir_access.membership"), side("app.patient"))?;
    Ok(Switch::of("a known membership", &paired, HIT_BAR_US))
}

/// To memberships that the backend has never seen, nor any with their policy's parameters.
fn miss(cluster: &Cluster) -> Result<Switch> {
    let mut paired = Vec::new();
    // Several backends, because each sees a membership for the first time once.
    for _ in 0..3 {
        let mut client = cluster.connect(APPLICATION, DATABASE)?;
        for warm in 0..50 {
            set_and_read(&mut client, "fhir_access.membership", warm)?;
        }
        let client = RefCell::new(client);
        let turn = Cell::new(50);
        let budget = Budget {
            warm_up: 20,
            pairs: 400,
            time: LONGEST,
        };
        paired.push(pairs::interleave(
            budget,
            || {
                let next = turn.replace(turn.get() + 1);
                set_and_read(&mut client.borrow_mut(), "fhir_access.membership", next)
            },
            || set_and_read(&mut client.borrow_mut(), "app.patient", turn.get()),
        )?);
    }
    paired.sort_by(|left, right| left.policy_ms.total_cmp(&right.policy_ms));
    let middle = paired.get(1).context("nothing was measured")?;
    Ok(Switch::of("a new membership", middle, MISS_BAR_US))
}

/// For a reader.
pub fn sections(report: &Report) -> Vec<Section> {
    let rows = report.transactions.iter().map(|one| {
        vec![
            Some(one.statement.to_owned()),
            Some(thousands(one.memberships)),
            Some(one.against.to_owned()),
            Some(format!("{:.3}", one.paired.policy_ms)),
            Some(format!("{:.3}", one.paired.by_hand_ms)),
            Some(format!("{:.3}", one.paired.ratio)),
            Some(report::spread(&one.paired)),
            Some(format!("{:.2}", one.bar)),
            Some(verdict(one.keeps_bar())),
        ]
    });
    let columns = [
        "statement",
        "memberships",
        "against",
        "fhir_access ms",
        "other ms",
        "ratio",
        "spread",
        "bar",
        "",
    ];
    let title = "A transaction with another membership each time";
    let transactions = Section::new(title)
        .remark(
            "BEGIN; SET LOCAL …, one prepared statement, COMMIT; memberships in turn, a policy of 20 entries, 200,000 Observations, medians",
        )
        .table(&columns, rows.collect())
        .plot(Plot::Ratios {
            name: "transactions".to_owned(),
            title: title.to_owned(),
            ratios: report
                .transactions
                .iter()
                .map(|one| {
                    let label = format!("{}, {} memberships", one.statement, thousands(one.memberships));
                    Ratio::of(label, one.against, &one.paired)
                })
                .collect(),
            bar: None,
        });
    let rows = report.switches.iter().map(|one| {
        vec![
            Some(one.to.to_owned()),
            Some(format!("{:.1}", one.switch_us)),
            Some(format!("{:.1}", one.set_us)),
            Some(format!("{:.1}", one.added_us)),
            Some(format!("{:.0}", one.bar_us)),
            Some(verdict(one.keeps_bar())),
        ]
    });
    let columns = [
        "to",
        "SET membership, read µs",
        "SET app.patient, read µs",
        "added µs",
        "bar µs",
        "",
    ];
    let switches = Section::new("What a switch adds to a statement that is planned in any case")
        .table(&columns, rows.collect());
    let memory = &report.memory;
    let row = vec![
        Some(format!("{:.1}", memory.after_first_mb)),
        Some(format!("{:.1}", memory.after_last_mb)),
        Some(format!("{:.1}", memory.grown_mb)),
        Some(format!("{:.2}", memory.private_grown_mb)),
        Some(format!("{:.3}", memory.switch_ms)),
        Some(verdict(memory.private_grown_mb <= MEMORY_BAR_MB)),
    ];
    let columns = [
        "MB after 2 rotations",
        "MB after 10",
        "grown MB",
        "private grown MB",
        "ms per switch and count",
        &format!("bar {MEMORY_BAR_MB} MB private"),
    ];
    let memory = Section::new(format!(
        "A backend's memory with {} memberships in rotation",
        thousands(MEMBERSHIPS)
    ))
    .remark("what is not private are pages of shared buffers")
    .table(&columns, vec![row]);
    vec![transactions, switches, memory]
}
