//! Histories: versions under a policy that is asked of them and of their current rows, and both conditions written by hand.
//!
//! Both sides read the same tables: of a copy PostgreSQL would have other samples, and at times another plan.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use postgres::Client;
use serde::Serialize;

use super::pairs::{self, Budget, Paired, WARM_UP};
use super::plot::{Plot, Ratio};
use super::report::{self, Section, verdict};
use super::{APPLICATION, DATABASE};
use crate::cluster::Cluster;
use crate::console::step;

/// The data and the policies.
const DATA: &str = include_str!("../../../benches/histories.sql");

/// A policy may cost this much, as a ratio.
const LARGEST_RATIO: f64 = 1.2;

/// No statement is run for longer.
const LONGEST: Duration = Duration::from_secs(20);

/// A statement; what it asks follows.
struct Question {
    name: &'static str,
    membership: &'static str,
    select: &'static str,
    condition: &'static str,
}

const QUESTIONS: [Question; 6] = [
    Question {
        name: "one resource's versions, 1 in 50",
        membership: "few",
        select: "SELECT id, version, resource::text",
        condition: "id = 'p4007'",
    },
    Question {
        name: "one resource's versions, 1 in 2",
        membership: "half",
        select: "SELECT id, version, resource::text",
        condition: "id = 'p4008'",
    },
    Question {
        name: "count of all, 1 in 50",
        membership: "few",
        select: "SELECT count(*)",
        condition: "true",
    },
    Question {
        name: "a range of ids, 1 in 50",
        membership: "few",
        select: "SELECT id, version, resource::text",
        condition: "id >= 'p7' AND id < 'p71'",
    },
    Question {
        name: "a range of ids, 1 in 2",
        membership: "half",
        select: "SELECT id, version, resource::text",
        condition: "id >= 'p7' AND id < 'p71'",
    },
    Question {
        name: "10,000 versions, 1 in 2",
        membership: "half",
        select: "SELECT id, version",
        condition: "id >= 'p11' AND id < 'p13'",
    },
];

/// A statement, measured.
#[derive(Serialize)]
struct Answer {
    name: &'static str,
    rows: usize,
    #[serde(flatten)]
    paired: Paired,
}

/// What was measured.
#[derive(Serialize)]
pub struct Report {
    answers: Vec<Answer>,
    pub good: bool,
}

/// Measures in an empty cluster.
pub fn measure(cluster: &Cluster, pairs: usize) -> Result<Report> {
    step("loading 200,000 versions of 20,000 Patients");
    let mut superuser = super::database(cluster)?;
    superuser
        .batch_execute(DATA)
        .context("histories.sql failed")?;
    super::settle(&mut superuser)?;
    let mut application = cluster.connect(APPLICATION, DATABASE)?;
    step(&format!("up to {pairs} paired runs of each statement"));
    let mut answers = Vec::new();
    for question in &QUESTIONS {
        let answer = ask(&mut application, &mut superuser, question, pairs)
            .with_context(|| question.name)?;
        answers.push(answer);
    }
    let good = answers.iter().all(Answer::keeps_bar);
    Ok(Report { answers, good })
}

impl Answer {
    fn keeps_bar(&self) -> bool {
        self.paired.ratio <= LARGEST_RATIO
    }
}

fn ask(
    application: &mut Client,
    superuser: &mut Client,
    question: &Question,
    pairs: usize,
) -> Result<Answer> {
    let Question {
        membership,
        select,
        condition,
        ..
    } = question;
    let granted = match *membership {
        "few" => r#"'{"managingOrganization": {"reference": "Organization/7"}}'"#,
        _ => r#"'{"active": true}'"#,
    };
    application.batch_execute(&format!("SET fhir_access.membership = '{membership}'"))?;
    let policy =
        application.prepare(&format!("{select} FROM patient_history WHERE {condition}"))?;
    let by_hand = superuser.prepare(&format!(
        "{select} FROM patient_history h WHERE {condition} AND resource @> {granted}
            AND EXISTS (SELECT FROM patient c WHERE c.id = h.id AND c.resource @> {granted})"
    ))?;
    ensure!(
        pairs::rows(application, &policy, &[])? == pairs::rows(superuser, &by_hand, &[])?,
        "the rows differ"
    );
    let rows = pairs::rows_seen(application, &policy)?;
    ensure!(rows > 0, "no rows");
    let budget = Budget {
        warm_up: WARM_UP,
        pairs,
        time: LONGEST,
    };
    let paired = pairs::interleave(
        budget,
        || pairs::timed(application, &policy, &[]),
        || pairs::timed(superuser, &by_hand, &[]),
    )?;
    Ok(Answer {
        name: question.name,
        rows,
        paired,
    })
}

/// For a reader.
pub fn sections(report: &Report) -> Vec<Section> {
    let rows = report.answers.iter().map(|one| {
        vec![
            Some(one.name.to_owned()),
            Some(one.rows.to_string()),
            Some(format!("{:.3}", one.paired.policy_ms)),
            Some(format!("{:.3}", one.paired.by_hand_ms)),
            Some(format!("{:.3}", one.paired.ratio)),
            Some(report::spread(&one.paired)),
            Some(verdict(one.keeps_bar())),
        ]
    });
    let bar = format!("bar {LARGEST_RATIO:.2}");
    let columns = [
        "statement",
        "rows",
        "policy ms",
        "by hand ms",
        "ratio",
        "spread",
        &bar,
    ];
    let title = "Histories against the same conditions written by hand, prepared statements";
    let section = Section::new(title)
        .remark("200,000 versions of 20,000 Patients, release build, medians")
        .table(&columns, rows.collect())
        .plot(Plot::Ratios {
            name: "ratios".to_owned(),
            title: title.to_owned(),
            ratios: report
                .answers
                .iter()
                .map(|one| Ratio::of(one.name, "policy / by hand", &one.paired))
                .collect(),
            bar: Some(LARGEST_RATIO),
        });
    vec![section]
}
