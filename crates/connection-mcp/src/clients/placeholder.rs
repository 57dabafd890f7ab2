//! Placeholders, which a client replaces by a variable of the environment, an answer of a person or a file.

use super::client::Client;

/// Returns the names of the placeholders in a text, in their order.
///
/// Every client writes `${NAME}`, except opencode, which writes `{env:NAME}` or `{file:PATH}`. Gemini CLI also accepts
/// `$NAME`. The forms of all clients are recognized everywhere, because none of them belongs in an address. A default
/// value, as in `${NAME:-default}`, is not part of the name.
pub(super) fn names(client: Client, text: &str) -> Vec<String> {
    let mut names = Vec::new();
    let mut rest = text;
    while let Some(start) = rest.find(['$', '{']) {
        let (_, here) = rest.split_at(start);
        let (name, length) = name_at(client, here).unwrap_or((None, 1));
        names.extend(name);
        rest = here.get(length..).unwrap_or_default();
    }
    names
}

/// Returns the name of the placeholder with which a text begins, and the length of the placeholder.
fn name_at(client: Client, text: &str) -> Option<(Option<String>, usize)> {
    let braced = |opening: &str| {
        let inside = text.strip_prefix(opening)?;
        let end = inside.find('}').unwrap_or(inside.len());
        let name = inside.get(..end)?;
        let name = name.split_once(":-").map_or(name, |(name, _)| name);
        Some((Some(name.to_owned()), opening.len() + end + 1))
    };
    if let Some(found) = braced("${") {
        return Some(found);
    }
    if text.starts_with("{env:") || text.starts_with("{file:") {
        return braced("{");
    }
    let bare = text.strip_prefix('$').filter(|_| client == Client::GeminiCli)?;
    let end = bare.find(|c: char| !c.is_ascii_alphanumeric() && c != '_').unwrap_or(bare.len());
    let name = bare.get(..end).filter(|name| name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_'))?;
    Some((Some(name.to_owned()), end + 1))
}
