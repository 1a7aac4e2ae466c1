//! `cargo xtask bench masking`: reading documents with hidden fields, against the same by hand, and planning.

use std::io::Write as _;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use postgres::Client;
use serde::Serialize;

use super::pairs::{self, Budget, Paired};
use super::plot::{Plot, Ratio};
use super::report::{self, Section, verdict};
use super::writes::synthea;
use super::{APPLICATION, DATABASE};
use crate::cluster::Cluster;
use crate::console::{step, thousands};
use crate::demo;
use crate::project::Project;

/// The tables and the policies, and the rows.
const TABLES_AND_POLICIES: &str = include_str!("../../../benches/masking.sql");
const ROWS: &str = include_str!("../../../benches/masking_rows.sql");

/// Patients that are read.
const PATIENTS: usize = 10_000;

/// Ten tables, three of them protected.
const JOIN: &str = "SELECT p.id, p.resource -> 'birthDate', e.resource -> 'period', o.resource -> 'code', r.name, y.name, s.name
  FROM patient p, encounter e, observation o, account a, clinic c, region r, plan l, payer y, invoice i, status s
 WHERE e.patient = p.id AND o.encounter = e.id AND a.patient = p.id AND c.id = a.clinic AND r.id = c.region
   AND l.id = a.plan AND y.id = l.payer AND i.encounter = e.id AND s.id = i.status
   AND p.resource ->> 'birthDate' > '1980' AND o.resource @> '{\"code\": {\"text\": \"x\"}}' AND r.name = 'region 7'";

/// A statement under a policy and by hand.
#[derive(Debug, Serialize)]
pub struct Comparison {
    name: &'static str,
    against: &'static str,
    rows: usize,
    #[serde(flatten)]
    paired: Paired,
    bar: f64,
}

/// What was measured.
#[derive(Serialize)]
pub struct Report {
    origin: &'static str,
    comparisons: Vec<Comparison>,
    pub good: bool,
}

/// One case; `{patient.type}` and the like in the text by hand are predicates that `explain()` shows.
struct Case {
    name: &'static str,
    membership: &'static str,
    against: &'static str,
    by_hand: &'static str,
    /// Are the documents by hand the same?
    same: bool,
    bar: f64,
}

const READ: &str = "SELECT resource::text FROM patient";

const CASES: [Case; 4] = [
    Case {
        name: "two hidden top-level fields",
        membership: "two",
        against: "resource - '{name,address}'",
        by_hand: "SELECT (resource - '{name,address}'::text[])::text FROM patient",
        same: true,
        bar: 1.10,
    },
    Case {
        name: "four nested paths through arrays",
        membership: "nested",
        against: "resource - '{name,address}'",
        by_hand: "SELECT (resource - '{name,address}'::text[])::text FROM patient",
        same: false,
        bar: 3.0,
    },
    Case {
        name: "the entry decides, by criteria",
        membership: "choice",
        against: "the same CASE",
        by_hand: "SELECT (CASE WHEN {1} THEN resource - '{name,address}'::text[] ELSE resource - '{telecom}'::text[] END)::text
                    FROM patient WHERE {1} OR {2}",
        same: true,
        bar: 1.3,
    },
    Case {
        name: "nothing hidden",
        membership: "nothing",
        against: "the same predicate",
        by_hand: "SELECT resource::text FROM patient WHERE {1}",
        same: true,
        bar: 1.02,
    },
];

/// Planning may take so many times what it takes without protection.
const PLANNING_BAR: f64 = 1.5;

/// Patients to read: their JSON, and where it is from.
pub struct Patients {
    origin: &'static str,
    rows: Vec<(String, String)>,
}

impl Patients {
    /// Synthea's, where they lie beside the repository, else the demo clinic's.
    pub fn of(project: &Project) -> Result<Self> {
        Ok(match synthea(project, "Patient")? {
            Some(rows) => Patients {
                origin: "Synthea",
                rows,
            },
            None => Patients {
                origin: "the demo clinic",
                rows: demo::resources(150, "Patient"),
            },
        })
    }
}

