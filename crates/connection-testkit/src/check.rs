//! Checks answers before a plugin sees them, as a real host does. Patterns are not checked: see the crate's
//! documentation.

use std::net::IpAddr;

use connection_contract::{Answer, Field, Input, Secret, Text, host};

/// The maximum length of an answer in bytes.
const MAX_LENGTH: usize = 16 * 1024;

/// Returns the checked answers in the order of the prompt, or the first problem, which names the field and never shows
/// the answer.
pub(crate) fn answers(fields: &[Field], raw: &[(String, Secret)]) -> Result<Vec<(Text, Answer)>, String> {
    for (i, (name, value)) in raw.iter().enumerate() {
        let Some(field) = fields.iter().find(|field| *field.name == **name) else {
            return Err(format!("'{name}' is not a field of this prompt"));
        };
        if !field.many && raw.iter().take(i).any(|(other, _)| other == name) {
            return Err(format!("'{name}' is answered twice"));
        }
        if value.expose().len() > MAX_LENGTH {
            return Err(format!("'{name}' is too long"));
        }
    }
    let mut checked = Vec::new();
    for field in fields {
        let mut given: Vec<_> =
            raw.iter().filter(|(n, v)| **n == *field.name && !v.is_empty()).map(|(_, v)| v).collect();
        let default = field.default.as_ref().map(|default| Secret::from(&**default));
        if given.is_empty() {
            given.extend(default.as_ref());
        }
        if given.is_empty() && field.required {
            return Err(format!("'{}' is missing", field.name));
        }
        for value in given {
            let confirmed = |by: &Text| raw.iter().any(|(name, value)| *name == **by && value.expose() == b"true");
            let confirmed = field.plain_http.as_ref().is_some_and(confirmed);
            let answer = answer(field, value, confirmed).map_err(|problem| format!("'{}' {problem}", field.name))?;
            checked.push((field.name.clone(), answer));
        }
    }
    Ok(checked)
}

fn answer(field: &Field, value: &Secret, confirmed: bool) -> Result<Answer, &'static str> {
    let text = value.expose_str().ok_or("is not UTF-8 text")?;
    match &field.input {
        Input::Text => Ok(Answer::Text(text.to_owned())),
        Input::Secret => Ok(Answer::Secret(value.duplicate())),
        Input::Choice(choices) if choices.iter().any(|(value, _)| value == text) => Ok(Answer::Text(text.to_owned())),
        Input::Choice(_) => Err("is not one of the choices"),
        Input::Url if !(is_safe(text) || confirmed && is_private_network(text)) => {
            Err("is neither https nor http on this machine")
        }
        Input::Url => host::base_url(text).map(Answer::Url).ok_or("is not a plain http(s) address"),
        // A real host also canonicalizes the path and checks it with the platform.
        Input::Directory => Ok(Answer::Directory(host::granted_directory(text))),
        Input::Bool => text.parse().map(Answer::Bool).map_err(|_| "is not true or false"),
        Input::Number => text.parse().map(Answer::Number).map_err(|_| "is not a whole number"),
        _ => Err("is of a kind that the testkit does not know"),
    }
}

/// Returns `true` if the host of the URL is a numeric address of a private network (RFC 1918, RFC 4193).
fn is_private_network(url: &str) -> bool {
    let origin = host::origin(url);
    let place = origin.as_ref().and_then(|origin| origin.as_str().strip_prefix("http://")).unwrap_or_default();
    let number = match place.strip_prefix('[') {
        Some(rest) => rest.split(']').next(),
        None => place.split(':').next(),
    };
    match number.and_then(|number| number.parse::<IpAddr>().ok()).map(|address| address.to_canonical()) {
        Some(IpAddr::V4(address)) => address.is_private(),
        Some(IpAddr::V6(address)) => address.is_unique_local(),
        None => false,
    }
}

/// Returns `true` for a URL with https, or with http on this machine. Any other http address needs a confirmation.
fn is_safe(url: &str) -> bool {
    let Some(origin) = host::origin(url) else { return false };
    let Some(rest) = origin.as_str().strip_prefix("http://") else { return true };
    let name = if rest.starts_with('[') { rest.split_inclusive(']').next() } else { rest.split(':').next() };
    matches!(name, Some("localhost" | "127.0.0.1" | "[::1]"))
}
