//! The token of an agent in a request: finding it, and taking it out of the place of the provider's secret.
//!
//! The token has a form of its own, so it is found before the connection, and with it the kind, is known. A request
//! holds it once. It is taken out of `Authorization`, or out of a seat of the kind, so that nothing else reads it.

use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, request::Parts};
use connection_contract::{Seat, encode};
use connection_core::{AccessToken, AgentCaller, ConnectionId, ConnectionRegistry};
use secrecy::{ExposeSecret as _, SecretString};

use super::{
    Doors,
    address::Address,
    refusal::{Outcome, Refusal},
};
use crate::problem::Problem;

/// The schemes of `Authorization` after which every kind takes the token. Octokit and `gh` send the second one.
const SCHEMES: [&str; 2] = ["Bearer ", "token "];
/// The place of the token at the door for models, in words.
pub(super) const BEARER: &str = "'Authorization: Bearer TOKEN'";
/// The beginning of `Authorization` in AWS Signature Version 4.
const SIGV4: &str = "AWS4-HMAC-SHA256";
/// The headers of a signature of AWS, which the core makes again.
const OF_SIGNATURE: [&str; 3] = ["x-amz-date", CONTENT_DIGEST, "x-amz-security-token"];
const CONTENT_DIGEST: &str = "x-amz-content-sha256";
/// The beginning of the digest of a body whose chunks are signed, or that has a trailer.
const STREAMING: &str = "STREAMING-";

/// Finds the only token in the head of a request.
pub(super) fn find(parts: &Parts) -> Result<SecretString, Refusal> {
    let headers = parts.headers.values().map(|value| {
        let text = String::from_utf8_lossy(value.as_bytes()).into_owned();
        basic(&text).unwrap_or(text)
    });
    let address = [Some(parts.uri.path()), parts.uri.query()].into_iter().flatten().map(decoded);
    let mut found = None;
    for text in headers.chain(address) {
        for token in AccessToken::texts_in(&text) {
            if found.replace(SecretString::from(token)).is_some() {
                return Err(unauthenticated("the request holds more than one token", None));
            }
        }
    }
    found.ok_or_else(|| unauthenticated("the request has no token of an agent", None))
}

/// Returns the token in `Authorization: Bearer`, which is the only place where the door for models takes it.
pub(super) fn bearer(headers: &HeaderMap) -> Result<SecretString, Refusal> {
    let mut given = headers.get_all("authorization").iter();
    let value = given.next().and_then(|value| value.to_str().ok()).filter(|_| given.next().is_none());
    let token =
        value.and_then(|value| value.split_once(' ')).filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer"));
    let token = token.map(|(_, token)| SecretString::from(token.trim()));
    token.ok_or_else(|| unauthenticated("the request has no token of an agent", Some(BEARER)))
}

/// Returns the refusal of a request with another token than one, or with the token in another place than `places`.
pub(super) fn unauthenticated(detail: &'static str, places: Option<&str>) -> Refusal {
    let places = places.unwrap_or("'Authorization: Bearer TOKEN', or in the place of the provider's secret");
    let problem = Problem::new(StatusCode::UNAUTHORIZED, "unauthenticated", detail);
    Refusal::new(problem.remedy(format!("send the token of an agent once, as {places}")), Outcome::Denied)
}

/// The head of a request, from which the token is taken.
pub(super) struct Head<'a> {
    pub(super) headers: HeaderMap,
    pub(super) address: Address<'a>,
    pub(super) query: Option<String>,
}

