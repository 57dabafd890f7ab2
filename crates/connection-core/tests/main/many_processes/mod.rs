//! Eight processes work at random on one database. At the end, the database holds what their ledgers say: nothing is
//! lost and nothing is there twice.

mod compare;
mod ledger;
mod worker;

use std::{
    io::Write as _,
    path::Path,
    process::{Child, Command, Stdio},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
    time::{Duration, Instant},
};

use connection_contract::Liveness;
use connection_core::Filter;
use connection_faults::{random::Random, rounds::rounds};

use crate::{
    acme::Acme,
    test_host::{World, me},
    test_server::Reply,
};
use ledger::Entry;

const PROCESSES: u64 = 8;
/// A process that takes longer than this hangs.
const PATIENCE: Duration = Duration::from_secs(600);
/// Tells a process of this test its number; the directory with its parameters.
const WORKER: &str = "CONNECTIONS_TEST_WORKER";
const NAME: &str = "many_processes::eight_processes_lose_nothing_and_double_nothing";

#[test]
fn eight_processes_lose_nothing_and_double_nothing() {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    match worker() {
        Some(order) => runtime.block_on(worker::work(&order)),
        None => runtime.block_on(all()),
    }
}

/// Returns the number of operations of each process.
fn operations() -> u64 {
    rounds(80, 500)
}

#[expect(clippy::disallowed_methods, reason = "a process of this test is told so by its environment")]
fn worker() -> Option<String> {
    std::env::var(WORKER).ok()
}

#[expect(clippy::disallowed_methods, reason = "a process that hangs is told from one that works")]
async fn all() {
    let world = World::new().await;
    // The provider refuses and rotates at random until it is set to normal.
    let mood = Arc::new(AtomicU64::new(1));
    world.provider({
        let mood = mood.clone();
        move |request| provider(request, &mood)
    });
    world.acme().await.close().await;
    let seed = u64::from(std::process::id());
    let mut children: Vec<_> = (0..PROCESSES).map(|number| start(&world, seed, number)).collect();
    let began = Instant::now();
    while children.iter_mut().any(|child| child.try_wait().unwrap().is_none()) {
        if began.elapsed() > PATIENCE {
            children.iter_mut().for_each(|child| drop(child.kill()));
            panic!("SEED {seed}: not all processes came to an end in {PATIENCE:?}");
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    for (number, child) in children.iter_mut().enumerate() {
        assert!(child.wait().unwrap().success(), "SEED {seed}: process {number} failed; what it says is above");
    }
    let directory = world.directory.path();
    let ledgers: Vec<Vec<Entry>> = (0..PROCESSES).map(|number| ledger::read(&place(directory, number))).collect();
    compare::check(&world, &ledgers, seed).await;
    say(&ledgers);
    // Whatever happened, each remaining connection works, under one key.
    mood.store(0, Relaxed);
    let registry = world.builder().kind(Acme::default()).open().await.unwrap();
    let rotated = registry.keys().rotate().await.unwrap();
    assert_eq!((rotated.remaining, rotated.unreadable), (0, 0), "SEED {seed}");
    let left = registry.list_connections(Filter::new()).await.unwrap().items;
    for info in left {
        let found = registry.connection(info.id).await.unwrap().verify().await.unwrap();
        assert_eq!(found.liveness, Liveness::Live, "SEED {seed}: {:?}", found.reason);
    }
    registry.close().await;
}

/// Printed past the capture of the test harness, because the numbers show what was tested.
fn say(ledgers: &[Vec<Entry>]) {
    let count = |is: fn(&Entry) -> bool| ledgers.iter().flatten().filter(|entry| is(entry)).count();
    let summary = format!(
        "{PROCESSES} processes, {} things each: {} added, {} verified, {} renamed, {} removed, {} refused\n",
        operations(),
        count(|entry| matches!(entry, Entry::Added { .. })),
        count(|entry| matches!(entry, Entry::Verified { .. })),
        count(|entry| matches!(entry, Entry::Renamed { .. })),
        count(|entry| matches!(entry, Entry::Removed { .. })),
        count(|entry| matches!(entry, Entry::Refused { .. })),
    );
    std::io::stderr().write_all(summary.as_bytes()).unwrap();
}

/// Starts a process of this test.
fn start(world: &World, seed: u64, number: u64) -> Child {
    let key = world.key();
    let order = [
        world.address(),
        key.to_str().unwrap().to_owned(),
        world.server.origin(),
        place(world.directory.path(), number),
        number.to_string(),
        seed.to_string(),
    ];
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args([NAME, "--exact", "--nocapture", "--test-threads=1"]).env(WORKER, order.join("\n"));
    command.stdin(Stdio::null()).stdout(Stdio::null()).spawn().unwrap()
}

/// Returns the path of a process's ledger.
fn place(directory: &Path, number: u64) -> String {
    directory.join(format!("ledger-{number}")).to_str().unwrap().to_owned()
}

/// A key is `ACCOUNT.NUMBER`. A new one has the next number, and all keys of an account work for ever.
fn provider(request: &str, mood: &AtomicU64) -> Reply {
    let key = request.split_once("Bearer ").and_then(|(_, rest)| rest.split_whitespace().next()).unwrap_or_default();
    let (account, number) = key.rsplit_once('.').unwrap_or((key, "0"));
    let drawn = match mood.load(Relaxed) {
        0 => 0,
        state => {
            let mut random = Random::new(state);
            mood.store(state + 1, Relaxed);
            random.below(10)
        }
    };
    match drawn {
        8 => Reply::whole(401, "", "{}"),
        9 => Reply::whole(503, "", "{}"),
        7 => {
            let next = number.parse::<u64>().unwrap_or(0) + 1;
            Reply::ok(&format!(r#"{{"id":"{account}","name":"{account}","rotate":"{account}.{next}"}}"#))
        }
        _ => me(account, account),
    }
}
