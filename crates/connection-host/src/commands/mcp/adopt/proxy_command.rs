//! The command line that an entry runs.

use std::{
    fs,
    path::{Path, PathBuf},
};

use crate::{
    Error,
    config::{Origin, config_directory},
    program::Program,
};

/// The word of the command line that the id of a connection replaces.
pub(super) const NAME: &str = "{connection}";

/// Returns the command line of the proxy of a connection. It finds the same connections as this process, although it
/// runs in another environment.
///
/// # Errors
///
/// The address of the database is in the environment or among the options, where the proxy would not find it.
pub(super) fn of(program: &Program) -> Result<Vec<String>, Error> {
    let mut words = vec![path(program)?, "mcp".to_owned(), "proxy".to_owned(), NAME.to_owned()];
    let effective = program.settings.effective();
    let is_of_process = |key: &str| {
        let of_process = |origin: &Origin| matches!(origin, Origin::Option(_) | Origin::Variable(_));
        effective.iter().any(|value| value.key == key && of_process(&value.origin))
    };
    if ["database_url", "database_url_file"].into_iter().any(is_of_process) {
        return Err(Error::configuration(
            "the database is named in the environment or by an option, where other programs do not find it",
        )
        .remedy("name it in the configuration file: database_url or database_url_file"));
    }
    if is_of_process("data_dir") {
        words.extend(["--data-dir".to_owned(), text(&program.settings.data_directory)?]);
    }
    if let Some(owner) = program.settings.owner.as_ref().filter(|_| is_of_process("owner")) {
        words.extend(["--owner".to_owned(), owner.clone()]);
    }
    let usual = config_directory().map(|directory| directory.join("config.toml"));
    if let Some(file) = program.settings.configuration_file().filter(|file| usual.as_ref() != Some(file)) {
        let file = std::path::absolute(file).map_err(|error| Error::io(file.display(), &error))?;
        words.extend(["--config".to_owned(), text(&file)?]);
    }
    Ok(words)
}

/// Returns the path of this program: the one in `PATH`, which stays when the program is replaced by a later version, or
/// else the one of its file.
fn path(program: &Program) -> Result<String, Error> {
    let own = std::env::current_exe().map_err(|error| Error::io("the path of this program", &error))?;
    let resolved = fs::canonicalize(&own).ok();
    let is_own = |path: &PathBuf| path.is_absolute() && fs::canonicalize(path).ok() == resolved && resolved.is_some();
    let found = program.environment.program_paths("connections").into_iter().find(is_own);
    text(&found.unwrap_or(own))
}

fn text(path: &Path) -> Result<String, Error> {
    let message = || Error::usage(format!("{} is not UTF-8, so no configuration can name it", path.display()));
    path.to_str().map(ToOwned::to_owned).ok_or_else(message)
}
