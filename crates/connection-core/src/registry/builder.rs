//! Opens a registry: key, store, kinds and what a host lends.

use std::{fmt, sync::Arc, time::Duration};

use connection_contract::{ConnectionDefinition, Crypto as _, encode};
use secrecy::SecretString;

use super::{ConnectionRegistry, DEFAULT_OWNER, RegisterError, Shared, kinds::Kinds};
use crate::{
    Clock, FilesPolicy, HttpPolicy, HttpPolicyError, IdGenerator, InboundEndpoint, KeyError, KeySource, SealError,
    StoreError, StoreSource, SystemClock, UuidV7, connection::HotRows, contain::Runtimes, exchange::Exchanges, seal,
    seal::OpenKeyError, services::crypto::SystemCrypto, services::http::HttpClient, store::Store,
};

/// Why a registry could not be opened. Nothing was changed that a later open would trip over.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OpenError {
    /// What the host says of HTTP cannot be done.
    #[error("the HTTP policy cannot be used")]
    Http(#[from] HttpPolicyError),
    /// A kind was refused.
    #[error(transparent)]
    Kind(#[from] RegisterError),
    /// No key source was given.
    #[error("no key source was given, and nothing is ever stored unsealed")]
    NoKeySource,
    /// No store was given.
    #[error("no store was given")]
    NoStore,
    /// The system gives no threads.
    #[error("the system gives no threads to run plugins on")]
    Runtime(#[source] std::io::Error),
    /// The key cannot be had, or is another one.
    #[error(transparent)]
    Key(#[from] KeyError),
    /// The keyset does not open.
    #[error("the keys in the database {place} do not open: {error}")]
    Seal {
        /// The database.
        place: String,
        /// Why.
        error: SealError,
    },
    /// The store cannot be opened.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl OpenError {
    /// For programs; listed in `docs/spec/words.md`.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Http(_) => "http_policy_invalid",
            Self::Kind(error) => error.code(),
            Self::Key(_) | Self::NoKeySource | Self::Seal { .. } => "key_failed",
            Self::NoStore | Self::Store(_) => "store_failed",
            Self::Runtime(_) => "no_threads",
        }
    }

    /// What to do, where something can be done.
    pub fn remedy(&self) -> Option<String> {
        match self {
            Self::Key(error) => error.remedy(),
            // The keyset holds nothing that could be removed and added again.
            Self::Seal { error: SealError::Truncated, .. } => Some("restore the database from a backup".into()),
            Self::Seal { error, .. } => error.remedy(),
            Self::Store(error) => error.remedy(),
            _ => None,
        }
    }
}

impl OpenError {
    pub(super) fn of_key(error: OpenKeyError, place: &str) -> Self {
        match error {
            OpenKeyError::Key(error) => Self::Key(error),
            OpenKeyError::Seal(error) => Self::Seal { place: place.to_owned(), error },
            OpenKeyError::Store(error) => Self::Store(error),
        }
    }
}

/// A database, its direct address, and a key source.
type StoreAndKey = (StoreSource, Option<SecretString>, Arc<dyn KeySource>);

/// What a registry is opened with.
#[must_use = "a registry is opened by `open`"]
pub struct RegistryBuilder {
    store: Option<StoreSource>,
    direct: Option<SecretString>,
    key: Option<Arc<dyn KeySource>>,
    other_keys: Vec<seal::Other>,
    http: HttpPolicy,
    files: FilesPolicy,
    inbound: Option<Arc<dyn InboundEndpoint>>,
    clock: Arc<dyn Clock>,
    ids: Arc<dyn IdGenerator>,
    hot_rows: Duration,
    kinds: Kinds,
    refused: Option<RegisterError>,
}

impl fmt::Debug for RegistryBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("RegistryBuilder")
    }
}

