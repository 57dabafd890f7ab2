//! The configuration: file, environment and flags, in rising order of precedence.
//!
//! Every key is in [`KEYS`]. Any other key in the file is an error that names it and the known ones, and any other
//! variable is a warning that names the nearest one, if one is near. No error repeats a value, because a database
//! address may contain a password.

mod effective;
mod environment;
mod events;
mod file;
mod global;
mod inbound;
mod key;
mod key_source;
mod keys;
mod kinds;
mod page;
mod paths;
mod secret;
mod tls;
mod tools;
mod value;

use std::{
    path::{Path, PathBuf},
    time::Duration,
};

use connection_core::{FilesPolicy, RecordedPaths, StoreAddress};
use connection_inbound::PublicUrl;
use secrecy::SecretString;

pub(crate) use effective::{EffectiveValue, Origin};
pub(crate) use environment::{COMPLETE, Environment};
pub(crate) use events::EventSettings;
pub(crate) use global::Global;
pub(crate) use inbound::InboundSettings;
pub use key::{Key, KeyType};
pub(crate) use key_source::{KeySettings, KeySources};
pub use keys::KEYS;
pub(crate) use kinds::{Application, KindsSettings};
pub(crate) use page::PageSettings;
pub(crate) use paths::{config_directory, config_file, data_directory, home, key_directory, may_exist, named_path};
pub(crate) use tls::{TlsFiles, TlsPems};
pub(crate) use tools::{SandboxSettings, UsageSettings, check as check_tools, kinds as configured_kinds, known_kinds};

use crate::Error;
use effective::Given;
use value::{Loading, Secrets, Value};

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
    #[cfg_attr(not(unix), allow(dead_code, reason = "there are no couriers"))]
    pub(crate) without_couriers: bool,
    pub(crate) database: Option<SecretString>,
    pub(crate) direct: Option<SecretString>,
    pooler: Option<Pooler>,
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
    /// The address of a document that describes this program as an OAuth application.
    pub(crate) client_metadata: Option<String>,
    pub(crate) owner: Option<String>,
    pub(crate) private_addresses: PrivateAddresses,
    pub(crate) record: RecordSettings,
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

/// The configuration keys below `record`, and that of approvals.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct RecordSettings {
    /// The time after which a request about which a person is asked can no longer be sent.
    pub(crate) approvals_expire: Option<Duration>,
    /// The time after which texts are erased; `None` if they are kept.
    pub(crate) keep: Option<Duration>,
    pub(crate) paths: RecordedPaths,
}

/// The mode of a pooler between this program and the server of the database.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Pooler {
    /// Each connection of this program has one to the server, so the address does for everything.
    Session,
    /// Each transaction may have another connection to the server, so the server needs an address of its own.
    Transaction,
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
    /// Returns the address of a document that describes this program as an OAuth application.
    ///
    /// # Errors
    ///
    /// It is not the https address of a document.
    pub(crate) fn client_document(&self) -> Result<Option<&str>, Error> {
        let Some(address) = self.client_metadata.as_deref() else { return Ok(None) };
        let has_path = |rest: &str| rest.find('/').is_some_and(|at| at > 0 && rest.len() > at + 1);
        let fits = address.strip_prefix("https://").is_some_and(has_path) && !address.contains(['?', '#', '@']);
        match fits {
            true => Ok(Some(address)),
            false => Err(Error::configuration("'oauth.client_metadata_url' is not the https address of a document")
                .remedy("give an address such as https://example.com/client.json")),
        }
    }

    /// Returns the configured public URL, which leads to `serve`.
    pub(crate) fn public_url(&self) -> Result<&PublicUrl, Error> {
        self.inbound.public_url.as_ref().ok_or_else(|| {
            Error::configuration("inbound.public_url is not set, so no provider knows where to send").remedy(
                "set it (or CONNECTIONS_INBOUND__PUBLIC_URL) to the https address that leads to `connections serve`, such as https://host.example",
            )
        })
    }

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
        let named = match &global.config {
            Some(path) => Some(named_path("--config", path)?),
            None => environment.config_file().map(|path| named_path("CONNECTIONS_CONFIG", &path)).transpose()?,
        };
        let (layer, exposed) = file::read(named.as_deref(), environment)?;
        settings.config_file = named.or_else(|| config_file(environment));
        settings.exposed = exposed;
        let mut secrets = Secrets::default();
        for (key, name, toml, source) in layer.into_iter().chain(environment.layer()?) {
            settings.given.add(key, &name, &toml, &source);
            let value = Value { key, name: &name, toml, source: &source };
            (key.apply)(&mut Loading { settings: &mut settings, secrets: &mut secrets }, &value)?;
        }
        settings.inbound.settle()?;
        settings.warnings = environment.warnings(settings.key.variable.as_deref());
        settings.database = match &global.database {
            Some(url) => {
                refuse_password(url, "--database")?;
                settings.given.add_option("database_url", url.clone(), "--database");
                Some(url.as_str().into())
            }
            None => secrets.database.text("database_url")?,
        };
        settings.direct = secrets.direct.text("database_direct_url")?;
        if settings.database.is_none() && global.host.is_none() {
            let direct = settings.direct.as_ref().map(|_| "database_direct_url");
            if let Some(name) = direct.or(settings.pooler.map(|_| "database_pooler")) {
                return Err(Error::configuration(format!("'{name}' is set, and 'database_url' is not")).remedy(
                    "set database_url (or CONNECTIONS_DATABASE_URL), to the address of the pooler if there is one",
                ));
            }
        }
        if settings.pooler == Some(Pooler::Session) && settings.direct.is_none() {
            settings.direct.clone_from(&settings.database);
        }
        settings.proxy = secrets.proxy.text("http.proxy")?;
        if let Some(directory) = &global.data_dir {
            settings.data_directory = named_path("--data-dir", directory)?;
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
        let has_file = settings.database.is_none() && global.host.is_none();
        if has_file && settings.data_directory.to_str().is_none() {
            let message = "the path of the data directory is not UTF-8, so it can hold no database";
            let remedy = "choose another one with --data-dir or CONNECTIONS_DATA_DIR";
            return Err(Error::configuration(message).remedy(remedy));
        }
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

/// Refuses a password in an argument, which would be visible in the process list and in the shell's history. The name of
/// a file that exists is no address.
pub(crate) fn refuse_password(url: &str, argument: &str) -> Result<(), Error> {
    let address = StoreAddress::new(url);
    if !address.has_password() || address.exists() {
        return Ok(());
    }
    Err(Error::new(
        crate::Exit::Usage,
        "password_in_argument",
        format!("{argument} has a password in it, and arguments can be seen by others"),
    )
    .remedy(match argument {
        "--database" => "put the address into CONNECTIONS_DATABASE_URL or the configuration file (database_url), or the password into PGPASSFILE",
        _ => "put the address into a file and pass it on standard input with `-`, or the password into PGPASSFILE",
    }))
}

#[cfg(test)]
mod tests;
