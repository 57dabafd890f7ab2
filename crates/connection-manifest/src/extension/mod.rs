//! A file in which an extension declares itself.
//!
//! The document stays as it came: what is written out again is what was read, whoever the file was written for.

mod capability;
mod connection;
mod preference;
mod read;
mod state;
mod write;

use std::fmt;

use connection_contract::{ExtensionDeclaration, Value};

use crate::{
    error::{Fault, ManifestError},
    json,
    note::Note,
    object::Beside,
};

/// What a file says of an extension, checked, with what the file has besides.
#[derive(Clone, PartialEq, Eq)]
pub struct ExtensionFile {
    document: Value,
    declaration: ExtensionDeclaration,
    unknown: Vec<(String, Value)>,
    notes: Vec<Note>,
}

impl ExtensionFile {
    /// Reads a file: UTF-8, at most 1 MiB, one JSON object.
    ///
    /// # Errors
    /// The first thing that keeps it from being a manifest. No error holds a value of the file.
    pub fn parse(bytes: &[u8]) -> Result<Self, ManifestError> {
        json::parse(bytes).map_err(|fault| ManifestError::of(fault, None)).and_then(Self::of_document)
    }

    /// The file of a declaration that was made in code.
    ///
    /// # Errors
    /// The rule that the declaration breaks, or that a file of it does: its size, or a form that it calls "other" and that
    /// this version knows.
    pub fn of(declaration: &ExtensionDeclaration) -> Result<Self, ManifestError> {
        let document = write::document(declaration);
        declaration.check().map_err(|error| ManifestError::of(error.into(), Some(&document)))?;
        // What can be written can be read again, by us and by everybody.
        Self::parse(document.to_string().as_bytes())
    }

    /// What the extension declares. It keeps every rule of a declaration.
    pub fn declaration(&self) -> &ExtensionDeclaration {
        &self.declaration
    }

    /// The declaration alone.
    pub fn into_declaration(self) -> ExtensionDeclaration {
        self.declaration
    }

    /// What the file has and this version does not read: JSON pointers (RFC 6901) and what is there. For the host that the
    /// file was written for; it may hold anything, so it is not for a log.
    pub fn unknown(&self) -> &[(String, Value)] {
        &self.unknown
    }

    /// What is no error, and is taken otherwise than the file's author may expect.
    pub fn notes(&self) -> &[Note] {
        &self.notes
    }

    fn of_document(document: Value) -> Result<Self, ManifestError> {
        match read_all(&document) {
            Ok((declaration, Beside { unknown, notes })) => Ok(Self { document, declaration, unknown, notes }),
            Err(fault) => Err(ManifestError::of(fault, Some(&document))),
        }
    }
}

fn read_all(document: &Value) -> Result<(ExtensionDeclaration, Beside), Fault> {
    json::each_key_once(document)?;
    state::refuse(document)?;
    let mut beside = Beside::default();
    let declaration = read::extension(document, &mut beside)?;
    declaration.check().map_err(|error| Fault { field: as_written(document, &error.field), ..error.into() })?;
    capability::check(document, &declaration.requirement.id)?;
    Ok((declaration, beside))
}

/// A field of a declaration by the name that the file has for it.
fn as_written(document: &Value, field: &str) -> String {
    let other = field.replacen("/platforms/", "/supportedPlatforms/", 1);
    let other = other.replacen("/redirect/type", "/redirect/method", 1);
    match (document.pointer(field), document.pointer(&other)) {
        (None, Some(_)) => other,
        _ => field.to_owned(),
    }
}

/// The file as JSON, with everything that was in it.
impl fmt::Display for ExtensionFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.document.fmt(f)
    }
}

/// Without the document: what is not read may hold anything.
impl fmt::Debug for ExtensionFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let unknown: Vec<_> = self.unknown.iter().map(|(pointer, _)| pointer).collect();
        f.debug_struct("ExtensionFile")
            .field("extension", &self.declaration.name)
            .field("connection", &self.declaration.requirement.id)
            .field("unknown", &unknown)
            .field("notes", &self.notes)
            .finish_non_exhaustive()
    }
}
