//! The only place that reads the environment, once.

use std::{
    collections::BTreeMap,
    ffi::{OsStr, OsString},
    path::PathBuf,
};

use connection_contract::Secret;
use connection_inbound::Browser;
use secrecy::SecretString;

use super::{Key, KeyType, Layer, Source, key};
use crate::{Error, platform};

pub(super) const PREFIX: &str = "CONNECTIONS_";
/// Names the configuration file, so it is no key of that file.
const CONFIG: &str = "CONNECTIONS_CONFIG";
/// Of tests, not ours.
const TEST_PREFIX: &str = "CONNECTIONS_TEST_";

/// What commands need on each system: their place, their user's directories, their language.
const COMMANDS: &[&str] = &[
    "APPDATA",
    "HOME",
    "LANG",
    "LC_ALL",
    "LOCALAPPDATA",
    "LOGNAME",
    "PATH",
    "PATHEXT",
    "SystemRoot",
    "TEMP",
    "TMP",
    "TMPDIR",
    "TZ",
    "USER",
    "USERPROFILE",
    "XDG_CONFIG_HOME",
    "XDG_DATA_HOME",
    "XDG_RUNTIME_DIR",
];

/// The process's environment as it was at the start.
pub(crate) struct Environment(BTreeMap<OsString, OsString>);

impl Environment {
    /// Reads it.
    #[expect(clippy::disallowed_methods, reason = "this is the one place")]
    pub(crate) fn read() -> Self {
        Self(std::env::vars_os().collect())
    }

    #[cfg(test)]
    pub(crate) fn of(variables: &[(&str, &str)]) -> Self {
        Self(variables.iter().map(|(name, value)| (name.into(), value.into())).collect())
    }

    /// Where the configuration file is, if that is said.
    pub(super) fn config_file(&self) -> Option<PathBuf> {
        self.0.get(OsStr::new(CONFIG)).filter(|path| !path.is_empty()).map(PathBuf::from)
    }

    /// Whether colours are unwelcome (<https://no-color.org>).
    pub(crate) fn no_color(&self) -> bool {
        let dumb = self.0.get(OsStr::new("TERM")).is_some_and(|term| term == "dumb");
        dumb || self.0.get(OsStr::new("NO_COLOR")).is_some_and(|value| !value.is_empty())
    }

    /// Whether whoever runs this sits in front of this machine's desktop.
    pub(crate) fn has_desktop(&self) -> bool {
        let any = |names: &[&str]| names.iter().any(|name| self.0.get(OsStr::new(name)).is_some_and(|v| !v.is_empty()));
        let remote = any(&["SSH_CONNECTION", "SSH_TTY"]);
        !remote && (platform::ALWAYS_A_DESKTOP || any(&["DISPLAY", "WAYLAND_DISPLAY", "WSL_DISTRO_NAME"]))
    }

    /// The desktop's browser.
    pub(crate) fn browser(&self) -> Browser {
        let variables = self.0.iter().map(|(name, value)| (name.clone(), value.clone()));
        Browser::of_desktop().environment(variables)
    }

    /// The value of a variable that the user named.
    pub(crate) fn secret(&self, name: &str) -> Option<Secret> {
        self.0.get(OsStr::new(name)).map(|value| Secret::new(value.as_encoded_bytes()))
    }

    /// The key of the database in that variable. What a process was started with cannot be erased; no command that we
    /// start gets it.
    pub(super) fn key(&self, name: &str) -> Option<SecretString> {
        let value = self.0.get(OsStr::new(name))?.as_encoded_bytes();
        // What is no text is no key either, and says so.
        Some(std::str::from_utf8(value).unwrap_or("\u{fffd}").into())
    }

    /// What a command may see that gives the key: where programs and their settings are, and nothing else.
    pub(super) fn of_commands(&self) -> impl Iterator<Item = (&OsStr, &OsStr)> {
        COMMANDS.iter().filter_map(|name| {
            let name = OsStr::new(name);
            self.0.get(name).map(|value| (name, value.as_os_str()))
        })
    }

    /// What a program may see that runs for an extension: all but what is ours. Of that, some is secret: the address of
    /// the database may have a password in it, and a variable that the configuration names may hold the key.
    pub(crate) fn of_extensions(&self, key: Option<&str>) -> impl Iterator<Item = (&OsStr, &OsStr)> {
        let is_ours = move |name: &OsStr| {
            name.as_encoded_bytes().starts_with(PREFIX.as_bytes()) || key.is_some_and(|key| name == key)
        };
        let others = self.0.iter().filter(move |(name, _)| !is_ours(name));
        others.map(|(name, value)| (name.as_os_str(), value.as_os_str()))
    }

    /// Whether a variable of that name is set.
    pub(crate) fn has(&self, name: &OsStr) -> bool {
        self.0.contains_key(name)
    }

    /// Whether a program of that name is on the path.
    pub(crate) fn has_program(&self, name: &str) -> bool {
        let path = self.0.get(OsStr::new("PATH")).map(|path| std::env::split_paths(path).collect::<Vec<_>>());
        let name = format!("{name}{}", std::env::consts::EXE_SUFFIX);
        path.unwrap_or_default().iter().any(|directory| directory.join(&name).is_file())
    }

    /// The configuration keys in it.
    pub(super) fn layer(&self) -> Result<Layer, Error> {
        let mut layer = Layer::new();
        for (variable, value) in &self.0 {
            let Some(variable) = variable.to_str().filter(|name| name.starts_with(PREFIX)) else { continue };
            if variable == CONFIG || variable.starts_with(TEST_PREFIX) {
                continue;
            }
            let Some((key, name)) = key::of_variable(variable) else { return Err(unknown(variable)) };
            let wrong = || Error::configuration(format!("{variable} must be {}", key.value.expected()));
            let text = value.to_str().ok_or_else(wrong)?;
            let value = value_of(key.value, text).ok_or_else(wrong)?;
            layer.push((key, name, value, Source { name: variable.to_owned(), directory: None }));
        }
        Ok(layer)
    }
}

fn value_of(value: KeyType, text: &str) -> Option<toml::Value> {
    Some(match value {
        KeyType::Count | KeyType::Interval | KeyType::Mebibytes | KeyType::Port | KeyType::Seconds => {
            toml::Value::Integer(text.parse().ok()?)
        }
        KeyType::Processors => toml::Value::Float(text.parse().ok()?),
        KeyType::Directories | KeyType::Command if !text.starts_with('[') => toml::Value::Array(vec![text.into()]),
        KeyType::Directories | KeyType::Command => serde_json::from_str::<Vec<String>>(text).ok()?.into(),
        KeyType::Origins | KeyType::Volumes => {
            let origins = serde_json::from_str::<BTreeMap<String, String>>(text).ok()?;
            toml::Value::Table(origins.into_iter().map(|(from, to)| (from, to.into())).collect())
        }
        KeyType::Address
        | KeyType::CacheTtl
        | KeyType::Engine
        | KeyType::KeySource
        | KeyType::Level
        | KeyType::Path
        | KeyType::PrivateAddresses
        | KeyType::PublicUrl
        | KeyType::Secret
        | KeyType::Text
        | KeyType::Url
        | KeyType::Variable => text.into(),
    })
}

fn unknown(variable: &str) -> Error {
    let known: Vec<_> = key::KEYS.iter().map(Key::variable).collect();
    Error::configuration(format!("there is no variable {variable}"))
        .remedy(format!("unset it; ours are {CONFIG}, {}", known.join(", ")))
}

impl std::fmt::Debug for Environment {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // Names alone: values may be secrets.
        f.debug_list().entries(self.0.keys()).finish()
    }
}
