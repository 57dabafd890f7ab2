//! The token requests, written and parsed by the `oauth2` crate.
//!
//! The request for a device code and a single poll with one are written here: the crate refuses answers of providers
//! that deviate from the standard, and its loop sleeps by itself, which a setup that is replayed must not do.

use std::time::Duration;

use connection_contract::{AnswerClass, HttpResponse, NotLive, Secret, Spend, Timestamp, Value, reason};
use oauth2::{
    AuthorizationCode, ClientId, PkceCodeVerifier, RedirectUrl, RefreshToken, RequestTokenError, ResourceOwnerPassword,
    ResourceOwnerUsername, Scope, StandardErrorResponse, TokenResponse as _, TokenUrl,
    basic::{BasicClient, BasicErrorResponseType, BasicTokenResponse},
};

use super::{
    expiry::{self, LifeUnit},
    http_client::ContextHttpClient,
    refusal::{Occasion, PENDING, Stated},
    response::{self, TokenSet},
    text,
};
use crate::{
    OAuth2Error, ProviderAnswer,
    client::Application,
    config::{Endpoint, RequestKind},
    provider::{Parameters, Provider},
};

/// A token response, also in clear text; therefore it has no `Debug`.
pub(crate) struct Granted {
    pub(crate) set: TokenSet,
    pub(crate) answer: Value,
    /// The answer, for errors about what it says.
    pub(crate) described: ProviderAnswer,
    pub(crate) at: Timestamp,
}

type Failed = RequestTokenError<OAuth2Error, StandardErrorResponse<BasicErrorResponseType>>;

/// Converts an error of the `oauth2` crate, without its contents, which may be a response body. The crate parses only what
/// was converted before, so every other error is a fault here.
fn failed(error: Failed) -> OAuth2Error {
    if let RequestTokenError::Request(error) = error { error } else { NotLive::provider_error(None).into() }
}

fn token_url(url: &str) -> Result<TokenUrl, OAuth2Error> {
    TokenUrl::new(url.to_owned()).map_err(|_| OAuth2Error::UndeclaredAddress { what: "token endpoint" })
}

fn parsed(
    provider: &Provider<'_>,
    via: ContextHttpClient<'_>,
    typed: &BasicTokenResponse,
) -> Result<Granted, OAuth2Error> {
    let (answer, value) = via.into_answer().ok_or_else(|| NotLive::provider_error(None))?;
    let mut set = response::set(&provider.config.response, &answer, &value)?;
    let at = answer.response.received_at();
    set.access = Secret::from(typed.access_token().secret().as_str());
    set.refresh = typed.refresh_token().map(|token| Secret::from(token.secret().as_str()));
    set.valid_until = typed.expires_in().map(|life| at.after(life.as_secs()));
    set.scopes = typed.scopes().map(|scopes| scopes.iter().map(|scope| scope.to_string()).collect());
    Ok(Granted { set, described: answer.described(None), answer: value, at })
}

/// Exchanges a code for tokens, once (RFC 6749, section 4.1.3; RFC 7636, section 4.5).
pub(crate) async fn code(
    provider: &Provider<'_>,
    application: &Application,
    code: &Secret,
    verifier: Option<&str>,
    redirect_uri: &str,
) -> Result<Granted, OAuth2Error> {
    let url = provider.required(Endpoint::Token)?;
    let redirect = RedirectUrl::new(redirect_uri.to_owned()).map_err(|_| OAuth2Error::NoWay)?;
    let client = BasicClient::new(ClientId::new(application.id.clone()))
        .set_token_uri(token_url(&url)?)
        .set_redirect_uri(redirect);
    let text = code.expose_str().unwrap_or_default().to_owned();
    let mut request = client.exchange_code(AuthorizationCode::new(text));
    if let Some(verifier) = verifier {
        request = request.set_pkce_verifier(PkceCodeVerifier::new(verifier.to_owned()));
    }
    let via = ContextHttpClient::new(
        provider,
        application,
        RequestKind::Token,
        Occasion::Code,
        Some(Spend::new("code", code)),
    );
    let typed = request.request_async(&via).await.map_err(failed)?;
    parsed(provider, via, &typed)
}

