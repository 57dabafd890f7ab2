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
/// quotation marks. `path` resolves a text. The error does not repeat the text, which may contain a password. A file
/// that exists is used; otherwise, spaces and byte order marks at the ends are no part of the path.
pub(super) fn used_path(name: &str, text: &str, path: impl Fn(&str) -> PathBuf) -> Result<PathBuf, Error> {
    let given = path(text);
    if given.exists() {
        return Ok(given);
    }
    let bare = text.trim_matches(|character: char| matches!(character, ' ' | '\u{feff}'));
    let reason = if bare.is_empty() { Some("is empty") } else { StoreAddress::new(bare).not_a_path() };
    match reason {
        Some(reason) => Err(Error::configuration(format!("{name}: the path {reason}"))
            .remedy("give the path alone; one that begins with / or ./ is never taken for an address")),
        None => Ok(path(bare)),
    }
}

/// Returns the path in an argument or a variable as [`used_path`] does. A path that is not UTF-8 is used as it is.
pub(crate) fn named_path(name: &str, path: &Path) -> Result<PathBuf, Error> {
    match path.to_str() {
        Some(text) => used_path(name, text, |text| Path::new(text).to_owned()),
        None => Ok(path.to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::{
        super::{
            Global, Settings,
            tests::{load, refused},
        },
        *,
    };

    /// Returns the data directory for a value of its variable, or the error.
    fn directory(value: &str) -> Result<PathBuf, String> {
        let loaded = load("", &[("CONNECTIONS_DATA_DIR", value)], Global::default());
        loaded.map(|settings| settings.data_directory).map_err(|error| error.to_string())
    }

    #[test]
    fn a_placeholder_that_was_not_replaced_is_no_directory() {
        for value in ["$HOME/q", "${HOME}/q", "{{ .Values.directory }}", "<DIRECTORY>", "\"/nowhere/q", "  "] {
            let error = directory(value).unwrap_err();
            assert!(error.contains("CONNECTIONS_DATA_DIR: the path "), "{value}: {error}");
            assert!(!error.contains("HOME") && !error.contains("nowhere"), "{error}");
        }
        assert_eq!(directory("/nowhere/$q"), Ok("/nowhere/$q".into()), "a path that begins as one is used");
    }

    #[test]
    fn spaces_and_a_byte_order_mark_around_a_path_are_no_part_of_it() {
        for value in ["\u{feff}/nowhere/q", " /nowhere/q", "/nowhere/q ", "\u{feff} /nowhere/q "] {
            assert_eq!(directory(value), Ok("/nowhere/q".into()), "{value:?}");
        }
        let home = tempfile::tempdir().unwrap();
        let there = home.path().join("q ");
        std::fs::create_dir(&there).unwrap();
        #[cfg(unix)]
        assert_eq!(directory(there.to_str().unwrap()), Ok(there), "one that exists is used");
    }

    #[test]
    fn an_address_in_the_place_of_the_configuration_file_is_not_repeated() {
        let address = "me:hunter2@db/x";
        for (error, name) in [
            (named_path("--config", Path::new(address)).unwrap_err(), "--config"),
            (
                Settings::load(&Global::default(), &Environment::of(&[("CONNECTIONS_CONFIG", address)])).unwrap_err(),
                "CONNECTIONS_CONFIG",
            ),
        ] {
            let text = format!("{error} {}", error.remedy.clone().unwrap_or_default());
            assert!(text.contains(name) && !text.contains("hunter2"), "{text}");
        }
    }

    #[test]
    fn settings_of_a_pooler_without_its_address_are_refused_by_name() {
        for (file, name) in [
            ("database_direct_url = \"postgres://me@db/x\"", "database_direct_url"),
            ("database_pooler = \"session\"", "database_pooler"),
            ("database_pooler = \"transaction\"", "database_pooler"),
        ] {
            let error = load(file, &[], Global::default()).unwrap_err().to_string();
            assert!(error.contains(&format!("'{name}' is set, and 'database_url' is not")), "{error}");
            load(&format!("database_url = \"postgres://me@pooler/x\"\n{file}"), &[], Global::default()).unwrap();
        }
    }

    #[test]
    fn a_value_that_is_no_path_is_refused_and_not_repeated() {
        for value in ["\"/hunter2\"", "'/hunter2'", "/hunter2\r", "host=db password=hunter2", "me:hunter2@db/x"] {
            for name in ["DATA_DIR", "DATABASE_URL_FILE", "KEY__FILE", "STATE_DIR"] {
                let variable = format!("CONNECTIONS_{name}");
                refused("", &[(&variable, value)], Global::default(), &[&variable, "the path "]);
            }
            refused("", &[], Global { data_dir: Some(value.into()), ..Global::default() }, &["--data-dir: the path "]);
        }
        #[cfg(unix)]
        {
            use std::os::unix::ffi::OsStrExt as _;
            let home = tempfile::tempdir().unwrap();
            let there = home.path().join("a\r");
            std::fs::create_dir(&there).unwrap();
            let named = load("", &[("CONNECTIONS_DATA_DIR", there.to_str().unwrap())], Global::default()).unwrap();
            assert_eq!(named.data_directory, there, "one that exists is used");
            let bytes = home.path().join(std::ffi::OsStr::from_bytes(b"b\xfcd"));
            refused("", &[], Global { data_dir: Some(bytes), ..Global::default() }, &["is not UTF-8", "--data-dir"]);
        }
    }
}
