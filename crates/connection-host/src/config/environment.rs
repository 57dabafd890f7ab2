//! The environment of the process. This is the only place that reads it, and it reads it once.

use std::{
    collections::BTreeMap,
    ffi::{OsStr, OsString},
    path::PathBuf,
    time::Duration,
};

use connection_contract::Secret;
use connection_inbound::Browser;
use secrecy::SecretString;

use super::{Key, KeyType, Layer, Source, key};
use crate::{Error, platform, spelling::misspelled};

pub(super) const PREFIX: &str = "CONNECTIONS_";
/// The variable that names the shell for which a command line is completed; it is not a key of the configuration file.
pub(crate) const COMPLETE: &str = "CONNECTIONS_COMPLETE";
/// The variable with the index of the word that a shell completes.
const COMPLETED_WORD: &str = "_CLAP_COMPLETE_INDEX";
/// The variable that names the configuration file; it is not a key of that file.
const CONFIG: &str = "CONNECTIONS_CONFIG";
/// The variable with the token for `--host`; it is not a key of the configuration file.
const HOST_TOKEN: &str = "CONNECTIONS_HOST_TOKEN";
/// The variable in which Claude Code passes the address of an MCP server to its `headersHelper`.
const HEADERS_ADDRESS: &str = "CLAUDE_CODE_MCP_SERVER_URL";
/// The variable with the socket at which a service manager waits for messages.
const NOTIFY_SOCKET: &str = "NOTIFY_SOCKET";
/// The variables with the time within which a service manager expects a message, and with the process from which.
const WATCHDOG: &str = "WATCHDOG_USEC";
const WATCHED: &str = "WATCHDOG_PID";
/// The prefix of variables that belong to tests.
const TEST_PREFIX: &str = "CONNECTIONS_TEST_";

