//! A backup of a database that is in use.

use std::{
    fs,
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering::SeqCst},
    },
};

use connection_contract::encode;
use connection_core::{Backup, BackupError, ConnectionRegistry};
use sqlx::{ConnectOptions as _, Connection as _, sqlite::SqliteConnectOptions};

use crate::{
    renewing::Renewals,
    sql::{self, Database},
    test_host::{World, connected, me},
};

async fn back_up(world: &World, to: &Path) -> Result<Backup, BackupError> {
    // Neither the key nor the kinds are needed.
    ConnectionRegistry::builder().store(world.address()).back_up(to).await
}

fn files(directory: &Path) -> Vec<PathBuf> {
    let mut files: Vec<_> = fs::read_dir(directory).unwrap().map(|file| file.unwrap().path()).collect();
    files.sort();
    files
}

/// The writer changes two rows in one statement, again and again, so that a backup between two commits has both.
#[tokio::test]
async fn a_backup_that_is_made_while_a_process_writes_holds_one_state() {
    let world = World::new().await;
    world.provider(|request| if request.contains("key-2") { me("2", "eve") } else { me("1", "ada") });
    let registry = world.acme().await;
    for key in ["key-1", "key-2"] {
        connected(&registry, key).await;
    }
    let ends = Arc::new(AtomicBool::new(false));
    let writer = tokio::runtime::Handle::current().spawn({
        let (database, ends) = (world.database(), ends.clone());
        async move {
            let mut written = 0_u32;
            while !ends.load(SeqCst) {
                sql::run(&database, "UPDATE connection_account SET created_at = created_at + 1").await;
                written += 1;
            }
            written
        }
    });
    let mut states = Vec::new();
    for number in 0..10 {
        let file = world.directory.path().join(format!("{number}.backup"));
        let backup = back_up(&world, &file).await.unwrap();
        assert_eq!((backup.connections, &backup.file, backup.keys.len()), (2, &file, 1));
        let copy = Database::File(file);
        assert_eq!(sql::texts(&copy, "SELECT integrity_check FROM pragma_integrity_check").await, ["ok"]);
        let one = "SELECT count(DISTINCT created_at) FROM connection_account";
        assert_eq!(sql::number(&copy, one).await, Some(1));
        states.push(sql::number(&copy, "SELECT max(created_at) FROM connection_account").await.unwrap());
    }
    ends.store(true, SeqCst);
    assert!(writer.await.unwrap() > 0);
    assert!(states.is_sorted(), "{states:?}");
    // The commits that are only in the log are in the backup.
    let version = sql::number(&world.database(), "SELECT max(version) FROM connection_migrations").await.unwrap();
    let last = world.directory.path().join("last.backup");
    assert_eq!(back_up(&world, &last).await.unwrap().version, version);
    registry.close().await;
}

#[tokio::test]
async fn a_backup_is_private_and_holds_no_key_and_nothing_in_the_open() {
    let it = Renewals::new().await;
    let directory = it.world.directory.path().join("backups");
    fs::create_dir(&directory).unwrap();
    let file = directory.join("a.backup");
    back_up(&it.world, &file).await.unwrap();
    assert_eq!(files(&directory), std::slice::from_ref(&file), "and no draft stays");
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
    }
    let content = fs::read(&file).unwrap();
    let key = fs::read(it.world.key()).unwrap();
    let text = String::from_utf8(key.clone()).map(|text| text.trim().to_owned()).unwrap_or_default();
    let forms = [key.clone(), encode::hex(&key).into_bytes(), encode::base64(&key).into_bytes(), text.into_bytes()];
    let secrets = forms.into_iter().chain([b"access-1".to_vec(), b"refresh-1".to_vec()]);
    for secret in secrets.filter(|secret| !secret.is_empty()) {
        assert!(!content.windows(secret.len()).any(|part| part == secret), "{}", String::from_utf8_lossy(&secret));
    }
    let kind = b"renewing";
    assert!(content.windows(kind.len()).any(|part| part == kind), "the control: it holds the connection");
}

#[tokio::test]
async fn a_backup_replaces_no_file_and_is_made_of_nothing_else() {
    let world = World::new().await;
    let file = world.directory.path().join("a.backup");
    let missing = back_up(&world, &file).await.unwrap_err();
    assert_eq!(missing.to_string(), format!("there is no file {}", world.file().display()));
    assert!(!world.file().exists(), "none is created");

    let registry = world.acme().await;
    connected(&registry, "key-1").await;
    fs::write(&file, "mine").unwrap();
    let exists = back_up(&world, &file).await.unwrap_err();
    assert!(matches!(exists, BackupError::Exists { .. }), "{exists:?}");
    assert_eq!(fs::read(&file).unwrap(), b"mine");

    let other = world.directory.path().join("other.db");
    let to = world.directory.path().join("other.backup");
    let builder = || ConnectionRegistry::builder().store(other.display().to_string());
    fs::write(&other, "no database at all, but a text that is long enough to be taken for one").unwrap();
    assert_eq!(builder().back_up(&to).await.unwrap_err().to_string(), format!("{} is not a database", other.display()));
    fs::remove_file(&other).unwrap();
    let made = SqliteConnectOptions::new().filename(&other).create_if_missing(true);
    let mut made = made.connect().await.unwrap();
    sqlx::query("CREATE TABLE other (a TEXT)").execute(&mut made).await.unwrap();
    made.close().await.unwrap();
    assert!(matches!(builder().back_up(&to).await, Err(BackupError::NotOurs { .. })));
    assert!(
        !to.exists()
            && files(world.directory.path()).iter().all(|file| !file.display().to_string().contains("partial"))
    );
    registry.close().await;
}

