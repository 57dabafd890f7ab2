//! The whole request and the answer of an approval, as they are sealed.

use connection_contract::{Crypto as _, Secret, encode};
use connection_rules::{Place, RequestParts};
use serde::{Deserialize, Serialize};

use crate::services::crypto::SystemCrypto;

/// A request as an agent sent it, after its token was taken out and before a credential is attached.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct StoredRequest {
    method: String,
    /// The origin, for an address outside of the base.
    #[serde(skip_serializing_if = "Option::is_none")]
    origin: Option<String>,
    target: String,
    /// Names, and values in base64, because a value may be any bytes.
    headers: Vec<(String, String)>,
    /// In base64.
    body: String,
}

/// The answer of a provider.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct StoredAnswer {
    pub(crate) status: u16,
    pub(crate) headers: Vec<(String, String)>,
    /// In base64.
    body: String,
}

impl StoredRequest {
    pub(crate) fn new(parts: &RequestParts, body: &[u8]) -> Self {
        Self {
            method: parts.method.clone(),
            origin: match &parts.place {
                Place::Base => None,
                Place::Origin(origin) => Some(origin.clone()),
            },
            target: parts.target.clone(),
            headers: parts.headers.iter().map(|(name, value)| (name.clone(), encode::base64(value))).collect(),
            body: encode::base64(body),
        }
    }

    /// Returns the request and its body; `None` for a request that this program did not store.
    pub(crate) fn parts(&self) -> Option<(RequestParts, Vec<u8>)> {
        let body = encode::from_base64(&self.body)?;
        let place = self.origin.clone().map_or(Place::Base, Place::Origin);
        let mut parts = RequestParts::new(self.method.clone(), self.target.clone()).place(place);
        for (name, value) in &self.headers {
            parts = parts.header(name.clone(), encode::from_base64(value)?);
        }
        let length = body.len() as u64;
        Some((parts.body_length(Some(length)), body))
    }

    pub(crate) fn encode(&self) -> Secret {
        Secret::new(serde_json::to_vec(self).unwrap_or_default())
    }

    pub(crate) fn decode(bytes: &[u8]) -> Option<Self> {
        serde_json::from_slice(bytes).ok()
    }
}

impl StoredAnswer {
    pub(crate) fn new(status: u16, headers: Vec<(String, String)>, body: &[u8]) -> Self {
        Self { status, headers, body: encode::base64(body) }
    }

    pub(crate) fn body(&self) -> Vec<u8> {
        encode::from_base64(&self.body).unwrap_or_default()
    }

    pub(crate) fn encode(&self) -> Secret {
        Secret::new(serde_json::to_vec(self).unwrap_or_default())
    }

    pub(crate) fn decode(bytes: &[u8]) -> Option<Self> {
        serde_json::from_slice(bytes).ok()
    }
}

/// Returns the digest that binds an approval to a request: SHA-256 of the nonce and the encoded request.
pub(crate) fn digest(nonce: &[u8], encoded: &[u8]) -> String {
    encode::hex(&SystemCrypto.sha256(&[nonce, encoded].concat()))
}
