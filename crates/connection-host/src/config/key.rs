//! The configuration keys. They are a contract, see `docs/spec/words.md`.

use super::{
    keys::KEYS,
    value::{Loading, Value},
};
use crate::Error;

/// A configuration key, with its type and its description.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Key {
    /// The name as in the file, with `.` between a table and its key: `http.timeout`. `KIND` stands for any kind's
    /// name.
    pub name: &'static str,
    /// The type of the value, which decides how a text of the environment is read.
    pub value: KeyType,
    /// One sentence that describes the key.
    pub help: &'static str,
    /// Changes the setting of the key.
    pub(super) apply: fn(&mut Loading<'_>, &Value<'_>) -> Result<(), Error>,
}

/// The type of a key's value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum KeyType {
    /// An IP address and a port.
    Address,
    /// Addresses of web pages; in the environment one address, or a JSON array.
    Addresses,
    /// Whole seconds up to a day, or `off`.
    CacheTtl,
    /// A colour of a web page.
    Colour,
    /// A program and its arguments; in the environment one program, or a JSON array.
    Command,
    /// A whole number without a unit.
    Count,
    /// A list of directories; in the environment one directory, or a JSON array.
    Directories,
    /// A program that runs containers.
    Engine,
    /// Whole seconds, within the bounds for fetching usage.
    Interval,
    /// One of the key sources.
    KeySource,
    /// One of the log levels.
    Level,
    /// A name of this machine.
    LocalName,
    /// The form of a log line.
    LogFormat,
    /// A size in whole mebibytes.
    Mebibytes,
    /// Networks of addresses; in the environment one network, or a JSON array.
    Networks,
    /// Pairs of an origin and its replacement; in the environment a JSON object.
    Origins,
    /// A path in the file system.
    Path,
    /// The mode of a pooler.
    Pooler,
    /// The number of a TCP port on this machine.
    Port,
    /// A duration with its unit.
    Period,
    /// The private addresses that users may reach.
    PrivateAddresses,
    /// A number of processors, which may be fractional.
    Processors,
    /// The public URL of this host: with TLS, or on this machine.
    PublicUrl,
    /// What the record of use says about paths.
    RecordedPaths,
    /// A secret, which no output shows.
    Secret,
    /// A duration in whole seconds.
    Seconds,
    /// `on` or `off`.
    Switch,
    /// An address with placeholders.
    Template,
    /// A text without further rules.
    Text,
    /// An address, which may contain a password.
    Url,
    /// An unencrypted address in a private network.
    UnencryptedUrl,
    /// The name of an environment variable.
    Variable,
    /// Names of environment variables; in the environment one name, or a JSON array.
    Variables,
    /// Parts of a tool's configuration: a word, or a list of subdirectories; in the environment a word, or a JSON
    /// array.
    Writable,
    /// Pairs of a volume or a directory and a path; in the environment a JSON object.
    Volumes,
}

impl KeyType {
    /// Returns a description of valid values, for people.
    pub const fn expected(self) -> &'static str {
        match self {
            Self::Address => "an IP address and a port",
            Self::Addresses => "a list of https addresses with a path, without a query",
            Self::CacheTtl => "a number of seconds from 1 to 86400, or off",
            Self::Colour => "a colour, as in #1f7a5c",
            Self::Command => "a list of a program and its arguments",
            Self::Count => "a number from 1 to 4194304",
            Self::Directories => "a list of directories",
            Self::Engine => "one of: docker, podman",
            Self::Interval => "a number of seconds from 60 to 3600",
            Self::KeySource => "one of: file, environment, command, keyring, passphrase",
            Self::Level => "one of: off, error, warn, info, debug, trace",
            Self::LocalName => "one of: 127.0.0.1, localhost",
            Self::LogFormat => "one of: text, json",
            Self::Mebibytes => "a number of MiB from 16 to 16777216",
            Self::Networks => "a list of networks, as in 10.0.0.0/8",
            Self::Origins => "a table of origin to origin",
            Self::Path => "a path",
            Self::Pooler => "one of: session, transaction",
            Self::Port => "a port from 1 to 65535",
            Self::Period => "a duration, as in 90 days or 12h",
            Self::PrivateAddresses => "one of: named, all-owners, never",
            Self::Processors => "a number of processors from 0.01 to 4096, as in 1.5",
            Self::PublicUrl => "an https address, or an http address of this machine",
            Self::RecordedPaths => "one of: full, templates",
            Self::Secret => "a secret",
            Self::Seconds => "a number of seconds from 1 to 600",
            Self::Switch => "one of: off, on",
            Self::Template => "an address with placeholders",
            Self::Text => "a text",
            Self::Url => "an address",
            Self::UnencryptedUrl => "an http address of a private network",
            Self::Variable => "the name of a variable",
            Self::Variables => "a list of names of variables",
            Self::Writable => "one of: nothing, declared, everything, or a list of subdirectories",
            Self::Volumes => "a table of volume or directory to path",
        }
    }
}

impl Key {
    /// Returns the name of the key's variable, such as `CONNECTIONS_HTTP__TIMEOUT`.
    pub fn variable(&self) -> String {
        variable(self.name)
    }

    /// Returns the key with this name.
    pub(super) fn named(name: &str) -> Option<&'static Self> {
        KEYS.iter().find(|key| key.matches(name).is_some_and(|rest| rest.is_empty()))
    }

    /// Returns `true` if this is the name of a table of keys, such as `http`, and not of a key.
    pub(super) fn is_table(name: &str) -> bool {
        KEYS.iter().any(|key| key.matches(name).is_some_and(|rest| !rest.is_empty()))
    }

    /// Returns the parts of this key's name after `name`, if it begins with `name`; the result is empty for the whole
    /// name.
    fn matches(&self, name: &str) -> Option<Vec<&'static str>> {
        let mut own = self.name.split('.');
        for part in name.split('.') {
            own.next().filter(|own| *own == part || *own == "KIND" && !part.is_empty())?;
        }
        Some(own.collect())
    }
}

/// Returns the variable of a key, such as `CONNECTIONS_HTTP__TIMEOUT`.
pub(super) fn variable(name: &str) -> String {
    format!("{}{}", super::environment::PREFIX, name.replace('-', "_").replace('.', "__").to_uppercase())
}

/// Returns the key of a variable and its full name. In the name of a kind, `_` stands for `-`.
pub(super) fn of_variable(variable: &str) -> Option<(&'static Key, String)> {
    let name = variable.strip_prefix(super::environment::PREFIX)?.to_lowercase();
    let mut parts: Vec<_> = name.split("__").map(str::to_owned).collect();
    match &mut *parts {
        [table, kind, _] if table == "kinds" => *kind = kind.replace('_', "-"),
        [table, key, kind]
            if (&**table, &**key) == ("sandbox", "image")
                || (&**table, &**key) == ("sandbox", "writable")
                || &**table == "usage" =>
        {
            *kind = kind.replace('_', "-");
        }
        _ => {}
    }
    let name = parts.join(".");
    Key::named(&name).filter(|_| self::variable(&name) == variable).map(|key| (key, name))
}

/// Returns the error for an unknown key, which lists the known ones.
pub(super) fn unknown(source: &str, name: &str) -> Error {
    let known: Vec<_> = KEYS.iter().map(|key| key.name).collect();
    Error::configuration(format!("{source}: unknown key '{name}'")).remedy(format!("the keys are {}", known.join(", ")))
}
