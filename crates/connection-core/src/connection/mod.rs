//! The handle of one connection: verify it, use it, watch it. The secret stays here.

mod files;
mod hot;
pub(crate) mod json;
pub(crate) mod named;
mod payload;
mod previous;
mod refresh;
mod rename;
pub(crate) mod replace;
pub(crate) mod rollback;
mod secret;
mod send;

use std::{fmt, sync::Arc};

use connection_contract::{BaseUrl, HttpRequest, Origin, host};

use crate::{
    ConnectionId, ConnectionInfo, ConnectionRegistry, Error, LivenessChanges, StoreError,
    registry::{KindEntry, Shared},
    verify,
};

pub use files::Files;
pub(crate) use hot::{HotRow, HotRows, Known, Stored};
pub(crate) use payload::Payload;
pub use send::Response;

/// A connection of one owner. A clone is another handle to the same.
#[derive(Clone)]
pub struct Connection {
    pub(crate) shared: Arc<Shared>,
    pub(crate) info: Arc<ConnectionInfo>,
}

impl fmt::Debug for Connection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Connection({} {})", self.info.kind, self.info.id)
    }
}

impl Connection {
    /// Its id.
    pub fn id(&self) -> ConnectionId {
        self.info.id
    }

    /// What was known of it when this handle was made, which may be half a second old by then: see
    /// [`hot_rows`](crate::RegistryBuilder::hot_rows).
    pub fn info(&self) -> &ConnectionInfo {
        &self.info
    }

    /// Asks the provider whether it works, and keeps the answer. One probe at a time: who asks while one is under way
    /// gets that one's result.
    ///
    /// A connection that does not work is data: look at the liveness and its reason.
    ///
    /// # Cancellation
    ///
    /// Dropped, the probe goes on and its result is kept.
    ///
    /// # Errors
    ///
    /// [`Error::UnknownKind`], [`Error::NotFound`] when it is gone meanwhile, [`Error::Plugin`] for what says nothing
    /// about the connection, and the store's; the liveness is as it was.
    pub async fn verify(&self) -> Result<ConnectionInfo, Error> {
        verify::verify(&self.registry(), self.id(), verify::Asker::Host).await
    }

    /// The changes of its liveness from now on, in this process alone.
    pub fn on_liveness_change(&self) -> LivenessChanges {
        self.shared.subscriptions.subscribe(self.id())
    }

    /// What paths are relative to: of the reach that is sealed with the credential.
    ///
    /// # Errors
    ///
    /// [`Error::NotSupported`] for a connection without an address, and as [`send`](Self::send).
    pub async fn base_url(&self) -> Result<BaseUrl, Error> {
        let (_, row) = self.open().await?;
        row.payload.base_url.clone().ok_or_else(|| self.cannot("send requests"))
    }

    /// Where its credential may go.
    ///
    /// # Errors
    ///
    /// As [`send`](Self::send).
    pub async fn origins(&self) -> Result<Vec<Origin>, Error> {
        let (_, row) = self.open().await?;
        Ok(row.payload.origins.iter().map(|allowed| allowed.origin.clone()).collect())
    }

    /// A request below its base, as a person writes it: `GET`, `/user/repos?per_page=1`. Path and query are as they go
    /// over the wire, percent-encoded where needed.
    ///
    /// # Errors
    ///
    /// [`Error::InvalidRequest`], and as [`base_url`](Self::base_url).
    pub async fn request(&self, method: &str, path_and_query: &str) -> Result<HttpRequest, Error> {
        if method.is_empty() || !method.bytes().all(|b| b.is_ascii_uppercase()) {
            return Err(Error::InvalidRequest("a method is a word of capital letters, as in GET"));
        }
        let (_, row) = self.open().await?;
        let base = row.payload.base_url.as_ref().ok_or_else(|| self.cannot("send requests"))?;
        host::request(method.to_owned(), base, path_and_query)
            .ok_or(Error::InvalidRequest("a path begins with '/', has no '.' or '..' parts and is percent-encoded"))
    }

    pub(crate) fn registry(&self) -> ConnectionRegistry {
        ConnectionRegistry { shared: self.shared.clone(), owner: self.info.owner.clone().into() }
    }

    pub(crate) fn kind(&self) -> Result<Arc<KindEntry>, Error> {
        let kind = &self.info.kind;
        self.shared.kinds.entry(kind).ok_or_else(|| Error::UnknownKind(kind.clone()))
    }

    pub(crate) fn cannot(&self, what: &'static str) -> Error {
        Error::NotSupported { kind: self.info.kind.clone(), what }
    }

    /// The row of this connection, read after this call.
    pub(crate) async fn reopen(&self) -> Result<Arc<HotRow>, Error> {
        self.shared.hot.reread(&self.stored()).await?.open(&self.shared).await
    }

    fn stored(&self) -> Stored<'_> {
        Stored::of(&self.shared, &self.info)
    }

    /// The plugin and the current credential, opened.
    pub(crate) async fn open(&self) -> Result<(Arc<KindEntry>, Arc<HotRow>), Error> {
        let kind = self.kind()?;
        // What is kept of its rows would outlive it by a moment.
        if self.shared.store.is_closed() {
            return Err(StoreError::Closed.into());
        }
        Ok((kind, self.shared.hot.read(&self.stored()).await?.open(&self.shared).await?))
    }
}
