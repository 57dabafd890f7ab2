//! Issuer metadata (RFC 8414, and OpenID Connect Discovery), which the `oauth2` crate does not support.
//!
//! Metadata is used only if it names exactly the issuer that was asked. An endpoint outside the declared origins is
//! refused when it is used, whatever the issuer says.

use connection_contract::{HttpResponse, Value};
use oauth2::url::Url;

use crate::{
    OAuth2Error,
    config::{Endpoint, is_safe_address},
    provider::{DiscoveredEndpoints, Provider},
};

/// The largest accepted size of metadata, in bytes.
const MAX_DOCUMENT: usize = 256 * 1024;

/// The name of each endpoint in the metadata (RFC 8414, section 2; RFC 8628, section 4; RFC 9126, section 5).
const NAMES: [(Endpoint, &str); 6] = [
    (Endpoint::Authorize, "authorization_endpoint"),
    (Endpoint::Device, "device_authorization_endpoint"),
    (Endpoint::PushedAuthorization, "pushed_authorization_request_endpoint"),
    (Endpoint::Registration, "registration_endpoint"),
    (Endpoint::Revocation, "revocation_endpoint"),
    (Endpoint::Token, "token_endpoint"),
];

/// Reads the issuer's metadata at the path of RFC 8414, then at the path of OpenID Connect.
pub(crate) async fn discover(provider: &Provider<'_>, issuer: &str) -> Result<DiscoveredEndpoints, OAuth2Error> {
    let refused = |why| OAuth2Error::Discovery { why };
    let url = Url::parse(issuer).map_err(|_| refused("the issuer is not an address"))?;
    let origin = url.origin().ascii_serialization();
    let path = url.path().trim_end_matches('/');
    let inserted = format!("{origin}/.well-known/oauth-authorization-server{path}");
    let appended = format!("{origin}{path}/.well-known/openid-configuration");
    // A failure at the first address does not end the discovery: the second is tried all the same.
    let mut failed = refused("no metadata was found at the issuer's address");
    for url in [inserted, appended] {
        match provider.get(&url, "issuer").await {
            Ok(response) if (200..300).contains(&response.status()) => {
                return read(&response, issuer, provider.config.pkce);
            }
            Ok(_) => {}
            // Keep a temporary failure, which is worth waiting for.
            Err(error) if failed.is_transient() => drop(error),
            Err(error) => failed = error,
        }
    }
    Err(failed)
}

fn read(response: &HttpResponse, issuer: &str, pkce: bool) -> Result<DiscoveredEndpoints, OAuth2Error> {
    let refused = |why| Err(OAuth2Error::Discovery { why });
    if response.body().expose().len() > MAX_DOCUMENT {
        return refused("the metadata is larger than 256 KiB");
    }
    let Ok(metadata) = response.json() else { return refused("the metadata is not JSON") };
    if metadata["issuer"].as_str() != Some(issuer) {
        return refused("the metadata names another issuer");
    }
    let methods = &metadata["code_challenge_methods_supported"];
    if pkce && *methods != Value::Null && !methods.items().iter().any(|method| method.as_str() == Some("S256")) {
        return refused("the provider does not support PKCE with S256");
    }
    let mut found = DiscoveredEndpoints {
        iss: metadata["authorization_response_iss_parameter_supported"] == Value::Bool(true),
        ..DiscoveredEndpoints::default()
    };
    for (endpoint, name) in NAMES {
        match metadata[name].as_str() {
            None => {}
            Some(url) if is_safe_address(url) => found.endpoints.push((endpoint, url.to_owned())),
            Some(_) => return refused("one of the endpoints is not https"),
        }
    }
    Ok(found)
}
