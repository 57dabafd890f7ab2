//! The sign-in of clients of the door for models: a small authorization server (OAuth 2.1) for the door alone.
//!
//! A client that has no token finds this server by the metadata of the door (RFC 9728), and leads a browser to it. The page
//! asks a person, who gives the client an agent of its own. The client exchanges a code for a token that lives for an hour,
//! and for a refresh token. There are no secrets of clients: a code belongs to whoever made its challenge (RFC 7636).
//!
//! Nothing is stored before a person consents. The id of a client that registered, and the request that a person looks at,
//! are statements that this server sealed.

mod authorize;
mod client;
mod consent;
mod metadata;
mod parameters;
mod redirect;
mod register;
mod request;
mod token;

use std::sync::Arc;

use axum::{
    Router, middleware,
    response::Response,
    routing::{get, post},
};
use connection_core::ConnectionRegistry;

use crate::{guard, options::ApiOptions};

pub(crate) use consent::{consent, refuse, show};
pub(crate) use metadata::challenge;

/// The path of the door for models, whose tokens the server gives out.
pub(crate) const DOOR: &str = "/mcp";

/// The state that the requests share.
#[derive(Clone, Debug)]
pub(crate) struct SignIn {
    registry: ConnectionRegistry,
    options: Arc<ApiOptions>,
}

impl SignIn {
    pub(crate) fn new(registry: ConnectionRegistry, options: Arc<ApiOptions>) -> Self {
        Self { registry, options }
    }

    /// Returns `true` if this is the address of the door, which is the resource of every token (RFC 8707), under one of the
    /// names of this host.
    fn is_resource(&self, text: &str) -> bool {
        let text = text.strip_suffix('/').unwrap_or(text);
        let prefix = self.options.door_prefix();
        let origins = self.options.door_origins().iter();
        origins.map(|origin| format!("{}{prefix}{DOOR}", origin.origin())).any(|door| text == door)
    }
}

/// Returns the routes of the server and of the metadata of the door.
pub(crate) fn routes<S>(registry: ConnectionRegistry, options: Arc<ApiOptions>) -> Router<S>
where
    S: Clone + Send + Sync + 'static,
{
    Router::new()
        .route("/mcp/authorize", get(authorize::authorize))
        .route("/mcp/register", post(register::register))
        .route("/mcp/token", post(token::token))
        .route("/.well-known/oauth-protected-resource", get(metadata::of_door))
        .route("/.well-known/oauth-protected-resource/{*path}", get(metadata::of_door))
        .route("/.well-known/oauth-authorization-server", get(metadata::of_server))
        .route("/.well-known/oauth-authorization-server/{*path}", get(metadata::of_server))
        .layer(middleware::map_response(async |response: Response| guard::protected(response)))
        .with_state(SignIn::new(registry, options))
}
