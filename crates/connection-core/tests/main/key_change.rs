//! Moving a database to another key source: stopped at any point, one of the two sources opens it, and the next
//! attempt finishes the move.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering::SeqCst},
};

use async_trait::async_trait;
use connection_contract::{Liveness, encode};
use connection_core::{ConnectionId, KeyChange, KeyError, KeyFile, KeySource, KeyVariable, OpenError};
use secrecy::SecretBox;

use crate::{
    acme::Acme,
    sql,
    test_host::{World, connected, me},
};

fn variable(byte: u8) -> KeyVariable {
    KeyVariable::new("APP_KEY", Some(encode::hex(&[byte; 32]).into()))
}

/// A test host with a connection and a key file.
struct Moving {
    world: World,
    id: ConnectionId,
}

impl Moving {
    async fn new() -> Self {
        let world = World::new().await;
        let registry = world.acme().await;
        let id = connected(&registry, "key-1").await.id();
        registry.close().await;
        Self { world, id }
    }

    fn file(&self) -> KeyFile {
        KeyFile::at(self.world.key())
    }

    async fn change(
        &self,
        from: impl KeySource + 'static,
        to: impl KeySource + 'static,
    ) -> Result<KeyChange, OpenError> {
        self.world.builder().key(from).change_key(to).await
    }

    /// Returns `true` if this source opens the database; then the connection works.
    async fn opens(&self, source: impl KeySource + 'static) -> bool {
        let Ok(registry) = self.world.builder().kind(Acme::default()).key(source).open().await else { return false };
        let info = registry.connection(self.id).await.unwrap().verify().await.unwrap();
        assert_eq!(info.liveness, Liveness::Live);
        registry.close().await;
        true
    }

    async fn slots(&self) -> i64 {
        let sql = "SELECT count(slot_a) + count(slot_b) FROM connection_keyset";
        sql::number(&self.world.database(), sql).await.unwrap()
    }
}

#[tokio::test]
async fn a_database_moves_to_another_source_and_back_with_its_keys() {
    let moving = Moving::new().await;
    let before = std::fs::read(moving.world.key()).unwrap();
    let changed = moving.change(moving.file(), variable(1)).await.unwrap();
    assert_eq!((changed.source.as_str(), changed.changed), ("environment APP_KEY", true));
    assert_eq!((moving.opens(variable(1)).await, moving.opens(moving.file()).await), (true, false));
    assert_eq!(moving.slots().await, 1);
    assert_eq!(std::fs::read(moving.world.key()).unwrap(), before, "the old key is not ours to delete");
    // A second attempt finds nothing left to do.
    assert!(!moving.change(moving.file(), variable(1)).await.unwrap().changed);
    // A key file that does not exist is created.
    let other = moving.world.directory.path().join("other/other.key");
    moving.change(variable(1), KeyFile::at(&other)).await.unwrap();
    assert_eq!((moving.opens(KeyFile::at(&other)).await, moving.opens(variable(1)).await), (true, false));
    moving.change(KeyFile::at(&other), moving.file()).await.unwrap();
    assert!(moving.opens(moving.file()).await);
}

#[tokio::test]
async fn a_registry_that_is_open_goes_on_beside_a_change() {
    let moving = Moving::new().await;
    let registry = moving.world.acme().await;
    moving.change(moving.file(), variable(1)).await.unwrap();
    moving.world.clock.advance(std::time::Duration::from_secs(5));
    let info = registry.connection(moving.id).await.unwrap().verify().await.unwrap();
    assert_eq!(info.liveness, Liveness::Live);
    assert!(!moving.opens(moving.file()).await, "what it opened once it could not open again");
    moving.world.provider(|_| me("2", "bob"));
    let another = connected(&registry, "key-2").await.id();
    registry.close().await;
    let registry = moving.world.builder().kind(Acme::default()).key(variable(1)).open().await.unwrap();
    registry.connection(another).await.unwrap().verify().await.unwrap();
}

/// A source that fails from its n-th use on, as if the process had ended there.
#[derive(Clone, Debug)]
struct Mortal {
    key: u8,
    uses: Arc<AtomicUsize>,
    lives: usize,
}

impl Mortal {
    fn new(key: u8, lives: usize) -> Self {
        Self { key, uses: Arc::default(), lives }
    }
}

#[async_trait]
impl KeySource for Mortal {
    fn name(&self) -> String {
        "mortal".into()
    }

    async fn load(&self) -> Result<Option<SecretBox<[u8; 32]>>, KeyError> {
        if self.uses.fetch_add(1, SeqCst) < self.lives {
            return Ok(Some(SecretBox::new(Box::new([self.key; 32]))));
        }
        Err(KeyError::Unavailable { source_name: self.name(), detail: "it ended".into() })
    }
}

