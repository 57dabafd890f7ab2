//! A host in a test: a new directory, a provider on loopback, and a clock that stands until it is moved.

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use connection_contract::{ConnectionDefinition, PathBase, PathSpec, Timestamp};
use connection_core::{
    AllowedTool, ConnectionRegistry, HttpPolicy, KeyFile, Limits, Machine, ManualClock, RegistryBuilder, StoreSource,
    ToolPolicy,
};
#[allow(unused_imports, reason = "a benchmark uses fewer of them")]
pub(crate) use connection_faults::setups::{answers, code, connect, step};

use connection_faults::postgres;
use tempfile::TempDir;
use tokio::task::JoinHandle;

use crate::{
    acme::{API, Acme},
    test_server::{Reply, TestServer},
};

pub(crate) use connection_faults::postgres::is_engine as on_postgres;

const START: i64 = 1_800_000_000;

type Route = Box<dyn FnMut(&str) -> Reply + Send>;

/// One machine: its files, its clock, and the provider that `https://api.acme.example` is mapped to.
pub(crate) struct World {
    pub(crate) directory: TempDir,
    pub(crate) clock: ManualClock,
    server: TestServer,
    /// The database on the test server; `None` for a file.
    postgres: Option<postgres::Database>,
    route: Arc<Mutex<Route>>,
}

impl World {
    pub(crate) async fn new() -> Self {
        let route: Arc<Mutex<Route>> = Arc::new(Mutex::new(Box::new(|_| Reply::ok(r#"{"id":"1","name":"ada"}"#))));
        let answer = route.clone();
        let server = TestServer::start(move |request| (answer.lock().unwrap())(request)).await;
        let clock = ManualClock::at(Timestamp::from_seconds(START));
        let postgres = if on_postgres() { Some(postgres::Database::migrated().await) } else { None };
        Self { directory: TempDir::new().unwrap(), clock, server, postgres, route }
    }

    /// Sets the provider's answers from now on.
    pub(crate) fn provider(&self, route: impl FnMut(&str) -> Reply + Send + 'static) {
        *self.route.lock().unwrap() = Box::new(route);
    }

    /// Returns the database, through a pooler if the whole suite runs with one.
    #[expect(clippy::disallowed_methods, reason = "who runs the tests says so by their environment")]
    fn store(&self) -> StoreSource {
        let Some(database) = &self.postgres else {
            return self.directory.path().join("store/connections.db").to_str().unwrap().into();
        };
        match std::env::var_os("CONNECTIONS_TEST_POOLER") {
            Some(_) => {
                let pooler = postgres::pooler().expect("a pooler was asked for");
                StoreSource::from(pooler.url(database)).direct(database.url())
            }
            None => database.url().into(),
        }
    }

    /// Returns a builder without kinds. Its registry caches no rows.
    pub(crate) fn builder(&self) -> RegistryBuilder {
        let policy = HttpPolicy::new().endpoint(API, &self.server.origin()).unwrap();
        let builder = ConnectionRegistry::builder()
            .store(self.store())
            .machine(Machine::new().tools(tools()))
            .limits(Limits::new().hot_rows(Duration::ZERO))
            .key(KeyFile::at(self.directory.path().join("key/root.key")))
            .http(policy)
            .clock(Arc::new(self.clock.clone()));
        // A database file has its state directory beside it.
        if on_postgres() { builder.state_directory(self.directory.path().join("state")) } else { builder }
    }

    pub(crate) async fn open(&self, definition: impl ConnectionDefinition) -> ConnectionRegistry {
        self.builder().kind(definition).open().await.unwrap()
    }

    /// Opens a registry without a kind that reports usage.
    pub(crate) async fn acme(&self) -> ConnectionRegistry {
        self.open(Acme::default()).await
    }
}

/// Returns the tools of the kinds of these tests, with what their profiles set.
fn tools() -> ToolPolicy {
    let home = |path: &str| PathSpec::new(PathBase::Home, path.to_owned()).unwrap();
    let mut outside = home("a");
    outside.relative = "../a".into();
    let tool = ["TOOL_HOME", "TOOL_PARENT", "TOOL_ISOLATED", "XDG_CONFIG_HOME"].into_iter();
    let tool = tool.fold(AllowedTool::new("tool").argument("--isolated"), AllowedTool::variable);
    ToolPolicy::new()
        .allow(tool.paths([".tool", ".toolrc", ".toolbeside"].map(home)).paths([outside]))
        .allow(AllowedTool::new("metered").variable("METERED_HOME").paths([home(".metered")]))
}

/// Lets time pass until a task ends that only a deadline of the core can end.
pub(crate) async fn outlasted<T>(world: &World, task: JoinHandle<T>) -> T {
    while !task.is_finished() {
        world.clock.advance(Duration::from_secs(1));
        tokio::task::yield_now().await;
    }
    task.await.unwrap()
}
