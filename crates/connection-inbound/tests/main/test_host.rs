//! A host in a test: its files, its clock, a provider on loopback, and the routes that a host mounts.

use std::{sync::Arc, time::Duration};

use axum::Router;
use connection_contract::{Kind, Timestamp};
use connection_core::{
    ConnectionRegistry, Filter, HttpPolicy, InboundEndpoint, KeyFile, ManualClock, Outcome, RegistryBuilder,
    SetupSession, SetupStep,
};
use connection_faults::test_database::TestDatabase;
use connection_inbound::{PublicEndpoint, PublicUrl, callback_routes};

use crate::{
    login::{API, LOGIN, OTHER, login},
    provider::Provider,
};

pub(crate) const PUBLIC: &str = "https://host.example/connections";

pub(crate) struct World {
    pub(crate) database: TestDatabase,
    pub(crate) clock: ManualClock,
    pub(crate) provider: Provider,
}

impl World {
    pub(crate) async fn new() -> Self {
        let clock = ManualClock::at(Timestamp::from_seconds(1_800_000_000));
        Self { database: TestDatabase::new().await, clock, provider: Provider::start() }
    }

    /// Returns a builder of a registry. Two registries of one test host stand for two processes.
    pub(crate) fn builder(&self) -> RegistryBuilder {
        ConnectionRegistry::builder()
            .store(self.database.address())
            .key(KeyFile::at(self.database.key()))
            .http(HttpPolicy::new().endpoint(API, &self.provider.origin).unwrap())
            .clock(Arc::new(self.clock.clone()))
            .kind(login(LOGIN))
            .kind(login(OTHER))
    }

    pub(crate) async fn with(&self, endpoint: impl InboundEndpoint + 'static) -> ConnectionRegistry {
        self.builder().inbound(Arc::new(endpoint)).open().await.unwrap()
    }

    /// Opens a host at [`PUBLIC`].
    pub(crate) async fn public(&self) -> ConnectionRegistry {
        self.with(PublicEndpoint::new(public())).await
    }
}

pub(crate) fn public() -> PublicUrl {
    PUBLIC.parse().unwrap()
}

/// Returns the callback routes of a host at [`PUBLIC`], for requests from which a proxy has removed the path.
pub(crate) fn callbacks(registry: &ConnectionRegistry) -> Router {
    callback_routes(registry.clone(), public())
}

/// Returns a setup that has sent a browser to the provider, and its `state`.
pub(crate) async fn begun(registry: &ConnectionRegistry, kind: &Kind) -> (SetupSession, String) {
    let session = registry.setups().begin(kind).again().await.unwrap();
    let state = state(&session).await;
    (session, state)
}

pub(crate) async fn state(session: &SetupSession) -> String {
    sent_to(session).await.split_once("state=").unwrap().1.to_owned()
}

/// Returns the address to which a setup sends the browser.
pub(crate) async fn sent_to(session: &SetupSession) -> String {
    let (_, step) = session.next_step().await.unwrap().unwrap();
    let SetupStep::Redirect { redirect, .. } = step else { panic!("{step:?}") };
    redirect.link.as_str().to_owned()
}

/// Returns the outcome of a session in a word.
pub(crate) async fn end(session: &SetupSession) -> String {
    match session.terminal().await.unwrap() {
        Outcome::Cancelled => "cancelled".to_owned(),
        Outcome::Done(done) => format!("done {}", done.identity.label),
        Outcome::Failed(failure) => failure.code.to_string(),
    }
}

/// Returns the labels of all connections of an owner.
pub(crate) async fn labels(registry: &ConnectionRegistry) -> Vec<String> {
    let page = registry.list_connections(Filter::new()).await.unwrap();
    page.items.iter().map(|info| info.label.to_string()).collect()
}

/// Lets time pass until the task ends, no faster than the machine works.
pub(crate) async fn outlasted<T>(world: &World, registry: &ConnectionRegistry, task: impl Future<Output = T>) -> T {
    let mut task = std::pin::pin!(task);
    loop {
        tokio::select! {
            biased;
            result = &mut task => return result,
            _ = registry.store().health() => world.clock.advance(Duration::from_millis(20)),
        }
    }
}
