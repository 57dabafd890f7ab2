//! Access tokens and setup links.

use connection_api as api;
use connection_contract::Timestamp;
use connection_core::{AccessToken, IssuedToken, Role};
use secrecy::ExposeSecret as _;

/// Converts a token, without its text.
pub fn token(token: &AccessToken) -> api::Token {
    api::Token {
        id: token.id.to_string(),
        name: token.name.to_string(),
        role: role(token),
        owner: token.owner.clone(),
        extension: token.extension.clone(),
        created_at: token.created_at.to_rfc3339(),
        expires_at: token.expires_at.to_rfc3339(),
        last_used_at: token.last_used_at.map(Timestamp::to_rfc3339),
        revoked_at: token.revoked_at.map(Timestamp::to_rfc3339),
        page: token.is_page,
    }
}

/// Returns the role of a token, which is another one for that of an extension and for a setup link.
pub fn role(token: &AccessToken) -> api::Role {
    match (&token.link, &token.extension, token.role) {
        (Some(_), _, _) => api::Role::Link,
        (None, Some(_), _) => api::Role::Extension,
        (None, None, Role::Approve) => api::Role::Approve,
        (None, None, Role::Use) => api::Role::Use,
        (None, None, Role::Manage) => api::Role::Manage,
        (None, None, Role::Admin) => api::Role::Admin,
        (None, None, _) => api::Role::Read,
    }
}

/// Converts a token that was made, with its text.
pub fn issued_token(issued: &IssuedToken) -> api::IssuedToken {
    api::IssuedToken { of: token(&issued.token), token: issued.text.expose_secret().to_owned() }
}

/// Creates the shape of a link on the page at this address, which has no slash at its end.
pub fn setup_link(issued: &IssuedToken, page: &str) -> api::SetupLink {
    api::SetupLink {
        id: issued.token.id.to_string(),
        address: format!("{page}/link#link={}", issued.text.expose_secret()),
        expires_at: issued.token.expires_at.to_rfc3339(),
    }
}
