//! The manifest of an extension: from a file, from standard input, or as it was stored.

use connection_manifest::{ExtensionFile, ManifestError};

use super::source::{self, Standard};
use crate::{Error, Exit};

/// What the file says, and the text of it.
pub(crate) struct Manifest {
    pub(crate) file: ExtensionFile,
    pub(crate) text: String,
}

/// Reads what a command's `FILE|-` names.
pub(crate) fn manifest(name: &str) -> Result<Manifest, Error> {
    let bytes = source::file_or_standard(name, &mut Standard::default(), "the manifest")?;
    let file = match name {
        "-" => ExtensionFile::parse(bytes.expose()),
        // Whose name it is, a person has typed.
        name => ExtensionFile::parse(bytes.expose()).map_err(|error| error.in_file(name.to_owned())),
    };
    let file = file.map_err(|error| invalid(&error))?;
    // As it was read: a manifest is UTF-8, or it is none.
    let text = bytes.expose_str().unwrap_or_default().to_owned();
    Ok(Manifest { file, text })
}

/// Reads what was stored of an extension when it was added.
pub(crate) fn stored(name: &str, source: &str) -> Result<ExtensionFile, Error> {
    ExtensionFile::parse(source.as_bytes()).map_err(|error| {
        // Rules of a later version may be stricter, and others may have written it.
        invalid(&error).remedy(format!("add '{name}' again, with a manifest that keeps this rule"))
    })
}

fn invalid(error: &ManifestError) -> Error {
    Error::new(Exit::Usage, "invalid_manifest", error.to_string())
}
