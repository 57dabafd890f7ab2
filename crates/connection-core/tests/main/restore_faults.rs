//! Restores that are refused or interrupted, and databases that a kill has left.

use std::{
    fs,
    path::{Path, PathBuf},
};

use connection_core::{
    BackupError, ConnectionRegistry, KeyFile, OpenError, StoreError, TokenUse, is_restore_interrupted,
};

use sqlx::{ConnectOptions as _, Connection as _, sqlite::SqliteConnectOptions};

use crate::{
    renewing::{LIFE, Renewals},
    restores::{backed_up, stopped},
    sql::{self, Database},
};

fn sibling(path: &Path, suffix: &str) -> PathBuf {
    format!("{}{suffix}", path.display()).into()
}

/// Returns the files beside the database that are not its own.
fn beside(database: &Path) -> Vec<String> {
    let name = database.file_name().unwrap().to_str().unwrap().to_owned();
    let names = fs::read_dir(database.parent().unwrap()).unwrap();
    let names = names.map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let own = ["", "-wal", "-shm", ".lock", ".state"].map(|suffix| format!("{name}{suffix}"));
    names.filter(|name| !own.contains(name)).collect()
}

#[tokio::test]
async fn what_cannot_be_restored_is_refused_with_a_sentence_and_changes_nothing() {
    let it = Renewals::new().await;
    let file = backed_up(&it.world).await;
    let it = stopped(it).await;
    let before = sql::everything(&it.world.database()).await;
    let directory = it.world.directory.path().to_owned();
    let made = |name: &str| {
        let path = directory.join(name);
        fs::copy(&file, &path).unwrap();
        path
    };
    let newer = made("newer");
    let newest = "INSERT INTO connection_migrations (version, description, success, checksum, execution_time) \
                  SELECT version + 1, description, success, checksum, execution_time FROM connection_migrations \
                  ORDER BY version DESC LIMIT 1";
    sql::run(&Database::File(newer.clone()), newest).await;
    sql::run(&Database::File(newer.clone()), "UPDATE connection_part SET oldest = 2").await;
    let unreleased = made("unreleased");
    let renamed = "UPDATE connection_migrations SET description = 'tables' WHERE version = 1";
    sql::run(&Database::File(unreleased.clone()), renamed).await;
    let other = made("other");
    sql::script(&Database::File(other.clone()), "DROP TABLE connection_migrations").await;
    let text = directory.join("text");
    fs::write(&text, "this is no database, but a text that is long enough to be taken for one").unwrap();
    let damaged = made("damaged");
    let mut bytes = fs::read(&damaged).unwrap();
    bytes.truncate(bytes.len() / 2);
    fs::write(&damaged, bytes).unwrap();
    let missing = directory.join("missing");

    for (from, expected) in [
        (&newer, "is too old to write the database"),
        (&unreleased, "comes from an unreleased build"),
        (&other, "is not a database of this program"),
        (&text, "is not a database"),
        (&damaged, "is damaged"),
        (&missing, "there is no file"),
    ] {
        let refused = it.restore(from).await.unwrap_err();
        let message = refused.to_string();
        assert!(message.contains(expected) && message.contains(from.to_str().unwrap()), "{message}");
        assert_eq!(sql::everything(&it.world.database()).await, before, "{message}");
        assert_eq!(beside(&it.world.file()), [""; 0], "{message}");
    }

    let builder = it.world.builder().kind(it.plugin.clone()).key(KeyFile::at(directory.join("other-key/root.key")));
    let registry = ConnectionRegistry::builder()
        .store(directory.join("other-store.db").display().to_string())
        .key(KeyFile::at(directory.join("other-key/root.key")));
    registry.open().await.unwrap().close().await;
    let refused = builder.restore(&file).await.unwrap_err();
    assert_eq!(refused.code(), "key_failed");
    assert!(refused.to_string().contains(file.to_str().unwrap()), "{refused}");
    assert_eq!(sql::everything(&it.world.database()).await, before);
    assert_eq!(beside(&it.world.file()), [""; 0]);
}

