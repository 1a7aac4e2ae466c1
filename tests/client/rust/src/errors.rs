//! Errors arrive with their SQLSTATE and fields, ours and PostgreSQL's own.

use serde_json::json;
use tokio_postgres::error::ErrorPosition;

use super::*;

#[tokio::test]
async fn no_membership() {
    let error = refused(app().await.query(PATIENTS, &[]).await);
    assert_eq!(error.code(), &SqlState::INVALID_AUTHORIZATION_SPECIFICATION);
    assert_eq!(error.message(), "no membership is set for this session");
    assert!(error.hint().unwrap().contains("fhir_access.membership"));
    assert_eq!(error.severity(), "ERROR");
}

#[tokio::test]
async fn memberships_that_cannot_be_used() {
    for (membership, named) in [
        ("nobody", "ProjectMembership/nobody"),
        ("lost", "AccessPolicy/of-nobody"),
        ("{", "fhir_access.membership"),
        (r#"{"resourceType": "Patient"}"#, "fhir_access.membership"),
    ] {
        let mut client = app().await;
        let transaction = acting_as(&mut client, membership).await;
        let error = refused(transaction.query(PATIENTS, &[]).await);
        assert_eq!(error.code(), &SqlState::INVALID_AUTHORIZATION_SPECIFICATION);
        assert!(error.message().contains(named), "{error}");
    }
}

#[tokio::test]
async fn values_that_no_membership_or_address_can_have() {
    let client = app().await;
    for (membership, address) in [
        ("Patient/p1", None),
        ("not a membership", None),
        ("p1", Some("elsewhere")),
        ("p1", Some("10.0.0.0/8")),
    ] {
        let set = "SELECT fhir_access.set_session($1, $2, false)";
        let error = refused(client.query(set, &[&membership, &address]).await);
        assert_eq!(error.code(), &SqlState::INVALID_PARAMETER_VALUE);
        assert!(error.detail().unwrap().starts_with("Expected"), "{error}");
    }
    is_nobody(&client).await;
}

#[tokio::test]
async fn a_blocked_address() {
    let mut client = app().await;
    let transaction = acting_from(&mut client, "office", Some("203.0.113.9")).await;
    assert_eq!(ids(&transaction, PATIENTS).await.len(), 3);
    drop(transaction);
    let transaction = acting_from(&mut client, "office", Some("198.51.100.9")).await;
    let error = refused(transaction.query(PATIENTS, &[]).await);
    assert_eq!(error.code(), &SqlState::INVALID_AUTHORIZATION_SPECIFICATION);
    for part in ["198.51.100.9", "AccessPolicy/office-only"] {
        assert!(error.message().contains(part), "{error}");
    }
}

#[tokio::test]
async fn the_address_of_the_connection_counts() {
    let mut configuration = Config::new();
    configuration
        .host("127.0.0.1")
        .port(variable("PGPORT").parse().unwrap())
        .dbname(variable("PGDATABASE"))
        .user("driver")
        .password("the driver's password");
    let mut client = connect(&configuration).await;
    let transaction = acting_as(&mut client, "local").await;
    assert_eq!(ids(&transaction, PATIENTS).await.len(), 3);

    // Over the socket there is none.
    let mut client = app().await;
    is_nobody(&acting_as(&mut client, "local").await).await;
}

#[tokio::test]
async fn a_write_that_is_not_permitted() {
    let mut client = app().await;
    let transaction = acting_as(&mut client, "anna").await;
    let update = "UPDATE patient SET note = $1 WHERE id = 'anna'";
    let error = refused(transaction.execute(update, &[&"mine"]).await);
    assert_eq!(error.code(), &SqlState::INSUFFICIENT_PRIVILEGE);
    assert_eq!(error.message(), "update of Patient/anna is not permitted");
    assert!(error.detail().unwrap().contains("update"));
    assert!(error.hint().is_some());
    drop(transaction);

    let transaction = acting_as(&mut client, "p1").await;
    let leave = "UPDATE patient SET resource = resource || $1 WHERE id = 'anna'";
    let error = refused(
        transaction
            .execute(leave, &[&json!({"generalPractitioner": []})])
            .await,
    );
    assert_eq!(error.code(), &SqlState::INSUFFICIENT_PRIVILEGE);
    assert!(
        error
            .detail()
            .unwrap()
            .contains("AccessPolicy/practice resource[0]")
    );
    drop(transaction);

    // What is not seen is not there.
    let transaction = acting_as(&mut client, "p2").await;
    let delete = "DELETE FROM patient WHERE id = 'anna'";
    assert_eq!(transaction.execute(delete, &[]).await.unwrap(), 0);
}

#[tokio::test]
async fn only_a_trusted_role_chooses_its_membership() {
    let client = connect(&configuration("bystander")).await;
    for statement in [
        "SET fhir_access.membership = 'p1'",
        "SELECT fhir_access.set_session('p1')",
    ] {
        let error = refused(client.batch_execute(statement).await);
        assert_eq!(
            error.code(),
            &SqlState::INSUFFICIENT_PRIVILEGE,
            "{statement}"
        );
    }
    for table in ["patient", "fhir_access.access_policy"] {
        let statement = format!("SELECT resource FROM {table}");
        let error = refused(client.batch_execute(&statement).await);
        assert_eq!(
            error.code(),
            &SqlState::INVALID_AUTHORIZATION_SPECIFICATION,
            "{table}"
        );
    }
    is_nobody(&client).await;
}

#[tokio::test]
async fn an_invalid_policy() {
    let policy = json!({"resourceType": "AccessPolicy", "resource": [
        {"resourceType": "Patient"}, {"resourceType": "Patient", "criteria": "Patient?adress-state=CA"}]});
    let insert = "INSERT INTO fhir_access.access_policy (resource) VALUES ($1)";
    let error = refused(superuser().await.execute(insert, &[&policy]).await);
    assert_eq!(error.code(), &SqlState::INVALID_PARAMETER_VALUE);
    for part in ["resource[1].criteria", "adress-state"] {
        assert!(error.message().contains(part), "{error}");
    }
}

#[tokio::test]
async fn errors_of_postgresql_pass_unchanged() {
    let mut client = app().await;
    let transaction = acting_as(&mut client, "desk").await;
    let attempt = async |statement: &str| {
        transaction.batch_execute("SAVEPOINT s").await.unwrap();
        let error = refused(transaction.batch_execute(statement).await);
        transaction
            .batch_execute("ROLLBACK TO SAVEPOINT s")
            .await
            .unwrap();
        error
    };
    let again = attempt(
        r#"INSERT INTO patient (id, resource) VALUES ('anna', '{"resourceType": "Patient", "id": "anna"}')"#,
    )
    .await;
    assert_eq!(again.code(), &SqlState::UNIQUE_VIOLATION);
    assert_eq!(again.constraint(), Some("patient_pkey"));
    assert_eq!(
        (again.schema(), again.table()),
        (Some("public"), Some("patient"))
    );
    let long = attempt("UPDATE patient SET note = repeat('x', 200) WHERE id = 'anna'").await;
    assert_eq!(long.code(), &SqlState::CHECK_VIOLATION);
    assert_eq!(long.constraint(), Some("short_note"));
    let unknown = attempt("SELECT nothing FROM patient").await;
    assert_eq!(unknown.code(), &SqlState::UNDEFINED_COLUMN);
    assert_eq!(unknown.position(), Some(&ErrorPosition::Original(8)));
    let divided = attempt("DO $$ BEGIN PERFORM 1 / (SELECT 0 FROM patient LIMIT 1); END $$").await;
    assert_eq!(divided.code(), &SqlState::DIVISION_BY_ZERO);
    assert!(divided.where_().unwrap().contains("PL/pgSQL"));
    assert_eq!(ids(&transaction, PATIENTS).await.len(), 3);
}
