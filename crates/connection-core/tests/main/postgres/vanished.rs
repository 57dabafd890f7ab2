//! A server that vanishes without a word: its connections stay open, and nothing comes on them. Each wait has an end, and
//! the next request finds a new connection.

use std::{future::poll_fn, pin::pin, task::Poll, time::Duration};

use connection_core::{Connection, ConnectionInfo, ConnectionRegistry, Error, Filter, StoreError};
use sqlx::{ConnectOptions as _, PgConnection};
use tokio::{
    runtime::Handle,
    task::{JoinHandle, yield_now},
    time::{advance, pause, resume},
};

use crate::{
    acme::Acme,
    postgres::commit_lost::{FORGET, Proxy},
    sql,
    test_host::{World, connected},
};

/// A registry that reaches its server through a proxy, and a connection to the server beside it.
struct Vanishing {
    world: World,
    proxy: Proxy,
    registry: ConnectionRegistry,
    connection: Connection,
    beside: PgConnection,
}

impl Vanishing {
    async fn new() -> Self {
        let world = World::new().await;
        let (proxy, through) = Proxy::before(&world).await;
        let registry = world.builder().store(through).kind(Acme::default()).open().await.unwrap();
        let connection = connected(&registry, "key-1").await;
        let sql::Database::Server(options) = world.database() else { unreachable!("this is the suite on a server") };
        let beside = options.connect().await.unwrap();
        Self { world, proxy, registry, connection, beside }
    }

    fn rename(&self, name: String) -> JoinHandle<Result<ConnectionInfo, Error>> {
        let connection = self.connection.clone();
        Handle::current().spawn(async move { connection.rename(name).await })
    }

    /// Begins renames that wait in the server until [`release`](Self::release).
    async fn held(&mut self, count: i64) -> Vec<JoinHandle<Result<ConnectionInfo, Error>>> {
        let lock = "BEGIN; LOCK TABLE connection_account IN EXCLUSIVE MODE";
        sqlx::raw_sql(lock).execute(&mut self.beside).await.unwrap();
        let renames = (0..count).map(|number| self.rename(format!("name-{number}"))).collect();
        while self.waiting().await < count {}
        renames
    }

    /// Returns the number of statements that wait in the server.
    async fn waiting(&mut self) -> i64 {
        // In a transaction, the server shows what it has shown before.
        sqlx::raw_sql("SELECT pg_stat_clear_snapshot()").execute(&mut self.beside).await.unwrap();
        let waiting =
            "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'";
        sqlx::query_as::<_, (i64,)>(waiting).fetch_one(&mut self.beside).await.unwrap().0
    }

    async fn release(&mut self) {
        sqlx::raw_sql("ROLLBACK").execute(&mut self.beside).await.unwrap();
    }

    async fn forget(&self) {
        self.proxy.forget();
        // The tasks of the proxy notice it before anything else happens.
        yield_now().await;
    }

    /// Checks that the next change is stored at once.
    async fn check_writes(&self) {
        assert_eq!(self.connection.rename("later").await.unwrap().label.as_str(), "later");
    }
}

/// Lets time pass for this process, but not for the server.
async fn pass(time: Duration) {
    pause();
    advance(time).await;
    resume();
}

/// Lets the tasks of this process come to where they wait.
async fn tasks_go_on() {
    for _ in 0..100 {
        yield_now().await;
    }
}

#[tokio::test]
async fn writes_on_a_server_that_vanishes_end_and_their_places_are_free() {
    let mut it = Vanishing::new().await;
    // As many as there may be connections.
    let renames = it.held(8).await;
    it.forget().await;
    it.release().await;
    // The server ends a transaction whose client has vanished after 15 seconds.
    let end = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity \
               WHERE datname = current_database() AND pid <> pg_backend_pid()";
    sqlx::query(end).execute(&mut it.beside).await.unwrap();
    assert!(renames.iter().all(|rename| !rename.is_finished()), "the control: nobody was told");
    pass(Duration::from_secs(14)).await;
    for rename in renames {
        let error = rename.await.unwrap().unwrap_err();
        let Error::Store(error) = &error else { panic!("{error:?}") };
        assert!(matches!(**error, StoreError::Unavailable { .. }), "{error:?}");
        assert!(error.to_string().contains("did not answer in 14 seconds"), "{error}");
    }
    it.check_writes().await;
    it.registry.close().await;
}

