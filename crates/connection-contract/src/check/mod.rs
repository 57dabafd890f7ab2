//! The rules that every declaration must follow, whether it comes from a manifest or from code.

mod extension;
mod requirement;

use alloc::{
    collections::BTreeSet,
    format,
    string::{String, ToString},
};
use core::fmt;

use crate::{DisplayText, ExtensionDeclaration, Text};

/// The first rule that a declaration breaks. The error contains names and no values, because a value in the wrong place
/// may be a secret.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct InvalidDeclaration {
    /// Name of the extension whose declaration is invalid.
    pub extension: DisplayText,
    /// The extension's own name for the connection that it needs.
    pub connection: DisplayText,
    /// JSON pointer to the field in a manifest (RFC 6901): `/connection/auth/secretNames/0`.
    pub field: Text,
    /// The rule for that field, as one sentence that says how to follow it.
    pub rule: Text,
}

impl InvalidDeclaration {
    /// Creates an error for a field of an extension and its connection.
    pub fn new(
        extension: impl Into<DisplayText>,
        connection: impl Into<DisplayText>,
        field: impl Into<Text>,
        rule: impl Into<Text>,
    ) -> Self {
        Self { extension: extension.into(), connection: connection.into(), field: field.into(), rule: rule.into() }
    }
}

impl fmt::Display for InvalidDeclaration {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { extension, connection, field, rule } = self;
        write!(f, "extension '{extension}', connection '{connection}', field '{field}': {rule}")
    }
}

impl core::error::Error for InvalidDeclaration {}

/// A field and the rule that it breaks.
struct BrokenRule {
    field: String,
    rule: Text,
}

fn broken_rule(field: impl Into<String>, rule: impl Into<Text>) -> BrokenRule {
    BrokenRule { field: field.into(), rule: rule.into() }
}

impl ExtensionDeclaration {
    /// Checks that the declaration follows every rule. A host accepts no other declaration.
    ///
    /// A name is not blank, has no white space at its ends, has at most 200 characters, and contains no control or
    /// invisible characters. Commands, platforms, the preferences of one list, secrets, public preferences and
    /// languages are unique. No preference has the name of a secret, and no preference is a password. Each form of
    /// authentication has what it needs and nothing of another form. Defaults are plain JSON.
    ///
    /// # Errors
    ///
    /// [`InvalidDeclaration`] for the first rule that is broken, with the names of extension, connection and field.
    pub fn check(&self) -> Result<(), InvalidDeclaration> {
        extension::check_extension(self).map_err(|BrokenRule { field, rule }| {
            InvalidDeclaration::new(self.name.to_string(), self.requirement.id.to_string(), field, rule)
        })
    }
}

/// Checks a name. The rules keep composite keys unambiguous, and prevent two different names from looking the same to a
/// person.
fn check_name(field: &str, name: &str) -> Result<(), BrokenRule> {
    const CAP: usize = 200;
    if name.trim().is_empty() {
        return Err(broken_rule(field, "this name is blank; write a name"));
    }
    if name.trim() != name {
        return Err(broken_rule(field, "a name must not begin or end with white space; remove it"));
    }
    if name.chars().count() > CAP {
        return Err(broken_rule(field, format!("a name may have at most {CAP} characters; choose a shorter one")));
    }
    // Up to the maximum length, `DisplayText` changes a text only by removing what is invisible.
    if DisplayText::from(name.to_string()).as_str() != name || name.chars().any(is_invisible) {
        return Err(broken_rule(
            field,
            "a name must not contain control characters or invisible characters; remove them",
        ));
    }
    Ok(())
}

/// Returns `true` for a character that affects other characters or pictures but is invisible by itself (Unicode's
/// `Default_Ignorable_Code_Point`). Two names that differ only by it look the same.
fn is_invisible(c: char) -> bool {
    matches!(c, '\u{34f}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}' | '\u{180b}'..='\u{180f}' | '\u{3164}'
        | '\u{fe00}'..='\u{fe0f}' | '\u{ffa0}' | '\u{1d173}'..='\u{1d17a}' | '\u{e0100}'..='\u{e0fff}')
}

/// Checks that a text is not blank.
fn check_not_blank(field: &str, text: &str, rule: &'static str) -> Result<(), BrokenRule> {
    if text.trim().is_empty() { Err(broken_rule(field, rule)) } else { Ok(()) }
}

/// Rejects a list that contains an item twice.
fn check_unique<T: Ord>(
    items: impl IntoIterator<Item = T>,
    rule: &'static str,
    field: impl Fn(usize) -> String,
) -> Result<(), BrokenRule> {
    let mut seen = BTreeSet::new();
    match items.into_iter().position(|item| !seen.insert(item)) {
        Some(at) => Err(broken_rule(field(at), rule)),
        None => Ok(()),
    }
}
