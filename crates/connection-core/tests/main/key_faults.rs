//! A key that is missing, wrong or replaced keeps the database closed. It is never created again, and opens the
//! database when it is back.

use std::{fs, path::PathBuf};

use connection_contract::Liveness;
use connection_core::{ConnectionId, KeyError, KeyFile, NotPrivate, OpenError, SealError};

use crate::{
    acme::Acme,
    sql,
    test_host::{World, connected},
};

/// A test host with a connection, and the bytes of its key.
struct Sealed {
    world: World,
    id: ConnectionId,
    key: Vec<u8>,
}

impl Sealed {
    async fn new() -> Self {
        let world = World::new().await;
        let registry = world.acme().await;
        let id = connected(&registry, "key-1").await.id();
        registry.close().await;
        let key = fs::read(world.key()).unwrap();
        Self { world, id, key }
    }

    /// Checks that the database does not open, and that the error has these names and this remedy.
    async fn refused(&self, names: &[&str], way_out: &str) -> OpenError {
        let requests = self.world.server.requests().len();
        let error = self.world.builder().kind(Acme::default()).open().await.unwrap_err();
        let said = error.to_string();
        let remedy = error.remedy().unwrap_or_default();
        assert_eq!(error.code(), "key_failed");
        for name in names {
            assert!(said.contains(name), "{said}");
        }
        assert!(remedy.contains(way_out), "{said}: {remedy}");
        assert!(!said.contains('\n'), "{said}");
        assert_eq!(self.world.server.requests().len(), requests);
        error
    }

    /// Checks that the database opens and the connection works.
    async fn whole(&self) {
        let registry = self.world.acme().await;
        let info = registry.connection(self.id).await.unwrap().verify().await.unwrap();
        assert_eq!(info.liveness, Liveness::Live);
        registry.close().await;
    }

    fn put_back(&self) {
        let path = self.world.key();
        if path.is_dir() {
            fs::remove_dir(&path).unwrap();
        }
        fs::write(&path, &self.key).unwrap();
    }

    fn path(&self) -> String {
        self.world.key().display().to_string()
    }
}

#[tokio::test]
async fn a_missing_key_is_asked_back_and_not_made_anew() {
    let sealed = Sealed::new().await;
    let aside: PathBuf = sealed.world.directory.path().join("aside.key");
    fs::rename(sealed.world.key(), &aside).unwrap();
    let error = sealed.refused(&[&sealed.path()], "from a backup").await;
    assert!(matches!(error, OpenError::Key(KeyError::Missing { .. })), "{error:?}");
    assert!(!sealed.world.key().exists());
    fs::rename(aside, sealed.world.key()).unwrap();
    sealed.whole().await;
}

#[tokio::test]
async fn the_key_of_another_database_is_told_from_the_right_one() {
    let sealed = Sealed::new().await;
    let other = Sealed::new().await;
    fs::write(sealed.world.key(), &other.key).unwrap();
    let id = |key: &[u8]| {
        let text = String::from_utf8(key.to_vec()).unwrap();
        text.lines().next().unwrap().rsplit(' ').next().unwrap().to_owned()
    };
    let need = id(&sealed.key);
    let have = id(&other.key);
    let error = sealed.refused(&[&sealed.world.place(), &need, &have], &need).await;
    assert!(matches!(error, OpenError::Seal { error: SealError::WrongKey { .. }, .. }), "{error:?}");
    assert_eq!(fs::read(sealed.world.key()).unwrap(), other.key, "it may be needed elsewhere");
    sealed.put_back();
    sealed.whole().await;
}

#[cfg(unix)]
#[tokio::test]
async fn a_key_that_others_can_read_is_refused_with_the_command_that_mends_it() {
    use std::os::unix::fs::PermissionsExt as _;
    let sealed = Sealed::new().await;
    let mode = |mode| fs::set_permissions(sealed.world.key(), fs::Permissions::from_mode(mode)).unwrap();
    let way_out = format!("chmod 600 {}", sealed.path());
    for bits in [0o604, 0o660, 0o601] {
        mode(bits);
        let error = sealed.refused(&[&sealed.path(), &format!("{bits:04o}")], &way_out).await;
        assert!(matches!(error, OpenError::Key(KeyError::Exposed(NotPrivate::Permissions { .. }))), "{error:?}");
    }
    mode(0o600);
    sealed.whole().await;
}

