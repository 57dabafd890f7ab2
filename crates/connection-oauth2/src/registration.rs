//! An application that registers itself (RFC 7591). The `oauth2` crate has no part for it.

use connection_contract::{Secret, Value};

use crate::{
    OAuth2Error,
    client::Application,
    config::{ClientAuth, Endpoint, Grant},
    provider::Provider,
    token::response,
};

/// Registers one for this redirect address.
pub(crate) async fn register(provider: &Provider<'_>, redirect_uri: &str) -> Result<Application, OAuth2Error> {
    let config = provider.config;
    let url = provider.required(Endpoint::Registration)?;
    let method = match config.client_auth {
        ClientAuth::Basic | ClientAuth::BasicRaw | ClientAuth::BasicTemplate { .. } => "client_secret_basic",
        ClientAuth::Body => "client_secret_post",
        ClientAuth::None => "none",
        ClientAuth::PrivateKeyJwt(_) => "private_key_jwt",
    };
    let grant = if config.grant == Grant::DeviceCode {
        "urn:ietf:params:oauth:grant-type:device_code"
    } else {
        "authorization_code"
    };
    let list = |items: &[&str]| Value::List(items.iter().map(|item| Value::from(*item)).collect());
    let mut fields = vec![
        ("client_name", Value::from("Connections")),
        ("redirect_uris", list(&[redirect_uri])),
        ("grant_types", list(&[grant, "refresh_token"])),
        ("response_types", list(&["code"])),
        ("token_endpoint_auth_method", method.into()),
    ];
    let scope = config.scopes.join(" ");
    if !scope.is_empty() {
        fields.push(("scope", scope.as_str().into()));
    }
    let answer = provider.post_json(&url, Endpoint::Registration.name(), &Value::object(fields)).await?;
    let answer = response::read(&config.response, &answer)?;
    let text = |name: &str| answer[name].as_str().filter(|text| !text.is_empty());
    let id = text("client_id").ok_or(OAuth2Error::ClientMissing)?;
    let mut application = Application::new(id, text("client_secret").map(Secret::from));
    application.redirect_uri = Some(redirect_uri.to_owned());
    Ok(application)
}
