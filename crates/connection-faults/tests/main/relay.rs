//! One process begins a setup, a second one answers it and a third one finishes it. Each is killed (SIGKILL) after its
//! part.

use std::{
    io::{BufRead as _, BufReader},
    process::{Child, Command, Stdio},
    time::Duration,
};

use connection_faults::{provider::Provider, test_database::TestDatabase, work::Order};

const KEY: &str = "ada/1";

struct Relay {
    _database: TestDatabase,
    provider: Provider,
    order: Order,
}

impl Relay {
    fn new(database: TestDatabase) -> Self {
        let provider = Provider::start().unwrap();
        let order = Order {
            store: database.address(),
            key: database.key(),
            provider: provider.origin().to_owned(),
            ledger: database.directory.path().join("ledger"),
            seed: 0,
            operations: 0,
        };
        Self { _database: database, provider, order }
    }

    /// Starts a process with its part, and returns its first line of output and the process.
    fn part(&self, words: &[&str]) -> (String, Killed) {
        let mut command = Command::new(env!("CARGO_BIN_EXE_connection-faults-worker"));
        command.args(self.order.arguments()).args(words).stdin(Stdio::null()).stdout(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        (line.trim().to_owned(), Killed(child))
    }
}

/// A process that is killed on drop at the latest.
struct Killed(Child);

impl Drop for Killed {
    fn drop(&mut self) {
        self.0.kill().unwrap_or_default();
        self.0.wait().map(drop).unwrap_or_default();
    }
}

async fn relay(database: TestDatabase) {
    let relay = Relay::new(database);
    let (id, first) = relay.part(&["begin"]);
    drop(first);
    // The second process is killed while it waits for the provider, which has received its request.
    relay.provider.fall_silent(true);
    let (answered, second) = relay.part(&["answer", &id, KEY]);
    assert_eq!(answered, "answered");
    while relay.provider.request_count(KEY) == 0 {
        tokio::task::spawn_blocking(|| std::thread::sleep(Duration::from_millis(5))).await.unwrap();
    }
    drop(second);
    relay.provider.fall_silent(false);
    let (outcome, _third) = relay.part(&["finish", &id, "the answer is stored"]);
    assert_eq!(outcome, "done ada");
    assert_eq!(relay.provider.request_count(KEY), 3, "by the second, by the third, and for the new connection");
    let registry = relay.order.open().await.unwrap();
    assert_eq!(registry.list_connections(connection_core::Filter::new()).await.unwrap().items.len(), 1);
    assert!(registry.setups().list().await.unwrap().is_empty());
}

#[tokio::test]
async fn a_setup_survives_the_death_of_each_process_that_did_a_part_on_sqlite() {
    relay(TestDatabase::in_file()).await;
}

#[tokio::test]
async fn a_setup_survives_the_death_of_each_process_that_did_a_part_on_postgres() {
    relay(TestDatabase::on_server().await).await;
}
