//! The manifest of an extension, from a file, from standard input, or as stored.

use connection_manifest::{ExtensionFile, ManifestError};

use super::source::{self, Standard};
use crate::{Error, Exit};

/// A manifest and its text.
pub(crate) struct Manifest {
    pub(crate) file: ExtensionFile,
    pub(crate) text: String,
}

/// Reads the manifest that the argument `FILE|-` names.
pub(crate) fn manifest(name: &str) -> Result<Manifest, Error> {
    let bytes = source::file_or_stdin(name, &mut Standard::default(), "the manifest")?;
    let file = match name {
        "-" => ExtensionFile::parse(bytes.expose()),
        // The error names the file as the person typed it.
        name => ExtensionFile::parse(bytes.expose()).map_err(|error| error.in_file(name.to_owned())),
    };
    let file = file.map_err(|error| invalid(&error))?;
    // A manifest that was parsed is valid UTF-8.
    let text = bytes.expose_str().unwrap_or_default().to_owned();
    Ok(Manifest { file, text })
}

/// Parses the manifest that was stored when an extension was added.
pub(crate) fn stored(name: &str, source: &str) -> Result<ExtensionFile, Error> {
    ExtensionFile::parse(source.as_bytes()).map_err(|error| {
        // A later version may have stricter rules, and another program may have written the row.
        invalid(&error).remedy(format!("add '{name}' again, with a manifest that keeps this rule"))
    })
}

fn invalid(error: &ManifestError) -> Error {
    Error::new(Exit::Usage, "invalid_manifest", error.to_string())
}
