//! Receives callbacks: hands them to the registry, leaves the address with the code in it, and tells what came of it.
//! Leads browsers to the provider, so that a callback is known to come from the browser of its setup.
//!
//! Nothing of a request is shown, logged or put into an address: pages say what the session says, and every `Location` is
//! made of the configured URL, the kind and a reference of ours, or is the address at the provider that the session gives.

mod arrived;
mod done;
mod endpoint;
mod go;
mod proof;

use std::sync::Arc;

use axum::{Router, middleware, routing::any};
use connection_core::{ConnectionRegistry, WeakConnectionRegistry};

use crate::{PublicUrl, headers};

pub use endpoint::PublicEndpoint;
pub(crate) use proof::PATH as PROOF_PATH;

/// Whoever may go away while callbacks still come.
#[derive(Clone, Debug)]
pub(crate) enum Registry {
    Here(ConnectionRegistry),
    /// Of a server that the registry holds.
    Lent(WeakConnectionRegistry),
}

impl Registry {
    pub(crate) fn get(&self) -> Option<ConnectionRegistry> {
        match self {
            Self::Here(registry) => Some(registry.clone()),
            Self::Lent(registry) => registry.upgrade(),
        }
    }
}

/// What the handlers share.
#[derive(Clone, Debug)]
pub(crate) struct Receiver {
    pub(crate) registry: Registry,
    pub(crate) url: Arc<PublicUrl>,
}

/// Routes for the callbacks of every kind, at `/callback/{kind}` and below, to be mounted where requests for `url` arrive: with
/// [`Router::merge`], or with [`Router::nest`] where the proxy passes on the path of `url`. The registry is one that was
/// opened with a [`PublicEndpoint`] of the same `url`.
///
/// Nothing is taken from `Host` or from what proxies add, so that none of them can lead a browser elsewhere.
pub fn callback_routes<S>(registry: ConnectionRegistry, url: PublicUrl) -> Router<S>
where
    S: Clone + Send + Sync + 'static,
{
    routes(Receiver { registry: Registry::Here(registry), url: Arc::new(url) })
}

pub(crate) fn routes<S>(receiver: Receiver) -> Router<S>
where
    S: Clone + Send + Sync + 'static,
{
    // Any method, so that each handler takes GET alone: a router would answer HEAD by the handler of GET, and a look at an
    // address would use the callback up.
    Router::new()
        .route(proof::PATH, any(proof::proof))
        .route("/callback/{kind}", any(arrived::arrived))
        .route("/callback/{kind}/done", any(done::done))
        .route("/callback/{kind}/go/{token}", any(go::go))
        .layer(middleware::map_response(headers::guarded))
        .with_state(receiver)
}
