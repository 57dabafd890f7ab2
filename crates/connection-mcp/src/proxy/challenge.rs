//! The challenge with which a server refuses a credential (RFC 6750, section 3).

/// The parameters of the headers `WWW-Authenticate` of an answer that matter to a client.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Challenge {
    /// `true` if the credential is valid and its scope is too small.
    pub(crate) insufficient_scope: bool,
    /// The scope that the request needs.
    pub(crate) scope: Option<String>,
}

impl Challenge {
    /// Reads the headers of an answer, or returns `None` if there is none.
    pub(crate) fn parse<'a>(headers: impl Iterator<Item = &'a str>) -> Option<Self> {
        let mut challenge: Option<Self> = None;
        for header in headers {
            let challenge = challenge.get_or_insert_default();
            for (name, value) in parameters(header) {
                if name.eq_ignore_ascii_case("error") {
                    challenge.insufficient_scope |= value.eq_ignore_ascii_case("insufficient_scope");
                } else if name.eq_ignore_ascii_case("scope") && challenge.scope.is_none() && is_scope(&value) {
                    challenge.scope = Some(value);
                }
            }
        }
        challenge
    }
}

/// Returns `true` for scope tokens that are separated by spaces (RFC 6749, section 3.3).
fn is_scope(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| matches!(byte, b' '..=b'~') && !matches!(byte, b'"' | b'\\'))
}

/// Returns the names and values of the parameters in a header. The names of the schemes are skipped.
fn parameters(header: &str) -> Vec<(String, String)> {
    let mut parameters = Vec::new();
    let mut word = String::new();
    let mut characters = header.chars().peekable();
    while let Some(character) = characters.next() {
        match character {
            '=' => {
                let mut value = String::new();
                if characters.next_if_eq(&'"').is_some() {
                    while let Some(character) = characters.next().filter(|character| *character != '"') {
                        value.extend(if character == '\\' { characters.next() } else { Some(character) });
                    }
                } else {
                    while let Some(character) = characters.next_if(|c| !matches!(c, ',' | ' ' | '\t')) {
                        value.push(character);
                    }
                }
                parameters.push((std::mem::take(&mut word), value));
            }
            ',' | ' ' | '\t' => word.clear(),
            _ => word.push(character),
        }
    }
    parameters
}
