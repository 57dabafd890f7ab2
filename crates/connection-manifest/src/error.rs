//! The error of a manifest: one sentence with the file, the extension, the connection, the field and the remedy.
//!
//! It never holds a value, because a value in the wrong place may be a secret.

use std::fmt;

use connection_contract::{DisplayText, InvalidDeclaration, Text, Value};

/// The first reason why a file is not a valid manifest, with the names that could be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub struct ManifestError {
    /// The file, if the host has named it.
    pub file: Option<DisplayText>,
    /// The name of the extension, if the file states one.
    pub extension: Option<DisplayText>,
    /// The extension's own name for the connection that it needs, if the file states one.
    pub connection: Option<DisplayText>,
    /// The field with the error, as a JSON pointer (RFC 6901); empty for the whole file.
    pub field: String,
    /// The rule that the field breaks, as one sentence that includes the remedy.
    pub rule: Text,
}

impl ManifestError {
    /// Adds the name of the file.
    #[must_use]
    pub fn in_file(mut self, name: impl Into<Text>) -> Self {
        self.file = Some(name.into().into());
        self
    }

    pub(crate) fn of(fault: Fault, document: Option<&Value>) -> Self {
        let named = |pointer| {
            let name = document?.pointer(pointer)?.as_str()?;
            (!name.trim().is_empty()).then(|| name.to_owned().into())
        };
        Self {
            file: None,
            extension: named("/name"),
            connection: named("/connection/id"),
            field: fault.field,
            rule: fault.rule,
        }
    }
}

impl fmt::Display for ManifestError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { file, extension, connection, field, rule } = self;
        if let Some(file) = file {
            write!(f, "{file}: ")?;
        }
        // A field may contain a key chosen by someone else.
        let field = (!field.is_empty()).then(|| DisplayText::from(field.clone()));
        let mut names = Vec::new();
        names.extend(extension.as_ref().map(|name| format!("extension '{name}'")));
        names.extend(connection.as_ref().map(|name| format!("connection '{name}'")));
        names.extend(field.map(|field| format!("field '{field}'")));
        match names.is_empty() {
            true => write!(f, "{rule}"),
            false => write!(f, "{}: {rule}", names.join(", ")),
        }
    }
}

/// An error whose extension and connection have not been determined yet.
#[derive(Debug)]
pub(crate) struct Fault {
    pub(crate) field: String,
    pub(crate) rule: Text,
}

impl Fault {
    pub(crate) fn at(field: impl Into<String>, rule: impl Into<Text>) -> Self {
        Self { field: field.into(), rule: rule.into() }
    }
}

impl From<InvalidDeclaration> for Fault {
    fn from(error: InvalidDeclaration) -> Self {
        Self::at(error.field, error.rule)
    }
}
