//! A process never returns to older keys that were put back into the database.

use std::{sync::Arc, time::Duration};

use connection_contract::Timestamp;
use connection_egress::ManualClock;
use connection_faults::postgres;
use connection_seal::{KeyFile, SealError, Slot};

use crate::{
    ids::UuidV7,
    keys::{KeySources, Sealer, open_keyset},
    store::{CREDENTIAL, Store, rows::KeysetRow},
};

/// Another process rotates the keys, and then the earlier row is put back.
#[tokio::test]
async fn a_row_of_older_keys_that_is_put_back_changes_nothing_in_memory() {
    let database = if postgres::is_there() { Some(postgres::Database::migrated().await) } else { None };
    for database in [None, database.as_ref()].into_iter().take(1 + usize::from(database.is_some())) {
        let home = tempfile::tempdir().unwrap();
        let address = match database {
            Some(database) => database.url(),
            None => home.path().join("store/connections.db").display().to_string(),
        };
        let store = Store::open(address.into()).await.unwrap();
        let file = KeyFile::at(home.path().join("root.key"));
        let clock = ManualClock::at(Timestamp::from_seconds(100));
        let sources = KeySources::new(file.clone());
        let sealer = open_keyset(&store, &sources, &UuidV7::new(), Arc::new(clock.clone())).await.unwrap();
        let first = sealer.key_id();
        let before = store.reader().await.unwrap().keyset().await.unwrap().unwrap();

        let mut keyset = before.wrapped().open(&file).await.unwrap().keyset;
        keyset.rotate(Timestamp::from_seconds(100), |_| true).unwrap();
        let second = keyset.key_id().unwrap();
        let mut row = store.reader().await.unwrap().keyset().await.unwrap().unwrap();
        row.slot_a = Some(keyset.wrapped_by(&file, row.store_id, Slot::A).await.unwrap().into());
        row.keys_revision = keyset.revision();
        let mut back = before;
        put(&store, row).await;
        clock.advance(Duration::from_secs(1));
        let sealed = sealer.seal(&CREDENTIAL.start(), b"x").await.unwrap();
        assert_eq!((sealer.key_id(), first == second), (second, false), "the control: newer ones are taken");

        back.revision = store.reader().await.unwrap().keyset().await.unwrap().unwrap().revision;
        put(&store, back).await;
        for _ in 0..2 {
            clock.advance(Duration::from_secs(1));
            drop(sealer.seal(&CREDENTIAL.start(), b"y").await.unwrap());
            assert_eq!(sealer.key_id(), second);
            assert_eq!(sealer.open(&CREDENTIAL.start(), &sealed).await.unwrap().expose(), b"x");
            // A value of an unknown key makes the sealer ask the store.
            let other = Sealer::for_tests().seal(&CREDENTIAL.start(), b"z").await.unwrap();
            assert!(matches!(sealer.open(&CREDENTIAL.start(), &other).await, Err(SealError::WrongKey { .. })));
            assert_eq!(sealer.key_id(), second);
        }
    }
}

async fn put(store: &Store, row: KeysetRow) {
    store.write(move |tx| Box::pin(async move { tx.update_keyset(&row).await })).await.unwrap();
}
