//! The tables at a size, twice: under fhir_access, and as a copy of the files for the other methods.

use std::io::Write as _;
use std::time::Instant;

use anyhow::{Context, Result};
use serde::Serialize;

use crate::bench::writes::synthea;
use crate::bench::{DATABASE, machine::Machine};
use crate::cluster::{Cluster, SUPERUSER};
use crate::console::{note, step, thousands};
use crate::demo;
use crate::project::Project;

const ROWS: &str = include_str!("../../../../benches/statements.sql");
const POLICIES: &str = include_str!("../../../../benches/statements_policies.sql");
const BY_HAND: &str = include_str!("../../../../benches/statements_by_hand.sql");

/// The database without the extension.
pub const PLAIN: &str = "plain";

const KINDS: [&str; 3] = ["Patient", "Encounter", "Observation"];

/// What is multiplied: types, ids and JSON texts.
pub struct Sample {
    pub origin: &'static str,
    rows: Vec<(&'static str, String, String)>,
}

impl Sample {
    /// Synthea's, where they lie beside the repository, else the demo clinic's.
    pub fn of(project: &Project) -> Result<Self> {
        let mut sample = Self {
            origin: "Synthea",
            rows: Vec::new(),
        };
        for kind in KINDS {
            match synthea(project, kind)? {
                Some(rows) => sample
                    .rows
                    .extend(rows.into_iter().map(|(id, body)| (kind, id, body))),
                None => sample.origin = "the demo clinic",
            }
        }
        if sample.rows.is_empty() {
            for kind in KINDS {
                let rows = demo::resources(150, kind);
                sample
                    .rows
                    .extend(rows.into_iter().map(|(id, body)| (kind, id, body)));
            }
        }
        Ok(sample)
    }

    fn as_copy(&self) -> String {
        self.rows
            .iter()
            .map(|(kind, id, body)| format!("{kind}\t{id}\t{}\n", body.replace('\\', "\\\\")))
            .collect()
    }
}

/// What was made.
#[derive(Debug, Clone, Serialize)]
pub struct Size {
    /// Resources that were asked for.
    pub asked: usize,
    pub patients: i64,
    pub encounters: i64,
    pub observations: i64,
    pub table_mb: f64,
    pub index_mb: f64,
    pub seconds: f64,
    /// The load as these were measured.
    pub load: f64,
    /// Observations of the clinic that is asked about.
    pub of_clinic: i64,
    /// The number of one that the clinician may see.
    pub permitted: i64,
    /// The visit with the most laboratory results there.
    pub encounter: String,
}

/// Makes both databases anew.
pub fn provide(cluster: &Cluster, sample: &Sample, asked: usize) -> Result<Size> {
    step(&format!(
        "generating {} resources out of {}",
        thousands(asked),
        sample.origin
    ));
    let begun = Instant::now();
    let mut server = cluster.connect(SUPERUSER, "postgres")?;
    for database in [DATABASE, PLAIN] {
        server.batch_execute(&format!("DROP DATABASE IF EXISTS {database}"))?;
    }
    for role in [
        "bench_app",
        "bench_by_hand",
        "bench_setting_clinician",
        "bench_setting_patient",
        "bench_function_clinician",
        "bench_function_patient",
    ] {
        let known = server.query("SELECT FROM pg_roles WHERE rolname = $1", &[&role])?;
        if !known.is_empty() {
            // The right to a parameter is the cluster's, and outlives databases.
            server.batch_execute(&format!("DROP OWNED BY {role}; DROP ROLE {role}"))?;
        }
    }
    server.batch_execute(&format!("CREATE DATABASE {DATABASE} TEMPLATE template0"))?;
    let mut superuser = cluster.connect(SUPERUSER, DATABASE)?;
    superuser.batch_execute("CREATE TABLE source (kind text, id text, resource jsonb)")?;
    let mut writer = superuser.copy_in("COPY source FROM STDIN")?;
    writer.write_all(sample.as_copy().as_bytes())?;
    writer.finish()?;
    superuser
        .batch_execute(&ROWS.replace("{rows}", &asked.to_string()))
        .context("statements.sql failed")?;
    // Statistics, hint bits, and no list of entries that wait for their GIN index.
    superuser.batch_execute("VACUUM (ANALYZE, FREEZE)")?;
    drop(superuser);
    // The same blocks and the same statistics, so that plans differ for no other reason than the method.
    server.batch_execute("CHECKPOINT")?;
    server.batch_execute(&format!(
        "CREATE DATABASE {PLAIN} TEMPLATE {DATABASE} STRATEGY file_copy"
    ))?;
    for database in [DATABASE, PLAIN] {
        // Disks and memory of today; the default is for disks that turn.
        server.batch_execute(&format!(
            "ALTER DATABASE {database} SET random_page_cost = 1.1"
        ))?;
    }
    // Not this extension; an empty list would be one of a library without a name.
    server.batch_execute(&format!(
        "ALTER DATABASE {PLAIN} SET session_preload_libraries = 'plpgsql'"
    ))?;
    cluster
        .connect(SUPERUSER, DATABASE)?
        .batch_execute(POLICIES)
        .context("statements_policies.sql failed")?;
    cluster
        .connect(SUPERUSER, PLAIN)?
        .batch_execute(BY_HAND)
        .context("statements_by_hand.sql failed")?;
    let mut superuser = cluster.connect(SUPERUSER, DATABASE)?;
    superuser.batch_execute("VACUUM ANALYZE fhir_access.project_membership, fhir_access.access_policy, fhir_access.project")?;
    superuser.batch_execute("CHECKPOINT")?;
    let row = superuser.query_one(
        r#"SELECT (SELECT count(*) FROM patient), (SELECT count(*) FROM encounter), (SELECT count(*) FROM observation),
                  (SELECT sum(pg_table_size(t)) / 1048576.0 FROM unnest('{patient,encounter,observation}'::regclass[]) AS t)::float8,
                  (SELECT sum(pg_indexes_size(t)) / 1048576.0 FROM unnest('{patient,encounter,observation}'::regclass[]) AS t)::float8,
                  (SELECT count(*) FROM observation WHERE project_id = 'c2'),
                  (SELECT min(substr(id, 4)::bigint) FROM observation
                    WHERE project_id = 'c2' AND resource @> '{"category": [{"coding": [{"code": "laboratory"}]}]}'),
                  (SELECT resource #>> '{encounter,reference}' FROM observation
                    WHERE project_id = 'c2' AND resource @> '{"category": [{"coding": [{"code": "laboratory"}]}]}'
                    GROUP BY 1 ORDER BY count(*) DESC, 1 LIMIT 1)"#,
        &[],
    )?;
    let size = Size {
        asked,
        patients: row.get(0),
        encounters: row.get(1),
        observations: row.get(2),
        table_mb: row.get(3),
        index_mb: row.get(4),
        seconds: begun.elapsed().as_secs_f64(),
        load: Machine::load(),
        of_clinic: row.get(5),
        permitted: row
            .get::<_, Option<i64>>(6)
            .context("the clinic has no laboratory results")?,
        encounter: row
            .get::<_, Option<String>>(7)
            .context("the clinic has no laboratory results")?,
    };
    note(&format!(
        "{} Patients, {} Encounters, {} Observations, {:.0} MB and {:.0} MB of indexes, in {:.0} s",
        size.patients,
        size.encounters,
        size.observations,
        size.table_mb,
        size.index_mb,
        size.seconds
    ));
    Ok(size)
}
