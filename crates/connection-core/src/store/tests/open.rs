//! A database is created private, once, and opened only by a program that knows its version.

use std::{fs, path::Path};

use sqlx::{ConnectOptions as _, Connection as _, SqliteConnection, sqlite::SqliteConnectOptions};

use connection_seal::platform::NotPrivate;

use super::{Database, add, labels};
use crate::store::{
    Program, Store, StoreError, StoreSource, Tx,
    engine::{Reader, execute, optional},
    migrate, postgres,
    sqlite::migrator,
};

/// R-INSEAM-044
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn eight_first_starts_at_once_all_succeed() {
    let database = Database::new();
    let url = database.url();
    let tasks: Vec<_> = (0..8)
        .map(|_| {
            let url = url.clone();
            tokio::runtime::Handle::current().spawn(async move { Store::open(url.into()).await })
        })
        .collect();
    for task in tasks {
        assert!(task.await.unwrap().unwrap().health().await);
    }
}

/// R-INSEAM-044
#[tokio::test]
async fn migrations_ascend_and_are_applied_once() {
    let versions: Vec<_> = migrator(Program::CURRENT).iter().map(|migration| migration.version).collect();
    assert!(versions.is_sorted_by(|a, b| a < b));
    let database = Database::new();
    let store = database.open().await;
    add(&store, &database.account("a")).await.unwrap();
    store.close().await;
    let store = database.open().await;
    assert_eq!(labels(&store).await, ["a"]);
    let mut reader = store.reader().await.unwrap();
    let applied = optional!(reader, (i64,), "SELECT count(*) FROM connection_migrations").unwrap();
    assert_eq!(applied, Some((versions.len() as i64,)));
}

#[test]
fn the_migrations_are_the_files_of_their_folders() {
    for (engine, migrator) in
        [("sqlite", migrator(Program::CURRENT)), ("postgres", postgres::migrator(Program::CURRENT))]
    {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("migrations").join(engine);
        let mut files: Vec<_> = fs::read_dir(folder).unwrap().map(|file| file.unwrap().path()).collect();
        files.sort();
        let (found, expected): (Vec<_>, Vec<_>) = migrator
            .iter()
            .zip(&files)
            .map(|(found, file)| {
                let name = format!("{:04}_{}", found.version, found.description.replace(' ', "_"));
                let expected = file.file_stem().unwrap().to_str().unwrap().to_owned();
                ((name, found.sql.as_str().to_owned()), (expected, fs::read_to_string(file).unwrap()))
            })
            .unzip();
        assert_eq!((migrator.iter().count(), found), (files.len(), expected));
    }
}

/// A store in which no upgrade was finished admits the programs of all versions.
#[test]
fn a_later_migration_removes_nothing_that_a_program_names() {
    for migrator in [migrator(Program::CURRENT), postgres::migrator(Program::CURRENT)] {
        for migration in migrator.iter().skip(1) {
            let statements = migration.sql.as_str().lines().filter(|line| !line.trim_start().starts_with("--"));
            let text = statements.collect::<Vec<_>>().join(" ").to_uppercase();
            for removes in ["DROP TABLE", "DROP COLUMN", "DROP TRIGGER", "RENAME", "ALTER COLUMN", "DROP CONSTRAINT"] {
                assert!(!text.contains(removes), "{} has `{removes}`", migration.description);
            }
        }
    }
}

