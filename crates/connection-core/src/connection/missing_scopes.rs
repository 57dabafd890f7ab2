//! Reads from an answer which scopes the request lacked (RFC 6750, section 3.1).

use connection_contract::Descriptor;
use connection_replay::limits::is_scope;

/// The maximum number of scopes that are read from one answer.
pub(crate) const MAX_SCOPES: usize = 32;

/// The scopes for lack of which a provider refused a request.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct MissingScopes {
    pub(super) missing: Vec<String>,
    /// Those of them that a re-authorization may ask for in addition.
    pub(super) askable: Vec<String>,
}

impl MissingScopes {
    /// Reads the scopes from the headers of an answer. If the provider lists alternatives, the first one that the kind
    /// allows to ask for is missing, or else the first one.
    pub(super) fn of(headers: &[(String, String)], descriptor: &Descriptor) -> Self {
        let mut missing = missing_scopes(headers);
        // Such a kind learns its scopes from the provider, so it can ask for each of them.
        if descriptor.discovers {
            return Self { askable: missing.clone(), missing };
        }
        let optional = descriptor.optional_scopes.iter().map(ToString::to_string);
        let mut askable: Vec<_> = optional.filter(|scope| missing.contains(scope)).collect();
        if descriptor.alternative_scopes {
            askable.truncate(1);
            missing.truncate(1);
            missing = askable.first().map_or(missing, |scope| vec![scope.clone()]);
        }
        Self { missing, askable }
    }
}

/// Returns the scopes that the challenges of an answer name for the error `insufficient_scope`. Some providers separate
/// them with commas.
fn missing_scopes(headers: &[(String, String)]) -> Vec<String> {
    let mut scopes = Vec::new();
    for (_, text) in headers.iter().filter(|(name, _)| name.eq_ignore_ascii_case("www-authenticate")) {
        for challenge in challenges(text) {
            let find = |wanted: &str| challenge.iter().find(|(name, _)| name.eq_ignore_ascii_case(wanted));
            if find("error").is_none_or(|(_, error)| error != "insufficient_scope") {
                continue;
            }
            let Some((_, named)) = find("scope") else { continue };
            for scope in named.split([' ', ',']).filter(|scope| is_scope(scope)) {
                if scopes.len() < MAX_SCOPES && !scopes.iter().any(|known| known == scope) {
                    scopes.push(scope.to_owned());
                }
            }
        }
    }
    scopes
}

/// Returns the parameters of each challenge (RFC 9110, section 11.6.1). What cannot be read ends the text.
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
                rest = after;
            }
        }
    }
}

/// Returns the value at the beginning of a text, and the rest.
fn parameter_value(text: &str) -> Option<(String, &str)> {
    let Some(quoted) = text.strip_prefix('"') else {
        let length = text.bytes().take_while(|byte| is_token(*byte)).count();
        return Some((text.get(..length)?.to_owned(), text.get(length..)?));
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

#[cfg(test)]
mod tests {
    use connection_contract::{AuthType, Kind};

    use super::*;

    #[track_caller]
    fn check(text: &str, expected: &[&str]) {
        assert_eq!(missing_scopes(&[("WWW-Authenticate".to_owned(), text.to_owned())]), expected, "{text}");
    }

    #[test]
    fn the_scopes_of_a_challenge_are_those_that_the_request_lacked() {
        // RFC 6750, section 3.1; Google separates with spaces, some providers with commas.
        check(
            r#"Bearer realm="example", error="insufficient_scope", scope="a:read https://b.example/x""#,
            &["a:read", "https://b.example/x"],
        );
        check(r#"bearer scope="a,b , c",error=insufficient_scope"#, &["a", "b", "c"]);
        check(r#"Basic realm="x", DPoP error="insufficient_scope", scope="a a""#, &["a"]);
        check(r#"Bearer error="insufficient_scope", error_description="say \"scope=\" , ok", scope=a"#, &["a"]);
    }

    #[test]
    fn of_alternatives_the_first_that_the_kind_allows_is_missing() {
        let text = r#"Bearer error="insufficient_scope", scope="wide narrow widest""#;
        let headers = [("www-authenticate".to_owned(), text.to_owned())];
        let descriptor = || Descriptor::new(Kind::from_static("acme"), "Acme", AuthType::OAuth);
        let missing = |descriptor: Descriptor| {
            let MissingScopes { missing, askable } = MissingScopes::of(&headers, &descriptor);
            (missing.join(" "), askable.join(" "))
        };
        let known = || descriptor().optional_scope("narrow").optional_scope("widest");
        assert_eq!(missing(known()), ("wide narrow widest".to_owned(), "narrow widest".to_owned()));
        assert_eq!(missing(known().alternative_scopes()), ("narrow".to_owned(), "narrow".to_owned()));
        assert_eq!(missing(descriptor().alternative_scopes()), ("wide".to_owned(), String::new()));
    }

    #[test]
    fn an_answer_that_names_no_lacking_scope_has_none() {
        check(r#"Bearer realm="example", scope="a""#, &[]);
        check(r#"Bearer error="invalid_token", scope="a""#, &[]);
        check(r#"Bearer error="insufficient_scope""#, &[]);
        check(r#"Bearer error="insufficient_scope", Basic scope="a""#, &[]);
        check(r#"error="insufficient_scope", scope="a""#, &[]);
        check(r#"Bearer error="insufficient_scope", scope="a"#, &[]);
        check("", &[]);
        let many: Vec<_> = (0..100).map(|number| format!("s{number}")).collect();
        let text = format!(r#"Bearer error="insufficient_scope", scope="{} é {}""#, many.join(" "), "x".repeat(300));
        assert_eq!(missing_scopes(&[("www-authenticate".to_owned(), text)]).len(), MAX_SCOPES);
    }
}