/// Requests the application's own tokens (RFC 6749, section 4.4), or exchanges a user's own password for tokens
/// (section 4.3), if a configuration allows it. Nothing is spent.
pub(crate) async fn without_code(
    provider: &Provider<'_>,
    application: &Application,
    user: Option<&(String, Secret)>,
) -> Result<Granted, OAuth2Error> {
    let url = provider.required(Endpoint::Token)?;
    let client = BasicClient::new(ClientId::new(application.id.clone())).set_token_uri(token_url(&url)?);
    let scope = Some(provider.scope()).filter(|scope| !scope.is_empty()).map(Scope::new);
    let via = ContextHttpClient::new(provider, application, RequestKind::Token, Occasion::Login, None);
    let typed = match user {
        Some((name, password)) => {
            let name = ResourceOwnerUsername::new(name.clone());
            let password = ResourceOwnerPassword::new(password.expose_str().unwrap_or_default().to_owned());
            client.exchange_password(&name, &password).add_scopes(scope).request_async(&via).await
        }
        None => client.exchange_client_credentials().add_scopes(scope).request_async(&via).await,
    };
    parsed(provider, via, &typed.map_err(failed)?)
}

/// Exchanges a refresh token for tokens, once (RFC 6749, section 6). It never requests more than was granted.
pub(crate) async fn refresh(
    provider: &Provider<'_>,
    application: &Application,
    token: &Secret,
    scopes: Option<&[String]>,
) -> Result<Granted, OAuth2Error> {
    let url = match provider.url(Endpoint::Refresh)? {
        Some(url) => url,
        None => provider.required(Endpoint::Token)?,
    };
    let client = BasicClient::new(ClientId::new(application.id.clone())).set_token_uri(token_url(&url)?);
    let refresh = RefreshToken::new(token.expose_str().unwrap_or_default().to_owned());
    let mut request = client.exchange_refresh_token(&refresh);
    if let Some(scopes) = scopes.filter(|scopes| !scopes.is_empty()) {
        request = request.add_extra_param("scope", scopes.join(&provider.config.scope_separator));
    }
    let spend = Spend::new("refresh_token", token);
    let via = ContextHttpClient::new(provider, application, RequestKind::Refresh, Occasion::Refresh, Some(spend));
    let typed = request.request_async(&via).await.map_err(failed)?;
    parsed(provider, via, &typed)
}

/// The lifetime in seconds of a device code whose response states none, although RFC 8628, section 3.2, requires it: half
/// of that in the example of the standard.
const DEVICE_LIFE: u64 = 900;
/// The interval in seconds if the response states none (RFC 8628, section 3.2).
const INTERVAL: u64 = 5;

/// The codes that a device shows (RFC 8628, section 3.2). It is a secret in part; therefore it has no `Debug`.
pub(crate) struct DeviceCodes {
    pub(crate) device_code: Secret,
    pub(crate) user_code: String,
    pub(crate) verification_uri: String,
    pub(crate) verification_uri_complete: Option<String>,
    pub(crate) life: u64,
    pub(crate) interval: u64,
    pub(crate) at: Timestamp,
}

/// Requests the codes of a device.
pub(crate) async fn device(provider: &Provider<'_>, application: &Application) -> Result<DeviceCodes, OAuth2Error> {
    let url = provider.required(Endpoint::Device)?;
    let scope = provider.scope();
    let mut parameters = Parameters::new((!scope.is_empty()).then_some(("scope", scope.as_str())));
    provider.authenticate(application, &url, &mut parameters)?;
    provider.change(RequestKind::Device, &mut parameters)?;
    let what = Endpoint::Device.name();
    let answer = provider.post(Some(RequestKind::Device), &url, what, parameters, None).await?;
    let rules = &provider.config.response;
    let value = response::read(rules, Occasion::Begin, &answer)?;
    let at = answer.response.received_at();
    let missing = |what| OAuth2Error::NoToken { answer: answer.described(None), what };
    // Some providers write the code that a person types as a number.
    let text = |name: &str| match &value[name] {
        Value::Text(text) | Value::Number(text) if !text.trim().is_empty() => Some(text.trim().to_owned()),
        _ => None,
    };
    // Google and others still use the names of the draft.
    let address = |end: &str| ["uri", "url"].iter().find_map(|name| text(&format!("verification_{name}{end}")));
    let end = expiry::expires_in_at(&value, "/expires_in", response::unit(rules), at);
    let life = end.and_then(|end| u64::try_from(end.seconds() - at.seconds()).ok());
    Ok(DeviceCodes {
        device_code: text("device_code").map(Secret::from).ok_or_else(|| missing("device code"))?,
        user_code: text("user_code").ok_or_else(|| missing("code that a person types"))?,
        verification_uri: address("").ok_or_else(|| missing("address at which a person types the code"))?,
        verification_uri_complete: address("_complete"),
        life: life.unwrap_or(DEVICE_LIFE),
        interval: expiry::life(&value["interval"], LifeUnit::Seconds, at).unwrap_or(INTERVAL),
        at,
    })
}

