//! Seats: the secrets of a credential stand in the places of a request that the kind states, and in no other place.

use std::fmt::Debug;

use connection_contract::{ConnectionDefinition, HttpRequest, Seat, Secret, Value, encode};

use super::Suite;
use crate::{FakeHost, Input, canary::Canary, fault::fail, input::duplicates};

/// The beginning of the header `Authorization` of AWS Signature Version 4.
const SIGV4: &str = "AWS4-HMAC-SHA256 Credential=";
/// The minimum length of a text of an answer, in bytes, that may be the token in a seat.
const MIN_ISSUED: usize = 8;

impl<D: ConnectionDefinition> Suite<D>
where
    D::Credential: Debug,
{
    #[track_caller]
    pub(super) fn seated(&self) {
        let made = self.made();
        let host = self.connected(&[]);
        let connection = host.connection(&made);
        let Some(authorizer) = host.definition.authorizer() else { return };
        let stated = authorizer.seats();
        if authorizer.seats() != stated {
            fail("the seats differ each time");
        }
        let Ok(base) = connection.base_url() else { return };
        // The check of secrets reports a credential that the authorizer refuses.
        let Ok(request) = host.authorize(&made.credential, HttpRequest::get(base, "/seats")) else { return };
        let seats = self.seats.as_ref().unwrap_or(&stated);
        let known = self.known(&host, &made.credential);
        let mut places = places(&request, seats);
        for seat in seats {
            let problem = match take(&mut places, seat, &known) {
                // The id of a key may be shown.
                Some(id) if *seat == Seat::SigV4KeyId && known.texts.contains(&id) => None,
                Some(text) => known.problem(&text),
                None => Some("is not in the request"),
            };
            if let Some(problem) = problem.filter(|_| known.is_any()) {
                fail(&format!("`seats` states {}, which {problem}", described(seat)));
            }
        }
        for (name, canary) in &known.secrets {
            if let Some((place, _)) = places.iter().find(|(_, text)| canary.found(text.as_bytes()).is_some()) {
                let place = place.described();
                fail(&format!("{place} holds the secret '{name}', and is no seat: return it from `seats`"));
            }
        }
    }

    /// Returns the texts that may stand in a seat.
    #[track_caller]
    fn known(&self, host: &FakeHost<D>, credential: &D::Credential) -> Known {
        let mut known = Known::default();
        for input in &self.inputs {
            let text = |(_, value): &(String, Secret)| value.expose_str().map(str::to_owned);
            match input {
                Input::Answers(pairs) => {
                    let (secrets, others): (Vec<_>, Vec<_>) =
                        duplicates(pairs).into_iter().partition(|(name, _)| host.is_secret_field(name));
                    known.texts.extend(others.iter().filter_map(text));
                    known.secrets.extend(secrets.into_iter().map(|(name, value)| (name, Canary::new(value.expose()))));
                }
                Input::Callback(pairs) => known.issued.extend(pairs.iter().filter_map(text)),
                Input::Elapsed | Input::Resume => {}
            }
        }
        for name in &host.world.descriptor.secret_names {
            let secret = host.secret(credential, name).filter(|secret| secret.expose().len() >= MIN_ISSUED);
            let Some(secret) = secret else { continue };
            if !known.secrets.iter().any(|(_, canary)| canary.is_of(secret.expose())) {
                known.secrets.push((name.to_string(), Canary::new(secret.expose())));
            }
        }
        for parts in self.setup.iter().filter_map(|expected| expected.reply.0.as_ref().ok()) {
            known.issued.extend(parts.headers.iter().map(|(_, value)| value.clone()));
            match Value::parse(parts.body.expose()) {
                Ok(value) => texts(&value, &mut known.issued),
                Err(_) => {
                    let form = encode::from_form(parts.body.expose_str().unwrap_or_default());
                    known.issued.extend(form.into_iter().map(|(_, value)| value));
                }
            }
        }
        known.issued.retain(|text| text.len() >= MIN_ISSUED);
        known
    }
}

