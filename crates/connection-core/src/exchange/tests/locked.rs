//! Tests with a commit that hangs: its answer is on the disk before the commit ends.
#![expect(clippy::disallowed_methods, reason = "a test that is its own child is told so by its environment")]

use std::{
    process::Command,
    sync::{Arc, Mutex, OnceLock},
    time::Duration,
};

use connection_contract::{
    Clock as _, HttpError,
    RefreshSemantics::{self, Grace, Stable, Strict},
};
use connection_faults::{postgres, server::Reply, state_files, write_lock::HeldLock};
use tokio::task::JoinSet;

use super::{World, connection, refresh, row, spend, spends, stopped, text_of, until_stopped};
use crate::{ConnectionId, ConnectionRegistry, HttpPolicy, KeyFile, exchange::rescue::COMMIT_PATIENCE};

const ANSWER: &str = "fresh";

/// A database that accepts no writes after the provider was asked.
#[derive(Clone, Default)]
struct Holds {
    address: Arc<OnceLock<String>>,
    held: Arc<Mutex<Option<HeldLock>>>,
}

impl Holds {
    fn begin(&self) {
        let address = self.address.get().expect("it is known before anybody is asked");
        self.held.lock().unwrap().get_or_insert_with(|| HeldLock::of(address));
    }

    fn has_begun(&self) -> bool {
        self.held.lock().unwrap().is_some()
    }

    fn end(&self) {
        drop(self.held.lock().unwrap().take());
    }
}

/// Returns a world on each engine, with a provider that answers while the database is blocked.
async fn worlds() -> Vec<(World, Holds)> {
    let mut worlds = Vec::new();
    for is_server in [false, true] {
        if is_server && !postgres::is_there() {
            continue;
        }
        let database = if is_server { Some(postgres::Database::migrated().await) } else { None };
        let holds = Holds::default();
        let holding = holds.clone();
        let world = World::on(database, move |_| {
            holding.begin();
            Reply::ok(ANSWER)
        });
        let world = world.await;
        holds.address.set(world.address()).unwrap();
        worlds.push((world, holds));
    }
    worlds
}

fn kept_of(world: &World) -> usize {
    state_files::count(&world.state())
}

/// Advances the clock, by less than a request may take, until the answer is kept.
async fn until_kept(world: &World, holds: &Holds) {
    while !holds.has_begun() {
        tokio::task::yield_now().await;
    }
    for _ in 0..400 {
        if kept_of(world) == 1 {
            return;
        }
        world.clock.advance(Duration::from_millis(10));
        // The statement takes about as long as the write that is awaited.
        world.sql("SELECT 1", "SELECT 1").await;
    }
    panic!("the answer is not kept");
}

