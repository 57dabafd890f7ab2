//! Configuration: file, environment and flags, in rising order.
//!
//! Every key is in [`KEYS`]; any other of the file is an error that names it and the known ones, and any other variable a
//! warning that names the nearest. No error repeats a value, since a database address may hold a password.

mod environment;
mod file;
mod inbound;
mod key;
mod key_source;
mod kinds;
mod paths;
mod secret;
mod tools;

use std::{
    path::{Path, PathBuf},
    time::Duration,
};

use connection_core::FilesPolicy;
use secrecy::SecretString;

pub(crate) use environment::Environment;
pub(crate) use inbound::InboundSettings;
pub use key::{KEYS, Key, KeyType};
pub(crate) use key_source::{KeySettings, KeySources};
pub(crate) use kinds::{Application, KindsSettings};
pub(crate) use paths::{config_directory, config_file, data_directory, home, key_directory};
pub(crate) use tools::{SandboxSettings, UsageSettings, check as check_tools};

use crate::{Error, args::Global};
use secret::{SecretPlace, SecretSetting, has_password};

/// What the three layers say together.
#[derive(Debug, Default)]
pub(crate) struct Settings {
    pub(crate) data_directory: PathBuf,
    /// Where the key is: in the data directory when somebody named that, else apart from it.
    key_directory: PathBuf,
    /// The other one of the two places of a key.
    other_key_directory: Option<PathBuf>,
    /// The configuration file, there or not.
    config_file: Option<PathBuf>,
    /// Why the configuration file is not to be trusted. Nothing is done with such settings but to tell it.
    pub(crate) exposed: Option<Error>,
    /// What a person should know of the settings, in sentences.
    pub(crate) warnings: Vec<String>,
    pub(crate) database: Option<SecretString>,
    pub(crate) direct: Option<SecretString>,
    pub(crate) key: KeySettings,
    pub(crate) kinds: KindsSettings,
    pub(crate) endpoints: Vec<(String, String)>,
    pub(crate) proxy: Option<SecretString>,
    pub(crate) timeout: Option<Duration>,
    pub(crate) files: Vec<PathBuf>,
    pub(crate) inbound: InboundSettings,
    pub(crate) log: Option<String>,
    pub(crate) owner: Option<String>,
    pub(crate) private_addresses: PrivateAddresses,
    root_certificate: Option<PathBuf>,
    pub(crate) sandbox: SandboxSettings,
    pub(crate) usage: UsageSettings,
    pub(crate) verify: VerifySettings,
    pub(crate) state: Option<PathBuf>,
}

/// The keys `verify.…`.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct VerifySettings {
    pub(crate) at_once: Option<usize>,
    pub(crate) per_provider: Option<usize>,
}

/// Which private addresses users reach.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum PrivateAddresses {
    /// Those that they named themselves, also for other owners than that of the process.
    AllOwners,
    /// Those that they named themselves, for the owner of the process alone.
    #[default]
    Named,
    /// None but those that the host names.
    Never,
}

impl Settings {
    /// The certificates that are trusted beside the system's, read from their file now.
    pub(crate) fn root_certificate(&self) -> Result<Option<String>, Error> {
        self.root_certificate.as_deref().map(|path| file::settings_text("http.root_certificate", path)).transpose()
    }

    /// Reads all three layers.
    pub(crate) fn load(global: &Global, environment: &Environment) -> Result<Self, Error> {
        let mut settings = Self::default();
        let named = global.config.clone().or_else(|| environment.config_file());
        let (layer, exposed) = file::read(named.as_deref(), environment)?;
        settings.config_file = named.or_else(|| config_file(environment));
        settings.exposed = exposed;
        let mut secrets = Secrets::default();
        for (key, name, value, source) in layer {
            settings.apply(key, &name, value, &source, &mut secrets)?;
        }
        for (key, name, value, source) in environment.layer()? {
            settings.apply(key, &name, value, &source, &mut secrets)?;
        }
        settings.inbound.settle()?;
        settings.warnings = environment.warnings(settings.key.variable.as_deref());
        settings.database = match &global.database {
            Some(url) => {
                refuse_password(url)?;
                Some(url.as_str().into())
            }
            None => secrets.database.text("database_url")?,
        };
        settings.direct = secrets.direct.text("database_direct_url")?;
        settings.proxy = secrets.proxy.text("http.proxy")?;
        if let Some(directory) = &global.data_dir {
            settings.data_directory.clone_from(directory);
        }
        if global.owner.is_some() {
            settings.owner.clone_from(&global.owner);
        }
        let apart = key_directory();
        let is_named = !settings.data_directory.as_os_str().is_empty();
        if !is_named {
            settings.data_directory = data_directory()?;
        }
        // One that was typed is where this process stands; what is below it is told to engines, which stand elsewhere.
        settings.data_directory = std::path::absolute(&settings.data_directory)
            .map_err(|error| Error::io(settings.data_directory.display(), &error))?;
        let inside = settings.data_directory.join("key");
        // Whoever names a directory wants everything in it. By default, a copy of one directory is not both.
        (settings.key_directory, settings.other_key_directory) = match apart {
            Some(apart) if !is_named => (apart, Some(inside)),
            apart => (inside, apart),
        };
        Ok(settings)
    }

