//! The default directories and files, by the platform's convention.

use std::path::{Path, PathBuf};

use connection_core::StoreAddress;
use etcetera::BaseStrategy;

use super::Environment;
use crate::Error;

const NAME: &str = "connections";

/// Returns the default directory of the key, apart from the data so that a copy of one directory does not hold both.
///
/// Returns `None` without a home directory.
pub(crate) fn key_directory() -> Option<PathBuf> {
    let strategy = etcetera::base_strategy::choose_native_strategy().ok()?;
    // On Windows, configuration and data share one directory, which is copied between machines. The key stays on its
    // machine.
    let base = if cfg!(windows) { strategy.cache_dir() } else { strategy.config_dir() };
    Some(base.join(NAME).join("key"))
}

/// Returns the user's home directory.
pub(crate) fn home() -> Option<PathBuf> {
    etcetera::home_dir().ok()
}

/// Returns the default data directory.
pub(crate) fn data_directory() -> Result<PathBuf, Error> {
    let strategy = etcetera::base_strategy::choose_native_strategy().map_err(|_| {
        Error::configuration("there is no home directory")
            .remedy("choose the data directory with --data-dir or CONNECTIONS_DATA_DIR")
    })?;
    Ok(strategy.data_dir().join(NAME))
}

/// Returns the default configuration directory; `None` without a home directory.
pub(crate) fn config_directory() -> Option<PathBuf> {
    etcetera::base_strategy::choose_native_strategy().ok().map(|strategy| strategy.config_dir().join(NAME))
}

/// Returns the configuration file, whether it exists or not.
pub(crate) fn config_file(environment: &Environment) -> Option<PathBuf> {
    if let Some(path) = environment.config_file() {
        return Some(path);
    }
    let strategy = etcetera::base_strategy::choose_native_strategy().ok()?;
    Some(strategy.config_dir().join(NAME).join("config.toml"))
}

/// Returns `true` unless the file is known to be missing. If it cannot be examined, opening it reports the reason.
pub(crate) fn may_exist(path: &Path) -> bool {
    path.try_exists().unwrap_or(true)
}

/// Returns the path that a text names, unless the text is something else, such as the address of a server or a path in
/// quotation marks. The error does not repeat the text, which may contain a password. A file that exists is used.
pub(super) fn used_path(name: &str, text: &str, path: PathBuf) -> Result<PathBuf, Error> {
    match StoreAddress::new(text).not_a_path() {
        Some(reason) if !path.exists() => Err(Error::configuration(format!("{name}: the path {reason}"))
            .remedy("give the path alone; one that begins with / or ./ is never taken for an address")),
        _ => Ok(path),
    }
}
