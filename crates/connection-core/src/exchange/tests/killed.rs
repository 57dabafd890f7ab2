//! Tests with a process that is killed in the middle of an exchange.
#![expect(clippy::disallowed_methods, reason = "a test that is its own child is told so by its environment")]

use std::{
    fs::File,
    future::pending,
    io,
    process::{Child, Command},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering::Relaxed},
    },
    time::Duration,
};

use connection_contract::{
    BoxFuture, HttpError, HttpRequest,
    RefreshSemantics::{self, Grace, Stable, Strict},
    Timestamp, host,
};
use connection_egress::ManualClock;
use connection_faults::server::Reply;
use tokio::runtime::Handle;

use super::{AUTH, World, connection, key, refresh, row, spend, spends};
use crate::{
    ConnectionId, ConnectionRegistry, HttpPolicy, KeyFile, SystemClock,
    exchange::{
        CourierStream, Couriers, HeldHere, StateDirectory, conclude_abandoned,
        courier::{Courier, IDENTITY, keep_again, read, write},
        run_courier,
    },
    store::rows::{ExchangeRow, Sent},
};

const CHILD: &str = "CONNECTIONS_TEST_EXCHANGE";

/// The environment names the database, key, state directory, provider, connection and semantics. Without it, this is
/// the parent's test run.
#[tokio::test]
async fn the_child_spends_and_waits_for_its_end() {
    let Ok(child_values) = std::env::var(CHILD) else {
        assert!(std::env::var_os(CHILD).is_none(), "what cannot be read is no order");
        return;
    };
    let child_values: Vec<&str> = child_values.split('\n').collect();
    let [store, key, state, provider, id, semantics] = child_values[..] else { panic!("six things are told") };
    let http = HttpPolicy::new().endpoint(AUTH, provider).unwrap();
    let builder = ConnectionRegistry::builder().store(store).key(KeyFile::at(key)).http(http).state_directory(state);
    let registry = builder.open().await.unwrap();
    let spends = spends(&registry.systems, id.parse().unwrap(), of_word(semantics));
    drop(spend(&spends, "old").await);
    panic!("it waits for an answer or for its commit, and is killed");
}

pub(super) fn of_word(word: &str) -> RefreshSemantics {
    match word {
        "strict" => Strict,
        "grace" => Grace(Duration::from_secs(60)),
        _ => Stable,
    }
}

/// Starts a process on this machine that spends the token of the connection with these semantics.
pub(super) fn child(world: &World, id: ConnectionId, semantics: &str) -> Child {
    let [key, state] = [world.key(), world.state()].map(|path| path.to_str().unwrap().to_owned());
    let child_values = [world.address(), key, state, world.server.origin(), id.to_string(), semantics.to_owned()];
    let name = "exchange::tests::killed::the_child_spends_and_waits_for_its_end";
    let mut child = Command::new(std::env::current_exe().unwrap());
    child.args([name, "--exact", "--quiet"]).env(CHILD, child_values.join("\n")).spawn().unwrap()
}

#[tokio::test]
async fn the_node_of_a_killed_process_concludes_its_attempt_without_being_asked() {
    for world in World::each(|_| Reply::silence()).await {
        let registry = world.open().await;
        let systems = &registry.systems;
        let id = connection(systems).await;
        let mut child = child(&world, id, "strict");
        world.server.until_asked(1).await;
        let other = world.open_without_state().await;
        let is_concluded = async || row(systems, id, "old").await.unwrap().sent.concluded_at.is_some();
        conclude_abandoned(&systems.exchange).await.unwrap();
        assert!(!is_concluded().await, "it lives");
        child.kill().unwrap();
        child.wait().unwrap();
        conclude_abandoned(&other.systems.exchange).await.unwrap();
        assert!(!is_concluded().await, "another node proves nothing");
        conclude_abandoned(&systems.exchange).await.unwrap();
        assert!(is_concluded().await);
        // The quarantine began with the conclusion.
        drop(refresh(systems, id, Strict, "old").await);
        assert_eq!(world.times_asked(), 1);
    }
}

#[tokio::test]
async fn a_process_that_is_killed_while_it_waits_is_followed_by_a_replay_after_a_quarantine() {
    for world in World::each(|request| match request.contains("old") {
        true => Reply::silence(),
        false => Reply::ok("x"),
    })
    .await
    {
        let registry = world.open().await;
        let systems = &registry.systems;
        let id = connection(systems).await;
        let mut child = child(&world, id, "strict");
        world.server.until_asked(1).await;
        for _ in 0..2 {
            assert_eq!(refresh(systems, id, Strict, "old").await.0, Err(HttpError::Uncertain), "it lives");
            assert!(row(systems, id, "old").await.unwrap().sent.concluded_at.is_none());
        }
        child.kill().unwrap();
        child.wait().unwrap();
        let (_, uncertain) = refresh(systems, id, Strict, "old").await;
        assert!(uncertain.unwrap().replay_at.is_some(), "it is dead");
        assert_eq!(world.times_asked(), 1);
        world.passes(60).await;
        let replay = refresh(systems, id, Strict, "old");
        let moved = async {
            world.server.until_asked(2).await;
            world.clock.advance(Duration::from_secs(31));
        };
        assert_eq!(tokio::join!(replay, moved).0.0, Err(HttpError::Uncertain));
        world.passes(59).await;
        drop(refresh(systems, id, Strict, "old").await);
        assert_eq!(world.times_asked(), 2, "once after each quarantine");
    }
}

