//! The configuration keys. They are a contract, see `docs/spec/words.md`.

use crate::Error;

/// A configuration key.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Key {
    /// The name as in the file, with `.` between a table and its key: `http.timeout`. `KIND` stands for any kind's
    /// name.
    pub name: &'static str,
    /// The type of the value.
    pub value: KeyType,
    /// One sentence that describes the key.
    pub help: &'static str,
}

/// The type of a key's value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum KeyType {
    /// An IP address and a port.
    Address,
    /// Whole seconds up to a day, or `off`.
    CacheTtl,
    /// A program and its arguments; in the environment one program, or a JSON array.
    Command,
    /// A number of things.
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
    /// Whole mebibytes.
    Mebibytes,
    /// Pairs of an origin and its replacement; in the environment a JSON object.
    Origins,
    /// A path.
    Path,
    /// A port of this machine.
    Port,
    /// The private addresses that users may reach.
    PrivateAddresses,
    /// A number of processors, which may be fractional.
    Processors,
    /// The public URL of this host: with TLS, or on this machine.
    PublicUrl,
    /// A secret.
    Secret,
    /// Whole seconds.
    Seconds,
    /// Any text.
    Text,
    /// An address, which may contain a password.
    Url,
    /// An unencrypted address in a private network.
    UnencryptedUrl,
    /// The name of an environment variable.
    Variable,
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
            Self::CacheTtl => "a number of seconds from 1 to 86400, or off",
            Self::Command => "a list of a program and its arguments",
            Self::Count => "a number from 1 to 4194304",
            Self::Directories => "a list of directories",
            Self::Engine => "one of: docker, podman",
            Self::Interval => "a number of seconds from 60 to 3600",
            Self::KeySource => "one of: file, environment, command, keyring, passphrase",
            Self::Level => "one of: off, error, warn, info, debug, trace",
            Self::Mebibytes => "a number of MiB from 16 to 16777216",
            Self::Origins => "a table of origin to origin",
            Self::Path => "a path",
            Self::Port => "a port from 1 to 65535",
            Self::PrivateAddresses => "one of: named, all-owners, never",
            Self::Processors => "a number of processors from 0.01 to 4096, as in 1.5",
            Self::PublicUrl => "an https address, or an http address of this machine",
            Self::Secret => "a secret",
            Self::Seconds => "a number of seconds from 1 to 600",
            Self::Text => "a text",
            Self::Url => "an address",
            Self::UnencryptedUrl => "an http address of a private network",
            Self::Variable => "the name of a variable",
            Self::Writable => "one of: nothing, declared, everything, or a list of subdirectories",
            Self::Volumes => "a table of volume or directory to path",
        }
    }
}

