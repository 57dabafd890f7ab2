//! How a host is called back, and what whoever receives callbacks for it needs of the registry.

use std::{
    fmt,
    sync::{Arc, Weak},
    time::Duration,
};

use connection_contract::{BaseUrl, Crypto as _, HttpError, HttpRequest, HttpResponse, Secret, encode, host};
use connection_egress::Egress;

use crate::{Clock, ConnectionRegistry, Error, registry::Shared, store::Changed};

/// How often whoever waits for the last callback looks at least.
const LOOKED: Duration = Duration::from_secs(1);

/// How a host is called back.
#[async_trait::async_trait]
pub trait InboundEndpoint: Send + Sync + fmt::Debug {
    /// The registry that was opened with it: for one that receives callbacks by itself.
    fn opened(&self, _: WeakConnectionRegistry) {}

    /// Where the browser comes back for this kind: stable per host and kind, since it is registered at the provider.
    /// `None` when there is none to give now.
    async fn redirect_uri(&self, kind: &connection_contract::Kind) -> Option<String>;

    /// Whether this host can still be reached at an address that it gave out, perhaps before it was started again; makes
    /// it so where that takes something, such as listening on the port again.
    async fn rebind(&self, redirect_uri: &str) -> bool;
}

pub(crate) type Inbound = Option<Arc<dyn InboundEndpoint>>;

/// A registry that does not keep it: whoever is held by one must not hold it.
#[derive(Clone)]
pub struct WeakConnectionRegistry {
    shared: Weak<Shared>,
    owner: Arc<str>,
}

impl fmt::Debug for WeakConnectionRegistry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WeakConnectionRegistry").field("owner", &self.owner).finish_non_exhaustive()
    }
}

impl WeakConnectionRegistry {
    /// The registry, as long as its host has it.
    pub fn upgrade(&self) -> Option<ConnectionRegistry> {
        Some(ConnectionRegistry { shared: self.shared.upgrade()?, owner: self.owner.clone() })
    }

    /// Resolves when no open session, of any owner and process, has an address at which it is called back, or the registry
    /// is gone.
    ///
    /// # Errors
    ///
    /// The store's.
    pub async fn callbacks_over(&self) -> Result<(), Error> {
        let Some((store, clock)) = self.shared.upgrade().map(|shared| (shared.store.clone(), shared.clock.clone()))
        else {
            return Ok(());
        };
        let mut changes = store.changes(&*clock).await;
        while let Some(shared) = self.shared.upgrade() {
            let now = clock.now().seconds();
            if !shared.reader().await?.has_callbacks(now).await? {
                return Ok(());
            }
            drop(shared);
            changes.changed(&*clock, LOOKED, |changed| matches!(changed, Changed::Setup(_))).await?;
        }
        Ok(())
    }
}

impl Shared {
    /// Sends a request to an address of this host, and nowhere else.
    pub(crate) async fn ask_itself(
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

impl ConnectionRegistry {
    /// This registry, without keeping it.
    pub fn downgrade(&self) -> WeakConnectionRegistry {
        WeakConnectionRegistry { shared: Arc::downgrade(&self.shared), owner: self.owner.clone() }
    }

    /// The clock that it was opened with.
    pub fn clock(&self) -> Arc<dyn Clock> {
        self.shared.clock.clone()
    }

    /// 256 random bits as text: for what a host gives a browser.
    pub fn fresh_token(&self) -> Secret {
        let mut bits = [0; 32];
        self.shared.crypto.random(&mut bits);
        Secret::from(encode::base64url(&bits))
    }

    /// Answers a challenge as every process of this store does, and nobody else: by which a host that asks itself over the
    /// network knows whom it has reached.
    pub fn callback_proof(&self, challenge: &str) -> String {
        encode::hex(&self.shared.sealer.mac("connections/callback-proof/v1", challenge.as_bytes()))
    }

    /// Asks an address of this host, as somebody outside does: no credential goes there, private addresses are allowed,
    /// and a redirect to another origin is not followed.
    ///
    /// # Errors
    ///
    /// Why there is no answer.
    pub async fn ask_itself(&self, base: &str, path_and_query: &str) -> Result<HttpResponse, HttpError> {
        self.shared.ask_itself(base, |base| host::request("GET", base, path_and_query)).await
    }
}
