//! The request of a client, sealed in the address of the page until a person decides.

use connection_contract::Timestamp;
use connection_core::{ConnectionRegistry, Error};
use serde::{Deserialize, Serialize};

use super::client::ClientStatement;

/// The purpose of a sealed request.
const PURPOSE: &str = "the consent to a client";
/// The time in seconds in which a person decides.
const LIFETIME: u64 = 15 * 60;

/// A request for a code.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct CodeRequest {
    /// The address under which the client knows this server (RFC 9207).
    pub(super) issuer: String,
    /// The id of the client.
    pub(super) client: String,
    /// The address to which the browser returns.
    pub(super) redirect: String,
    /// The text of the client that is returned with the code.
    pub(super) state: Option<String>,
    /// The challenge of the client (RFC 7636, method S256).
    pub(super) challenge: String,
    /// The time until which a person may decide.
    pub(super) ends: i64,
    /// What the document of the client said when it was shown to a person.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) described: Option<ClientStatement>,
}

impl CodeRequest {
    /// Returns the end of a request that arrives now.
    pub(super) fn end(now: Timestamp) -> i64 {
        now.after(LIFETIME).seconds()
    }

    pub(super) async fn seal(&self, registry: &ConnectionRegistry) -> Result<String, Error> {
        // The form has string keys, so serializing it cannot fail.
        let text = serde_json::to_vec(self).unwrap_or_default();
        registry.receiver().seal_statement(PURPOSE, &text).await
    }

    /// Opens a request; `None` for one that has ended, and for any other text.
    pub(super) async fn open(registry: &ConnectionRegistry, text: &str) -> Result<Option<Self>, Error> {
        let opened = registry.receiver().open_statement(PURPOSE, text).await?;
        let request: Option<Self> = opened.and_then(|bytes| serde_json::from_slice(bytes.expose()).ok());
        Ok(request.filter(|request| registry.clock().now().seconds() < request.ends))
    }
}
