//! After an outage, connections come back soon: an answer of an origin makes those due that it failed, whichever process
//! saw the failure, and nothing shortens a pause that a provider asked for, a quarantine, or the life of a working token.

use std::{
    sync::{
        Arc, Mutex,
        atomic::{AtomicU16, Ordering::SeqCst},
    },
    time::Duration,
};

use connection_contract::{Clock as _, Kind, Liveness, RefreshSemantics};
use connection_core::{Connection, ConnectionRegistry};
use connection_faults::{eventually::eventually, rounds::rounds};

use crate::{
    acme::{API, Acme},
    fake::FAKE,
    renewing::{ISSUER, LIFE, Renewing, send},
    running::run,
    sql,
    test_host::{on_postgres, START, World, connected, connected_as, me},
    test_server::{Reply, TestServer},
};

/// The statuses and times of a provider whose API and token endpoint may fail separately.
#[derive(Clone)]
struct Provider {
    api: Arc<AtomicU16>,
    token: Arc<AtomicU16>,
    /// The times at which a token was asked for, by the clock of the host.
    asked: Arc<Mutex<Vec<i64>>>,
    /// The times at which the API was asked for an account.
    probed: Arc<Mutex<Vec<i64>>>,
    clock: connection_core::ManualClock,
}

impl Provider {
    fn new(world: &World) -> Self {
        let status = || Arc::new(AtomicU16::new(200));
        Self {
            api: status(),
            token: status(),
            asked: Arc::default(),
            probed: Arc::default(),
            clock: world.clock.clone(),
        }
    }

    fn answer(&self, request: &str) -> Reply {
        let is_token = request.starts_with("POST /token");
        let now = self.clock.now().seconds();
        let status = if is_token { &self.token } else { &self.api };
        if is_token {
            self.asked.lock().unwrap().push(now);
        }
        if request.starts_with("GET /me ") {
            self.probed.lock().unwrap().push(now);
        }
        let key = request.split("earer ").nth(1).and_then(|rest| rest.split("\r\n").next()).unwrap_or_default();
        match status.load(SeqCst) {
            200 if is_token => Reply::ok(r#"{"access":"access-9","refresh":"refresh-9","life":3600}"#),
            200 if key.starts_with("access") => me("1", "ada"),
            200 => me(key, key),
            status => Reply::whole(status, "", ""),
        }
    }

    fn both(&self, status: u16) {
        self.api.store(status, SeqCst);
        self.token.store(status, SeqCst);
    }

    fn asked(&self) -> Vec<i64> {
        self.asked.lock().unwrap().iter().map(|at| at - START).collect()
    }

    fn probed(&self) -> Vec<i64> {
        self.probed.lock().unwrap().iter().map(|at| at - START).collect()
    }
}

/// A world whose provider may fail.
struct Outage {
    world: World,
    provider: Provider,
    plugin: Renewing,
    registry: ConnectionRegistry,
    /// Connections of several owners whose credentials are refreshed.
    renewing: Vec<Connection>,
    /// A connection of the same origin that is never refreshed.
    key: Connection,
}

impl Outage {
    async fn new(semantics: RefreshSemantics) -> Self {
        let world = World::new().await;
        let provider = Provider::new(&world);
        let answering = provider.clone();
        world.provider(move |request| answering.answer(request));
        let plugin = Renewing::of(semantics);
        let registry = world.builder().kind(plugin.clone()).kind(Acme::default()).open().await.unwrap();
        let mut renewing = Vec::new();
        for owner in 0..4 {
            renewing.push(plugin.connected(&registry.owner(format!("u{owner}")).unwrap()).await);
        }
        let key = connected(&registry, "key-1").await;
        provider.probed.lock().unwrap().clear();
        Self { world, provider, plugin, registry, renewing, key }
    }

    /// Opens another process of the same machine.
    async fn process(&self) -> ConnectionRegistry {
        let builder = self.world.builder().kind(Renewing::of(RefreshSemantics::Strict)).kind(Acme::default());
        builder.open().await.unwrap()
    }

    async fn number(&self, sql: &str) -> i64 {
        sql::number(&self.world.database(), sql).await.unwrap_or_default()
    }

