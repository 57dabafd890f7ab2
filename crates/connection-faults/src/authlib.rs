//! A second authorization server, of other authors (Authlib on Flask), on loopback: for what the first one does not do.
//!
//! Everybody who comes to `/authorize` is `ada` and allows what is asked. Its options are told in `servers/authlib_server.py`.

use crate::{
    asked::{self, Asked},
    script::Script,
};

/// Its one application.
pub const CLIENT: &str = "app";
/// The application's secret, whose characters tell apart who encodes it for `Basic` (RFC 6749, section 2.3.1). It has no
/// space: this server decodes `%20` and leaves a `+` as it is. What is not encoded, it reads as `z/t+=A`.
pub const SECRET: &str = "z/t+=%41";

/// The server; gone with this value.
#[derive(Debug)]
pub struct AuthlibServer {
    address: String,
    _script: Script,
}

impl AuthlibServer {
    /// With options as JSON. `None` where it cannot run, which is said.
    pub fn start(options: &str) -> Option<Self> {
        let (script, address) = Script::start("authlib_server.py", options)?;
        Some(Self { address, _script: script })
    }

    /// Its address, without a slash at the end; `/authorize`, `/token`, `/revoke` and `/me` are below it.
    pub fn address(&self) -> &str {
        &self.address
    }

    /// The token and revocation requests so far, in order.
    ///
    /// # Panics
    ///
    /// It does not answer.
    pub fn ledger(&self) -> Vec<Asked> {
        asked::of(&self.address)
    }
}
