//! The responses of a token endpoint, in all their forms.

use connection_contract::{AnswerClass, HttpResponse, NotLive, Reason, Secret, Timestamp, Value, encode, reason};

use super::expiry;
use crate::{
    OAuth2Error,
    config::{Part, Response},
    error::displayable_code,
};

/// Reads a response as JSON, or else as a form. A response that states an error is one, whatever its status.
pub(crate) fn read(rules: &Response, response: &HttpResponse) -> Result<Value, OAuth2Error> {
    let value = response.json_or_form().unwrap_or(Value::Null);
    match code(rules, &value) {
        Some(code) => Err(refusal(rules, &code)),
        None if response.class() == AnswerClass::Success => Ok(value),
        None if response.status() == 401 => Err(OAuth2Error::Unauthorized),
        None => Err(NotLive::provider_error(response.retry_after()).into()),
    }
}

/// Returns the error code, if the response states an error.
pub(crate) fn code(rules: &Response, value: &Value) -> Option<String> {
    let text = |value: &Value| match value {
        Value::Text(text) => text.clone(),
        Value::Number(digits) => digits.clone(),
        _ => String::new(),
    };
    let named = match &value["error"] {
        Value::Text(text) if !text.is_empty() => Some(text.clone()),
        Value::Map(fields) if !fields.is_empty() => Some(text(&value["error"]["code"])),
        _ => None,
    };
    named.or_else(|| rules.errors.iter().find_map(|rule| rule.fires(value)).map(text))
}

/// Returns the error that a code stands for. A code for a temporary condition is not a refusal.
pub(crate) fn refusal(rules: &Response, code: &str) -> OAuth2Error {
    match code {
        _ if rules.dead.iter().any(|dead| dead == code) => OAuth2Error::Dead,
        "access_denied" | "authorization_declined" => OAuth2Error::AccessDenied,
        "expired_token" => OAuth2Error::Expired,
        "invalid_client" => OAuth2Error::InvalidClient,
        // Microsoft and others answer a refresh with these if only the user can help (OpenID Connect Core, section
        // 3.1.2.6).
        "consent_required" | "interaction_required" | "login_required" | "invalid_grant" => OAuth2Error::Dead,
        "server_error" | "slow_down" | "temporarily_unavailable" => OAuth2Error::NotLive(NotLive::offline(
            Reason::new(reason::PROVIDER_ERROR, "the provider cannot answer now"),
        )),
        code => OAuth2Error::Refused { code: displayable_code(code) },
    }
}

/// One set of tokens of a response.
#[derive(Debug)]
pub(crate) struct TokenSet {
    pub(crate) access: Secret,
    pub(crate) refresh: Option<Secret>,
    pub(crate) valid_until: Option<Timestamp>,
    pub(crate) authorized_until: Option<Timestamp>,
    pub(crate) scopes: Option<Vec<String>>,
    pub(crate) id_token: Option<Secret>,
    /// The response states a lifetime or an end that cannot be read.
    pub(crate) is_odd: bool,
}

/// The types of tokens that are only accepted with a proof in each request (RFC 6749, section 7.1; RFC 9449). The names of
/// other types mean nothing, because providers choose them freely.
const PROOF_TYPES: [&str; 3] = ["mac", "pop", "dpop"];

/// Returns the main set: the first access token that is found, and the other parts beside it.
pub(crate) fn set(rules: &Response, value: &Value, now: Timestamp) -> Result<TokenSet, OAuth2Error> {
    let at = rules.access_token.iter().find(|at| token(value.pointer(at)).is_some()).ok_or(OAuth2Error::NoToken)?;
    let branch = at.rsplit_once('/').map_or("", |(branch, _)| branch);
    let named = value.pointer(&format!("{branch}/token_type")).and_then(Value::as_str).unwrap_or_default();
    if let Some(name) = PROOF_TYPES.into_iter().find(|name| name.eq_ignore_ascii_case(named.trim())) {
        return Err(OAuth2Error::TokenType { name });
    }
    extra_set(rules, value, at, branch, now).ok_or(OAuth2Error::NoToken)
}

/// Returns the further set below a pointer.
pub(crate) fn extra(rules: &Response, value: &Value, at: &str, now: Timestamp) -> Option<TokenSet> {
    extra_set(rules, value, &format!("{at}/access_token"), at, now)
}