/// SQLite takes names in UTF-8 alone. With another name, it would create a file that others can read.
#[cfg(unix)]
#[tokio::test]
async fn a_name_that_is_not_utf_8_is_refused_before_anything_is_written() {
    use std::os::unix::ffi::OsStrExt as _;

    let world = World::new().await;
    world.acme().await.close().await;
    let before = files(world.directory.path());
    let name = std::ffi::OsStr::from_bytes(b"k\xf6nig");
    let error = back_up(&world, &world.directory.path().join(name)).await.unwrap_err();
    assert!(error.to_string().ends_with("is not UTF-8, so SQLite cannot use it"), "{error}");
    assert!(error.remedy().is_some());
    assert_eq!(files(world.directory.path()), before);
}

/// SQLite and the next opening delete or read files of these names.
#[tokio::test]
async fn a_name_that_the_database_uses_itself_is_refused_before_anything_is_written() {
    let world = World::new().await;
    world.acme().await.close().await;
    let directory = world.file().parent().unwrap().to_owned();
    let name = world.file().file_name().unwrap().to_str().unwrap().to_owned();
    let before = files(&directory);
    let ends = ["-wal", "-shm", "-journal", "-WAL", ".state", ".restoring-1", ".restore-draft", ".replaced-1"];
    for end in ends {
        let error = back_up(&world, &directory.join(format!("{name}{end}"))).await.unwrap_err();
        assert!(matches!(error, BackupError::NameOfDatabase { .. }), "{end}: {error:?}");
        assert_eq!(error.code(), "backup_name_taken");
        assert!(error.remedy().is_some());
        assert_eq!(files(&directory), before, "{end}");
    }
    #[cfg(unix)]
    {
        let link = world.directory.path().join("link");
        std::os::unix::fs::symlink(&directory, &link).unwrap();
        let error = back_up(&world, &link.join(format!("{name}-wal"))).await.unwrap_err();
        assert!(matches!(error, BackupError::NameOfDatabase { .. }), "{error:?}");
    }
    // The controls: another end of the name, and the same name in another directory.
    back_up(&world, &directory.join(format!("{name}.backup"))).await.unwrap();
    let elsewhere = world.directory.path().join("elsewhere");
    fs::create_dir(&elsewhere).unwrap();
    back_up(&world, &elsewhere.join(format!("{name}-wal"))).await.unwrap();
}

#[tokio::test]
async fn a_backup_that_is_dropped_leaves_no_copy() {
    let world = World::new().await;
    world.acme().await.close().await;
    let filler = "CREATE TABLE filler AS WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE \
                  i < 4000) SELECT randomblob(10000) AS data FROM n";
    sql::run(&world.database(), filler).await;
    let directory = world.directory.path().join("backups");
    fs::create_dir(&directory).unwrap();
    let file = directory.join("a.backup");
    let mut backup = Box::pin(back_up(&world, &file));
    let has_begun = || files(&directory).iter().any(|file| fs::metadata(file).is_ok_and(|file| file.len() > 0));
    let begun = async {
        while !has_begun() {
            tokio::task::yield_now().await;
        }
    };
    tokio::select! {
        biased;
        ended = &mut backup => panic!("it ended before it was dropped: {ended:?}"),
        () = begun => {}
    }
    drop(backup);
    assert_eq!(files(&directory), Vec::<PathBuf>::new());
    // The control.
    back_up(&world, &file).await.unwrap();
    assert_eq!(files(&directory), [file]);
}

#[tokio::test]
async fn the_copies_of_processes_that_are_gone_are_removed_by_the_next_backup() {
    let world = World::new().await;
    world.acme().await.close().await;
    let directory = world.directory.path().join("backups");
    fs::create_dir(&directory).unwrap();
    let [gone, running] = ["a.backup.partial-0123456789abcdef", "b.backup.partial-fedcba9876543210"];
    for name in [gone, running, "mine.partial-0"] {
        for end in ["", "-journal", ".lock"] {
            fs::write(directory.join(format!("{name}{end}")), "x").unwrap();
        }
    }
    let held = fs::File::open(directory.join(format!("{running}.lock"))).unwrap();
    held.lock().unwrap();
    let before = files(&directory);
    back_up(&world, &directory.join("c.backup")).await.unwrap();
    let left = files(&directory);
    let removed: Vec<_> = before.iter().filter(|file| !left.contains(file)).collect();
    assert!(removed.iter().all(|file| file.display().to_string().contains(gone)), "{removed:?}");
    assert_eq!((removed.len(), left.len()), (3, 7));
}