impl Head<'_> {
    /// Takes the token out of the place where it stands, if the kind of the connection has the token there.
    pub(super) async fn take(
        &mut self,
        token: &SecretString,
        doors: &Doors,
        registry: &ConnectionRegistry,
        caller: &AgentCaller,
        connection: ConnectionId,
    ) -> Result<(), Refusal> {
        let token = token.expose_secret();
        if self.take_authorization(token) {
            return Ok(());
        }
        // Nobody learns the kind of a connection that is not granted.
        caller.granted(connection).await.map_err(Refusal::of(doors))?;
        let kind = registry.connection(connection).await.map_err(Refusal::of(doors))?.info().kind.clone();
        let found = registry.kinds().find(&kind).await.map_err(Refusal::of(doors))?;
        let seats = registry.kinds().seats(&kind).await.map_err(Refusal::of(doors))?;
        let form = found.and_then(|kind| kind.descriptor.door_token);
        let form = form.as_deref().unwrap_or("{token}");
        self.refuse_presigned(&seats)?;
        let forms = [token.to_owned(), form.replace("{token}", token)];
        if self.take_authorization(&forms[1]) {
            return Ok(());
        }
        for (seat, text) in seats.iter().flat_map(|seat| forms.iter().map(move |text| (seat, text))) {
            if self.take_seat(seat, text)? {
                return Ok(());
            }
        }
        let places = places(&seats, form);
        Err(unauthenticated("the token stands in a place where the connection does not take it", Some(&places)))
    }

    /// Takes the token out of a seat, and returns whether it stood there as this text.
    fn take_seat(&mut self, seat: &Seat, text: &str) -> Result<bool, Refusal> {
        Ok(match seat {
            Seat::Header { name, before, after, .. } => {
                let value = [&**before, text, &**after].concat();
                let is_basic = before.eq_ignore_ascii_case("basic ");
                self.remove(name, |given| is_value(given, &value) || is_basic && basic(given).as_deref() == Some(text))
            }
            Seat::BasicUser => self.remove("authorization", |given| pair(given).is_some_and(|(user, _)| user == text)),
            Seat::BasicPassword => {
                self.remove("authorization", |given| pair(given).is_some_and(|(_, password)| password == text))
            }
            Seat::Query { name, .. } => self.take_parameter(name, text),
            Seat::PathPrefix { before, after, .. } => self.address.strip(&[&**before, text, &**after].concat()),
            Seat::SigV4KeyId => self.take_signature(text)?,
            _ => false,
        })
    }

    fn take_authorization(&mut self, text: &str) -> bool {
        SCHEMES.iter().any(|scheme| self.remove("authorization", |given| is_value(given, &[scheme, text].concat())))
    }

    /// Removes the values of a header for which `is_it` returns `true`, and returns whether there was one.
    fn remove(&mut self, name: &str, is_it: impl Fn(&str) -> bool) -> bool {
        let values: Vec<HeaderValue> = self.headers.get_all(name).iter().cloned().collect();
        let is_it = |value: &HeaderValue| value.to_str().is_ok_and(&is_it);
        let Ok(name) = name.parse::<HeaderName>() else { return false };
        if !values.iter().any(is_it) {
            return false;
        }
        self.headers.remove(&name);
        for value in values.into_iter().filter(|value| !is_it(value)) {
            self.headers.append(name.clone(), value);
        }
        true
    }

    fn take_parameter(&mut self, name: &str, text: &str) -> bool {
        let Some(query) = &self.query else { return false };
        let is_it = |pair: &str| {
            let (given, value) = pair.split_once('=').unwrap_or((pair, ""));
            decoded(given) == name && decoded(value) == text
        };
        let stays: Vec<&str> = query.split('&').filter(|pair| !is_it(pair)).collect();
        if stays.len() == query.split('&').count() {
            return false;
        }
        self.query = (!stays.is_empty()).then(|| stays.join("&"));
        true
    }

    /// Takes the signature of AWS with the token as the id of its key. The signature is not checked, and the core signs
    /// the request with the credential.
    fn take_signature(&mut self, text: &str) -> Result<bool, Refusal> {
        if !self.remove("authorization", |given| key_id(given) == Some(text)) {
            return Ok(false);
        }
        if self.headers.get(CONTENT_DIGEST).is_some_and(|digest| digest.as_bytes().starts_with(STREAMING.as_bytes())) {
            let detail = "the body is signed in chunks, or has a trailer, and the door cannot sign it so again";
            let remedy = "set AWS_REQUEST_CHECKSUM_CALCULATION=when_required, and turn chunked encoding of the SDK off";
            return Err(unsigned(detail, remedy));
        }
        for name in OF_SIGNATURE {
            self.headers.remove(name);
        }
        Ok(true)
    }

    /// Refuses an address that holds a signature of AWS, which nobody could make again for another one.
    fn refuse_presigned(&self, seats: &[Seat]) -> Result<(), Refusal> {
        let is_signature = |pair: &str| {
            let name = decoded(pair.split('=').next().unwrap_or_default()).to_ascii_lowercase();
            matches!(name.as_str(), "x-amz-credential" | "x-amz-signature")
        };
        let query = self.query.as_deref().unwrap_or_default();
        match seats.contains(&Seat::SigV4KeyId) && query.split('&').any(is_signature) {
            true => Err(unsigned(
                "the signature stands in the address, and the door takes it in a header alone",
                "send the request with the client of the SDK instead of making a presigned address",
            )),
            false => Ok(()),
        }
    }
}

