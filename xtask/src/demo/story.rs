//! The story: the same SQL, run for everybody who works with the clinic.

use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use postgres::error::DbError;
use postgres::{Client, SimpleQueryMessage};

use super::population::{Clinic, Person};
use super::{APPLICATION, DATABASE};
use crate::cluster::Cluster;
use crate::console::{bold, cyan, dim, duration, green, heading, red, table};

/// The widest column of a result.
const WIDEST: usize = 34;

/// What everybody asks.
const QUESTIONS: [&str; 4] = [
    "SELECT (SELECT count(*) FROM patient) AS patients,
       (SELECT count(*) FROM appointment) AS appointments,
       (SELECT count(*) FROM encounter) AS encounters,
       (SELECT count(*) FROM observation) AS observations,
       (SELECT count(*) FROM medication_request) AS prescriptions,
       (SELECT count(*) FROM diagnostic_report) AS reports",
    "SELECT id, resource #>> '{name,0,given,0}' AS given, resource #>> '{name,0,family}' AS family,
       resource ->> 'birthDate' AS born, resource #>> '{telecom,0,value}' AS phone
FROM patient ORDER BY id LIMIT 3",
    "SELECT e.id AS visit, p.resource #>> '{name,0,family}' AS patient,
       e.resource #>> '{period,start}' AS start, e.resource #>> '{reasonCode,0,text}' AS reason
FROM encounter e JOIN patient p ON 'Patient/' || p.id = e.resource #>> '{subject,reference}'
ORDER BY e.resource #>> '{period,start}' DESC, e.id LIMIT 3",
    r#"SELECT count(*) AS "visits for asthma"
FROM encounter WHERE resource @> '{"reasonCode":[{"coding":[{"code":"195967001"}]}]}'"#,
];

/// Somebody who asks.
struct Act {
    who: &'static str,
    what: &'static str,
    membership: Option<&'static str>,
    client_ip: Option<&'static str>,
    /// Whether a patient is to be seen: the first column of the first question counts those.
    sees: fn(usize, &Person) -> bool,
    /// The SQLSTATE that the first question ends with, when it is refused.
    refused: Option<&'static str>,
}

const ACTS: [Act; 7] = [
    Act {
        who: "A patient",
        what: "patient-access: Observation?_compartment=%patient …, %patient being the member's own profile, Patient/p0001",
        membership: Some("patient"),
        client_ip: None,
        sees: |index, _| index == 0,
        refused: None,
    },
    Act {
        who: "A parent of two children",
        what: "the same policy twice: once with %patient = Patient/p0003, once with %patient = Patient/p0004",
        membership: Some("parent"),
        client_ip: None,
        sees: |_, person| matches!(person.id.as_str(), "p0003" | "p0004"),
        refused: None,
    },
    Act {
        who: "A general practitioner",
        what: "general-practitioner: Patient?general-practitioner=%profile, Observation?performer=%profile …",
        membership: Some("gp"),
        client_ip: None,
        sees: |_, person| person.practitioner == 0,
        refused: None,
    },
    Act {
        who: "A partner laboratory",
        what: "partner-laboratory: …?_compartment=Organization/partner-lab, read-only; address and telecom are hidden",
        membership: Some("lab"),
        client_ip: None,
        sees: |_, person| person.referred,
        refused: None,
    },
    Act {
        who: "The front desk",
        what: "front-desk: all patients and visits, hiddenFields: reasonCode, diagnosis …, also for WHERE and ORDER BY",
        membership: Some("front-desk"),
        client_ip: Some("10.20.0.7"),
        sees: |_, _| true,
        refused: None,
    },
    Act {
        who: "The front desk, from elsewhere",
        what: "front-desk has ipAccessRule: allow 10.20.0.0/16, block *",
        membership: Some("front-desk"),
        client_ip: Some("198.51.100.9"),
        sees: |_, _| false,
        refused: Some("28000"),
    },
    Act {
        who: "Nobody",
        what: "a session for which no membership is set",
        membership: None,
        client_ip: None,
        sees: |_, _| false,
        refused: Some("28000"),
    },
];

