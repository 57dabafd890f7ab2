//! A host in a test: a fresh directory, a provider on loopback, a clock that stands until it is moved.

use std::{
    path::PathBuf,
    sync::{Arc, Mutex},
    time::Duration,
};

use connection_contract::{Clock, ConnectionDefinition, Kind, Secret, Timestamp};
use connection_core::{
    Connection, ConnectionRegistry, HttpPolicy, KeyFile, ManualClock, Outcome, RegistryBuilder, SetupSession, SetupStep,
};
use tempfile::TempDir;
use tokio::task::JoinHandle;

use crate::{
    acme::{API, Acme, KIND},
    test_server::{Reply, TestServer},
};

pub(crate) const START: i64 = 1_800_000_000;

type Route = Box<dyn FnMut(&str) -> Reply + Send>;

/// One machine: its files, its clock, and the provider that `https://api.acme.example` is mapped to.
pub(crate) struct World {
    pub(crate) directory: TempDir,
    pub(crate) clock: ManualClock,
    pub(crate) server: TestServer,
    route: Arc<Mutex<Route>>,
}

impl World {
    /// The provider knows every key, as account `1`, `ada`.
    pub(crate) async fn new() -> Self {
        let route: Arc<Mutex<Route>> = Arc::new(Mutex::new(Box::new(|_| me("1", "ada"))));
        let answer = route.clone();
        let server = TestServer::start(move |request| (answer.lock().unwrap())(request)).await;
        let clock = ManualClock::at(Timestamp::from_seconds(START));
        Self { directory: TempDir::new().unwrap(), clock, server, route }
    }

    /// What the provider answers from now on.
    pub(crate) fn provider(&self, route: impl FnMut(&str) -> Reply + Send + 'static) {
        *self.route.lock().unwrap() = Box::new(route);
    }

    /// Seconds on its clock.
    pub(crate) fn now(&self) -> i64 {
        Clock::now(&self.clock).seconds()
    }

    pub(crate) fn database(&self) -> PathBuf {
        self.directory.path().join("store/connections.db")
    }

    pub(crate) fn key(&self) -> PathBuf {
        self.directory.path().join("key/root.key")
    }

    pub(crate) fn policy(&self) -> HttpPolicy {
        HttpPolicy::new().endpoint(API, &self.server.origin()).unwrap()
    }

    /// A builder without kinds; two registries of one world are two processes on one machine.
    pub(crate) fn builder(&self) -> RegistryBuilder {
        ConnectionRegistry::builder()
            .store(self.database().to_str().unwrap())
            .key(KeyFile::at(self.key()))
            .http(self.policy())
            .clock(Arc::new(self.clock.clone()))
    }

    pub(crate) async fn open(&self, definition: impl ConnectionDefinition) -> ConnectionRegistry {
        self.builder().kind(definition).open().await.unwrap()
    }

    pub(crate) async fn acme(&self) -> ConnectionRegistry {
        self.open(Acme::default()).await
    }
}

/// The provider's answer about an account.
pub(crate) fn me(id: &str, name: &str) -> Reply {
    Reply::ok(&format!(r#"{{"id":"{id}","name":"{name}"}}"#))
}

pub(crate) fn answers(pairs: &[(&str, &str)]) -> Vec<(String, Secret)> {
    pairs.iter().map(|(name, value)| ((*name).to_owned(), Secret::from(*value))).collect()
}

/// The next step; a session that shows none fails the test.
pub(crate) async fn step(session: &SetupSession) -> (u64, SetupStep) {
    session.next_step().await.unwrap().expect("the session shows a step")
}

/// Begins a setup and answers its first prompt.
pub(crate) async fn connect(registry: &ConnectionRegistry, kind: &Kind, pairs: &[(&str, &str)]) -> Outcome {
    let session = registry.begin_setup(kind).await.unwrap();
    let (no, _) = step(&session).await;
    session.advance(no, &answers(pairs)).await.unwrap();
    session.terminal().await.unwrap()
}

/// An Acme connection with this key.
pub(crate) async fn connected(registry: &ConnectionRegistry, key: &str) -> Connection {
    match connect(registry, &KIND, &[("accessToken", key)]).await {
        Outcome::Done(done) => registry.connection(done.connection).await.unwrap(),
        other => panic!("not connected: {other:?}"),
    }
}

/// How a session ended, in a word.
pub(crate) fn code(outcome: &Outcome) -> String {
    match outcome {
        Outcome::Cancelled => "cancelled".into(),
        Outcome::Done(done) => format!("done {:?}", done.liveness),
        Outcome::Failed(failure) => failure.code.to_string(),
    }
}

/// Lets time pass until a task ends, for one that ends by a deadline of the core alone.
pub(crate) async fn outlasted<T>(world: &World, task: JoinHandle<T>) -> T {
    while !task.is_finished() {
        world.clock.advance(Duration::from_secs(1));
        tokio::task::yield_now().await;
    }
    task.await.unwrap()
}
