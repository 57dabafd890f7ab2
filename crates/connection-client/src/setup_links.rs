//! Setup links: addresses at which somebody else connects an account for an owner, or repairs a connection.

use std::{collections::BTreeMap, fmt};

use serde::{Deserialize, Serialize};

use crate::{Client, Error};

/// A setup link to make.
///
/// ```
/// use connection_client::NewSetupLink;
///
/// let new = NewSetupLink::kinds(["github", "notion"]).tag("customer", "17");
/// let repair = NewSetupLink::repair("018f3b9e-7d2a-7c31-9f43-0123456789ab").return_to("https://app.example/accounts");
/// # drop((new, repair));
/// ```
#[derive(Clone, Debug, Default, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct NewSetupLink {
    #[serde(skip_serializing_if = "Vec::is_empty")]
    kinds: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    connection: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    return_to: Option<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    private_addresses: Vec<String>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    tags: BTreeMap<String, String>,
}

/// A setup link that was made. `Debug` hides its address, because the first person who opens it has the link.
///
/// ```
/// use connection_client::SetupLink;
///
/// let link = r#"{"id": "a", "address": "https://connections.example/link#link=cn_b", "expiresAt": "2027-01-15T08:30:00Z"}"#;
/// let link: SetupLink = serde_json::from_str(link)?;
/// assert!(link.address().ends_with("cn_b") && !format!("{link:?}").contains("cn_b"));
/// # Ok::<_, serde_json::Error>(())
/// ```
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct SetupLink {
    /// The id by which the link is revoked until somebody opens it.
    pub id: String,
    address: String,
    /// The time until which it can be opened, as RFC 3339.
    pub expires_at: String,
}

impl NewSetupLink {
    /// Creates a link with which somebody connects an account of one of these kinds.
    pub fn kinds(kinds: impl IntoIterator<Item = impl Into<String>>) -> Self {
        Self { kinds: kinds.into_iter().map(Into::into).collect(), ..Self::default() }
    }

    /// Creates a link with which somebody authorizes this connection again, as the account that it is of.
    pub fn repair(connection: impl Into<String>) -> Self {
        Self { connection: Some(connection.into()), ..Self::default() }
    }

    /// Sets the name by which the link is listed.
    #[must_use]
    pub fn name(mut self, name: impl Into<String>) -> Self {
        self.name = Some(name.into());
        self
    }

    /// Sets the address to which the page leads the visitor at the end. The server must be configured to allow it.
    #[must_use]
    pub fn return_to(mut self, address: impl Into<String>) -> Self {
        self.return_to = Some(address.into());
        self
    }

    /// Lets the visitor enter an address in the network of the server.
    #[must_use]
    pub fn private_address(mut self, origin: impl Into<String>) -> Self {
        self.private_addresses.push(origin.into());
        self
    }

    /// Sets a tag of the connection that the visitor makes.
    #[must_use]
    pub fn tag(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.tags.insert(name.into(), value.into());
        self
    }
}

impl SetupLink {
    /// Returns the address for the visitor. It can be opened once, and is not shown again.
    pub fn address(&self) -> &str {
        &self.address
    }
}

impl fmt::Debug for SetupLink {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SetupLink").field("id", &self.id).field("expires_at", &self.expires_at).finish_non_exhaustive()
    }
}

impl Client {
    /// Makes a setup link. Each call makes another one.
    ///
    /// # Errors
    ///
    /// [`Error::Refused`] by the server, and the errors of a request without an answer.
    pub async fn create_setup_link(&self, link: &NewSetupLink) -> Result<SetupLink, Error> {
        self.post(&["setup-links"]).body(link, 0).answer().await
    }
}