#[tokio::test]
async fn a_restore_is_refused_while_a_process_has_the_database_open() {
    let it = Renewals::new().await;
    let file = backed_up(&it.world).await;
    let refused = it.world.builder().kind(it.plugin.clone()).restore(&file).await.unwrap_err();
    assert!(matches!(refused, BackupError::InUse { .. }), "{refused:?}");
    assert!(refused.remedy().unwrap().contains("connections serve"));
    assert_eq!((it.send().await.unwrap(), beside(&it.world.file())), (200, Vec::new()), "the process works");
    let it = stopped(it).await;

    // A process without a state directory.
    let options = SqliteConnectOptions::new().filename(it.world.file());
    let mut other = options.connect().await.unwrap();
    sqlx::query("SELECT id FROM connection_account").fetch_all(&mut other).await.unwrap();
    let refused = it.restore(&file).await.unwrap_err();
    assert!(matches!(refused, BackupError::InUse { .. }), "{refused:?}");
    other.close().await.unwrap();
    it.restore(&file).await.unwrap();
}

/// A file that is damaged takes no locks, but the process that had it open has its lock in the state directory.
#[tokio::test]
async fn a_process_is_noticed_by_its_lock_file_when_the_database_is_damaged() {
    let it = Renewals::new().await;
    let file = backed_up(&it.world).await;
    // Another file has none of the locks that the process holds on the former one.
    let former = sibling(&it.world.file(), "-former");
    fs::rename(it.world.file(), &former).unwrap();
    connection_core::replace_private(&it.world.file(), b"not a database any longer, whatever was in it before")
        .unwrap();
    let refused = it.world.builder().kind(it.plugin.clone()).restore(&file).await.unwrap_err();
    assert!(matches!(refused, BackupError::InUse { .. }), "{refused:?}");
    fs::rename(&former, it.world.file()).unwrap();
}

/// Copies of the files of an open database are what a kill leaves.
#[tokio::test]
async fn after_a_kill_the_restored_database_meets_no_old_log_and_the_replaced_one_keeps_it() {
    let it = Renewals::new().await;
    let file = backed_up(&it.world).await;
    it.at(LIFE);
    it.send().await.unwrap();
    let database = it.world.file();
    let left = ["", "-wal"].map(|suffix| fs::read(sibling(&database, suffix)).unwrap());
    assert!(!left[1].is_empty(), "the last commits are in the log alone");
    let it = stopped(it).await;
    for (suffix, bytes) in ["", "-wal"].into_iter().zip(&left) {
        connection_core::replace_private(&sibling(&database, suffix), bytes).unwrap();
    }

    let restored = it.restore(&file).await.unwrap();
    assert_eq!((restored.connections[0].token, &restored.unread), (TokenUse::Used, &None), "the log was read");
    assert_eq!((it.number("generation").await, sibling(&database, "-wal").exists()), (1, false));
    assert_eq!(sql::texts(&it.world.database(), "SELECT integrity_check FROM pragma_integrity_check").await, ["ok"]);
    let kept = restored.kept.unwrap();
    assert_eq!(["", "-wal"].map(|suffix| fs::read(sibling(&kept, suffix)).unwrap()), left, "as it was found");
    let generation = "SELECT generation FROM connection_account";
    assert_eq!(sql::number(&Database::File(kept), generation).await, Some(2));
}

/// The case for which the command exists: a copy over the database, beside the log of the killed process.
#[tokio::test]
async fn a_copy_that_met_an_old_log_is_replaced_and_believed_in_nothing() {
    let it = Renewals::new().await;
    let file = backed_up(&it.world).await;
    let database = it.world.file();
    it.at(LIFE);
    it.send().await.unwrap();
    for name in ["b", "c", "d"] {
        it.connection.rename(name).await.unwrap();
    }
    let log = fs::read(sibling(&database, "-wal")).unwrap();
    let it = stopped(it).await;
    fs::copy(&file, &database).unwrap();
    connection_core::replace_private(&sibling(&database, "-wal"), &log).unwrap();

    let restored = it.restore(&file).await.unwrap();
    assert_ne!(restored.connections[0].token, TokenUse::Unused, "{restored:?}");
    assert_eq!(sql::texts(&it.world.database(), "SELECT integrity_check FROM pragma_integrity_check").await, ["ok"]);
    let registry = it.world.open(it.plugin.clone()).await;
    assert_eq!(registry.connection(it.id).await.unwrap().info().label.as_str(), "ada");
}

