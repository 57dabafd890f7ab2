//! Where things are by the platform's convention.

use std::path::PathBuf;

use etcetera::BaseStrategy;

use super::Environment;
use crate::Error;

const NAME: &str = "connections";

/// Of connections and their key.
pub(crate) fn data_directory() -> Result<PathBuf, Error> {
    let strategy = etcetera::base_strategy::choose_native_strategy().map_err(|_| {
        Error::configuration("there is no home directory")
            .remedy("say where to keep things with --data-dir or CONNECTIONS_DATA_DIR")
    })?;
    Ok(strategy.data_dir().join(NAME))
}

/// The configuration file, there or not.
pub(crate) fn config_file(environment: &Environment) -> Option<PathBuf> {
    if let Some(path) = environment.config_file() {
        return Some(path);
    }
    let strategy = etcetera::base_strategy::choose_native_strategy().ok()?;
    Some(strategy.config_dir().join(NAME).join("config.toml"))
}