#[tokio::test]
async fn a_later_program_brings_the_tables_up_to_date_as_a_whole_and_once() {
    let database = Database::new();
    let store = database.open().await;
    add(&store, &database.account("a")).await.unwrap();
    store.close().await;
    let options = SqliteConnectOptions::new().filename(database.path());
    let mut connection: SqliteConnection = options.connect().await.unwrap();
    let first = ("0001_store", include_str!("../../../migrations/sqlite/0001_store.sql"));
    let second = ("0002_provider_words", include_str!("../../../migrations/sqlite/0002_provider_words.sql"));
    let third = ("0003_presence", include_str!("../../../migrations/sqlite/0003_presence.sql"));
    let fourth = ("0004_moves", include_str!("../../../migrations/sqlite/0004_moves.sql"));
    let fifth = ("0005_part", include_str!("../../../migrations/sqlite/0005_part.sql"));
    let sixth = ("0006_signs", include_str!("../../../migrations/sqlite/0006_signs.sql"));
    let seventh = ("0007_refused_by", include_str!("../../../migrations/sqlite/0007_refused_by.sql"));
    let eighth = ("0008_waiting", include_str!("../../../migrations/sqlite/0008_waiting.sql"));
    let ninth = ("0009_outbox_order", include_str!("../../../migrations/sqlite/0009_outbox_order.sql"));
    let tenth = ("0010_presence_program", include_str!("../../../migrations/sqlite/0010_presence_program.sql"));
    let later = ("9001_later", "CREATE TABLE connection_later (number INTEGER)");
    let fails = ("9002_fails", "INSERT INTO connection_missing VALUES (1)");
    let counts = ("9002_counts", "INSERT INTO connection_later SELECT count(*) FROM connection_account");
    for (last, works) in [(fails, false), (counts, true), (counts, true)] {
        let mut transaction = connection.begin_with("BEGIN IMMEDIATE").await.unwrap();
        let files = [first, second, third, fourth, fifth, sixth, seventh, eighth, ninth, tenth, later, last];
        let migrator = migrate::configured(&files, &[]);
        let brought = migrate::run(&migrator, &mut *transaction, "x.db").await;
        assert_eq!(brought.is_ok(), works, "{brought:?}");
        if works {
            transaction.commit().await.unwrap();
        } else {
            transaction.rollback().await.unwrap();
        }
        let tables = "SELECT count(*) FROM sqlite_schema WHERE name = 'connection_later'";
        let (tables,): (i64,) = sqlx::query_as(tables).fetch_one(&mut connection).await.unwrap();
        assert_eq!(tables, i64::from(works));
    }
    let rows: Vec<(i64,)> =
        sqlx::query_as("SELECT number FROM connection_later").fetch_all(&mut connection).await.unwrap();
    assert_eq!(rows, [(1,)]);
}

#[tokio::test]
async fn a_database_of_a_later_program_is_refused_when_only_later_ones_may_write() {
    let database = Database::new();
    edit(
        &database,
        "INSERT INTO connection_migrations (version, description, success, checksum, execution_time) \
                     VALUES (9000, 'later', 1, x'00', 0)",
    )
    .await;
    let store = Store::open(database.url().into()).await.unwrap();
    add(&store, &database.account("a")).await.unwrap();
    store.close().await;
    edit(&database, "UPDATE connection_part SET oldest = 2 WHERE name = 'core'").await;
    let error = Store::open(database.url().into()).await.unwrap_err();
    assert_eq!(error, StoreError::ProgramTooOld { place: database.path().display().to_string() });
    assert_eq!(error.remedy().unwrap(), "install the newer version of this program, and start it");
}

#[tokio::test]
async fn a_migration_that_is_not_the_applied_one_is_refused() {
    let database = Database::new();
    edit(&database, "UPDATE connection_migrations SET checksum = x'00' WHERE version = 1").await;
    let error = Store::open(database.url().into()).await.unwrap_err();
    assert!(matches!(error, StoreError::Changed { version: 1, .. }), "{error:?}");
}

#[tokio::test]
async fn a_file_that_is_no_database_is_refused_and_kept() {
    let database = Database::new();
    fs::create_dir(database.path().parent().unwrap()).unwrap();
    let text = "a letter to a friend, long enough to be no header of a database\n".repeat(20);
    fs::write(database.path(), &text).unwrap();
    #[cfg(unix)]
    mode(&database.path(), 0o600);
    let error = Store::open(database.url().into()).await.unwrap_err();
    assert_eq!(error, StoreError::NotADatabase { place: database.path().display().to_string() });
    assert_eq!(fs::read_to_string(database.path()).unwrap(), text);
}

/// Nobody, root included, can create files there.
#[cfg(target_os = "linux")]
#[tokio::test]
async fn a_directory_that_cannot_be_written_is_named() {
    let error = Store::open("/sys/kernel/connections.db".into()).await.unwrap_err();
    assert_eq!(error, StoreError::ReadOnly { place: "/sys/kernel/connections.db".into() });
    assert!(error.remedy().unwrap().contains("writable"));
}

