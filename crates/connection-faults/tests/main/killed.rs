//! Eight processes perform random operations on one database, on either engine, and are killed (SIGKILL) in the middle
//! of them. Nothing is lost or doubled, and processes that are started again finish. A test of the core shows that
//! undisturbed processes do not harm each other.

use std::{
    fs::File,
    io::Write as _,
    process::{Child, Command, Stdio},
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

use connection_faults::{
    ledger, provider::Provider, random::Random, rounds::rounds, test_database::TestDatabase, work::Order,
};

use crate::compare::{Done, events, stored};

const PROCESSES: u64 = 8;
/// The time within which all processes finish.
const PATIENCE: Duration = Duration::from_secs(480);

/// A run of eight processes. Its files are deleted with it.
struct Run {
    database: TestDatabase,
    _provider: Provider,
    orders: Vec<Order>,
    seed: u64,
}

impl Run {
    fn new(database: TestDatabase, operations: u64) -> Self {
        let provider = Provider::start().unwrap();
        let seed = match std::env::var("CONNECTIONS_TEST_SEED") {
            Ok(seed) => seed.parse().unwrap(),
            Err(_) => SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs(),
        };
        let order = |number| Order {
            store: database.address(),
            key: database.key(),
            provider: provider.origin().to_owned(),
            ledger: database.directory.path().join(format!("ledger-{number}")),
            seed: seed.wrapping_mul(1000) + number,
            operations,
        };
        let orders = (0..PROCESSES).map(order).collect();
        Self { database, _provider: provider, orders, seed }
    }

    fn start(&self, number: usize, order: &Order) -> Child {
        let said = File::options().create(true).append(true).open(self.said(number)).unwrap();
        let mut command = Command::new(env!("CARGO_BIN_EXE_connection-faults-worker"));
        command.args(order.arguments()).stdin(Stdio::null()).stdout(Stdio::null()).stderr(said).spawn().unwrap()
    }

    fn said(&self, number: usize) -> std::path::PathBuf {
        self.database.directory.path().join(format!("said-{number}"))
    }

    fn done(&self) -> Done {
        // A process that was killed before its first operation has no ledger.
        Done(self.orders.iter().flat_map(|order| ledger::read(&order.ledger).unwrap_or_default()).collect())
    }

    /// Returns the last operation and the error output of each process, to explain a failed run.
    fn last_words(&self) -> String {
        let each = self.orders.iter().enumerate().map(|(number, order)| {
            let last = ledger::read(&order.ledger).unwrap_or_default().pop();
            let said = std::fs::read_to_string(self.said(number)).unwrap_or_default();
            format!("process {number}: last {last:?}; said {said:?}\n")
        });
        each.collect()
    }

    /// Waits until every process has ended. A process that fails or hangs fails the test, which names its number.
    async fn to_the_end(&self, mut children: Vec<Child>) {
        let began = Instant::now();
        let mut hang = Vec::new();
        for (number, child) in children.iter_mut().enumerate() {
            loop {
                if let Some(status) = child.try_wait().unwrap() {
                    assert!(status.success(), "process {number} failed\n{}", self.last_words());
                    break;
                }
                if began.elapsed() > PATIENCE {
                    hang.push(number);
                    child.kill().unwrap();
                    child.wait().unwrap();
                    break;
                }
                tokio::task::spawn_blocking(|| std::thread::sleep(Duration::from_millis(5))).await.unwrap();
            }
        }
        assert!(hang.is_empty(), "{hang:?} did not come to an end\n{}", self.last_words());
    }

    /// Compares the database with the ledgers and checks that it is consistent.
    async fn compare(&self, what: &str) {
        let registry = self.orders.first().unwrap().open().await.unwrap();
        let done = self.done();
        let stored = stored(&registry).await;
        let made = done.compare(&stored);
        events(&registry, &done).await;
        for (id, info) in &stored {
            let connection = registry.connection(info.id).await.unwrap();
            connection.verify().await.unwrap_or_else(|error| panic!("{id}: {error}"));
        }
        let count = |verb: &str| done.0.iter().filter(|entry| entry.verb() == verb && entry.ok().is_some()).count();
        let refused = done.0.iter().filter(|entry| entry.ended.is_some() && entry.ok().is_none()).count();
        let line = format!(
            "{what}: {} operations, {made} connections made, {} left; {} verified, {} renamed, {} authorized again, \
             {} removed, {} rotations; {refused} refused\n",
            done.0.len(),
            stored.len(),
            count("verify"),
            count("rename"),
            count("reauthorize"),
            count("remove"),
            count("rotate"),
        );
        // Writing to `stderr` directly is not captured by the test harness, so the figures are always visible.
        std::io::stderr().write_all(line.as_bytes()).unwrap();
        for verb in ["add", "verify", "rename", "reauthorize", "remove"] {
            assert!(count(verb) > 0, "nobody has done {verb}");
        }
        registry.close().await;
    }
}

impl Drop for Run {
    fn drop(&mut self) {
        if std::thread::panicking() {
            let line = format!("CONNECTIONS_TEST_SEED={} makes the same operations\n", self.seed);
            std::io::stderr().write_all(line.as_bytes()).unwrap_or_default();
        }
    }
}

/// Returns the number of operations of each process after the last kill: `CONNECTIONS_TEST_OPERATIONS`, where that is
/// set.
fn operations() -> u64 {
    match std::env::var("CONNECTIONS_TEST_OPERATIONS") {
        Ok(operations) => operations.parse().unwrap(),
        Err(_) => rounds(25, 250),
    }
}

/// Kills each process several times and starts it again with the remaining operations.
async fn killed(database: TestDatabase) {
    const KILLS: u64 = 3;
    let run = Run::new(database, operations());
    let mut random = Random::new(run.seed);
    let mut killed = 0;
    for round in 0..KILLS {
        let started = run.orders.iter().enumerate().map(|(number, order)| {
            let seed = order.seed.wrapping_add((round + 1) * 1_000_000);
            run.start(number, &Order { seed, operations: u64::MAX, ..order.clone() })
        });
        let mut children: Vec<Child> = started.collect();
        let before = run.done().0.len();
        // The kills begin after some progress, wherever each process is by then.
        while run.done().0.len() < before + 40 {
            tokio::task::spawn_blocking(|| std::thread::sleep(Duration::from_millis(5))).await.unwrap();
        }
        while !children.is_empty() {
            let index = usize::try_from(random.below(children.len() as u64)).unwrap();
            let mut child = children.swap_remove(index);
            let pause = Duration::from_millis(random.below(60));
            tokio::task::spawn_blocking(move || std::thread::sleep(pause)).await.unwrap();
            assert!(child.try_wait().unwrap().is_none(), "one has ended by itself\n{}", run.last_words());
            child.kill().unwrap();
            child.wait().unwrap();
            killed += 1;
        }
    }
    let children = run.orders.iter().enumerate().map(|(number, order)| run.start(number, order)).collect();
    run.to_the_end(children).await;
    let engine = if run.database.postgres.is_some() { "PostgreSQL" } else { "SQLite" };
    run.compare(&format!("eight processes on {engine}, killed {killed} times")).await;
}

#[tokio::test]
async fn eight_processes_that_are_killed_leave_everything_whole_on_sqlite() {
    killed(TestDatabase::in_file()).await;
}

#[tokio::test]
async fn eight_processes_that_are_killed_leave_everything_whole_on_postgres() {
    killed(TestDatabase::on_server().await).await;
}
