//! The configuration file: TOML, read whole. Relative paths in it are relative to its directory.

use std::{io::ErrorKind, path::Path};

use super::{Environment, Key, Layer, Source, config_file, key};
use crate::Error;

/// What the file says; nothing when no file was named and the usual one is not there.
pub(super) fn read(named: Option<&Path>, environment: &Environment) -> Result<Layer, Error> {
    let path = match named {
        Some(path) => path.to_owned(),
        // A home that cannot be found matters only to those who need it.
        None => match config_file(environment) {
            Some(path) => path,
            None => return Ok(Vec::new()),
        },
    };
    let text = match std::fs::read_to_string(&path) {
        Ok(text) => text,
        Err(error) if error.kind() == ErrorKind::NotFound && named.is_none() => return Ok(Vec::new()),
        Err(error) => {
            return Err(Error::configuration(format!(
                "the configuration file {} cannot be read: {error}",
                path.display()
            )));
        }
    };
    parse(&text, &Source { name: path.display().to_string(), directory: path.parent().map(Path::to_owned) })
}

pub(super) fn parse(text: &str, source: &Source) -> Result<Layer, Error> {
    // toml's own error shows the line, which may hold a password.
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
