//! Opens a registry from its configuration: the store, the systems over it, and the work that begins with them.

use std::sync::Arc;

use connection_contract::{Crypto as _, encode};
use connection_egress::HttpClient;

use super::{ConnectionRegistry, OpenError, RegistryBuilder, Systems, activate, node, protect, systems::Choices};
use crate::{
    FilesPolicy, KeySources, StoreError, StoreSource,
    agent::KeptCallers,
    budget::Budgets,
    contain::Runtimes,
    credential::{self, HotRows},
    exchange::{self, Exchanges, StateDirectory, recover},
    frozen::{KnownFreezes, Process},
    ground::Ground,
    keys::{Sealer, open_keyset},
    notification::{Notification, Notifications},
    owner::DEFAULT_OWNER,
    services::crypto::SystemCrypto,
    store::{Changed, Store},
    uses::{RecordSettings, Recorder},
};

/// Maximum number of texts of terms that are kept in memory. There is one for each version of a kind.
const MAX_AGREED_TEXTS: i64 = 10_000;

/// Opens the registry that the builder describes.
pub(super) async fn open(mut builder: RegistryBuilder) -> Result<ConnectionRegistry, OpenError> {
    if let Some(refused) = builder.refused.take() {
        return Err(refused.into());
    }
    builder.local_services.tools.check()?;
    let (source, keys) = builder.store_and_keys()?;
    builder.protect_own_files(&source, &keys);
    let systems = assembled(builder, source, keys).await?;
    tracing::debug!(store = systems.ground.store.place(), "registry opened");
    systems.warn_of_answer_room();
    let registry = ConnectionRegistry { systems: Arc::new(systems), owner: DEFAULT_OWNER.into() };
    registry.begin().await;
    Ok(registry)
}

/// Opens the store and creates the state of a registry, which does not begin any work.
pub(super) async fn assembled(
    builder: RegistryBuilder,
    source: StoreSource,
    keys: KeySources,
) -> Result<Systems, OpenError> {
    let http = HttpClient::new(builder.http.clone(), builder.clock.clone())?;
    let runtimes = Arc::new(Runtimes::new().map_err(OpenError::Runtime)?);
    let process = process_name();
    let opened = builder.open_store(source, keys, &runtimes, &process).await?;
    Ok(builder.into_systems(opened, http, runtimes, process))
}

/// The store of a registry, with what is kept beside it.
struct OpenedStore {
    store: Store,
    sealer: Sealer,
    freezes: Arc<KnownFreezes>,
    state: Option<Arc<StateDirectory>>,
    /// The texts of terms under which accounts were connected.
    agreed_texts: Vec<String>,
}

impl RegistryBuilder {
    /// Returns the database and the key sources, without which nothing is opened.
    pub(super) fn store_and_keys(&mut self) -> Result<(StoreSource, KeySources), OpenError> {
        let store = self.store.take().ok_or(OpenError::NoStore)?;
        let keys = self.keys.take().ok_or(OpenError::NoKeySource)?;
        #[cfg(feature = "workspace-tests")]
        let store = store.of(self.program);
        Ok((store.here(), keys))
    }

    /// Determines the state directory, and protects the files of this registry from its kinds.
    fn protect_own_files(&mut self, source: &StoreSource, keys: &KeySources) {
        self.state_directory = self.state_directory.take().or_else(|| source.state_directory());
        let files = std::mem::take(&mut self.files);
        self.files = protect::protected(files, source, keys, self.state_directory.as_deref());
    }

    /// Opens the store, its keys and the state directory of the node.
    async fn open_store(
        &self,
        source: StoreSource,
        keys: KeySources,
        runtimes: &Arc<Runtimes>,
        process: &str,
    ) -> Result<OpenedStore, OpenError> {
        let ids = self.ids.clone();
        let clock = self.clock.clone();
        let directory = self.state_directory.clone();
        let process = process.to_owned();
        let known_as = Process { id: process.clone(), keeps_rows: !self.hot_rows.is_zero() };
        let with = runtimes.clone();
        // The writer runs on a runtime of the core: it lives as long as the registry, not as the host's runtime.
        let opened = runtimes.spawn(async move {
            node::refuse_second_database(&source)?;
            let store = Store::open(source).await?;
            let sealer = open_keyset(&store, &keys, &*ids, clock.clone()).await;
            let sealer = sealer.map_err(|error| OpenError::of_key(error, store.place()))?;
            let freezes = KnownFreezes::open(&store, &sealer, clock, &with, known_as).await?;
            // A task that ends last would drop the runtime inside of itself.
            drop(with);
            let state = match directory {
                Some(path) => Some(Arc::new(node::open_state(path, &store, &sealer, process).await?)),
                None => None,
            };
            let agreed_texts = store.reader().await?.all_kind_terms(MAX_AGREED_TEXTS).await?;
            Ok::<_, OpenError>(OpenedStore { store, sealer, freezes, state, agreed_texts })
        });
        opened.await.map_err(|_| OpenError::Store(StoreError::Panicked))?
    }

