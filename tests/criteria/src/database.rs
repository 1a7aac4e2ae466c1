//! The extension's side: tables, policies, and what a membership sees.

use std::collections::{BTreeMap, BTreeSet};
use std::env;

use anyhow::{Context, Result};
use postgres::error::SqlState;
use postgres::{Client, Config, NoTls, SimpleQueryMessage};
use serde_json::{Value, json};

use crate::documents::Documents;

/// Rows written at once.
const BATCH: usize = 250;

fn variable(name: &str) -> Result<String> {
    env::var(name).with_context(|| format!("{name} is not set: run `cargo xtask test criteria`"))
}

fn connect(user: &str) -> Result<Client> {
    let mut configuration = Config::new();
    configuration
        .host(&variable("PGHOST")?)
        .port(variable("PGPORT")?.parse()?)
        .dbname(&variable("PGDATABASE")?)
        .user(user);
    Ok(configuration.connect(NoTls)?)
}

pub fn superuser() -> Result<Client> {
    connect(&variable("PGUSER")?)
}

/// The role that row security applies to.
pub fn asker() -> Result<Client> {
    connect("asker")
}

fn quoted(name: &str) -> String {
    format!("stored.\"{name}\"")
}

fn literal(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}

/// A protected table for each type.
pub fn store(client: &mut Client, documents: &Documents) -> Result<()> {
    for (resource_type, documents) in documents {
        let table = quoted(resource_type);
        client.batch_execute(&format!(
            "CREATE TABLE {table} (id text PRIMARY KEY, resource jsonb NOT NULL)"
        ))?;
        for batch in documents.chunks(BATCH) {
            insert(client, &table, batch)?;
        }
        client.execute(
            "SELECT fhir_access.protect(to_regclass($1), $2)",
            &[&table, resource_type],
        )?;
    }
    client.batch_execute("ANALYZE")?;
    Ok(())
}

fn insert(
    client: &mut impl postgres::GenericClient,
    table: &str,
    documents: &[Value],
) -> Result<()> {
    let texts: Vec<String> = documents.iter().map(Value::to_string).collect();
    let statement = format!(
        "INSERT INTO {table} SELECT r ->> 'id', r FROM (SELECT t::jsonb FROM unnest($1::text[]) t) d (r)"
    );
    client.execute(&statement, &[&texts])?;
    Ok(())
}

fn policy(name: &str, resource_type: &str, criteria: &str) -> String {
    json!({
        "resourceType": "AccessPolicy", "id": name,
        "resource": [{"resourceType": resource_type, "criteria": criteria}],
    })
    .to_string()
}

/// Stores a policy for each criteria, named by its number; returns the refused ones, with what was said.
pub fn write_policies(
    client: &mut Client,
    criteria: &[(String, String)],
) -> Result<BTreeMap<usize, String>> {
    const INSERT: &str = "INSERT INTO fhir_access.access_policy (resource) SELECT t::jsonb FROM unnest($1::text[]) t";
    let policies: Vec<String> = criteria
        .iter()
        .enumerate()
        .map(|(n, (resource_type, text))| policy(&n.to_string(), resource_type, text))
        .collect();
    let mut refused = BTreeMap::new();
    let all = 0..policies.len();
    let mut batches = Vec::from([all]);
    while let Some(batch) = batches.pop() {
        if batch.len() > BATCH {
            let middle = batch.start + batch.len() / 2;
            batches.extend([middle..batch.end, batch.start..middle]);
            continue;
        }
        let Err(error) = client.execute(INSERT, &[&&policies[batch.clone()]]) else {
            continue;
        };
        if error.code() != Some(&SqlState::INVALID_PARAMETER_VALUE) {
            return Err(error.into());
        }
        if batch.len() == 1 {
            let said = error.as_db_error().map(|error| error.message().to_owned());
            refused.insert(batch.start, said.unwrap_or_default());
        } else {
            let middle = batch.start + batch.len() / 2;
            batches.extend([middle..batch.end, batch.start..middle]);
        }
    }
    Ok(refused)
}

/// Somebody who asks under a policy.
fn membership(policy: &str) -> String {
    let membership = json!({
        "resourceType": "ProjectMembership", "id": "asking", "profile": {"reference": "Practitioner/asking"},
        "access": [{"policy": {"reference": format!("AccessPolicy/{policy}")}}],
    });
    literal(&membership.to_string())
}

