//! Text with variables, such as `https://${config.shop}.myshopify.com/admin`. There are no loops and no expressions.
//!
//! The values that a variable may hold depend on its position. A value that would end a host name, leave a path or
//! begin another header is refused or encoded, and never inserted unchanged.

use std::collections::BTreeMap;

use connection_contract::encode::percent_encode;

use crate::OAuth2Error;

/// The values of variables, by `scope.name`.
#[derive(Clone, Default, PartialEq, Eq)]
pub(crate) struct Values(BTreeMap<String, String>);

impl Values {
    pub(crate) fn set(&mut self, scope: &str, name: &str, value: impl Into<String>) {
        self.0.insert(format!("{scope}.{name}"), value.into());
    }

    pub(crate) fn with(&self, scope: &str, name: &str, value: impl Into<String>) -> Self {
        let mut values = self.clone();
        values.set(scope, name, value);
        values
    }

    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str)
    }

    /// Returns the names and values below `config`, which were answered or captured and may be shown.
    pub(crate) fn config(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().filter_map(|(name, value)| Some((name.strip_prefix("config.")?, value.as_str())))
    }
}

/// Shows the names alone, because a value may be a token.
impl std::fmt::Debug for Values {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_list().entries(self.0.keys()).finish()
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Part {
    Text(String),
    Variable(String),
}

/// A parsed text with variables.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Template(Vec<Part>);

/// The scopes that a variable may have.
const SCOPES: [&str; 4] = ["config", "client", "flow", "token"];

impl Template {
    /// Parses a template; `None` for an open brace, an empty name or an unknown scope.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let mut parts = Vec::new();
        let mut rest = text;
        while let Some((before, after)) = rest.split_once("${") {
            let (name, tail) = after.split_once('}')?;
            if !before.is_empty() {
                parts.push(Part::Text(before.to_owned()));
            }
            let known = name == "uuid()"
                || name.split_once('.').is_some_and(|(scope, name)| SCOPES.contains(&scope) && !name.is_empty());
            if !known {
                return None;
            }
            parts.push(Part::Variable(name.to_owned()));
            rest = tail;
        }
        if !rest.is_empty() {
            parts.push(Part::Text(rest.to_owned()));
        }
        Some(Self(parts))
    }

    /// Returns the names of the variables.
    pub(crate) fn variables(&self) -> impl Iterator<Item = &str> {
        self.0.iter().filter_map(|part| if let Part::Variable(name) = part { Some(name.as_str()) } else { None })
    }

    pub(crate) fn resolves(&self, values: &Values) -> bool {
        self.variables().all(|name| name == "uuid()" || values.get(name).is_some_and(|value| !value.is_empty()))
    }

    /// Returns which part of the host the variables decide.
    pub(crate) fn host(&self) -> HostPart {
        let Some(first) = self.0.first() else { return HostPart::Fixed };
        if let Part::Variable(name) = first {
            return HostPart::Whole(name.clone());
        }
        let mut variable = false;
        let mut authority = String::new();
        for part in &self.0 {
            match part {
                Part::Text(text) => {
                    let text = if authority.is_empty() && !variable {
                        text.split_once("://").map_or("", |(_, rest)| rest)
                    } else {
                        text
                    };
                    let end = text.find(['/', '?', '#']);
                    authority.push_str(text.get(..end.unwrap_or(text.len())).unwrap_or_default());
                    if end.is_some() {
                        break;
                    }
                }
                Part::Variable(_) => {
                    variable = true;
                    authority.clear();
                }
            }
        }
        if !variable {
            HostPart::Fixed
        } else if let Some(domain) = authority.strip_prefix('.') {
            HostPart::Below(domain.to_owned())
        } else {
            HostPart::Open
        }
    }

    /// Returns the address; each value must fit the position of its variable.
    pub(crate) fn url(&self, values: &Values) -> Result<String, OAuth2Error> {
        let mut url = String::new();
        for part in &self.0 {
            match part {
                Part::Text(text) => url.push_str(text),
                Part::Variable(name) => {
                    let value = found(values, name)?;
                    let unsafe_value = || OAuth2Error::UnsafeValue { name: name.clone() };
                    if url.is_empty() {
                        url.push_str(whole(value).ok_or_else(unsafe_value)?);
                    } else if url.split_once("://").is_some_and(|(_, rest)| !rest.contains(['/', '?'])) {
                        url.push_str(label(value).ok_or_else(unsafe_value)?);
                    } else if !url.contains('?') && (matches!(value, "." | "..") || value.contains(['/', '\\', '%'])) {
                        return Err(unsafe_value());
                    } else {
                        url.push_str(&percent_encode(value));
                    }
                }
            }
        }
        Ok(url)
    }

    /// Returns the value of a form field, a JSON field or a header. The caller encodes it; `uuid` makes a fresh UUID.
    pub(crate) fn value(&self, values: &Values, uuid: impl Fn() -> String) -> Result<String, OAuth2Error> {
        let mut text = String::new();
        for part in &self.0 {
            match part {
                Part::Text(part) => text.push_str(part),
                Part::Variable(name) if name == "uuid()" => text.push_str(&uuid()),
                Part::Variable(name) => text.push_str(found(values, name)?),
            }
        }
        Ok(text)
    }

    /// Returns the value of a header, which may hold no control character.
    pub(crate) fn header(&self, values: &Values, uuid: impl Fn() -> String) -> Result<String, OAuth2Error> {
        let text = self.value(values, uuid)?;
        if text.chars().any(char::is_control) {
            let name = self.variables().next().unwrap_or_default().to_owned();
            return Err(OAuth2Error::UnsafeValue { name });
        }
        Ok(text)
    }
}

/// The part of an address' host that is not fixed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum HostPart {
    Fixed,
    /// The fixed domain after a variable, such as `example.com` in `${tenant}.example.com`.
    Below(String),
    /// The whole origin is a variable.
    Whole(String),
    /// A variable that is not followed by a fixed domain.
    Open,
}

fn found<'v>(values: &'v Values, name: &str) -> Result<&'v str, OAuth2Error> {
    values
        .get(name)
        .filter(|value| !value.is_empty())
        .ok_or_else(|| OAuth2Error::MissingValue { name: name.to_owned() })
}

/// Returns the value if it is an origin, or an address without user, query, fragment and dot segments.
fn whole(value: &str) -> Option<&str> {
    let value = value.trim_end_matches('/');
    let rest = value.strip_prefix("https://").or_else(|| value.strip_prefix("http://"))?;
    let plain = |b: u8| b.is_ascii_alphanumeric() || b"-._~/:[]".contains(&b);
    (rest.bytes().all(plain) && !rest.split('/').any(|part| matches!(part, "." | ".." | ""))).then_some(value)
}

/// Returns the value if it consists of labels of a host name.
fn label(value: &str) -> Option<&str> {
    let fits = |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-');
    value.split('.').all(fits).then_some(value)
}
