//! The header `WWW-Authenticate` of a refusal (RFC 9110, section 11.6.1; RFC 6750, section 3; RFC 9728, section 5.1).

use connection_contract::prelude::*;

/// The longest header that is read, in bytes.
const MAX_LENGTH: usize = 16 * 1024;

/// What a refusal says about the authorization that the server wants.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Challenge {
    /// The address of the resource's metadata.
    pub(crate) resource_metadata: Option<String>,
    /// The scopes that the request needs.
    pub(crate) scopes: Option<Vec<String>>,
    /// `true` if the server accepts the token, and wants further scopes for the request (RFC 6750, section 3.1).
    pub(crate) lacks_scopes: bool,
}

/// Reads the challenge for bearer tokens of a refusal.
///
/// # Errors
///
/// The header is too long to be meant seriously.
pub(crate) fn read(answer: &HttpResponse) -> Result<Challenge, SetupFailure> {
    let mut challenge = Challenge::default();
    for (name, value) in answer.headers() {
        if !connection_contract::Challenge::is_header(name) {
            continue;
        }
        if value.len() > MAX_LENGTH {
            let message = "the server's answer has a WWW-Authenticate header of more than 16 KiB";
            return Err(SetupFailure::new("mcp_challenge", message).remedy("report this to the server's operator"));
        }
        for (name, value) in bearer_parameters(value) {
            match name.as_str() {
                "resource_metadata" => challenge.resource_metadata = Some(value),
                "error" => challenge.lacks_scopes = value.eq_ignore_ascii_case("insufficient_scope"),
                "scope" => challenge.scopes = Some(value.split_ascii_whitespace().map(ToOwned::to_owned).collect()),
                _ => {}
            }
        }
    }
    Ok(challenge)
}

/// Returns the parameters of the challenges with the scheme `Bearer`, with names in lower case.
fn bearer_parameters(header: &str) -> Vec<(String, String)> {
    let mut found = Vec::new();
    let mut is_bearer = false;
    let mut rest = header;
    loop {
        rest = rest.trim_start_matches([' ', '\t', ',']);
        let end = rest.find(|c: char| !is_token(c)).unwrap_or(rest.len());
        let (word, after) = rest.split_at(end);
        if word.is_empty() {
            return found;
        }
        let value = after.trim_start_matches([' ', '\t']);
        match value.strip_prefix('=') {
            // A word before an equals sign is the name of a parameter; otherwise, it is a scheme.
            Some(value) if !value.starts_with('=') => {
                let (value, after) = parameter_value(value.trim_start_matches([' ', '\t']));
                if is_bearer {
                    found.push((word.to_ascii_lowercase(), value));
                }
                rest = after;
            }
            _ => {
                is_bearer = word.eq_ignore_ascii_case("bearer");
                rest = after.trim_start_matches('=');
            }
        }
    }
}

/// Returns the value at the beginning of a text, and what follows it.
fn parameter_value(text: &str) -> (String, &str) {
    let Some(quoted) = text.strip_prefix('"') else {
        let end = text.find([',', ' ', '\t']).unwrap_or(text.len());
        let (value, rest) = text.split_at(end);
        return (value.to_owned(), rest);
    };
    let mut value = String::new();
    let mut characters = quoted.char_indices();
    while let Some((at, character)) = characters.next() {
        match character {
            '"' => return (value, quoted.get(at + 1..).unwrap_or_default()),
            '\\' => value.extend(characters.next().map(|(_, escaped)| escaped)),
            character => value.push(character),
        }
    }
    (value, "")
}

/// Returns `true` for a character of a token (RFC 9110, section 5.6.2).
fn is_token(character: char) -> bool {
    character.is_ascii_alphanumeric() || "!#$%&'*+-.^_`|~".contains(character)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(header: &str, expected: &[(&str, &str)]) {
        let expected: Vec<_> = expected.iter().map(|(n, v)| ((*n).to_owned(), (*v).to_owned())).collect();
        assert_eq!(bearer_parameters(header), expected, "{header}");
    }

    #[test]
    fn the_parameters_of_a_bearer_challenge_are_read_in_every_form() {
        let metadata = ("resource_metadata", "https://mcp.example/.well-known/x");
        check(r#"Bearer resource_metadata="https://mcp.example/.well-known/x""#, &[metadata]);
        check(
            r#"bearer realm="a, b" , Resource_Metadata = "https://mcp.example/.well-known/x""#,
            &[("realm", "a, b"), metadata],
        );
        check(r#"Bearer scope="a b",error=insufficient_scope"#, &[("scope", "a b"), ("error", "insufficient_scope")]);
        check(r#"Bearer realm="a \"quoted\" word""#, &[("realm", r#"a "quoted" word"#)]);
    }

    #[test]
    fn the_parameters_of_other_schemes_are_passed_over() {
        check(r#"Basic realm="x", Bearer scope=a, Digest scope=b"#, &[("scope", "a")]);
        check("Negotiate abc==, Bearer scope=a", &[("scope", "a")]);
        check("Bearer", &[]);
        check("", &[]);
        check(r#"Bearer scope="unfinished"#, &[("scope", "unfinished")]);
    }
}
