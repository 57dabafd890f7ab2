//! The configuration file: TOML. Relative paths in it are relative to its directory.

use std::{
    io::{self, ErrorKind},
    path::Path,
};

use connection_core::{FileContent, GuardedFile, NotPrivate};

use super::{Environment, Key, Layer, Source, config_file, key, secret::first_secret};
use crate::{Error, Exit};

/// Reads the file; also returns the reason if it must not be trusted.
///
/// The result is empty if no file was named and there is none at the usual place.
pub(super) fn read(named: Option<&Path>, environment: &Environment) -> Result<(Layer, Option<Error>), Error> {
    let path = match named {
        Some(path) => path.to_owned(),
        // A missing home directory is an error only for commands that need it.
        None => match config_file(environment) {
            Some(path) => path,
            None => return Ok((Vec::new(), None)),
        },
    };
    let unreadable = |error: io::Error| {
        Error::configuration(format!("the configuration file {} cannot be read: {error}", path.display()))
    };
    let mut file = match GuardedFile::open(&path) {
        Ok(file) => file,
        Err(error) if error.kind() == ErrorKind::NotFound && named.is_none() => return Ok((Vec::new(), None)),
        Err(error) => return Err(unreadable(error)),
    };
    // Check the file before using any of it, because it may name a program to run.
    if let Err(exposed) = file.check(FileContent::Settings) {
        return Ok((Vec::new(), Some(refused(&exposed, "the configuration is not trusted"))));
    }
    let text = file.read_to_string().map_err(unreadable)?;
    let layer =
        parse(&text, &Source { name: path.display().to_string(), directory: path.parent().map(Path::to_owned) })?;
    let exposed = first_secret(&layer).and_then(|name| {
        let exposed = file.check(FileContent::Secrets).err()?;
        let error = refused(&exposed, &format!("the configuration holds a secret, '{name}'"));
        let remedy =
            format!("{}, or put the secret into a file of its own and name it with '{name}_file'", exposed.remedy());
        Some(error.remedy(remedy))
    });
    Ok((layer, exposed))
}

/// Reads a file that a key names and that others may read but not change.
pub(super) fn settings_text(key: &str, path: &Path) -> Result<String, Error> {
    let unreadable =
        |error: io::Error| Error::configuration(format!("{key}: {} cannot be read: {error}", path.display()));
    let mut file = GuardedFile::open(path).map_err(unreadable)?;
    file.check(FileContent::Settings).map_err(|exposed| refused(&exposed, &format!("{key} is not trusted")))?;
    file.read_to_string().map_err(unreadable)
}

/// Returns the error for a file that others can read or change.
fn refused(exposed: &NotPrivate, what: &str) -> Error {
    Error::new(Exit::Refused, "configuration_exposed", format!("{what}: {exposed}")).remedy(exposed.remedy())
}

pub(super) fn parse(text: &str, source: &Source) -> Result<Layer, Error> {
    // The error of `toml` shows the line, which may contain a password.
    let table: toml::Table = toml::from_str(text).map_err(|error: toml::de::Error| {
        let line =
            error.span().map_or(0, |span| text.bytes().take(span.start).filter(|byte| *byte == b'\n').count() + 1);
        Error::configuration(format!("{}: line {line} is not TOML", source.name))
    })?;
    let mut layer = Layer::new();
    flatten(table, "", source, &mut layer)?;
    Ok(layer)
}

fn flatten(table: toml::Table, prefix: &str, source: &Source, layer: &mut Layer) -> Result<(), Error> {
    for (name, value) in table {
        let name = format!("{prefix}{name}");
        match (Key::named(&name), value) {
            (Some(key), value) => layer.push((key, name, value, source.clone())),
            (None, toml::Value::Table(inner)) if Key::is_table(&name) => {
                flatten(inner, &format!("{name}."), source, layer)?
            }
            (None, _) => return Err(key::unknown(&source.name, &name)),
        }
    }
    Ok(())
}
