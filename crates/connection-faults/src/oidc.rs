//! The certified OpenID provider `oidc-provider` from npm, on loopback.
//!
//! It supports authorization codes with PKCE and `iss`, device codes, client credentials, strict rotation,
//! revocation, introspection, registration and PAR.
//!
//! Every visitor is signed in as `ada` and consents to everything, unless a test asks for the forms. The provider
//! knows two applications: [`CLIENT`] with [`SECRET`], and [`PUBLIC_CLIENT`] without a secret. The characters of the
//! secret show whether a client encodes it for `Basic` (RFC 6749, section 2.3.1).

use connection_contract::{Value, encode};

use crate::{
    request_log::{self, LoggedRequest},
    script::Script,
    user_agent::UserAgent,
};

/// The client id of the application that has a secret.
pub const CLIENT: &str = "app";
/// The secret with which the application [`CLIENT`] authenticates itself.
pub const SECRET: &str = "app-secret/+ =%";
/// The client id of the application that has no secret.
pub const PUBLIC_CLIENT: &str = "public";

/// A running provider, which stops when this value is dropped.
#[derive(Debug)]
pub struct OidcServer {
    issuer: String,
    _script: Script,
}

impl OidcServer {
    /// Starts the provider with options for `servers/oidc.mjs`, as JSON.
    ///
    /// Returns `None` and prints a notice if the provider cannot run on this machine.
    pub fn start(options: &str) -> Option<Self> {
        let (script, issuer) = Script::start("oidc.mjs", options)?;
        Some(Self { issuer, _script: script })
    }

    /// Returns the issuer, without a slash at the end.
    pub fn issuer(&self) -> &str {
        &self.issuer
    }

    /// Returns the requests so far, in order.
    ///
    /// # Panics
    ///
    /// Panics if the provider does not answer.
    pub fn ledger(&self) -> Vec<LoggedRequest> {
        request_log::of(&self.issuer)
    }

    /// Revokes all grants, as the users of a provider can.
    ///
    /// # Panics
    ///
    /// Panics in the same cases as [`ledger`](Self::ledger).
    pub fn forget_grants(&self) {
        UserAgent::new().get(&format!("{}/forget", self.issuer)).expect("the provider answers");
    }

    /// Returns `true` if the provider considers a token of [`CLIENT`] active (RFC 7662).
    ///
    /// # Panics
    ///
    /// Panics in the same cases as [`ledger`](Self::ledger).
    pub fn is_active(&self, token: &str) -> bool {
        let pair = [CLIENT, SECRET].map(|part| encode::form([("", part)])[1..].to_owned()).join(":");
        let basic = format!("authorization: Basic {}\r\n", encode::base64(pair.as_bytes()));
        let url = format!("{}/token/introspection", self.issuer);
        let answer = UserAgent::new().post(&url, &basic, &encode::form([("token", token)]));
        let answer = answer.expect("the provider answers");
        assert_eq!(answer.status, 200, "{}", answer.body);
        let document = Value::parse(answer.body.as_bytes()).expect("it answers in JSON");
        document["active"].as_bool().expect("it says whether the token is active")
    }

    /// Returns the token requests so far, in order.
    ///
    /// # Panics
    ///
    /// Panics in the same cases as [`ledger`](Self::ledger).
    pub fn token_requests(&self) -> Vec<LoggedRequest> {
        self.ledger().into_iter().filter(|entry| entry.path == "/token").collect()
    }
}