#[tokio::test]
async fn a_change_that_is_stopped_at_any_use_of_the_new_source_leaves_the_old_one_and_is_ended_later() {
    let mut stopped = 0;
    for lives in 0.. {
        let moving = Moving::new().await;
        let ended = moving.change(moving.file(), Mortal::new(1, lives)).await;
        if ended.is_ok() {
            assert!(moving.opens(variable(1)).await);
            break;
        }
        stopped += 1;
        assert!(moving.opens(moving.file()).await, "stopped at {lives}");
        moving.change(moving.file(), variable(1)).await.unwrap();
        assert_eq!((moving.opens(variable(1)).await, moving.opens(moving.file()).await), (true, false));
        assert_eq!(moving.slots().await, 1);
    }
    assert!(stopped >= 2, "before it was wrapped, and before it was read back");
}

#[tokio::test]
async fn a_change_that_was_stopped_with_both_slots_filled_is_ended_by_either_way() {
    let stopped = async || {
        let moving = Moving::new().await;
        // The key is found and used for wrapping, and then not read back.
        moving.change(moving.file(), Mortal::new(1, 2)).await.unwrap_err();
        assert_eq!(moving.slots().await, 2);
        assert!(moving.opens(moving.file()).await && moving.opens(variable(1)).await);
        moving
    };
    let moving = stopped().await;
    moving.change(moving.file(), variable(1)).await.unwrap();
    assert_eq!((moving.opens(moving.file()).await, moving.opens(variable(1)).await), (false, true));
    // A person has changed their mind.
    let moving = stopped().await;
    moving.change(variable(1), moving.file()).await.unwrap();
    assert_eq!((moving.opens(moving.file()).await, moving.opens(variable(1)).await), (true, false));
    // Or a third source is wanted.
    let moving = stopped().await;
    moving.change(moving.file(), variable(3)).await.unwrap();
    assert_eq!((moving.opens(moving.file()).await, moving.opens(variable(3)).await), (false, true));
    assert_eq!(moving.slots().await, 1);
    // The keys cannot be rotated before: the other slot would keep the old ones.
    let moving = stopped().await;
    let registry = moving.world.acme().await;
    let error = registry.keys().rotate().await.unwrap_err();
    assert!(matches!(&error, OpenError::Key(KeyError::Unfinished { .. })), "{error:?}");
    assert!(error.remedy().unwrap().contains("key change"), "{error:?}");
    assert_eq!(registry.keys().status().await.unwrap().slots.len(), 2);
}

#[tokio::test]
async fn a_change_from_a_source_that_does_not_open_changes_nothing_and_names_what_is_needed() {
    let moving = Moving::new().await;
    let row = async || sql::blob(&moving.world.database(), "SELECT slot_a FROM connection_keyset").await;
    let before = row().await;
    let error = moving.change(variable(1), variable(2)).await.unwrap_err();
    assert!(matches!(&error, OpenError::Key(KeyError::Neither { .. })), "{error:?}");
    let need = encode::hex(&before[5..13]);
    assert!(error.to_string().contains(&need) && error.remedy().unwrap().contains(&need), "{error}");
    let unset = KeyVariable::new("OTHER", None);
    let error = moving.change(moving.file(), unset).await.unwrap_err();
    assert!(matches!(&error, OpenError::Key(KeyError::NotSupported { .. })), "{error:?}");
    assert_eq!(row().await, before);
    let world = World::new().await;
    let error = world.builder().change_key(variable(1)).await.unwrap_err();
    assert!(matches!(&error, OpenError::Key(KeyError::NoKeyset)), "{error:?}");
}

/// Concurrent changes each succeed or report an error. In any case, some source opens the database.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn changes_at_once_leave_one_source_that_opens() {
    for _ in 0..5 {
        let moving = Arc::new(Moving::new().await);
        let changes: Vec<_> = (1..=4)
            .map(|byte| {
                let moving = moving.clone();
                tokio::runtime::Handle::current()
                    .spawn(async move { moving.change(moving.file(), variable(byte)).await })
            })
            .collect();
        let mut ended = Vec::new();
        for (byte, change) in (1..=4).zip(changes) {
            match change.await.unwrap() {
                Ok(_) => ended.push(byte),
                Err(OpenError::Key(KeyError::Contended | KeyError::Neither { .. })) => {}
                Err(error) => panic!("{error:?}"),
            }
        }
        let mut opens = Vec::new();
        for byte in 1..=4 {
            if moving.opens(variable(byte)).await {
                opens.push(byte);
            }
        }
        assert!(ended.len() <= 1, "{ended:?}");
        match ended.first() {
            Some(_) => assert_eq!(opens, ended),
            None => assert!(moving.opens(moving.file()).await, "{opens:?}"),
        }
    }
}
