//! A database that cannot be opened is reported with its name and a remedy. It loses nothing, and opens as before
//! when it is repaired.

use std::{fs, path::Path};

use connection_contract::Liveness;
use connection_core::{ConnectionId, OpenError, StoreError};

use crate::{
    acme::Acme,
    sql,
    test_host::{World, connected},
};

/// Returns a test host with a stored connection.
async fn with_a_connection() -> (World, ConnectionId) {
    let world = World::new().await;
    let registry = world.acme().await;
    let id = connected(&registry, "key-1").await.id();
    registry.close().await;
    (world, id)
}

/// Checks that opening fails with the name of the database and a remedy that contains `way_out`, and that nothing
/// is sent.
async fn refused(world: &World, way_out: &str) -> OpenError {
    let requests = world.server.requests().len();
    let error = world.builder().kind(Acme::default()).open().await.unwrap_err();
    let said = error.to_string();
    let remedy = error.remedy().unwrap_or_default();
    assert!(said.contains(world.file().to_str().unwrap()), "{said}");
    assert!(remedy.contains(way_out), "{said}: {remedy}");
    assert!(!said.contains('\n'), "{said}");
    assert_eq!(world.server.requests().len(), requests);
    error
}

/// Checks that the database opens and the connection works.
async fn whole(world: &World, id: ConnectionId) {
    let registry = world.acme().await;
    let info = registry.connection(id).await.unwrap().verify().await.unwrap();
    assert_eq!(info.liveness, Liveness::Live);
    registry.close().await;
}

/// R-INSEAM-049
#[tokio::test]
async fn a_database_that_only_newer_programs_may_write_is_left_alone() {
    let (world, id) = with_a_connection().await;
    let sql = "INSERT INTO connection_migrations (version, description, success, checksum, execution_time) \
               VALUES (99, 'later', 1, X'00', 0)";
    sql::run(&world.database(), sql).await;
    // A newer program has added to the tables, and this one may still write.
    whole(&world, id).await;
    sql::run(&world.database(), "UPDATE connection_part SET oldest = 2").await;
    let error = refused(&world, "newer version").await;
    assert!(matches!(error, OpenError::Store(StoreError::ProgramTooOld { .. })), "{error:?}");
    assert_eq!(error.code(), "program_too_old");
    sql::run(&world.database(), "UPDATE connection_part SET oldest = 1").await;
    whole(&world, id).await;
}

#[tokio::test]
async fn a_migration_that_is_not_this_programs_or_was_cut_off_is_named() {
    let (world, id) = with_a_connection().await;
    let database = world.database();
    let sum = sql::blob(&database, "SELECT checksum FROM connection_migrations WHERE version = 1").await;
    let edits = ["checksum = X'00'".to_owned(), format!("checksum = {}, success = 0", sql::literal(&sum))];
    for edit in edits {
        sql::run(&database, format!("UPDATE connection_migrations SET {edit} WHERE version = 1")).await;
        let error = refused(&world, "restore it from a backup").await;
        assert!(matches!(error, OpenError::Store(StoreError::Changed { version: 1, .. })), "{error:?}");
    }
    sql::run(&database, "UPDATE connection_migrations SET success = 1 WHERE version = 1").await;
    whole(&world, id).await;
}

#[tokio::test]
async fn what_is_no_database_is_not_written_over() {
    let (world, id) = with_a_connection().await;
    let database = world.file();
    let aside = world.directory.path().join("aside.db");
    fs::rename(&database, &aside).unwrap();
    let letter = "Dear Ada,\n".repeat(500);
    fs::write(&database, &letter).unwrap();
    private(&database);
    let error = refused(&world, "another file").await;
    assert!(matches!(error, OpenError::Store(StoreError::NotADatabase { .. })), "{error:?}");
    assert_eq!(fs::read_to_string(&database).unwrap(), letter);

    fs::remove_file(&database).unwrap();
    fs::create_dir(&database).unwrap();
    let error = refused(&world, "is a file").await;
    assert!(matches!(error, OpenError::Store(StoreError::Unavailable { .. })), "{error:?}");

    fs::remove_dir(&database).unwrap();
    fs::rename(&aside, &database).unwrap();
    whole(&world, id).await;
}

