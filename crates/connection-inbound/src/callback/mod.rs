//! The routes for callbacks: they deliver callbacks to the registry, redirect the browser away from the code, and show
//! the result. They also redirect browsers from a start address to the provider, so that a callback is known to come
//! from the browser of its setup.
//!
//! Nothing of a request is shown, logged or put into an address. Pages show what the session reports, and every
//! `Location` is made from the configured URL, the kind and our own reference, or is the provider's address from the
//! session.

mod client_document;
mod endpoint;
mod proof;
mod receive;
mod result_page;
mod start;

use std::sync::Arc;

use axum::{
    Router, middleware,
    routing::{any, get},
};
use connection_core::{ConnectionRegistry, WeakConnectionRegistry};

use crate::{PublicUrl, headers};

pub use endpoint::PublicEndpoint;
pub(crate) use proof::{LISTENING, ListeningAddress, PATH as PROOF_PATH, listening};

/// A registry, which may be closed while callbacks still arrive.
#[derive(Clone, Debug)]
pub(crate) enum RegistrySource {
    Here(ConnectionRegistry),
    /// A weak handle, for a server that the registry itself owns.
    Shared(WeakConnectionRegistry),
}

impl RegistrySource {
    pub(crate) fn get(&self) -> Option<ConnectionRegistry> {
        match self {
            Self::Here(registry) => Some(registry.clone()),
            Self::Shared(registry) => registry.upgrade(),
        }
    }
}

/// The state that the handlers share.
#[derive(Clone, Debug)]
pub(crate) struct Receiver {
    pub(crate) registry: RegistrySource,
    pub(crate) url: Arc<PublicUrl>,
}

/// Returns the routes for the callbacks of every kind, at `/callback/{kind}` and below, and for the documents that describe
/// this host as an OAuth application, below `/oauth/client/`.
///
/// Mount them where requests for `url` arrive: with [`Router::merge`], or with [`Router::nest`] if the proxy passes
/// on the path of `url`. The registry must have been opened with a [`PublicEndpoint`] of the same `url`.
///
/// Nothing is taken from `Host` or from headers that proxies add, so none of them can redirect a browser elsewhere.
pub fn callback_routes<S>(registry: ConnectionRegistry, url: PublicUrl) -> Router<S>
where
    S: Clone + Send + Sync + 'static,
{
    routes(Receiver { registry: RegistrySource::Here(registry), url: Arc::new(url) })
}

pub(crate) fn routes<S>(receiver: Receiver) -> Router<S>
where
    S: Clone + Send + Sync + 'static,
{
    // Route every method, so that each handler can accept GET alone: a router would answer HEAD with the GET handler,
    // and a mere probe of the address would use up the callback.
    Router::new()
        .route(proof::PATH, any(proof::proof))
        .route("/callback/{kind}", any(receive::receive))
        .route("/callback/{kind}/{part}", any(receive::receive_at))
        .route("/callback/{kind}/done", any(result_page::result_page))
        .route("/callback/{kind}/go/{token}", any(start::start))
        .route("/oauth/client/{file}", get(client_document::client_document))
        .layer(middleware::map_response(headers::with_security_headers))
        .with_state(receiver)
}
