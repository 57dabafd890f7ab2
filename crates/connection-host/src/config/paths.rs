//! Where things are by the platform's convention.

use std::path::PathBuf;

use etcetera::BaseStrategy;

use super::Environment;
use crate::Error;

const NAME: &str = "connections";

/// Where the key is unless it is said: apart from the data, so that a copy of one directory does not hold both. `None`
/// without a home.
pub(crate) fn key_directory() -> Option<PathBuf> {
    let strategy = etcetera::base_strategy::choose_native_strategy().ok()?;
    // On Windows, configuration and data are in one directory, which roams; a key stays on its machine.
    let base = if cfg!(windows) { strategy.cache_dir() } else { strategy.config_dir() };
    Some(base.join(NAME).join("key"))
}

/// The home of who runs this.
pub(crate) fn home() -> Option<PathBuf> {
    etcetera::home_dir().ok()
}

/// Of connections.
pub(crate) fn data_directory() -> Result<PathBuf, Error> {
    let strategy = etcetera::base_strategy::choose_native_strategy().map_err(|_| {
        Error::configuration("there is no home directory")
            .remedy("say where to keep things with --data-dir or CONNECTIONS_DATA_DIR")
    })?;
    Ok(strategy.data_dir().join(NAME))
}

/// The usual directory of the configuration. `None` without a home.
pub(crate) fn config_directory() -> Option<PathBuf> {
    etcetera::base_strategy::choose_native_strategy().ok().map(|strategy| strategy.config_dir().join(NAME))
}

/// The configuration file, there or not.
pub(crate) fn config_file(environment: &Environment) -> Option<PathBuf> {
    if let Some(path) = environment.config_file() {
        return Some(path);
    }
    let strategy = etcetera::base_strategy::choose_native_strategy().ok()?;
    Some(strategy.config_dir().join(NAME).join("config.toml"))
}
