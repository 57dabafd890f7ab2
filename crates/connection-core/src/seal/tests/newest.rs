//! A process never goes back to older keys: neither by what it is handed, nor by a row that was put back.

use std::{sync::Arc, time::Duration};

use connection_contract::Timestamp;
use connection_faults::postgres;
use secrecy::{ExposeSecret as _, SecretBox};
use uuid::Uuid;

use super::Now as _;
use crate::{
    ManualClock,
    ids::UuidV7,
    seal::{
        KeyFile, KeySource as _, Place, SealError, Sealer, Sources,
        data_key::{DataKey, KeyId},
        keyset::{Entry, Keyset, Slot, Status},
        open_keyset,
    },
    store::Store,
};

const PLACE: Place<'static> = Place { table: "t", column: "c", key: &[], owner: "", kind: "", sequence: 0 };

fn copy(key: &SecretBox<[u8; 32]>) -> SecretBox<[u8; 32]> {
    SecretBox::new(Box::new(*key.expose_secret()))
}

/// The keys of a store after each of its rotations, and the key that seals with each.
fn rotations() -> Vec<(Keyset, KeyId)> {
    let mut all: Vec<(Keyset, KeyId)> = Vec::new();
    for revision in 1..=3 {
        let mut keyset = Keyset::fresh(Timestamp::from_seconds(revision)).unwrap();
        if let Some((before, _)) = all.last() {
            let retired = |entry: &Entry| Entry {
                status: Status::Retired,
                created_at: entry.created_at,
                retired_at: Some(Timestamp::from_seconds(revision)),
                key: copy(&entry.key),
            };
            keyset.entries.extend(before.entries.iter().map(retired));
            keyset.mac_key = copy(&before.mac_key);
        }
        keyset.revision = revision;
        let key = keyset.primary().unwrap().id();
        all.push((keyset, key));
    }
    all
}

#[test]
fn older_keys_do_not_take_the_place_of_newer_ones_in_memory() {
    let all = rotations();
    let sealer = Sealer::new(Uuid::from_u128(1), &all[0].0).unwrap();
    // As they come to a process that asks several times at once, and is answered in another order.
    for (taken, newest) in [(1, 1), (0, 1), (1, 1), (2, 2), (1, 2), (0, 2), (2, 2)] {
        drop(sealer.take(&all[taken].0).unwrap());
        assert_eq!(sealer.key_id(), all[newest].1, "after those of rotation {taken}");
        let sealed = sealer.seal_now(&PLACE, b"x").unwrap();
        assert_eq!(sealer.open_now(&PLACE, &sealed).unwrap().expose(), b"x");
    }
    // The control: who has the older ones alone does not open what the newest sealed.
    let sealed = sealer.seal_now(&PLACE, b"x").unwrap();
    let older = Sealer::new(Uuid::from_u128(1), &all[1].0).unwrap();
    let error = older.open_now(&PLACE, &sealed).unwrap_err();
    assert!(matches!(error, SealError::WrongKey { need, .. } if need == all[2].1), "{error:?}");
    drop(older.take(&all[2].0).unwrap());
    assert_eq!(older.open_now(&PLACE, &sealed).unwrap().expose(), b"x");
}

/// Another process rotates, and somebody puts the row of before back.
#[tokio::test]
async fn a_row_of_older_keys_that_is_put_back_changes_nothing_in_memory() {
    let database = if postgres::is_there() { Some(postgres::Database::migrated().await) } else { None };
    for database in [None, database.as_ref()].into_iter().take(1 + usize::from(database.is_some())) {
        let home = tempfile::tempdir().unwrap();
        let address = match database {
            Some(database) => database.url(),
            None => home.path().join("store/connections.db").display().to_string(),
        };
        let store = Store::open(address.into(), None).await.unwrap();
        let file = KeyFile::at(home.path().join("root.key"));
        let clock = ManualClock::at(Timestamp::from_seconds(100));
        let sources = Sources::one(file.clone());
        let sealer = open_keyset(&store, &sources, &UuidV7::new(), Arc::new(clock.clone())).await.unwrap();
        let first = sealer.key_id();
        let before = store.reader().await.unwrap().keyset().await.unwrap().unwrap();

        let wrapping = DataKey::new(&file.load().await.unwrap().unwrap()).unwrap();
        let slot_a = before.slot_a.as_ref().unwrap();
        let mut keyset = Keyset::unwrap(&wrapping, before.store_id, Slot::A, slot_a.as_bytes()).unwrap();
        keyset.entries[0].status = Status::Retired;
        keyset.entries.insert(0, Entry::new(Timestamp::from_seconds(100), Status::Primary).unwrap());
        keyset.revision += 1;
        let second = keyset.primary().unwrap().id();
        let mut row = store.reader().await.unwrap().keyset().await.unwrap().unwrap();
        row.slot_a = Some(keyset.wrap(&wrapping, row.store_id, Slot::A).unwrap());
        row.keys_revision = keyset.revision;
        let mut back = before;
        put(&store, row).await;
        clock.advance(Duration::from_secs(1));
        let sealed = sealer.seal(&PLACE, b"x").await.unwrap();
        assert_eq!((sealer.key_id(), first == second), (second, false), "the control: newer ones are taken");

        back.revision = store.reader().await.unwrap().keyset().await.unwrap().unwrap().revision;
        put(&store, back).await;
        for _ in 0..2 {
            clock.advance(Duration::from_secs(1));
            drop(sealer.seal(&PLACE, b"y").await.unwrap());
            assert_eq!(sealer.key_id(), second);
            assert_eq!(sealer.open(&PLACE, &sealed).await.unwrap().expose(), b"x");
            // A value of a key that nobody has makes it ask the store.
            let other = Sealer::for_tests().seal(&PLACE, b"z").await.unwrap();
            assert!(matches!(sealer.open(&PLACE, &other).await, Err(SealError::WrongKey { .. })));
            assert_eq!(sealer.key_id(), second);
        }
    }
}

async fn put(store: &Store, row: crate::store::rows::KeysetRow) {
    store.write(move |tx| Box::pin(async move { tx.update_keyset(&row).await })).await.unwrap();
}
