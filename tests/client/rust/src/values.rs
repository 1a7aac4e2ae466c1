//! What is read is what was stored, masked or not. tokio-postgres speaks the binary format; `simple_query` is text.

use serde_json::{Value, json};
use tokio_postgres::SimpleQueryMessage;

use super::*;

async fn documents(client: &impl GenericClient, query: &str) -> Vec<String> {
    let rows = client.query(query, &[]).await.unwrap();
    rows.iter().map(|row| row.get::<_, JsonText>(0).0).collect()
}

async fn texts(client: &Transaction<'_>, query: &str) -> Vec<String> {
    let messages = client.simple_query(query).await.unwrap();
    messages
        .iter()
        .filter_map(|message| match message {
            SimpleQueryMessage::Row(row) => row.get(0).map(str::to_owned),
            _ => None,
        })
        .collect()
}

#[tokio::test]
async fn numbers_keep_their_digits() {
    let mut client = app().await;
    let transaction = acting_as(&mut client, "anna").await;
    let query = "SELECT resource FROM observation ORDER BY id";
    let documents = documents(&transaction, query).await;
    assert_eq!(documents.len(), 200);
    for (number, text) in documents.iter().enumerate() {
        let weight = 500 + number;
        let value = format!("\"value\": {}.{}0}}", weight / 10, weight % 10);
        assert!(text.contains(&value), "{text}");
        assert!(!text.contains("performer"));
    }
    assert_eq!(texts(&transaction, query).await, documents);
}

#[tokio::test]
async fn a_masked_document_is_the_stored_one_without_the_hidden_fields() {
    let by_hand = "SELECT resource - 'telecom' #- '{name,0,given}' FROM patient ORDER BY id";
    let expected = documents(&superuser().await, by_hand).await;
    let mut client = app().await;
    let transaction = acting_as(&mut client, "desk").await;
    let query = "SELECT resource FROM patient ORDER BY id";
    assert_eq!(documents(&transaction, query).await, expected);
    assert_eq!(texts(&transaction, query).await, expected);
    assert!(expected[1].contains("Öztürk"));
}

#[tokio::test]
async fn what_is_written_comes_back() {
    let mut client = app().await;
    let transaction = acting_as(&mut client, "p1").await;
    let text = r#"{"resourceType": "Observation", "id": "new", "performer": [{"reference": "Practitioner/p1"}],
                   "valueQuantity": {"low": -0.000000000000000000000000000012300, "value": 1.10}}"#;
    let resource: Value = serde_json::from_str(text).unwrap();
    let insert = "INSERT INTO observation (id, resource) VALUES ('new', $1) RETURNING resource";
    let row = transaction.query_one(insert, &[&resource]).await.unwrap();
    let stored = row.get::<_, JsonText>(0).0;
    assert!(stored.contains("\"value\": 1.10"), "{stored}");
    assert!(
        stored.contains("-0.000000000000000000000000000012300,"),
        "{stored}"
    );
}

#[tokio::test]
async fn an_update_by_one_who_does_not_see_everything() {
    let mut client = app().await;
    let transaction = acting_as(&mut client, "desk").await;
    let read = "SELECT resource FROM patient WHERE id = 'anna'";
    let mut resource: Value = transaction.query_one(read, &[]).await.unwrap().get(0);
    assert_eq!(resource.get("telecom"), None);
    resource["gender"] = json!("other");
    resource["birthDate"] = json!("1999-09-09");
    let update = "UPDATE patient SET resource = $1 WHERE id = 'anna' RETURNING resource";
    let returned: Value = transaction
        .query_one(update, &[&resource])
        .await
        .unwrap()
        .get(0);
    assert_eq!(returned.get("telecom"), None);
    assert_eq!(returned["birthDate"], "1980-03-01");

    set_local(&transaction, "p1").await;
    let stored: Value = transaction.query_one(read, &[]).await.unwrap().get(0);
    assert_eq!(stored["gender"], "other");
    assert_eq!(stored["birthDate"], "1980-03-01");
    assert_eq!(stored["telecom"][0]["value"], "555-0101");
    assert_eq!(stored["name"][0]["given"], json!(["Anna", "Lena"]));
}
