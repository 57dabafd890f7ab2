//! Revokes tokens (RFC 7009). Written here because the `oauth2` crate refuses an endpoint on this machine, and supports
//! neither the other ways to authenticate nor a second attempt.

use connection_contract::Secret;

use crate::{
    OAuth2Error,
    client::Application,
    config::Endpoint,
    provider::{Parameters, Provider},
    token::{OAuth2Credential, response},
};

/// Revokes every token, refresh tokens first: revoking one of them invalidates its access tokens too.
///
/// # Errors
///
/// Returns the first failure; the remaining tokens are revoked all the same.
pub(crate) async fn revoke(
    provider: &Provider<'_>,
    application: &Application,
    url: &str,
    credential: &OAuth2Credential,
) -> Result<(), OAuth2Error> {
    let sets = || credential.sets();
    let refresh = sets().filter_map(|tokens| Some(("refresh_token", tokens.refresh.as_ref()?)));
    let access = sets().map(|tokens| ("access_token", &tokens.access));
    let mut outcome = Ok(());
    for (hint, token) in refresh.chain(access) {
        let given_back = one(provider, application, url, hint, token).await;
        outcome = outcome.and(given_back);
    }
    outcome
}

async fn one(
    provider: &Provider<'_>,
    application: &Application,
    url: &str,
    hint: &str,
    token: &Secret,
) -> Result<(), OAuth2Error> {
    let mut response = post(provider, application, url, Some(hint), token).await;
    if response.as_ref().is_err_and(OAuth2Error::is_transient) {
        // "The client must assume the token still exists and may retry" (section 2.2.1). A teardown cannot retry later.
        response = post(provider, application, url, Some(hint), token).await;
    }
    match response {
        // The token is no longer valid, perhaps since its refresh token was revoked. Section 2.2 requires a success
        // here, but some providers answer with an error.
        Err(OAuth2Error::Dead) => Ok(()),
        Err(OAuth2Error::Refused { code }) if code == "invalid_token" => Ok(()),
        Err(OAuth2Error::Refused { code }) if code == "unsupported_token_type" => {
            match post(provider, application, url, None, token).await {
                // The token cannot be revoked here; it ends with the refresh token, or expires.
                Err(OAuth2Error::Refused { code }) if code == "unsupported_token_type" => Ok(()),
                response => response,
            }
        }
        response => response,
    }
}

async fn post(
    provider: &Provider<'_>,
    application: &Application,
    url: &str,
    hint: Option<&str>,
    token: &Secret,
) -> Result<(), OAuth2Error> {
    let mut parameters = Parameters::new([("token", token.expose_str().unwrap_or_default())]);
    if let Some(hint) = hint {
        parameters.set("token_type_hint", hint);
    }
    provider.authenticate(application, url, &mut parameters)?;
    let response = provider.post(None, (url, Endpoint::Revocation.name()), parameters, None).await?;
    match response.status() {
        // A token that the provider does not know counts as revoked (section 2.2).
        200..=299 | 404 | 410 => Ok(()),
        _ => response::read(&provider.config.response, &response).map(drop),
    }
}