/// Couriers on the runtime of the test, which do this work. The lock is as good there as in a process.
struct Tasks(fn(Box<dyn CourierStream>, File) -> BoxFuture<'static, io::Result<()>>);

impl Couriers for Tasks {
    fn start(&self, lock: File, slot: File) -> io::Result<Box<dyn CourierStream>> {
        let (ours, theirs) = tokio::io::duplex(1 << 16);
        let work = (self.0)(Box::new(theirs), slot);
        drop(Handle::current().spawn(async move {
            work.await.unwrap_or_default();
            drop(lock);
        }));
        Ok(Box::new(ours))
    }
}

async fn with_couriers(world: &World, couriers: Tasks) -> (ConnectionRegistry, ConnectionId) {
    let builder = world.builder().clock(Arc::new(SystemClock::new())).state_directory(world.state());
    let registry = builder.couriers(Arc::new(couriers)).open().await.unwrap();
    let id = connection(&registry.systems).await;
    (registry, id)
}

#[tokio::test]
async fn a_courier_without_the_word_or_after_its_end_sends_nothing_and_notes_that() {
    for world in World::each(|_| Reply::ok("x")).await {
        let (registry, id) = with_couriers(&world, Tasks(run_courier)).await;
        assert_eq!(registry.store().missing_courier_reason().await, None);
        let systems = &registry.systems;
        let exchange = spends(systems, id, Strict).exchange(key(systems, id, "old"));
        let at = systems.ground.reader().await.unwrap().clock().await.unwrap();
        let request = HttpRequest::post(&host::base_url(AUTH).unwrap(), "/");
        let mut courier = Courier::start(&systems.exchange, &exchange, &request, at).await.unwrap();
        let held = systems.exchange.state.as_deref().unwrap().held(&courier.name).unwrap();
        assert_eq!(held, Some(HeldHere { process: Some(std::process::id()) }), "its lock file names its process");
        let end = systems.ground.clock.passed() + Duration::from_millis(20);
        assert!(courier.give_word(&systems.exchange, &end.into()).await);
        // The courier, which works on this thread, is paused until then.
        while systems.ground.clock.passed() < end {}
        assert!(matches!(courier.result(&systems.exchange).await, (Err(_), false)));
        assert_eq!(world.times_asked(), 0);
        let courier = Courier::start(&systems.exchange, &exchange, &request, at).await.unwrap();
        let node = systems.exchange.state.as_deref().map(StateDirectory::node).map(str::to_owned);
        let sent = Sent::first(node, courier.name.clone(), at);
        let intent = ExchangeRow { key: exchange.key, scope: exchange.scope, sent, sealed: None };
        let insert = systems.ground.store.write(move |tx| Box::pin(async move { tx.insert_exchange(&intent).await }));
        assert!(insert.await.unwrap());
        conclude_abandoned(&systems.exchange).await.unwrap();
        assert!(row(systems, id, "old").await.unwrap().sent.concluded_at.is_none(), "the courier is out");
        drop(courier);
        let (answer, _) = refresh(systems, id, Strict, "old").await;
        assert_eq!(answer, Ok("200 x".to_owned()), "without a quarantine");
        assert_eq!(world.times_asked(), 1);
        assert!(row(systems, id, "old").await.unwrap().sent.process_id.starts_with("courier-"));
    }
}

#[tokio::test]
async fn a_courier_of_another_version_is_not_used() {
    for world in World::each(|_| Reply::ok("x")).await {
        let other = Tasks(|mut stream, _| Box::pin(async move { write(&mut stream, b"another version").await }));
        let (registry, _) = with_couriers(&world, other).await;
        let reason = registry.store().missing_courier_reason().await;
        assert_eq!(reason.as_deref(), Some("the file of this program was replaced by another version"));
    }
}

#[tokio::test]
async fn after_a_courier_that_is_killed_before_the_word_another_one_sends() {
    static IS_SECOND: AtomicBool = AtomicBool::new(false);
    for world in World::each(|_| Reply::ok("x")).await {
        let killed = Tasks(|mut stream, slot| {
            Box::pin(async move {
                if IS_SECOND.fetch_xor(true, Relaxed) {
                    return run_courier(stream, slot).await;
                }
                write(&mut stream, IDENTITY.as_bytes()).await?;
                read(&mut stream).await?;
                write(&mut stream, &[]).await
            })
        });
        let (registry, id) = with_couriers(&world, killed).await;
        assert_eq!(refresh(&registry.systems, id, Strict, "old").await.0, Ok("200 x".to_owned()));
    }
}

#[tokio::test]
async fn the_pause_that_an_answer_asks_for_is_recorded_before_another_process_can_conclude() {
    for world in World::each(|_| Reply::whole(503, "retry-after: 7200\r\n", "")).await {
        // The lock, which hinders other processes, is never free.
        let held = Tasks(|stream, slot| {
            Box::pin(async move {
                drop(run_courier(stream, slot).await);
                pending().await
            })
        });
        let (registry, id) = with_couriers(&world, held).await;
        drop(refresh(&registry.systems, id, Strict, "old").await);
        assert_eq!(row(&registry.systems, id, "old").await.unwrap().sent.retry_after, 7200);
    }
}

#[tokio::test]
async fn a_courier_writes_an_answer_again_that_a_full_disk_did_not_take() {
    for (mut failures, expected) in [(3, 1), (1_000, 0)] {
        let clock = ManualClock::at(Timestamp::from_seconds(0));
        let mut written = 0;
        let keeping = keep_again(&clock, || {
            if failures > 0 {
                failures -= 1;
                return Err(io::ErrorKind::StorageFull.into());
            }
            written += 1;
            Ok(())
        });
        let passes = async {
            loop {
                clock.until_asleep(1).await;
                clock.advance(Duration::from_secs(1));
                tokio::task::yield_now().await;
            }
        };
        tokio::select! {
            () = keeping => {}
            () = passes => {}
        }
        assert_eq!(written, expected);
    }
}
