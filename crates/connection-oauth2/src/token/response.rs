//! The responses of a token endpoint, in all their forms.

use connection_contract::{JsonError, NotLive, Reason, Secret, Timestamp, Value, encode, reason};

use super::{
    expiry::{self, LifeUnit},
    refusal::{Occasion, refusal},
    text,
};
use crate::{
    OAuth2Error,
    answer::Answered,
    config::{Part, Response},
};

/// Reads a response as JSON, or else as a form, or as a text with a code. A response that states an error is one, whatever
/// its status.
pub(crate) fn read(rules: &Response, occasion: Occasion, answer: &Answered) -> Result<Value, OAuth2Error> {
    let value = match text::value(&answer.response) {
        // The answer may hold tokens, so the host keeps it.
        Err(JsonError::Coding) => return Err(NotLive::from(JsonError::Coding).into()),
        read => read.unwrap_or(Value::Null),
    };
    refusal(rules, occasion, answer, &value).map_or(Ok(value), Err)
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
pub(crate) fn set(rules: &Response, answer: &Answered, value: &Value) -> Result<TokenSet, OAuth2Error> {
    let missing = |what| OAuth2Error::NoToken { answer: answer.described(None), what };
    let at = access_token_at(rules, value).ok_or_else(|| missing("token"))?;
    let branch = at.rsplit_once('/').map_or("", |(branch, _)| branch);
    check_whole(rules, value, at, branch)?;
    for (_, branch) in &rules.extra {
        check_whole(rules, value, &format!("{branch}/access_token"), branch)?;
    }
    let named = value.pointer(&format!("{branch}/token_type")).and_then(Value::as_str).unwrap_or_default();
    if let Some(name) = PROOF_TYPES.into_iter().find(|name| name.eq_ignore_ascii_case(named.trim())) {
        return Err(OAuth2Error::TokenType { answer: answer.described(None), name });
    }
    let set = extra_set(rules, value, at, branch, answer.response.received_at());
    set.ok_or_else(|| missing("token that a request can contain"))
}

/// Returns the first place at which the answer has an access token.
pub(super) fn access_token_at<'r>(rules: &'r Response, value: &Value) -> Option<&'r String> {
    rules.access_token.iter().find(|at| {
        let found = value.pointer(at);
        found.is_some_and(Value::is_damaged) || token(found).is_some()
    })
}

/// Refuses tokens, scopes and captured values that are not Unicode, and a refresh token that is a list or an object. The
/// former refresh token in place of one that cannot be read could end the grant.
fn check_whole(rules: &Response, value: &Value, at: &str, branch: &str) -> Result<(), OAuth2Error> {
    let place = |name: &String| if name.starts_with('/') { name.clone() } else { format!("{branch}/{name}") };
    let mut refresh = rules.names.iter().filter(|(part, _)| *part == Part::RefreshToken).map(|(_, name)| place(name));
    let is_odd = |place: &String| match value.pointer(place) {
        Some(Value::List(items)) => !items.is_empty(),
        Some(Value::Map(fields)) => !fields.is_empty(),
        _ => false,
    };
    if let Some(place) = refresh.find(is_odd) {
        let name = place.rsplit('/').next().unwrap_or_default();
        let message = format!("the field '{name}' of the provider's answer is no text");
        return Err(NotLive::offline(Reason::new(reason::NOT_JSON, message)).into());
    }
    let parts = rules.names.iter().filter(|(part, _)| matches!(part, Part::IdToken | Part::RefreshToken | Part::Scope));
    let places = parts.map(|(_, name)| place(name));
    let is_damaged = |place: &String| match value.pointer(place) {
        Some(Value::List(items)) => items.iter().any(Value::is_damaged),
        found => found.is_some_and(Value::is_damaged),
    };
    // A captured value may be a part of an address.
    let captured = rules.capture.iter().map(|(_, pointer)| pointer.clone());
    match places.chain([at.to_owned()]).chain(captured).find(is_damaged) {
        Some(place) => {
            let name = place.rsplit('/').next().unwrap_or_default().to_owned();
            Err(NotLive::from(JsonError::Damaged(name.into())).into())
        }
        None => Ok(()),
    }
}

/// Returns the further set below a pointer.
pub(crate) fn extra(rules: &Response, value: &Value, at: &str, now: Timestamp) -> Option<TokenSet> {
    extra_set(rules, value, &format!("{at}/access_token"), at, now)
}

