//! A host with imported connections, whose API listens on a port.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering::SeqCst},
};

use axum::Router;
use connection_contract::prelude::*;
use connection_core::{ConnectionRegistry, Filter, Import, KeyFile, NewAccessToken, Role};
use connection_faults::plain_store::PlainStore;
use connection_server::{ApiOptions, PageSettings, api_router};
use secrecy::ExposeSecret as _;
use tempfile::TempDir;
use tokio::{net::TcpListener, runtime::Handle};

const KIND: Kind = Kind::from_static("load");

/// A kind whose connections are imported.
struct Imported;

impl ConnectionDefinition for Imported {
    type Credential = Secret;

    fn descriptor(&self) -> Descriptor {
        Descriptor::new(KIND, "Load", AuthType::ApiKey)
            .origin("https://api.load.example")
            .field(Field::secret("key", "Key"))
    }

    async fn setup(&self, ctx: &SetupContext<'_>) -> Result<SetupResult<Secret>, SetupFailure> {
        let mut answers = ctx.prompt(Prompt::new("Connect").field("key")).await;
        let key = answers.secret("key")?;
        Ok(SetupResult::new(key, Identity::new("1", "one")))
    }

    fn serialize_credential(&self, key: &Secret) -> Result<Secret, CredentialError> {
        Ok(key.duplicate())
    }

    fn parse_credential(&self, bytes: &[u8]) -> Result<Secret, CredentialError> {
        Ok(Secret::new(bytes))
    }

    async fn verify(&self, _: &Secret, _: &VerifyContext<'_>) -> Result<VerifyResult<Secret>, ConnectionError> {
        Ok(VerifyResult::live())
    }
}

pub(crate) struct Host {
    directory: TempDir,
    pub(crate) registry: ConnectionRegistry,
    pub(crate) port: u16,
    pub(crate) token: String,
    next: AtomicUsize,
}

impl Host {
    pub(crate) async fn start() -> Self {
        let directory = TempDir::new_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
        let registry = ConnectionRegistry::builder()
            .store(directory.path().join("connections.db").display().to_string())
            .key(KeyFile::at(directory.path().join("root.key")))
            .settings(Arc::new(PageSettings::new()))
            .kind(Imported)
            .open()
            .await
            .unwrap();
        let token = token(&registry).await;
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let options = ApiOptions::new(format!("http://127.0.0.1:{port}").parse().unwrap());
        let routes: Router = api_router(registry.clone(), options.requests_per_minute(u32::MAX));
        Handle::current().spawn(async move { axum::serve(listener, routes.into_make_service()).await });
        Self { directory, registry, port, token, next: AtomicUsize::new(0) }
    }

    /// Imports that many connections, and returns their labels.
    pub(crate) async fn import(&self, count: usize) -> Vec<String> {
        let first = self.next.fetch_add(count, SeqCst);
        let labels: Vec<_> = (first..first + count).map(|number| format!("label-{number}")).collect();
        let item = |label: &String| {
            let identity = Identity::new(format!("id-{label}"), format!("account {label}"));
            Import::new(KIND, Secret::from(format!("key-{label}")), identity).label(label.clone())
        };
        let items: Vec<_> = labels.iter().map(item).collect();
        let mut imports = self.registry.import_all(items).start();
        while let Some(imported) = imports.next().await {
            imported.unwrap();
        }
        labels
    }

    /// Begins that many setups for an owner, which wait for answers. Returns the path of the last one, and a token of
    /// the owner.
    pub(crate) async fn setups(&self, owner: &str, count: usize) -> (String, String) {
        let registry = self.registry.owner(owner).unwrap();
        let mut path = String::new();
        for _ in 0..count {
            let session = registry.setups().begin(&KIND).await.unwrap();
            session.next_step().await.unwrap();
            path = format!("/api/v1/setups/{}", session.id());
        }
        (path, token(&registry).await)
    }

    /// Returns the path at which the API shows the connection with this label.
    pub(crate) async fn path_of(&self, label: &str) -> String {
        let page = self.registry.list_connections(Filter::new().label(label)).await.unwrap();
        format!("/api/v1/connections/{}", page.items[0].id)
    }

    /// Opens the same file by the driver alone.
    pub(crate) async fn plain_store(&self) -> PlainStore {
        PlainStore::open(&self.directory.path().join("connections.db")).await
    }
}

/// Creates another token of the registry's owner.
pub(crate) async fn token(registry: &ConnectionRegistry) -> String {
    let token = NewAccessToken::new("load", Role::Manage).owner(registry.owner_name());
    registry.access_tokens().create(token).await.unwrap().text.expose_secret().to_owned()
}
