//! Checks the text of one answer against its field. A problem is the rest of a sentence that begins with the name of
//! the field, and never holds the answer.

use alloc::{borrow::ToOwned, boxed::Box};
use core::fmt;

use connection_contract::{Answer, BaseUrl, Field, Input, Secret, Text, host};

use crate::{characters::is_invisible, private_key};

/// The problem of an address to which requests would be sent without encryption.
pub const NOT_ENCRYPTED: &str = "is an http address of another machine; https is required";

/// A regular expression that a host has compiled.
pub struct Pattern(Box<dyn Fn(&str) -> bool + Send + Sync>);

impl Pattern {
    /// Creates a pattern from the function that matches a text.
    pub fn new(is_match: impl Fn(&str) -> bool + Send + Sync + 'static) -> Self {
        Self(Box::new(is_match))
    }

    /// Returns `true` if the pattern matches the text.
    pub fn is_match(&self, text: &str) -> bool {
        (self.0)(text)
    }
}

impl fmt::Debug for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Pattern")
    }
}

/// Returns the answer to a field of any input except `Directory`, which only a host can grant.
///
/// `pattern` is the compiled pattern of the field.
///
/// # Errors
///
/// The text does not fit the field.
pub fn parse(field: &Field, pattern: Option<&Pattern>, value: &Secret) -> Result<Answer, &'static str> {
    let text = value.expose_str().ok_or("is not UTF-8 text")?;
    let private_key = field.is_private_key.then(|| private_key::with_lines(text)).transpose()?;
    let text = match &private_key {
        Some(key) => key.expose_str().unwrap_or_default(),
        None if field.is_key => key(text)?,
        None => text,
    };
    if pattern.is_some_and(|pattern| !pattern.is_match(text)) {
        return Err("does not have the expected form");
    }
    match &field.input {
        Input::Bool => text.parse().map(Answer::Bool).map_err(|_| "is neither true nor false"),
        Input::Choice(choices) if choices.iter().any(|(choice, _)| choice == text) => Ok(Answer::Text(text.to_owned())),
        Input::Choice(_) => Err("is not one of the choices"),
        Input::Number => text.parse().map(Answer::Number).map_err(|_| "is not a whole number"),
        // A field for another text of several lines declares a pattern. In a token, a line break is a mistake made in
        // copying.
        Input::Secret | Input::Text
            if private_key.is_none() && pattern.is_none() && text.chars().any(char::is_control) =>
        {
            Err("has a line break or another control character")
        }
        Input::Secret => Ok(Answer::Secret(Secret::from(text))),
        Input::Text => Ok(Answer::Text(text.to_owned())),
        Input::Url if field.query.is_some() => encrypted(host::exact_base_url(text)).map(Answer::Url),
        Input::Url => base_url(text).map(Answer::Url),
        _ => Err("has a form that this host does not know"),
    }
}

/// Returns a copied key without what came along with it: no key begins or ends with these characters, and none contains an
/// invisible one.
fn key(text: &str) -> Result<&str, &'static str> {
    let is_blank = |c: char| c.is_whitespace() || c.is_control() || is_invisible(c);
    let is_around = |c: char| is_blank(c) || is_quote(c);
    // A line of JSON or of a program goes on after the quotation mark.
    let line = text.trim_end_matches(is_blank).strip_suffix([',', ';']).filter(|line| line.ends_with(is_quote));
    let mut key = line.unwrap_or(text).trim_matches(is_around);
    let steps: [fn(&str) -> Option<&str>; 3] = [after_name, after_label, after_scheme];
    for step in steps {
        key = step(key).map_or(key, |rest| rest.trim_matches(is_around));
    }
    match key {
        "" => Err("has nothing but characters around a key, such as blanks or quotation marks; copy the key itself"),
        key if key.contains(|c: char| is_invisible(c) || c.is_whitespace() && !c.is_ascii()) => Err(
            "has an invisible character inside, such as a no-break space or a soft hyphen; copy it again from the provider",
        ),
        key if key.contains(|c: char| is_quote(c) && !c.is_ascii()) => {
            Err("has a typographic quotation mark inside; copy it again from the provider")
        }
        key if key.contains(is_dash) => {
            Err("has a typographic dash inside, in place of a hyphen; copy it again from the provider")
        }
        key if is_masked(key) => Err(
            "is shortened or masked, with dots or stars in place of characters; copy the whole key from the provider",
        ),
        key => Ok(key),
    }
}

