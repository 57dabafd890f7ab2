//! Events are numbered and never changed, and an edit that bypasses the rules is detected.

use super::Database;
use crate::{
    ids::ConnectionId,
    keys::Sealer,
    store::{
        Store, StoreError,
        engine::execute,
        events::broken_link,
        rows::{EventRow, RowClaim, StoredEvent},
    },
};

#[tokio::test]
async fn events_are_numbered_per_connection_and_linked() {
    for database in Database::each().await {
        let (database, store, sealer) = parts(database).await;
        let one = database.id();
        let other = database.id();
        for (connection, body) in [(one, "1"), (other, "x"), (one, "2"), (one, "3")] {
            append(&database, &store, &sealer, connection, body).await;
        }
        let stored = events(&store, one).await;
        assert_eq!(stored.iter().map(|e| (e.seq, e.body.as_str())).collect::<Vec<_>>(), [(1, "1"), (2, "2"), (3, "3")]);
        assert_eq!(events(&store, other).await.len(), 1);
        assert_eq!(broken(&sealer, &stored), None);
        assert_eq!(broken(&Sealer::for_tests(), &stored), Some(1), "under another key");
    }
}

#[tokio::test]
async fn events_cannot_be_changed_or_deleted() {
    for database in Database::each().await {
        let (database, store, sealer) = parts(database).await;
        append(&database, &store, &sealer, database.id(), "1").await;
        for result in [
            store.write(|tx| Box::pin(async move { execute!(tx, "UPDATE connection_event SET body = 'x'") })).await,
            store.write(|tx| Box::pin(async move { execute!(tx, "DELETE FROM connection_event") })).await,
        ] {
            assert!(matches!(result, Err(StoreError::Refused { .. })), "{result:?}");
        }
    }
}

#[tokio::test]
async fn an_edit_made_past_the_rules_breaks_the_chain_where_it_was_made() {
    for (edit, link) in [
        ("UPDATE connection_event SET body = '9' WHERE seq = 2", 2),
        ("UPDATE connection_event SET at = at - 1 WHERE seq = 1", 1),
        ("UPDATE connection_event SET owner = 'u42' WHERE seq = 3", 3),
        ("DELETE FROM connection_event WHERE seq = 1", 1),
        ("UPDATE connection_event SET kind = kind || body, body = '' WHERE seq = 2", 2),
    ] {
        for database in Database::each().await {
            let (database, store, sealer) = parts(database).await;
            let connection = database.id();
            for body in ["1", "2", "3"] {
                append(&database, &store, &sealer, connection, body).await;
            }
            let no_rules = database.by_engine(
                ["DROP TRIGGER connection_event_no_update", "DROP TRIGGER connection_event_no_delete"],
                ["DROP TRIGGER connection_event_no_change ON connection_event", "SELECT 1"],
            );
            let edited = store.write(move |tx| {
                Box::pin(async move {
                    execute!(tx, no_rules[0])?;
                    execute!(tx, no_rules[1])?;
                    execute!(tx, edit)
                })
            });
            edited.await.unwrap();
            assert_eq!(broken(&sealer, &events(&store, connection).await), Some(link), "{edit}");
        }
    }
}

#[tokio::test]
async fn a_true_event_of_another_history_does_not_fit_in() {
    for database in Database::each().await {
        let (database, store, sealer) = parts(database).await;
        let other_database = Database::new();
        let other_store = other_database.open().await;
        let connection = database.id();
        append(&other_database, &other_store, &sealer, connection, "another first").await;
        for body in ["1", "2"] {
            append(&database, &store, &sealer, connection, body).await;
        }
        let mut stored = events(&store, connection).await;
        assert_eq!(broken(&sealer, &stored), None, "the control");
        stored[0] = events(&other_store, connection).await.remove(0);
        assert_eq!(broken(&sealer, &stored), Some(2));
    }
}

async fn parts(database: Database) -> (Database, Store, Sealer) {
    let store = database.open().await;
    (database, store, Sealer::for_tests())
}

async fn append(database: &Database, store: &Store, sealer: &Sealer, connection_id: ConnectionId, body: &str) {
    let id = database.id();
    let sealer = sealer.clone();
    let owner = "local".into();
    let kind = "verified".into();
    let body = body.to_owned();
    let event = EventRow { id, owner, connection_id, at: 100, kind, body, says: RowClaim::Same };
    store
        .write(move |tx| Box::pin(async move { tx.append_event(&event, &|bytes| sealer.mac("event", bytes)).await }))
        .await
        .unwrap();
}

async fn events(store: &Store, connection: ConnectionId) -> Vec<StoredEvent> {
    store.reader().await.unwrap().events_of(connection, "local", 0, 1000).await.unwrap()
}

fn broken(sealer: &Sealer, events: &[StoredEvent]) -> Option<i64> {
    broken_link(&[], 1, events, &|bytes| sealer.mac("event", bytes))
}

#[tokio::test]
async fn a_number_behind_which_there_is_none_is_damage_and_no_crash() {
    for database in Database::each().await {
        let (database, store, sealer) = parts(database).await;
        let connection: ConnectionId = database.id();
        let id = connection.as_uuid();
        let edit = store.write(move |tx| {
            const SQL: &str = "INSERT INTO connection_event (id, owner, connection_id, seq, at, kind, body, chain) \
                               VALUES ($1, '', $1, 9223372036854775807, 0, '', '', $2)";
            Box::pin(async move { execute!(tx, SQL, id, &[0_u8; 32][..]) })
        });
        assert_eq!(edit.await.unwrap(), 1);
        let event = EventRow {
            id,
            owner: "".into(),
            connection_id: connection,
            at: 0,
            kind: "".into(),
            body: "".into(),
            says: RowClaim::Same,
        };
        let appended = store.write(move |tx| {
            Box::pin(async move { tx.append_event(&event, &|bytes| sealer.mac("test", bytes)).await })
        });
        assert!(matches!(appended.await, Err(StoreError::Corrupt { .. })));
    }
}