impl RegistryBuilder {
    pub(super) fn new() -> Self {
        Self {
            store: None,
            direct: None,
            key: None,
            other_keys: Vec::new(),
            http: HttpPolicy::new(),
            files: FilesPolicy::new(),
            inbound: None,
            clock: Arc::new(SystemClock::new()),
            ids: Arc::new(UuidV7::new()),
            hot_rows: HotRows::LONGEST,
            kinds: Kinds::default(),
            refused: None,
        }
    }
    /// Where the rows are: a path or `sqlite://` and a path, which is made when it is not there; `postgres://…`; or the
    /// host's own `SqlitePool` or `PgPool` (of sqlx 0.9), which is never closed.
    pub fn store(mut self, store: impl Into<StoreSource>) -> Self {
        self.store = Some(store.into());
        self
    }
    /// The address of the server itself, where [`store`](Self::store) is that of a pooler in transaction mode: tables are
    /// made there, and notifications come from there.
    pub fn direct(mut self, address: impl Into<SecretString>) -> Self {
        self.direct = Some(address.into());
        self
    }
    /// Whence the key comes that unwraps the keyset. It alone is used.
    pub fn key(mut self, source: impl KeySource + 'static) -> Self {
        self.key = Some(Arc::new(source));
        self
    }
    /// A source that is not used, and is named when the database turns out to be of its key.
    pub fn known_key(mut self, source: impl KeySource + 'static) -> Self {
        self.other_keys.push(seal::Other { source: Arc::new(source), configured: false });
        self
    }
    /// A source that is not used though somebody configured it: [`KeyError::Disagree`] when it holds another key than
    /// the one that is used.
    pub fn agreeing_key(mut self, source: impl KeySource + 'static) -> Self {
        self.other_keys.push(seal::Other { source: Arc::new(source), configured: true });
        self
    }
    /// How requests leave.
    pub fn http(mut self, policy: HttpPolicy) -> Self {
        self.http = policy;
        self
    }
    /// Which directories may be granted.
    pub fn files(mut self, policy: FilesPolicy) -> Self {
        self.files = policy;
        self
    }
    /// How callbacks reach this host; without it, kinds that need one say so.
    pub fn inbound(mut self, endpoint: Arc<dyn InboundEndpoint>) -> Self {
        self.inbound = Some(endpoint);
        self
    }
    /// The time; the system's unless given.
    pub fn clock(mut self, clock: Arc<dyn Clock>) -> Self {
        self.clock = clock;
        self
    }
    /// The generator of ids; [`UuidV7`] unless given.
    pub fn ids(mut self, ids: Arc<dyn IdGenerator>) -> Self {
        self.ids = ids;
        self
    }
    /// How old a credential may be that is used: for so long it is kept in memory, opened. Half a second unless given, which
    /// is also the most that it can be; zero reads the store at each use. What this process changes is seen at once in any
    /// case.
    pub fn hot_rows(mut self, bound: Duration) -> Self {
        self.hot_rows = bound;
        self
    }
    /// Registers a kind; the first one that is refused makes `open` fail.
    pub fn kind(mut self, definition: impl ConnectionDefinition) -> Self {
        if let Err(error) = self.kinds.register(definition) {
            self.refused.get_or_insert(error);
        }
        self
    }

    pub(super) fn store_and_key(self) -> Result<StoreAndKey, OpenError> {
        Ok((self.store.ok_or(OpenError::NoStore)?.here(), self.direct, self.key.ok_or(OpenError::NoKeySource)?))
    }

    /// Opens it: takes the key, brings the tables to this program's version, and makes what is not there yet.
    ///
    /// # Cancellation
    ///
    /// Dropped, the store may have been made; opening it again goes on from there.
    ///
    /// # Errors
    ///
    /// [`OpenError`].
    pub async fn open(self) -> Result<ConnectionRegistry, OpenError> {
        let Self { store, direct, key, other_keys, http, files, inbound, clock, ids, hot_rows, kinds, refused } = self;
        if let Some(refused) = refused {
            return Err(refused.into());
        }
        let (source, key) = (store.ok_or(OpenError::NoStore)?.here(), key.ok_or(OpenError::NoKeySource)?);
        let http = HttpClient::new(http, clock.clone())?;
        let runtimes = Arc::new(Runtimes::new().map_err(OpenError::Runtime)?);
        let (time, generator) = (clock.clone(), ids.clone());
        let sources = seal::Sources { used: key, others: other_keys };
        // On a runtime of ours: the writer lives as long as the registry, not as the host's runtime.
        let opened = runtimes.spawn(async move {
            let store = Store::open(source, direct.as_ref()).await?;
            let sealer = seal::open_keyset(&store, &sources, &*generator, time).await;
            let sealer = sealer.map_err(|error| OpenError::of_key(error, store.place()))?;
            Ok::<_, OpenError>((store, sealer))
        });
        let (store, sealer) = opened.await.map_err(|_| OpenError::Store(StoreError::Panicked))??;
        let (sessions, flights, refreshes, removals, rollbacks, subscriptions) = Default::default();
        let hot = Arc::new(HotRows::new(hot_rows));
        let forgetful = hot.clone();
        store.on_change(move |changed| forgetful.forget(changed));
        let exchanges = Exchanges::new(&*clock);
        let crypto = SystemCrypto;
        let mut process = [0; 16];
        crypto.random(&mut process);
        let process = encode::hex(&process);
        let shared = Shared {
            store,
            process,
            sealer,
            clock,
            ids,
            crypto,
            http,
            files,
            inbound,
            kinds,
            sessions,
            flights,
            refreshes,
            removals,
            rollbacks,
            subscriptions,
            exchanges,
            hot,
            runtimes,
        };
        tracing::debug!(store = shared.store.place(), "registry opened");
        let registry = ConnectionRegistry { shared: Arc::new(shared), owner: DEFAULT_OWNER.into() };
        if let Some(inbound) = &registry.shared.inbound {
            inbound.opened(registry.downgrade());
        }
        Ok(registry)
    }
}