#[cfg(unix)]
#[tokio::test]
async fn a_database_that_cannot_be_written_is_named() {
    use std::os::unix::fs::PermissionsExt as _;
    let database = Database::new();
    database.open().await.close().await;
    fs::set_permissions(database.path(), fs::Permissions::from_mode(0o400)).unwrap();
    // Root can write the file anyway, so the test expects what the system itself does.
    let writable = fs::OpenOptions::new().append(true).open(database.path()).is_ok();
    match Store::open(database.url().into()).await {
        Ok(_) => assert!(writable),
        Err(error) => assert!(!writable && matches!(error, StoreError::ReadOnly { .. }), "{error:?}"),
    }
}

/// No connection that writes is opened for it, which would wait for the other process.
#[tokio::test]
async fn a_current_file_is_opened_and_read_while_another_process_writes() {
    let database = Database::new();
    let store = database.open().await;
    add(&store, &database.account("a")).await.unwrap();
    store.close().await;
    let mut other = SqliteConnectOptions::new().filename(database.path()).connect().await.unwrap();
    sqlx::query("BEGIN IMMEDIATE").execute(&mut other).await.unwrap();
    let store = database.open().await;
    assert_eq!(labels(&store).await, ["a"]);
    sqlx::query("ROLLBACK").execute(&mut other).await.unwrap();
    add(&store, &database.account("b")).await.unwrap();
    assert_eq!(labels(&store).await, ["a", "b"]);
}

/// Somebody copied the database without its log.
#[tokio::test]
async fn a_file_without_a_log_gets_one_when_it_is_opened() {
    let database = Database::new();
    database.open().await.close().await;
    let mut other = SqliteConnectOptions::new().filename(database.path()).connect().await.unwrap();
    sqlx::query("PRAGMA journal_mode = DELETE").execute(&mut other).await.unwrap();
    other.close().await.unwrap();
    let store = database.open().await;
    let mut other = SqliteConnectOptions::new().filename(database.path()).connect().await.unwrap();
    let (mode,): (String,) = sqlx::query_as("PRAGMA journal_mode").fetch_one(&mut other).await.unwrap();
    assert_eq!(mode, "wal");
    store.close().await;
}

#[tokio::test]
async fn readers_cannot_write() {
    let database = Database::new();
    let store = database.open().await;
    let mut reader: Reader = store.reader().await.unwrap();
    let error = execute!(reader, "DELETE FROM connection_account").unwrap_err();
    assert_eq!(error, StoreError::ReadOnly { place: store.place().to_owned() });
}

/// R-INSEAM-048
#[tokio::test]
async fn the_file_has_a_log_foreign_keys_and_patience() {
    let database = Database::new();
    let store = database.open().await;
    let settings = store
        .write(|tx: &mut Tx| {
            Box::pin(async move {
                let mode = optional!(tx, (String,), "PRAGMA journal_mode")?.unwrap().0;
                let keys = optional!(tx, (i64,), "PRAGMA foreign_keys")?.unwrap().0;
                let patience = optional!(tx, (i64,), "PRAGMA busy_timeout")?.unwrap().0;
                Ok((mode, keys, patience))
            })
        })
        .await;
    assert_eq!(settings, Ok(("wal".into(), 1, 10_000)));
}

#[cfg(unix)]
#[tokio::test]
async fn the_directory_and_every_file_in_it_are_private() {
    use std::os::unix::fs::PermissionsExt as _;
    let database = Database::new();
    let store = database.open().await;
    add(&store, &database.account("a")).await.unwrap();
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    let directory = database.path().parent().unwrap().to_owned();
    assert_eq!(mode(&directory), 0o700);
    let files: Vec<_> = fs::read_dir(&directory).unwrap().map(|entry| entry.unwrap().path()).collect();
    assert_eq!(files.len(), 4, "database, log, index and lock: {files:?}");
    for file in files {
        assert_eq!(mode(&file), 0o600, "{}", file.display());
    }
}

#[cfg(unix)]
fn mode(path: &Path, mode: u32) {
    use std::os::unix::fs::PermissionsExt as _;
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
}