/// The result of one poll.
pub(crate) enum Poll {
    Granted(Box<Granted>),
    /// The code has not been confirmed yet.
    Pending,
    /// The polls are too frequent.
    SlowDown {
        /// The interval to keep in seconds, if the response states it.
        interval: Option<u64>,
        /// The pause before the next poll alone, if the response asks for one.
        pause: Option<Duration>,
    },
    /// Nothing was said about the code: there was no answer, or something else than the endpoint answered.
    Unanswered(OAuth2Error),
}

/// Polls once for the confirmation of a device code (RFC 8628, section 3.4).
pub(crate) async fn poll(
    provider: &Provider<'_>,
    application: &Application,
    device_code: &Secret,
) -> Result<Poll, OAuth2Error> {
    let url = provider.required(Endpoint::Token)?;
    let code = device_code.expose_str().unwrap_or_default();
    let mut parameters =
        Parameters::new([("grant_type", "urn:ietf:params:oauth:grant-type:device_code"), ("device_code", code)]);
    provider.authenticate(application, &url, &mut parameters)?;
    provider.change(RequestKind::Token, &mut parameters)?;
    let spend = Spend::new("device_code", device_code);
    let what = Endpoint::Token.name();
    let answer = match provider.post(Some(RequestKind::Token), &url, what, parameters, Some(spend)).await {
        // A sign-in or a page about maintenance in front of the endpoint redirects, too.
        Err(error) if error.is_transient() || matches!(error, OAuth2Error::Redirected(_)) => {
            return Ok(Poll::Unanswered(error));
        }
        answer => answer?,
    };
    let rules = &provider.config.response;
    let value = text::value(&answer.response).unwrap_or(Value::Null);
    let stated = Stated::of(rules, &value, answer.response.status());
    if stated.is(PENDING) {
        return Ok(Poll::Pending);
    }
    let at = answer.response.received_at();
    if stated.is("slow_down") {
        let interval = expiry::life(&value["interval"], LifeUnit::Seconds, at);
        return Ok(Poll::SlowDown { interval, pause: answer.response.pause() });
    }
    let granted = response::read(rules, Occasion::Device, &answer).and_then(|value| {
        let set = response::set(rules, &answer, &value)?;
        Ok(Granted { set, described: answer.described(None), answer: value, at })
    });
    match granted {
        Ok(granted) => Ok(Poll::Granted(Box::new(granted))),
        Err(error) if is_unanswered(&error, &answer.response) => Ok(Poll::Unanswered(error)),
        Err(error) => Err(error),
    }
}

/// Returns `true` if the answer to a poll says nothing about the code, so that the next poll may be answered differently.
///
/// An answer with 2xx that cannot be read may hold the tokens, and the code is used up then. The host keeps that answer, as
/// it keeps the answer to the code of a browser.
fn is_unanswered(error: &OAuth2Error, answer: &HttpResponse) -> bool {
    let is_unread = match error {
        OAuth2Error::NoToken { .. } => true,
        OAuth2Error::NotLive(found) => found.reason.code == reason::NOT_JSON,
        _ => false,
    };
    match answer.class() {
        AnswerClass::Success if is_unread => is_blank(answer),
        _ => error.is_transient(),
    }
}

/// Returns `true` for an answer without contents, and for a page that names no access token.
fn is_blank(answer: &HttpResponse) -> bool {
    const NAME: &[u8] = b"access_token";
    let body = answer.body().expose();
    let is_empty = |value: Value| match value {
        Value::Null => true,
        Value::List(items) => items.is_empty(),
        Value::Map(fields) => fields.is_empty(),
        _ => false,
    };
    body.trim_ascii().is_empty()
        || answer.is_page() && !body.windows(NAME.len()).any(|part| part == NAME)
        || answer.json().is_ok_and(is_empty)
}
