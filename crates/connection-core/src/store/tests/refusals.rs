//! The errors of a server, converted to ours: tested with real refusals.

use std::{io, time::Duration};

use connection_seal::platform::LockHeld;

use super::{Database, add};
use crate::store::{
    Lock, Sealed, Store, StoreError, Tx,
    engine::{execute, optional},
    rows::KvValue,
};

async fn said(store: &Store, sql: &'static str) -> StoreError {
    store.write(move |tx| Box::pin(async move { execute!(tx, sql) })).await.unwrap_err()
}

/// Runs the first statement, then fails with the second one.
async fn said_after(store: &Store, before: &'static str, sql: &'static str) -> StoreError {
    let refused = store.write(move |tx| {
        Box::pin(async move {
            execute!(tx, before)?;
            execute!(tx, sql)
        })
    });
    refused.await.unwrap_err()
}

#[test]
fn the_process_that_keeps_the_lock_of_a_database_is_named() {
    let holder = "process 4711 (connections), which is stopped".to_owned();
    let held = LockHeld { path: "connections.db.lock".into(), holder: holder.clone() };
    let place = "connections.db".to_owned();
    let error = StoreError::io(&io::Error::new(io::ErrorKind::WouldBlock, held), place.clone());
    assert_eq!(error, StoreError::Held { place, holder });
    assert!(error.to_string().contains("process 4711 (connections), which is stopped"), "{error}");
    assert!(error.remedy().unwrap().contains("kill -CONT"));
}

#[tokio::test]
async fn the_refusals_of_an_engine_are_distinguished() {
    for database in Database::each().await {
        let store = database.open().await;
        let mut row = database.account("a");
        add(&store, &row).await.unwrap();
        row.label = "b".into();
        let place = store.place().to_owned();
        let again = add(&store, &row).await.unwrap_err();
        let what = database.by_engine("connection_account.id", "connection_account_pkey").to_owned();
        assert_eq!(again, StoreError::Conflict { what });
        for sql in [
            "UPDATE connection_account SET state = 'odd canary'",
            "UPDATE connection_account SET label = NULL",
            "INSERT INTO connection_setup_effect (session_id, seq, sealed) SELECT id, 0, sealed FROM \
             (SELECT id, CAST('canary' AS TEXT) AS word FROM connection_account) AS a, \
             (SELECT slot_a AS sealed FROM connection_keyset UNION ALL SELECT chain FROM connection_event) AS b",
        ] {
            // The last one inserts nothing on SQLite: a rule that is not violated causes no error.
            let result = store.write(move |tx| Box::pin(async move { execute!(tx, sql) })).await;
            match result {
                Err(StoreError::Refused { detail, .. }) => assert!(!detail.contains("canary"), "{detail}"),
                other => assert_eq!((other, sql.starts_with("INSERT")), (Ok(0), true)),
            }
        }
        for sql in ["DELETE FROM connection_lost", "UPDATE connection_account SET lost = 1"] {
            let error = said(&store, sql).await;
            assert!(matches!(&error, StoreError::Corrupt { detail, .. } if detail.contains("lost")), "{error:?}");
            assert_eq!(error.remedy().unwrap(), format!("restore {place} from a backup"));
        }
    }
}

#[tokio::test]
async fn a_server_that_may_not_or_cannot_now_says_so() {
    let Some(database) = Database::on_postgres().await else { return };
    let store = database.open().await;
    add(&store, &database.account("a")).await.unwrap();
    let place = store.place().to_owned();
    let read_only = StoreError::ReadOnly { place: place.clone() };
    // A role that always exists, and has no rights on our tables.
    let denied = said_after(&store, "SET LOCAL ROLE pg_signal_backend", "DELETE FROM connection_account").await;
    assert_eq!(denied, read_only);
    let standby = said_after(&store, "SET TRANSACTION READ ONLY", "DELETE FROM connection_account").await;
    assert_eq!(standby, read_only);
    assert!(read_only.remedy().unwrap().contains(&place));
    let late = said_after(&store, "SET LOCAL statement_timeout = '1ms'", "SELECT pg_sleep(60)").await;
    assert!(matches!(late, StoreError::Busy { .. }), "{late:?}");
    let elsewhere = said(&store, "EXECUTE somebody_elses").await;
    assert_eq!(elsewhere, StoreError::Pooled { place: place.clone() });
    let own = said(&store, "DO $$ BEGIN RAISE EXCEPTION 'a rule of ours'; END $$").await;
    assert_eq!(own, StoreError::Refused { place, detail: "a rule of ours".into() });
}

/// Two jobs, of which one holds the lock that the other waits for.
#[tokio::test]
async fn a_lock_that_is_not_had_in_time_is_busy_and_the_next_job_runs() {
    let Some(database) = Database::on_postgres().await else { return };
    let store = database.open().await;
    let (held, is_held) = tokio::sync::oneshot::channel();
    let (release, released) = tokio::sync::oneshot::channel::<()>();
    let holder = store.write(move |tx| {
        Box::pin(async move {
            tx.lock(Lock::Owner("local")).await?;
            held.send(()).unwrap();
            drop(released.await);
            Ok(())
        })
    });
    is_held.await.unwrap();
    let waiting = |tx: &'static str| {
        store.write(move |job: &mut Tx| {
            Box::pin(async move {
                execute!(job, tx)?;
                job.lock(Lock::Owner("local")).await
            })
        })
    };
    let late = waiting("SET LOCAL lock_timeout = '20ms'").await;
    assert_eq!(late, Err(StoreError::Busy { place: store.place().to_owned() }));
    release.send(()).unwrap();
    holder.await.unwrap();
    assert_eq!(waiting("SET LOCAL lock_timeout = '10s'").await, Ok(()));
}

