//! A certified OpenID provider (npm `oidc-provider`) on loopback: code with PKCE and `iss`, device, client credentials, strict
//! rotation, revocation, introspection, registration and PAR.
//!
//! Everybody who comes to it is `ada` and allows what is asked, unless a test wants the forms. Two applications are known:
//! [`CLIENT`] with [`SECRET`], whose characters tell apart who encodes it for `Basic` (RFC 6749, section 2.3.1), and
//! [`PUBLIC_CLIENT`] without a secret.

use connection_contract::{Value, encode};

use crate::{
    asked::{self, Asked},
    script::Script,
    user_agent::UserAgent,
};

/// An application with a secret.
pub const CLIENT: &str = "app";
/// Its secret.
pub const SECRET: &str = "app-secret/+ =%";
/// An application without one.
pub const PUBLIC_CLIENT: &str = "public";

/// The provider; gone with this value.
#[derive(Debug)]
pub struct OidcServer {
    issuer: String,
    _script: Script,
}

impl OidcServer {
    /// With the options of `servers/oidc.mjs`, as JSON. `None` where it cannot run, which is said.
    pub fn start(options: &str) -> Option<Self> {
        let (script, issuer) = Script::start("oidc.mjs", options)?;
        Some(Self { issuer, _script: script })
    }

    /// Its issuer, without a slash at the end.
    pub fn issuer(&self) -> &str {
        &self.issuer
    }

    /// What it was asked so far, in order.
    ///
    /// # Panics
    ///
    /// It does not answer.
    pub fn ledger(&self) -> Vec<Asked> {
        asked::of(&self.issuer)
    }

    /// Takes back all that was granted, as its users can.
    ///
    /// # Panics
    ///
    /// As [`ledger`](Self::ledger).
    pub fn forget_grants(&self) {
        UserAgent::new().get(&format!("{}/forget", self.issuer)).expect("the provider answers");
    }

    /// What the server itself says of a token that [`CLIENT`] got: whether it is good (RFC 7662).
    ///
    /// # Panics
    ///
    /// As [`ledger`](Self::ledger).
    pub fn is_active(&self, token: &str) -> bool {
        let pair = [CLIENT, SECRET].map(|part| encode::form([("", part)])[1..].to_owned()).join(":");
        let basic = format!("authorization: Basic {}\r\n", encode::base64(pair.as_bytes()));
        let url = format!("{}/token/introspection", self.issuer);
        let answer = UserAgent::new().post(&url, &basic, &encode::form([("token", token)]));
        let answer = answer.expect("the provider answers");
        assert_eq!(answer.status, 200, "{}", answer.body);
        let told = Value::parse(answer.body.as_bytes()).expect("it answers in JSON");
        told["active"].as_bool().expect("it says whether the token is active")
    }

    /// The token requests so far.
    ///
    /// # Panics
    ///
    /// As [`ledger`](Self::ledger).
    pub fn token_requests(&self) -> Vec<Asked> {
        self.ledger().into_iter().filter(|asked| asked.path == "/token").collect()
    }
}
