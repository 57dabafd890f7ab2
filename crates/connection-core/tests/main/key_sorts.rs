//! Moving a database between a file, a keyring and a passphrase: stopped at any point, one of the two sources opens
//! it.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering::SeqCst},
};

use async_trait::async_trait;
use connection_contract::Liveness;
use connection_core::{ConnectionId, KeyContext, KeyError, KeyFile, KeyPassphrase, KeySource, KeyWrapper, OpenError};
use secrecy::SecretBox;

use crate::{
    acme::Acme,
    ring::Ring,
    sql,
    test_host::{World, connected},
};

const SORTS: [&str; 3] = ["file", "keyring", "passphrase"];

/// A database with one type of key source, and a connection.
struct Moving {
    world: World,
    ring: Ring,
    id: ConnectionId,
}

impl Moving {
    async fn new(sort: &str) -> Self {
        let world = World::new().await;
        let ring = Ring::default();
        let registry = world.builder().kind(Acme::default()).key(source(&world, &ring, sort)).open().await.unwrap();
        let id = connected(&registry, "key-1").await.id();
        registry.close().await;
        Self { world, ring, id }
    }

    fn source(&self, sort: &str) -> Arc<dyn KeySource> {
        source(&self.world, &self.ring, sort)
    }

    /// Returns whether this source opens the database; then the connection works.
    async fn opens(&self, sort: &str) -> Result<(), OpenError> {
        let registry = self.world.builder().kind(Acme::default()).key(self.source(sort)).open().await?;
        let info = registry.connection(self.id).await.unwrap().verify().await.unwrap();
        assert_eq!(info.liveness, Liveness::Live);
        registry.close().await;
        Ok(())
    }
}

fn source(world: &World, ring: &Ring, sort: &str) -> Arc<dyn KeySource> {
    match sort {
        "file" => Arc::new(KeyFile::at(world.key())),
        "keyring" => Arc::new(ring.source()),
        _ => Arc::new(KeyPassphrase::from_prompt(|_| Ok("correct horse battery staple".into()))),
    }
}

/// A source that fails from its n-th use on, as if the process had ended there.
#[derive(Debug)]
struct Mortal {
    inner: Arc<dyn KeySource>,
    uses: AtomicUsize,
    lives: usize,
}

impl Mortal {
    fn lives(&self) -> Result<(), KeyError> {
        if self.uses.fetch_add(1, SeqCst) < self.lives {
            return Ok(());
        }
        Err(KeyError::Unavailable { source_name: "mortal".into(), detail: "it ended".into() })
    }

    fn keeper(&self) -> &dyn KeyWrapper {
        self.inner.wrapper().unwrap()
    }
}

#[async_trait]
impl KeySource for Mortal {
    fn name(&self) -> String {
        self.inner.name()
    }

    async fn load(&self) -> Result<Option<SecretBox<[u8; 32]>>, KeyError> {
        self.lives()?;
        self.inner.load().await
    }

    async fn create(&self) -> Result<SecretBox<[u8; 32]>, KeyError> {
        self.lives()?;
        self.inner.create().await
    }

    fn wrapper(&self) -> Option<&dyn KeyWrapper> {
        self.inner.wrapper().is_some().then_some(self)
    }
}

#[async_trait]
impl KeyWrapper for Mortal {
    async fn wrap(&self, key: &SecretBox<[u8; 32]>, context: &KeyContext) -> Result<Vec<u8>, KeyError> {
        self.lives()?;
        self.keeper().wrap(key, context).await
    }

    async fn unwrap(&self, wrapped: &[u8], context: &KeyContext) -> Result<SecretBox<[u8; 32]>, KeyError> {
        self.lives()?;
        self.keeper().unwrap(wrapped, context).await
    }
}

#[tokio::test]
async fn a_database_moves_to_a_file_and_is_whole_where_the_change_stops() {
    moves_to("file").await;
}

#[tokio::test]
async fn a_database_moves_to_a_keyring_and_is_whole_where_the_change_stops() {
    moves_to("keyring").await;
}

#[tokio::test]
async fn a_database_moves_to_a_passphrase_and_is_whole_where_the_change_stops() {
    moves_to("passphrase").await;
}

async fn moves_to(to: &str) {
    for from in SORTS.into_iter().filter(|from| *from != to) {
        let mut stopped = 0;
        for lives in 0.. {
            let moving = Moving::new(from).await;
            let mortal = Mortal { inner: moving.source(to), uses: AtomicUsize::new(0), lives };
            let ended = moving.world.builder().key(moving.source(from)).change_key(mortal).await;
            if ended.is_err() {
                stopped += 1;
                moving.opens(from).await.unwrap();
                moving.world.builder().key(moving.source(from)).change_key(moving.source(to)).await.unwrap();
            }
            moving.opens(to).await.unwrap();
            let error = moving.opens(from).await.unwrap_err();
            // A type that wraps by itself is named, whatever else is configured.
            if to != "file" {
                assert!(error.to_string().contains(&format!("key source '{to}'")), "{from} {to}: {error}");
                let way_out = error.remedy().unwrap();
                assert!(way_out.contains(&format!("use the key source '{to}'")), "{from} {to}: {way_out}");
            }
            let slots = "SELECT count(slot_a) + count(slot_b) FROM connection_keyset";
            assert_eq!(sql::number(&moving.world.database(), slots).await, Some(1));
            if ended.is_ok() {
                break;
            }
        }
        assert!(stopped >= 2, "{from} {to}: before it was wrapped, and before it was read back");
    }
}

/// The error names the problem with the source's own slot, not that the other slot is of another type.
#[tokio::test]
async fn a_wrong_passphrase_is_told_while_a_change_is_not_ended() {
    let moving = Moving::new("passphrase").await;
    // The key is found and used for wrapping and unwrapping, and then not read back.
    let mortal = Mortal { inner: moving.source("keyring"), uses: AtomicUsize::new(0), lives: 3 };
    moving.world.builder().key(moving.source("passphrase")).change_key(mortal).await.unwrap_err();
    let slots = "SELECT count(slot_a) + count(slot_b) FROM connection_keyset";
    assert_eq!(sql::number(&moving.world.database(), slots).await, Some(2));
    let wrong = KeyPassphrase::from_prompt(|_| Ok("a dozen of wrong words".into()));
    let error = moving.world.builder().key(wrong).open().await.unwrap_err();
    assert!(matches!(error, OpenError::Key(KeyError::WrongPassphrase { .. })), "{error:?}");
    moving.opens("passphrase").await.unwrap();
    moving.opens("keyring").await.unwrap();
}

/// The passphrase is replaced by another one, as after it was disclosed.
#[tokio::test]
async fn a_passphrase_is_changed_and_the_former_one_opens_nothing() {
    let moving = Moving::new("passphrase").await;
    let new = || KeyPassphrase::from_prompt(|_| Ok("another dozen of words".into()));
    moving.world.builder().key(moving.source("passphrase")).change_key(new()).await.unwrap();
    let error = moving.opens("passphrase").await.unwrap_err();
    assert!(matches!(error, OpenError::Key(KeyError::WrongPassphrase { .. })), "{error:?}");
    moving.world.builder().key(new()).open().await.unwrap().close().await;
    // A change with two wrong passphrases changes nothing.
    let wrong = || KeyPassphrase::from_prompt(|_| Ok("a dozen of wrong words".into()));
    let error = moving.world.builder().key(wrong()).change_key(moving.source("passphrase")).await.unwrap_err();
    assert!(matches!(error, OpenError::Key(KeyError::WrongPassphrase { .. })), "{error:?}");
}