/// The variables that commands need on each system: paths, the directories of the user, the language.
const COMMANDS: &[&str] = &[
    "APPDATA",
    "HOME",
    "LANG",
    "LC_ALL",
    "LOCALAPPDATA",
    "LOGNAME",
    "PATH",
    "PATHEXT",
    "SSL_CERT_DIR",
    "SSL_CERT_FILE",
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
    #[expect(clippy::disallowed_methods, reason = "this is the one place")]
    pub(crate) fn read() -> Self {
        Self(std::env::vars_os().collect())
    }

    #[cfg(test)]
    pub(crate) fn of(variables: &[(&str, &str)]) -> Self {
        Self(variables.iter().map(|(name, value)| (name.into(), value.into())).collect())
    }

    /// Returns the configuration file, if the environment names one.
    pub(super) fn config_file(&self) -> Option<PathBuf> {
        self.0.get(OsStr::new(CONFIG)).filter(|path| !path.is_empty()).map(PathBuf::from)
    }

    /// Returns the token for `--host`, if the environment has one.
    pub(crate) fn host_token(&self) -> Option<SecretString> {
        let value = self.0.get(OsStr::new(HOST_TOKEN))?.to_str().unwrap_or("\u{fffd}").trim();
        (!value.is_empty()).then(|| value.into())
    }

    /// Returns the shell for which this process completes a command line; `None` if it runs one.
    pub(crate) fn completing_shell(&self) -> Option<&str> {
        let shell = self.0.get(OsStr::new(COMPLETE))?.to_str()?;
        Some(shell).filter(|shell| !shell.is_empty())
    }

    /// Returns the index of the word that a shell completes.
    pub(crate) fn completed_word(&self) -> usize {
        let index = self.0.get(OsStr::new(COMPLETED_WORD)).and_then(|index| index.to_str()?.parse().ok());
        index.unwrap_or_default()
    }

    /// Returns `true` if colours are not wanted (<https://no-color.org>).
    pub(crate) fn no_color(&self) -> bool {
        let dumb = self.0.get(OsStr::new("TERM")).is_some_and(|term| term == "dumb");
        dumb || self.0.get(OsStr::new("NO_COLOR")).is_some_and(|value| !value.is_empty())
    }

    /// Returns `true` if the user works at the desktop of this machine.
    pub(crate) fn has_desktop(&self) -> bool {
        let any = |names: &[&str]| names.iter().any(|name| self.0.get(OsStr::new(name)).is_some_and(|v| !v.is_empty()));
        let remote = any(&["SSH_CONNECTION", "SSH_TTY"]);
        !remote && (platform::ALWAYS_A_DESKTOP || any(&["DISPLAY", "WAYLAND_DISPLAY", "WSL_DISTRO_NAME"]))
    }

    /// Returns the desktop's browser.
    pub(crate) fn browser(&self) -> Browser {
        let variables = self.0.iter().map(|(name, value)| (name.clone(), value.clone()));
        Browser::of_desktop().environment(variables)
    }

    /// Returns the address for which Claude Code runs a command that prints headers, if it does.
    pub(crate) fn headers_address(&self) -> Option<String> {
        self.0.get(OsStr::new(HEADERS_ADDRESS))?.to_str().map(str::to_owned)
    }

    /// Returns the socket at which the service manager that has started this process waits for messages.
    pub(crate) fn notify_socket(&self) -> Option<&OsStr> {
        self.0.get(OsStr::new(NOTIFY_SOCKET)).filter(|socket| !socket.is_empty()).map(OsString::as_os_str)
    }

    /// Returns the time within which a service manager expects each message of the process with this id.
    pub(crate) fn watchdog(&self, process: u32) -> Option<Duration> {
        let number = |name: &str| self.0.get(OsStr::new(name)).map(|value| value.to_str()?.parse::<u64>().ok());
        let is_meant = number(WATCHED).is_none_or(|watched| watched == Some(process.into()));
        let time = number(WATCHDOG).flatten().filter(|time| is_meant && *time > 0);
        time.map(Duration::from_micros)
    }

    /// Returns the value of a variable that the user named.
    pub(crate) fn secret(&self, name: &str) -> Option<Secret> {
        self.0.get(OsStr::new(name)).map(|value| Secret::new(value.as_encoded_bytes()))
    }

    /// Returns the key of the database from this variable.
    ///
    /// The initial environment of a process cannot be erased, but no command that we start receives the variable.
    pub(super) fn key(&self, name: &str) -> Option<SecretString> {
        let value = self.0.get(OsStr::new(name))?.as_encoded_bytes();
        // A value that is not text is an invalid key, which is reported later.
        Some(std::str::from_utf8(value).unwrap_or("\u{fffd}").into())
    }

    /// Returns the variables for a command that prints the key, and for a courier: the paths of programs and their
    /// settings, those that the user named, and no others.
    pub(crate) fn of_commands<'e>(&'e self, named: &'e [String]) -> impl Iterator<Item = (&'e OsStr, &'e OsStr)> {
        let names = COMMANDS.iter().copied().chain(named.iter().map(String::as_str));
        names.filter_map(move |name| {
            let name = OsStr::new(name);
            self.0.get(name).map(|value| (name, value.as_os_str()))
        })
    }

    /// Returns the variables for a program that runs for an extension: all except our own.
    ///
    /// Our own may be secret: the database address may contain a password, and the variable that the configuration
    /// names holds the key.
    pub(crate) fn of_extensions(&self, key: Option<&str>) -> impl Iterator<Item = (&OsStr, &OsStr)> {
        let is_ours = move |name: &OsStr| {
            name.as_encoded_bytes().starts_with(PREFIX.as_bytes()) || key.is_some_and(|key| name == key)
        };
        let others = self.0.iter().filter(move |(name, _)| !is_ours(name));
        others.map(|(name, value)| (name.as_os_str(), value.as_os_str()))
    }

    /// Returns the file of root certificates that a program of this environment would use.
    pub(crate) fn file_of_roots(&self) -> Option<PathBuf> {
        self.0.get(OsStr::new("SSL_CERT_FILE")).filter(|path| !path.is_empty()).map(PathBuf::from)
    }

    /// Returns `true` if this variable is set.
    pub(crate) fn has(&self, name: &OsStr) -> bool {
        self.0.contains_key(name)
    }

    /// Returns `true` if a program with this name is in `PATH`.
    pub(crate) fn has_program(&self, name: &str) -> bool {
        self.program_paths(name).iter().any(|path| path.is_file())
    }

    /// Returns the path that a program with this name has in each directory of `PATH`, whether it is there or not.
    pub(crate) fn program_paths(&self, name: &str) -> Vec<PathBuf> {
        let path = self.0.get(OsStr::new("PATH"));
        let name = format!("{name}{}", std::env::consts::EXE_SUFFIX);
        path.into_iter().flat_map(|path| std::env::split_paths(path)).map(|directory| directory.join(&name)).collect()
    }

    /// Returns the variables with our prefix, except those that are no keys and those of tests.
    fn ours(&self) -> impl Iterator<Item = (&str, &OsStr)> {
        let ours = self.0.iter().filter_map(|(name, value)| Some((name.to_str()?, value.as_os_str())));
        let is_key = |name: &str| ![COMPLETE, CONFIG, HOST_TOKEN].contains(&name) && !name.starts_with(TEST_PREFIX);
        ours.filter(move |(name, _)| name.starts_with(PREFIX) && is_key(name))
    }

    /// Returns the configuration keys in the environment.
    pub(super) fn layer(&self) -> Result<Layer, Error> {
        let mut layer = Layer::new();
        for (variable, value) in self.ours() {
            let Some((key, name)) = key::of_variable(variable) else { continue };
            let wrong = || Error::configuration(format!("{variable} must be {}", key.value.expected()));
            let text = value.to_str().ok_or_else(wrong)?;
            let value = value_of(key.value, text).ok_or_else(wrong)?;
            layer.push((key, name, value, Source { name: variable.to_owned(), directory: None }));
        }
        Ok(layer)
    }

    /// Returns a warning for each variable that looks like a configuration key and is none.
    ///
    /// `key` is the variable that holds the key of the database. Variables that Kubernetes sets share a single warning.
    pub(super) fn warnings(&self, key: Option<&str>) -> Vec<String> {
        let unknown = |(name, _): &(&str, &OsStr)| key::of_variable(name).is_none() && key != Some(*name);
        let (links, unknown): (Vec<_>, Vec<_>) =
            self.ours().filter(unknown).partition(|(name, value)| is_service_link(name, value));
        let mut warnings: Vec<_> = unknown.iter().map(|(name, _)| ignored(name)).collect();
        if !links.is_empty() {
            let links: Vec<_> = links.iter().map(|(name, _)| *name).collect();
            let links = links.join(", ");
            warnings.push(format!("ignoring {links}: Kubernetes sets such variables for a Service of that name"));
        }
        warnings
    }
}