/// An update of an Observation.
struct Write {
    who: &'static str,
    what: &'static str,
    membership: &'static str,
    /// JSON that is laid over the resource.
    change: &'static str,
    permitted: bool,
}

const WRITES: [Write; 3] = [
    Write {
        who: "The partner laboratory",
        what: "an Observation that it can see, with readonly: true",
        membership: "lab",
        change: r#"{"status": "amended"}"#,
        permitted: false,
    },
    Write {
        who: "The general practitioner",
        what: "writeConstraint: %before.exists() implies (%before.status != 'final' or status in ('amended' | 'corrected'))",
        membership: "gp",
        change: r#"{"note": [{"text": "as discussed"}]}"#,
        permitted: false,
    },
    Write {
        who: "The general practitioner, openly",
        what: "the same constraint; now the new row says that it was amended",
        membership: "gp",
        change: r#"{"note": [{"text": "as discussed"}], "status": "amended"}"#,
        permitted: true,
    },
];

/// What a statement led to.
enum Outcome {
    Rows {
        columns: Vec<String>,
        rows: Vec<Vec<Option<String>>>,
    },
    Done(u64),
    Refused(Box<DbError>),
}

/// Tells the story. It ends with an error where something went otherwise than told: somebody is or is not refused, or,
/// when the data are those of `clinic` and nobody has changed them since, sees a wrong number of patients.
pub fn tell(cluster: &Cluster, clinic: Option<Clinic>) -> Result<()> {
    let mut client = cluster.connect(APPLICATION, DATABASE)?;
    println!(
        "\nThe application connects as {}. It sends the same SQL for everybody, and says for whom with SET LOCAL.",
        bold(APPLICATION)
    );
    for act in &ACTS {
        heading(act.who);
        println!("{}", dim(act.what));
        play(&mut client, act, clinic)?;
    }
    WRITES
        .iter()
        .try_for_each(|attempt| write(&mut client, attempt))
}

/// One transaction of one member: all questions, or the first one when it is to be refused.
fn play(client: &mut Client, act: &Act, clinic: Option<Clinic>) -> Result<()> {
    begin(client, act.membership, act.client_ip)?;
    for (number, question) in QUESTIONS.into_iter().enumerate() {
        let (outcome, time) = ask(client, question)?;
        show(question, &outcome, time);
        match (&outcome, act.refused) {
            (Outcome::Refused(error), Some(code)) => {
                ensure!(
                    error.code().code() == code,
                    "expected SQLSTATE {code} for: {}",
                    act.who
                );
                break;
            }
            (Outcome::Refused(error), None) => bail!("{} was refused: {error}", act.who),
            (_, Some(code)) => bail!("{} was not refused; expected SQLSTATE {code}", act.who),
            (Outcome::Rows { rows, .. }, None) if number == 0 => count_patients(act, rows, clinic)?,
            (_, None) => {}
        }
    }
    end(client)
}

/// Compares the number of patients that somebody sees with what the generator says.
fn count_patients(act: &Act, rows: &[Vec<Option<String>>], clinic: Option<Clinic>) -> Result<()> {
    let Some(clinic) = clinic else {
        return Ok(());
    };
    let expected = (0..clinic.patients)
        .filter(|index| (act.sees)(*index, &clinic.person(*index)))
        .count()
        .to_string();
    let seen = rows
        .first()
        .and_then(|row| row.first())
        .and_then(Option::as_deref);
    ensure!(
        seen == Some(&expected),
        "{} sees {seen:?} patients, not {expected}",
        act.who
    );
    Ok(())
}

