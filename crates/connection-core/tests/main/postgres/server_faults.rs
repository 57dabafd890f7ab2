//! A server that another program blocks, that is restarted during writes, and that cuts connections. A change that
//! was reported as done exists, a failed one is whole or absent, and the registry continues by itself.

use std::sync::Arc;

use connection_contract::{Liveness, Secret};
use connection_core::{Connection, ConnectionRegistry, Error, KeyFile, StoreError};
use connection_faults::postgres::cluster;
use sqlx::{ConnectOptions as _, Connection as _, PgConnection};
use tokio::{runtime::Handle, sync::watch};

use crate::{
    acme::Acme,
    fake::Fake,
    test_host::{World, connected},
};

#[tokio::test]
async fn a_row_that_another_program_locks_for_long_is_busy_and_stays_as_it_was() {
    let world = World::new().await;
    let fake = Fake::new();
    let registry = world.open(fake.clone()).await;
    let connection = fake.connected(&registry, "ada").await;
    let crate::sql::Database::Server(options) = world.database() else { unreachable!("this is the suite on a server") };
    let mut other = options.connect().await.unwrap();
    let mut holding = other.begin().await.unwrap();
    sqlx::query("LOCK TABLE connection_account").execute(&mut *holding).await.unwrap();
    let error = connection.rename("work").await.unwrap_err();
    assert!(matches!(&error, Error::Store(error) if matches!(**error, StoreError::Busy { .. })), "{error:?}");
    holding.rollback().await.unwrap();
    assert_eq!(registry.connection(connection.id()).await.unwrap().info().label.as_str(), "ada");
    assert_eq!(connection.rename("work").await.unwrap().label.as_str(), "work");
}

/// The results of the renames so far.
#[derive(Clone, Copy, Debug, Default)]
struct Renames {
    done: usize,
    failed: usize,
}

/// Renames repeatedly while `disturbed` disturbs the server. It gets the results so far.
async fn renamed_while(connection: &Connection, disturbed: impl AsyncFnOnce(&mut watch::Receiver<Renames>)) -> Renames {
    let (results, mut seen) = watch::channel(Renames::default());
    let renaming = async {
        let mut last = connection.info().label.to_string();
        let mut number = 0;
        while !results.is_closed() {
            number += 1;
            let wanted = format!("name-{number}");
            match connection.rename(wanted.clone()).await {
                Ok(info) => {
                    assert_eq!(info.label.as_str(), &*wanted);
                    last = wanted;
                    results.send_modify(|renames| renames.done += 1);
                }
                Err(Error::Store(_)) => {
                    // The rename is done or not done, as a later read of the row shows.
                    let label = loop {
                        match connection.verify().await {
                            Ok(info) => break info.label.to_string(),
                            Err(Error::Store(_)) => tokio::task::yield_now().await,
                            Err(error) => panic!("{error:?}"),
                        }
                    };
                    assert!(label == last || label == wanted, "{label}: neither {last} nor {wanted}");
                    last = label;
                    results.send_modify(|renames| renames.failed += 1);
                }
                Err(error) => panic!("{error:?}"),
            }
        }
    };
    tokio::join!(renaming, async move {
        disturbed(&mut seen).await;
    });
    *results.borrow()
}

/// Keeps the current rename inside its transaction, until this connection rolls back or dies.
async fn hold(other: &mut PgConnection) {
    // All processes can still read.
    sqlx::raw_sql("BEGIN; LOCK TABLE connection_account IN EXCLUSIVE MODE").execute(&mut *other).await.unwrap();
    let waiting =
        "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'";
    while sqlx::query_as::<_, (i64,)>(waiting).fetch_one(&mut *other).await.unwrap().0 == 0 {}
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
    let renames = renamed_while(&connection, async |seen| {
        // Once while a write is certainly in progress, then at a random moment.
        for is_held in [true, false, false] {
            let before = *seen.borrow();
            let mut other = cluster.options().connect().await.unwrap();
            if is_held {
                hold(&mut other).await;
            }
            let server = cluster.clone();
            let restarted = Handle::current().spawn_blocking(move || server.control(&["-m", "immediate", "restart"]));
            restarted.await.unwrap().unwrap();
            seen.wait_for(|now| now.done > before.done && (now.failed > before.failed || !is_held)).await.unwrap();
        }
    })
    .await;
    assert!(renames.done > 0 && renames.failed > 0, "{renames:?}");
    assert_eq!(connection.rename("at last").await.unwrap().label.as_str(), "at last");
    assert_eq!(
        connection.with_access_token(async |token: &Secret| token.duplicate()).await.unwrap().expose(),
        b"key-1"
    );
    registry.close().await;
}

/// Ends every connection to this database except this one, and returns which those were.
async fn cut(other: &mut PgConnection) -> Vec<i32> {
    // The function is called in a column, because a condition may be evaluated for connections to other databases, too.
    let sql = "SELECT pid, pg_terminate_backend(pid) FROM pg_stat_activity \
               WHERE datname = current_database() AND pid <> pg_backend_pid()";
    let ended: Vec<(i32, bool)> = sqlx::query_as(sql).fetch_all(other).await.unwrap();
    ended.into_iter().map(|(pid, _)| pid).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn connections_that_are_cut_lose_nothing() {
    let world = World::new().await;
    let registry = world.acme().await;
    let connection = connected(&registry, "key-1").await;
    let crate::sql::Database::Server(options) = world.database() else { unreachable!("this is the suite on a server") };
    let mut other = options.connect().await.unwrap();
    let renames = renamed_while(&connection, async |seen| {
        // Once while a write is certainly in progress.
        hold(&mut other).await;
        assert!(!cut(&mut other).await.is_empty());
        sqlx::raw_sql("ROLLBACK").execute(&mut other).await.unwrap();
        seen.wait_for(|now| now.failed > 0).await.unwrap();
        // Then at a random moment: sometimes right after a rename was done, sometimes as often as possible.
        for round in 0..50 {
            if round % 5 == 0 {
                let before = *seen.borrow();
                seen.wait_for(|now| now.done > before.done).await.unwrap();
                // Its connection may have been terminated before; the next write takes another one.
                while cut(&mut other).await.is_empty() {}
            } else {
                cut(&mut other).await;
            }
        }
    })
    .await;
    assert!(renames.done >= 10 && renames.failed > 0, "{renames:?}");
    // The terminated connections are still ending; later ones are not cut.
    let last = cut(&mut other).await;
    let going = "SELECT count(*) FROM pg_stat_activity WHERE pid = ANY($1)";
    while sqlx::query_as::<_, (i64,)>(going).bind(&last).fetch_one(&mut other).await.unwrap().0 > 0 {}
    // The pool has only dead connections, and readers and writers do not notice.
    assert_eq!(connection.verify().await.unwrap().liveness, Liveness::Live);
    assert_eq!(connection.rename("at last").await.unwrap().label.as_str(), "at last");
    registry.close().await;
}
