//! The file in which an extension declares itself.
//!
//! The document is kept as it was read, and written out unchanged, whichever host the file was written for.

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
    object::ReadNotes,
};

/// A checked manifest: the declaration of an extension, and everything else that the file holds.
#[derive(Clone, PartialEq, Eq)]
pub struct ExtensionFile {
    document: Value,
    declaration: ExtensionDeclaration,
    unknown: Vec<(String, Value)>,
    notes: Vec<Note>,
}

impl ExtensionFile {
    /// Parses a file: UTF-8, at most 1 MiB, one JSON object.
    ///
    /// # Errors
    /// Returns the first reason why the file is not a valid manifest. No error holds a value of the file.
    pub fn parse(bytes: &[u8]) -> Result<Self, ManifestError> {
        json::parse(bytes).map_err(|fault| ManifestError::of(fault, None)).and_then(Self::of_document)
    }

    /// Returns the file of a declaration that was made in code.
    ///
    /// # Errors
    /// Returns the rule that the declaration breaks, or that its file breaks: its size, or a form that it calls
    /// "other" although this version knows it.
    pub fn of(declaration: &ExtensionDeclaration) -> Result<Self, ManifestError> {
        let document = write::document(declaration);
        declaration.check().map_err(|error| ManifestError::of(error.into(), Some(&document)))?;
        // Every file that is written can be read again, here and elsewhere.
        Self::parse(document.to_string().as_bytes())
    }

    /// Returns the declaration, which has passed [`ExtensionDeclaration::check`].
    pub fn declaration(&self) -> &ExtensionDeclaration {
        &self.declaration
    }

    /// Converts the file to its declaration.
    pub fn into_declaration(self) -> ExtensionDeclaration {
        self.declaration
    }

    /// Returns the members that this version does not read: JSON pointers (RFC 6901) and values.
    ///
    /// They are for the host that the file was written for. They may hold anything, so do not log them.
    pub fn unknown(&self) -> &[(String, Value)] {
        &self.unknown
    }

    /// Returns the parts of the file that are treated differently than its author may expect.
    pub fn notes(&self) -> &[Note] {
        &self.notes
    }

    fn of_document(document: Value) -> Result<Self, ManifestError> {
        match read_all(&document) {
            Ok((declaration, ReadNotes { unknown, notes })) => Ok(Self { document, declaration, unknown, notes }),
            Err(fault) => Err(ManifestError::of(fault, Some(&document))),
        }
    }
}

fn read_all(document: &Value) -> Result<(ExtensionDeclaration, ReadNotes), Fault> {
    json::each_key_once(document)?;
    state::refuse(document)?;
    let mut beside = ReadNotes::default();
    let declaration = read::extension(document, &mut beside)?;
    declaration.check().map_err(|error| Fault { field: as_written(document, &error.field), ..error.into() })?;
    capability::check(document, &declaration.requirement.id)?;
    Ok((declaration, beside))
}

/// Converts a field of a declaration to the name that the file uses for it.
fn as_written(document: &Value, field: &str) -> String {
    let other = field.replacen("/platforms/", "/supportedPlatforms/", 1);
    let other = other.replacen("/redirect/type", "/redirect/method", 1);
    match (document.pointer(field), document.pointer(&other)) {
        (None, Some(_)) => other,
        _ => field.to_owned(),
    }
}

/// Writes the file as JSON, with everything that was in it.
impl fmt::Display for ExtensionFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.document.fmt(f)
    }
}

/// Leaves out the document, because the unread members may hold anything.
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
