//! Rows are ended a limited number at a time, the oldest first.

use connection_faults::sql;
use sqlx::{ConnectOptions as _, Connection as _, sqlite::SqliteConnectOptions};

use super::{Database, texts::fill};
use crate::store::OldRows;

/// Fills every table with 3,000 rows, whose times are 1, 2, 3 and so on.
async fn filled(database: &Database) -> sql::Database {
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
