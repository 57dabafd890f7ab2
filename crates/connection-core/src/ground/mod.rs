//! The parts that every system of a registry uses and none of them owns: the store, the keys, time, the network, and the
//! registered kinds.

mod answers;
mod applications;
mod info;
mod lane;
mod owner_kinds;
mod owner_name;
mod provider_words;
mod scope;
mod sealed;
mod terms;

use std::sync::Arc;

use connection_contract::{BaseUrl, Crypto as _, HttpError, HttpRequest, HttpResponse, Kind, Secret, encode, host};
use connection_egress::{Egress, HttpClient};
use serde_json::Value;

use crate::{
    Clock, ConnectionId, Environment, Error, FilesPolicy, IdGenerator, ProfileId,
    budget::Budgets,
    contain::Runtimes,
    event,
    extension_changes::Changes,
    frozen::KnownFreezes,
    keys::Sealer,
    kinds::KindTable,
    liveness::Subscriptions,
    notification::Notifications,
    services::{
        crypto::SystemCrypto,
        file_cache::Cache,
        files::{ProfileDirectories, Reading},
        local_services::LocalServices,
        provided_secrets::ProvidedSecrets,
    },
    store::{Reader, Store, rows::EventRow},
    uses::Recorder,
};

pub(crate) use answers::Answers;
pub(crate) use info::UNREADABLE;
pub(crate) use lane::Lane;
pub(crate) use owner_kinds::RowKinds;
pub(crate) use scope::{OwnedScope, Scope};
pub(crate) use terms::{check_terms, kind_changed};

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
    pub(crate) provided_secrets: ProvidedSecrets,
    pub(crate) kinds: Arc<KindTable>,
    pub(crate) subscriptions: Subscriptions,
    /// The listeners to changes of extensions.
    pub(crate) extension_changes: Changes,
    /// The listeners of the host to what this process does.
    pub(crate) notifications: Notifications,
    pub(crate) runtimes: Arc<Runtimes>,
    /// What is frozen, and the uses in progress.
    pub(crate) freezes: Arc<KnownFreezes>,
    /// The origins that answer after they failed.
    pub(crate) answers: Answers,
    /// What this process may send of the budgets of grants.
    pub(crate) budgets: Arc<Budgets>,
    /// The time for which a request about which a person is asked may be sent.
    pub(crate) approvals_expire: std::time::Duration,
    /// Writes the record of use.
    pub(crate) recorder: Arc<Recorder>,
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

    /// Returns an event with the current time. The body holds no secret.
    pub(crate) fn event(&self, owner: &str, connection: ConnectionId, kind: &str, body: Value) -> EventRow {
        event::at(self.clock.now().seconds(), &*self.ids, owner, connection, kind, body)
    }

    /// Returns 256 random bits as text.
    pub(crate) fn fresh_token(&self) -> Secret {
        let mut bits = [0; 32];
        self.crypto.random(&mut bits);
        Secret::from(encode::base64url(&bits))
    }

    /// Sends a request to an address of this host, and to no other origin.
    pub(crate) async fn send_to_self(
        &self,
        base: &str,
        request: impl FnOnce(&BaseUrl) -> Option<HttpRequest>,
    ) -> Result<HttpResponse, HttpError> {
        let base = host::base_url(base).ok_or(HttpError::Protocol)?;
        let request = request(&base).ok_or(HttpError::Protocol)?;
        let origin = base.origin().clone();
        let egress = Egress { host: vec![origin], ..Egress::default() };
        self.http.send(&egress, request).await
    }
}