    /// Creates the state of all systems over the opened store.
    fn into_systems(
        mut self,
        mut opened: OpenedStore,
        http: HttpClient,
        runtimes: Arc<Runtimes>,
        process: String,
    ) -> Systems {
        self.kinds.texts.learn(std::mem::take(&mut opened.agreed_texts).into_iter().map(Into::into));
        let state = opened.state.take();
        let couriers = self.couriers.take();
        let hot = Arc::new(HotRows::new(self.hot_rows));
        let notifications = Notifications::default();
        let callers = Arc::new(KeptCallers::new(self.hot_rows.min(HotRows::MAX_AGE)));
        forget_on_change(&opened.store, &hot, &callers, &notifications);
        let choices = Choices {
            inbound: self.inbound.take(),
            settings: self.settings.take(),
            max_setups: self.max_setups,
            probes: self.probes,
        };
        let ground = Arc::new(self.into_ground(opened, notifications, http, runtimes, process));
        ground.follow_answers();
        let credential = Arc::new(credential::System { ground, hot });
        Systems::new(
            exchange::System {
                ground: credential.ground.clone(),
                credential,
                exchanges: Exchanges::default(),
                couriers,
                state,
            },
            callers,
            choices,
        )
    }

    /// Creates the state that belongs to no system.
    fn into_ground(
        self,
        opened: OpenedStore,
        notifications: Notifications,
        http: HttpClient,
        runtimes: Arc<Runtimes>,
        process: String,
    ) -> Ground {
        let OpenedStore { store, sealer, freezes, .. } = opened;
        let files = store.file().into_iter().fold(self.files, FilesPolicy::protect_file).hold();
        let budgets = Arc::new(Budgets::new(store.clone(), self.clock.clone(), runtimes.clone()));
        let recorder = Recorder::new(
            store.clone(),
            self.clock.clone(),
            self.ids.clone(),
            sealer.clone(),
            runtimes.clone(),
            RecordSettings { door: self.door, paths: self.recorded_paths, kept: self.kept_uses },
        );
        Ground {
            store,
            process,
            sealer,
            clock: self.clock,
            ids: self.ids,
            crypto: SystemCrypto,
            http,
            files: Arc::new(files),
            file_cache: Default::default(),
            environment: self.environment,
            profile_uses: self.profile_uses,
            local_services: self.local_services,
            provided_secrets: self.provided_secrets,
            kinds: Arc::new(self.kinds),
            subscriptions: Default::default(),
            extension_changes: Default::default(),
            notifications,
            runtimes,
            freezes,
            answers: Default::default(),
            budgets,
            approvals_expire: self.approvals_expire,
            recorder: Arc::new(recorder),
        }
    }
}

/// Returns a random name for this process, which it uses in leases.
fn process_name() -> String {
    let mut name = [0; 16];
    SystemCrypto.random(&mut name);
    encode::hex(&name)
}

/// Forgets the cached rows of what changes, and notifies the host that connections may have changed.
fn forget_on_change(store: &Store, hot: &Arc<HotRows>, callers: &Arc<KeptCallers>, notifications: &Notifications) {
    let (hot, callers) = (hot.clone(), callers.clone());
    let notifications = notifications.clone();
    store.on_change(move |changed| {
        hot.forget(changed);
        callers.forget(changed);
        if matches!(changed, Changed::Connection(_) | Changed::Freezes | Changed::Something) {
            notifications.publish(&Notification::ConnectionsChanged);
        }
    });
}

impl ConnectionRegistry {
    /// Completes what a former process left behind, activates the kinds, and begins to receive callbacks.
    async fn begin(&self) {
        let exchange = self.systems.exchange.clone();
        // The recovery does not panic. Exchanges that it leaves behind are found by the next caller that needs them.
        self.systems.ground.runtimes.spawn(async move { recover(&exchange).await }).await.unwrap_or_default();
        self.systems.ground.follow_applications();
        for entry in self.systems.ground.kinds.read_entries() {
            activate::activate(&self.systems.ground, &entry, &self.owner);
        }
        if let Some(inbound) = &self.systems.inbound {
            inbound.opened(self.downgrade());
        }
    }
}