    /// Where the database is when nothing else is said.
    pub(crate) fn database_file(&self) -> PathBuf {
        self.data_directory.join("store").join("connections.db")
    }

    /// Where private copies for containers are made.
    pub(crate) fn copies(&self) -> PathBuf {
        self.data_directory.join("copies")
    }

    /// Where it is known which profiles tools run as.
    pub(crate) fn running(&self) -> PathBuf {
        self.data_directory.join("running")
    }

    /// Where this machine keeps what belongs to a database elsewhere, when nothing else is said.
    pub(crate) fn state_directory(&self) -> PathBuf {
        self.state.clone().unwrap_or_else(|| self.data_directory.join("state"))
    }

    /// What connections may read: as configured, and nothing of where this program keeps its own.
    pub(crate) fn files(&self) -> FilesPolicy {
        let policy = self.files.iter().fold(FilesPolicy::new(), FilesPolicy::allow);
        let policy = self.config_file.iter().fold(policy, FilesPolicy::protect_file);
        let keys = std::iter::once(&self.key_directory).chain(&self.other_key_directory);
        let own = keys.chain([&self.data_directory]).cloned().chain(config_directory());
        // The declarations of kinds say where credentials go. They may be a link to another place.
        own.fold(policy, |policy, own| policy.protect(own.join("kinds")).protect(own))
    }

    /// Where the key is when nothing else is said.
    pub(crate) fn key_file(&self) -> PathBuf {
        self.key_directory.join("root.key")
    }

    /// Whether a copy of the data directory is a copy of the key, too, where the key is at its usual place.
    pub(crate) fn holds_both(&self) -> bool {
        self.key_directory.starts_with(&self.data_directory)
    }

    /// Where the key would be if the data directory were named, or were not.
    pub(crate) fn other_key_file(&self) -> Option<PathBuf> {
        self.other_key_directory.as_ref().map(|directory| directory.join("root.key"))
    }

