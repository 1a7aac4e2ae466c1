//! A pool of connections used by two memberships in turn: nothing is carried over.

use deadpool_postgres::{Manager, ManagerConfig, Pool, RecyclingMethod};
use futures_util::future::join_all;

use super::*;

fn pool(connections: usize) -> Pool {
    let configuration = ManagerConfig {
        recycling_method: RecyclingMethod::Fast,
    };
    let manager = Manager::from_config(configuration_of_driver(), NoTls, configuration);
    Pool::builder(manager)
        .max_size(connections)
        .build()
        .unwrap()
}

fn configuration_of_driver() -> Config {
    super::configuration("driver")
}

/// A transaction with a statement that the pool keeps prepared.
async fn asks(client: &mut deadpool_postgres::Client, membership: &str, commit: bool) {
    let transaction = client.transaction().await.unwrap();
    transaction
        .batch_execute(&format!(
            "SET LOCAL fhir_access.membership = '{membership}'"
        ))
        .await
        .unwrap();
    let patients = transaction.prepare_cached(PATIENTS).await.unwrap();
    let rows = transaction.query(&patients, &[]).await.unwrap();
    assert_eq!(column(&rows), seen(membership));
    if commit {
        transaction.commit().await.unwrap();
    } else {
        transaction.rollback().await.unwrap();
    }
}

/// Whoever had this connection before is not known to it any more.
async fn knows_nobody(client: &deadpool_postgres::Client) {
    is_nobody(&***client).await;
    let kept = client.prepare_cached(PATIENTS).await.unwrap();
    let error = refused(client.query(&kept, &[]).await);
    assert_eq!(error.code(), &SqlState::INVALID_AUTHORIZATION_SPECIFICATION);
}

#[tokio::test]
async fn memberships_in_turn() {
    for connections in [1, 3] {
        for commit in [true, false] {
            let pool = pool(connections);
            for turn in 0..20 {
                let mut client = pool.get().await.unwrap();
                knows_nobody(&client).await;
                asks(&mut client, if turn % 2 == 0 { "p1" } else { "p2" }, commit).await;
                knows_nobody(&client).await;
            }
        }
    }
}

#[tokio::test]
async fn a_failed_statement_carries_nothing_over() {
    let pool = pool(1);
    for _ in 0..8 {
        let mut client = pool.get().await.unwrap();
        let transaction = client.transaction().await.unwrap();
        let failed = transaction
            .batch_execute(
                "SET LOCAL fhir_access.membership = 'anna'; UPDATE patient SET note = 'x'",
            )
            .await;
        assert_eq!(refused(failed).code(), &SqlState::INSUFFICIENT_PRIVILEGE);
        // A commit of a failed transaction is a rollback.
        transaction.commit().await.unwrap();
        knows_nobody(&client).await;
    }
}

#[tokio::test]
async fn a_transaction_that_was_given_up_carries_nothing_over() {
    let pool = pool(1);
    for _ in 0..8 {
        let mut client = pool.get().await.unwrap();
        knows_nobody(&client).await;
        let transaction = client.transaction().await.unwrap();
        transaction
            .batch_execute("SET LOCAL fhir_access.membership = 'p1'")
            .await
            .unwrap();
        drop(transaction);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_at_the_same_time() {
    let pool = pool(4);
    let tasks = (0..200).map(|turn| {
        let pool = pool.clone();
        tokio::spawn(async move {
            let mut client = pool.get().await.unwrap();
            asks(&mut client, if turn % 2 == 0 { "p1" } else { "p2" }, true).await;
        })
    });
    for finished in join_all(tasks).await {
        finished.unwrap();
    }
}
