//! A process that is killed between the commit of a change and its announcement: the grants that the change ended are
//! gone, nobody was told, and a later process finds the state after the change.

use std::{
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use connection_contract::AuthType;
use connection_core::{Connection, ConnectionRegistry, KeyFile};
use connection_faults::processes;

use crate::{
    extension_kit::{TWIN, Twin, needs, of, secret_name},
    sql,
    test_host::{World, answers, code, step},
};

/// Tells a process of this test what to open, what to do and where to write.
const WORKER: &str = "CONNECTIONS_TEST_CHANGE_WORKER";
const NAME: &str = "extension_killed::a_process_killed_before_the_announcement_leaves_the_grants_taken_back";

#[test]
fn a_process_killed_before_the_announcement_leaves_the_grants_taken_back() {
    processes::run(WORKER, async |order| work(&order).await, all);
}

async fn all() {
    let world = World::new().await;
    let registry = open(&world.address(), &world.key()).await;
    let connection = Twin::new().connected(&registry, "one", "x").await;
    let secrets = [secret_name("apiKey")];

    reauthorize(&connection, "two").await;
    registry.extensions().grant("a", connection.id(), &secrets).await.unwrap();
    assert_eq!(roll_back(&world, &connection, "whole"), Some("a credential grant".to_owned()), "the control");
    assert_eq!(revoked(&world).await, 1);

    registry.extensions().grant("a", connection.id(), &secrets).await.unwrap();
    assert_eq!(roll_back(&world, &connection, "killed"), None, "nobody was told");
    assert_eq!(revoked(&world).await, 2, "it is on record");
    let info = registry.connection(connection.id()).await.unwrap().info().clone();
    assert_eq!(info.identity.account_id.as_str(), "two", "the account of the second rollback");
    let grants = registry.extensions().grants().await.unwrap();
    assert!(grants.iter().all(|grant| grant.revoked_at.is_some()), "{grants:?}");
    let extension = of("a", needs(TWIN, AuthType::ApiKey, &["apiKey"]));
    let handle = registry.extensions().handle(extension).unwrap();
    assert!(!handle.resolve(handle.requirement()).await.unwrap().is_granted());
    registry.close().await;
}

async fn open(address: &str, key: &Path) -> ConnectionRegistry {
    ConnectionRegistry::builder().store(address).key(KeyFile::at(key)).kind(Twin::new()).open().await.unwrap()
}

async fn reauthorize(connection: &Connection, account: &str) {
    let session = connection.reauthorize().another_account().await.unwrap();
    let (no, _) = step(&session).await;
    session.advance(no, &answers(&[("apiKey", account), ("apiSecret", "x")])).await.unwrap();
    assert_eq!(code(&session.terminal().await.unwrap()), "done Live");
}

/// Rolls the connection back in another process, and returns what a listener of that process was told.
fn roll_back(world: &World, connection: &Connection, fate: &str) -> Option<String> {
    let place = world.directory.path().join(fate);
    let key = world.key().to_str().unwrap().to_owned();
    let order =
        [world.address(), key, connection.id().to_string(), place.to_str().unwrap().to_owned(), fate.to_owned()];
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args([NAME, "--exact", "--nocapture", "--test-threads=1"]).env(WORKER, order.join("\n"));
    let status = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).status().unwrap();
    assert_eq!(status.success(), fate == "whole");
    assert!(place.with_extension("begun").exists(), "the process came to the rollback");
    std::fs::read_to_string(place).ok()
}

/// Returns the number of grants whose end is on record.
async fn revoked(world: &World) -> i64 {
    let sql = "SELECT count(*) FROM connection_event WHERE kind = 'extension_revoked'";
    sql::number(&world.database(), sql).await.unwrap()
}

/// Rolls back with two listeners. The process ends in the first one, if it is to be killed, so that the second one is
/// not told.
async fn work(order: &str) {
    let [address, key, id, place, fate] = order.split('\n').collect::<Vec<_>>().try_into().unwrap();
    let registry = open(address, Path::new(key)).await;
    let connection = registry.connection(id.parse().unwrap()).await.unwrap();
    let is_killed = fate == "killed";
    let _kills = registry.events().on_extension_change(move |_| {
        if is_killed {
            std::process::abort();
        }
    });
    let path = PathBuf::from(place);
    std::fs::write(path.with_extension("begun"), "").unwrap();
    let _tells = registry.events().on_extension_change(move |change| {
        let parts: Vec<_> = change.parts.iter().map(|part| part.as_str()).collect();
        std::fs::write(&path, format!("{} {}", change.extension, parts.join(" "))).unwrap();
    });
    connection.rollback().await.unwrap();
    registry.close().await;
}
