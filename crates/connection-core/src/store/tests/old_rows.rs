//! Rows are ended a limited number at a time, the oldest first.

use connection_faults::sql;
use sqlx::{ConnectOptions as _, Connection as _, sqlite::SqliteConnectOptions};

use super::{Database, add, texts::fill};
use crate::store::{ExchangeKey, ExchangeScope, OldRows, Sealed, rows::BootTime};

/// Fills every table with 3,000 rows, whose times are 1, 2, 3 and so on.
pub(super) async fn filled(database: &Database) -> sql::Database {
    match &database.postgres {
        Some(server) => {
            let id = "CAST(lpad(to_hex(i), 32, '0') AS uuid)";
            fill(&mut server.connect().await, id, "decode(lpad(to_hex(i), 64, '0'), 'hex')").await;
            sql::Database::at(&database.url())
        }
        None => {
            let mut connection = SqliteConnectOptions::new().filename(database.path()).connect().await.unwrap();
            fill(&mut connection, "unhex(printf('%032x', i))", "unhex(printf('%064x', i))").await;
            connection.close().await.unwrap();
            sql::Database::at(database.path().to_str().unwrap())
        }
    }
}

#[tokio::test]
async fn many_old_rows_are_ended_in_many_transactions_the_oldest_first() {
    for database in Database::each().await {
        let store = database.open().await;
        let direct = filled(&database).await;
        sql::run(&direct, "UPDATE connection_approval SET sealed_answer = sealed_request").await;
        let acknowledged = "SET acknowledged_at = received_at, sealed = NULL WHERE received_at % 2 = 0";
        sql::run(&direct, &format!("UPDATE connection_webhook {acknowledged}")).await;
        let aside = "SET lease_until = 9223372036854775807 WHERE acknowledged_at IS NULL";
        sql::run(&direct, &format!("UPDATE connection_webhook {aside}")).await;
        let kept = "SET state = 'answered', concluded_at = sent_at, sealed = key";
        sql::run(&direct, &format!("UPDATE connection_exchange {kept}")).await;
        for rows in OldRows::ALL {
            let end = || store.write(move |tx| Box::pin(async move { tx.end_old_rows(rows, 100, 40).await }));
            assert_eq!(end().await, Ok(40), "{rows:?}");
            if rows == OldRows::RepeatableRequests {
                let oldest = "SELECT MIN(created_at) FROM connection_access_token_request";
                assert_eq!(sql::number(&direct, oldest).await, Some(41));
            }
            let mut ended = 40;
            loop {
                let count = end().await.unwrap();
                assert!(count <= 40, "{rows:?}");
                ended += count;
                if count < 40 {
                    break;
                }
            }
            let expected = match rows {
                // One session in twenty is open.
                OldRows::EndedSetups => 95,
                OldRows::WebhookDigests | OldRows::WebhooksSetAside => 50,
                _ => 100,
            };
            assert_eq!(ended, expected, "{rows:?}");
        }
        let last = uuid::Uuid::from_u128(101);
        let end = || store.write(move |tx| Box::pin(async move { tx.end_failed_messages(last, 40).await }));
        let ended = [end().await, end().await, end().await, end().await];
        assert_eq!(ended, [Ok(40), Ok(40), Ok(15), Ok(0)], "one message in twenty has further attempts");
        store.close().await;
    }
}

/// An answer that was recorded from a rescue file names no process.
#[tokio::test]
async fn a_rescued_answer_that_is_reopened_does_not_count_as_one_that_is_kept_no_longer() {
    for database in Database::each().await {
        let store = database.open().await;
        let account = database.account("a");
        add(&store, &account).await.unwrap();
        let scope = ExchangeScope::Connection(account.id);
        let key = ExchangeKey::from_bytes([7; 32]);
        let reopened = store.write(move |tx| {
            Box::pin(async move {
                tx.insert_answer(key, scope, &Sealed::from_row(vec![1; 97])).await?;
                let seen = BootTime { boot_id: "boot".into(), seconds: 1 };
                tx.reopen_exchange(key, 0, "process", &seen).await
            })
        });
        assert!(reopened.await.unwrap().is_some());
        let row = store.reader().await.unwrap().exchange(key).await.unwrap().unwrap();
        assert!(row.sealed.is_none() && !row.sent.is_answer_ended(None, i64::MAX));
    }
}
