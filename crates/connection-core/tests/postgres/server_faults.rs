//! A server that another program keeps waiting, that is restarted in the midst of writes, and that cuts connections: what
//! was said to be done is there, what failed is whole or absent, and the registry goes on by itself.

use std::sync::Arc;

use connection_contract::Secret;
use connection_core::{Connection, ConnectionRegistry, Error, KeyFile, StoreError};
use connection_faults::postgres::cluster;
use sqlx::{ConnectOptions as _, Connection as _};
use tokio::{runtime::Handle, sync::Notify};

use crate::{
    acme::Acme,
    fake::Fake,
    world::{World, connected},
};

#[tokio::test]
async fn a_row_that_another_program_locks_for_long_is_busy_and_stays_as_it_was() {
    let (world, fake) = (World::new().await, Fake::new());
    let registry = world.open(fake.clone()).await;
    let connection = fake.connected(&registry, "ada").await;
    let crate::raw::Database::Server(options) = world.database() else { unreachable!("this is the suite on a server") };
    let mut other = options.connect().await.unwrap();
    let mut holding = other.begin().await.unwrap();
    sqlx::query("LOCK TABLE connection_account").execute(&mut *holding).await.unwrap();
    let error = connection.rename("work").await.unwrap_err();
    assert!(matches!(&error, Error::Store(error) if matches!(**error, StoreError::Busy { .. })), "{error:?}");
    holding.rollback().await.unwrap();
    assert_eq!(registry.connection(connection.id()).await.unwrap().info().label.as_str(), "ada");
    assert_eq!(connection.rename("work").await.unwrap().label.as_str(), "work");
}

/// Renames again and again while something disturbs the server; how often it was done, and how often it failed.
async fn renamed_while(connection: &Connection, disturbed: impl Future<Output = ()>) -> (usize, usize) {
    let (mut done, mut failed, mut number) = (0, 0, 0);
    let over = Arc::new(Notify::new());
    let mut ended = false;
    let renaming = async {
        let mut last = connection.info().label.to_string();
        while !ended {
            number += 1;
            let wanted = format!("name-{number}");
            match connection.rename(wanted.clone()).await {
                Ok(info) => {
                    assert_eq!(info.label.as_str(), &*wanted);
                    (last, done) = (wanted, done + 1);
                }
                Err(Error::Store(_)) => {
                    failed += 1;
                    // Whole or absent, once it can be asked again.
                    let label = loop {
                        match connection.verify().await {
                            Ok(info) => break info.label.to_string(),
                            Err(Error::Store(_)) => tokio::task::yield_now().await,
                            Err(error) => panic!("{error:?}"),
                        }
                    };
                    assert!(label == last || label == wanted, "{label}: neither {last} nor {wanted}");
                    last = label;
                }
                Err(error) => panic!("{error:?}"),
            }
            ended = tokio::time::timeout(std::time::Duration::ZERO, over.notified()).await.is_ok();
        }
    };
    tokio::join!(renaming, async {
        disturbed.await;
        over.notify_one();
    });
    (done, failed)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_is_restarted_in_the_midst_of_writes_loses_nothing() {
    let cluster = Arc::new(tokio::task::spawn_blocking(cluster).await.unwrap().unwrap());
    let world = World::new().await;
    let registry = ConnectionRegistry::builder()
        .store(cluster.options().to_url_lossy().to_string())
        .key(KeyFile::at(world.key()))
        .http(world.policy())
        .kind(Acme::default())
        .open()
        .await
        .unwrap();
    let connection = connected(&registry, "key-1").await;
    let (done, failed) = renamed_while(&connection, async {
        for _ in 0..3 {
            let server = cluster.clone();
            let restarted = Handle::current().spawn_blocking(move || server.control(&["-m", "immediate", "restart"]));
            restarted.await.unwrap().unwrap();
        }
    })
    .await;
    assert!(failed > 0, "no write met a restart: {done} were done");
    assert_eq!(connection.rename("at last").await.unwrap().label.as_str(), "at last");
    assert_eq!(
        connection.with_access_token(async |token: &Secret| token.duplicate()).await.unwrap().expose(),
        b"key-1"
    );
    registry.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn connections_that_are_cut_lose_nothing() {
    let world = World::new().await;
    let registry = world.acme().await;
    let connection = connected(&registry, "key-1").await;
    let crate::raw::Database::Server(options) = world.database() else { unreachable!("this is the suite on a server") };
    let mut cut = 0;
    let (done, _) = renamed_while(&connection, async {
        let mut other = options.connect().await.unwrap();
        for _ in 0..50 {
            let ended: Vec<(bool,)> = sqlx::query_as(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity \
                 WHERE datname = current_database() AND pid <> pg_backend_pid()",
            )
            .fetch_all(&mut other)
            .await
            .unwrap();
            cut += ended.len();
            tokio::task::yield_now().await;
        }
    })
    .await;
    assert!(cut > 0 && done > 0, "{cut} were cut, {done} were done");
    assert_eq!(connection.rename("at last").await.unwrap().label.as_str(), "at last");
    registry.close().await;
}
