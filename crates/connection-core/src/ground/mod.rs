//! What every system of a registry stands on, and what belongs to none of them: the store, the keys, time, the network,
//! and the registered kinds.

mod info;

use std::sync::Arc;

use connection_contract::Kind;
use connection_egress::HttpClient;
use serde_json::Value;

use crate::{
    Clock, ConnectionId, Environment, Error, FilesPolicy, IdGenerator, ProfileId,
    contain::Runtimes,
    event,
    extension_changes::Announcements,
    keys::Sealer,
    kinds::KindTable,
    liveness::Subscriptions,
    services::{
        crypto::SystemCrypto,
        file_cache::Cache,
        files::{ProfileDirectories, Reading},
        local_services::LocalServices,
        provided_secrets::ProvidedSecrets,
    },
    store::{Reader, Store, rows::EventRow},
};

pub(crate) use info::UNREADABLE;

/// Returns how many times the host uses a profile of an owner and a kind.
pub(crate) type ProfileUses = Box<dyn Fn(&str, &Kind, ProfileId) -> usize + Send + Sync>;

/// The state that belongs to no system. All handles of one opened registry share it.
pub(crate) struct Ground {
    pub(crate) store: Store,
    /// The name of this process in leases.
    pub(crate) process: String,
    pub(crate) sealer: Sealer,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) ids: Arc<dyn IdGenerator>,
    pub(crate) crypto: SystemCrypto,
    pub(crate) http: HttpClient,
    pub(crate) files: Arc<FilesPolicy>,
    /// Values that kinds computed from files.
    pub(crate) file_cache: Arc<Cache>,
    pub(crate) environment: Arc<dyn Environment>,
    /// Counts the host's uses of a profile. `None` if the host uses none.
    pub(crate) profile_uses: Option<ProfileUses>,
    /// Tools and login windows that the host provides.
    pub(crate) local_services: LocalServices,
    /// Secret values of kinds that the host provides.
    pub(crate) given: ProvidedSecrets,
    pub(crate) kinds: Arc<KindTable>,
    pub(crate) subscriptions: Subscriptions,
    /// The listeners to changes of extensions.
    pub(crate) announcements: Announcements,
    pub(crate) runtimes: Arc<Runtimes>,
}

impl Ground {
    pub(crate) async fn reader(&self) -> Result<Reader, Error> {
        Ok(self.store.reader().await?)
    }

    /// Returns access to the files that an owner may read.
    pub(crate) fn reading(&self, owner: &str) -> Reading {
        let profiles = ProfileDirectories::new(self.store.clone(), self.kinds.clone(), self.runtimes.clone());
        Reading::new(self.files.clone(), owner, profiles)
    }

    /// An event of now. The body holds no secret.
    pub(crate) fn event(&self, owner: &str, connection: ConnectionId, kind: &str, body: Value) -> EventRow {
        event::at(self.clock.now().seconds(), &*self.ids, owner, connection, kind, body)
    }
}
