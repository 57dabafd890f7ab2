//! A host in a test: a new directory, a provider on loopback, and a clock that stands until it is moved.

use std::{
    ops::Deref,
    sync::{Arc, Mutex},
    time::Duration,
};

use connection_contract::{Clock, ConnectionDefinition, Kind, PathBase, PathSpec, Timestamp};
use connection_core::{
    AllowedTool, Connection, ConnectionRegistry, HttpPolicy, Limits, Machine, ManualClock, Outcome, RegistryBuilder,
    ToolPolicy,
};
#[allow(unused_imports, reason = "a benchmark uses fewer of them")]
pub(crate) use connection_faults::{
    postgres::is_engine as on_postgres,
    setups::{answers, code, connect, step},
};

use connection_faults::{sql, test_database::TestDatabase};
use tokio::task::JoinHandle;

use crate::{
    acme::{API, Acme, KIND},
    test_server::{Reply, TestServer},
};

pub(crate) const START: i64 = 1_800_000_000;

/// The tables whose rows are leased.
const LEASED: [&str; 6] = [
    "connection_access_token_request",
    "connection_approval",
    "connection_liveness",
    "connection_outbox",
    "connection_setup",
    "connection_webhook",
];

type Route = Box<dyn FnMut(&str) -> Reply + Send>;

/// One machine: its database and files, its clock, and the provider that `https://api.acme.example` is mapped to.
pub(crate) struct World {
    database: TestDatabase,
    pub(crate) clock: ManualClock,
    pub(crate) server: TestServer,
    route: Arc<Mutex<Route>>,
}

impl Deref for World {
    type Target = TestDatabase;

    fn deref(&self) -> &TestDatabase {
        &self.database
    }
}

impl World {
    /// Creates a test host whose provider knows every key, as account `1`, `ada`.
    pub(crate) async fn new() -> Self {
        let route: Arc<Mutex<Route>> = Arc::new(Mutex::new(Box::new(|_| me("1", "ada"))));
        let answer = route.clone();
        let server = TestServer::start(move |request| (answer.lock().unwrap())(request)).await;
        let clock = ManualClock::at(Timestamp::from_seconds(START));
        Self { database: TestDatabase::new().await, clock, server, route }
    }

    /// Sets the provider's answers from now on.
    pub(crate) fn provider(&self, route: impl FnMut(&str) -> Reply + Send + 'static) {
        *self.route.lock().unwrap() = Box::new(route);
    }

    /// Returns the time of its clock, in seconds.
    pub(crate) fn now(&self) -> i64 {
        Clock::now(&self.clock).seconds()
    }

    /// Returns the name of the database as in errors, without credentials.
    pub(crate) fn place(&self) -> String {
        let Some(database) = &self.postgres else { return self.address() };
        let options = match self.pooled() {
            Some(pooled) => pooled.parse().unwrap(),
            None => database.options(),
        };
        let name = options.get_database().unwrap();
        format!("postgres://{}:{}/{name}", options.get_host(), options.get_port())
    }

    /// Lets the leases of all holders expire, which the clock of the database measures: as if it showed a day later.
    pub(crate) async fn leases_expire(&self) {
        for table in LEASED {
            let earlier =
                format!("UPDATE {table} SET lease_until = lease_until - 86400 WHERE lease_until < 9000000000");
            sql::run(&self.database(), earlier).await;
        }
    }

    /// Returns the time of the database, in seconds.
    pub(crate) async fn database_now(&self) -> i64 {
        sql::number(&self.database(), format!("SELECT {}", database_clock())).await.unwrap()
    }

    pub(crate) fn policy(&self) -> HttpPolicy {
        HttpPolicy::new().endpoint(API, &self.server.origin()).unwrap()
    }

    /// Returns a builder without kinds. Two registries of one test host stand for two processes on one machine. They
    /// cache no rows, so that they see direct writes of a test at once.
    pub(crate) fn builder(&self) -> RegistryBuilder {
        let builder = self.database.builder().machine(Machine::new().tools(tools()));
        builder.limits(Limits::new().hot_rows(Duration::ZERO)).http(self.policy()).clock(Arc::new(self.clock.clone()))
    }

    pub(crate) async fn open(&self, definition: impl ConnectionDefinition) -> ConnectionRegistry {
        self.builder().kind(definition).open().await.unwrap()
    }

    pub(crate) async fn acme(&self) -> ConnectionRegistry {
        self.open(Acme::default()).await
    }
}

/// Returns the SQL expression for the time by the database's clock, in seconds.
pub(crate) fn database_clock() -> &'static str {
    if on_postgres() { "CAST(floor(extract(epoch FROM clock_timestamp())) AS BIGINT)" } else { "unixepoch()" }
}

/// Returns the tools of the kinds of these tests, with what their profiles set.
pub(crate) fn tools() -> ToolPolicy {
    let home = |path: &str| PathSpec::new(PathBase::Home, path.to_owned()).unwrap();
    let mut outside = home("a");
    outside.relative = "../a".into();
    let tool = ["TOOL_HOME", "TOOL_PARENT", "TOOL_ISOLATED", "TOOL_TOKEN", "XDG_CONFIG_HOME"].into_iter();
    let tool = tool.fold(AllowedTool::new("tool").argument("--isolated"), AllowedTool::variable);
    let names = ["gone", "helper"].into_iter().map(|name| AllowedTool::new(name).paths([home("tools")]));
    let policy = names.fold(ToolPolicy::new(), ToolPolicy::allow);
    policy
        .allow(tool.paths([".tool", ".toolrc", ".toolbeside"].map(home)).paths([outside]))
        .allow(AllowedTool::new("lent").variable("LENT_HOME").paths([home(".lent")]))
        .allow(AllowedTool::new("metered").variable("METERED_HOME").paths([home(".metered")]))
}

/// Returns the provider's answer for an account.
pub(crate) fn me(id: &str, name: &str) -> Reply {
    Reply::ok(&format!(r#"{{"id":"{id}","name":"{name}"}}"#))
}

/// Connects an Acme account with this key.
pub(crate) async fn connected(registry: &ConnectionRegistry, key: &str) -> Connection {
    connected_as(registry, &KIND, &[("accessToken", key)]).await
}

/// Connects an account of that kind with these answers.
pub(crate) async fn connected_as(registry: &ConnectionRegistry, kind: &Kind, pairs: &[(&str, &str)]) -> Connection {
    match connect(registry, kind, pairs).await {
        Outcome::Done(done) => registry.connection(done.connection).await.unwrap(),
        other => panic!("not connected: {other:?}"),
    }
}

/// Lets time pass until a task ends that only a deadline of the core can end.
pub(crate) async fn outlasted<T>(world: &World, task: JoinHandle<T>) -> T {
    while !task.is_finished() {
        world.clock.advance(Duration::from_secs(1));
        tokio::task::yield_now().await;
    }
    task.await.unwrap()
}
