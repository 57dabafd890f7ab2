//! Many first starts at once, in one process and in eight: each succeeds, and they agree on tables and keys.

use std::{
    io::{BufRead as _, BufReader, Write as _},
    process::{Command, Stdio},
    sync::Arc,
};

use connection_core::{ConnectionRegistry, Filter, KeyFile, StoreSource};

use crate::{
    acme::Acme,
    fresh_database::Fresh,
    test_host::{World, connected},
};

/// Larger numbers were run by hand. These find faults, and each round costs a second.
const ROUNDS: usize = 6;
const STARTS: usize = 8;
/// Names the database in a process of this test.
const ADDRESS: &str = "CONNECTIONS_TEST_FIRST_START";
const KEY: &str = "CONNECTIONS_TEST_FIRST_START_KEY";
const READY: &str = "ready to start";
const STARTED: &str = "started and healthy";

async fn open(source: StoreSource, key: KeyFile) -> ConnectionRegistry {
    let builder = ConnectionRegistry::builder().store(source).key(key);
    builder.kind(Acme::default()).open().await.unwrap()
}

/// A row that one registry wrote is read by all: they have the same keys.
async fn agree(world: &World, fresh: &Fresh, registries: &[ConnectionRegistry]) {
    let builder = ConnectionRegistry::builder().store(fresh.address()).key(KeyFile::at(world.key()));
    let first = builder.http(world.policy()).kind(Acme::default()).open().await.unwrap();
    let made = connected(&first, "key-1").await;
    for registry in registries {
        let connection = registry.connection(made.id()).await.unwrap();
        let token = connection.with_access_token(async |token| token.duplicate()).await.unwrap();
        assert_eq!(token.expose_str(), Some("key-1"));
    }
}

/// R-INSEAM-044
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn eight_first_starts_at_once_agree_whether_by_address_or_by_a_lent_pool() {
    let world = World::new().await;
    for round in 0..ROUNDS {
        let fresh = Arc::new(Fresh::new().await);
        std::fs::remove_dir_all(world.directory.path().join("key")).ok();
        let pool = fresh.pool(2).await;
        let starts: Vec<_> = (0..STARTS)
            .map(|n| {
                // By address, with a pool of the host, and both at the same time.
                let is_lent = match round % 3 {
                    0 => false,
                    1 => true,
                    _ => n % 2 == 0,
                };
                let source = if is_lent { pool.lend() } else { fresh.address().into() };
                tokio::runtime::Handle::current().spawn(open(source, KeyFile::at(world.key())))
            })
            .collect();
        let mut registries = Vec::new();
        for start in starts {
            registries.push(start.await.unwrap());
        }
        agree(&world, &fresh, &registries).await;
        for registry in registries {
            registry.close().await;
        }
    }
}

/// R-INSEAM-044
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn eight_processes_at_once_agree() {
    if let (Some(address), Some(key)) = (variable(ADDRESS), variable(KEY)) {
        return start(address, key).await;
    }
    let world = World::new().await;
    let fresh = Fresh::new().await;
    let name = "first_starts::eight_processes_at_once_agree";
    let mut processes: Vec<_> = (0..STARTS)
        .map(|_| {
            let mut process = Command::new(std::env::current_exe().unwrap())
                .args([name, "--exact", "--nocapture", "--test-threads=1"])
                .env(ADDRESS, fresh.address())
                .env(KEY, world.key())
                .stdin(Stdio::piped())
                .stdout(Stdio::piped())
                .spawn()
                .unwrap();
            let output = BufReader::new(process.stdout.take().unwrap());
            (process, output.lines())
        })
        .collect();
    for (_, lines) in &mut processes {
        assert!(lines.any(|line| line.unwrap().contains(READY)), "a process did not come so far");
    }
    for (process, _) in &mut processes {
        process.stdin.take().unwrap().write_all(b"go\n").unwrap();
    }
    for (process, lines) in &mut processes {
        let rest: Vec<_> = lines.map(|line| line.unwrap()).collect();
        assert!(process.wait().unwrap().success() && rest.iter().any(|line| line.contains(STARTED)), "{rest:#?}");
    }
    let registry = open(fresh.address().into(), KeyFile::at(world.key())).await;
    agree(&world, &fresh, &[registry]).await;
}

#[expect(clippy::print_stdout, reason = "the parent waits for it")]
async fn start(address: String, key: String) {
    println!("\n{READY}");
    std::io::stdin().read_line(&mut String::new()).unwrap();
    let registry = open(address.into(), KeyFile::at(key)).await;
    assert!(registry.store().health().await);
    assert!(registry.list_connections(Filter::new()).await.unwrap().items.is_empty());
    registry.close().await;
    println!("\n{STARTED}");
}

#[expect(clippy::disallowed_methods, reason = "a process of this test is told so by its environment")]
fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok()
}