/// The end of an upgrade waits for a job for less time than the jobs of all other processes, which wait behind it.
#[tokio::test]
async fn the_end_of_an_upgrade_holds_up_no_job_for_long() {
    let Some(database) = Database::on_postgres().await else { return };
    let store = database.open().await;
    let (held, is_held) = tokio::sync::oneshot::channel();
    let (release, released) = tokio::sync::oneshot::channel::<()>();
    let holder = store.write(move |_| {
        Box::pin(async move {
            held.send(()).unwrap();
            drop(released.await);
            Ok(())
        })
    });
    is_held.await.unwrap();
    let finishing = store.write_end(|tx| Box::pin(async move { tx.finish_upgrade(1).await }));
    let finished = tokio::time::timeout(Duration::from_secs(60), finishing).await.unwrap();
    assert_eq!(finished, Err(StoreError::Busy { place: store.place().to_owned() }));
    release.send(()).unwrap();
    holder.await.unwrap();
    let finishing = store.write_end(|tx| Box::pin(async move { tx.finish_upgrade(1).await }));
    assert_eq!(finishing.await, Ok(false), "there is nothing to finish");
}

/// A process that is stopped, or whose machine has died, leaves no lock behind.
#[tokio::test]
async fn a_job_that_stops_half_way_is_undone_by_the_server_and_the_next_job_runs() {
    const SETTING: &str = "SELECT current_setting('idle_in_transaction_session_timeout')";
    let Some(database) = Database::on_postgres().await else { return };
    let store = database.open().await;
    let (held, is_held) = tokio::sync::oneshot::channel();
    let (release, released) = tokio::sync::oneshot::channel::<()>();
    let holder = store.write(move |tx| {
        Box::pin(async move {
            let usual = optional!(tx, (String,), SETTING)?;
            tx.lock(Lock::Owner("local")).await?;
            execute!(tx, "SET LOCAL idle_in_transaction_session_timeout TO '20ms'")?;
            held.send(usual).unwrap();
            drop(released.await);
            tx.lock(Lock::Owner("local")).await
        })
    });
    assert_eq!(is_held.await.unwrap(), Some(("15s".to_owned(),)));
    let next = store.write(|tx| Box::pin(async move { tx.lock(Lock::Owner("local")).await }));
    assert_eq!(next.await, Ok(()));
    release.send(()).unwrap();
    let stopped = holder.await;
    assert!(matches!(stopped, Err(StoreError::Unavailable { .. })), "{stopped:?}");
}

/// A text of PostgreSQL cannot contain a zero byte; one of SQLite can.
#[tokio::test]
async fn a_zero_byte_in_a_text_is_a_refusal_that_does_not_repeat_it() {
    let Some(database) = Database::on_postgres().await else { return };
    let store = database.open().await;
    let value = KvValue::Public("canary\0value".into());
    let put = store.write(move |tx| Box::pin(async move { tx.put_kv("local", "n", "k", &value).await }));
    let Err(StoreError::Refused { detail, .. }) = put.await else { panic!("it was taken") };
    assert_eq!(detail, "SQLSTATE 22021");
    let bytes = KvValue::Sealed(Sealed::from_row(vec![0, 1, 0]));
    let put = store.write(move |tx| Box::pin(async move { tx.put_kv("local", "n", "k", &bytes).await }));
    put.await.unwrap();
}

/// Statements after a failed one would count on SQLite, but not on PostgreSQL.
#[tokio::test]
async fn a_job_that_goes_on_after_a_refusal_is_undone_on_every_engine() {
    for database in Database::each().await {
        let store = database.open().await;
        let row = database.account("a");
        let again = database.account("b");
        let id = row.id;
        let write = store.write(move |tx| {
            Box::pin(async move {
                tx.insert_account(&row).await?;
                drop(tx.insert_account(&row).await);
                // Fails on PostgreSQL, because the transaction has already failed.
                drop(tx.insert_account(&again).await);
                Ok(())
            })
        });
        let result = write.await;
        assert!(matches!(result, Err(StoreError::Conflict { .. })), "{result:?}");
        assert!(store.reader().await.unwrap().account(id).await.unwrap().is_none());
    }
}

/// A connection for reading is released even if its reader failed.
#[tokio::test]
async fn a_reader_that_failed_leaves_a_connection_that_works() {
    for database in Database::each().await {
        let store = database.open().await;
        for _ in 0..20 {
            let mut reader = store.reader().await.unwrap();
            assert!(optional!(reader, (i64,), "SELECT nothing FROM connection_account").is_err());
        }
        assert!(store.health().await);
    }
}
