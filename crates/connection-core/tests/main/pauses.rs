//! A pause that a provider asks for belongs to the connection that got it. Nothing verifies that connection before its end
//! unless a person says so, its requests are sent all the same, and the scheduler spares the origin, not the kind.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst},
    },
    time::Duration,
};

use connection_contract::{Liveness, Timestamp};
use connection_core::{Connection, ConnectionRegistry};
use connection_faults::eventually::eventually;

use crate::{
    acme::{Acme, KIND},
    renewing::send,
    running::run,
    sql,
    test_host::{START, World, connected, connected_as, me, on_postgres},
    test_server::{Reply, TestServer},
};

/// The address of another server of the same kind, as a user types it.
const OTHER: &str = "https://acme.internal.example";

/// The number of looks at the database for each second that passes, in which the tasks of the core go on.
fn looks() -> usize {
    if on_postgres() { 120 } else { 40 }
}

/// A server that answers verifications with a pause, and any other request with 200.
#[derive(Clone, Default)]
struct Limited {
    /// The seconds of the pause; 0 for none.
    pause: Arc<AtomicUsize>,
    probes: Arc<AtomicUsize>,
    /// If set, verifications get no answer.
    hangs: Arc<AtomicBool>,
}

impl Limited {
    fn answer(&self, request: &str) -> Reply {
        let key = request.split("earer ").nth(1).and_then(|rest| rest.split("\r\n").next()).unwrap_or_default();
        if request.starts_with("GET /me ") {
            self.probes.fetch_add(1, SeqCst);
            if self.hangs.load(SeqCst) {
                return Reply::silence();
            }
            let seconds = self.pause.load(SeqCst);
            if seconds > 0 {
                return Reply::whole(429, &format!("retry-after: {seconds}\r\n"), "");
            }
        }
        me(key, key)
    }

    fn probes(&self) -> usize {
        self.probes.load(SeqCst)
    }
}

/// Two servers of one kind with a typed address.
struct Servers {
    world: World,
    registry: ConnectionRegistry,
    first: Limited,
    second: Limited,
    _server: TestServer,
}

impl Servers {
    async fn new() -> Self {
        let world = World::new().await;
        let first = Limited::default();
        let answering = first.clone();
        world.provider(move |request| answering.answer(request));
        let second = Limited::default();
        let answering = second.clone();
        let server = TestServer::start(move |request| answering.answer(request)).await;
        let policy = world.policy().endpoint(OTHER, &server.origin()).unwrap();
        let registry = world.builder().http(policy).kind(Acme::default()).open().await.unwrap();
        Self { world, registry, first, second, _server: server }
    }

    async fn at_second(&self, owner: &str, key: &str) -> Connection {
        let owner = self.registry.owner(owner).unwrap();
        connected_as(&owner, &KIND, &[("accessToken", key), ("apiBaseUrl", OTHER)]).await
    }

    /// Makes all connections due for a verification.
    async fn fall_due(&self) {
        let now = self.world.now();
        let due = format!("UPDATE connection_liveness SET next_check_at = {now} WHERE next_check_at IS NULL");
        sql::run(&self.world.database(), due).await;
    }

    /// Lets seconds pass one after another, with time for the tasks that each of them begins.
    async fn pass(&self, seconds: i64) {
        sql::pass(&self.world.database(), &self.world.clock, seconds).await;
    }

    /// Lets time pass until the servers were asked for that many verifications.
    async fn until(&self, probes: (usize, usize)) {
        for _ in 0..600 {
            if self.probes() == probes {
                return;
            }
            self.pass(1).await;
        }
        panic!("{:?} is not {probes:?}", self.probes());
    }

    /// Lets time pass until that many pauses are stored, and the scheduler knows of them.
    async fn until_paused(&self, count: i64) {
        let paused = "SELECT count(*) FROM connection_liveness WHERE paused_until IS NOT NULL";
        // Time passes rarely, so that the pauses begin together, however long the server takes to store one.
        for look in 1..60_000 {
            if sql::number(&self.world.database(), paused).await == Some(count) {
                // The scheduler reads the origin of the connection before it knows of the pause, while no time passes.
                sql::look_on(&self.world.database(), 20, looks(), || ()).await;
                return self.pass(5).await;
            }
            if look % 500 == 0 {
                self.pass(1).await;
            }
        }
        panic!("no {count} pauses");
    }