/// The ids that are seen under a policy.
pub fn seen(client: &mut Client, resource_type: &str, policy: &str) -> Result<BTreeSet<String>> {
    ids(
        client,
        &format!(
            "SET fhir_access.membership = {}; SELECT id FROM {}",
            membership(policy),
            quoted(resource_type)
        ),
    )
}

/// The first column of what a few statements return.
fn ids(client: &mut Client, statements: &str) -> Result<BTreeSet<String>> {
    let messages = client.simple_query(statements).map_err(said)?;
    Ok(messages
        .iter()
        .filter_map(|message| match message {
            SimpleQueryMessage::Row(row) => row.get(0).map(str::to_owned),
            _ => None,
        })
        .collect())
}

/// Stores, beside the criteria's own policy, one in which its entry is the first of two for updates, and keeps a field.
pub fn write_deciding_policy(
    client: &mut Client,
    number: usize,
    resource_type: &str,
    criteria: &str,
) -> Result<()> {
    let policy = json!({
        "resourceType": "AccessPolicy", "id": format!("deciding-{number}"),
        "resource": [
            {"resourceType": resource_type, "criteria": criteria, "interaction": ["update"], "readonlyFields": ["implicitRules"]},
            {"resourceType": resource_type, "interaction": ["read", "search", "update"]},
        ],
    });
    const INSERT: &str = "INSERT INTO fhir_access.access_policy (resource) SELECT $1::text::jsonb ON CONFLICT DO NOTHING";
    client
        .execute(INSERT, &[&policy.to_string()])
        .map_err(said)?;
    Ok(())
}

/// The ids of the rows for whose update the criteria's entry decides: what is sent for its field is not taken.
pub fn decided(
    client: &mut Client,
    resource_type: &str,
    number: usize,
) -> Result<BTreeSet<String>> {
    let found = ids(
        client,
        &format!(
            "BEGIN; SET LOCAL fhir_access.membership = {};
             WITH written AS (UPDATE {} SET resource = resource || '{{\"implicitRules\": \"urn:written\"}}' RETURNING id, resource)
             SELECT id FROM written WHERE resource ->> 'implicitRules' IS DISTINCT FROM 'urn:written'; ROLLBACK",
            membership(&format!("deciding-{number}")),
            quoted(resource_type)
        ),
    );
    if found.is_err() {
        client.batch_execute("ROLLBACK")?;
    }
    found
}

fn said(error: postgres::Error) -> anyhow::Error {
    match error.as_db_error() {
        Some(error) => anyhow::anyhow!("{} {}", error.code().code(), error.message()),
        None => error.into(),
    }
}

/// What a criteria would grant of documents that are stored for this question only.
pub fn would_see(
    client: &mut Client,
    resource_type: &str,
    criteria: &str,
    documents: &[Value],
) -> Result<BTreeSet<String>> {
    let mut transaction = client.transaction()?;
    let table = quoted(resource_type);
    insert(&mut transaction, &table, documents)?;
    transaction.execute(
        "INSERT INTO fhir_access.access_policy (resource) SELECT $1::text::jsonb",
        &[&policy("would", resource_type, criteria)],
    )?;
    transaction.batch_execute(&format!(
        "SET LOCAL ROLE asker; SET LOCAL fhir_access.membership = {}",
        membership("would")
    ))?;
    let rows = transaction
        .query(&format!("SELECT id FROM {table}"), &[])
        .map_err(said)?;
    Ok(rows.iter().map(|row| row.get(0)).collect())
}

/// How many of those indexes were scanned since. Statistics come a little after the session that made them ends.
pub fn scanned_indexes(client: &mut Client) -> Result<i64> {
    const COUNT: &str =
        "SELECT count(*) FROM pg_stat_user_indexes i JOIN pg_index x USING (indexrelid)
         WHERE i.schemaname = 'stored' AND NOT x.indisprimary AND i.idx_scan > 0";
    let mut counts = [-1, 0];
    for _ in 0..50 {
        counts = [counts[1], client.query_one(COUNT, &[])?.get(0)];
        if counts[0] == counts[1] && counts[1] > 0 {
            break;
        }
        std::thread::sleep(std::time::Duration::from_millis(200));
    }
    Ok(counts[1])
}

/// Makes the indexes that are advised; returns how many.
pub fn make_advised_indexes(client: &mut Client) -> Result<usize> {
    let rows = client.query("SELECT statement FROM fhir_access.index_advice()", &[])?;
    for row in &rows {
        let statement: &str = row.get(0);
        client
            .batch_execute(statement)
            .map_err(said)
            .context(statement.to_owned())?;
    }
    client.batch_execute("ANALYZE")?;
    Ok(rows.len())
}
