//! A second authorization server on loopback, built with Authlib and Flask, for behaviour that `oidc-provider` lacks.
//!
//! Every visitor of `/authorize` is signed in as `ada` and consents to everything. `servers/authlib_server.py`
//! documents the options.

use crate::{
    request_log::{self, LoggedRequest},
    script::Script,
};

/// The client id of the only application.
pub const CLIENT: &str = "app";

/// The secret of [`CLIENT`].
///
/// Its characters show whether a client encodes it for `Basic` (RFC 6749, section 2.3.1): a secret that was sent
/// without encoding arrives at the server as `z/t+=A`. The secret has no space, because this server decodes `%20` but
/// leaves a `+` as it is.
pub const SECRET: &str = "z/t+=%41";

/// A running server, which stops when this value is dropped.
#[derive(Debug)]
pub struct AuthlibServer {
    address: String,
    _script: Script,
}

impl AuthlibServer {
    /// Starts the server with options as JSON. Returns `None` and prints a notice if the server cannot run on this
    /// machine.
    pub fn start(options: &str) -> Option<Self> {
        let (script, address) = Script::start("authlib_server.py", options)?;
        Some(Self { address, _script: script })
    }

    /// Returns the address of the server, without a slash at the end. `/authorize`, `/token`, `/revoke` and `/me` are
    /// below it.
    pub fn address(&self) -> &str {
        &self.address
    }

    /// Returns the token and revocation requests so far, in order.
    ///
    /// # Panics
    ///
    /// Panics if the server does not answer.
    pub fn ledger(&self) -> Vec<LoggedRequest> {
        request_log::of(&self.address)
    }
}
