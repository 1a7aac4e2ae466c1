//! The extension, seen through tokio-postgres: the clinic of `../setup.sql`, found by libpq's variables.
#![cfg(test)]

mod errors;
mod pool;
mod prepared;
mod streams;
mod values;

use std::env;

use tokio_postgres::error::{DbError, SqlState};
use tokio_postgres::types::{FromSql, ToSql, Type};
use tokio_postgres::{Client, Config, Error, GenericClient, NoTls, Row, Statement, Transaction};

type Parameters<'a> = [&'a (dyn ToSql + Sync)];

/// Every patient, in order, as whoever asks sees them.
const PATIENTS: &str = "SELECT id FROM patient ORDER BY id";

/// What each membership sees of them.
const SEEN: [(&str, &[&str]); 4] = [
    ("p1", &["anna", "ben"]),
    ("p2", &["carla"]),
    ("anna", &["anna"]),
    ("desk", &["anna", "ben", "carla"]),
];

fn seen(membership: &str) -> &'static [&'static str] {
    SEEN.iter()
        .find(|(name, _)| *name == membership)
        .map(|(_, seen)| *seen)
        .unwrap()
}

fn variable(name: &str) -> String {
    env::var(name).unwrap_or_else(|_| panic!("{name} is not set"))
}

fn configuration(user: &str) -> Config {
    let mut configuration = Config::new();
    configuration
        .host(variable("PGHOST"))
        .port(variable("PGPORT").parse().unwrap())
        .dbname(variable("PGDATABASE"))
        .user(user);
    configuration
}

async fn connect(configuration: &Config) -> Client {
    let (client, connection) = configuration.connect(NoTls).await.unwrap();
    tokio::spawn(connection);
    client
}

/// A connection as the application's role.
async fn app() -> Client {
    connect(&configuration("driver")).await
}

async fn superuser() -> Client {
    connect(&configuration(&variable("PGUSER"))).await
}

/// A transaction under a membership; dropped, it is rolled back.
async fn acting_as<'a>(client: &'a mut Client, membership: &str) -> Transaction<'a> {
    acting_from(client, membership, None).await
}

async fn acting_from<'a>(
    client: &'a mut Client,
    membership: &str,
    address: Option<&str>,
) -> Transaction<'a> {
    let transaction = client.transaction().await.unwrap();
    transaction
        .execute(
            "SELECT fhir_access.set_session($1, $2)",
            &[&membership, &address],
        )
        .await
        .unwrap();
    transaction
}

/// A statement that lives as long as the connection, prepared under a membership that is not the one it will serve.
async fn prepare(client: &mut Client, query: &str) -> Statement {
    let transaction = acting_as(client, "desk").await;
    transaction.prepare(query).await.unwrap()
}

async fn set_local(transaction: &Transaction<'_>, membership: &str) {
    transaction
        .batch_execute(&format!(
            "SET LOCAL fhir_access.membership = '{membership}'"
        ))
        .await
        .unwrap();
}

/// The first column of every row.
fn column(rows: &[Row]) -> Vec<&str> {
    rows.iter().map(|row| row.get(0)).collect()
}

async fn ids(client: &impl GenericClient, query: &str) -> Vec<String> {
    let rows = client.query(query, &[]).await.unwrap();
    rows.iter().map(|row| row.get(0)).collect()
}

/// Runs a statement and checks what it finds.
async fn finds(
    client: &impl GenericClient,
    query: &Statement,
    parameters: &Parameters<'_>,
    expected: &[&str],
) {
    let rows = client.query(query, parameters).await.unwrap();
    assert_eq!(column(&rows), expected);
}

/// What the server said of a refused statement.
fn refused<T>(result: Result<T, Error>) -> DbError {
    match result {
        Ok(_) => panic!("it was not refused"),
        Err(error) => error
            .as_db_error()
            .unwrap_or_else(|| panic!("{error}"))
            .clone(),
    }
}

/// Nobody is asking on this connection.
async fn is_nobody(client: &impl GenericClient) {
    let error = refused(client.query(PATIENTS, &[]).await);
    assert_eq!(
        error.code(),
        &SqlState::INVALID_AUTHORIZATION_SPECIFICATION,
        "{error}"
    );
}

/// The text of a jsonb as it comes in the binary format: a version, then the text.
struct JsonText(String);

impl<'a> FromSql<'a> for JsonText {
    fn from_sql(_: &Type, raw: &'a [u8]) -> Result<Self, Box<dyn std::error::Error + Sync + Send>> {
        match raw {
            [1, text @ ..] => Ok(Self(String::from_utf8(text.to_vec())?)),
            _ => Err("unknown version of jsonb".into()),
        }
    }

    fn accepts(kind: &Type) -> bool {
        *kind == Type::JSONB
    }
}