    /// Returns the number of credentials that were refreshed.
    async fn refreshed(&self) -> i64 {
        self.number("SELECT count(*) FROM connection_account WHERE generation = 2").await
    }

    /// Lets seconds pass one after another, with time for the tasks that each of them begins.
    async fn pass(&self, seconds: i64) {
        sql::pass(&self.world.database(), &self.world.clock, seconds).await;
    }

    /// Lets time pass until the condition holds, and returns the seconds that it took.
    async fn until(&self, what: &str, mut is_so: impl AsyncFnMut(&Self) -> bool) -> i64 {
        let from = self.world.now();
        while !is_so(self).await {
            assert!(self.world.now() < from + 3_000, "it does not come to it: {what}");
            self.pass(1).await;
        }
        self.world.now() - from
    }

    /// Waits until the condition holds, while no time passes.
    async fn comes(&self, what: &str, mut is_so: impl AsyncFnMut(&Self) -> bool) {
        eventually(what, async || is_so(self).await).await;
    }

    /// Makes the credentials due that are refreshed, as if each of them had failed five times.
    async fn fall_due_again(&self) {
        let now = self.world.now();
        let due = format!(
            "UPDATE connection_credential SET refresh_failures = 5, refresh_at = {now} WHERE refresh_at IS NOT NULL"
        );
        assert_eq!(sql::run(&self.world.database(), due).await, 4);
    }

    /// Returns `true` if each of these credentials has failed once more.
    async fn have_failed_again(&self) -> bool {
        self.number("SELECT count(*) FROM connection_credential WHERE refresh_failures = 6").await == 4
    }

