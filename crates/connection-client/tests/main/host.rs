//! A host in a test: a registry on a database of its own, the API on loopback, and a provider.

use std::sync::Arc;

use axum::Router;
use connection_client::{BeginSetup, Client, Setup, SetupState};
use connection_contract::prelude::*;
use connection_core::{ConnectionRegistry, HttpPolicy, KeyFile, NewAccessToken, Role};
use connection_faults::{
    login_kind::login,
    scripted::{Scripted, identity, live},
    server::{Reply, TestServer},
};
use connection_inbound::{PublicEndpoint, PublicUrl, callback_routes};
use connection_server::{ApiOptions, LiveStreams, api_router};
use secrecy::SecretString;
use tempfile::TempDir;
use tokio::{net::TcpListener, runtime::Handle, task::AbortHandle};

/// The key that is typed in every setup.
pub(crate) const KEY: &str = "key-that-nobody-may-see";

const ACME: Kind = Kind::from_static("acme");
const API: &str = "https://api.acme.example";

pub(crate) struct Host {
    pub(crate) registry: ConnectionRegistry,
    pub(crate) origin: String,
    pub(crate) streams: LiveStreams,
    /// The provider, which answers each request with its method and path.
    pub(crate) provider: TestServer,
    serving: AbortHandle,
    _directory: TempDir,
}

impl Drop for Host {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

impl Host {
    pub(crate) async fn new() -> Self {
        let echo = |request: &str| match request.lines().next().unwrap_or_default() {
            line if line.contains("/binary") => Reply::raw(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n\xff\x00"),
            line if line.contains("/missing") => Reply::whole(404, "x-name: value\r\n", "not here"),
            _ => Reply::ok(request.split("\r\n\r\n").nth(1).unwrap_or_default()),
        };
        let provider = TestServer::start(echo).await;
        let directory = TempDir::new().unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let origin = format!("http://{}", listener.local_addr().unwrap());
        let url: PublicUrl = origin.parse().unwrap();
        let policy = HttpPolicy::new().endpoint(API, &provider.origin()).unwrap();
        let registry = ConnectionRegistry::builder()
            .store(directory.path().join("connections.db").display().to_string())
            .key(KeyFile::at(directory.path().join("root.key")))
            .http(policy)
            .inbound(Arc::new(PublicEndpoint::new(url.clone())))
            .kind(acme())
            .kind(login())
            .open()
            .await
            .unwrap();
        let streams = LiveStreams::new();
        let options = ApiOptions::new(origin.parse().unwrap()).public_url(origin.clone()).live(streams.clone());
        let routes: Router = api_router(registry.clone(), options).merge(callback_routes(registry.clone(), url));
        let serving = Handle::current().spawn(async move { axum::serve(listener, routes).await }).abort_handle();
        Self { registry, origin, streams, provider, serving, _directory: directory }
    }

    pub(crate) async fn token(&self, role: Role, owner: Option<&str>) -> SecretString {
        let new = NewAccessToken::new("a test", role);
        let new = owner.into_iter().fold(new, NewAccessToken::owner);
        self.registry.access_tokens().create(new).await.unwrap().text
    }

    pub(crate) async fn client(&self, role: Role) -> Client {
        Client::new(self.origin.clone(), self.token(role, None).await).unwrap()
    }

    /// Connects an account, and returns the id of the connection.
    pub(crate) async fn connected(&self, client: &Client, name: &str) -> String {
        let setup = client.begin_setup(&BeginSetup::kind("acme")).await.unwrap();
        let setup = until(client, setup, |state| matches!(state, SetupState::Prompt { .. })).await;
        let answers = [("name".to_owned(), name.into()), ("apiKey".to_owned(), KEY.into())];
        let setup = client.answer_setup(&setup.id, setup.step.unwrap(), &answers).await.unwrap();
        let done = until(client, setup, |state| matches!(state, SetupState::Done { .. })).await;
        let SetupState::Done { connection, .. } = done.state else { unreachable!("it is done") };
        connection.unwrap()
    }
}

/// Follows a setup until its state is the wanted one.
pub(crate) async fn until(client: &Client, mut setup: Setup, is_wanted: impl Fn(&SetupState) -> bool) -> Setup {
    while !is_wanted(&setup.state) {
        let is_end = matches!(setup.state, SetupState::Done { .. } | SetupState::Failed { .. } | SetupState::Cancelled);
        assert!(!is_end, "{setup:?}");
        setup = client.next_setup(&setup).await.unwrap();
    }
    setup
}

/// A kind that asks for a name and a key, and offers another field.
fn acme() -> Scripted {
    let descriptor = Descriptor::new(ACME, "Acme & Sons", AuthType::ApiKey)
        .origin(API)
        .field(Field::text("name", "Name"))
        .field(Field::secret("apiKey", "API key"))
        .field(Field::text("region", "Region").optional().default("eu").offer("Another region?"));
    let kind = Scripted::new(descriptor).bearer();
    kind.setup(|_, ctx| {
        Box::pin(async move {
            let prompt = Prompt::new("Connect Acme").field("name").field("apiKey").field("region");
            let mut answers = ctx.prompt(prompt).await;
            let key = answers.secret("apiKey")?;
            let name = answers.text("name")?.to_owned();
            Ok(live(key, identity(name)))
        })
    })
}
