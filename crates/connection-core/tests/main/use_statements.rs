//! The statements that a use runs on the store.
//!
//! On PostgreSQL the statements run on threads that all tests share, so they are counted on SQLite. The texts are
//! the same.

use std::time::Duration;

use connection_core::{Audience, Connection, Door, Limits, RequestBody, UseFilter};
use connection_rules::{RequestParts, Rules};
use serde_json::json;
use tokio::runtime::Handle;

use crate::{
    acme::Acme,
    agents::issued,
    extension_statements::Counted,
    renewing::{Renewing, send},
    strict_issuer::Strict,
    test_host::{on_postgres, World, connected},
    write_statements::commits,
};

#[tokio::test]
async fn a_use_from_an_id_reads_once_and_one_that_is_hot_reads_nothing() {
    if on_postgres() {
        return;
    }
    let on = Counted::new().await;
    let id = connected(&on.registry, "one").await.id();
    let used = async || {
        let connection = on.registry.connection(id).await.unwrap();
        connection.request("GET", "/things").await.unwrap()
    };
    let cold = async || {
        // Drops all cached rows.
        on.registry.kinds().replace(Acme::default()).unwrap();
        used().await
    };
    assert_eq!(on.takes(cold).await.0, 1);
    assert_eq!(on.takes(used).await.0, 0);
}

/// Returns the fewest of each number that a use takes: statements that write entries, other statements, transactions, and
/// transactions that wait for the disk. The entries are written when it returns.
async fn takes(on: &Counted, mut used: impl AsyncFnMut()) -> [usize; 4] {
    let mut fewest = [usize::MAX; 4];
    for _ in 0..5 {
        let (entries, (transactions, synced)) = (on.entry_count().await, commits(&on.world));
        let (statements, ()) = on
            .once(&mut async || {
                used().await;
                // A reader sees what was written before, and takes one statement.
                on.registry.uses().list(UseFilter::new(), None, 1).await.unwrap();
            })
            .await;
        let (all_transactions, all_synced) = commits(&on.world);
        let entries = on.entry_count().await - entries;
        let each = [entries, statements - 1, all_transactions - transactions, all_synced - synced];
        fewest = std::array::from_fn(|number| fewest[number].min(each[number]));
    }
    fewest
}

#[tokio::test]
async fn a_use_writes_its_entries_and_nothing_else_and_does_not_wait_for_the_disk() {
    if on_postgres() {
        return;
    }
    let on = Counted::new().await;
    let connection = connected(&on.registry, "one").await;
    let agent = on.registry.agents().create("deploy").await.unwrap();
    let rules = json!({ "rule": [{ "name": "all", "path": "/**", "effect": "allow" }] });
    agent.grant(connection.id()).rules(Rules::from_value(&rules).unwrap()).await.unwrap();
    let token = issued(&agent).await;
    let by_agent = async || {
        let caller = on.registry.authenticate_agent(&token, Audience::Doors).await.unwrap().unwrap();
        let (request, body) = (RequestParts::new("GET", "/things"), RequestBody::empty());
        let answer = on.registry.for_agent(&caller).open(connection.id(), request, body).await.unwrap();
        answer.bytes(1 << 20).await.unwrap();
    };
    // The beginning is committed before the request leaves.
    assert_eq!(takes(&on, by_agent).await, [2, 0, 2, 0]);
    let direct = async || assert_eq!(send(&connection).await.unwrap(), 200);
    assert_eq!(takes(&on, direct).await, [1, 0, 1, 0]);
}

#[tokio::test]
async fn uses_that_begin_at_once_are_written_together() {
    const USES: usize = 64;
    if on_postgres() {
        return;
    }
    let on = Counted::new().await;
    let connection = connected(&on.registry, "one").await.id();
    let agent = on.registry.agents().create("deploy").await.unwrap();
    let rules = json!({ "rule": [{ "name": "all", "path": "/**", "effect": "allow" }] });
    agent.grant(connection).rules(Rules::from_value(&rules).unwrap()).await.unwrap();
    let caller = agent.caller(Door::Library);
    let before = on.entry_count().await;
    let used = |path: String| {
        let (registry, caller) = (on.registry.clone(), caller.clone());
        async move {
            let (request, body) = (RequestParts::new("GET", path), RequestBody::empty());
            let answer = registry.for_agent(&caller).open(connection, request, body).await.unwrap();
            answer.bytes(1 << 20).await.unwrap();
        }
    };
    let running: Vec<_> = (0..USES).map(|number| Handle::current().spawn(used(format!("/things/{number}")))).collect();
    for running in running {
        running.await.unwrap();
    }
    let page = on.registry.uses().list(UseFilter::new(), None, 100).await.unwrap();
    let mut paths: Vec<_> = page.items.iter().filter(|used| used.end.is_some()).filter_map(|used| used.path.clone()).collect();
    paths.sort_unstable();
    paths.dedup();
    assert_eq!(paths.len(), USES, "{paths:?}");
    // Without that, each of them is a statement, and a round trip to the driver.
    let statements = on.entry_count().await - before;
    assert!(statements <= USES / 2, "{statements} statements");
}

/// The future of a use is allocated and moved. That of a read is much larger, and is allocated only for a read.
#[tokio::test]
async fn the_futures_of_a_use_are_small() {
    let world = World::new().await;
    let registry = world.acme().await;
    let connection = connected(&registry, "key-1").await;
    let found = size_of_val(&*registry.connection(connection.id()));
    let request = size_of_val(&*connection.request("GET", "/things"));
    assert!(found <= 256 && request <= 512, "{found} and {request} bytes");
}

