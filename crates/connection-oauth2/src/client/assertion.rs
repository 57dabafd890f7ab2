//! Signed client assertions (RFC 7523, section 2.2), which the `oauth2` crate does not support.

use connection_contract::{Context, Secret, SignatureAlgorithm, Value, encode};

use super::Application;
use crate::{
    OAuth2Error,
    config::{Assertion, Audience},
};

/// The value of `client_assertion_type`.
pub(crate) const TYPE: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

/// The tolerated difference between clocks, in seconds.
const SKEW: i64 = 10;

/// Signs an assertion for this endpoint or for the issuer, never for both, because one server could use it at the
/// other.
pub(crate) fn signed(
    assertion: &Assertion,
    application: &Application,
    issuer: Option<&str>,
    endpoint: &str,
    ctx: &Context<'_>,
) -> Result<String, OAuth2Error> {
    let key = application.secret.as_ref().ok_or(OAuth2Error::Signature)?;
    let name = match assertion.algorithm {
        SignatureAlgorithm::EdDsa => "EdDSA",
        SignatureAlgorithm::Es256 => "ES256",
        SignatureAlgorithm::Ps256 => "PS256",
        SignatureAlgorithm::Rs256 => "RS256",
        _ => return Err(OAuth2Error::Signature),
    };
    let mut header = vec![("alg", Value::from(name)), ("typ", "JWT".into())];
    if let Some(id) = &assertion.key_id {
        header.push(("kid", id.as_str().into()));
    }
    let audience = match assertion.audience {
        Audience::Issuer => issuer.unwrap_or(endpoint),
        Audience::Endpoint => endpoint,
    };
    let now = ctx.now().seconds();
    let life = i64::try_from(assertion.lifetime).unwrap_or(SKEW);
    let claims = Value::object([
        ("iss", application.id.as_str().into()),
        ("sub", application.id.as_str().into()),
        ("aud", audience.into()),
        ("iat", (now - SKEW).into()),
        ("exp", (now + life).into()),
        ("jti", encode::hex(&ctx.random::<16>()).as_str().into()),
    ]);
    let part = |value: &Value| encode::base64url(value.to_string().as_bytes());
    let unsigned = format!("{}.{}", part(&Value::object(header)), part(&claims));
    let key: &Secret = key;
    let signature = ctx.crypto().sign(assertion.algorithm, key, unsigned.as_bytes()).ok_or(OAuth2Error::Signature)?;
    Ok(format!("{unsigned}.{}", encode::base64url(&signature)))
}