/// Adds every text of an answer.
fn texts(value: &Value, found: &mut Vec<String>) {
    match value {
        Value::Text(text) => found.push(text.clone()),
        Value::List(items) => items.iter().for_each(|item| texts(item, found)),
        Value::Map(members) => members.iter().for_each(|(_, member)| texts(member, found)),
        _ => {}
    }
}

/// The texts of a script that may stand in a request.
#[derive(Default)]
struct Known {
    /// The answers to secret fields and the named secrets, with their names.
    secrets: Vec<(String, Canary)>,
    /// The other answers of a person.
    texts: Vec<String>,
    /// The texts that a provider or a callback gave, one of which may be a token without a name.
    issued: Vec<String>,
}

impl Known {
    fn is_any(&self) -> bool {
        !self.secrets.is_empty() || !self.issued.is_empty()
    }

    fn is_secret(&self, text: &str) -> bool {
        self.secrets.iter().any(|(_, secret)| secret.is_of(text.as_bytes()))
            || self.issued.iter().any(|one| one == text)
    }

    /// Returns what is wrong with the text in a seat, as a clause after "which". A seat with several values, or with an
    /// encoded one, must hold a secret, too.
    fn problem(&self, text: &str) -> Option<&'static str> {
        if self.is_secret(text) {
            return None;
        }
        let forms: Vec<&str> = self.secrets.iter().filter_map(|(_, secret)| secret.found(text.as_bytes())).collect();
        let has_more = forms.len() > 1 || self.texts.iter().any(|other| other.len() > 2 && text.contains(other));
        match forms.first() {
            None => Some("holds no secret of the credential"),
            Some(form) if has_more || form.starts_with("base64") => None,
            Some(_) => Some("has another text before or after the secret than the kind states"),
        }
    }
}

/// A part of a request.
#[derive(Debug, PartialEq, Eq)]
enum Place {
    BasicPassword,
    BasicUser,
    Header(String),
    Path,
    Query(String),
}

impl Place {
    fn described(&self) -> String {
        match self {
            Self::BasicPassword => "the password of HTTP Basic".to_owned(),
            Self::BasicUser => "the user name of HTTP Basic".to_owned(),
            Self::Header(name) => format!("the header '{name}'"),
            Self::Path => "the path".to_owned(),
            Self::Query(name) => format!("the query parameter '{name}'"),
        }
    }
}

fn described(seat: &Seat) -> String {
    match seat {
        Seat::Header { name, before, .. } if before.is_empty() => format!("the header '{name}'"),
        Seat::Header { name, before, .. } => format!("the header '{name}' after '{before}'"),
        Seat::BasicUser => Place::BasicUser.described(),
        Seat::BasicPassword => Place::BasicPassword.described(),
        Seat::Query { name, .. } => format!("the query parameter '{name}'"),
        Seat::PathPrefix { before, .. } => format!("the path after '{before}'"),
        Seat::SigV4KeyId => "the key id of AWS Signature Version 4".to_owned(),
        other => format!("{other:?}"),
    }
}

/// Returns the parts of a request with their decoded texts. The parts of HTTP Basic are taken apart if one is a seat.
fn places(request: &HttpRequest, seats: &[Seat]) -> Vec<(Place, String)> {
    let mut places = Vec::new();
    let has_basic = seats.iter().any(|seat| matches!(seat, Seat::BasicUser | Seat::BasicPassword));
    for (name, value) in &request.headers {
        let name = name.to_ascii_lowercase();
        let text = String::from_utf8_lossy(value.expose()).into_owned();
        match text.strip_prefix("Basic ").filter(|_| has_basic && name == "authorization").and_then(pair) {
            Some((user, password)) => places.extend([(Place::BasicUser, user), (Place::BasicPassword, password)]),
            None => places.push((Place::Header(name), text)),
        }
    }
    let (address, query) = request.url().split_once('?').unwrap_or((request.url(), ""));
    let rest = address.split_once("://").map_or(address, |(_, rest)| rest);
    let path = rest.find('/').and_then(|at| rest.get(at..)).unwrap_or_default();
    places.push((Place::Path, encode::from_percent(path).unwrap_or_else(|| path.to_owned())));
    places.extend(encode::from_form(query).into_iter().map(|(name, value)| (Place::Query(name), value)));
    places
}

