//! The keyset of a store is created once, opened with its own key, and never replaced when that key is gone.

use std::{fs, path::PathBuf, sync::Arc};

use async_trait::async_trait;
use connection_contract::{Timestamp, encode};
use connection_egress::{Clock, ManualClock};
use connection_faults::postgres;
use connection_seal::{KeyError, KeyFile, KeyId, KeySource, SealError};
use secrecy::{ExposeSecret as _, SecretBox};
use tempfile::TempDir;

use crate::{
    ids::UuidV7,
    keys::{KeySources, OpenKeyError, Sealer, open_keyset},
    store::{CREDENTIAL, Store},
};

#[tokio::test]
async fn a_store_is_opened_again_with_the_keys_of_its_first_start() {
    for home in Home::each().await {
        let first = home.open("root.key").await.unwrap();
        let sealed = first.seal(&CREDENTIAL.start(), b"x").await.unwrap();
        let again = home.open("root.key").await.unwrap();
        assert_eq!(again.open(&CREDENTIAL.start(), &sealed).await.unwrap().expose(), b"x");
        assert_eq!((again.key_id(), again.store_id()), (first.key_id(), first.store_id()));
        assert_eq!(again.mac("event", b"x"), first.mac("event", b"x"));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn first_starts_at_once_agree_on_the_keys() {
    for home in Home::each().await {
        let home = Arc::new(home);
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
        let sealed = sealers[0].seal(&CREDENTIAL.start(), b"x").await.unwrap();
        for sealer in &sealers {
            assert_eq!(sealer.open(&CREDENTIAL.start(), &sealed).await.unwrap().expose(), b"x");
        }
    }
}

#[tokio::test]
async fn a_lost_key_is_named_and_not_made_anew() {
    for home in Home::each().await {
        home.open("root.key").await.unwrap();
        fs::remove_file(home.path("root.key")).unwrap();
        let error = home.open("root.key").await.unwrap_err();
        let source_name = KeyFile::at(home.path("root.key")).name();
        let missing = KeyError::Missing { source_name: source_name.clone() };
        assert_eq!(error, OpenKeyError::Key(missing.clone()));
        assert!(missing.remedy().unwrap().starts_with(&format!("restore the key of '{source_name}'")));
        assert!(!home.path("root.key").exists());
    }
}

#[tokio::test]
async fn the_key_of_another_database_is_told_from_damage() {
    for home in Home::each().await {
        home.open("root.key").await.unwrap();
        let need = key_id(&home, "root.key").await;
        KeyFile::at(home.path("other.key")).create().await.unwrap();
        let error = home.open("other.key").await.unwrap_err();
        let have = key_id(&home, "other.key").await;
        assert_eq!(error, OpenKeyError::Seal(SealError::WrongKey { have, need }));
    }
}

#[tokio::test]
async fn a_source_that_makes_no_keys_must_hold_one() {
    for home in Home::each().await {
        let store = home.store().await;
        let error = open_keyset(&store, &KeySources::new(Empty), &UuidV7::new(), clock()).await.unwrap_err();
        assert_eq!(error, OpenKeyError::Key(KeyError::NotSupported { source_name: "nothing".into() }));
        assert!(store.reader().await.unwrap().keyset().await.unwrap().is_none());
    }
}

/// R-INSEAM-049
#[tokio::test]
async fn no_debug_output_shows_a_key() {
    for home in Home::each().await {
        let sealer = home.open("root.key").await.unwrap();
        let file = KeyFile::at(home.path("root.key"));
        let key = file.load().await.unwrap().unwrap();
        let sealed = sealer.seal(&CREDENTIAL.start(), b"canary-value").await.unwrap();
        let error = home.open("missing.key").await.unwrap_err();
        let seen = format!("{sealer:?} {file:?} {key:?} {sealed:?} {error:?} {error} {:?}", home.store().await);
        for form in [encode::base64(key.expose_secret()), encode::hex(key.expose_secret()), "canary".into()] {
            assert!(!seen.contains(&form), "{seen}");
        }
        // As a control, bytes in a debug list would have this form.
        let listed = format!("{:?}", key.expose_secret());
        assert!(!seen.contains(listed.trim_matches(['[', ']'])));
    }
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

fn clock() -> Arc<dyn Clock> {
    Arc::new(ManualClock::at(Timestamp::from_seconds(100)))
}

struct Home {
    directory: TempDir,
    /// The database on the server of the tests. Without it, the database is a file.
    postgres: Option<postgres::Database>,
}

impl Home {
    /// Returns a home on each engine.
    async fn each() -> impl Iterator<Item = Self> {
        let database = if postgres::is_there() { Some(postgres::Database::migrated().await) } else { None };
        let home = |postgres| Self { directory: tempfile::tempdir().unwrap(), postgres };
        [home(None)].into_iter().chain(database.map(|database| home(Some(database))))
    }

    fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join("key").join(name)
    }

    async fn store(&self) -> Store {
        let address = match &self.postgres {
            Some(database) => database.url(),
            None => self.directory.path().join("store/connections.db").display().to_string(),
        };
        Store::open(address.into()).await.unwrap()
    }

    async fn open(&self, key: &str) -> Result<Sealer, OpenKeyError> {
        let sources = KeySources::new(KeyFile::at(self.path(key)));
        open_keyset(&self.store().await, &sources, &UuidV7::new(), clock()).await
    }
}

async fn key_id(home: &Home, key: &str) -> KeyId {
    KeyId::of(&KeyFile::at(home.path(key)).load().await.unwrap().unwrap())
}
