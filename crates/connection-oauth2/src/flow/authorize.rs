//! The address that the browser opens (RFC 6749, section 4.1.1), pushed first if the provider supports that (RFC 9126).

use connection_contract::{Link, Timestamp};
use oauth2::{
    AuthUrl, ClientId, CsrfToken, PkceCodeChallenge, PkceCodeVerifier, RedirectUrl, basic::BasicClient, url::Url,
};

use crate::{
    OAuth2Error,
    client::Application,
    config::{Endpoint, RequestKind},
    provider::{Parameters, Provider},
    token::{expiry, refusal::Occasion, response},
};

/// One authorization attempt: the values that the browser carries and must bring back.
pub(crate) struct Attempt {
    pub(crate) redirect_uri: String,
    pub(crate) state: String,
    pub(crate) verifier: Option<String>,
}

/// Returns the challenge of a verifier (RFC 7636, section 4.2). The method is S256, never `plain`.
pub(crate) fn challenge(verifier: &str) -> PkceCodeChallenge {
    PkceCodeChallenge::from_code_verifier_sha256(&PkceCodeVerifier::new(verifier.to_owned()))
}

/// An address for the browser to open.
pub(crate) struct Opened {
    pub(crate) link: Link,
    /// Time at which the pushed request expires.
    pub(crate) until: Option<Timestamp>,
}

/// Returns the address to open, pushing the request first if there is an endpoint for that.
pub(crate) async fn link(
    provider: &Provider<'_>,
    application: &Application,
    attempt: &Attempt,
) -> Result<Opened, OAuth2Error> {
    let undeclared = || OAuth2Error::UndeclaredAddress { what: Endpoint::Authorize.name() };
    let endpoint = provider.required(Endpoint::Authorize)?;
    provider.base(&endpoint, Endpoint::Authorize.name())?;
    let client = BasicClient::new(ClientId::new(application.id.clone()))
        .set_auth_uri(AuthUrl::new(endpoint).map_err(|_| undeclared())?)
        .set_redirect_uri(RedirectUrl::new(attempt.redirect_uri.clone()).map_err(|_| OAuth2Error::NoWay)?);
    let mut request = client.authorize_url(|| CsrfToken::new(attempt.state.clone()));
    let scope = provider.scope();
    if !scope.is_empty() {
        request = request.add_extra_param("scope", scope);
    }
    if let Some(verifier) = &attempt.verifier {
        request = request.set_pkce_challenge(challenge(verifier));
    }
    let (mut url, _) = request.url();
    // The query of the endpoint itself stays as it is; the deviations apply only to the parameters added here.
    let fixed = AuthUrl::new(provider.required(Endpoint::Authorize)?).map_err(|_| undeclared())?;
    let fixed: Vec<_> = fixed.url().query_pairs().into_owned().collect();
    let all: Vec<(String, String)> = url.query_pairs().into_owned().collect();
    let pairs = all.get(fixed.len()..).unwrap_or_default();
    let mut parameters = Parameters::new(pairs.iter().map(|(name, value)| (name.as_str(), value.as_str())));
    provider.change(RequestKind::Authorize, &mut parameters)?;
    let mut until = None;
    if let Some(pushed) = provider.url(Endpoint::PushedAuthorization)? {
        let request_uri;
        (request_uri, until) = push(provider, application, &pushed, parameters).await?;
        parameters = Parameters::new([("client_id", application.id.as_str()), ("request_uri", &request_uri)]);
    }
    write(&mut url, fixed.iter().chain(&parameters.pairs));
    let link = Link::from_provider(url.as_str()).ok_or_else(undeclared)?;
    Ok(Opened { link, until })
}

fn write<'p>(url: &mut Url, pairs: impl Iterator<Item = &'p (String, String)>) {
    url.set_query(None);
    url.query_pairs_mut().extend_pairs(pairs);
}

/// Pushes the request; the browser then carries only its name. Also returns when that name expires, if the response
/// says so (RFC 9126, section 2.2).
async fn push(
    provider: &Provider<'_>,
    application: &Application,
    url: &str,
    mut parameters: Parameters,
) -> Result<(String, Option<Timestamp>), OAuth2Error> {
    provider.authenticate(application, url, &mut parameters)?;
    let answer = provider.post(None, url, Endpoint::PushedAuthorization.name(), parameters, None).await?;
    let value = response::read(&provider.config.response, Occasion::Begin, &answer)?;
    let until = expiry::expires_in(&value["expires_in"], answer.response.received_at());
    let missing = || OAuth2Error::NoToken { answer: answer.described(None), what: "request_uri" };
    Ok((value["request_uri"].as_str().map(str::to_owned).ok_or_else(missing)?, until))
}