#[tokio::test]
async fn a_new_handle_sees_the_changes_of_its_process() {
    let world = World::new().await;
    let kept = world.builder().limits(Limits::new().hot_rows(Duration::from_millis(500)));
    let registry = kept.kind(Acme::default()).open().await.unwrap();
    let connection = connected(&registry, "key-1").await;
    let checked = async || registry.connection(connection.id()).await.unwrap().info().checked_at;
    let before = checked().await;
    world.clock.advance(Duration::from_millis(400));
    world.clock.jump_to(connection_contract::Timestamp::from_seconds(world.now() + 1));
    // Only the time of the probe changes.
    let measured = connection.verify().await.unwrap().checked_at;
    assert!(measured > before && checked().await == measured);
    connection.rename("other").await.unwrap();
    assert_eq!(registry.connection(connection.id()).await.unwrap().info().label.as_str(), "other");
    registry.remove(connection.id()).await.unwrap();
    assert!(registry.connection(connection.id()).await.is_err());
}

/// A connection whose token has expired, on a store whose statements are counted.
struct Herd {
    on: Counted,
    connection: Connection,
    provider: Strict,
}

impl Herd {
    async fn new() -> Self {
        let world = World::new().await;
        let plugin = Renewing::new();
        let provider = Strict::new();
        let answering = provider.clone();
        world.provider(move |request| answering.answer(request));
        let on = Counted::of(world, plugin.clone()).await;
        let connection = plugin.connected(&on.registry).await;
        Self { on, connection, provider }
    }

    /// Returns the fewest statements until this number of callers have their results.
    async fn takes<F: Future<Output = ()> + Send + 'static>(
        &self,
        many: usize,
        what: impl Fn(Connection) -> F,
    ) -> usize {
        let all = async || {
            const ENDED: &str = "UPDATE connection_credential SET valid_until = 1000, refresh_at = 1000";
            crate::sql::run(&self.on.world.database(), ENDED).await;
            self.on.world.clock.advance(Duration::from_millis(500));
            let requests = self.provider.request_count();
            let waiting: Vec<_> = (0..many).map(|_| Handle::current().spawn(what(self.connection.clone()))).collect();
            for waiting in waiting {
                waiting.await.unwrap();
            }
            assert_eq!(self.provider.request_count(), requests + 1);
        };
        self.on.takes(all).await.0
    }
}

#[tokio::test]
async fn waiters_of_a_refresh_read_no_rows() {
    if on_postgres() {
        return;
    }
    let herd = Herd::new().await;
    let refresh = |connection: Connection| async move { drop(connection.refresh().await.unwrap()) };
    let of_one = herd.takes(1, refresh).await;
    let of_many = herd.takes(200, refresh).await;
    // Jobs that are written together share a transaction, so the count differs by a few statements.
    assert!(of_many < of_one + 10, "{of_one} statements for one, and {of_many} for 200");
    let sends = |connection: Connection| async move { assert_eq!(send(&connection).await.unwrap(), 200) };
    let of_one = herd.takes(1, sends).await;
    let of_many = herd.takes(50, sends).await;
    assert!(of_many < of_one + 10, "{of_one} statements for one, and {of_many} for 50");
}

/// A process that waits for another one looks at the lease once in a while, for all of its callers.
#[tokio::test]
async fn callers_in_four_processes_cause_one_request_and_fewer_statements_than_there_are_callers() {
    const PROCESSES: usize = 4;
    const CALLERS: usize = 100;
    if on_postgres() {
        return;
    }
    let world = World::new().await;
    let plugin = Renewing::new();
    let provider = Strict::new();
    let answering = provider.clone();
    world.provider(move |request| answering.answer(request));
    let on = Counted::of(world, plugin.clone()).await;
    let id = plugin.connected(&on.registry).await.id();
    let mut connections = Vec::new();
    for _ in 0..PROCESSES {
        let registry = on.another(plugin.clone()).await;
        connections.push(registry.connection(id).await.unwrap());
    }
    let all = async || {
        const ENDED: &str = "UPDATE connection_credential SET valid_until = 1000, refresh_at = 1000";
        crate::sql::run(&on.world.database(), ENDED).await;
        on.world.clock.advance(Duration::from_millis(500));
        let requests = provider.request_count();
        // The first process is inside the refresh before the others begin.
        plugin.after.close();
        let spawn = |connection: &Connection| {
            let sends = (0..CALLERS).map(|_| {
                let connection = connection.clone();
                Handle::current().spawn(async move { send(&connection).await.unwrap() })
            });
            sends.collect::<Vec<_>>()
        };
        let first = spawn(&connections[0]);
        plugin.after.until_inside(1).await;
        let others: Vec<_> = connections[1..].iter().flat_map(spawn).collect();
        tokio::task::yield_now().await;
        plugin.after.open();
        for caller in first {
            assert_eq!(caller.await.unwrap(), 200);
        }
        for caller in others {
            while !caller.is_finished() {
                // Each read takes longer than a process needs to look at the lease, and a request has ten seconds.
                on.world.clock.advance(Duration::from_millis(5));
                crate::sql::number(&on.world.database(), "SELECT generation FROM connection_account").await;
            }
            assert_eq!(caller.await.unwrap(), 200);
        }
        assert_eq!(provider.request_count(), requests + 1);
    };
    let (statements, ()) = on.takes(all).await;
    assert!(statements < PROCESSES * CALLERS, "{statements} statements");
}
