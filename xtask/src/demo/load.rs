//! The clinic's database: made, filled, protected, and left alone while nothing about it changes.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io::Write as _;

use anyhow::{Context, Result};
use indicatif::{ProgressBar, ProgressStyle};
use postgres::Client;
use serde_json::Value;

use super::population::{Clinic, Resource};
use super::{APPLICATION, DATABASE, records};
use crate::cluster::{Cluster, SUPERUSER};
use crate::console::{note, step, thousands};
use crate::process::digest;

/// The policies and memberships of the clinic.
const DOCUMENTS: &str = include_str!("clinic.json");

/// What the generator makes. A change here means that the data must be loaded anew.
const TYPES: [&str; 12] = [
    "Patient",
    "RelatedPerson",
    "Practitioner",
    "Organization",
    "Appointment",
    "Encounter",
    "Observation",
    "Condition",
    "MedicationRequest",
    "DiagnosticReport",
    "Immunization",
    "AllergyIntolerance",
];

/// Patients per COPY: enough to be quick, few enough for little memory and a lively progress bar.
const BATCH: usize = 25;

/// Sees to it that the clinic's database holds so many patients, protected by the extension as it is built now.
pub fn provide(cluster: &Cluster, patients: usize, extension: u64) -> Result<()> {
    let state = format!(
        "{patients} patients, data {:016x}, extension {extension:016x}",
        fingerprint(patients)
    );
    let mut server = cluster.connect(SUPERUSER, "postgres")?;
    let found = server.query_opt(
        "SELECT shobj_description(oid, 'pg_database') FROM pg_database WHERE datname = $1",
        &[&DATABASE],
    )?;
    if let Some(row) = found {
        if row.get::<_, Option<String>>(0).as_deref() == Some(state.as_str()) {
            note("the data are there from the last time");
            return Ok(());
        }
        server.batch_execute(&format!("DROP DATABASE {DATABASE} WITH (FORCE)"))?;
    }
    server.batch_execute(&format!("CREATE DATABASE {DATABASE} TEMPLATE template0"))?;
    let mut database = cluster.connect(SUPERUSER, DATABASE)?;
    fill(&mut database, patients)?;
    protect(&mut database)?;
    // Written last: a database without it is not whole, and is made anew.
    server.batch_execute(&format!("COMMENT ON DATABASE {DATABASE} IS '{state}'"))?;
    Ok(())
}

/// Makes the tables and fills them.
fn fill(database: &mut Client, patients: usize) -> Result<()> {
    let mut tables = String::new();
    for kind in TYPES {
        writeln!(
            tables,
            "CREATE TABLE {} (id text PRIMARY KEY, resource jsonb NOT NULL);",
            table(kind)
        )?;
    }
    database.batch_execute(&tables)?;
    let clinic = Clinic { patients };
    step(&format!(
        "loading {} patients and what happened to them",
        thousands(patients)
    ));
    let bar = ProgressBar::new(patients as u64);
    bar.set_style(ProgressStyle::with_template(
        "  {bar:40.cyan/dim} {pos}/{len} patients {wide_msg}",
    )?);
    let mut total = copy(database, clinic.staff())?;
    for first in (0..patients).step_by(BATCH) {
        let batch = first..patients.min(first + BATCH);
        bar.inc(batch.len() as u64);
        total += copy(
            database,
            batch
                .flat_map(|index| records::of_patient(clinic, index))
                .collect(),
        )?;
        bar.set_message(format!("{} resources", thousands(total)));
    }
    bar.finish_and_clear();
    let mut indexes = String::new();
    for kind in TYPES {
        writeln!(
            indexes,
            "CREATE INDEX ON {} USING gin (resource jsonb_path_ops);",
            table(kind)
        )?;
    }
    database.batch_execute(&indexes)?;
    database.batch_execute("ANALYZE")?;
    note(&format!(
        "{} resources of {} types",
        thousands(total),
        TYPES.len()
    ));
    Ok(())
}

/// Copies resources into their tables, and counts them.
fn copy(database: &mut Client, resources: Vec<Resource>) -> Result<usize> {
    let count = resources.len();
    let mut rows: BTreeMap<&str, String> = BTreeMap::new();
    for resource in resources {
        let rows = rows.entry(resource.kind).or_default();
        // COPY's text format: JSON text holds no tab and no newline, but backslashes.
        writeln!(
            rows,
            "{}\t{}",
            resource.id,
            resource.body.to_string().replace('\\', "\\\\")
        )?;
    }
    for (kind, rows) in rows {
        let mut writer =
            database.copy_in(&format!("COPY {} (id, resource) FROM STDIN", table(kind)))?;
        writer.write_all(rows.as_bytes())?;
        writer
            .finish()
            .with_context(|| format!("cannot load {kind} resources"))?;
    }
    Ok(count)
}

/// Protects the tables, installs the clinic's policies, and lets the application in.
fn protect(database: &mut Client) -> Result<()> {
    step("protecting the tables and installing the clinic's policies");
    let mut transaction = database.transaction()?;
    transaction.batch_execute("CREATE EXTENSION fhir_access")?;
    for kind in TYPES {
        transaction
            .batch_execute(&format!(
                "SELECT fhir_access.protect('{}', '{kind}')",
                table(kind)
            ))
            .with_context(|| format!("cannot protect {}", table(kind)))?;
    }
    let documents: Value = serde_json::from_str(DOCUMENTS).context("clinic.json is not JSON")?;
    for (member, relation) in [
        ("policies", "access_policy"),
        ("memberships", "project_membership"),
    ] {
        let list = documents.get(member).and_then(Value::as_array);
        for document in list.with_context(|| format!("clinic.json has no {member}"))? {
            transaction
                .execute(
                    &format!(
                        "INSERT INTO fhir_access.{relation} (resource) VALUES ($1::text::jsonb)"
                    ),
                    &[&document.to_string()],
                )
                .with_context(|| format!("cannot install {}", document["id"]))?;
        }
    }
    transaction.batch_execute(&format!(
        "DO $$ BEGIN
           IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = '{APPLICATION}') THEN CREATE ROLE {APPLICATION} LOGIN; END IF;
         END $$;
         GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO {APPLICATION};
         GRANT SET ON PARAMETER fhir_access.membership, fhir_access.client_ip TO {APPLICATION};"
    ))?;
    transaction.commit()?;
    Ok(())
}

/// The table of a resource type: `MedicationRequest` is in `medication_request`.
fn table(kind: &str) -> String {
    let mut name = String::new();
    for letter in kind.chars() {
        if letter.is_ascii_uppercase() && !name.is_empty() {
            name.push('_');
        }
        name.push(letter.to_ascii_lowercase());
    }
    name
}

/// Changes when the generator or the documents do.
fn fingerprint(patients: usize) -> u64 {
    let clinic = Clinic { patients };
    let mut text = DOCUMENTS.to_owned();
    for resource in records::of_patient(clinic, 0)
        .into_iter()
        .chain(clinic.staff())
    {
        text.push_str(&resource.body.to_string());
    }
    digest(text.as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tables_are_named_after_types() {
        assert_eq!(table("Patient"), "patient");
        assert_eq!(table("MedicationRequest"), "medication_request");
    }

    #[test]
    fn every_generated_type_has_a_table() {
        let clinic = Clinic { patients: 40 };
        let all = (0..40).flat_map(|index| records::of_patient(clinic, index));
        for resource in all.chain(clinic.staff()) {
            assert!(TYPES.contains(&resource.kind), "{}", resource.kind);
        }
    }
}