/// Changes an Observation that the member sees.
fn write(client: &mut Client, attempt: &Write) -> Result<()> {
    heading(&format!("{}, writing", attempt.who));
    println!("{}", dim(attempt.what));
    begin(client, Some(attempt.membership), None)?;
    let query =
        "SELECT id FROM observation WHERE resource ->> 'status' = 'final' ORDER BY id LIMIT 1";
    let row = client
        .query_opt(query, &[])?
        .with_context(|| format!("{} sees no final Observation", attempt.who))?;
    let statement = format!(
        "UPDATE observation SET resource = resource || '{}' WHERE id = '{}'",
        attempt.change,
        row.get::<_, String>(0)
    );
    let (outcome, time) = ask(client, &statement)?;
    show(&statement, &outcome, time);
    match (outcome, attempt.permitted) {
        (Outcome::Refused(error), false) if error.code().code() == "42501" => end(client),
        (Outcome::Done(1), true) => end(client),
        _ => bail!(
            "{}: this update was to be {}",
            attempt.who,
            match attempt.permitted {
                true => "permitted",
                false => "refused with SQLSTATE 42501",
            }
        ),
    }
}

fn begin(client: &mut Client, membership: Option<&str>, client_ip: Option<&str>) -> Result<()> {
    let mut lines = vec!["BEGIN".to_owned()];
    lines.extend(membership.map(|id| format!("SET LOCAL fhir_access.membership = '{id}'")));
    lines.extend(client_ip.map(|ip| format!("SET LOCAL fhir_access.client_ip = '{ip}'")));
    for line in &lines {
        println!("{}", cyan(&format!("{line};")));
        client.batch_execute(line)?;
    }
    Ok(())
}

fn end(client: &mut Client) -> Result<()> {
    client.batch_execute("ROLLBACK")?;
    println!("{}", cyan("ROLLBACK;"));
    Ok(())
}

/// Runs a statement and takes the time that the client waits for it.
fn ask(client: &mut Client, statement: &str) -> Result<(Outcome, Duration)> {
    let begun = Instant::now();
    let answer = client.simple_query(statement);
    let time = begun.elapsed();
    let messages = match answer {
        Ok(messages) => messages,
        Err(error) => match error.as_db_error() {
            Some(refusal) => return Ok((Outcome::Refused(Box::new(refusal.clone())), time)),
            None => return Err(error).context("the connection broke"),
        },
    };
    let mut columns = None;
    let mut rows = Vec::new();
    let mut count = 0;
    for message in messages {
        match message {
            SimpleQueryMessage::RowDescription(description) => {
                columns = Some(
                    description
                        .iter()
                        .map(|column| column.name().to_owned())
                        .collect(),
                );
            }
            SimpleQueryMessage::Row(row) => {
                rows.push(
                    (0..row.len())
                        .map(|index| row.get(index).map(str::to_owned))
                        .collect(),
                );
            }
            SimpleQueryMessage::CommandComplete(rows) => count = rows,
            _ => {}
        }
    }
    let outcome = columns.map_or(Outcome::Done(count), |columns| Outcome::Rows {
        columns,
        rows,
    });
    Ok((outcome, time))
}

fn show(statement: &str, outcome: &Outcome, time: Duration) {
    println!("{}", cyan(&format!("{statement};")));
    let time = dim(&format!("· {}", duration(time)));
    match outcome {
        Outcome::Rows { columns, rows } => {
            for line in table(columns, rows, WIDEST) {
                println!("    {line}");
            }
            let unit = if rows.len() == 1 { "row" } else { "rows" };
            println!("    {} {time}\n", green(&format!("{} {unit}", rows.len())));
        }
        Outcome::Done(count) => {
            println!("    {} {time}\n", green(&format!("{count} rows written")))
        }
        Outcome::Refused(error) => {
            let code = error.code().code();
            println!(
                "    {} {time}",
                red(&format!("ERROR {code}: {}", error.message()))
            );
            for (name, text) in [("DETAIL", error.detail()), ("HINT", error.hint())] {
                if let Some(text) = text {
                    println!("    {}", dim(&format!("{name}: {text}")));
                }
            }
            println!();
        }
    }
}
