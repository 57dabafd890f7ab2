//! The configuration: file, environment and flags, in rising order of precedence.
//!
//! Every key is in [`KEYS`]. Any other key in the file is an error that names it and the known ones, and any other
//! variable is a warning that names the nearest one, if one is near. No error repeats a value, because a database
//! address may contain a password.

mod effective;
mod environment;
mod events;
mod file;
mod inbound;
mod key;
mod key_source;
mod kinds;
mod page;
mod paths;
mod secret;
mod tls;
mod tools;

use std::{
    path::{Path, PathBuf},
    time::Duration,
};

use connection_core::FilesPolicy;
use secrecy::SecretString;

pub(crate) use effective::{EffectiveValue, Origin};
pub(crate) use environment::{COMPLETE, Environment};
pub(crate) use events::EventSettings;
pub(crate) use inbound::InboundSettings;
pub use key::{KEYS, Key, KeyType};
pub(crate) use key_source::{KeySettings, KeySources};
pub(crate) use kinds::{Application, KindsSettings};
pub(crate) use page::PageSettings;
pub(crate) use paths::{config_directory, config_file, data_directory, home, key_directory};
pub(crate) use tls::{TlsFiles, TlsPems};
pub(crate) use tools::{SandboxSettings, UsageSettings, check as check_tools};

use crate::{Error, args::Global};
use effective::Given;
use secret::{SecretPlace, SecretSetting, has_password};

/// The combined settings of the three layers.
#[derive(Debug, Default)]
pub(crate) struct Settings {
    pub(crate) data_directory: PathBuf,
    /// The directory of the key: in the data directory if that was named, and apart from it otherwise.
    key_directory: PathBuf,
    /// The other of the two possible directories of the key.
    other_key_directory: Option<PathBuf>,
    /// The configuration file, whether it exists or not.
    config_file: Option<PathBuf>,
    /// The reason why the configuration file is not trusted. Such settings are used for nothing but reporting this.
    pub(crate) exposed: Option<Error>,
    /// Warnings about the settings, for a person.
    pub(crate) warnings: Vec<String>,
    pub(crate) database: Option<SecretString>,
    pub(crate) direct: Option<SecretString>,
    pub(crate) key: KeySettings,
    pub(crate) kinds: KindsSettings,
    pub(crate) endpoints: Vec<(String, String)>,
    pub(crate) events: EventSettings,
    pub(crate) proxy: Option<SecretString>,
    pub(crate) timeout: Option<Duration>,
    pub(crate) files: Vec<PathBuf>,
    pub(crate) inbound: InboundSettings,
    pub(crate) page: PageSettings,
    pub(crate) log: Option<String>,
    /// `true` if each line of the log is a JSON object.
    pub(crate) logs_json: bool,
    pub(crate) owner: Option<String>,
    pub(crate) private_addresses: PrivateAddresses,
    root_certificate: Option<PathBuf>,
    pub(crate) sandbox: SandboxSettings,
    pub(crate) usage: UsageSettings,
    pub(crate) verify: VerifySettings,
    pub(crate) state: Option<PathBuf>,
    /// The values as they were given.
    given: Given,
}

/// The configuration keys below `verify`.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct VerifySettings {
    pub(crate) at_once: Option<usize>,
    pub(crate) per_provider: Option<usize>,
}

/// The private addresses that users may reach.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum PrivateAddresses {
    /// Addresses that users named themselves, also for owners other than the owner of the process.
    AllOwners,
    /// Addresses that users named themselves, for the owner of the process alone.
    #[default]
    Named,
    /// No addresses except those that the host names.
    Never,
}

impl Settings {
    /// Reads the certificates that are trusted in addition to those of the system.
    pub(crate) fn root_certificate(&self) -> Result<Option<String>, Error> {
        self.root_certificate.as_deref().map(|path| file::settings_text("http.root_certificate", path)).transpose()
    }

    /// Returns the directory of the user's own kinds, which is beside the configuration file, whether it exists or not.
    /// `None` without a home directory.
    pub(crate) fn kinds_directory(&self) -> Option<PathBuf> {
        Some(self.config_file.as_deref()?.parent()?.join("kinds"))
    }