fn pair(text: &str) -> Option<(String, String)> {
    let decoded = String::from_utf8(encode::from_base64(text)?).ok()?;
    decoded.split_once(':').map(|(user, password)| (user.to_owned(), password.to_owned()))
}

/// Takes the text in a seat out of the request. The text around it stays, unless it is as the seat says.
fn take(places: &mut [(Place, String)], seat: &Seat, known: &Known) -> Option<String> {
    let wanted = match seat {
        Seat::Header { name, .. } => Place::Header(name.to_string()),
        Seat::SigV4KeyId => Place::Header("authorization".to_owned()),
        Seat::BasicUser => Place::BasicUser,
        Seat::BasicPassword => Place::BasicPassword,
        Seat::Query { name, .. } => Place::Query(name.to_string()),
        Seat::PathPrefix { .. } => Place::Path,
        _ => return None,
    };
    let (_, text) = places.iter_mut().find(|(place, _)| *place == wanted)?;
    let (taken, rest) = match seat {
        Seat::Header { before, after, .. } => (text.strip_prefix(&**before)?.strip_suffix(&**after)?.to_owned(), ""),
        Seat::PathPrefix { before, after, .. } => in_path(text.strip_prefix(&**before)?, after, known)?,
        Seat::SigV4KeyId => text.strip_prefix(SIGV4)?.split_once('/').map(|(id, rest)| (id.to_owned(), rest))?,
        _ => (text.clone(), ""),
    };
    *text = rest.to_owned();
    Some(taken)
}

/// Returns the secret at the beginning of a path, which may contain a slash, and the path after the seat.
fn in_path<'t>(text: &'t str, after: &str, known: &Known) -> Option<(String, &'t str)> {
    let ends = text.match_indices('/').map(|(at, _)| at).chain([text.len()]);
    let mut found = ends.filter_map(|at| {
        let first = after.split('/').next().unwrap_or_default();
        let secret = text.get(..at)?.strip_suffix(first)?;
        let tail = text.get(secret.len()..)?.strip_prefix(after)?;
        (tail.is_empty() || tail.starts_with('/')).then_some((secret.to_owned(), text.len() - tail.len()))
    });
    let first = found.next()?;
    let is_known = known.is_secret(&first.0);
    let (secret, end) =
        if is_known { first } else { found.find(|(secret, _)| known.is_secret(secret)).unwrap_or(first) };
    Some((secret, text.get(end..).unwrap_or_default()))
}

#[cfg(test)]
mod tests {
    use super::{Canary, Known, in_path};

    #[test]
    fn a_secret_in_a_path_may_have_a_slash_and_a_text_after_it() {
        let known = Known { secrets: vec![("key".to_owned(), Canary::new(b"one/two-canary"))], ..Known::default() };
        let taken = |text, after| in_path(text, after, &known).map(|(secret, rest)| (secret, rest.to_owned()));
        let is = |rest: &str| Some(("one/two-canary".to_owned(), rest.to_owned()));
        assert_eq!(taken("one/two-canary/users", ""), is("/users"));
        assert_eq!(taken("one/two-canary.json/users", ".json"), is("/users"));
        assert_eq!(taken("one/two-canary/v1/users", "/v1"), is("/users"));
        assert_eq!(taken("other/users", ""), Some(("other".to_owned(), "/users".to_owned())));
        assert_eq!(taken("other/users", ".json"), None);
    }
}
