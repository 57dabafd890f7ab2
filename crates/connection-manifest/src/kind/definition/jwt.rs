//! JWTs that are signed with a person's key (RFC 7515, RFC 7519).

use connection_contract::{Context, CredentialError, Secret, Value, encode};

use crate::kind::{
    model::{Jwt, KeyEncoding},
    template::Env,
};

/// The tolerated difference between clocks, in seconds.
const SKEW: i64 = 10;
/// The lifetime of a JWT whose file does not name one, in seconds.
const LIFE: u64 = 300;

/// Signs a JWT.
///
/// # Errors
///
/// The key does not fit the algorithm, or the host cannot sign with it.
pub(super) fn signed(jwt: &Jwt, env: &Env<'_>, ctx: &Context<'_>) -> Result<Secret, CredentialError> {
    let unusable = |_| CredentialError::Malformed;
    let algorithm = jwt.algorithm.ok_or(CredentialError::Malformed)?;
    let mut header = vec![("alg".to_owned(), Value::from(algorithm.name())), ("typ".to_owned(), "JWT".into())];
    for (name, value) in jwt.header.iter() {
        header.push((name.to_owned(), value.value(env).map_err(unusable)?));
    }
    let issued = ctx.now().seconds() - SKEW;
    let life = i64::try_from(jwt.lifetime_seconds.unwrap_or(LIFE)).unwrap_or(SKEW);
    let mut claims = Vec::new();
    for (name, time) in [("iat", issued), ("exp", issued.saturating_add(life))] {
        if !jwt.claims.0.contains_key(name) {
            claims.push((name.to_owned(), Value::from(time)));
        }
    }
    for (name, value) in jwt.claims.iter() {
        claims.push((name.to_owned(), value.value(env).map_err(unusable)?));
    }
    let part = |members| encode::base64url(Value::Map(members).to_string().as_bytes());
    let unsigned = format!("{}.{}", part(header), part(claims));
    let key = Secret::from(jwt.key.text(env).map_err(unusable)?);
    let signature = match super::oauth2::signature(algorithm) {
        Some(algorithm) => ctx.crypto().sign(algorithm, &key, unsigned.as_bytes()).ok_or(CredentialError::Malformed)?,
        None => {
            let key = match jwt.key_encoding {
                KeyEncoding::Hex => {
                    let digits = key.expose_str().unwrap_or_default().trim();
                    Secret::new(encode::from_hex(digits).ok_or(CredentialError::Malformed)?)
                }
                KeyEncoding::Pem | KeyEncoding::Utf8 => key,
            };
            ctx.crypto().hmac_sha256(&key, unsigned.as_bytes()).to_vec()
        }
    };
    Ok(Secret::from(format!("{unsigned}.{}", encode::base64url(&signature))))
}