fn extra_set(rules: &Response, value: &Value, at: &str, branch: &str, now: Timestamp) -> Option<TokenSet> {
    let access = token(value.pointer(at)).filter(is_sendable)?;
    let pointer = |name: &String| if name.starts_with('/') { name.clone() } else { format!("{branch}/{name}") };
    let pointers = |wanted: Part| {
        let names = rules.names.iter().filter(move |(part, _)| *part == wanted);
        names.map(|(_, name)| pointer(name))
    };
    let part = |wanted: Part| pointers(wanted).filter_map(|at| value.pointer(&at)).find(|found| !found.is_missing());
    let life = |wanted: Part| pointers(wanted).find_map(|at| expiry::expires_in_at(value, &at, unit(rules), now));
    let default = rules.default_life.map(|life| expiry::after(now, life.as_secs()));
    let valid_until = life(Part::ExpiresIn)
        .or_else(|| part(Part::ExpiresAt).and_then(|at| expiry::expires_at(at, now)))
        .or_else(|| claim(&access, "exp").and_then(|exp| expiry::expires_at(&exp, now)))
        .or(default);
    let is_odd =
        [Part::ExpiresIn, Part::RefreshExpiresIn].into_iter().filter_map(part).any(|life| !expiry::is_number(life))
            || part(Part::ExpiresAt).is_some_and(|at| !expiry::is_moment(at, now));
    Some(TokenSet {
        is_odd,
        refresh: refresh_token(part(Part::RefreshToken)),
        valid_until,
        authorized_until: life(Part::RefreshExpiresIn),
        scopes: part(Part::Scope).and_then(scopes),
        id_token: token(part(Part::IdToken)),
        access,
    })
}

/// Returns the unit of the lifetimes in an answer.
pub(super) fn unit(rules: &Response) -> LifeUnit {
    if rules.milliseconds { LifeUnit::Milliseconds } else { LifeUnit::Seconds }
}

/// Returns the token without the white space around it, if it is a text in which something can be seen, and not a word for a
/// missing value.
fn token(value: Option<&Value>) -> Option<Secret> {
    let is_blank = |c: char| c.is_whitespace() || c.is_control() || is_unseen(c);
    let text = value.filter(|value| !value.is_missing()).and_then(Value::as_str);
    text.filter(|text| !text.chars().all(is_blank)).map(str::trim).map(Secret::from)
}

/// Returns the refresh token: a text as any token, or the digits of a number.
fn refresh_token(value: Option<&Value>) -> Option<Secret> {
    match value {
        Some(Value::Number(digits)) => Some(Secret::from(digits.as_str())),
        value => token(value),
    }
}

/// Returns `true` for a character of no width: a mark of direction, a joiner or the byte order mark.
pub(crate) fn is_unseen(c: char) -> bool {
    matches!(c, '\u{ad}' | '\u{200b}'..='\u{200f}' | '\u{2060}' | '\u{feff}')
}

/// Returns `true` if a header can contain the token (RFC 9110, section 5.5).
fn is_sendable(token: &Secret) -> bool {
    token.expose_str().is_some_and(|text| !text.contains(char::is_control))
}

/// The characters that no scope has, as far as is known: a text with one of them has a separator that was encoded, or is a
/// part of another format.
const OF_NO_SCOPE: [char; 9] = ['+', '%', '"', '\'', '\\', '[', ']', '{', '}'];

/// Reads scopes from a text or from an array; `None` if there are none, or if it is not certain where one ends, which means
/// "as requested".
pub(crate) fn scopes(value: &Value) -> Option<Vec<String>> {
    let scopes = match value {
        Value::Text(text) => split_scopes(text)?,
        Value::List(items) => items.iter().filter_map(Value::as_str).map(str::to_owned).collect(),
        _ => Vec::new(),
    };
    (!scopes.is_empty()).then_some(scopes)
}

/// Splits a text of scopes at white space, commas and semicolons; the text may be a list in brackets. Returns `None` if it is
/// not certain where a scope ends.
pub(crate) fn split_scopes(text: &str) -> Option<Vec<String>> {
    let text = text.trim();
    let listed = text.strip_prefix('[').and_then(|text| text.strip_suffix(']'));
    if listed.is_some()
        && let Ok(Value::List(items)) = Value::parse(text.as_bytes())
    {
        return items.iter().map(|item| item.as_str().map(str::to_owned)).collect();
    }
    let is_between = |c: char| c.is_whitespace() || matches!(c, ',' | ';');
    let scopes = listed.unwrap_or(text).split(is_between).filter(|scope| !scope.is_empty());
    scopes.map(|scope| (!scope.contains(OF_NO_SCOPE)).then(|| scope.to_owned())).collect()
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
pub(crate) fn normal(rules: &Response, answer: &Answered, value: &Value) -> Result<Value, OAuth2Error> {
    let set = set(rules, answer, value)?;
    let now = answer.response.received_at();
    let text = |secret: &Secret| Value::from(secret.expose_str().unwrap_or_default());
    let mut fields = vec![("access_token", text(&set.access)), ("token_type", "bearer".into())];
    if let Some(refresh) = &set.refresh {
        fields.push(("refresh_token", text(refresh)));
    }
    if let Some(until) = set.valid_until {
        fields.push(("expires_in", until.seconds().saturating_sub(now.seconds()).max(0).into()));
    }
    if let Some(scopes) = &set.scopes {
        fields.push(("scope", scopes.join(" ").as_str().into()));
    }
    Ok(Value::object(fields))
}