#[tokio::test]
async fn a_commit_that_is_not_answered_ends_as_unknown() {
    let it = Vanishing::new().await;
    it.proxy.cut(FORGET, 0);
    let rename = it.rename("done".to_owned());
    while !it.proxy.has_cut() {
        yield_now().await;
    }
    pass(Duration::from_secs(14)).await;
    let error = rename.await.unwrap().unwrap_err();
    let Error::Store(store_error) = &error else { panic!("{error:?}") };
    assert!(matches!(**store_error, StoreError::CommitUnknown { .. }), "{store_error:?}");
    it.check_writes().await;
    let history = it.registry.events().history(it.connection.id(), None).await.unwrap();
    let renames = history.page.items.iter().filter(|event| event.name == "renamed").count();
    assert_eq!(renames, 2, "the server had the commit");
    it.registry.close().await;
}

/// A future that nobody polls any longer ends none of its waits.
#[tokio::test]
async fn a_place_that_is_kept_for_a_minute_past_its_deadline_is_told() {
    let mut it = Vanishing::new().await;
    let registry = it.registry.clone();
    let lock = "BEGIN; LOCK TABLE connection_account IN ACCESS EXCLUSIVE MODE";
    sqlx::raw_sql(lock).execute(&mut it.beside).await.unwrap();
    {
        let mut list = pin!(registry.list_connections(Filter::new()));
        while it.waiting().await == 0 {
            let polled = poll_fn(|context| Poll::Ready(list.as_mut().poll(context))).await;
            assert!(polled.is_pending(), "the table is locked");
        }
        it.forget().await;
        pass(Duration::from_secs(70)).await;
        assert!(!registry.store().is_stuck(), "the deadline of 14 seconds, and less than a minute");
        pass(Duration::from_secs(10)).await;
        assert!(registry.store().is_stuck());
    }
    it.release().await;
}

#[tokio::test]
async fn no_place_is_kept_past_its_deadline_during_an_outage() {
    let mut it = Vanishing::new().await;
    let registry = it.registry.clone();
    // Writes on a server that vanishes, and an hour without it.
    let renames = it.held(8).await;
    it.forget().await;
    it.release().await;
    pass(Duration::from_secs(15)).await;
    for rename in renames {
        rename.await.unwrap().unwrap_err();
    }
    for _ in 0..60 {
        pass(Duration::from_secs(60)).await;
        tasks_go_on().await;
        assert!(!registry.store().is_stuck());
    }
    it.registry.close().await;
}

#[tokio::test]
async fn kept_connections_that_are_silent_cost_one_ping() {
    let mut it = Vanishing::new().await;
    let renames = it.held(4).await;
    it.release().await;
    for rename in renames {
        rename.await.unwrap().unwrap();
    }
    it.forget().await;
    // A connection that was used a moment ago is not pinged.
    pass(Duration::from_secs(1)).await;
    let rename = it.rename("later".to_owned());
    tasks_go_on().await;
    pass(Duration::from_secs(2)).await;
    assert_eq!(rename.await.unwrap().unwrap().label.as_str(), "later");
    it.registry.close().await;
}

/// The clock of the test stands still, so that the watch does not look by itself.
#[tokio::test]
async fn a_watch_learns_of_a_change_although_the_connection_that_hears_of_it_is_silent() {
    let mut it = Vanishing::new().await;
    let mut watch = it.registry.events().watch().await.unwrap();
    let next = Handle::current().spawn(async move { watch.next().await });
    let listening = "SELECT count(*) FROM pg_stat_activity \
                     WHERE datname = current_database() AND query LIKE 'LISTEN%' AND state = 'idle'";
    while sqlx::query_as::<_, (i64,)>(listening).fetch_one(&mut it.beside).await.unwrap().0 == 0 {}
    tasks_go_on().await;
    it.forget().await;
    let other = it.world.acme().await;
    other.connection(it.connection.id()).await.unwrap().rename("elsewhere").await.unwrap();
    assert!(!next.is_finished(), "the control: the signal is lost");
    // The silence, the answer that does not come, the pause, and the ping of a kept connection.
    for seconds in [30, 5, 2, 2] {
        pass(Duration::from_secs(seconds)).await;
        tasks_go_on().await;
    }
    let event = tokio::time::timeout(Duration::from_secs(60), next).await.expect("it connects anew");
    let event = event.unwrap().unwrap().unwrap();
    assert!(event.name == "renamed", "{}", event.name);
    other.close().await;
    it.registry.close().await;
}