    /// `name` is the key's, with the kind's for `KIND`.
    fn apply(
        &mut self,
        key: &'static Key,
        name: &str,
        value: toml::Value,
        source: &Source,
        secrets: &mut Secrets,
    ) -> Result<(), Error> {
        let wrong = || {
            let expected = key.value.expected();
            Error::configuration(format!("{}: '{name}' must be {expected}", source.name))
        };
        let text = || value.as_str().map(str::to_owned).filter(|text| !text.is_empty()).ok_or_else(wrong);
        match key.name {
            "data_dir" => self.data_directory = source.path(&text()?),
            "database_direct_url" => secrets.direct.put(name, SecretPlace::Text(text()?.into()), source)?,
            "database_direct_url_file" => {
                secrets.direct.put(name, SecretPlace::File(source.path(&text()?)), source)?;
            }
            "database_url" => secrets.database.put(name, SecretPlace::Text(text()?.into()), source)?,
            "database_url_file" => secrets.database.put(name, SecretPlace::File(source.path(&text()?)), source)?,
            "inbound.connections_per_peer" => {
                self.inbound.connections_per_peer = Some(count(&value).ok_or_else(wrong)?);
            }
            "inbound.listen" => self.inbound.listen = Some(text()?.parse().map_err(|_| wrong())?),
            "inbound.loopback_port" => {
                let port = value.as_integer().and_then(|port| u16::try_from(port).ok()).filter(|port| *port != 0);
                self.inbound.loopback_port = Some(port.ok_or_else(wrong)?);
            }
            "inbound.public_url" => self.inbound.public_url = Some(inbound::public_url(&text()?, &source.name)?),
            "inbound.unencrypted_url" => {
                self.inbound.unencrypted_url = Some(inbound::unencrypted_url(&text()?, &source.name)?);
            }
            "key.command" => self.key.command = Some(argv(&value).ok_or_else(wrong)?),
            "key.file" => self.key.file = Some(source.path(&text()?)),
            "key.passphrase_file" => self.key.passphrase_file = Some(source.path(&text()?)),
            "key.source" => self.key.source = Some(text()?.parse().map_err(|()| wrong())?),
            "key.unwrap" => self.key.unwrap = Some(argv(&value).ok_or_else(wrong)?),
            "key.variable" => self.key.variable = Some(text()?),
            "key.wrap" => self.key.wrap = Some(argv(&value).ok_or_else(wrong)?),
            "http.endpoints" => {
                let table = value.as_table().ok_or_else(wrong)?;
                self.endpoints = table
                    .iter()
                    .map(|(from, to)| Some((from.clone(), to.as_str()?.to_owned())))
                    .collect::<Option<_>>()
                    .ok_or_else(wrong)?;
            }
            "http.private_addresses" => {
                self.private_addresses = match &*text()? {
                    "all-owners" => PrivateAddresses::AllOwners,
                    "named" => PrivateAddresses::Named,
                    "never" => PrivateAddresses::Never,
                    _ => return Err(wrong()),
                };
            }
            "http.proxy" => secrets.proxy.put(name, SecretPlace::Text(text()?.into()), source)?,
            "http.proxy_file" => secrets.proxy.put(name, SecretPlace::File(source.path(&text()?)), source)?,
            "http.root_certificate" => self.root_certificate = Some(source.path(&text()?)),
            "http.timeout" => {
                let seconds = value.as_integer().filter(|seconds| (1..=600).contains(seconds)).ok_or_else(wrong)?;
                self.timeout = Some(Duration::from_secs(seconds.unsigned_abs()));
            }
            "files.allow" => {
                let list = value.as_array().ok_or_else(wrong)?;
                self.files = list
                    .iter()
                    .map(|path| path.as_str().map(|path| source.path(path)))
                    .collect::<Option<_>>()
                    .ok_or_else(wrong)?;
            }
            "kinds.KIND.client_id" => self.kind(name).id(text()?, source),
            "kinds.KIND.client_secret" => {
                self.kind(name).secret(name, SecretPlace::Text(text()?.into()), source)?;
            }
            "kinds.KIND.client_secret_file" => {
                self.kind(name).secret(name, SecretPlace::File(source.path(&text()?)), source)?;
            }
            "log" => {
                let level = text()?;
                if !key::LOG_LEVELS.contains(&level.as_str()) {
                    return Err(wrong());
                }
                self.log = Some(level);
            }
            "owner" => self.owner = Some(text()?),
            "state_dir" => self.state = Some(source.path(&text()?)),
            table if table.starts_with("sandbox.") => {
                self.sandbox.apply(key, name, &value, source).ok_or_else(wrong)?;
            }
            table if table.starts_with("usage.") => self.usage.apply(key, name, &value).ok_or_else(wrong)?,
            "verify.at_once" => self.verify.at_once = Some(count(&value).ok_or_else(wrong)?),
            "verify.per_provider" => self.verify.per_provider = Some(count(&value).ok_or_else(wrong)?),
            // Every name of KEYS has an arm above; a test goes through them.
            _ => return Err(wrong()),
        }
        Ok(())
    }

    /// The settings of the kind that a key names.
    fn kind(&mut self, name: &str) -> &mut kinds::KindSettings {
        let kind = name.split('.').nth(1).unwrap_or_default();
        self.kinds.entry(kind.to_owned()).or_default()
    }
}

/// A number of things that are bounded.
fn count(value: &toml::Value) -> Option<usize> {
    let number = value.as_integer().and_then(|number| usize::try_from(number).ok());
    number.filter(|number| (1..=4_194_304).contains(number))
}

/// The secrets of the layers, until all of them are read.
#[derive(Default)]
struct Secrets {
    database: SecretSetting,
    direct: SecretSetting,
    proxy: SecretSetting,
}

/// A program and its arguments.
fn argv(value: &toml::Value) -> Option<Vec<String>> {
    let parts = value.as_array()?.iter().map(|part| part.as_str().map(str::to_owned)).collect::<Option<Vec<_>>>()?;
    Some(parts).filter(|parts| parts.first().is_some_and(|program| !program.is_empty()))
}

/// Where a value comes from: its name for errors, and what its relative paths are relative to.
#[derive(Clone, Debug)]
pub(crate) struct Source {
    name: String,
    directory: Option<PathBuf>,
}

impl Source {
    fn path(&self, path: &str) -> PathBuf {
        self.directory.as_deref().unwrap_or(Path::new("")).join(path)
    }
}

/// Each with the key's own name, where `KIND` stands for any kind's.
type Layer = Vec<(&'static Key, String, toml::Value, Source)>;

/// A password in an argument is in the process list and in the shell's history.
fn refuse_password(url: &str) -> Result<(), Error> {
    if !has_password(url) {
        return Ok(());
    }
    Err(Error::new(
        crate::Exit::Usage,
        "password_in_argument",
        "--database has a password in it, and arguments can be seen by others",
    )
    .remedy("put the address into CONNECTIONS_DATABASE_URL or the configuration file (database_url), or the password into PGPASSFILE"))
}

#[cfg(test)]
mod tests;
