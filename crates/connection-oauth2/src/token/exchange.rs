//! The token requests, written and parsed by the `oauth2` crate.
//!
//! A single poll with a device code is written here: the crate's loop sleeps by itself, which a setup that is replayed
//! must not do.

use connection_contract::{Secret, Spend, Timestamp, Value};
use oauth2::{
    AuthorizationCode, ClientId, EmptyExtraDeviceAuthorizationFields, PkceCodeVerifier, RedirectUrl, RefreshToken,
    RequestTokenError, ResourceOwnerPassword, ResourceOwnerUsername, Scope, StandardDeviceAuthorizationResponse,
    StandardErrorResponse, TokenResponse as _, TokenUrl,
    basic::{BasicClient, BasicErrorResponseType, BasicTokenResponse},
};

use super::{
    expiry,
    http_client::ContextHttpClient,
    response::{self, TokenSet},
};
use crate::{
    OAuth2Error,
    client::Application,
    config::{Endpoint, RequestKind},
    provider::{Parameters, Provider},
};

/// A token response, also in clear text; therefore it has no `Debug`.
pub(crate) struct Granted {
    pub(crate) set: TokenSet,
    pub(crate) answer: Value,
    pub(crate) at: Timestamp,
}

type Failed = RequestTokenError<OAuth2Error, StandardErrorResponse<BasicErrorResponseType>>;

/// Converts an error of the `oauth2` crate, without its contents, which may be a response body.
fn failed(error: Failed) -> OAuth2Error {
    if let RequestTokenError::Request(error) = error { error } else { OAuth2Error::NoToken }
}

fn token_url(url: &str) -> Result<TokenUrl, OAuth2Error> {
    TokenUrl::new(url.to_owned()).map_err(|_| OAuth2Error::UndeclaredAddress { what: "token endpoint" })
}

fn parsed(
    provider: &Provider<'_>,
    via: ContextHttpClient<'_>,
    typed: &BasicTokenResponse,
) -> Result<Granted, OAuth2Error> {
    let (answer, at) = via.into_answer().ok_or(OAuth2Error::NoToken)?;
    let mut set = response::set(&provider.config.response, &answer, at)?;
    set.access = Secret::from(typed.access_token().secret().as_str());
    set.refresh = typed.refresh_token().map(|token| Secret::from(token.secret().as_str()));
    set.valid_until = typed.expires_in().map(|life| at.after(life.as_secs()));
    set.scopes = typed.scopes().map(|scopes| scopes.iter().map(|scope| scope.to_string()).collect());
    Ok(Granted { set, answer, at })
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
        Endpoint::Token.name(),
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
    let via = ContextHttpClient::new(provider, application, RequestKind::Token, Endpoint::Token.name(), None);
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
    let via = ContextHttpClient::new(provider, application, RequestKind::Refresh, Endpoint::Token.name(), Some(spend));
    let typed = request.request_async(&via).await.map_err(failed)?;
    parsed(provider, via, &typed)
}

/// The codes that a device shows (RFC 8628, section 3.2).
pub(crate) type DeviceCodes = StandardDeviceAuthorizationResponse;

/// Requests the codes of a device, and returns them with the time of the response.
pub(crate) async fn device(
    provider: &Provider<'_>,
    application: &Application,
) -> Result<(DeviceCodes, Timestamp), OAuth2Error> {
    let url = provider.required(Endpoint::Device)?;
    let undeclared = |_| OAuth2Error::UndeclaredAddress { what: Endpoint::Device.name() };
    let client = BasicClient::new(ClientId::new(application.id.clone()))
        .set_device_authorization_url(oauth2::DeviceAuthorizationUrl::new(url).map_err(undeclared)?);
    let mut request = client.exchange_device_code();
    let scope = provider.scope();
    if !scope.is_empty() {
        request = request.add_extra_param("scope", scope);
    }
    let via = ContextHttpClient::new(provider, application, RequestKind::Device, Endpoint::Device.name(), None);
    let response = request.request_async::<_, EmptyExtraDeviceAuthorizationFields>(&via).await;
    let codes = response.map_err(failed)?;
    let (_, at) = via.into_answer().ok_or(OAuth2Error::NoToken)?;
    Ok((codes, at))
}

/// The result of one poll.
pub(crate) enum Poll {
    Granted(Box<Granted>),
    /// The code has not been confirmed yet.
    Pending,
    /// The polls are too frequent; the response may state the interval to keep.
    SlowDown(Option<u64>),
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
    let answer = provider.post(Some(RequestKind::Token), &url, Endpoint::Token.name(), parameters, Some(spend)).await?;
    let rules = &provider.config.response;
    let value = answer.json_or_form().unwrap_or(Value::Null);
    match response::code(rules, &value).as_deref() {
        Some("authorization_pending") => return Ok(Poll::Pending),
        Some("slow_down") => {
            return Ok(Poll::SlowDown(expiry::seconds(&value["interval"], 1)));
        }
        _ => {}
    }
    let value = response::read(rules, &answer)?;
    let set = response::set(rules, &value, answer.received_at())?;
    Ok(Poll::Granted(Box::new(Granted { set, answer: value, at: answer.received_at() })))
}