    /// Reads the file, the environment and the flags, in this order. A later value replaces an earlier one.
    pub(crate) fn load(global: &Global, environment: &Environment) -> Result<Self, Error> {
        let mut settings = Self::default();
        let named = global.config.clone().or_else(|| environment.config_file());
        let (layer, exposed) = file::read(named.as_deref(), environment)?;
        settings.config_file = named.or_else(|| config_file(environment));
        settings.exposed = exposed;
        let mut secrets = Secrets::default();
        for (key, name, value, source) in layer {
            settings.given.add(key, &name, &value, &source);
            settings.apply(key, &name, value, &source, &mut secrets)?;
        }
        for (key, name, value, source) in environment.layer()? {
            settings.given.add(key, &name, &value, &source);
            settings.apply(key, &name, value, &source, &mut secrets)?;
        }
        settings.inbound.settle()?;
        settings.warnings = environment.warnings(settings.key.variable.as_deref());
        settings.database = match &global.database {
            Some(url) => {
                refuse_password(url)?;
                settings.given.add_option("database_url", url.clone(), "--database");
                Some(url.as_str().into())
            }
            None => secrets.database.text("database_url")?,
        };
        settings.direct = secrets.direct.text("database_direct_url")?;
        settings.proxy = secrets.proxy.text("http.proxy")?;
        if let Some(directory) = &global.data_dir {
            settings.data_directory.clone_from(directory);
            settings.given.add_option("data_dir", directory.display().to_string(), "--data-dir");
        }
        if let Some(owner) = &global.owner {
            settings.owner = Some(owner.clone());
            settings.given.add_option("owner", owner.clone(), "--owner");
        }
        let apart = key_directory();
        let is_named = !settings.data_directory.as_os_str().is_empty();
        if !is_named {
            settings.data_directory = data_directory()?;
        }
        // A directory given on the command line is relative to this process, but engines get paths below it and run
        // elsewhere.
        settings.data_directory = std::path::absolute(&settings.data_directory)
            .map_err(|error| Error::io(settings.data_directory.display(), &error))?;
        let inside = settings.data_directory.join("key");
        // A user who names a data directory wants everything in it. Otherwise, no single directory holds both the
        // database and the key.
        (settings.key_directory, settings.other_key_directory) = match apart {
            Some(apart) if !is_named => (apart, Some(inside)),
            apart => (inside, apart),
        };
        Ok(settings)
    }

    /// Returns the default database file.
    pub(crate) fn database_file(&self) -> PathBuf {
        self.data_directory.join("store").join("connections.db")
    }

    /// Returns the directory of private copies for containers.
    pub(crate) fn copies(&self) -> PathBuf {
        self.data_directory.join("copies")
    }

    /// Returns the directory that records which profiles are in use by running tools.
    pub(crate) fn running(&self) -> PathBuf {
        self.data_directory.join("running")
    }

    /// Returns the directory in which this machine keeps its state of a database elsewhere.
    pub(crate) fn state_directory(&self) -> PathBuf {
        self.state.clone().unwrap_or_else(|| self.data_directory.join("state"))
    }

    /// Returns the policy for reading files: the configured directories, without those of this program.
    pub(crate) fn files(&self) -> FilesPolicy {
        let policy = self.files.iter().fold(FilesPolicy::new(), FilesPolicy::allow);
        let policy = self.config_file.iter().fold(policy, FilesPolicy::protect_file);
        let policy = self.inbound.tls_key.iter().fold(policy, FilesPolicy::protect_file);
        let keys = std::iter::once(&self.key_directory).chain(&self.other_key_directory);
        let own = keys.chain([&self.data_directory]).cloned().chain(config_directory());
        // Kind files decide where credentials go, and their directory may be a link to another place.
        own.fold(policy, |policy, own| policy.protect(own.join("kinds")).protect(own))
    }

    /// Returns the default file of the key.
    pub(crate) fn key_file(&self) -> PathBuf {
        self.key_directory.join("root.key")
    }

    /// Returns `true` if the key, at its default place, is inside the data directory, so that a copy contains both.
    pub(crate) fn holds_both(&self) -> bool {
        self.key_directory.starts_with(&self.data_directory)
    }

    /// Returns the file of the key by the other of the two default rules.
    pub(crate) fn other_key_file(&self) -> Option<PathBuf> {
        self.other_key_directory.as_ref().map(|directory| directory.join("root.key"))
    }

