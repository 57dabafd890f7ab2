//! Setup sessions: the fence, the inputs, and callback addresses that work once.

use uuid::Uuid;

use super::Database;
use crate::{
    ids::SessionId,
    store::{
        ExchangeKey, ExchangeScope, OldRows, Sealed, Store,
        rows::{ExchangeRow, Sent, SetupRow, SetupState},
    },
};

#[tokio::test]
async fn a_session_is_read_as_it_was_written() {
    for database in Database::each().await {
        let (database, store, row) = session(database).await;
        let mut reader = store.reader().await.unwrap();
        let stored = reader.setup(row.id).await.unwrap().unwrap();
        assert_eq!((stored.connection_id, stored.state), (row.connection_id, SetupState::Running));
        assert_eq!(stored.sealed_header, row.sealed_header);
        assert_eq!(stored.sealed_step, None);
        assert!(reader.setup(database.id()).await.unwrap().is_none());
        assert_eq!(open(&store, "local").await, [row.id]);
        assert!(open(&store, "u42").await.is_empty());
    }
}

/// R-INSEAM-043
#[tokio::test]
async fn the_number_of_an_effect_is_the_fence() {
    for database in Database::each().await {
        let (_database, store, row) = session(database).await;
        let id = row.id;
        let record =
            |seq, byte| store.write(move |tx| Box::pin(async move { tx.insert_effect(id, seq, &sealed(byte)).await }));
        assert_eq!((record(0, 1).await, record(1, 2).await, record(1, 3).await), (Ok(true), Ok(true), Ok(false)));
        let journal = store.reader().await.unwrap().effects(id).await.unwrap();
        assert_eq!(journal, [(0, sealed(1)), (1, sealed(2))]);
        assert_eq!(store.write(move |tx| Box::pin(async move { tx.delete_effect(id, 1).await })).await, Ok(true));
        assert_eq!(record(1, 4).await, Ok(true));
    }
}

#[tokio::test]
async fn a_session_that_has_ended_stays_as_it_ended() {
    for database in Database::each().await {
        let (_database, store, row) = session(database).await;
        let id = row.id;
        let set = |state, step| {
            store.write(move |tx| {
                Box::pin(async move { tx.set_setup(id, state, step, None, Some(&sealed(9)), 500).await })
            })
        };
        assert_eq!(set(SetupState::Waiting, 1).await, Ok(true));
        assert_eq!(set(SetupState::Done, 2).await, Ok(true));
        assert_eq!(set(SetupState::Running, 3).await, Ok(false));
        assert_eq!(set(SetupState::Cancelled, 3).await, Ok(false));
        let stored = store.reader().await.unwrap().setup(id).await.unwrap().unwrap();
        assert_eq!((stored.state, stored.step_seq, stored.expires_at), (SetupState::Done, 2, 500));
        assert_eq!((stored.sealed_header, stored.sealed_step), (row.sealed_header, Some(sealed(9))));
        assert!(open(&store, "local").await.is_empty());
    }
}

#[tokio::test]
async fn an_input_is_taken_once_and_in_order() {
    for database in Database::each().await {
        let (database, store, row) = session(database).await;
        let id = row.id;
        let [first, second] = [database.id(), database.id()];
        for (input, byte) in [(first, 1), (second, 2)] {
            store
                .write(move |tx| Box::pin(async move { tx.insert_input(id, input, &sealed(byte)).await }))
                .await
                .unwrap();
        }
        assert_eq!(store.reader().await.unwrap().inputs(id).await.unwrap(), [(first, sealed(1)), (second, sealed(2))]);
        let take = || store.write(move |tx| Box::pin(async move { tx.delete_input(id, first).await }));
        assert_eq!((take().await, take().await), (Ok(true), Ok(false)));
    }
}

#[tokio::test]
async fn a_session_that_ends_loses_its_header_its_journal_its_inputs_and_its_exchanges() {
    for database in Database::each().await {
        let (database, store, row) = session(database).await;
        let other = self::row(&database);
        let id = row.id;
        let input = database.id();
        let kept = other.clone();
        store
            .write(move |tx| {
                Box::pin(async move {
                    tx.insert_setup(&kept).await?;
                    for (number, session) in [(1, id), (2, kept.id)] {
                        tx.insert_effect(session, 0, &sealed(1)).await?;
                        tx.insert_exchange(&exchange(number, session)).await?;
                    }
                    tx.insert_input(id, input, &sealed(2)).await
                })
            })
            .await
            .unwrap();
        let end = |state| store.write(move |tx| Box::pin(async move { tx.end_setup(id, state, 1, None, 1_000).await }));
        assert_eq!((end(SetupState::Done).await, end(SetupState::Failed).await), (Ok(true), Ok(false)));
        let mut reader = store.reader().await.unwrap();
        assert_eq!(reader.setup(id).await.unwrap().unwrap().sealed_header, None);
        for (number, session, left) in [(1, id, 0), (2, other.id, 1)] {
            assert_eq!(reader.effects(session).await.unwrap().len(), left);
            let key = ExchangeKey::from_bytes([number; 32]);
            assert_eq!(reader.exchange(key).await.unwrap().is_some(), left == 1);
        }
        assert!(reader.inputs(id).await.unwrap().is_empty());
    }
}