#[tokio::test]
async fn a_damaged_key_is_asked_back_and_not_written_over() {
    let sealed = Sealed::new().await;
    let mut flipped = sealed.key.clone();
    let last = flipped.len() - 10;
    flipped[last] = if flipped[last] == b'A' { b'B' } else { b'A' };
    let half = sealed.key[..sealed.key.len() / 2].to_vec();
    for damaged in [half, Vec::new(), b"my notes\n".to_vec(), vec![b'x'; 10_000], flipped] {
        fs::write(sealed.world.key(), &damaged).unwrap();
        let error = sealed.refused(&[&sealed.path()], "from a backup").await;
        assert!(matches!(error, OpenError::Key(KeyError::Malformed { .. })), "{error:?}");
        assert_eq!(fs::read(sealed.world.key()).unwrap(), damaged);
    }
    sealed.put_back();
    sealed.whole().await;
}

#[cfg(unix)]
#[tokio::test]
async fn what_is_no_file_of_its_own_is_no_key() {
    let sealed = Sealed::new().await;
    let key = sealed.world.key();
    let aside = sealed.world.directory.path().join("aside.key");
    fs::rename(&key, &aside).unwrap();
    // A key may be mounted, and the mounted file may be a link.
    std::os::unix::fs::symlink(&aside, &key).unwrap();
    sealed.whole().await;

    fs::remove_file(&key).unwrap();
    fs::create_dir(&key).unwrap();
    let error = sealed.refused(&[&sealed.path()], "the file itself").await;
    assert!(matches!(error, OpenError::Key(KeyError::Exposed(NotPrivate::NotRegular(_)))), "{error:?}");

    fs::remove_dir(&key).unwrap();
    fs::rename(&aside, &key).unwrap();
    sealed.whole().await;
}

#[tokio::test]
async fn a_file_where_the_directory_of_the_key_should_be_is_named() {
    let world = World::new().await;
    let file = world.directory.path().join("file");
    fs::write(&file, "").unwrap();
    let key = file.join("root.key");
    let error = world.builder().key(KeyFile::at(&key)).open().await.unwrap_err();
    assert!(error.to_string().contains(key.to_str().unwrap()), "{error}");
    assert!(error.remedy().is_some(), "{error}");
    // That attempt does not prevent the next one.
    connected(&world.acme().await, "key-1").await;
}

#[tokio::test]
async fn an_edited_keyset_does_not_open_and_is_not_replaced() {
    let sealed = Sealed::new().await;
    let database = sealed.world.database();
    let slot = sql::blob(&database, "SELECT slot_a FROM connection_keyset").await;
    let set = async |value: String| sql::run(&database, format!("UPDATE connection_keyset SET {value}")).await;
    let mut flipped = slot.clone();
    let last = flipped.len() - 20;
    flipped[last] ^= 1;
    let good = sql::literal(&slot);
    let store = sql::uuid(&database, "SELECT store_id FROM connection_keyset").await;
    let edits = [
        format!("slot_a = {}", sql::literal(&flipped)),
        format!("slot_a = {}", sql::literal(&slot[..slot.len() / 2])),
        format!("slot_a = {}", sql::literal(&[])),
        format!("slot_a = NULL, slot_b = {good}"),
        format!("store_id = {}", sql::id_of("00".repeat(16))),
    ];
    for edit in edits {
        set(edit.clone()).await;
        let error = sealed.refused(&[&sealed.world.place()], "backup").await;
        assert!(matches!(error, OpenError::Seal { .. }), "{edit}: {error:?}");
        set(format!("slot_a = {good}, slot_b = NULL, store_id = {}", sql::id_of(&store))).await;
        sealed.whole().await;
    }
    let id = sql::id_of(&store);
    sql::run(&database, "DELETE FROM connection_keyset").await;
    let error = sealed.refused(&[&sealed.world.place()], "backup").await;
    assert!(matches!(error, OpenError::Seal { error: SealError::Lost, .. }), "{error:?}");
    let sql = "INSERT INTO connection_keyset (only_row, store_id, revision, slot_a)";
    sql::run(&database, format!("{sql} VALUES (1, {id}, 1, {good})")).await;
    sealed.whole().await;
}

#[tokio::test]
async fn the_keyset_of_another_database_does_not_open() {
    let sealed = Sealed::new().await;
    let other = Sealed::new().await;
    let slot = sql::blob(&other.world.database(), "SELECT slot_a FROM connection_keyset").await;
    let own = sql::blob(&sealed.world.database(), "SELECT slot_a FROM connection_keyset").await;
    let set = |slot: &[u8]| format!("UPDATE connection_keyset SET slot_a = {}", sql::literal(slot));
    sql::run(&sealed.world.database(), set(&slot)).await;
    // The key that belongs to the slot does not help either: the rows are of another store.
    fs::write(sealed.world.key(), &other.key).unwrap();
    sealed.refused(&[&sealed.world.place()], "backup").await;
    sealed.put_back();
    sql::run(&sealed.world.database(), set(&own)).await;
    sealed.whole().await;
}
