//! The rules that a declaration keeps, whoever made it: a manifest or code.

mod extension;
mod requirement;

use alloc::{
    collections::BTreeSet,
    format,
    string::{String, ToString},
};
use core::fmt;

use crate::{DisplayText, ExtensionDeclaration, Text};

/// Why a declaration cannot be used: the first rule that it breaks. It holds names and no value, since a value in the wrong
/// place may be a secret.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct InvalidDeclaration {
    /// Whose declaration.
    pub extension: DisplayText,
    /// The extension's own name for the connection that it needs.
    pub connection: DisplayText,
    /// What is wrong, as a JSON pointer into a manifest (RFC 6901): `/connection/auth/secretNames/0`.
    pub field: Text,
    /// What holds for that field, as one sentence that says the way out.
    pub rule: Text,
}

impl InvalidDeclaration {
    /// Of an extension and its connection: a field, and what holds for it.
    pub fn new(
        extension: impl Into<DisplayText>,
        connection: impl Into<DisplayText>,
        field: impl Into<Text>,
        rule: impl Into<Text>,
    ) -> Self {
        let (extension, connection, field, rule) = (extension.into(), connection.into(), field.into(), rule.into());
        Self { extension, connection, field, rule }
    }
}

impl fmt::Display for InvalidDeclaration {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { extension, connection, field, rule } = self;
        write!(f, "extension '{extension}', connection '{connection}', field '{field}': {rule}")
    }
}

impl core::error::Error for InvalidDeclaration {}

/// A field, and what holds for it.
struct Broken {
    field: String,
    rule: Text,
}

fn broken(field: impl Into<String>, rule: impl Into<Text>) -> Broken {
    Broken { field: field.into(), rule: rule.into() }
}

impl ExtensionDeclaration {
    /// Checks every rule of a declaration by itself; a host accepts no other.
    ///
    /// Names are not blank, without white space at their ends, at most 200 characters long, and without control or invisible characters. Commands, platforms, preferences of
    /// one list, secrets, public preferences and languages are named once. A secret's name is no preference's, and no
    /// preference is a password. The form of authentication has what it needs and nothing of another form. Defaults are
    /// plain JSON.
    ///
    /// # Errors
    /// The first rule that is broken, with the names of extension, connection and field.
    pub fn check(&self) -> Result<(), InvalidDeclaration> {
        extension::check_extension(self).map_err(|Broken { field, rule }| {
            InvalidDeclaration::new(self.name.to_string(), self.requirement.id.to_string(), field, rule)
        })
    }
}

/// Keeps composite keys unambiguous, and names apart for the person who reads them: what a person would not see is not in
/// a name.
fn name(field: &str, name: &str) -> Result<(), Broken> {
    const CAP: usize = 200;
    if name.trim().is_empty() {
        return Err(broken(field, "a name is needed here, and this one is blank"));
    }
    if name.trim() != name {
        return Err(broken(field, "a name neither begins nor ends with white space; take it away"));
    }
    if name.chars().count() > CAP {
        return Err(broken(field, format!("a name has at most {CAP} characters; choose a shorter one")));
    }
    // Below its cap, text for people differs from what was given only by what was hidden in it.
    if DisplayText::from(name.to_string()).as_str() != name || name.chars().any(is_seldom_seen) {
        return Err(broken(field, "a name has no control characters and nothing invisible; take them out"));
    }
    Ok(())
}

/// What is part of words and pictures elsewhere, and alone shows nothing (Unicode's `Default_Ignorable_Code_Point`): two names
/// that differ by it look alike.
fn is_seldom_seen(c: char) -> bool {
    matches!(c, '\u{34f}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}' | '\u{180b}'..='\u{180f}' | '\u{3164}'
        | '\u{fe00}'..='\u{fe0f}' | '\u{ffa0}' | '\u{1d173}'..='\u{1d17a}' | '\u{e0100}'..='\u{e0fff}')
}

/// Text that must say something.
fn said(field: &str, text: &str, rule: &'static str) -> Result<(), Broken> {
    if text.trim().is_empty() { Err(broken(field, rule)) } else { Ok(()) }
}

/// Refuses what is in a list twice.
fn once<T: Ord>(
    items: impl IntoIterator<Item = T>,
    rule: &'static str,
    field: impl Fn(usize) -> String,
) -> Result<(), Broken> {
    let mut seen = BTreeSet::new();
    match items.into_iter().position(|item| !seen.insert(item)) {
        Some(at) => Err(broken(field(at), rule)),
        None => Ok(()),
    }
}