fn extra_set(rules: &Response, value: &Value, at: &str, branch: &str, now: Timestamp) -> Option<TokenSet> {
    let access = token(value.pointer(at))?;
    let part = |wanted: Part| {
        let names = rules.names.iter().filter(move |(part, _)| *part == wanted).map(|(_, name)| name);
        let at = |name: &String| if name.starts_with('/') { name.clone() } else { format!("{branch}/{name}") };
        names.filter_map(|name| value.pointer(&at(name))).find(|found| **found != Value::Null)
    };
    let unit = if rules.milliseconds { 1000 } else { 1 };
    let life = |part: Option<&Value>| Some(expiry::after(now, expiry::seconds(part?, unit)?));
    let default = rules.default_life.map(|life| expiry::after(now, life.as_secs()));
    let valid_until = life(part(Part::ExpiresIn))
        .or_else(|| part(Part::ExpiresAt).and_then(|at| expiry::expires_at(at, now)))
        .or_else(|| claim(&access, "exp").and_then(|exp| expiry::expires_at(&exp, now)).filter(|exp| *exp > now))
        .or(default);
    let is_odd =
        [Part::ExpiresIn, Part::RefreshExpiresIn].into_iter().filter_map(part).any(|life| !expiry::is_number(life))
            || part(Part::ExpiresAt).is_some_and(|at| !expiry::is_number(at) && expiry::expires_at(at, now).is_none());
    Some(TokenSet {
        is_odd,
        refresh: token(part(Part::RefreshToken)),
        valid_until,
        authorized_until: life(part(Part::RefreshExpiresIn)),
        scopes: part(Part::Scope).and_then(scopes),
        id_token: token(part(Part::IdToken)),
        access,
    })
}

/// Returns the token, if it is a text that is not blank.
fn token(value: Option<&Value>) -> Option<Secret> {
    value.and_then(Value::as_str).filter(|text| !text.trim().is_empty()).map(Secret::from)
}

/// Reads scopes from a text with any separator or from an array; `None` if there are none, which means "as requested".
fn scopes(value: &Value) -> Option<Vec<String>> {
    let split = |text: &str| -> Vec<String> {
        text.split([',', ' ', '\t', '\n']).filter(|scope| !scope.is_empty()).map(str::to_owned).collect()
    };
    let scopes = match value {
        Value::Text(text) => split(text),
        Value::List(items) => items.iter().filter_map(Value::as_str).map(str::to_owned).collect(),
        _ => Vec::new(),
    };
    (!scopes.is_empty()).then_some(scopes)
}

/// Returns a claim of a token that looks like a JWT. No signature is verified, so the claim is only a hint.
fn claim(token: &Secret, name: &str) -> Option<Value> {
    claims(token)?.pointer(&format!("/{name}")).cloned()
}

/// Returns all claims of a token, also without verifying a signature.
pub(crate) fn claims(token: &Secret) -> Option<Value> {
    let mut parts = token.expose_str()?.split('.');
    let (_, payload, _) = (parts.next()?, parts.next()?, parts.next()?);
    let claims = Secret::new(encode::from_base64url(payload.trim_end_matches('='))?);
    Value::parse(claims.expose()).ok()
}

/// Converts a response to the form of RFC 6749, section 5.1, for the `oauth2` crate to parse.
///
/// The token type is always `bearer`: the configuration decides how a token is attached, not the provider.
pub(crate) fn normal(rules: &Response, value: &Value, response: &HttpResponse) -> Result<Value, OAuth2Error> {
    let set = set(rules, value, response.received_at())?;
    let text = |secret: &Secret| Value::from(secret.expose_str().unwrap_or_default());
    let mut fields = vec![("access_token", text(&set.access)), ("token_type", "bearer".into())];
    if let Some(refresh) = &set.refresh {
        fields.push(("refresh_token", text(refresh)));
    }
    if let Some(until) = set.valid_until {
        fields.push(("expires_in", until.seconds().saturating_sub(response.received_at().seconds()).max(0).into()));
    }
    if let Some(scopes) = &set.scopes {
        fields.push(("scope", scopes.join(" ").as_str().into()));
    }
    Ok(Value::object(fields))
}

/// Converts the durations of a device authorization response to numbers, as the `oauth2` crate expects them.
pub(crate) fn device(value: &Value) -> Value {
    let Value::Map(fields) = value else { return value.clone() };
    let field = |(name, value): &(String, Value)| {
        let seconds = matches!(name.as_str(), "expires_in" | "interval").then(|| expiry::seconds(value, 1)).flatten();
        let number = seconds.and_then(|seconds| i64::try_from(seconds).ok()).map(Value::from);
        (name.clone(), number.unwrap_or_else(|| value.clone()))
    };
    Value::Map(fields.iter().map(field).collect())
}
