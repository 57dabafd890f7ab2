//! Opens a registry: key, store, kinds and what a host lends.

use std::{fmt, io, path::PathBuf, sync::Arc, time::Duration};

use connection_contract::{ConnectionDefinition, Crypto as _, Kind, encode};
use secrecy::SecretString;

use super::{ConnectionRegistry, DEFAULT_OWNER, ProfileUses, RegisterError, Shared, kinds::Kinds, node, protect};
use crate::{
    Clock, Environment, FilesPolicy, HostSecret, HttpPolicy, HttpPolicyError, IdGenerator, InboundEndpoint, KeyError,
    KeySource, ProfileId, SealError, SettingsHandOff, StoreError, StoreSource, SystemClock, SystemEnvironment,
    ToolPolicyError, UuidV7,
    connection::HotRows,
    contain::Runtimes,
    exchange::{Exchanges, recover},
    extension,
    lent::{self, Lent},
    limits::MOST_SETUPS,
    seal,
    seal::OpenKeyError,
    services::crypto::SystemCrypto,
    services::given::Given,
    services::http::HttpClient,
    store::{Changed, Store},
    usage::UsageState,
    verify::{Places, ProbeBounds},
    webhook::Checks,
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
    /// What the host says of local tools cannot be done.
    #[error("the policy for local tools cannot be used: {0}")]
    Tools(#[from] ToolPolicyError),
    /// No store was given.
    #[error("no store was given")]
    NoStore,
    /// The directory of this node cannot be used.
    #[error("the directory {} cannot be used: {source}", path.display())]
    StateDirectory {
        /// The directory.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The system gives no threads.
    #[error("the system gives no threads to run plugins on")]
    Runtime(#[source] io::Error),
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
            Self::StateDirectory { .. } => "state_directory_failed",
            Self::Tools(_) => "tool_policy_invalid",
        }
    }

    /// What to do, where something can be done.
    pub fn remedy(&self) -> Option<String> {
        match self {
            Self::Key(error) => error.remedy(),
            // The keyset holds nothing that could be removed and added again.
            Self::Seal { error: SealError::Truncated, .. } => Some("restore the database from a backup".into()),
            Self::Seal { error, .. } => error.remedy(),
            Self::StateDirectory { .. } => Some("let this user read and write it, or choose another one".into()),
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
    environment: Arc<dyn Environment>,
    profile_uses: Option<ProfileUses>,
    inbound: Option<Arc<dyn InboundEndpoint>>,
    pub(super) lent: Lent,
    settings: Option<Arc<dyn SettingsHandOff>>,
    given: Given,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) ids: Arc<dyn IdGenerator>,
    pub(super) hot_rows: Duration,
    pub(super) most_setups: u32,
    pub(super) probes: ProbeBounds,
    state_directory: Option<PathBuf>,
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
            environment: Arc::new(SystemEnvironment),
            profile_uses: None,
            inbound: None,
            lent: Lent::default(),
            settings: None,
            given: Given::default(),
            clock: Arc::new(SystemClock::new()),
            ids: Arc::new(UuidV7::new()),
            hot_rows: HotRows::LONGEST,
            most_setups: MOST_SETUPS,
            probes: ProbeBounds::default(),
            state_directory: None,
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
    /// The directories that may be granted. The registry [protects](FilesPolicy) its own files beside what the policy says.
    pub fn files(mut self, policy: FilesPolicy) -> Self {
        self.files = policy;
        self
    }
    /// Where paths of plugins begin; this process's environment unless given.
    pub fn environment(mut self, environment: Arc<dyn Environment>) -> Self {
        self.environment = environment;
        self
    }
    /// How often this program uses a profile of that owner and kind now, as for running sessions: one that is used is not
    /// removed. Unless given, this program uses none.
    pub fn profile_uses(mut self, uses: impl Fn(&str, &Kind, ProfileId) -> usize + Send + Sync + 'static) -> Self {
        self.profile_uses = Some(Box::new(uses));
        self
    }
    /// How callbacks reach this host; without it, kinds that need one say so.
    pub fn inbound(mut self, endpoint: Arc<dyn InboundEndpoint>) -> Self {
        self.inbound = Some(endpoint);
        self
    }
    /// Where extensions send a person who is to connect or to set something; without it, they are told that there is no such
    /// place.
    pub fn settings(mut self, settings: Arc<dyn SettingsHandOff>) -> Self {
        self.settings = Some(settings);
        self
    }
    /// Gives a kind a secret value of its [key-value store](connection_contract::KvService), for every owner: it is read
    /// in the place of what is kept there, and cannot be written. A kind that [keeps](connection_contract::Field::kept)
    /// an answer under that key does not ask for it.
    pub fn secret_value(mut self, kind: Kind, key: impl Into<String>, value: Arc<dyn HostSecret>) -> Self {
        self.given.give(kind, key.into(), value);
        self
    }
    /// The directory in which this node keeps who is alive on it, and answers that the store cannot take just now, sealed.
    /// Unless given, it is beside a SQLite file that the registry opens itself; for a server and for a lent pool there is
    /// none. Then an answer that is not stored yet is in memory alone, and what a process spent that died is not tried
    /// again; the log says so once. It must be local to the machine, since it says which processes of it are gone. Each
    /// process takes half a mebibyte of it in advance and leaves it to the next one: see
    /// [`answer_room`](ConnectionRegistry::answer_room).
    pub fn state_directory(mut self, path: impl Into<PathBuf>) -> Self {
        self.state_directory = Some(path.into());
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
        let Self {
            store,
            direct,
            key,
            other_keys,
            http,
            files,
            environment,
            profile_uses,
            inbound,
            lent,
            settings,
            given,
            clock,
            ids,
            hot_rows,
            most_setups,
            probes,
            state_directory,
            ..
        } = self;
        if let Some(refused) = self.refused {
            return Err(refused.into());
        }
        lent.tools.check()?;
        let (source, key) = (store.ok_or(OpenError::NoStore)?.here(), key.ok_or(OpenError::NoKeySource)?);
        let http = HttpClient::new(http, clock.clone())?;
        let runtimes = Arc::new(Runtimes::new().map_err(OpenError::Runtime)?);
        let (time, generator) = (clock.clone(), ids.clone());
        let sources = seal::Sources { used: key, others: other_keys };
        let state_directory = state_directory.or_else(|| source.state_directory());
        let files = protect::protected(files, &source, &sources, state_directory.as_deref());
        let mut process = [0; 16];
        SystemCrypto.random(&mut process);
        let process = encode::hex(&process);
        let name = process.clone();
        // On a runtime of ours: the writer lives as long as the registry, not as the host's runtime.
        let opened = runtimes.spawn(async move {
            let store = Store::open(source, direct.as_ref()).await?;
            let sealer = seal::open_keyset(&store, &sources, &*generator, time).await;
            let sealer = sealer.map_err(|error| OpenError::of_key(error, store.place()))?;
            let state = match state_directory {
                Some(path) => Some(Arc::new(node::open_state(path, &store, &sealer, name).await?)),
                None => None,
            };
            Ok::<_, OpenError>((store, sealer, state))
        });
        let (store, sealer, state) = opened.await.map_err(|_| OpenError::Store(StoreError::Panicked))??;
        let files = store.file().into_iter().fold(files, FilesPolicy::protect_file).hold();
        let (sessions, flights, refreshes, removals, rollbacks, subscriptions) = Default::default();
        let hot = Arc::new(HotRows::new(hot_rows));
        let usage = Arc::<UsageState>::default();
        let (forgetful, told) = (hot.clone(), usage.clone());
        store.on_change(move |changed| {
            forgetful.forget(changed);
            if matches!(changed, Changed::Connection(_) | Changed::Something) {
                told.listed();
            }
        });
        let shared = Shared {
            store,
            process,
            sealer,
            clock,
            ids,
            crypto: SystemCrypto,
            http,
            files: Arc::new(files),
            file_cache: Default::default(),
            environment,
            profile_uses,
            inbound,
            lent,
            given,
            kinds: self.kinds,
            sessions,
            flights,
            places: Places::new(probes),
            refreshes,
            refresh_counts: Default::default(),
            most_setups,
            removals,
            rollbacks,
            subscriptions,
            extensions: extension::Known::new(settings),
            exchanges: Exchanges::default(),
            state,
            hot,
            webhook_checks: Checks::default(),
            usage,
            runtimes,
        };
        tracing::debug!(store = shared.store.place(), "registry opened");
        shared.warn_of_answer_room();
        let registry = ConnectionRegistry { shared: Arc::new(shared), owner: DEFAULT_OWNER.into() };
        let rescuing = registry.shared.clone();
        // It does not crash; what it leaves is found again by whoever asks for it.
        registry.shared.runtimes.spawn(async move { recover(&rescuing).await }).await.unwrap_or_default();
        for entry in registry.shared.kinds.entries() {
            lent::activate(&registry.shared, &entry, &registry.owner);
        }
        if let Some(inbound) = &registry.shared.inbound {
            inbound.opened(registry.downgrade());
        }
        Ok(registry)
    }
}