#[tokio::test]
async fn an_endpoint_works_once_and_until_it_expires() {
    for database in Database::each().await {
        let (_database, store, row) = session(database).await;
        let id = row.id;
        for hash in [[1; 32], [2; 32]] {
            let made =
                store.write(move |tx| Box::pin(async move { tx.insert_endpoint(&hash, "local", id, 500).await }));
            assert_eq!(made.await, Ok(true));
        }
        let again =
            store.write(move |tx| Box::pin(async move { tx.insert_endpoint(&[1; 32], "local", id, 900).await }));
        assert_eq!(again.await, Ok(false));
        let use_at =
            |hash: [u8; 32], now| store.write(move |tx| Box::pin(async move { tx.use_endpoint(&hash, now).await }));
        assert_eq!((use_at([1; 32], 499).await, use_at([1; 32], 499).await), (Ok(true), Ok(false)));
        assert_eq!((use_at([2; 32], 500).await, use_at([3; 32], 1).await), (Ok(false), Ok(false)));
        let endpoint = store.reader().await.unwrap().endpoint(&[1; 32]).await.unwrap().unwrap();
        assert_eq!((endpoint.session_id, endpoint.used_at), (id, Some(499)));
    }
}

#[tokio::test]
async fn ended_and_expired_sessions_are_deleted_with_their_rows() {
    for database in Database::each().await {
        let (database, store, ended) = session(database).await;
        let opened = row(&database);
        let id = ended.id;
        let inserted = opened.clone();
        store
            .write(move |tx| {
                Box::pin(async move {
                    tx.insert_setup(&inserted).await?;
                    tx.insert_effect(id, 0, &sealed(1)).await?;
                    tx.insert_endpoint(&[1; 32], "local", id, 500).await?;
                    tx.set_setup(id, SetupState::Failed, 1, None, None, 500).await
                })
            })
            .await
            .unwrap();
        let end =
            |now| store.write(move |tx| Box::pin(async move { tx.end_old_rows(OldRows::EndedSetups, now, 9).await }));
        assert_eq!(end(499).await, Ok(0));
        assert!(store.reader().await.unwrap().setup(id).await.unwrap().is_some());
        assert_eq!(end(1_000).await, Ok(1));
        let mut reader = store.reader().await.unwrap();
        // An open session is ended by its own code.
        assert_eq!(reader.expired_setups(999, 9).await, Ok(vec![]));
        assert_eq!(reader.expired_setups(1_000, 9).await, Ok(vec![opened.id]));
        assert_eq!(reader.list_setups("local", 999, Uuid::nil(), 9).await.unwrap().len(), 1);
        assert!(reader.list_setups("local", 1_000, Uuid::nil(), 9).await.unwrap().is_empty());
        assert!(reader.setup(id).await.unwrap().is_none());
        assert!(reader.effects(id).await.unwrap().is_empty());
        assert!(reader.endpoint(&[1; 32]).await.unwrap().is_none());
        assert!(reader.setup(opened.id).await.unwrap().is_some());
    }
}

async fn session(database: Database) -> (Database, Store, SetupRow) {
    let store = database.open().await;
    let row = row(&database);
    let inserted = row.clone();
    store.write(move |tx| Box::pin(async move { tx.insert_setup(&inserted).await })).await.unwrap();
    (database, store, row)
}

fn row(database: &Database) -> SetupRow {
    SetupRow {
        id: database.id(),
        owner: "local".into(),
        kind: "github".into(),
        connection_id: database.id(),
        state: SetupState::Running,
        step_seq: 0,
        sealed_header: Some(sealed(8)),
        sealed_step: None,
        expires_at: 1_000,
        created_at: 100,
    }
}

fn exchange(number: u8, session: SessionId) -> ExchangeRow {
    let sent = Sent::first(None, "process".into(), 100);
    ExchangeRow {
        key: ExchangeKey::from_bytes([number; 32]),
        scope: ExchangeScope::Session(session),
        sent,
        sealed: None,
    }
}

async fn open(store: &Store, owner: &str) -> Vec<SessionId> {
    let rows = store.reader().await.unwrap().list_setups(owner, 0, Uuid::nil(), 9).await.unwrap();
    rows.into_iter().map(|(id, _)| id).collect()
}

fn sealed(byte: u8) -> Sealed {
    Sealed::from_row(vec![byte])
}