/// Measures in an empty cluster.
pub fn measure(cluster: &Cluster, pairs: usize, patients: &Patients) -> Result<Report> {
    step(&format!(
        "loading {} Patients of {}",
        thousands(PATIENTS),
        patients.origin
    ));
    let mut superuser = super::database(cluster)?;
    superuser
        .batch_execute(TABLES_AND_POLICIES)
        .context("masking.sql failed")?;
    let mut writer = superuser.copy_in("COPY source FROM STDIN")?;
    writer.write_all(super::writes::as_copy(&patients.rows).as_bytes())?;
    writer.finish()?;
    superuser
        .batch_execute(&ROWS.replace("{rows}", &PATIENTS.to_string()))
        .context("masking_rows.sql failed")?;
    super::settle(&mut superuser)?;
    let mut application = cluster.connect(APPLICATION, DATABASE)?;
    step(&format!("{pairs} paired runs of each statement"));
    let mut comparisons = Vec::new();
    for case in &CASES {
        let one = compare(case, &mut application, &mut superuser, pairs)
            .with_context(|| format!("{} failed", case.name))?;
        comparisons.push(one);
    }
    comparisons.push(planning(&mut application, &mut superuser, pairs)?);
    Ok(Report {
        origin: patients.origin,
        good: comparisons.iter().all(|one| one.paired.ratio <= one.bar),
        comparisons,
    })
}

fn become_member(application: &mut Client, membership: &str) -> Result<()> {
    Ok(application.batch_execute(&format!("SET fhir_access.membership = '{membership}'"))?)
}

/// The text by hand, with the predicates of the policy's entries.
fn by_hand(case: &Case, superuser: &mut Client) -> Result<String> {
    become_member(superuser, case.membership)?;
    let predicates =
        superuser.query("SELECT predicate FROM fhir_access.explain('Patient')", &[])?;
    superuser.batch_execute("RESET fhir_access.membership")?;
    let mut text = case.by_hand.to_owned();
    for (number, predicate) in (1..).zip(&predicates) {
        let predicate: Option<String> = predicate.get(0);
        text = text.replace(&format!("{{{number}}}"), &predicate.unwrap_or_default());
    }
    Ok(text)
}

fn compare(
    case: &Case,
    application: &mut Client,
    superuser: &mut Client,
    pairs: usize,
) -> Result<Comparison> {
    become_member(application, case.membership)?;
    let by_hand = by_hand(case, superuser)?;
    let by_hand = superuser.prepare(&by_hand)?;
    let policy = application.prepare(READ)?;
    let seen = pairs::rows(application, &policy, &[])?;
    let expected = pairs::rows(superuser, &by_hand, &[])?;
    ensure!(seen.len() == expected.len(), "other rows are read");
    ensure!(!case.same || seen == expected, "other documents are read");
    let paired = pairs::interleave(
        budget(pairs),
        || pairs::timed(application, &policy, &[]),
        || pairs::timed(superuser, &by_hand, &[]),
    )?;
    Ok(Comparison {
        name: case.name,
        against: case.against,
        rows: seen.len(),
        paired,
        bar: case.bar,
    })
}

fn planning(application: &mut Client, superuser: &mut Client, pairs: usize) -> Result<Comparison> {
    become_member(application, "join")?;
    let paired = pairs::interleave(
        // Each takes a few milliseconds, and they vary.
        budget(pairs.saturating_mul(10)),
        || planned(application),
        || planned(superuser),
    )
    .context("planning failed")?;
    Ok(Comparison {
        name: "planning a join of ten tables",
        against: "three of them unprotected",
        rows: 0,
        paired,
        bar: PLANNING_BAR,
    })
}

/// The time from the statement's text to its plan, with the time to show it.
fn planned(client: &mut Client) -> Result<Duration> {
    pairs::timed_batch(client, &format!("EXPLAIN (COSTS OFF) {JOIN}"))
}

fn budget(pairs: usize) -> Budget {
    Budget {
        warm_up: 10,
        pairs,
        time: Duration::from_secs(60),
    }
}

/// For a reader.
pub fn sections(report: &Report) -> Vec<Section> {
    let rows = report.comparisons.iter().map(|one| {
        vec![
            Some(one.name.to_owned()),
            Some(one.against.to_owned()),
            Some(thousands(one.rows)),
            Some(format!("{:.2}", one.paired.policy_ms)),
            Some(format!("{:.2}", one.paired.by_hand_ms)),
            Some(format!("{:.3}", one.paired.ratio)),
            Some(report::spread(&one.paired)),
            Some(format!("{:.2}", one.bar)),
            Some(verdict(one.paired.ratio <= one.bar)),
        ]
    });
    let columns = [
        "policy",
        "against",
        "rows",
        "policy ms",
        "by hand ms",
        "ratio",
        "spread",
        "bar",
        "",
    ];
    let title = "Reading with hidden fields against the same by hand, prepared statements";
    let section = Section::new(title)
        .remark(format!(
            "{} Patients of {}, release build, medians",
            thousands(PATIENTS),
            report.origin
        ))
        .table(&columns, rows.collect())
        .plot(Plot::Ratios {
            name: "ratios".to_owned(),
            title: title.to_owned(),
            ratios: report
                .comparisons
                .iter()
                .map(|one| Ratio::of(one.name, "policy / by hand", &one.paired))
                .collect(),
            bar: None,
        });
    vec![section]
}