    fn probes(&self) -> (usize, usize) {
        (self.first.probes(), self.second.probes())
    }

    fn forget(&self) {
        self.first.probes.store(0, SeqCst);
        self.second.probes.store(0, SeqCst);
    }
}

#[tokio::test]
async fn a_verification_by_a_program_sends_nothing_during_a_pause_and_one_by_a_person_asks() {
    let it = Servers::new().await;
    let connection = connected(&it.registry, "one").await;
    it.first.pause.store(600, SeqCst);
    it.forget();
    let until = Some(Timestamp::from_seconds(START + 600));
    for _ in 0..3 {
        let info = connection.verify().await.unwrap();
        assert_eq!((info.liveness, info.paused_until), (Liveness::Offline, until));
        let message = info.reason.unwrap().message.to_string();
        assert!(message.ends_with("asks to wait until 2027-01-15T08:10:00Z"), "{message}");
    }
    let mut results = it.registry.preflight([connection.id()]);
    assert_eq!(results.next().await.unwrap().1.unwrap().paused_until, until);
    assert_eq!(it.probes(), (1, 0));
    // A person who knows of the pause asks all the same.
    it.first.pause.store(0, SeqCst);
    let info = connection.verify_now().await.unwrap();
    assert_eq!((info.liveness, info.paused_until, it.probes()), (Liveness::Live, None, (2, 0)));
    // The control: without a pause, each verification asks.
    connection.verify().await.unwrap();
    assert_eq!(it.probes(), (3, 0));
}

#[tokio::test]
async fn a_pause_ends_at_its_time_and_holds_back_no_request() {
    let it = Servers::new().await;
    let connection = connected(&it.registry, "one").await;
    it.first.pause.store(600, SeqCst);
    connection.verify().await.unwrap();
    it.first.pause.store(0, SeqCst);
    it.forget();
    assert_eq!(send(&connection).await.unwrap(), 200);
    it.world.clock.advance(Duration::from_secs(599));
    assert!(connection.verify().await.unwrap().paused_until.is_some());
    it.world.clock.advance(Duration::from_secs(1));
    assert_eq!(connection.verify().await.unwrap().liveness, Liveness::Live);
    assert_eq!(it.probes(), (1, 0));
}

#[tokio::test]
async fn a_pause_that_was_stored_by_a_fast_clock_does_not_count() {
    let it = Servers::new().await;
    let connection = connected(&it.registry, "one").await;
    it.first.pause.store(600, SeqCst);
    it.world.clock.jump_to(Timestamp::from_seconds(START + 3_600));
    assert!(connection.verify().await.unwrap().paused_until.is_some());
    it.world.clock.jump_to(Timestamp::from_seconds(START));
    it.first.pause.store(0, SeqCst);
    assert_eq!(connection.verify().await.unwrap().liveness, Liveness::Live);
}

/// A provider whose clock is behind names a moment that has passed here, and some servers name no time at all.
#[tokio::test]
async fn a_pause_of_no_length_does_not_let_the_scheduler_ask_at_once() {
    let past = START - 600;
    let counted = format!("x-ratelimit-remaining: 0\r\nx-ratelimit-reset: {past}\r\n");
    for headers in ["retry-after: 0\r\n".to_owned(), counted] {
        let world = World::new().await;
        let is_limited = Arc::new(AtomicBool::new(false));
        let limits = is_limited.clone();
        world.provider(move |_| match limits.load(SeqCst) {
            true => Reply::whole(403, &headers, "{}"),
            false => me("1", "ada"),
        });
        let registry = world.open(Acme::default()).await;
        let connection = connected(&registry, "one").await;
        is_limited.store(true, SeqCst);
        let info = connection.verify().await.unwrap();
        assert_eq!((info.liveness, info.paused_until), (Liveness::Offline, None));
        let message = info.reason.unwrap().message.to_string();
        assert!(message.ends_with("answered 403 Forbidden and asks to wait"), "{message}");
        let next = sql::number(&world.database(), "SELECT next_check_at FROM connection_liveness").await;
        assert!(next.is_some_and(|next| next >= START + 300), "{next:?}");
    }
}

