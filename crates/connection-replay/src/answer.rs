//! Checks the text of one answer against its field. A problem is the rest of a sentence that begins with the name of
//! the field, and never holds the answer.

use alloc::{borrow::ToOwned, boxed::Box};
use core::fmt;

use connection_contract::{Answer, BaseUrl, Field, Input, Secret, Text, host};

use crate::{key, private_key};

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
        None if field.is_key => key::taken(text, |key| pattern.is_some_and(|pattern| pattern.is_match(key)))?,
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
