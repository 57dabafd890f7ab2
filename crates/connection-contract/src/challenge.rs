//! The header `WWW-Authenticate` of an answer (RFC 9110, section 11.6.1), and what it says about a token (RFC 6750,
//! section 3.1).

use alloc::{string::String, vec::Vec};

/// The names of the header. A gateway of AWS, or a function with an address of its own there, gives it the second one on the
/// way ("Amazon API Gateway important notes").
const HEADERS: [&str; 2] = ["www-authenticate", "x-amzn-remapped-www-authenticate"];
/// The maximum number of scopes that are read from one answer.
const MAX_SCOPES: usize = 32;
/// The longest scope, in bytes.
const MAX_SCOPE_LENGTH: usize = 256;

/// The challenges of an answer, as far as they concern a token.
///
/// ```
/// use connection_contract::Challenge;
///
/// let text = r#"Bearer error="insufficient_scope", scope="mail.read mail.send""#;
/// let challenge = Challenge::of(&[("www-authenticate".to_owned(), text.to_owned())]);
/// assert!(challenge.is_present && !challenge.is_invalid_token);
/// assert_eq!(challenge.missing_scopes.unwrap(), ["mail.read", "mail.send"]);
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Challenge {
    /// `true` if the answer has a challenge, which asks for a credential.
    pub is_present: bool,
    /// `true` if the provider does not accept the token: `invalid_token`.
    pub is_invalid_token: bool,
    /// The scopes for lack of which the provider refused the request: `insufficient_scope`. The list is empty if the
    /// provider names none.
    pub missing_scopes: Option<Vec<String>>,
}

impl Challenge {
    /// Reads the challenges from the headers of an answer. Some providers separate scopes with commas.
    pub fn of(headers: &[(String, String)]) -> Self {
        let mut found = Self::default();
        for (_, text) in headers.iter().filter(|(name, _)| Self::is_header(name)) {
            found.is_present |= !text.trim().is_empty();
            found.is_invalid_token |= unnamed(text).any(|value| value.eq_ignore_ascii_case("invalid_token"));
            for challenge in challenges(text) {
                let find = |wanted: &str| challenge.iter().find(|(name, _)| name.eq_ignore_ascii_case(wanted));
                let error = find("error").map(|(_, error)| error.to_ascii_lowercase());
                match error.as_deref() {
                    Some("invalid_token") => found.is_invalid_token = true,
                    Some("insufficient_scope") => {
                        let scopes = found.missing_scopes.get_or_insert_with(Vec::new);
                        let named = find("scope").map(|(_, scopes)| scopes.as_str()).unwrap_or_default();
                        for scope in named.split([' ', ',']).filter(|scope| is_scope(scope)) {
                            if scopes.len() < MAX_SCOPES && !scopes.iter().any(|known| known == scope) {
                                scopes.push(scope.into());
                            }
                        }
                    }
                    _ => {}
                }
            }
        }
        found
    }

    /// Returns `true` for the name of a header that has challenges: `WWW-Authenticate`, in any case, and the name that a
    /// gateway of AWS gives to it.
    pub fn is_header(name: &str) -> bool {
        HEADERS.iter().any(|known| known.eq_ignore_ascii_case(name))
    }
}

/// Returns `true` for a scope as RFC 6749 (section 3.3) writes it, of a length that a person can read.
pub fn is_scope(text: &str) -> bool {
    let is_known = |byte: u8| matches!(byte, 0x21 | 0x23..=0x5b | 0x5d..=0x7e);
    !text.is_empty() && text.len() <= MAX_SCOPE_LENGTH && text.bytes().all(is_known)
}

/// Returns the values after the scheme that have no names. Facebook writes a challenge of its own name, the error and a
/// sentence, each in quotes.
fn unnamed(text: &str) -> impl Iterator<Item = String> {
    let text = text.trim_start();
    let mut rest = text.trim_start_matches(|c: char| u8::try_from(c).is_ok_and(is_token));
    core::iter::from_fn(move || {
        rest = rest.trim_start_matches([' ', '\t']);
        let (value, after) = rest.starts_with('"').then(|| parameter_value(rest)).flatten()?;
        rest = after;
        Some(value)
    })
}

/// Returns the parameters of each challenge. What cannot be read ends the text.
fn challenges(text: &str) -> Vec<Vec<(&str, String)>> {
    let mut challenges = Vec::new();
    let mut rest = text;
    loop {
        rest = rest.trim_start_matches([' ', '\t', ',']);
        let length = rest.bytes().take_while(|byte| is_token(*byte)).count();
        let (Some(name), Some(after)) = (rest.get(..length), rest.get(length..)) else { return challenges };
        if name.is_empty() {
            return challenges;
        }
        match after.trim_start_matches([' ', '\t']).strip_prefix('=') {
            Some(value) => {
                let Some((value, after)) = parameter_value(value.trim_start_matches([' ', '\t'])) else {
                    return challenges;
                };
                match challenges.last_mut() {
                    Some(challenge) => Vec::push(challenge, (name, value)),
                    None => return challenges,
                }
                rest = after;
            }
            // A word without a value begins the next challenge.
            None => {
                challenges.push(Vec::new());
                rest = after_token68(after);
            }
        }
    }
}

/// Skips the data that some schemes have in place of parameters (`token68` of RFC 9110, section 11.2).
fn after_token68(text: &str) -> &str {
    let is_known = |c: char| c.is_ascii_alphanumeric() || "-._~+/".contains(c);
    let rest = text.trim_start_matches([' ', '\t']).trim_start_matches(is_known);
    let rest = rest.trim_start_matches('=').trim_start_matches([' ', '\t']);
    if rest.is_empty() || rest.starts_with(',') { rest } else { text }
}

/// Returns the value at the beginning of a text, and the rest. Some providers write an address without quotes, so that any
/// value without them ends at a comma or white space.
fn parameter_value(text: &str) -> Option<(String, &str)> {
    let Some(quoted) = text.strip_prefix('"') else {
        let length = text.find([',', ' ', '\t']).unwrap_or(text.len());
        return Some((text.get(..length)?.into(), text.get(length..)?));
    };
    let mut value = String::new();
    let mut characters = quoted.char_indices();
    while let Some((at, character)) = characters.next() {
        match character {
            '"' => return Some((value, quoted.get(at + 1..)?)),
            '\\' => value.push(characters.next()?.1),
            character => value.push(character),
        }
    }
    None
}

fn is_token(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte)
}