fn unsigned(detail: &'static str, remedy: &'static str) -> Refusal {
    let problem = Problem::new(StatusCode::BAD_REQUEST, "invalid_request", detail);
    Refusal::new(problem.remedy(remedy), Outcome::Denied)
}

/// Returns the places of the token in words.
fn places(seats: &[Seat], form: &str) -> String {
    let token = form.replace("{token}", "TOKEN");
    let mut places: Vec<String> = seats.iter().filter_map(|seat| place(seat, &token)).collect();
    let bearer = "'Authorization: Bearer TOKEN'".to_owned();
    if !places.contains(&bearer) {
        places.push(bearer);
    }
    places.join(", or as ")
}

fn place(seat: &Seat, token: &str) -> Option<String> {
    Some(match seat {
        seat if *seat == Seat::bearer() => format!("'Authorization: Bearer {token}'"),
        Seat::Header { name, before, after, .. } => format!("'{name}: {before}{token}{after}'"),
        Seat::BasicUser => format!("the user {token} of HTTP Basic"),
        Seat::BasicPassword => format!("the password {token} of HTTP Basic"),
        Seat::Query { name, .. } => format!("the parameter '{name}={token}'"),
        Seat::PathPrefix { before, after, .. } => format!("the beginning '{before}{token}{after}/' of the path"),
        Seat::SigV4KeyId => format!("the access key id {token} of AWS"),
        _ => return None,
    })
}

/// Returns `true` if the value of a header is this one. The letter case of a scheme does not count.
fn is_value(given: &str, wanted: &str) -> bool {
    match (given.split_once(' '), wanted.split_once(' ')) {
        (Some((scheme, given)), Some((wanted_scheme, wanted))) => {
            scheme.eq_ignore_ascii_case(wanted_scheme) && given.trim() == wanted
        }
        _ => given.trim() == wanted,
    }
}

/// Returns the decoded text of HTTP Basic.
fn basic(value: &str) -> Option<String> {
    let (scheme, digits) = value.split_once(' ')?;
    let bytes = scheme.eq_ignore_ascii_case("basic").then(|| encode::from_base64(digits.trim()))??;
    String::from_utf8(bytes).ok()
}

/// Returns the user and the password of HTTP Basic.
fn pair(value: &str) -> Option<(String, String)> {
    let text = basic(value)?;
    text.split_once(':').map(|(user, password)| (user.to_owned(), password.to_owned()))
}

fn key_id(value: &str) -> Option<&str> {
    let parameters = value.strip_prefix(SIGV4)?.split(',');
    let credential = parameters.map(str::trim).find_map(|parameter| parameter.strip_prefix("Credential="))?;
    credential.split('/').next()
}

fn decoded(text: &str) -> String {
    encode::from_percent(text).unwrap_or_else(|| text.to_owned())
}
