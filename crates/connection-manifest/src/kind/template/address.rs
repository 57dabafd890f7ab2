//! Templates that are addresses: their host as a file declares it, and the address with its variables filled in.

use connection_contract::encode;

use super::{
    Part, Template, Variable,
    render::{Env, RenderError, computed},
};

/// A piece of the host of an address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum HostPiece<'t> {
    Text(&'t str),
    Variable(&'t Variable),
}

/// The scheme and the host of an address, before its variables are filled in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Authority<'t> {
    /// `https`, or nothing if a variable is the whole origin.
    pub(crate) scheme: Option<&'t str>,
    pub(crate) pieces: Vec<HostPiece<'t>>,
    /// `true` if the host contains a function.
    pub(crate) has_function: bool,
}

/// An address with its variables filled in.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Address {
    /// Scheme and host; `None` for a path.
    pub(crate) origin: Option<String>,
    /// The path, not percent-encoded.
    pub(crate) path: String,
    /// The query, not percent-encoded.
    pub(crate) query: Vec<(String, String)>,
}

/// The parts of an address, in their order.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Position {
    Host,
    Path,
    Query,
}

impl Template {
    /// Returns `true` if the address has a host of its own and is not a path below a base.
    pub(crate) fn has_host(&self) -> bool {
        match self.parts.first() {
            Some(Part::Text(text)) => text.contains("://"),
            Some(Part::Variable(_)) => true,
            _ => false,
        }
    }

    /// Returns the scheme and the host, if the template has them.
    pub(crate) fn authority(&self) -> Option<Authority<'_>> {
        if !self.has_host() {
            return None;
        }
        let mut found = Authority { scheme: None, pieces: Vec::new(), has_function: false };
        for (index, part) in self.parts.iter().enumerate() {
            match part {
                Part::Text(text) => {
                    let mut text = text.as_str();
                    if index == 0 {
                        let (scheme, rest) = text.split_once("://").unwrap_or(("", text));
                        found.scheme = Some(scheme);
                        text = rest;
                    }
                    let end = text.find(['/', '?', '#', '\\']);
                    let host = text.get(..end.unwrap_or(text.len())).unwrap_or_default();
                    if !host.is_empty() {
                        found.pieces.push(HostPiece::Text(host));
                    }
                    if end.is_some() {
                        break;
                    }
                }
                Part::Variable(variable) => found.pieces.push(HostPiece::Variable(variable)),
                Part::Base64(_) | Part::Now | Part::Uuid => found.has_function = true,
            }
        }
        Some(found)
    }

    /// Returns the address; each value must fit the position of its variable.
    pub(crate) fn address(&self, env: &Env<'_>) -> Result<Address, RenderError> {
        let mut found = Address::default();
        let mut host = String::new();
        let mut query = String::new();
        let mut position = if self.has_host() { Position::Host } else { Position::Path };
        for (index, part) in self.parts.iter().enumerate() {
            match part {
                Part::Text(text) => {
                    let mut text = text.as_str();
                    if position == Position::Host {
                        let from = if index == 0 { text.find("://").map_or(0, |at| at + 3) } else { 0 };
                        let end = text.get(from..).and_then(|rest| rest.find(['/', '?'])).map(|at| from + at);
                        let (before, after) = text.split_at(end.unwrap_or(text.len()));
                        host.push_str(before);
                        text = after;
                        if end.is_some() {
                            position = Position::Path;
                        }
                    }
                    if position == Position::Path {
                        let (path, rest) = text.split_once('?').map_or((text, None), |(path, rest)| (path, Some(rest)));
                        found.path.push_str(path);
                        text = rest.unwrap_or_default();
                        if rest.is_some() {
                            position = Position::Query;
                        }
                    }
                    if position == Position::Query {
                        query.push_str(text);
                    }
                }
                Part::Variable(variable) => {
                    let value = env.needed(variable)?;
                    let refused = || RenderError::Unsafe(variable.name.clone());
                    match position {
                        Position::Host if index == 0 => {
                            let (origin, path) = whole(value).ok_or_else(refused)?;
                            host.push_str(origin);
                            found.path.push_str(path);
                            // The text after a whole address is its path.
                            position = Position::Path;
                        }
                        Position::Host => host.push_str(host_name(value).ok_or_else(refused)?),
                        Position::Path => found.path.push_str(segment(value).ok_or_else(refused)?),
                        Position::Query => query.push_str(&encode::percent_encode(value)),
                    }
                }
                part => {
                    let value = computed(part, env)?;
                    match position {
                        Position::Host => return Err(RenderError::Unsafe("host".to_owned())),
                        Position::Path => {
                            // Base64 may contain a slash, and its decoder needs that slash.
                            let refused = || RenderError::Unsafe("base64(…)".to_owned());
                            found.path.push_str(segment(&value).ok_or_else(refused)?);
                        }
                        Position::Query => query.push_str(&encode::percent_encode(&value)),
                    }
                }
            }
        }
        found.query = encode::from_form(&query);
        found.origin = Some(host).filter(|host| !host.is_empty());
        Ok(found)
    }

    /// Returns the address of a page for people as text; each value must fit the position of its variable.
    ///
    /// `value` returns the value of a variable. The result is `None` if one is missing or does not fit.
    pub(crate) fn page<'v>(&self, value: impl Fn(&Variable) -> Option<&'v str>) -> Option<String> {
        let mut page = String::new();
        let mut is_host = true;
        for (index, part) in self.parts.iter().enumerate() {
            match part {
                Part::Text(text) => {
                    let rest =
                        if index == 0 { text.split_once("://").map_or(text.as_str(), |(_, rest)| rest) } else { text };
                    is_host &= !rest.contains(['/', '?', '#']);
                    page.push_str(text);
                }
                Part::Variable(variable) => {
                    let value = value(variable).filter(|value| !value.is_empty())?;
                    match index {
                        0 => {
                            let (origin, path) = whole(value)?;
                            page.extend([origin, path]);
                            is_host = false;
                        }
                        _ if is_host => page.push_str(host_name(value)?),
                        _ => page.push_str(&encode::percent_encode(segment(value)?)),
                    }
                }
                Part::Base64(_) | Part::Now | Part::Uuid => return None,
            }
        }
        Some(page)
    }
}