/// Every state in which a kill can leave the files, from the first that is moved to the last.
#[tokio::test]
async fn a_restore_that_is_killed_at_any_step_is_said_and_completed_by_the_next_one() {
    let it = Renewals::new().await;
    let file = backed_up(&it.world).await;
    it.at(LIFE);
    it.send().await.unwrap();
    let database = it.world.file();
    let former = ["", "-wal", "-shm"].map(|suffix| fs::read(sibling(&database, suffix)).unwrap());
    let it = stopped(it).await;
    it.restore(&file).await.unwrap();
    let prepared = fs::read(&database).unwrap();

    for moved in 0..=3 {
        for name in beside(&database) {
            fs::remove_file(database.with_file_name(name)).unwrap();
        }
        let kept = sibling(&database, ".replaced-20270115T080000Z");
        for (number, (suffix, bytes)) in ["", "-wal", "-shm"].into_iter().zip(&former).enumerate() {
            let (there, gone) = if number < moved { (&kept, &database) } else { (&database, &kept) };
            connection_core::replace_private(&sibling(there, suffix), bytes).unwrap();
            fs::remove_file(sibling(gone, suffix)).unwrap_or_default();
        }
        connection_core::replace_private(&sibling(&database, ".restoring-20270115T080000Z"), &prepared).unwrap();

        assert_eq!(is_restore_interrupted(&database), moved > 0, "{moved}");
        if moved > 0 {
            let refused = it.world.builder().open().await.unwrap_err();
            assert!(matches!(refused, OpenError::Store(StoreError::Interrupted { .. })), "{moved}: {refused:?}");
            assert!(refused.remedy().unwrap().contains("connections restore"), "{moved}");
            assert!(!database.exists(), "{moved}: nothing is created");
        }
        if moved == 0 {
            // A process that opens the database makes the prepared copy outdated, and a draft of a killed one.
            connection_core::replace_private(&sibling(&database, ".restore-draft"), b"half a copy").unwrap();
            it.world.open(it.plugin.clone()).await.close().await;
            assert_eq!(beside(&database), [""; 0]);
        }
        let restored = it.restore(&file).await.unwrap();
        assert_eq!((restored.is_completed, restored.connections[0].token), (moved > 0, TokenUse::Used), "{moved}");
        assert_eq!(it.number("generation").await, 1, "{moved}");
        let kept = restored.kept.unwrap();
        let generation = "SELECT generation FROM connection_account";
        assert_eq!(sql::number(&Database::File(kept.clone()), generation).await, Some(2), "{moved}: with its log");
        let name = kept.file_name().unwrap().to_str().unwrap();
        assert!(beside(&database).iter().all(|left| left.starts_with(name)), "{moved}: {:?}", beside(&database));
    }
}

/// The command that began the renewal was killed, and its courier finishes it.
#[tokio::test]
async fn a_restore_beside_a_courier_says_that_a_renewal_is_finishing() {
    let it = Renewals::new().await;
    let file = backed_up(&it.world).await;
    let it = stopped(it).await;
    let state = sibling(&it.world.file(), ".state");
    let names = fs::read_dir(&state).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let process = { names }.find(|name| name.starts_with("process-")).unwrap();
    let store = process.split('-').nth(1).unwrap();
    let courier = fs::File::create(state.join(format!("process-{store}-courier-1.lock"))).unwrap();
    courier.lock().unwrap();
    let refused = it.restore(&file).await.unwrap_err();
    assert!(matches!(refused, BackupError::Renewing { .. }), "{refused:?}");
    assert_eq!(refused.remedy().as_deref(), Some("repeat the command in half a minute"));
    drop(courier);
    it.restore(&file).await.unwrap();
}