    /// Applies one value. `name` is the full name of the key, with a kind's name in place of `KIND`.
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
            "events.attention_url" => self.events.attention_url(&text()?, source)?,
            "events.secret" => self.events.secret(name, SecretPlace::Text(text()?.into()), source)?,
            "events.secret_file" => self.events.secret(name, SecretPlace::File(source.path(&text()?)), source)?,
            "events.url" => self.events.url(text()?, source),
            "inbound.connections_per_peer" => {
                self.inbound.connections_per_peer = Some(count(&value).ok_or_else(wrong)?);
            }
            "inbound.listen" => self.inbound.listen = Some(text()?.parse().map_err(|_| wrong())?),
            "inbound.local_name" => self.inbound.local_name = Some(text()?.parse().map_err(|()| wrong())?),
            "inbound.loopback_port" => {
                let port = value.as_integer().and_then(|port| u16::try_from(port).ok()).filter(|port| *port != 0);
                self.inbound.loopback_port = Some(port.ok_or_else(wrong)?);
            }
            "inbound.public_url" => self.inbound.public_url = Some(inbound::public_url(&text()?, &source.name)?),
            "inbound.requests_per_minute" => {
                self.inbound.requests_per_minute = count(&value).and_then(|most| u32::try_from(most).ok());
                self.inbound.requests_per_minute.ok_or_else(wrong)?;
            }
            "inbound.stop_delay" => self.inbound.stop_delay = seconds(&value).ok_or_else(wrong)?,
            "inbound.tls_certificate" => self.inbound.tls_certificate = Some(source.path(&text()?)),
            "inbound.tls_key" => self.inbound.tls_key = Some(source.path(&text()?)),
            "inbound.trusted_proxies" => {
                let list = value.as_array().ok_or_else(wrong)?;
                let network = |network: &toml::Value| network.as_str()?.parse().ok();
                self.inbound.trusted_proxies = list.iter().map(network).collect::<Option<_>>().ok_or_else(wrong)?;
            }
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
            "http.timeout" => self.timeout = Some(seconds(&value).ok_or_else(wrong)?),
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
            "log_format" => {
                self.logs_json = match &*text()? {
                    "json" => true,
                    "text" => false,
                    _ => return Err(wrong()),
                };
            }
            "owner" => self.owner = Some(text()?),
            "state_dir" => self.state = Some(source.path(&text()?)),
            table if table.starts_with("page.") => self.page.apply(key, &value, source).ok_or_else(wrong)?,
            table if table.starts_with("sandbox.") => {
                self.sandbox.apply(key, name, &value, source).ok_or_else(wrong)?;
            }
            table if table.starts_with("usage.") => self.usage.apply(key, name, &value).ok_or_else(wrong)?,
            "verify.at_once" => self.verify.at_once = Some(count(&value).ok_or_else(wrong)?),
            "verify.per_provider" => self.verify.per_provider = Some(count(&value).ok_or_else(wrong)?),
            // Every name of KEYS has an arm above, which a test verifies.
            _ => return Err(wrong()),
        }
        Ok(())
    }

    /// Returns the settings of the kind that a key names.
    fn kind(&mut self, name: &str) -> &mut kinds::KindSettings {
        let kind = name.split('.').nth(1).unwrap_or_default();
        self.kinds.entry(kind.to_owned()).or_default()
    }
}

/// Returns a time of at most ten minutes.
fn seconds(value: &toml::Value) -> Option<Duration> {
    let seconds = value.as_integer().filter(|seconds| (1..=600).contains(seconds))?;
    Some(Duration::from_secs(seconds.unsigned_abs()))
}

/// Returns a number within the bounds of a count.
fn count(value: &toml::Value) -> Option<usize> {
    let number = value.as_integer().and_then(|number| usize::try_from(number).ok());
    number.filter(|number| (1..=4_194_304).contains(number))
}

/// The secrets of the layers, which are resolved after all layers have been read.
#[derive(Default)]
struct Secrets {
    database: SecretSetting,
    direct: SecretSetting,
    proxy: SecretSetting,
}

/// Returns a program and its arguments.
fn argv(value: &toml::Value) -> Option<Vec<String>> {
    let parts = value.as_array()?.iter().map(|part| part.as_str().map(str::to_owned)).collect::<Option<Vec<_>>>()?;
    Some(parts).filter(|parts| parts.first().is_some_and(|program| !program.is_empty()))
}

/// The source of a value: its name for errors, and the directory that relative paths refer to.
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

/// The values of a layer, each with the full name of its key, where a kind's name replaces `KIND`.
type Layer = Vec<(&'static Key, String, toml::Value, Source)>;

/// Refuses a password in an argument, which would be visible in the process list and in the shell's history.
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