/// Returns `true` for a variable that Kubernetes sets in every container for a Service whose name begins like our
/// prefix: <https://kubernetes.io/docs/concepts/services-networking/service/#environment-variables>.
fn is_service_link(variable: &str, value: &OsStr) -> bool {
    let protocols = ["TCP", "UDP", "SCTP"];
    let is_number = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let is_address = || {
        let text = value.to_str().unwrap_or_default();
        protocols.iter().any(|protocol| text.starts_with(&format!("{}://", protocol.to_ascii_lowercase())))
    };
    let is_port = |name: &str| {
        let name = ["_ADDR", "_PORT", "_PROTO"].iter().find_map(|end| name.strip_suffix(end)).unwrap_or(name);
        let parts = name.rsplit_once('_').filter(|(_, protocol)| protocols.contains(protocol));
        parts.and_then(|(rest, _)| rest.rsplit_once("_PORT_")).is_some_and(|(_, number)| is_number(number))
    };
    let is_service = variable.ends_with("_SERVICE_HOST")
        || variable.ends_with("_SERVICE_PORT")
        || variable.contains("_SERVICE_PORT_");
    is_service || is_port(variable) || variable.ends_with("_PORT") && is_address()
}

fn value_of(value: KeyType, text: &str) -> Option<toml::Value> {
    Some(match value {
        KeyType::Count | KeyType::Interval | KeyType::Mebibytes | KeyType::Port | KeyType::Seconds => {
            toml::Value::Integer(text.parse().ok()?)
        }
        KeyType::Processors => toml::Value::Float(text.parse().ok()?),
        KeyType::Addresses | KeyType::Directories | KeyType::Command | KeyType::Networks | KeyType::Variables
            if !text.starts_with('[') =>
        {
            toml::Value::Array(vec![text.into()])
        }
        KeyType::Writable if !text.starts_with('[') => text.into(),
        KeyType::Addresses
        | KeyType::Directories
        | KeyType::Command
        | KeyType::Networks
        | KeyType::Variables
        | KeyType::Writable => serde_json::from_str::<Vec<String>>(text).ok()?.into(),
        KeyType::Origins | KeyType::Volumes => {
            let origins = serde_json::from_str::<BTreeMap<String, String>>(text).ok()?;
            toml::Value::Table(origins.into_iter().map(|(from, to)| (from, to.into())).collect())
        }
        KeyType::Address
        | KeyType::CacheTtl
        | KeyType::Colour
        | KeyType::Engine
        | KeyType::KeySource
        | KeyType::Level
        | KeyType::LocalName
        | KeyType::LogFormat
        | KeyType::Path
        | KeyType::Period
        | KeyType::Pooler
        | KeyType::PrivateAddresses
        | KeyType::PublicUrl
        | KeyType::UnencryptedUrl
        | KeyType::RecordedPaths
        | KeyType::Secret
        | KeyType::Switch
        | KeyType::Template
        | KeyType::Text
        | KeyType::Url
        | KeyType::Variable => text.into(),
    })
}

/// Returns the warning for an unknown variable, with the known one of which it may be a misspelling.
fn ignored(variable: &str) -> String {
    // The prefix is the same in all of them, and would make all of them similar.
    let rest = |name: &str| name.strip_prefix(PREFIX).unwrap_or(name).to_owned();
    let known: Vec<_> = super::KEYS.iter().map(Key::variable).collect();
    let known: Vec<_> = [CONFIG, HOST_TOKEN].into_iter().chain(known.iter().map(String::as_str)).map(rest).collect();
    match misspelled(&rest(variable), known.iter().map(String::as_str)) {
        Some(nearest) => {
            format!("ignoring {variable}, which is unknown; the most similar variable is {PREFIX}{nearest}")
        }
        None => format!("ignoring {variable}, which is unknown"),
    }
}

impl std::fmt::Debug for Environment {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // Show names alone, because values may be secrets.
        f.debug_list().entries(self.0.keys()).finish()
    }
}