#[tokio::test]
async fn the_scheduler_spares_the_origin_of_the_only_owner_and_no_other_origin_of_the_kind() {
    let it = Servers::new().await;
    for key in ["one", "two", "three"] {
        connected(&it.registry, key).await;
        it.at_second("local", &format!("o-{key}")).await;
    }
    it.first.pause.store(600, SeqCst);
    it.forget();
    let [one, ..] = &it.registry.list_connections(connection_core::Filter::new()).await.unwrap().items[..] else {
        panic!("none")
    };
    // The first connection gets the pause.
    let due =
        format!("UPDATE connection_liveness SET next_check_at = {START} WHERE connection_id = {}", sql::id(one.id));
    sql::run(&it.world.database(), due).await;
    let _running = run(&it.registry);
    it.until_paused(1).await;
    assert_eq!(it.probes(), (1, 0));
    it.fall_due().await;
    it.until((1, 3)).await;
    it.pass(400).await;
    assert_eq!(it.probes(), (1, 3), "two wait for the pause of the first");
    it.first.pause.store(0, SeqCst);
    it.pass(150).await;
    it.until((4, 3)).await;
}

#[tokio::test]
async fn the_pause_of_one_owner_holds_up_another_one_for_a_minute() {
    let it = Servers::new().await;
    let mallory = it.at_second("mallory", "one").await;
    it.at_second("alice", "two").await;
    it.second.pause.store(86_400, SeqCst);
    it.forget();
    let due = format!(
        "UPDATE connection_liveness SET next_check_at = {START} WHERE connection_id = {}",
        sql::id(mallory.id())
    );
    sql::run(&it.world.database(), due).await;
    let _running = run(&it.registry);
    it.until_paused(1).await;
    assert_eq!(it.probes(), (0, 1));
    it.second.pause.store(0, SeqCst);
    it.fall_due().await;
    it.pass(40).await;
    assert_eq!(it.probes(), (0, 1));
    it.until((0, 2)).await;
}

#[tokio::test]
async fn the_pause_of_two_owners_holds_up_a_third_one_until_it_ends() {
    let it = Servers::new().await;
    for owner in ["alice", "bob", "carol"] {
        it.at_second(owner, owner).await;
    }
    it.second.pause.store(600, SeqCst);
    it.forget();
    let due = format!(
        "UPDATE connection_liveness SET next_check_at = {START} WHERE connection_id IN \
         (SELECT id FROM connection_account WHERE owner <> 'carol')"
    );
    sql::run(&it.world.database(), due).await;
    let _running = run(&it.registry);
    it.until_paused(2).await;
    assert_eq!(it.probes(), (0, 2));
    it.fall_due().await;
    it.pass(500).await;
    assert_eq!(it.probes(), (0, 2));
    it.second.pause.store(0, SeqCst);
    it.until((0, 5)).await;
}

/// A server that hangs takes a part of the jobs of its kind, and its owner a part of all.
#[tokio::test]
async fn a_server_that_hangs_delays_no_other_server_of_the_kind() {
    let it = Servers::new().await;
    for number in 0..12 {
        it.at_second("mallory", &format!("key-{number}")).await;
    }
    for number in 0..6 {
        let alice = it.registry.owner("alice").unwrap();
        connected(&alice, &format!("key-{number}")).await;
    }
    it.second.hangs.store(true, SeqCst);
    it.forget();
    it.fall_due().await;
    let _running = run(&it.registry);
    // No time passes, so none of the requests that hang ends.
    eventually("all at the first server are verified", async || it.probes().0 == 6).await;
}
