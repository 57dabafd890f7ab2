//! The names of connections without the key of their database, as a shell reads them to complete a command.

use std::path::Path;

use connection_contract::Kind;
use connection_core::{StoreSource, connection_names};

use crate::{
    acme::Acme,
    fresh_database::Fresh,
    test_host::{World, connected},
};

/// Returns the names of the files in a directory.
fn files(directory: &Path) -> Vec<String> {
    let entries: Vec<_> = std::fs::read_dir(directory).map(|entries| entries.flatten().collect()).unwrap_or_default();
    let mut names: Vec<_> = entries.iter().map(|entry| entry.file_name().to_string_lossy().into_owned()).collect();
    names.sort_unstable();
    names
}

#[tokio::test]
async fn names_are_read_without_a_key_while_the_database_is_open_and_after_it_was_closed() {
    let world = World::new().await;
    let registry = world.acme().await;
    let connection = connected(&registry, "key-1").await;
    connection.rename("work").await.unwrap();
    let names = async |owner: &str| connection_names(StoreSource::from(world.address()), owner).await.unwrap();
    let expected = vec![(Kind::from_static("acme"), "work".to_owned())];
    assert_eq!(names("local").await, expected);
    assert_eq!(names("ada").await, []);
    registry.close().await;
    std::fs::remove_dir_all(world.directory.path().join("key")).ok();
    let before = files(world.directory.path());
    assert_eq!(names("local").await, expected);
    assert_eq!(files(world.directory.path()), before);
}

#[tokio::test]
async fn a_database_without_tables_has_no_names_and_gets_no_tables() {
    let world = World::new().await;
    let fresh = Fresh::new().await;
    let before = files(world.directory.path());
    connection_names(fresh.address(), "local").await.unwrap_err();
    assert_eq!(files(world.directory.path()), before);
    // The control: the address is one that a registry opens.
    let builder = world.builder().store(fresh.address()).kind(Acme::default());
    builder.open().await.unwrap().close().await;
    assert_eq!(connection_names(fresh.address(), "local").await.unwrap(), []);
}
