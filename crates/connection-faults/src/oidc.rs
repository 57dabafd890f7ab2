//! A certified OpenID provider (npm `oidc-provider`) on loopback: code with PKCE and `iss`, device, client credentials, strict
//! rotation, revocation, introspection, registration and PAR.
//!
//! Everybody who comes to it is `ada` and allows what is asked, unless a test wants the forms. Two applications are known:
//! [`CLIENT`] with [`SECRET`], whose characters tell apart who encodes it for `Basic` (RFC 6749, section 2.3.1), and
//! [`PUBLIC_CLIENT`] without a secret.

use connection_contract::Value;

use crate::{node::Script, user_agent::UserAgent};

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

/// One request that it answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Asked {
    /// `POST`
    pub method: String,
    /// `/token`
    pub path: String,
    /// The `grant_type`, of a token request.
    pub grant: Option<String>,
    /// A hash of the refresh token that was spent.
    pub spent: Option<String>,
    /// What it answered.
    pub status: i64,
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
        let answer = UserAgent::new().get(&format!("{}/ledger", self.issuer)).expect("the provider answers");
        let ledger = Value::parse(answer.body.as_bytes()).expect("the ledger is JSON");
        let text = |entry: &Value, name: &str| entry[name].as_str().map(str::to_owned);
        let entries = ledger.items().iter();
        entries
            .map(|entry| Asked {
                method: text(entry, "method").unwrap_or_default(),
                path: text(entry, "path").unwrap_or_default(),
                grant: text(entry, "grant"),
                spent: text(entry, "spent"),
                status: entry["status"].as_i64().unwrap_or_default(),
            })
            .collect()
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
