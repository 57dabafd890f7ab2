//! The configuration of `connection-oauth2` for declared endpoints.

use connection_contract::{Kind, Reason, RequirementOAuth, host};
use connection_oauth2::{Account, AccountFrom, Client, ClientAuth, Endpoint, OAuth2, OAuth2Config, oauth2};

use super::unusable;

/// Returns the OAuth flow of declared endpoints.
///
/// Each connection brings its own application, or one registers itself for this kind. Both are public clients, which
/// rely on PKCE: a declaration has no place for an application's secret.
pub(super) fn kind(kind: &Kind, title: &str, oauth: &RequirementOAuth) -> Result<OAuth2, Reason> {
    let token = host::origin(&oauth.token_url).map(|origin| origin.as_str().to_owned()).unwrap_or_default();
    let mut builder = OAuth2Config::builder(kind.clone(), title.to_owned())
        .endpoint(Endpoint::Authorize, oauth.authorization_url.clone())
        .endpoint(Endpoint::Token, oauth.token_url.clone())
        // The address of the API is not declared. The tokens go to this origin anyway.
        .api(token)
        .client_auth(ClientAuth::None)
        .client(if oauth.registration_url.is_some() { Client::Registered } else { Client::PerConnection })
        .account(Account::probe("/", "/id", "/id").from(AccountFrom::Client).without_probe());
    if let Some(url) = &oauth.registration_url {
        builder = builder.endpoint(Endpoint::Registration, url.clone());
    }
    for scope in &oauth.scopes {
        builder = builder.scope(scope.clone());
    }
    // The error of the configuration would repeat an address, which may have a secret in the wrong place.
    let refused = |_| {
        unusable(
            format!("the endpoints of '{title}' cannot be used"),
            "write https addresses without a user and a fragment in the manifest",
        )
    };
    builder.build().map(oauth2).map_err(refused)
}
