//! Messages as sentences, for a person who reads them by themselves.

/// The programs with which a text begins that a person copies to a command line.
const COMMANDS: [&str; 2] = ["chmod", "connections"];

/// Returns a message as a sentence: it begins with a capital letter and ends with a full stop.
///
/// The messages of errors and reasons are clauses, such as `the provider refuses the credential`, so that a program can
/// put them after a name and a colon. A host that shows one to a person passes it through this function.
///
/// A name at the beginning, such as `api.github.com` or `'work'`, stays as it is. So do an address at the end and a
/// command, because a person copies them.
///
/// ```
/// use connection_core::sentence;
///
/// assert_eq!(sentence("the provider refuses the credential"), "The provider refuses the credential.");
/// assert_eq!(sentence("api.acme.example answered 500"), "api.acme.example answered 500.");
/// assert_eq!(sentence("see https://acme.example/tokens"), "See https://acme.example/tokens");
/// ```
pub fn sentence(text: &str) -> String {
    let text = text.trim();
    let word = text.split([' ', ',', ';']).next().unwrap_or_default();
    if COMMANDS.contains(&word) {
        return text.to_owned();
    }
    let is_plain = !word.is_empty() && word.chars().all(|c| c.is_ascii_lowercase() || c == '-' || c == '\'');
    let mut sentence = String::with_capacity(text.len() + 1);
    let mut letters = text.chars();
    if let Some(first) = letters.next().filter(|first| is_plain && first.is_ascii_lowercase()) {
        sentence.push(first.to_ascii_uppercase());
        sentence.push_str(letters.as_str());
    } else {
        sentence.push_str(text);
    }
    let last = text.rsplit(' ').next().unwrap_or_default();
    let is_open = text.ends_with(|c: char| c.is_alphanumeric() || "'\"`)]%’”".contains(c));
    if is_open && !last.contains("://") {
        sentence.push('.');
    }
    sentence
}

#[cfg(test)]
mod tests {
    use super::sentence;

    #[test]
    fn a_clause_becomes_a_sentence_and_names_and_addresses_stay() {
        let cases = [
            ("", ""),
            ("the access was refused at the provider", "The access was refused at the provider."),
            ("authorize again, and accept", "Authorize again, and accept."),
            ("GitHub does not accept this token", "GitHub does not accept this token."),
            ("It is a sentence.", "It is a sentence."),
            ("what is it?", "What is it?"),
            ("api.github.com answered 500", "api.github.com answered 500."),
            ("'work' is taken", "'work' is taken."),
            ("see `connections --help`", "See `connections --help`."),
            ("see https://github.com/settings/tokens", "See https://github.com/settings/tokens"),
            ("re-authorize it (after the pause)", "Re-authorize it (after the pause)."),
            ("it's 5 %", "It's 5 %."),
            ("3 connections", "3 connections."),
            ("chmod 600 /var/lib/connections/root.key", "chmod 600 /var/lib/connections/root.key"),
            ("the rest, later …", "The rest, later …"),
        ];
        for (text, expected) in cases {
            assert_eq!(sentence(text), expected);
        }
    }
}
