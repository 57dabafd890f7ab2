//! The configuration of a registry: its key, its store, its kinds and the services that the host provides.

use std::{fmt, io, path::PathBuf, sync::Arc, time::Duration};

use connection_contract::{BoxFuture, ConnectionDefinition, Kind};

use super::{ConnectionRegistry, open};
use crate::{
    Clock, Couriers, Door, Environment, FilesPolicy, HostSecret, HttpPolicy, HttpPolicyError, IdGenerator,
    InboundEndpoint, KeyError, KeySources, RecordedPaths, RegisterError, SealError, SettingsHandOff, StoreError,
    StoreSource, SystemClock, SystemEnvironment, ToolPolicyError, UuidV7,
    credential::HotRows,
    definition::Definition,
    ground::ProfileUses,
    keys::OpenKeyError,
    kinds::{KindReader, KindTable, OwnKinds, check},
    limits::MAX_SETUPS,
    services::{local_services::LocalServices, provided_secrets::ProvidedSecrets},
    store::AFTER_THE_HOLDER,
    verify::ProbeLimits,
};
use connection_seal::platform::LockHeld;

/// The reason why a registry could not be opened. A later call is not affected by the failed one.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OpenError {
    /// The host's HTTP policy is invalid.
    #[error("the HTTP policy cannot be used")]
    Http(#[from] HttpPolicyError),
    /// A kind that the builder was given cannot be registered.
    #[error(transparent)]
    Kind(#[from] RegisterError),
    /// The builder was given no key source.
    #[error("no key source was given, and nothing is ever stored unsealed")]
    NoKeySource,
    /// The host's policy for local tools is invalid.
    #[error("the policy for local tools cannot be used: {0}")]
    Tools(#[from] ToolPolicyError),
    /// The builder was given no store.
    #[error("no store was given")]
    NoStore,
    /// The directory of this node cannot be used.
    #[error("the directory {} cannot be used", path.display())]
    StateDirectory {
        /// The path of the state directory: the one that the host named, or the one beside a SQLite file.
        path: PathBuf,
        /// The error of the operating system.
        source: io::Error,
    },
    /// The system cannot start the threads that run plugins.
    #[error("the system cannot start the threads that run plugins")]
    Runtime(#[source] io::Error),
    /// The key is not available, or is a different key.
    #[error(transparent)]
    Key(#[from] KeyError),
    /// The keyset cannot be opened with the key of the source.
    #[error("the keys in the database {place} cannot be opened: {error}")]
    Seal {
        /// The database that holds the keyset: a path, or an address without a password.
        place: String,
        /// The reason why the keyset cannot be opened.
        error: SealError,
    },
    /// The database cannot be opened, or its tables cannot be brought up to date.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl OpenError {
    /// Returns the stable code, for programs; `docs/spec/words.md` lists all codes.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Http(_) => "http_policy_invalid",
            Self::Kind(error) => error.code(),
            Self::Key(_) | Self::NoKeySource | Self::Seal { .. } => "key_failed",
            Self::NoStore => "store_failed",
            Self::Store(error) => error.code(),
            Self::Runtime(_) => "no_threads",
            Self::StateDirectory { .. } => "state_directory_failed",
            Self::Tools(_) => "tool_policy_invalid",
        }
    }

    /// Returns the remedy, if something can be done.
    pub fn remedy(&self) -> Option<String> {
        match self {
            Self::Key(error) => error.remedy(),
            // The keyset holds nothing that could be removed and added again.
            Self::Seal { error: SealError::Truncated, .. } => Some("restore the database from a backup".into()),
            Self::Seal { error, .. } => error.remedy(),
            Self::StateDirectory { source, .. } if LockHeld::of(source).is_some() => Some(AFTER_THE_HOLDER.into()),
            Self::StateDirectory { .. } => {
                Some("let this user read and write the directory and its files, or choose another directory".into())
            }
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

/// The configuration of a registry to open.
///
/// A registry needs a [`store`](Self::store) and a [`key`](Self::key). Everything else has a default.
///
/// # Examples
///
/// ```
/// use connection_core::{ConnectionRegistry, HttpPolicy, KeyFile, Limits, OpenError};
///
/// async fn open(database: &str, key: &str) -> Result<ConnectionRegistry, OpenError> {
///     ConnectionRegistry::builder()
///         .store(database)
///         .key(KeyFile::at(key))
///         .http(HttpPolicy::new())
///         .limits(Limits::new().verify_at_once(8))
///         .open()
///         .await
/// }
/// ```
#[must_use = "a registry is opened by `open`"]
pub struct RegistryBuilder {
    pub(super) store: Option<StoreSource>,
    #[cfg(feature = "workspace-tests")]
    pub(super) program: &'static crate::store::Program,
    pub(super) keys: Option<KeySources>,
    pub(super) http: HttpPolicy,
    pub(super) files: FilesPolicy,
    pub(super) environment: Arc<dyn Environment>,
    pub(super) profile_uses: Option<ProfileUses>,
    pub(super) inbound: Option<Arc<dyn InboundEndpoint>>,
    pub(super) local_services: LocalServices,
    pub(super) settings: Option<Arc<dyn SettingsHandOff>>,
    pub(super) provided_secrets: ProvidedSecrets,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) ids: Arc<dyn IdGenerator>,
    pub(super) hot_rows: Duration,
    pub(super) max_setups: u32,
    pub(super) probes: ProbeLimits,
    pub(super) state_directory: Option<PathBuf>,
    pub(super) couriers: Option<Arc<dyn Couriers>>,
    pub(super) door: Door,
    pub(super) recorded_paths: RecordedPaths,
    pub(super) kept_uses: Option<Duration>,
    pub(super) approvals_expire: Duration,
    pub(super) kinds: KindTable,
    pub(super) refused: Option<RegisterError>,
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
            #[cfg(feature = "workspace-tests")]
            program: crate::store::Program::CURRENT,
            keys: None,
            http: HttpPolicy::new(),
            files: FilesPolicy::new(),
            environment: Arc::new(SystemEnvironment),
            profile_uses: None,
            inbound: None,
            local_services: LocalServices::default(),
            settings: None,
            provided_secrets: ProvidedSecrets::default(),
            clock: Arc::new(SystemClock::new()),
            ids: Arc::new(UuidV7::new()),
            hot_rows: HotRows::MAX_AGE,
            max_setups: MAX_SETUPS,
            probes: ProbeLimits::default(),
            state_directory: None,
            couriers: None,
            door: Door::default(),
            recorded_paths: RecordedPaths::default(),
            kept_uses: None,
            approvals_expire: Duration::from_mins(10),
            kinds: KindTable::default(),
            refused: None,
        }
    }

    /// Sets the location of the store: a path or `sqlite://` and a path, which is created if it does not exist;
    /// `postgres://…`; or the host's own `SqlitePool` or `PgPool` (of sqlx 0.9), which is never closed.
    ///
    /// Where connections go through a pooler, [`StoreSource::direct`] adds the address of the server itself.
    pub fn store(mut self, store: impl Into<StoreSource>) -> Self {
        self.store = Some(store.into());
        self
    }

    /// Sets the source of the key that unwraps the keyset. No other source is used.
    ///
    /// A host that also knows other sources names them in [`KeySources`], so that an error can tell which of them holds
    /// the key.
    pub fn key(mut self, sources: impl Into<KeySources>) -> Self {
        self.keys = Some(sources.into());
        self
    }

    /// Sets the policy for HTTP requests.
    pub fn http(mut self, policy: HttpPolicy) -> Self {
        self.http = policy;
        self
    }

    /// Sets the directories that may be granted. The registry also [protects](FilesPolicy) its own files.
    pub fn files(mut self, policy: FilesPolicy) -> Self {
        self.files = policy;
        self
    }

    /// Sets the endpoint through which callbacks reach this host. Without it, a kind that needs callbacks reports that
    /// they are missing.
    pub fn inbound(mut self, endpoint: Arc<dyn InboundEndpoint>) -> Self {
        self.inbound = Some(endpoint);
        self
    }

    /// Sets the settings hand-off, to which extensions send a person who is to connect an account or to change a
    /// setting. Without it, extensions receive an error that says so.
    pub fn settings(mut self, settings: Arc<dyn SettingsHandOff>) -> Self {
        self.settings = Some(settings);
        self
    }

    /// Provides a secret value for the [key-value store](connection_contract::KvService) of a kind, for every owner.
    ///
    /// The value is read in place of a stored one and cannot be written. A kind that
    /// [keeps](connection_contract::Field::kept) an answer under that key does not ask for it.
    pub fn secret_value(mut self, kind: Kind, key: impl Into<String>, value: Arc<dyn HostSecret>) -> Self {
        self.provided_secrets.give(kind, key.into(), value);
        self
    }

    /// Sets the directory in which this node records its running processes and keeps, sealed, the answers that the
    /// store cannot take at the moment.
    ///
    /// By default, the directory is beside a SQLite file that the registry opens itself. For a server and for a host's
    /// own pool there is no default. Without a directory, an answer that is not stored yet is only in memory, and what
    /// a process spent before it died is tried again after a day at the earliest; the log reports the missing directory
    /// once. The directory must be local to the machine, because it records which processes of the machine have ended.
    /// Each process reserves half a mebibyte in it and leaves that to the next process: see
    /// [`answer_room`](crate::StoreState::answer_room).
    pub fn state_directory(mut self, path: impl Into<PathBuf>) -> Self {
        self.state_directory = Some(path.into());
        self
    }

    /// Lets processes of their own send requests that use up a token or a code, so that a kill of this process loses no
    /// answer. They need a state directory. By default, this process sends such requests itself.
    pub fn couriers(mut self, couriers: Arc<dyn Couriers>) -> Self {
        self.couriers = Some(couriers);
        self
    }

    /// Sets the door with which the record of use names this program, if a use arrived through no other one. The default
    /// is [`Door::Library`].
    pub fn door(mut self, door: Door) -> Self {
        self.door = door;
        self
    }

    /// Sets what the record of use says about the paths of requests.
    pub fn recorded_paths(mut self, paths: RecordedPaths) -> Self {
        self.recorded_paths = paths;
        self
    }

    /// Sets the time after which the [scheduler](ConnectionRegistry::run) erases the texts of entries of the record of use,
    /// of all owners. By default, they are kept.
    pub fn keep_uses(mut self, time: Duration) -> Self {
        self.kept_uses = Some(time);
        self
    }

    /// Sets the time for which a request about which a person is asked may be sent: 1 second to 7 days. The default is 10
    /// minutes. A time outside of these bounds is moved to the nearer one.
    pub fn approvals_expire(mut self, time: Duration) -> Self {
        self.approvals_expire = time.clamp(Duration::from_secs(1), Duration::from_hours(7 * 24));
        self
    }

    /// Sets the clock. The default is the system's clock.
    pub fn clock(mut self, clock: Arc<dyn Clock>) -> Self {
        self.clock = clock;
        self
    }

    /// Sets the generator of ids. The default is [`UuidV7`].
    pub fn ids(mut self, ids: Arc<dyn IdGenerator>) -> Self {
        self.ids = ids;
        self
    }

    /// Registers a kind. If a kind is refused, `open` returns the first such error.
    pub fn kind(mut self, definition: impl ConnectionDefinition) -> Self {
        self.add_kind(Definition::new(definition));
        self
    }

    /// Names kinds, each with its provider, that `read` returns when they are first used. A host with many kinds then
    /// has only those in memory that are used.
    ///
    /// Such a kind is as good as a registered one, except that its
    /// [`activate`](ConnectionDefinition::activate) does not run. A kind that is registered under the same name before the
    /// first use takes its place, and [`replace`](crate::Kinds::replace) puts another one in its place at any time. If
    /// `read` does not return the kind, or returns one that cannot be registered or has another name or provider, this is
    /// reported in the log, and the host has no such kind.
    ///
    /// # Examples
    ///
    /// ```
    /// use connection_contract::{ConnectionDefinition, Kind};
    /// use connection_core::{ConnectionRegistry, RegistryBuilder};
    ///
    /// fn with_files<D: ConnectionDefinition>(files: &[(&str, &str)], read: fn(&Kind) -> Option<D>) -> RegistryBuilder {
    ///     let names = files.iter().filter_map(|(kind, provider)| Some((Kind::parse(kind)?, Kind::parse(provider)?)));
    ///     ConnectionRegistry::builder().kinds_on_demand(names, read)
    /// }
    /// ```
    pub fn kinds_on_demand<D: ConnectionDefinition>(
        mut self,
        names: impl IntoIterator<Item = (Kind, Kind)>,
        read: impl Fn(&Kind) -> Option<D> + Send + Sync + 'static,
    ) -> Self {
        self.kinds.set_on_demand(names, KindReader::new(move |kind| read(kind).map(Definition::new)));
        self
    }

    /// Sets what makes the kinds that extensions bring for their owners. Without it, an extension is connected through
    /// registered kinds alone.
    ///
    /// Such a kind is named `EXTENSION/PROVIDER` and belongs to the owner who added the extension. It is made when it is
    /// used, so that the number of owners does not matter to the start of a program.
    pub fn own_kinds(mut self, source: Arc<dyn OwnKinds>) -> Self {
        self.kinds.own.set_source(source);
        self
    }

    /// Checks a kind as [`kind`](Self::kind) does, and registers nothing. A host that reads kinds from files of its user
    /// leaves out those that would be refused.
    ///
    /// # Errors
    ///
    /// [`RegisterError`], except [`Taken`](RegisterError::Taken).
    pub fn check_kind(definition: impl ConnectionDefinition) -> Result<(), RegisterError> {
        check(Definition::new(definition)).map(|_| ())
    }

    fn add_kind(&mut self, definition: Definition) {
        let registered = check(definition).and_then(|entry| self.kinds.register(entry));
        if let Err(error) = registered {
            self.refused.get_or_insert(error);
        }
    }

    /// Opens the registry as the stand-in for the next version of this program: with a migration more, and with marks that
    /// cover a column more after [`finish_upgrade`](crate::StoreState::finish_upgrade).
    #[cfg(feature = "workspace-tests")]
    #[doc(hidden)]
    pub fn as_next_version(mut self) -> Self {
        self.program = crate::store::Program::NEXT;
        self
    }

    /// Opens the registry: fetches the key, migrates the tables to this program's version, and creates what does not
    /// exist yet.
    ///
    /// # Cancellation
    ///
    /// If the future is dropped, the store may have been created. Opening it again continues from there.
    ///
    /// # Errors
    ///
    /// [`OpenError`].
    pub fn open(self) -> BoxFuture<'static, Result<ConnectionRegistry, OpenError>> {
        Box::pin(open::open(self))
    }
}
