//! Pipelines, portals and COPY.

use bytes::Bytes;
use futures_util::future::{join_all, join3};
use futures_util::{SinkExt, TryStreamExt, pin_mut};

use tokio_postgres::CopyOutStream;

use super::*;

#[tokio::test]
async fn a_pipeline_of_several_memberships() {
    let mut client = app().await;
    let patients = prepare(&mut client, PATIENTS).await;
    let memberships = ["p1", "p2"].repeat(10);
    // A statement is sent when its future is first polled, and all are polled in order before the first answer is read.
    let turns = memberships.iter().map(async |membership| {
        let begin = format!("BEGIN; SELECT fhir_access.set_session('{membership}')");
        let (begun, rows, ended) = join3(
            client.batch_execute(&begin),
            client.query(&patients, &[]),
            client.batch_execute("COMMIT"),
        )
        .await;
        begun.unwrap();
        ended.unwrap();
        rows.unwrap()
    });
    for (membership, rows) in memberships.iter().zip(join_all(turns).await) {
        assert_eq!(column(&rows), seen(membership));
    }
    is_nobody(&client).await;
}

#[tokio::test]
async fn several_statements_in_one_message() {
    let client = app().await;
    let both = format!(
        "BEGIN; SET LOCAL fhir_access.membership = 'p1'; {PATIENTS}; SET LOCAL fhir_access.membership = 'p2'; {PATIENTS}; COMMIT"
    );
    let found: Vec<String> = client
        .simple_query(&both)
        .await
        .unwrap()
        .iter()
        .filter_map(|message| match message {
            tokio_postgres::SimpleQueryMessage::Row(row) => row.get(0).map(str::to_owned),
            _ => None,
        })
        .collect();
    assert_eq!(found, ["anna", "ben", "carla"]);
    is_nobody(&client).await;
}

#[tokio::test]
async fn a_portal_some_rows_at_a_time() {
    let mut client = app().await;
    let transaction = acting_as(&mut client, "anna").await;
    let query =
        "SELECT id FROM observation WHERE NOT resource ? 'performer' AND id > $1 ORDER BY id";
    let portal = transaction.bind(query, &[&"anna-009"]).await.unwrap();
    let mut sizes = Vec::new();
    loop {
        let rows = transaction.query_portal(&portal, 60).await.unwrap();
        assert!(column(&rows).iter().all(|id| id.starts_with("anna-")));
        sizes.push(rows.len());
        if rows.len() < 60 {
            break;
        }
    }
    assert_eq!(sizes, [60, 60, 60, 10]);
}

#[tokio::test]
async fn a_portal_belongs_to_its_membership() {
    let mut client = app().await;
    let transaction = acting_as(&mut client, "p1").await;
    let query = "SELECT id FROM observation ORDER BY id";
    let begun = transaction.bind(query, &[]).await.unwrap();
    let unread = transaction.bind(query, &[]).await.unwrap();
    let first = transaction.query_portal(&begun, 2).await.unwrap();
    assert_eq!(column(&first), ["anna-000", "anna-001"]);
    for portal in [&begun, &unread] {
        transaction.batch_execute("SAVEPOINT s").await.unwrap();
        set_local(&transaction, "p2").await;
        let error = refused(transaction.query_portal(portal, 2).await);
        assert_eq!(error.code(), &SqlState::INVALID_AUTHORIZATION_SPECIFICATION);
        assert!(
            error.message().contains("another session context"),
            "{error}"
        );
        transaction
            .batch_execute("ROLLBACK TO SAVEPOINT s")
            .await
            .unwrap();
    }
}

#[tokio::test]
async fn rows_one_by_one() {
    let mut client = app().await;
    let transaction = acting_as(&mut client, "p2").await;
    let rows = transaction
        .query_raw("SELECT id FROM observation ORDER BY id", [""; 0])
        .await
        .unwrap();
    pin_mut!(rows);
    let mut count = 0;
    while let Some(row) = rows.try_next().await.unwrap() {
        assert!(row.get::<_, &str>(0).starts_with("carla-"));
        count += 1;
    }
    assert_eq!(count, 200);
}

async fn copied(stream: Result<CopyOutStream, Error>) -> Result<Vec<u8>, Error> {
    let parts: Vec<Bytes> = stream?.try_collect().await?;
    Ok(parts.concat())
}

#[tokio::test]
async fn copy_to() {
    for options in ["", "(FORMAT binary)", "(FORMAT csv, HEADER)"] {
        let by_hand = format!(
            "COPY (SELECT id, resource - 'performer' AS resource FROM observation WHERE id LIKE 'anna-%' ORDER BY id)
             TO STDOUT {options}"
        );
        let expected = copied(superuser().await.copy_out(&by_hand).await)
            .await
            .unwrap();
        let ordered = format!("COPY (SELECT * FROM observation ORDER BY id) TO STDOUT {options}");
        let table = format!("COPY observation TO STDOUT {options}");
        let mut client = app().await;
        let transaction = acting_as(&mut client, "anna").await;
        assert!(copied(transaction.copy_out(&ordered).await).await.unwrap() == expected);
        assert_eq!(
            copied(transaction.copy_out(&table).await)
                .await
                .unwrap()
                .len(),
            expected.len()
        );
        transaction.commit().await.unwrap();
        let error = refused(copied(client.copy_out(&table).await).await);
        assert_eq!(error.code(), &SqlState::INVALID_AUTHORIZATION_SPECIFICATION);
    }
}

/// Copies patients in: ids, and whose they are.
async fn copy_in(client: &impl GenericClient, rows: &[(&str, &str)]) -> Result<u64, Error> {
    let sink = client
        .client()
        .copy_in("COPY patient (id, resource) FROM STDIN")
        .await?;
    pin_mut!(sink);
    for (id, practitioner) in rows {
        let row = format!(
            "{id}\t{{\"resourceType\": \"Patient\", \"id\": \"{id}\",
               \"generalPractitioner\": [{{\"reference\": \"Practitioner/{practitioner}\"}}]}}"
        );
        sink.send(Bytes::from(row.replace('\n', " ") + "\n"))
            .await?;
    }
    sink.finish().await
}

#[tokio::test]
async fn copy_from() {
    let mut client = app().await;
    let transaction = acting_as(&mut client, "p1").await;
    let written = copy_in(&transaction, &[("x", "p1"), ("y", "p1")]).await;
    assert_eq!(written.unwrap(), 2);
    let found = ids(&transaction, PATIENTS).await;
    assert_eq!(found, ["anna", "ben", "x", "y"]);
}

#[tokio::test]
async fn copy_from_is_refused_whole_and_names_the_row() {
    let mut client = app().await;
    let transaction = acting_as(&mut client, "p1").await;
    let error = refused(copy_in(&transaction, &[("x", "p1"), ("y", "p2")]).await);
    assert_eq!(error.code(), &SqlState::INSUFFICIENT_PRIVILEGE);
    assert_eq!(error.where_(), Some("COPY patient, row 2"));
    transaction.rollback().await.unwrap();
    let error = refused(copy_in(&client, &[("x", "p1")]).await);
    assert_eq!(error.code(), &SqlState::INVALID_AUTHORIZATION_SPECIFICATION);
}
