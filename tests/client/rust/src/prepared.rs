//! Prepared statements follow the membership, however often they have run and whatever plan the server kept.

use serde_json::json;

use super::*;

const BY_CONTENT: &str = "SELECT id FROM patient WHERE resource @> $1 ORDER BY id";

#[tokio::test]
async fn a_statement_prepared_once_answers_each_membership() {
    for mode in ["auto", "force_generic_plan", "force_custom_plan"] {
        let mut client = app().await;
        client
            .batch_execute(&format!("SET plan_cache_mode = {mode}"))
            .await
            .unwrap();
        let patients = prepare(&mut client, BY_CONTENT).await;
        for _ in 0..12 {
            for (membership, seen) in SEEN {
                let transaction = acting_as(&mut client, membership).await;
                finds(
                    &transaction,
                    &patients,
                    &[&json!({"resourceType": "Patient"})],
                    seen,
                )
                .await;
                transaction.commit().await.unwrap();
            }
        }
    }
}

#[tokio::test]
async fn a_statement_can_be_prepared_before_anybody_is_known() {
    let mut client = app().await;
    let patients = client.prepare(PATIENTS).await.unwrap();
    for membership in ["p2", "p1", "p2"] {
        let error = refused(client.query(&patients, &[]).await);
        assert_eq!(error.code(), &SqlState::INVALID_AUTHORIZATION_SPECIFICATION);
        let transaction = acting_as(&mut client, membership).await;
        for _ in 0..7 {
            finds(&transaction, &patients, &[], seen(membership)).await;
        }
        transaction.commit().await.unwrap();
    }
}

#[tokio::test]
async fn a_generic_plan_of_one_membership_is_not_used_for_the_next() {
    let mut client = app().await;
    let transaction = acting_as(&mut client, "p1").await;
    let patients = transaction.prepare(BY_CONTENT).await.unwrap();
    let anybody = json!({"resourceType": "Patient"});
    for _ in 0..10 {
        finds(&transaction, &patients, &[&anybody], seen("p1")).await;
    }
    let generic = "SELECT generic_plans > 0 FROM pg_prepared_statements WHERE statement LIKE 'SELECT id FROM patient%'";
    assert!(
        transaction
            .query_one(generic, &[])
            .await
            .unwrap()
            .get::<_, bool>(0)
    );
    for membership in ["p2", "p1", "desk", "p2"] {
        set_local(&transaction, membership).await;
        finds(&transaction, &patients, &[&anybody], seen(membership)).await;
    }
}

#[tokio::test]
async fn a_prepared_statement_masks_for_the_membership_in_force() {
    let mut client = app().await;
    let phone = "SELECT resource -> 'telecom' -> 0 ->> 'value' FROM patient WHERE id = $1";
    let phone = prepare(&mut client, phone).await;
    let search = prepare(&mut client, BY_CONTENT).await;
    let number = json!({"telecom": [{"value": "555-0101"}]});
    for _ in 0..8 {
        for (membership, value, found) in [
            ("p1", Some("555-0101"), &["anna"] as &[&str]),
            ("desk", None, &[]),
        ] {
            let transaction = acting_as(&mut client, membership).await;
            let row = transaction.query_one(&phone, &[&"anna"]).await.unwrap();
            assert_eq!(row.get::<_, Option<&str>>(0), value);
            finds(&transaction, &search, &[&number], found).await;
        }
    }
}

#[tokio::test]
async fn a_prepared_statement_is_refused_when_the_membership_is_gone() {
    let mut client = app().await;
    let patients = prepare(&mut client, PATIENTS).await;
    for _ in 0..8 {
        let transaction = acting_as(&mut client, "p1").await;
        finds(&transaction, &patients, &[], seen("p1")).await;
        transaction.commit().await.unwrap();
        let error = refused(client.query(&patients, &[]).await);
        assert_eq!(error.code(), &SqlState::INVALID_AUTHORIZATION_SPECIFICATION);
    }
}

#[tokio::test]
async fn prepared_updates_follow_the_membership() {
    let mut client = app().await;
    let update = "UPDATE patient SET note = 'seen' WHERE id = $1";
    let update = prepare(&mut client, update).await;
    for _ in 0..8 {
        for (membership, anna, carla) in [("p1", 1, 0), ("p2", 0, 1)] {
            let transaction = acting_as(&mut client, membership).await;
            assert_eq!(
                transaction.execute(&update, &[&"anna"]).await.unwrap(),
                anna
            );
            assert_eq!(
                transaction.execute(&update, &[&"carla"]).await.unwrap(),
                carla
            );
        }
    }
}

#[tokio::test]
async fn rollback_takes_the_membership_back() {
    let mut client = app().await;
    client
        .batch_execute("SET fhir_access.membership = 'p2'")
        .await
        .unwrap();
    let mut transaction = acting_as(&mut client, "p1").await;
    assert_eq!(ids(&transaction, PATIENTS).await, seen("p1"));
    let savepoint = transaction.transaction().await.unwrap();
    set_local(&savepoint, "desk").await;
    assert_eq!(ids(&savepoint, PATIENTS).await, seen("desk"));
    savepoint.rollback().await.unwrap();
    assert_eq!(ids(&transaction, PATIENTS).await, seen("p1"));
    transaction.rollback().await.unwrap();
    assert_eq!(ids(&client, PATIENTS).await, seen("p2"));
}

#[tokio::test]
async fn set_session_for_the_session() {
    let mut client = app().await;
    client
        .batch_execute("SELECT fhir_access.set_session('p1', is_local => false)")
        .await
        .unwrap();
    assert_eq!(ids(&client, PATIENTS).await, seen("p1"));
    let transaction = acting_as(&mut client, "p2").await;
    let session = transaction
        .query_one("SELECT membership, profile FROM fhir_access.session()", &[])
        .await
        .unwrap();
    assert_eq!(session.get::<_, &str>(0), "p2");
    assert_eq!(session.get::<_, &str>(1), "Practitioner/p2");
    transaction.commit().await.unwrap();
    assert_eq!(ids(&client, PATIENTS).await, seen("p1"));
    client
        .batch_execute("SELECT fhir_access.set_session(NULL, is_local => false)")
        .await
        .unwrap();
    is_nobody(&client).await;
}
