//! Why a file is no manifest: one sentence with the file, the extension, the connection, the field and the way out.
//!
//! It never holds a value: what stands in the wrong place may be a secret.

use std::fmt;

use connection_contract::{DisplayText, InvalidDeclaration, Text, Value};

/// Why a file is no manifest. The first reason alone, and names as far as they could be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub struct ManifestError {
    /// The file, when the host has said which.
    pub file: Option<DisplayText>,
    /// Whose manifest.
    pub extension: Option<DisplayText>,
    /// The extension's own name for the connection that it needs.
    pub connection: Option<DisplayText>,
    /// What is wrong, as a JSON pointer (RFC 6901); the whole file, where it is empty.
    pub field: String,
    /// What holds there, as one sentence that says the way out.
    pub rule: Text,
}

impl ManifestError {
    /// The same, of this file.
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
        // A field may hold a key that somebody else chose.
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

/// A fault before it is known whose it is.
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
