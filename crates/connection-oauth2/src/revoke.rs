//! Revokes tokens (RFC 7009). Written here because the `oauth2` crate refuses an endpoint on this machine, and supports
//! neither the other ways to authenticate nor a second attempt.

use connection_contract::{Reason, Secret, Teardown, reason};

use crate::{
    OAuth2Error,
    client::Application,
    config::Endpoint,
    provider::{Parameters, Provider},
    token::{OAuth2Credential, response},
};

/// The values of `token_type_hint` (section 2.1).
const REFRESH_TOKEN: &str = "refresh_token";
const ACCESS_TOKEN: &str = "access_token";

/// The provider's answer to the revocation of one token.
enum Answer {
    /// The token no longer works.
    Confirmed,
    /// A status that says nothing about the token.
    Unconfirmed(u16),
    /// The provider does not revoke tokens of this type.
    Unsupported,
    /// The provider refused the request with 400 or 401.
    Refused(OAuth2Error),
}

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
) -> Result<Teardown, OAuth2Error> {
    let sets = || credential.sets();
    let refresh = sets().filter_map(|tokens| Some((REFRESH_TOKEN, tokens.refresh.as_ref()?)));
    let access = sets().map(|tokens| (ACCESS_TOKEN, &tokens.access));
    let mut outcome = Ok(Teardown::Revoked);
    let mut is_refresh_token_revoked = false;
    for (hint, token) in refresh.chain(access) {
        let answer = match one(provider, application, url, hint, token).await {
            // The revocation of the refresh token has ended the access token (section 2.1), which some providers then
            // refuse like any token that does not work.
            Ok(Answer::Refused(_)) if is_refresh_token_revoked && hint == ACCESS_TOKEN => Ok(Answer::Confirmed),
            answer => answer,
        };
        is_refresh_token_revoked |= hint == REFRESH_TOKEN && matches!(answer, Ok(Answer::Confirmed));
        match (&outcome, answer) {
            (Ok(_), Err(error)) => outcome = Err(error),
            (Ok(Teardown::Revoked), Ok(answer)) => outcome = answer.teardown(hint),
            _ => {}
        }
    }
    outcome
}

impl Answer {
    /// Returns the outcome for a token of this type.
    fn teardown(self, hint: &str) -> Result<Teardown, OAuth2Error> {
        let token = if hint == REFRESH_TOKEN { "refresh token" } else { "access token" };
        match self {
            Self::Confirmed => Ok(Teardown::Revoked),
            Self::Unconfirmed(status) => Ok(Teardown::NotRevoked(Reason::new(
                reason::REVOCATION_UNCONFIRMED,
                format!("the provider answered {status}, which does not confirm that it revoked the {token}"),
            ))),
            Self::Unsupported => Ok(Teardown::not_revoked(format!(
                "the {token} works until it expires, because the provider does not revoke tokens of this type"
            ))),
            Self::Refused(error) => Err(error),
        }
    }
}

async fn one(
    provider: &Provider<'_>,
    application: &Application,
    url: &str,
    hint: &str,
    token: &Secret,
) -> Result<Answer, OAuth2Error> {
    let mut answer = post(provider, application, url, Some(hint), token).await;
    if answer.as_ref().is_err_and(OAuth2Error::is_transient) {
        // "The client must assume the token still exists and may retry" (section 2.2.1). A teardown cannot retry later.
        answer = post(provider, application, url, Some(hint), token).await;
    }
    match answer {
        Ok(Answer::Unsupported) => post(provider, application, url, None, token).await,
        answer => answer,
    }
}

async fn post(
    provider: &Provider<'_>,
    application: &Application,
    url: &str,
    hint: Option<&str>,
    token: &Secret,
) -> Result<Answer, OAuth2Error> {
    let mut parameters = Parameters::new([("token", token.expose_str().unwrap_or_default())]);
    if let Some(hint) = hint {
        parameters.set("token_type_hint", hint);
    }
    provider.authenticate(application, url, &mut parameters)?;
    let response = provider.post(None, url, Endpoint::Revocation.name(), parameters, None).await?;
    match response::read(&provider.config.response, &response) {
        Ok(_) => Ok(Answer::Confirmed),
        // The token is no longer valid, perhaps since its refresh token was revoked. Section 2.2 requires a success
        // here, but some providers answer with an error.
        Err(OAuth2Error::Dead) => Ok(Answer::Confirmed),
        Err(OAuth2Error::Refused { code }) if code == "invalid_token" => Ok(Answer::Confirmed),
        Err(OAuth2Error::Refused { code }) if code == "unsupported_token_type" => Ok(Answer::Unsupported),
        // The endpoint may be absent, as well as the token.
        Err(_) if matches!(response.status(), 404 | 410) => Ok(Answer::Unconfirmed(response.status())),
        Err(error) if !error.is_transient() && matches!(response.status(), 400 | 401) => Ok(Answer::Refused(error)),
        Err(error) => Err(error),
    }
}
