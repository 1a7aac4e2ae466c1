//! `cargo xtask bench criteria`: one criterion of each kind on generated resources, with its advised index against the best
//! SQL by hand, and without one; what a large policy and a switch of memberships cost; many instances of one policy.

mod cases;
mod indexed;
mod instances;
mod print;
mod scans;
mod sessions;

use std::time::Duration;

use anyhow::{Context, Result};
use postgres::Client;
use serde::Serialize;

use super::pairs::{self, Budget};
use super::{APPLICATION, DATABASE, plan};
use crate::cluster::{Cluster, SUPERUSER};
use crate::console::{self, step};

pub use print::sections;

/// The data.
const DATA: &str = include_str!("../../../../benches/criteria.sql");

/// No comparison runs longer than this.
const LONGEST: Duration = Duration::from_secs(15);

/// How much is measured.
#[derive(Debug, Clone, Copy)]
pub struct Scope {
    /// Resources in each table.
    pub rows: usize,
    /// Paired runs.
    pub pairs: usize,
    /// Keep the plans of both sides.
    pub plans: bool,
}

impl Scope {
    fn budget(self) -> Budget {
        Budget {
            warm_up: pairs::WARM_UP,
            pairs: self.pairs,
            time: LONGEST,
        }
    }
}

/// What was measured.
#[derive(Serialize)]
pub struct Report {
    rows: usize,
    indexed: Vec<indexed::Comparison>,
    scans: Vec<scans::Scan>,
    sessions: sessions::Sessions,
    instances: Vec<instances::Comparison>,
    pub good: bool,
}

/// Measures in an empty cluster.
pub fn measure(cluster: &Cluster, scope: Scope) -> Result<Report> {
    let rows = console::thousands(scope.rows);
    step(&format!("generating {rows} resources of three types"));
    // All the data are in memory; the planner should know that, on both sides.
    cluster
        .connect(SUPERUSER, "postgres")?
        .batch_execute(&format!("CREATE DATABASE {DATABASE} TEMPLATE template0"))?;
    cluster
        .connect(SUPERUSER, "postgres")?
        .batch_execute(&format!(
            "ALTER DATABASE {DATABASE} SET random_page_cost = 1.1"
        ))?;
    let mut superuser = cluster.connect(SUPERUSER, DATABASE)?;
    let data = DATA.replace("{rows}", &scope.rows.to_string());
    superuser
        .batch_execute(&data)
        .context("criteria.sql failed")?;
    indexed::store(&mut superuser)?;
    instances::store(&mut superuser)?;
    sessions::store(&mut superuser)?;
    settle(&mut superuser)?;
    let mut application = cluster.connect(APPLICATION, DATABASE)?;
    step("filters without an index");
    let scans = scans::measure(&mut application, &mut superuser, scope)?;
    step("creating the advised indexes, and those by hand");
    indexed::create_indexes(&mut superuser)?;
    settle(&mut superuser)?;
    step(&format!("{} paired runs of each statement", scope.pairs));
    let indexed = indexed::compare(cluster, &mut superuser, scope)?;
    step("policies and memberships");
    let sessions = sessions::measure(cluster, &mut application, &mut superuser, scope)?;
    step("a thousand instances of one policy");
    let instances = instances::compare(&mut application, &mut superuser, scope)?;
    let good = indexed.iter().all(indexed::Comparison::keeps_bar) && sessions.keep_bars();
    Ok(Report {
        rows: scope.rows,
        indexed,
        scans,
        sessions,
        instances,
        good,
    })
}

/// Brings tables and statistics to rest.
fn settle(superuser: &mut Client) -> Result<()> {
    for table in ["observation", "patient", "risk_assessment"] {
        superuser.batch_execute(&format!("VACUUM (ANALYZE, FREEZE) {table}"))?;
    }
    superuser.batch_execute("CHECKPOINT")?;
    Ok(())
}

/// A membership of one policy.
fn store_membership(superuser: &mut Client, id: &str, policy: &serde_json::Value) -> Result<()> {
    let membership = serde_json::json!({
        "resourceType": "ProjectMembership", "id": id,
        "profile": {"reference": "Practitioner/gp7"},
        "accessPolicy": {"reference": format!("AccessPolicy/{id}")}
    });
    store_documents(superuser, policy, &membership)
}

fn store_documents(
    superuser: &mut Client,
    policy: &serde_json::Value,
    membership: &serde_json::Value,
) -> Result<()> {
    for (table, document) in [
        ("access_policy", policy),
        ("project_membership", membership),
    ] {
        superuser.execute(
            &format!("INSERT INTO fhir_access.{table} (resource) VALUES ($1::text::jsonb)"),
            &[&document.to_string()],
        )?;
    }
    Ok(())
}
