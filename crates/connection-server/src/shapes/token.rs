//! The shapes of an access token and of a setup link.

use std::fmt;

use connection_contract::Timestamp;
use connection_core::{AccessToken, IssuedToken};
use secrecy::ExposeSecret as _;
use serde::Serialize;
use utoipa::ToSchema;

use super::words;

/// A token, without its text.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Token)]
#[serde(rename_all = "camelCase")]
pub struct TokenBody {
    id: String,
    name: String,
    #[schema(value_type = words::Role)]
    role: &'static str,
    owner: Option<String>,
    extension: Option<String>,
    created_at: String,
    expires_at: String,
    last_used_at: Option<String>,
    revoked_at: Option<String>,
    /// `true` for a token that a page got for a code.
    page: bool,
}

/// A token that was made, with its text, which is shown once.
#[derive(Serialize, ToSchema)]
#[schema(as = IssuedToken)]
pub struct IssuedTokenBody {
    #[serde(flatten)]
    of: TokenBody,
    token: String,
}

impl fmt::Debug for IssuedTokenBody {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("IssuedTokenBody").field("of", &self.of).finish_non_exhaustive()
    }
}

/// Returns the word for what a token may do: its role, `extension`, or `link` for a setup link.
pub fn role_word(token: &AccessToken) -> &'static str {
    match (&token.link, &token.extension) {
        (Some(_), _) => "link",
        (None, Some(_)) => "extension",
        (None, None) => token.role.as_str(),
    }
}

impl From<&AccessToken> for TokenBody {
    fn from(token: &AccessToken) -> Self {
        Self {
            id: token.id.to_string(),
            name: token.name.to_string(),
            role: role_word(token),
            owner: token.owner.clone(),
            extension: token.extension.clone(),
            created_at: token.created_at.to_rfc3339(),
            expires_at: token.expires_at.to_rfc3339(),
            last_used_at: token.last_used_at.map(Timestamp::to_rfc3339),
            revoked_at: token.revoked_at.map(Timestamp::to_rfc3339),
            page: token.is_page,
        }
    }
}

impl From<&IssuedToken> for IssuedTokenBody {
    fn from(issued: &IssuedToken) -> Self {
        Self { of: (&issued.token).into(), token: issued.text.expose_secret().to_owned() }
    }
}

/// A setup link that was made, with its address, which is shown once.
#[derive(Serialize, ToSchema)]
#[schema(as = SetupLink)]
#[serde(rename_all = "camelCase")]
pub struct SetupLinkBody {
    /// The id by which the link is revoked until somebody opens it: `DELETE /tokens/{id}`.
    pub(crate) id: String,
    /// The address for the visitor. It can be opened once, until it expires.
    address: String,
    expires_at: String,
}

impl SetupLinkBody {
    /// Creates the shape of a link on the page at this address, which has no slash at its end.
    pub fn of(issued: &IssuedToken, page: &str) -> Self {
        Self {
            id: issued.token.id.to_string(),
            address: format!("{page}/link#link={}", issued.text.expose_secret()),
            expires_at: issued.token.expires_at.to_rfc3339(),
        }
    }

    /// Returns the address for the visitor.
    pub fn address(&self) -> &str {
        &self.address
    }
}

impl fmt::Debug for SetupLinkBody {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SetupLinkBody").field("id", &self.id).finish_non_exhaustive()
    }
}