    async fn liveness(&self, connection: &Connection) -> Liveness {
        let owner = self.registry.owner(connection.info().owner.clone()).unwrap();
        owner.connection(connection.id()).await.unwrap().info().liveness
    }
}

#[tokio::test]
async fn after_an_outage_the_answer_to_one_makes_the_others_due_within_a_minute() {
    for semantics in [RefreshSemantics::Strict, RefreshSemantics::Stable] {
        let it = Outage::new(semantics).await;
        it.world.clock.advance(Duration::from_secs(u64::try_from(LIFE - 100).unwrap()));
        it.provider.both(503);
        let running = run(&it.registry);
        // The next pause of each then has at least eight minutes.
        let attempts = if semantics == RefreshSemantics::Stable { 20 } else { 16 };
        it.until("each has failed several times", async |it| it.provider.asked().len() >= attempts).await;
        it.pass(60).await;
        assert_eq!(it.refreshed().await, 0);
        it.provider.both(200);
        // A request of a kind that is not refreshed, by a person: the only one that finds the provider healthy.
        let before = it.provider.asked().len();
        assert_eq!(send(&it.key).await.unwrap(), 200);
        let took = it.until("all are refreshed", async |it| it.refreshed().await == 4).await;
        assert!(took <= 200, "{semantics:?}: it took {took} s");
        assert_eq!(it.provider.asked().len(), before + 4, "{semantics:?}: each is asked once");
        drop(running);
        for connection in &it.renewing {
            assert_eq!(it.liveness(connection).await, Liveness::Live);
        }
    }
}

/// The failure of a request may be recorded after its provider has answered another one.
#[tokio::test]
async fn a_connection_that_was_being_asked_when_its_provider_answered_is_asked_again_soon() {
    let it = Outage::new(RefreshSemantics::Stable).await;
    let second = connected(&it.registry, "key-2").await;
    it.provider.both(503);
    assert_eq!(second.verify().await.unwrap().liveness, Liveness::Offline);
    // The answers to the setups were reported a while ago.
    it.world.clock.advance(Duration::from_secs(100));
    it.fall_due_again().await;
    it.plugin.after.close();
    let _running = run(&it.registry);
    it.plugin.after.until_inside(4).await;
    it.provider.both(200);
    assert_eq!(send(&it.key).await.unwrap(), 200);
    // Verifications are made due after refreshes, so the answer has had its effect by then.
    it.comes("the other one is live", async |it| it.liveness(&second).await == Liveness::Live).await;
    it.plugin.after.open();
    it.comes("each has failed", async |it| it.have_failed_again().await).await;
    assert_eq!(it.provider.asked().len(), 4);
    let took = it.until("all are refreshed", async |it| it.refreshed().await == 4).await;
    // The next pause of each has 16 minutes.
    assert!(took <= 200, "it took {took} s");
}

#[tokio::test]
async fn connections_that_could_not_be_made_due_are_made_due_a_minute_later() {
    let it = Outage::new(RefreshSemantics::Stable).await;
    it.world.clock.advance(Duration::from_secs(100));
    it.provider.both(503);
    it.fall_due_again().await;
    let _running = run(&it.registry);
    it.comes("each has failed", async |it| it.have_failed_again().await).await;
    it.pass(60).await;
    sql::refuse(&it.world.database(), "UPDATE ON connection_credential").await;
    it.provider.both(200);
    assert_eq!(send(&it.key).await.unwrap(), 200);
    it.pass(20).await;
    sql::refuse_no_more(&it.world.database()).await;
    assert_eq!(it.refreshed().await, 0);
    let took = it.until("all are refreshed", async |it| it.refreshed().await == 4).await;
    assert!(took <= 200, "it took {took} s");
}

#[tokio::test]
async fn the_answer_may_be_seen_by_another_process_than_the_failure() {
    let it = Outage::new(RefreshSemantics::Strict).await;
    let other = it.process().await;
    it.world.clock.advance(Duration::from_secs(u64::try_from(LIFE - 100).unwrap()));
    it.provider.both(503);
    let _running = run(&it.registry);
    it.until("each has failed several times", async |it| it.provider.asked().len() >= 16).await;
    it.pass(60).await;
    it.provider.both(200);
    // The other process has seen no failure, and has no scheduler.
    let key = other.connection(it.key.id()).await.unwrap();
    assert_eq!(send(&key).await.unwrap(), 200);
    other.close().await;
    let took = it.until("all are refreshed", async |it| it.refreshed().await == 4).await;
    assert!(took <= 200, "it took {took} s");
}

#[tokio::test]
async fn a_connection_that_could_not_be_verified_is_verified_when_its_provider_answers() {
    let it = Outage::new(RefreshSemantics::Strict).await;
    let second = connected(&it.registry, "key-2").await;
    it.provider.both(503);
    for connection in [&it.key, &second] {
        assert_eq!(connection.verify().await.unwrap().liveness, Liveness::Offline);
    }
    let _running = run(&it.registry);
    it.pass(120).await;
    let probed = it.provider.probed().len();
    it.provider.both(200);
    assert_eq!(send(&it.key).await.unwrap(), 200);
    let both = async |it: &Outage| {
        it.liveness(&it.key).await == Liveness::Live && it.liveness(&second).await == Liveness::Live
    };
    let took = it.until("both are live", both).await;
    assert!(took <= 100, "it took {took} s");
    assert_eq!(it.provider.probed().len(), probed + 2);
}

#[tokio::test]
async fn a_connection_that_failed_seconds_ago_is_asked_a_minute_after_its_failure() {
    let it = Outage::new(RefreshSemantics::Strict).await;
    // The answers to the setups were reported a while ago.
    it.world.clock.advance(Duration::from_secs(100));
    it.provider.both(503);
    assert_eq!(it.key.verify().await.unwrap().liveness, Liveness::Offline);
    it.provider.both(200);
    it.world.clock.advance(Duration::from_secs(10));
    assert_eq!(send(&it.key).await.unwrap(), 200);
    // A process that ends waits for what its answers make due.
    it.registry.close().await;
    assert_eq!(it.number("SELECT MAX(next_check_at) FROM connection_liveness").await, START + 160);
}

/// During the quarantine after an outage, an attempt sends nothing and learns nothing of the origin.
#[tokio::test]
async fn an_attempt_within_the_quarantine_leaves_the_connection_waiting_for_an_answer() {
    let it = Outage::new(RefreshSemantics::Strict).await;
    it.world.clock.advance(Duration::from_hours(2));
    it.provider.both(503);
    let failed = it.world.now();
    it.renewing[0].refresh().await.unwrap_err();
    it.world.clock.advance(Duration::from_secs(30));
    it.renewing[0].refresh().await.unwrap_err();
    assert_eq!(it.provider.asked(), [failed - START], "nothing is sent in the quarantine");
    it.provider.both(200);
    it.world.clock.advance(Duration::from_secs(10));
    assert_eq!(send(&it.key).await.unwrap(), 200);
    it.registry.close().await;
    let due = it.number("SELECT MIN(refresh_at) FROM connection_credential WHERE refresh_failures > 0").await;
    assert!((60..=61).contains(&(due - failed)), "{}", due - failed);
}

#[tokio::test]
async fn an_api_that_is_back_shortens_no_pause_of_a_token_endpoint_that_is_not() {
    let attempts = async |is_back: bool| {
        let world = World::new().await;
        let provider = Provider::new(&world);
        let answering = provider.clone();
        world.provider(move |request| answering.answer(request));
        let answering = provider.clone();
        let issuer = TestServer::start(move |request| answering.answer(request)).await;
        let plugin = Renewing::of(RefreshSemantics::Strict);
        *plugin.issuer.lock().unwrap() = ISSUER;
        let policy = world.policy().endpoint(ISSUER, &issuer.origin()).unwrap();
        let registry = world.builder().http(policy).kind(plugin.clone()).kind(Acme::default()).open().await.unwrap();
        let connection = plugin.connected(&registry).await;
        let key = connected(&registry, "key-1").await;
        world.clock.advance(Duration::from_secs(u64::try_from(LIFE - 10).unwrap()));
        provider.both(503);
        let it = Outage { world, provider, plugin, registry, renewing: vec![connection], key };
        let _running = run(&it.registry);
        it.pass(60).await;
        if is_back {
            it.provider.api.store(200, SeqCst);
        }
        // The next attempt after 1,260 seconds comes an hour later, so there is time for a host that is slow.
        for _ in 0..35 {
            let answered = send(&it.key).await.unwrap();
            assert_eq!(answered, if is_back { 200 } else { 503 });
            it.pass(60).await;
        }
        it.provider.asked().len()
    };
    let control = attempts(false).await;
    assert_eq!((attempts(true).await, control), (4, 4), "at 0, 60, 360 and 1,260 seconds");
}

#[tokio::test]
async fn a_provider_that_fails_now_and_then_is_asked_at_most_once_a_minute_for_a_connection() {
    for semantics in [RefreshSemantics::Strict, RefreshSemantics::Stable] {
        let it = Outage::new(semantics).await;
        it.world.clock.advance(Duration::from_secs(u64::try_from(LIFE - 10).unwrap()));
        it.provider.token.store(503, SeqCst);
        let _running = run(&it.registry);
        for _ in 0..90 {
            assert_eq!(send(&it.key).await.unwrap(), 200);
            it.pass(10).await;
        }
        let asked = it.provider.asked();
        // Without the answers, the fifth attempt is due after 900 seconds.
        assert!((4 * 5 + 1..=4 * 17).contains(&asked.len()), "{semantics:?}: {asked:?}");
        assert_eq!(it.refreshed().await, 0);
    }
}

#[tokio::test]
async fn a_pause_that_was_asked_for_is_not_shortened() {
    for (status, header) in [(503, "retry-after: 1800\r\n"), (429, "retry-after: 1800\r\n"), (429, "")] {
        let it = Outage::new(RefreshSemantics::Stable).await;
        it.world.provider(move |_| Reply::whole(status, header, ""));
        assert_eq!(it.key.verify().await.unwrap().liveness, Liveness::Offline);
        it.world.clock.advance(Duration::from_secs(u64::try_from(LIFE).unwrap()));
        for connection in &it.renewing {
            connection.verify().await.unwrap();
        }
        // The control: a failure without a pause.
        let second = connected_beside(&it, "key-2").await;
        it.world.provider(|_| Reply::whole(503, "", ""));
        assert_eq!(second.verify().await.unwrap().liveness, Liveness::Offline);
        let waiting = "SELECT count(*) FROM connection_liveness AS l LEFT JOIN connection_credential AS c \
                       ON c.connection_id = l.connection_id WHERE l.probe_from IS NOT NULL \
                       OR l.refresh_from < c.refresh_at";
        assert_eq!(it.number(waiting).await, 1, "{status} {header}");
    }
}

/// Connects an account while the provider fails for all others.
async fn connected_beside(it: &Outage, key: &'static str) -> Connection {
    it.world.provider(move |_| me(key, key));
    connected_as(&it.registry, &Kind::from_static("acme"), &[("accessToken", key)]).await
}

#[tokio::test]
async fn a_token_that_works_is_spared_although_its_provider_answers() {
    let it = Outage::new(RefreshSemantics::Strict).await;
    // The credentials are due, and work for five minutes and more.
    sql::run(&it.world.database(), format!("UPDATE connection_credential SET refresh_at = {}", START + 10)).await;
    it.provider.token.store(503, SeqCst);
    let _running = run(&it.registry);
    it.pass(30).await;
    it.until("each of the four is asked for", async |it| it.provider.asked().len() >= 4).await;
    let asked = it.provider.asked().len();
    it.provider.both(200);
    for _ in 0..20 {
        assert_eq!(send(&it.key).await.unwrap(), 200);
        it.pass(30).await;
    }
    assert_eq!(it.provider.asked().len(), asked);
}

/// Adds this many connections that could neither be verified nor refreshed, half of them at another origin.
async fn add_failed(world: &World, count: i64) {
    let (id, numbers) = match on_postgres() {
        true => ("gen_random_uuid()", format!("SELECT n FROM generate_series(1, {count}) AS n")),
        false => (
            "randomblob(16)",
            format!("WITH RECURSIVE c(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM c WHERE n < {count}) SELECT n FROM c"),
        ),
    };
    let sealed = sql::literal(&[1]);
    let key = sql::literal(&[0; 8]);
    sql::script(
        &world.database(),
        format!(
            "INSERT INTO connection_account (id, owner, kind, label, account_id, account_label, is_default, config, \
             generation, next_generation, state, created_at, updated_at) SELECT {id}, 'local', '{FAKE}', 'label-' || n, \
             CAST(n AS TEXT), 'account', FALSE, '[]', 1, 2, 'active', {START}, {START} FROM ({numbers}) AS numbers; \
             INSERT INTO connection_liveness (connection_id, liveness, generation, checked_at, probe_origin, probe_from, \
             refresh_origin, refresh_from) SELECT id, 'offline', 1, {START}, origin, {START}, origin, {START} FROM \
             (SELECT id, CASE WHEN CAST(account_id AS INTEGER) % 2 = 0 THEN '{API}' ELSE 'https://other.example' END \
             AS origin FROM connection_account WHERE kind = '{FAKE}') AS failed; \
             INSERT INTO connection_credential (connection_id, generation, state, sealed, key_id, secret_names, \
             created_at, refresh_at, refresh_failures) SELECT id, 1, 'current', {sealed}, {key}, '[]', {START}, \
             {START} + 3600, 3 FROM connection_account WHERE kind = '{FAKE}';"
        ),
    )
    .await;
}

#[tokio::test]
async fn many_connections_are_made_due_by_one_answer_and_none_of_another_origin() {
    let it = Outage::new(RefreshSemantics::Strict).await;
    let failed = rounds(2_000, 100_000);
    add_failed(&it.world, failed).await;
    it.pass(60).await;
    assert_eq!(send(&it.key).await.unwrap(), 200);
    // A process that ends waits for what its answers make due.
    it.registry.close().await;
    let now = it.world.now();
    for origin in [API, "https://other.example"] {
        let of_origin = |what: &str| {
            format!(
                "SELECT count(*) FROM connection_liveness AS l JOIN connection_credential AS c \
                 ON c.connection_id = l.connection_id WHERE l.probe_origin = '{origin}' AND c.refresh_failures > 0 {what}"
            )
        };
        assert_eq!(it.number(&of_origin("")).await, failed / 2);
        let due = it.number(&of_origin(&format!("AND c.refresh_at = {now} AND l.next_check_at = {now}"))).await;
        assert_eq!(due, if origin == API { failed / 2 } else { 0 }, "{origin}");
    }
}