#[cfg(unix)]
#[tokio::test]
async fn a_database_that_others_can_read_or_change_is_refused_with_the_command_that_mends_it() {
    let database = Database::new();
    // Open, so that the log and its index exist.
    let store = database.open().await;
    add(&store, &database.account("a")).await.unwrap();
    for suffix in ["", "-wal", "-shm"] {
        let file = format!("{}{suffix}", database.path().display());
        for bits in [0o604, 0o644, 0o660, 0o666] {
            mode(Path::new(&file), bits);
            let error = Store::open(database.url().into()).await.unwrap_err();
            let exposed = NotPrivate::Permissions { path: file.clone().into(), mode: bits };
            assert_eq!(error, StoreError::Exposed(exposed), "{bits:o}");
            assert_eq!(error.remedy().unwrap(), format!("chmod 600 {file}"));
        }
        mode(Path::new(&file), 0o600);
    }
    let path = database.path();
    let directory = path.parent().unwrap();
    mode(directory, 0o703);
    let error = Store::open(database.url().into()).await.unwrap_err();
    assert_eq!(error.remedy().unwrap(), format!("chmod go-w {}", directory.display()));
    // Other users may see that there are files in the directory, or keep their own files beside them.
    for fine in [0o755, 0o1777] {
        mode(directory, fine);
        Store::open(database.url().into()).await.unwrap().close().await;
    }
    assert_eq!(labels(&store).await, ["a"]);
    store.close().await;
}

/// A process loses all its locks on a file when it closes one handle to it.
#[cfg(target_os = "linux")]
#[tokio::test]
async fn opening_a_database_again_leaves_the_locks_of_the_first_one() {
    use std::os::unix::fs::MetadataExt as _;
    let database = Database::new();
    let store = database.open().await;
    add(&store, &database.account("a")).await.unwrap();
    let inode = format!(":{} ", fs::metadata(database.path()).unwrap().ino());
    // Other processes have locks, too, so only those of this very file count. The list is read in parts, and misses a
    // line if it changes in between, so it is read again before the lock counts as lost.
    let listed = || fs::read_to_string("/proc/locks").unwrap().lines().any(|line| line.contains(&inode));
    let locked = || (0..50).any(|_| listed());
    assert!(locked(), "the control: a database with a log is locked for as long as it is open");
    let again = Store::open(database.url().into()).await.unwrap();
    assert!(locked());
    again.close().await;
    assert!(locked());
    store.close().await;
}

#[tokio::test]
async fn a_path_is_an_address_in_three_spellings() {
    let database = Database::new();
    let path = database.path().display().to_string();
    for url in [format!("sqlite://{path}"), format!("sqlite:{path}"), path.clone()] {
        let store = Store::open(url.into()).await.unwrap();
        assert_eq!(store.place(), path);
        store.close().await;
    }
}

#[tokio::test]
async fn an_address_that_keeps_nothing_is_refused_and_not_repeated() {
    for url in
        ["sqlite::memory:", "sqlite://:memory:", ":memory:", "", "sqlite://", "file:x.db", "sqlite://x.db?mode=ro"]
    {
        let error = Store::open(url.into()).await.unwrap_err();
        assert!(matches!(error, StoreError::InvalidAddress { .. }), "{url}: {error:?}");
    }
    let words = "host=db user=ada password=hunter2";
    for source in [StoreSource::from(words), StoreSource::from("postgres://ada@127.0.0.1:1/x").direct(words)] {
        let error = Store::open(source).await.unwrap_err();
        assert!(error.to_string().contains("postgres://USER@HOST:PORT/DATABASE"), "{error}");
        assert!(!format!("{error} {error:?}").contains("hunter2"));
    }
    let error = Store::open("mysql://ada:hunter2@db/connections".into()).await.unwrap_err();
    assert_eq!(error, StoreError::UnsupportedEngine { engine: "mysql".into() });
    assert!(!format!("{error} {error:?}").contains("hunter2"));
}

/// Creates the tables, then changes them with a direct connection.
async fn edit(database: &Database, sql: &'static str) {
    database.open().await.close().await;
    let options = SqliteConnectOptions::new().filename(database.path());
    let mut connection: SqliteConnection = options.connect().await.unwrap();
    sqlx::query(sql).execute(&mut connection).await.unwrap();
    connection.close().await.unwrap();
}

#[tokio::test]
async fn an_address_with_several_servers_is_refused_for_that_reason() {
    for url in [
        "postgres://ada:hunter2@one,two/connections",
        "postgres://ada@one:5432,two:5432/connections?target_session_attrs=read-write",
        "postgres:///connections?host=one,two",
    ] {
        let error = Store::open(url.into()).await.unwrap_err();
        assert!(error.to_string().contains("names several servers"), "{url}: {error}");
        assert!(!format!("{error} {error:?}").contains("hunter2"));
    }
}