/// All configuration keys, by name.
pub const KEYS: &[Key] = &[
    Key {
        name: "data_dir",
        value: KeyType::Path,
        help: "Where connections and their key are kept, both; without it, they are kept apart.",
    },
    Key {
        name: "database_direct_url",
        value: KeyType::Url,
        help: "The server itself, where database_url is that of a pooler in transaction mode.",
    },
    Key {
        name: "database_direct_url_file",
        value: KeyType::Path,
        help: "A file of its owner's alone that holds database_direct_url.",
    },
    Key { name: "database_url", value: KeyType::Url, help: "Another database than the one in the data directory." },
    Key {
        name: "database_url_file",
        value: KeyType::Path,
        help: "A file of its owner's alone that holds database_url.",
    },
    Key {
        name: "files.allow",
        value: KeyType::Directories,
        help: "Directories below which roots may be granted; unless set, all for the owner `local`, and none for another owner. Where this program keeps its own, none in any case.",
    },
    Key { name: "http.endpoints", value: KeyType::Origins, help: "Sends what is meant for one origin to another one." },
    Key {
        name: "http.private_addresses",
        value: KeyType::PrivateAddresses,
        help: "Who reaches a private address that the same owner named; the owner `local` alone, unless set to `all-owners` or `never`.",
    },
    Key { name: "http.proxy", value: KeyType::Url, help: "The proxy for requests to providers; none, unless set." },
    Key { name: "http.proxy_file", value: KeyType::Path, help: "A file of its owner's alone that holds http.proxy." },
    Key {
        name: "http.root_certificate",
        value: KeyType::Path,
        help: "A file of certificates in PEM that are trusted beside the system's: a device's own, or a company's.",
    },
    Key {
        name: "http.timeout",
        value: KeyType::Seconds,
        help: "How long a request to a provider may take; 15 seconds, and 20 for one that spends something, unless set.",
    },
    Key {
        name: "inbound.connections_per_peer",
        value: KeyType::Count,
        help: "Connections at once to `serve` from each address of another machine; 32 from each of the Internet, unless set.",
    },
    Key { name: "inbound.listen", value: KeyType::Address, help: "Where `serve` listens; 127.0.0.1:8745, unless set." },
    Key {
        name: "inbound.loopback_port",
        value: KeyType::Port,
        help: "The port for browsers that come back to this machine; any, unless set.",
    },
    Key {
        name: "inbound.public_url",
        value: KeyType::PublicUrl,
        help: "Where browsers and providers reach `serve`; this machine alone, unless set.",
    },
    Key {
        name: "inbound.unencrypted_url",
        value: KeyType::UnencryptedUrl,
        help: "Where devices of your own network reach `serve` without encryption, in the place of `inbound.public_url`; nowhere, unless set.",
    },
    Key {
        name: "key.command",
        value: KeyType::Command,
        help: "A command that prints the key: 32 bytes as they are, in base64 or in hexadecimal.",
    },
    Key { name: "key.file", value: KeyType::Path, help: "Another place of the key than the usual one." },
    Key {
        name: "key.passphrase_file",
        value: KeyType::Path,
        help: "A file of its owner's alone that holds the passphrase of the source `passphrase`; it is asked for at the terminal, unless set.",
    },
    Key {
        name: "key.source",
        value: KeyType::KeySource,
        help: "Which source of the key is used; needed when several are configured.",
    },
    Key { name: "key.unwrap", value: KeyType::Command, help: "The command that gives back what `key.wrap` wrapped." },
    Key {
        name: "key.variable",
        value: KeyType::Variable,
        help: "The variable that holds the key: 32 bytes in base64 or in hexadecimal.",
    },
    Key {
        name: "key.wrap",
        value: KeyType::Command,
        help: "A command that wraps a key, as a service of keys does; with `key.unwrap`.",
    },
    Key {
        name: "kinds.KIND.client_id",
        value: KeyType::Text,
        help: "The id of the application that was registered at the provider of that kind; no setup asks for it then.",
    },
    Key { name: "kinds.KIND.client_secret", value: KeyType::Secret, help: "Its secret." },
    Key {
        name: "kinds.KIND.client_secret_file",
        value: KeyType::Path,
        help: "A file of its owner's alone that holds the secret; read at each use.",
    },
    Key {
        name: "log",
        value: KeyType::Level,
        help: "What is logged to standard error; unless set, nothing, and by `serve` its start, its end, warnings, and each loss and recovery of the database or a provider.",
    },
    Key { name: "owner", value: KeyType::Text, help: "Whose connections; `local`, unless set." },
    Key {
        name: "sandbox.copy_entries",
        value: KeyType::Count,
        help: "How many files and directories the private copy of a tool's configuration may hold; 100000, unless set.",
    },
    Key {
        name: "sandbox.copy_size",
        value: KeyType::Mebibytes,
        help: "How much the private copy of a tool's configuration may hold; 1024, unless set.",
    },
    Key {
        name: "sandbox.cpus",
        value: KeyType::Processors,
        help: "How many processors a container may use; all, unless set.",
    },
    Key {
        name: "sandbox.engine",
        value: KeyType::Engine,
        help: "Which program runs containers; podman, else docker, as far as they are here, unless set.",
    },
    Key { name: "sandbox.image.KIND", value: KeyType::Text, help: "Another image for that kind, with its tag." },
    Key {
        name: "sandbox.memory",
        value: KeyType::Mebibytes,
        help: "How much memory a container may use; 4096, unless set.",
    },
    Key {
        name: "sandbox.network",
        value: KeyType::Text,
        help: "What a container reaches: default, none, or the name of a network of the engine's.",
    },
    Key {
        name: "sandbox.pids",
        value: KeyType::Count,
        help: "How many processes a container may have; 512, unless set.",
    },
    Key {
        name: "sandbox.volumes",
        value: KeyType::Volumes,
        help: "What containers share beside the workspace, and where it is in them.",
    },
    Key {
        name: "sandbox.writable.KIND",
        value: KeyType::Writable,
        help: "What the tool of that kind may write of its configuration in a container; nothing, unless set.",
    },
    Key {
        name: "state_dir",
        value: KeyType::Path,
        help: "What this machine keeps beside a shared database: which of its processes live, and answers not stored yet.",
    },
    Key {
        name: "usage.cache_ttl.KIND",
        value: KeyType::CacheTtl,
        help: "For how long the provider of that kind keeps a prompt warm, in place of what the kind says.",
    },
    Key {
        name: "usage.interval",
        value: KeyType::Interval,
        help: "How often `usage --watch` asks, in place of what a kind says.",
    },
    Key {
        name: "verify.at_once",
        value: KeyType::Count,
        help: "How many connections are verified at once; 64, unless set.",
    },
    Key {
        name: "verify.per_provider",
        value: KeyType::Count,
        help: "How many connections of one provider are verified at once; 16, unless set.",
    },
];

pub(super) const LOG_LEVELS: [&str; 6] = ["off", "error", "warn", "info", "debug", "trace"];

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
    Error::configuration(format!("{source}: there is no key '{name}'"))
        .remedy(format!("the keys are {}", known.join(", ")))
}