/// Returns the recorded answer of an exchange, even if a slow machine gave up the first commit.
async fn recorded(world: &World, registry: &ConnectionRegistry, id: ConnectionId) -> Result<String, HttpError> {
    loop {
        let spends = spends(&registry.systems, id, Strict);
        tokio::select! {
            answer = spend(&spends, "old") => return answer.map(|answer| text_of(&answer)),
            () = until_stopped(&spends) => world.clock.advance(Duration::from_secs(1)),
        }
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn an_answer_is_on_the_disk_while_its_commit_takes_long() {
    for (world, holds) in worlds().await {
        let registry = world.open().await;
        let id = connection(&registry.systems).await;
        let begun = world.clock.now();
        tokio::select! {
            biased;
            () = until_kept(&world, &holds) => {}
            error = stopped(&registry.systems, id, "old") => panic!("the commit was waited for: {error:?}"),
        }
        assert!(world.clock.now().seconds() - begun.seconds() < 10, "{COMMIT_PATIENCE:?} is what a commit gets");
        holds.end();
        assert_eq!(recorded(&world, &registry, id).await, Ok(format!("200 {ANSWER}")));
        assert_eq!((world.times_asked(), kept_of(&world)), (1, 0), "nothing more of it stays");
    }
}

/// The control: a commit in time writes nothing to the state directory.
#[tokio::test]
async fn an_answer_that_is_committed_in_time_is_kept_nowhere() {
    for world in World::each(|_| Reply::ok(ANSWER)).await {
        let registry = world.open().await;
        let id = connection(&registry.systems).await;
        let path = std::fs::read_dir(world.state()).unwrap().map(|entry| entry.unwrap().path());
        let path = path.into_iter().find(|path| path.extension().is_some_and(|of| of == "places")).unwrap();
        let before = std::fs::read(&path).unwrap();
        assert_eq!(refresh(&registry.systems, id, Strict, "old").await.0, Ok(format!("200 {ANSWER}")));
        assert!(std::fs::read(&path).unwrap() == before, "nothing was written there");
    }
}

/// There are more answers than slots.
#[tokio::test]
async fn the_answers_of_many_connections_at_once_are_all_kept_and_recorded() {
    const MANY: usize = 20;
    for world in World::each(|_| Reply::ok(ANSWER)).await {
        let registry = world.open().await;
        let mut asking = JoinSet::new();
        let mut ids = Vec::new();
        for _ in 0..MANY {
            ids.push(connection(&registry.systems).await);
        }
        world.refuse("UPDATE", "WHEN (NEW.state = 'answered')").await;
        for id in ids.clone() {
            let systems = registry.systems.clone();
            asking.spawn(async move { stopped(&systems, id, "old").await.code() });
        }
        assert_eq!(asking.join_all().await, vec!["store_failed"; MANY]);
        assert_eq!(
            (state_files::places(&world.state()).len(), state_files::files(&world.state()).len()),
            (16, MANY - 16)
        );
        world.mend().await;
        world.clock.until_asleep(MANY).await;
        drop(registry);
        let registry = world.open().await;
        for id in ids {
            assert!(row(&registry.systems, id, "old").await.unwrap().sealed.is_some());
            assert_eq!(refresh(&registry.systems, id, Strict, "old").await.0, Ok(format!("200 {ANSWER}")));
        }
        assert_eq!((world.times_asked(), kept_of(&world)), (MANY, 0));
    }
}

const CHILD: &str = "CONNECTIONS_TEST_LOCKED";

/// The environment names the database, key, state directory, provider, connection and semantics.
#[tokio::test]
async fn the_child_gets_an_answer_and_waits_for_its_commit() {
    let Ok(child_values) = std::env::var(CHILD) else {
        assert!(std::env::var_os(CHILD).is_none(), "what cannot be read is no order");
        return;
    };
    let child_values: Vec<&str> = child_values.split('\n').collect();
    let [store, key, state, provider, id, semantics] = child_values[..] else { panic!("six things are told") };
    let http = HttpPolicy::new().endpoint(super::AUTH, provider).unwrap();
    let builder = ConnectionRegistry::builder().store(store).key(KeyFile::at(key)).http(http).state_directory(state);
    let registry = builder.open().await.unwrap();
    let spends = spends(&registry.systems, id.parse().unwrap(), of_word(semantics));
    drop(spend(&spends, "old").await);
    panic!("the commit hangs, and it is killed");
}

fn of_word(word: &str) -> RefreshSemantics {
    match word {
        "strict" => Strict,
        "grace" => Grace(Duration::from_secs(60)),
        _ => Stable,
    }
}

/// Another program writes, the answer has arrived, and the process is killed.
#[tokio::test]
async fn an_answer_outlives_a_process_that_is_killed_while_its_commit_hangs() {
    for semantics in ["strict", "grace", "stable"] {
        for (world, holds) in worlds().await {
            let registry = world.open().await;
            let id = connection(&registry.systems).await;
            let key = world.directory.path().join("key/root.key");
            let key = key.to_str().unwrap().to_owned();
            let state = world.state().to_str().unwrap().to_owned();
            let child_values =
                [world.address(), key, state, world.server.origin(), id.to_string(), semantics.to_owned()];
            let name = "exchange::tests::locked::the_child_gets_an_answer_and_waits_for_its_commit";
            let mut child = Command::new(std::env::current_exe().unwrap());
            let mut child =
                child.args([name, "--exact", "--quiet"]).env(CHILD, child_values.join("\n")).spawn().unwrap();
            world.server.until_asked(1).await;
            while kept_of(&world) == 0 {
                assert!(child.try_wait().unwrap().is_none(), "{semantics}: it ended and has kept nothing");
                tokio::task::yield_now().await;
            }
            child.kill().unwrap();
            child.wait().unwrap();
            holds.end();
            let noted = row(&registry.systems, id, "old").await.unwrap();
            assert!(noted.sealed.is_none() && kept_of(&world) == 1, "{semantics}: nothing was committed");
            // Another process, which was already running, refreshes at once. It finds the answer and sends nothing.
            let (answer, uncertain) = refresh(&registry.systems, id, of_word(semantics), "old").await;
            assert_eq!((answer, uncertain), (Ok(format!("200 {ANSWER}")), None), "{semantics}");
            assert_eq!((world.times_asked(), kept_of(&world)), (1, 0), "{semantics}");
        }
    }
}
