//! The keyset of a store: made once, opened with its own key, and never replaced when that key is gone.

use std::{fs, path::PathBuf};

use async_trait::async_trait;
use connection_contract::{Timestamp, encode};
use secrecy::{ExposeSecret as _, SecretBox};
use tempfile::TempDir;

use crate::{
    ids::UuidV7,
    seal::{
        KeyError, KeyFile, KeyId, KeySource, OpenKeyError, Place, SealError, Sealer,
        data_key::DataKey,
        keyset::{Keyset, Slot, Status},
        open_keyset,
    },
    store::Store,
};

const PLACE: Place<'static> = Place { table: "t", column: "c", key: &[], owner: "", kind: "", sequence: 0 };

#[tokio::test]
async fn a_store_is_opened_again_with_the_keys_of_its_first_start() {
    let home = Home::new();
    let first = home.open("root.key").await.unwrap();
    let sealed = first.seal(&PLACE, b"x").unwrap();
    let again = home.open("root.key").await.unwrap();
    assert_eq!(again.open(&PLACE, &sealed).unwrap().expose(), b"x");
    assert_eq!((again.key_id(), again.store_id()), (first.key_id(), first.store_id()));
    assert_eq!(again.mac("event", b"x"), first.mac("event", b"x"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn first_starts_at_once_agree_on_the_keys() {
    let home = std::sync::Arc::new(Home::new());
    let starts: Vec<_> = (0..6)
        .map(|_| {
            let home = home.clone();
            tokio::runtime::Handle::current().spawn(async move { home.open("root.key").await.unwrap() })
        })
        .collect();
    let mut sealers = Vec::new();
    for start in starts {
        sealers.push(start.await.unwrap());
    }
    let sealed = sealers[0].seal(&PLACE, b"x").unwrap();
    for sealer in &sealers {
        assert_eq!(sealer.open(&PLACE, &sealed).unwrap().expose(), b"x");
    }
}

#[tokio::test]
async fn a_lost_key_is_named_and_not_made_anew() {
    let home = Home::new();
    home.open("root.key").await.unwrap();
    fs::remove_file(home.path("root.key")).unwrap();
    let error = home.open("root.key").await.unwrap_err();
    let source_name = KeyFile::at(home.path("root.key")).name();
    let missing = KeyError::Missing { source_name: source_name.clone() };
    assert_eq!(error, OpenKeyError::Key(missing.clone()));
    assert!(missing.remedy().unwrap().starts_with(&format!("restore the key of '{source_name}'")));
    assert!(!home.path("root.key").exists());
}

#[tokio::test]
async fn the_key_of_another_database_is_told_from_damage() {
    let home = Home::new();
    home.open("root.key").await.unwrap();
    let need = key_id(&home, "root.key").await;
    KeyFile::at(home.path("other.key")).create().await.unwrap();
    let error = home.open("other.key").await.unwrap_err();
    let have = key_id(&home, "other.key").await;
    assert_eq!(error, OpenKeyError::Seal(SealError::WrongKey { have, need }));
}

#[tokio::test]
async fn an_edited_keyset_does_not_open() {
    let home = Home::new();
    home.open("root.key").await.unwrap();
    let store = home.store().await;
    let mut row = store.reader().await.unwrap().keyset().await.unwrap().unwrap();
    // Put into the other slot, it is not in its place.
    row.slot_b = row.slot_a.take();
    store.write(move |tx| Box::pin(async move { tx.update_keyset(&row).await })).await.unwrap();
    let error = home.open("root.key").await.unwrap_err();
    assert_eq!(error, OpenKeyError::Seal(SealError::Tampered { table: "connection_keyset" }));
}

#[tokio::test]
async fn a_source_that_makes_no_keys_must_hold_one() {
    let home = Home::new();
    let store = home.store().await;
    let error = open_keyset(&store, &Empty, &UuidV7::new(), Timestamp::from_seconds(0)).await.unwrap_err();
    assert_eq!(error, OpenKeyError::Key(KeyError::NotSupported { source_name: "nothing".into() }));
    assert!(store.reader().await.unwrap().keyset().await.unwrap().is_none());
}

#[test]
fn a_retired_key_opens_and_does_not_seal() {
    let mut keyset = Keyset::fresh(Timestamp::from_seconds(1)).unwrap();
    let old = Sealer::new(uuid::Uuid::nil(), &keyset).unwrap();
    let sealed = old.seal(&PLACE, b"x").unwrap();
    let mut next = Keyset::fresh(Timestamp::from_seconds(2)).unwrap();
    keyset.entries[0].status = Status::Retired;
    keyset.entries.append(&mut next.entries);
    let wrapping = DataKey::new(&crate::seal::key_file::fresh().unwrap()).unwrap();
    let wrapped = keyset.wrap(&wrapping, uuid::Uuid::nil(), Slot::A).unwrap();
    let read = Keyset::unwrap(&wrapping, uuid::Uuid::nil(), Slot::A, &wrapped).unwrap();
    assert_eq!(read.entries.iter().map(|entry| entry.created_at.seconds()).collect::<Vec<_>>(), [1, 2]);
    let rotated = Sealer::new(uuid::Uuid::nil(), &read).unwrap();
    assert_ne!(rotated.key_id(), old.key_id());
    assert_eq!(rotated.open(&PLACE, &sealed).unwrap().expose(), b"x");
    assert!(old.open(&PLACE, &rotated.seal(&PLACE, b"y").unwrap()).is_err());
    assert_eq!(rotated.mac("event", b"x"), old.mac("event", b"x"), "names outlive a rotation");
}

/// R-INSEAM-049
#[tokio::test]
async fn no_debug_output_shows_a_key() {
    let home = Home::new();
    let sealer = home.open("root.key").await.unwrap();
    let file = KeyFile::at(home.path("root.key"));
    let key = file.load().await.unwrap().unwrap();
    let sealed = sealer.seal(&PLACE, b"canary-value").unwrap();
    let error = home.open("missing.key").await.unwrap_err();
    let seen = format!("{sealer:?} {file:?} {key:?} {sealed:?} {error:?} {error} {:?}", home.store().await);
    for form in [encode::base64(key.expose_secret()), encode::hex(key.expose_secret()), "canary".into()] {
        assert!(!seen.contains(&form), "{seen}");
    }
    // The control: bytes in a debug list would be found by this form.
    let listed = format!("{:?}", key.expose_secret());
    assert!(!seen.contains(listed.trim_matches(['[', ']'])));
}

#[derive(Debug)]
struct Empty;

#[async_trait]
impl KeySource for Empty {
    fn name(&self) -> String {
        "nothing".into()
    }
    async fn load(&self) -> Result<Option<SecretBox<[u8; 32]>>, KeyError> {
        Ok(None)
    }
}

struct Home(TempDir);

impl Home {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }
    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join("key").join(name)
    }
    async fn store(&self) -> Store {
        Store::open(&self.0.path().join("store/connections.db").display().to_string()).await.unwrap()
    }
    async fn open(&self, key: &str) -> Result<Sealer, OpenKeyError> {
        let source = KeyFile::at(self.path(key));
        open_keyset(&self.store().await, &source, &UuidV7::new(), Timestamp::from_seconds(100)).await
    }
}

async fn key_id(home: &Home, key: &str) -> KeyId {
    KeyId::of(&KeyFile::at(home.path(key)).load().await.unwrap().unwrap())
}