/// Makes a file private: one that others can read is rejected before it is examined.
fn private(path: &Path) {
    #[cfg(unix)]
    fs::set_permissions(path, std::os::unix::fs::PermissionsExt::from_mode(0o600)).unwrap();
}

#[tokio::test]
async fn a_damaged_database_is_told_from_one_that_is_none() {
    let (world, id) = with_a_connection().await;
    let database = world.file();
    let good = fs::read(&database).unwrap();
    let mut bad = good.clone();
    // Page 1 contains the schema: its header stays, and noise follows.
    bad[100..4096].fill(0xa5);
    fs::write(&database, bad).unwrap();
    let error = refused(&world, "backup").await;
    assert!(matches!(error, OpenError::Store(StoreError::Corrupt { .. })), "{error:?}");
    fs::write(&database, good).unwrap();
    whole(&world, id).await;
}

#[tokio::test]
async fn a_file_where_the_directory_should_be_is_named() {
    let world = World::new().await;
    fs::write(world.directory.path().join("store"), "not a directory").unwrap();
    refused(&world, "in a directory").await;
    fs::remove_file(world.directory.path().join("store")).unwrap();
    connected(&world.acme().await, "key-1").await;
}

#[cfg(unix)]
#[tokio::test]
async fn directories_that_are_not_there_are_made_for_their_owner_alone() {
    use std::os::unix::fs::PermissionsExt as _;
    let world = World::new().await;
    let deep = world.directory.path().join("a/b/c/connections.db");
    let registry = world.builder().store(deep.to_str().unwrap()).open().await.unwrap();
    for directory in deep.ancestors().skip(1).take(3) {
        assert_eq!(fs::metadata(directory).unwrap().permissions().mode() & 0o777, 0o700, "{}", directory.display());
    }
    assert_eq!(fs::metadata(&deep).unwrap().permissions().mode() & 0o777, 0o600);
    registry.close().await;
}

/// On a thread without root's right to write everything; the threads that it starts do not have it either.
#[cfg(target_os = "linux")]
#[test]
fn a_database_that_may_only_be_read_is_named_and_left_as_it_is() {
    let thread = std::thread::spawn(|| {
        plain_user();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(read_only());
    });
    thread.join().unwrap();
}

#[cfg(target_os = "linux")]
fn plain_user() {
    use rustix::thread::{CapabilitySet, capabilities, set_capabilities};
    let mut own = capabilities(None).unwrap();
    own.effective.remove(CapabilitySet::DAC_OVERRIDE | CapabilitySet::DAC_READ_SEARCH);
    own.permitted.remove(CapabilitySet::DAC_OVERRIDE | CapabilitySet::DAC_READ_SEARCH);
    own.inheritable.remove(CapabilitySet::DAC_OVERRIDE | CapabilitySet::DAC_READ_SEARCH);
    set_capabilities(None, own).unwrap();
}

#[cfg(target_os = "linux")]
async fn read_only() {
    use std::os::unix::fs::PermissionsExt as _;
    let mode = |path: &Path, mode| fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
    let (world, id) = with_a_connection().await;
    let database = world.file();
    let store = world.directory.path().join("store");
    let before = fs::read(&database).unwrap();
    mode(&database, 0o400);
    let error = refused(&world, "writable for the user who runs this").await;
    assert!(matches!(error, OpenError::Store(StoreError::ReadOnly { .. })), "{error:?}");
    mode(&database, 0o600);
    mode(&store, 0o500);
    let error = refused(&world, "writable for the user who runs this").await;
    assert!(matches!(error, OpenError::Store(StoreError::ReadOnly { .. })), "{error:?}");
    assert_eq!(fs::read(&database).unwrap(), before);
    mode(&store, 0o700);
    whole(&world, id).await;
}
