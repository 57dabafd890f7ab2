//! The address of the host to which a message leads a person whose connection needs attention.
//!
//! The address is not one of this program and holds no token: a message may be read days later, and by others. The host
//! makes a setup link behind it when its user comes.

use connection_contract::host;
use connection_egress::is_loopback;

/// The names that a template may hold in braces.
const CONNECTION: &str = "connection";
const KIND: &str = "kind";
const OWNER: &str = "owner";

/// A template of addresses, such as `https://app.example/accounts/{connection}?owner={owner}`.
///
/// ```
/// use connection_core::{AttentionUrl, AttentionUrlError};
///
/// AttentionUrl::parse("https://app.example/accounts/{connection}?owner={owner}")?;
/// let unknown = AttentionUrl::parse("https://app.example/{account}");
/// assert_eq!(unknown.err(), Some(AttentionUrlError::Placeholder("account".into())));
/// # Ok::<_, AttentionUrlError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AttentionUrl(Vec<Part>);

#[derive(Clone, Debug, PartialEq, Eq)]
enum Part {
    Text(String),
    Placeholder(&'static str),
}

/// The reason why a text is no template of addresses.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum AttentionUrlError {
    /// The text is no address, or has a placeholder before its path.
    #[error("the address is not of the form https://app.example/accounts/{{connection}}, without a user")]
    Address,
    /// A brace is not closed or not opened.
    #[error("a brace of a placeholder is not closed, or was not opened")]
    Brace,
    /// A placeholder is not known.
    #[error("the placeholder {{{0}}} is not known: use {{connection}}, {{owner}} and {{kind}}")]
    Placeholder(String),
    /// The address is neither encrypted nor on this machine.
    #[error("the address is not encrypted: use https, or http on a loopback address such as http://127.0.0.1:9001")]
    Unencrypted,
}

impl AttentionUrl {
    /// Reads a template. Its placeholders `{connection}`, `{owner}` and `{kind}` stand for values of a connection, and
    /// come after the host.
    ///
    /// # Errors
    ///
    /// [`AttentionUrlError`], for a template that could lead elsewhere or nowhere.
    pub fn parse(template: &str) -> Result<Self, AttentionUrlError> {
        let mut parts = Vec::new();
        let mut rest = template;
        while let Some(at) = rest.find(['{', '}']) {
            let (text, braced) = rest.split_at(at);
            let (name, after) =
                braced.strip_prefix('{').and_then(|braced| braced.split_once('}')).ok_or(AttentionUrlError::Brace)?;
            let known = [CONNECTION, KIND, OWNER].into_iter().find(|known| *known == name);
            let unknown = || AttentionUrlError::Placeholder(name.chars().take(40).collect());
            parts.extend([Part::Text(text.to_owned()), Part::Placeholder(known.ok_or_else(unknown)?)]);
            rest = after;
        }
        parts.push(Part::Text(rest.to_owned()));
        let Some(Part::Text(begin)) = parts.first() else { return Err(AttentionUrlError::Address) };
        let (scheme, after_scheme) = begin.split_once("://").ok_or(AttentionUrlError::Address)?;
        // Without a path before the first placeholder, the placeholder would be a part of the host.
        if parts.len() > 1 && !after_scheme.contains(['/', '?', '#']) {
            return Err(AttentionUrlError::Address);
        }
        let authority = after_scheme.split(['/', '?', '#']).next().unwrap_or_default();
        let origin = host::origin(&format!("{scheme}://{authority}")).ok_or(AttentionUrlError::Address)?;
        if template.chars().any(|c| c.is_whitespace() || c.is_control() || c == '\\') {
            return Err(AttentionUrlError::Address);
        }
        if !origin.as_str().starts_with("https:") && !is_loopback(&origin) {
            return Err(AttentionUrlError::Unencrypted);
        }
        Ok(Self(parts))
    }

    /// Returns the address for a connection.
    pub(super) fn of(&self, connection: &str, owner: &str, kind: &str) -> String {
        let value = |name: &str| match name {
            CONNECTION => encoded(connection),
            OWNER => encoded(owner),
            _ => encoded(kind),
        };
        let text = |part: &Part| match part {
            Part::Text(text) => text.clone(),
            Part::Placeholder(name) => value(name),
        };
        self.0.iter().map(text).collect()
    }
}

/// Encodes all characters but the unreserved ones of RFC 3986, so that a value cannot change the address around it.
fn encoded(value: &str) -> String {
    let is_unreserved = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte);
    // A segment of dots alone would be taken for a step to another path.
    let is_dots = !value.is_empty() && value.bytes().all(|byte| byte == b'.');
    let one = |byte: u8| match is_unreserved(byte) && !is_dots {
        true => char::from(byte).to_string(),
        false => format!("%{byte:02X}"),
    };
    value.bytes().map(one).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_value_is_encoded_where_its_placeholder_is() {
        let url = AttentionUrl::parse("https://app.example/a/{connection}?owner={owner}&k={kind}#{owner}").unwrap();
        assert_eq!(
            url.of("0190-a", "../ada&x=ü", "github"),
            "https://app.example/a/0190-a?owner=..%2Fada%26x%3D%C3%BC&k=github#..%2Fada%26x%3D%C3%BC"
        );
        let url = AttentionUrl::parse("http://127.0.0.1:9001/{owner}").unwrap();
        assert_eq!(url.of("", "..", ""), "http://127.0.0.1:9001/%2E%2E");
        let url = AttentionUrl::parse("https://app.example").unwrap();
        assert_eq!(url.of("a", "b", "c"), "https://app.example");
    }

    #[test]
    fn a_template_that_leads_elsewhere_or_nowhere_is_refused() {
        for (template, error) in [
            ("https://app.example/{token}", AttentionUrlError::Placeholder("token".into())),
            ("https://app.example/{}", AttentionUrlError::Placeholder(String::new())),
            ("https://app.example/{owner", AttentionUrlError::Brace),
            ("https://app.example/owner}", AttentionUrlError::Brace),
            ("https://{owner}.example/", AttentionUrlError::Address),
            ("https://app.example{owner}/", AttentionUrlError::Address),
            ("{owner}", AttentionUrlError::Address),
            ("https://ada:hunter2@app.example/", AttentionUrlError::Address),
            ("https://app.example/a b", AttentionUrlError::Address),
            ("javascript:alert(1)", AttentionUrlError::Address),
            ("app.example/{owner}", AttentionUrlError::Address),
            ("", AttentionUrlError::Address),
            ("http://app.example/{owner}", AttentionUrlError::Unencrypted),
            ("http://10.0.0.1/{owner}", AttentionUrlError::Unencrypted),
        ] {
            assert_eq!(AttentionUrl::parse(template), Err(error), "{template}");
        }
    }
}
