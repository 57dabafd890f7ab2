//! Dynamic client registration (RFC 7591), which the `oauth2` crate does not support.

use connection_contract::{Secret, Value};
use oauth2::url::Url;

use crate::{
    OAuth2Error,
    client::{self, Application, Registered},
    config::{ClientAuth, Endpoint, Grant, Method},
    provider::Provider,
    token::{expiry, refusal::Occasion, response},
};

/// Returns the known application if it is registered here for this redirect address; otherwise registers and stores
/// one.
pub(crate) async fn registered(
    provider: &Provider<'_>,
    known: Option<Application>,
    redirect_uri: &str,
) -> Result<Application, OAuth2Error> {
    let url = provider.required(Endpoint::Registration)?;
    match known.filter(|known| known.is_registered(&url, redirect_uri, provider.ctx.now())) {
        Some(known) => Ok(known),
        None => {
            let made = register(provider, url, redirect_uri).await?;
            client::keep(&made, provider.config, provider.ctx).await?;
            Ok(made)
        }
    }
}

async fn register(provider: &Provider<'_>, url: String, redirect_uri: &str) -> Result<Application, OAuth2Error> {
    let config = provider.config;
    let method = config.client_auth.method().unwrap_or("none");
    // OpenID Connect Dynamic Client Registration, section 2: a server decides by it which redirect addresses are allowed.
    let is_native = Url::parse(redirect_uri).is_ok_and(|url| url.scheme() == "http");
    let by_device = config.methods.contains(&Method::Device);
    let by_browser = config.grant != Grant::DeviceCode;
    let grants: Vec<&str> = [
        by_browser.then_some("authorization_code"),
        by_device.then_some("urn:ietf:params:oauth:grant-type:device_code"),
        Some("refresh_token"),
    ]
    .into_iter()
    .flatten()
    .collect();
    let list = |items: &[&str]| Value::List(items.iter().map(|item| Value::from(*item)).collect());
    let mut fields = vec![
        ("application_type", Value::from(if is_native { "native" } else { "web" })),
        ("client_name", Value::from("Connections")),
        ("redirect_uris", list(&[redirect_uri])),
        ("grant_types", list(&grants)),
        ("response_types", list(if by_browser { &["code"] } else { &[] })),
        ("token_endpoint_auth_method", method.into()),
    ];
    let scope = [config.scopes.as_slice(), &config.optional_scopes].concat().join(" ");
    if !scope.is_empty() {
        fields.push(("scope", scope.as_str().into()));
    }
    let answered = provider.post_json(&url, Endpoint::Registration.name(), &Value::object(fields)).await?;
    let answer = response::read(&config.response, Occasion::Other, &answered)?;
    let text = |name: &str| answer[name].as_str().filter(|text| !text.is_empty());
    let id = text("client_id").ok_or(OAuth2Error::ClientMissing)?;
    let mut application = Application::new(id, text("client_secret").map(Secret::from));
    // Zero means that the secret does not expire, and without a secret nothing can (RFC 7591, section 3.2.1).
    let until = expiry::expires_at(&answer["client_secret_expires_at"], answered.response.received_at());
    let until = until.filter(|_| application.secret.is_some());
    // The server may have chosen another way than the one that was asked for (RFC 7591, section 3.2.1).
    application.auth = text("token_endpoint_auth_method")
        .and_then(ClientAuth::of_method)
        .filter(|auth| application.secret.is_some() || *auth == ClientAuth::None);
    application.registered = Some(Registered { at: url, redirect_uri: redirect_uri.to_owned(), until });
    Ok(application)
}