/// Returns the value in a line of a shell or of a file of variables, such as `export TOKEN=…` or `ACME_API_KEY=…`. Without
/// `export`, `=` may be a part of a key, so the name must say that its value is one, and nothing may follow the value: lists
/// of cookies, connection strings and queries begin alike.
fn after_name(line: &str) -> Option<&str> {
    let (name, value) = line.split_once('=')?;
    let is_name = |name: &str| name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
    let is_capital = |name: &str| is_name(name) && !name.contains(|c: char| c.is_ascii_lowercase());
    let is_of_key = || name.contains('_') && ["KEY", "PAT", "SECRET", "TOKEN"].iter().any(|end| name.ends_with(end));
    let is_assigned = match name.strip_prefix("export ") {
        Some(name) => is_name(name),
        None => is_capital(name) && is_of_key() && !value.contains([';', '&']),
    };
    is_assigned.then_some(value)
}

/// Returns the value of a header or of a member of JSON, such as `X-Api-Key: …`, `"api_key": …` or `Authorization:…`.
/// Without white space after it, only a few names are no part of a key.
fn after_label(line: &str) -> Option<&str> {
    let (name, value) = line.split_once(':')?;
    let name = name.trim_end_matches(is_quote);
    let is_name = !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte));
    let is_known = ["authorization", "bearer"].iter().any(|known| known.eq_ignore_ascii_case(name));
    (is_name && (is_known || value.starts_with(is_between))).then_some(value)
}

/// Returns what follows a scheme, as in `Bearer …`, `token …` or `Token token=…`. The word alone, as the beginning of a longer
/// word, or as the first of several words is a part of the key.
fn after_scheme(line: &str) -> Option<&str> {
    let (scheme, rest) = line.split_at(line.find(is_between)?);
    let rest = rest.trim_start_matches(is_between);
    let is_token = |word: &str| word.eq_ignore_ascii_case("token");
    let is_scheme = is_token(scheme) || scheme.eq_ignore_ascii_case("bearer");
    // Servers made with Rails, such as PagerDuty, name the token after the scheme.
    let named = rest.split_once('=').filter(|(name, _)| is_token(scheme) && is_token(name));
    (is_scheme && !rest.contains(char::is_whitespace)).then_some(named.map_or(rest, |(_, value)| value))
}

/// Returns `true` for a key of which a page has hidden a part, with an ellipsis, bullets or stars. An address may contain any
/// of these.
fn is_masked(key: &str) -> bool {
    let is_dot = |c: char| matches!(c, '\u{2022}' | '\u{2026}' | '\u{2219}' | '\u{22ef}' | '\u{25cf}' | '\u{26ab}');
    !key.contains("://") && (key.contains(is_dot) || key.contains("...") || key.contains("****"))
}

fn is_between(c: char) -> bool {
    c.is_whitespace() || is_invisible(c)
}

/// Returns `true` for a dash that programs put in place of the hyphens of a text.
fn is_dash(c: char) -> bool {
    matches!(c, '\u{2010}'..='\u{2015}' | '\u{2212}')
}

fn is_quote(c: char) -> bool {
    matches!(
        c,
        '"' | '\'' | '`' | '\u{ab}' | '\u{b4}' | '\u{bb}' | '\u{2018}'
            ..='\u{201f}' | '\u{2039}' | '\u{203a}' | '\u{ff02}' | '\u{ff07}'
    )
}

/// Returns the address if it is `https`, or `http` on this machine, so that a credential never crosses a network
/// unencrypted.
///
/// # Errors
///
/// The text is not such an address; [`NOT_ENCRYPTED`] if it is an `http` address of another machine.
pub fn base_url(text: &str) -> Result<BaseUrl, &'static str> {
    encrypted(host::base_url(text))
}

/// Splits the answer to a field that takes an exact address into the address and its query, if it has one.
pub fn split_query(field: &Field, value: &Secret) -> (Secret, Option<(Text, Secret)>) {
    let text = value.expose_str().unwrap_or_default();
    match (&field.query, text.split_once('?')) {
        (Some(name), Some((address, query))) if !query.is_empty() => {
            (Secret::from(address), Some((name.clone(), Secret::from(query))))
        }
        _ => (value.duplicate(), None),
    }
}

fn encrypted(base: Option<BaseUrl>) -> Result<BaseUrl, &'static str> {
    let base = base.ok_or("is not a plain https address")?;
    if base.origin().as_str().starts_with("https://") || host::is_loopback(base.origin()) {
        return Ok(base);
    }
    Err(NOT_ENCRYPTED)
}