/// Returns the value if it is one segment of a path.
fn segment(value: &str) -> Option<&str> {
    let fits =
        !matches!(value, "." | "..") && !value.contains(['/', '\\', '?', '#']) && !value.contains(char::is_control);
    fits.then_some(value)
}

/// Returns the value if it consists of the labels of a host name.
pub(crate) fn host_name(value: &str) -> Option<&str> {
    let fits = |part: &str| {
        !part.is_empty()
            && !part.starts_with('-')
            && !part.ends_with('-')
            && part.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
    };
    (value.len() <= 253 && value.split('.').all(fits)).then_some(value)
}

/// Splits an `https` address into its origin and its path, if it has no user, query, fragment and dot segments.
///
/// A host of a person's own network may have `http`, if the person confirmed that. The host of this program decides.
pub(crate) fn whole(value: &str) -> Option<(&str, &str)> {
    let value = value.trim_end_matches('/');
    let scheme = ["https://", "http://"].into_iter().find(|scheme| value.starts_with(scheme))?;
    let rest = value.get(scheme.len()..)?;
    let (host, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
    let (name, port) = host.rsplit_once(':').map_or((host, None), |(name, port)| (name, Some(port)));
    let plain = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'/' | b'-' | b'.' | b'_' | b'~');
    let fits = host_name(name).is_some()
        && port.is_none_or(|port| port.parse::<u16>().is_ok())
        && path.bytes().all(plain)
        && !path.split('/').skip(1).any(|part| matches!(part, "." | ".." | ""));
    fits.then(|| value.split_at(scheme.len() + host.len()))
}
