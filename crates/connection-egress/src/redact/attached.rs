//! The secrets in a request to which a credential was attached.

use connection_contract::{HeaderValue, HttpRequest, Seat, Secret, encode};

/// Returns the secrets in a request to which a credential of a kind with these seats was attached: what stands in a
/// seat, and the headers that the plugin marked as secret.
pub fn attached_secrets(request: &HttpRequest, seats: &[Seat]) -> Vec<Secret> {
    let marked = request.headers.iter().filter_map(|(_, value)| match value {
        HeaderValue::Secret(value) => Some(without_scheme(value.expose())),
        _ => None,
    });
    seats.iter().filter_map(|seat| in_seat(request, seat)).chain(marked).collect()
}

/// Returns the value of a header without a scheme before it, as in `Bearer SECRET`.
fn without_scheme(value: &[u8]) -> Secret {
    let is_scheme = |word: &[u8]| word.iter().all(|byte| byte.is_ascii_alphanumeric() || *byte == b'-');
    let scheme = value.iter().position(|byte| *byte == b' ').filter(|at| is_scheme(&value[..*at]));
    Secret::new(&value[scheme.map_or(0, |at| at + 1)..])
}

fn in_seat(request: &HttpRequest, seat: &Seat) -> Option<Secret> {
    match seat {
        Seat::Header { name, before, after, .. } => {
            let value = header(request, name)?.strip_prefix(before.as_bytes())?;
            value.strip_suffix(after.as_bytes()).map(Secret::new)
        }
        Seat::BasicUser => basic(request).map(|[user, _]| user),
        Seat::BasicPassword => basic(request).map(|[_, password]| password),
        Seat::Query { name, .. } => {
            let (_, query) = request.url().split_once('?')?;
            let name = encode::percent_encode(name);
            let mut pairs = query.split('&').filter_map(|pair| pair.split_once('='));
            decoded(pairs.find(|(is, _)| *is == name)?.1)
        }
        Seat::PathPrefix { before, after, .. } => {
            let (_, rest) = request.url().split_once("://")?;
            let path = rest.get(rest.find('/')?..)?.split('?').next()?.strip_prefix(&**before)?;
            let end = if after.is_empty() { path.find('/') } else { path.find(&**after) };
            decoded(path.get(..end.unwrap_or(path.len()))?)
        }
        // The id of a key is no secret, and a place of a later version is not known.
        _ => None,
    }
}

fn header<'a>(request: &'a HttpRequest, name: &str) -> Option<&'a [u8]> {
    let mut headers = request.headers.iter();
    headers.find(|(is, _)| is.eq_ignore_ascii_case(name)).map(|(_, value)| value.expose())
}

/// Returns the user and the password of HTTP Basic.
fn basic(request: &HttpRequest) -> Option<[Secret; 2]> {
    let value = std::str::from_utf8(header(request, "authorization")?).ok()?;
    let pair = Secret::new(encode::from_base64(value.strip_prefix("Basic ")?)?);
    let pair = pair.expose();
    let colon = pair.iter().position(|byte| *byte == b':')?;
    Some([Secret::new(&pair[..colon]), Secret::new(&pair[colon + 1..])])
}

fn decoded(text: &str) -> Option<Secret> {
    encode::from_percent(text).map(Secret::from)
}
