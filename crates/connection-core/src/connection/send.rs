//! Sends requests with a connection's credential, which the core attaches, so that the caller never holds it.

use connection_contract::{BoxFuture, HttpRequest};

use super::{Connection, Response, manner::Manner};
use crate::{Error, uses::OpenRecord};

impl Connection {
    /// Sends a request with the credential attached, to an origin in reach. Redirects are followed within the origin.
    ///
    /// The request is created by [`request`](Self::request), or from [`base_url`](Self::base_url). Every status is an
    /// answer. A credential that has ended is refreshed first, if its kind can refresh it.
    ///
    /// After a 401, the credential is refreshed, unless a newer one has been stored meanwhile, and the request is sent
    /// once more with the new credential. If the answer is a 401 although the credential was refreshed seconds ago, the
    /// request is sent once more after two seconds, because the servers of a provider may learn of a new token one
    /// after another; a credential that ended meanwhile is refreshed before. A 401 that remains makes the connection due
    /// for a verification; see [`verify_refused_use`](Self::verify_refused_use).
    ///
    /// # Cancellation
    ///
    /// If the future is dropped, the request may or may not have reached the provider.
    ///
    /// # Errors
    ///
    /// [`Error::InvalidRequest`] for a method or header that cannot be sent, [`Error::Denied`] for an origin out of
    /// reach, [`Error::Sealed`] if the credential cannot be opened, [`Error::Credential`] if it cannot be attached,
    /// [`Error::NotRenewed`], [`Error::NotSupported`], [`Error::UnknownKind`], [`Error::KindChanged`]: nothing was sent.
    /// [`Error::Frozen`] if something is frozen that concerns the use; if it was frozen meanwhile, a part was sent.
    /// [`Error::Http`] if there is no answer.
    pub fn send(&self, request: HttpRequest) -> BoxFuture<'_, Result<Response, Error>> {
        Box::pin(self.perform(request, Manner::AtOnce, None))
    }

    /// Sends a request whose use has begun in the record.
    pub(crate) async fn send_begun(&self, request: HttpRequest, begun: OpenRecord) -> Result<Response, Error> {
        self.perform(request, Manner::AtOnce, Some(begun)).await
    }
}
