//! Tests with a commit that hangs: its answer is on the disk before the commit ends.

use std::{
    sync::{Arc, Mutex, OnceLock},
    time::Duration,
};

use connection_contract::{Clock as _, HttpError, RefreshSemantics::Strict};
use connection_faults::{server::Reply, state_files, test_database::TestDatabase, write_lock::HeldLock};
use tokio::task::JoinSet;

use super::{
    World, connection,
    killed::{child, of_word},
    refresh, row, spend, spends, stopped, text_of, until_stopped,
};
use crate::{ConnectionId, ConnectionRegistry, exchange::rescue::COMMIT_PATIENCE};

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
    for database in TestDatabase::each().await {
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
        world.sql("SELECT 1").await;
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

/// Another program writes, the answer has arrived, and the process is killed.
#[tokio::test]
async fn an_answer_outlives_a_process_that_is_killed_while_its_commit_hangs() {
    for semantics in ["strict", "grace", "stable"] {
        for (world, holds) in worlds().await {
            let registry = world.open().await;
            let id = connection(&registry.systems).await;
            let mut child = child(&world, id, semantics);
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
