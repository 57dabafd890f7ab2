//! The servers in the configurations of this machine.

use std::path::PathBuf;

use connection_mcp::clients::{Client, ConfigError, ConfigFile, Entry, Locations, Platform, find};

use super::config_file;
use crate::{
    Error, Exit,
    config::{config_directory, home},
    program::Program,
};

/// An entry for a remote server, in its file.
pub(super) struct Found {
    pub(super) file: ConfigFile,
    pub(super) entry: Entry,
}

/// Reads the configurations that exist. One that cannot be read is reported, and left out.
///
/// # Errors
///
/// There is no home directory.
pub(super) fn read(program: &Program, with_project: bool) -> Result<Vec<Found>, Error> {
    let locations = locations(program, with_project)?;
    let mut files: Vec<ConfigFile> = Vec::new();
    for file in Client::ALL.iter().flat_map(|client| client.files(&locations)) {
        // The home directory may be a project as well.
        if !files.iter().any(|known| known.path == file.path) {
            files.push(file);
        }
    }
    let mut found = Vec::new();
    for file in files {
        let content = config_file::read(&file.path);
        let entries = content.and_then(|content| {
            let Some(content) = content else { return Ok(Vec::new()) };
            find(file.client, &content).map_err(|error| unreadable(&file, &error))
        });
        match entries {
            Ok(entries) => found.extend(entries.into_iter().map(|entry| Found { file: file.clone(), entry })),
            Err(error) => program.output.note(format!("warning: {error}")),
        }
    }
    Ok(found)
}

/// Returns the error for a configuration that cannot be read or changed.
pub(super) fn unreadable(file: &ConfigFile, error: &ConfigError) -> Error {
    let message = format!("the configuration of {} ({}): {error}", file.client.name(), file.path.display());
    Error::new(Exit::Refused, "invalid_client_configuration", message)
}

fn locations(program: &Program, with_project: bool) -> Result<Locations, Error> {
    let missing = || Error::configuration("there is no home directory, in which programs keep their configurations");
    let home = home().ok_or_else(missing)?;
    let platform = Platform::current();
    let config = match platform {
        Platform::MacOs => home.join("Library").join("Application Support"),
        // Our own directory is below the one of all programs.
        _ => config_directory().and_then(|own| Some(own.parent()?.to_owned())).ok_or_else(missing)?,
    };
    let mut locations = Locations::new(platform, home, config);
    if let Some(directory) = named(program, "CLAUDE_CONFIG_DIR") {
        locations = locations.claude_config_dir(directory);
    }
    if let Some(directory) = named(program, "CODEX_HOME") {
        locations = locations.codex_home(directory);
    }
    if with_project {
        let directory = std::env::current_dir().map_err(|error| Error::io("the working directory", &error))?;
        locations = locations.project(directory);
    }
    Ok(locations)
}

/// Returns the directory that a variable of another program names.
fn named(program: &Program, variable: &str) -> Option<PathBuf> {
    let value = program.environment.secret(variable)?;
    value.expose_str().filter(|path| !path.is_empty()).map(PathBuf::from)
}
