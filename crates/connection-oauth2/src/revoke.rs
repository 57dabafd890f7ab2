//! Gives tokens back (RFC 7009). Written here: the `oauth2` crate refuses an endpoint on this machine, and knows neither
//! the other ways to authenticate nor a second try.

use connection_contract::Secret;

use crate::{
    OAuth2Error,
    client::Application,
    config::Endpoint,
    provider::{Parameters, Provider},
    token::{OAuth2Credential, response},
};

/// Gives back every token there, refresh tokens first: with one of them, its access tokens die too.
///
/// # Errors
///
/// The first failure; the others are given back all the same.
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
    let mut asked = post(provider, application, url, Some(hint), token).await;
    if asked.as_ref().is_err_and(OAuth2Error::is_transient) {
        // "The client must assume the token still exists and may retry" (section 2.2.1). There is no later here.
        asked = post(provider, application, url, Some(hint), token).await;
    }
    match asked {
        // Dead already, perhaps with the refresh token before it; some say so, where section 2.2 wants a success.
        Err(OAuth2Error::Dead) => Ok(()),
        Err(OAuth2Error::Refused { code }) if code == "invalid_token" => Ok(()),
        Err(OAuth2Error::Refused { code }) if code == "unsupported_token_type" => {
            match post(provider, application, url, None, token).await {
                // It cannot be given back here; it dies with the refresh token, or by itself.
                Err(OAuth2Error::Refused { code }) if code == "unsupported_token_type" => Ok(()),
                asked => asked,
            }
        }
        asked => asked,
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
        // A token that the provider does not know is as good as given back (section 2.2).
        200..=299 | 404 | 410 => Ok(()),
        _ => response::read(&provider.config.response, &response).map(drop),
    }
}
