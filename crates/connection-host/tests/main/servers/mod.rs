//! Whole connections against authorization servers that others wrote: the certified provider in Node, and Authlib.
//!
//! A user agent without a screen acts as the browser. Its callback is passed to the registry, as a host with a server
//! does.
#![expect(clippy::unwrap_used, clippy::expect_used, reason = "support of tests: what fails here fails the test")]

mod child;
mod code;
mod device;
mod filed;
#[cfg(unix)]
mod handed_over;
mod introspected;
mod machine;
mod processes;
mod refresh;

use std::{sync::Arc, time::Duration};

use connection_contract::{Clock as _, Kind, Secret, encode};
use connection_core::{
    Connection, ConnectionRegistry, HttpPolicy, InboundEndpoint, KeyFile, ManualClock, Outcome, RegistryBuilder,
    SetupSession, SetupStep, SystemClock,
};
use connection_faults::{oidc::OidcServer, postgres::Database, user_agent::UserAgent};
use connection_oauth2::{Account, Client, ClientAuth, OAuth2Builder, OAuth2Config, oauth2};

pub(crate) use self::device::allowed;
use crate::program::on_postgres;

pub(crate) const REAL: Kind = Kind::from_static("real");
/// A callback address at which no program listens. The user agent stops before it goes there.
const CALLBACK: &str = "http://127.0.0.1:9/callback";

/// An endpoint that names the callback address and receives nothing.
#[derive(Debug)]
struct Nowhere;

#[async_trait::async_trait]
impl InboundEndpoint for Nowhere {
    async fn redirect_uri(&self, _: &Kind) -> Option<String> {
        Some(CALLBACK.to_owned())
    }

    async fn rebind(&self, _: &str) -> bool {
        true
    }
}

/// A host with a store of its own.
pub(crate) struct Host {
    pub(crate) registry: ConnectionRegistry,
    pub(crate) clock: ManualClock,
    directory: tempfile::TempDir,
    database: Option<Database>,
}

impl Host {
    /// Opens a host with a kind of this configuration, which talks to this server on loopback.
    pub(crate) async fn open(server: &str, config: OAuth2Config) -> Self {
        Self::open_at(server, config, ManualClock::at(SystemClock::new().now())).await
    }

    /// Opens a host with this clock, which may differ from the real time.
    pub(crate) async fn open_at(server: &str, config: OAuth2Config, clock: ManualClock) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let database = if on_postgres() { Some(Database::migrated().await) } else { None };
        let registry = another(&directory, database.as_ref(), &clock, server, config).await;
        Self { registry, clock, directory, database }
    }

    /// Opens the registry of another process on the same store.
    pub(crate) async fn another(&self, server: &str, config: OAuth2Config) -> ConnectionRegistry {
        another(&self.directory, self.database.as_ref(), &self.clock, server, config).await
    }

    /// Returns a builder for another process on the same store, without a kind.
    pub(crate) fn builder(&self, server: &str) -> RegistryBuilder {
        builder(&self.directory, self.database.as_ref(), &self.clock, server)
    }

    /// Returns the address of the store and the path of the key.
    pub(crate) fn places(&self) -> [String; 2] {
        places(&self.directory, self.database.as_ref())
    }

    pub(crate) async fn close(self) {
        self.registry.close().await;
        drop((self.directory, self.database));
    }

    /// Returns the connection that a setup made.
    pub(crate) async fn connection(&self, outcome: &Outcome) -> Connection {
        let Outcome::Done(done) = outcome else { panic!("not connected: {outcome:?}") };
        self.registry.connection(done.connection).await.unwrap()
    }
}

fn places(directory: &tempfile::TempDir, database: Option<&Database>) -> [String; 2] {
    let place = |name: &str| directory.path().join(name).display().to_string();
    [database.map_or_else(|| place("store/connections.db"), Database::url), place("root.key")]
}

async fn another(
    directory: &tempfile::TempDir,
    database: Option<&Database>,
    clock: &ManualClock,
    server: &str,
    config: OAuth2Config,
) -> ConnectionRegistry {
    builder(directory, database, clock, server).kind(oauth2(config)).open().await.unwrap()
}

fn builder(
    directory: &tempfile::TempDir,
    database: Option<&Database>,
    clock: &ManualClock,
    server: &str,
) -> RegistryBuilder {
    let [store, key] = places(directory, database);
    let builder = ConnectionRegistry::builder().store(store).key(KeyFile::at(key));
    let http = HttpPolicy::new().endpoint(server, server).unwrap();
    builder.http(http).inbound(Arc::new(Nowhere)).clock(Arc::new(clock.clone()))
}

/// Returns the configuration of the certified provider. Its endpoints are discovered, and the account is that of
/// `/me`.
pub(crate) fn discovered(server: &OidcServer, client: &str, secret: Option<&str>) -> OAuth2Builder {
    configured(server.issuer(), client, secret)
}

/// Returns the same configuration, for a process that knows only the address.
fn configured(issuer: &str, client: &str, secret: Option<&str>) -> OAuth2Builder {
    OAuth2Config::builder(REAL, "Real")
        .api(issuer)
        .discover(issuer)
        .issuer_in_callback()
        .scope("openid")
        .scope("offline_access")
        .account(Account::probe("/me", "/sub", "/sub"))
        .client(Client::Configured { id: client.to_owned(), secret: secret.map(Secret::from) })
        .client_auth(if secret.is_some() { ClientAuth::Basic } else { ClientAuth::None })
}

/// Returns the next step. A session without one fails the test.
pub(crate) async fn step(session: &SetupSession) -> (u64, SetupStep) {
    session.next_step().await.unwrap().expect("a step")
}

/// Returns the address to which a step sends the browser.
pub(crate) fn opened(step: &SetupStep) -> String {
    match step {
        SetupStep::Redirect { redirect, .. } => redirect.link.as_str().to_owned(),
        SetupStep::Prompt { open: Some(redirect), .. } => redirect.link.as_str().to_owned(),
        other => panic!("it opens nothing: {other:?}"),
    }
}

/// Acts as a browser that allows everything, and returns the address to which it is sent back.
pub(crate) async fn browsed(url: String) -> String {
    let browse = move || UserAgent::new().follow(&url).unwrap();
    let back = tokio::task::spawn_blocking(browse).await.unwrap();
    assert!(back.starts_with(CALLBACK), "it ends at {back}");
    back
}

/// Returns the parameters of a callback, as the server of a host gets them.
pub(crate) fn parameters(back: &str) -> Vec<(String, Secret)> {
    let query = back.split_once('?').map_or("", |(_, query)| query);
    encode::from_form(query).into_iter().map(|(name, value)| (name, Secret::from(value))).collect()
}

/// Advances the clock until the task ends, so that the task reads the store again. The provider's answers set the
/// pace.
pub(crate) async fn passing<T>(host: &Host, server: &OidcServer, task: impl Future<Output = T>) -> T {
    let mut task = std::pin::pin!(task);
    loop {
        let issuer = server.issuer().to_owned();
        let pace = tokio::task::spawn_blocking(move || UserAgent::new().get(&format!("{issuer}/ledger")).unwrap());
        tokio::select! {
            biased;
            result = &mut task => return result,
            answer = pace => drop(answer.unwrap()),
        }
        host.clock.advance(Duration::from_millis(20));
    }
}
