//! The HTTP API of a host of connections, for programs in any language, and the page for people, as routes for axum.
//!
//! [`api_router`] returns the routes below `/api/v1`. Every caller has an access token, which the host makes with
//! [`ConnectionRegistry::access_tokens`]; a page gets one for a code that the host passes to it. A token has a role and,
//! unless it is an operator's, an owner: what belongs to another owner does not exist for it. The OpenAPI document of
//! the routes is at `/api/v1/openapi.json`.
//!
//! [`page_router`] returns the routes of the page, on which a person connects and repairs accounts. It is static, and
//! uses the API like any other program.
//!
//! [`door_router`] returns the reverse door, at which agents use the connections that are granted to them, in the way in
//! which the client of a provider sends its requests.
//!
//! [`monitor_router`] returns the routes of monitors: the [`Metrics`] and the [`Readiness`] of the process.
//!
//! # What this crate is not
//!
//! It keeps no state but the counts and the listeners of its process: every process of a store answers every request. It
//! opens no port and ends no TLS: the host does.
//!
//! # Stability
//!
//! Follows semver from 1.0 on. The JSON shapes only grow.

pub mod agents;
mod appearance;
pub mod approvals;
mod body;
mod caller;
mod changes;
pub mod checks;
pub mod convert;
pub mod declared;
mod doors;
mod guard;
mod observe;
mod once;
mod openapi;
mod options;
mod page;
mod page_settings;
mod path;
mod problem;
mod query;
mod rate;
pub mod reauthorization;
mod routes;
mod sends;
mod sign_in;
mod unknown;
pub mod view;
mod waits;

use std::{fmt, sync::Arc};

use axum::{Router, middleware};
use connection_agent::UsageMonitor;
use connection_contract::Timestamp;
use connection_core::ConnectionRegistry;

use changes::Changes;
use rate::Rates;
use routes::{Feeds, KnownKey, Streams};
use sends::Sends;
use sign_in::SignIn;
use waits::Waits;

pub use appearance::{Accent, InvalidAppearance, Logo, ReturnAddress};
pub use doors::{door_router, serve_mcp};
pub use observe::{Metrics, Readiness};
pub use options::{ApiOptions, HostOrigin, InvalidHostOrigin, LiveStreams};
pub use page::page_router;
pub use page_settings::PageSettings;
pub use routes::monitor_router;

/// The path below which all routes are.
const BASE: &str = "/api/v1";

/// The state that the handlers share.
#[derive(Clone)]
pub(crate) struct Api {
    registry: ConnectionRegistry,
    options: Arc<ApiOptions>,
    rates: Arc<Rates>,
    usage: UsageMonitor,
    feeds: Arc<Feeds>,
    streams: Arc<Streams>,
    sends: Sends,
    waits: Waits,
    changes: Arc<Changes>,
    key: Arc<KnownKey>,
    started_at: Timestamp,
}

impl fmt::Debug for Api {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Api").field("options", &self.options).finish_non_exhaustive()
    }
}

impl Api {
    /// Returns the server at which clients sign in.
    pub(crate) fn sign_in(&self) -> SignIn {
        SignIn::new(self.registry.clone(), self.options.clone())
    }

    fn new(registry: ConnectionRegistry, options: ApiOptions) -> Self {
        let started_at = registry.clock().now();
        let rates = Arc::new(Rates::new(options.requests_per_minute));
        let usage = options.usage.clone().unwrap_or_else(|| UsageMonitor::new(&registry));
        Self {
            registry,
            options: Arc::new(options),
            rates,
            usage,
            feeds: Arc::default(),
            streams: Arc::default(),
            sends: Sends::default(),
            waits: Waits::default(),
            changes: Arc::default(),
            key: Arc::default(),
            started_at,
        }
    }
}

/// Returns the routes of the API, all of them below `/api/v1`.
///
/// A request that names a host or comes from an origin that is not in `options` is refused. So is a change without the
/// content type `application/json`, except for a `DELETE` without a body, and every request without an access token, except for the exchange of a code.
///
/// Every path below `/api/v1` is a route of the API: one that is unknown, and a method that a route does not have, are
/// refused with a problem like any other request.
pub fn api_router<S>(registry: ConnectionRegistry, options: ApiOptions) -> Router<S>
where
    S: Clone + Send + Sync + 'static,
{
    let api = Api::new(registry, options);
    unknown::refused(openapi::with_document(routes::all()))
        .layer(middleware::from_fn_with_state(api.clone(), guard::guard))
        .with_state(api)
}
