//! The inbound side of a host: provider callbacks and webhooks, with the servers that listen for them.
//!
//! A server with a public address mounts [`callback_routes`] and [`webhook_routes`] and gives its registry a
//! [`PublicEndpoint`]; a host without an HTTP server of its own runs a [`Server`]. A desktop program gives its
//! registry a [`LoopbackServer`], which listens on this machine only while a setup waits for a callback (RFC 8252).
//! [`open_browser`] opens the provider's page in the user's browser, and [`check_callback`] explains why no callback
//! arrives.
//!
//! Nothing from the network is trusted before its `state` has matched. A forged, foreign, late or repeated callback
//! gets a page without information, and the setup continues to wait for the right one.
//!
//! # What this crate is not
//!
//! It knows no provider and no protocol. It keeps no state: any process of the same store can answer any request. It
//! does not authenticate users, and begins no setup: the crate `connection-server` has the routes and the page for that.
//!
//! # Stability
//!
//! Follows semver from 1.0 on.

mod browser;
mod callback;
mod check;
mod check_webhook;
mod cookies;
mod headers;
mod loopback;
mod page;
mod platform;
mod public_url;
mod query;
mod server;
mod sockets;
mod webhooks;

pub use browser::{Browser, OpenBrowserError, open_browser};
pub use callback::{PublicEndpoint, callback_routes};
pub use check::{CallbackCheck, CallbackProblem, check_callback, is_listening};
pub use check_webhook::{WebhookCheck, check_webhook};
pub use cookies::setup_cookie;
pub use loopback::{LoopbackOptions, LoopbackServer};
pub use public_url::{InvalidPublicUrl, PublicUrl};
#[cfg(unix)]
pub use server::SocketServer;
pub use server::{
    ArrivedAtSocket, InvalidNetwork, InvalidTls, Network, PassedRequest, RequestPlace, Server, ServerTls,
    WaitingRequest,
};
pub use webhooks::webhook_routes;
