//! The configuration keys. They are a contract, see `docs/spec/words.md`.

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
    /// The number of a TCP port on this machine.
    Port,
    /// The private addresses that users may reach.
    PrivateAddresses,
    /// A number of processors, which may be fractional.
    Processors,
    /// The public URL of this host: with TLS, or on this machine.
    PublicUrl,
    /// A secret, which no output shows.
    Secret,
    /// A duration in whole seconds.
    Seconds,
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
            Self::Port => "a port from 1 to 65535",
            Self::PrivateAddresses => "one of: named, all-owners, never",
            Self::Processors => "a number of processors from 0.01 to 4096, as in 1.5",
            Self::PublicUrl => "an https address, or an http address of this machine",
            Self::Secret => "a secret",
            Self::Seconds => "a number of seconds from 1 to 600",
            Self::Template => "an address with placeholders",
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
        help: "The directory of the database and its key. Unless set, they are kept in different directories.",
    },
    Key {
        name: "database_direct_url",
        value: KeyType::Url,
        help: "The address of the server itself, if database_url is that of a pooler in transaction mode.",
    },
    Key {
        name: "database_direct_url_file",
        value: KeyType::Path,
        help: "A file, readable by its owner alone, that holds database_direct_url.",
    },
    Key {
        name: "database_url",
        value: KeyType::Url,
        help: "The database to use instead of the one in the data directory.",
    },
    Key {
        name: "database_url_file",
        value: KeyType::Path,
        help: "A file, readable by its owner alone, that holds database_url.",
    },
    Key {
        name: "events.attention_url",
        value: KeyType::Template,
        help: "The address of your program for a person whose connection needs attention, which `serve` puts into the events about it: https, or http on this machine, with the placeholders `{connection}`, `{owner}` and `{kind}`. Unless set, events have none.",
    },
    Key {
        name: "events.secret",
        value: KeyType::Secret,
        help: "The secret that signs the events that `serve` sends: `whsec_` and the base64 of 24 to 64 random bytes.",
    },
    Key {
        name: "events.secret_file",
        value: KeyType::Path,
        help: "A file, readable by its owner alone, that holds events.secret.",
    },
    Key {
        name: "events.url",
        value: KeyType::Url,
        help: "The address to which `serve` sends the events of connections: https, or http on this machine. Unless set, it sends none.",
    },
    Key {
        name: "files.allow",
        value: KeyType::Directories,
        help: "Directories below which a person may grant access. Unless set, the owner `local` may grant any, and other owners none. The directories of this program are always excluded.",
    },
    Key { name: "http.endpoints", value: KeyType::Origins, help: "Sends requests for one origin to another one." },
    Key {
        name: "http.private_addresses",
        value: KeyType::PrivateAddresses,
        help: "Who may connect to private addresses that they name: `all-owners`, `never`, or, unless set, the owner `local` alone.",
    },
    Key {
        name: "http.proxy",
        value: KeyType::Url,
        help: "The proxy for requests to providers. Unless set, there is none.",
    },
    Key {
        name: "http.proxy_file",
        value: KeyType::Path,
        help: "A file, readable by its owner alone, that holds http.proxy.",
    },
    Key {
        name: "http.root_certificate",
        value: KeyType::Path,
        help: "A PEM file of certificates to trust in addition to the system's, such as those of a company or a device.",
    },
    Key {
        name: "http.timeout",
        value: KeyType::Seconds,
        help: "The time limit of a request to a provider. Unless set, it is 15 seconds, and 20 for a request that uses up a token or code.",
    },
    Key {
        name: "inbound.connections_per_peer",
        value: KeyType::Count,
        help: "The number of open connections to `serve` from each address of another machine. Unless set, it is 32 for each address of the Internet.",
    },
    Key {
        name: "inbound.listen",
        value: KeyType::Address,
        help: "The address on which `serve` listens. Unless set, it is 127.0.0.1:8745.",
    },
    Key {
        name: "inbound.local_name",
        value: KeyType::LocalName,
        help: "The name of this machine in the address of the page, without `inbound.public_url`. Requests for the page and for callbacks that name it otherwise are redirected. Unless set, it is 127.0.0.1.",
    },
    Key {
        name: "inbound.loopback_port",
        value: KeyType::Port,
        help: "The port for browsers that return to this machine. Unless set, it is any free port.",
    },
    Key {
        name: "inbound.public_url",
        value: KeyType::PublicUrl,
        help: "The URL at which browsers and providers reach `serve`. Unless set, only this machine reaches it.",
    },
    Key {
        name: "inbound.requests_per_minute",
        value: KeyType::Count,
        help: "The number of requests that an access token may send to `serve` in a minute. Unless set, it is 6000.",
    },
    Key {
        name: "inbound.stop_delay",
        value: KeyType::Seconds,
        help: "The seconds for which `serve` still takes requests after it was asked to stop, while `/readyz` answers 503. Unless set, it stops to listen at once.",
    },
    Key {
        name: "inbound.tls_certificate",
        value: KeyType::Path,
        help: "A PEM file of the certificate with which `serve` speaks TLS, and of its authorities. Unless set, `serve` speaks HTTP.",
    },
    Key {
        name: "inbound.tls_key",
        value: KeyType::Path,
        help: "A PEM file, readable by its owner alone, that holds the private key of inbound.tls_certificate.",
    },
    Key {
        name: "inbound.trusted_proxies",
        value: KeyType::Networks,
        help: "The networks of the proxies before `serve`. From them alone, the rightmost address of X-Forwarded-For that is in none of them is the peer of a request. Unless set, there is none.",
    },
    Key {
        name: "inbound.unencrypted_url",
        value: KeyType::UnencryptedUrl,
        help: "The URL at which devices of a private network reach `serve` without encryption, instead of `inbound.public_url`. Unless set, there is none.",
    },
    Key {
        name: "key.command",
        value: KeyType::Command,
        help: "A command that prints the key: 32 bytes, raw, in base64 or in hexadecimal.",
    },
    Key { name: "key.file", value: KeyType::Path, help: "The file of the key, instead of the usual one." },
    Key {
        name: "key.passphrase_file",
        value: KeyType::Path,
        help: "A file, readable by its owner alone, that holds the passphrase. Unless set, the passphrase is asked for at the terminal.",
    },
    Key {
        name: "key.source",
        value: KeyType::KeySource,
        help: "The source of the key. Required if several are configured.",
    },
    Key { name: "key.unwrap", value: KeyType::Command, help: "A command that unwraps what `key.wrap` wrapped." },
    Key {
        name: "key.variable",
        value: KeyType::Variable,
        help: "The environment variable that holds the key: 32 bytes in base64 or in hexadecimal.",
    },
    Key {
        name: "key.wrap",
        value: KeyType::Command,
        help: "A command that wraps the key, such as one of a key management service. Requires `key.unwrap`.",
    },
    Key {
        name: "kinds.KIND.client_id",
        value: KeyType::Text,
        help: "The client id of your OAuth application for that kind. Setups then do not ask for it.",
    },
    Key { name: "kinds.KIND.client_secret", value: KeyType::Secret, help: "The secret of that application." },
    Key {
        name: "kinds.KIND.client_secret_file",
        value: KeyType::Path,
        help: "A file, readable by its owner alone, that holds the secret. It is read at each use.",
    },
    Key {
        name: "log",
        value: KeyType::Level,
        help: "The level of what is logged to standard error. Unless set, commands log nothing, and `serve` logs its start and end, warnings, and each loss and recovery of the database or a provider.",
    },
    Key {
        name: "log_format",
        value: KeyType::LogFormat,
        help: "The form of a line of the log: `json` for an object with a member for each field. Unless set, it is `text`.",
    },
    Key { name: "owner", value: KeyType::Text, help: "The owner to act for. Unless set, it is `local`." },
    Key { name: "page.accent", value: KeyType::Colour, help: "The colour of this host, for the page of a setup link." },
    Key {
        name: "page.logo",
        value: KeyType::Path,
        help: "The file of the logo that the page of a setup link shows: a PNG, JPEG, GIF, WebP or SVG image of at most 64 KiB.",
    },
    Key { name: "page.name", value: KeyType::Text, help: "The name of this host, for the page of a setup link." },
    Key {
        name: "page.return_addresses",
        value: KeyType::Addresses,
        help: "The addresses to which a setup link may lead its visitor at the end, and whose pages may send their users to a setup with a form. Unless set, there is none.",
    },
    Key {
        name: "sandbox.copy_entries",
        value: KeyType::Count,
        help: "The number of files and directories that the private copy of a tool's configuration may hold. Unless set, it is 100000.",
    },
    Key {
        name: "sandbox.copy_size",
        value: KeyType::Mebibytes,
        help: "The size that the private copy of a tool's configuration may have, in MiB. Unless set, it is 1024.",
    },
    Key {
        name: "sandbox.cpus",
        value: KeyType::Processors,
        help: "The number of processors that a container may use. Unless set, it may use all.",
    },
    Key {
        name: "sandbox.engine",
        value: KeyType::Engine,
        help: "The program that runs containers. Unless set, it is podman if that is installed, else docker.",
    },
    Key { name: "sandbox.image.KIND", value: KeyType::Text, help: "The image to use for that kind, with its tag." },
    Key {
        name: "sandbox.memory",
        value: KeyType::Mebibytes,
        help: "The memory that a container may use, in MiB. Unless set, it is 4096.",
    },
    Key {
        name: "sandbox.network",
        value: KeyType::Text,
        help: "The network of a container: `default`, `none`, or the name of a network of the engine.",
    },
    Key {
        name: "sandbox.pids",
        value: KeyType::Count,
        help: "The number of processes that a container may have. Unless set, it is 512.",
    },
    Key {
        name: "sandbox.volumes",
        value: KeyType::Volumes,
        help: "Further directories of this machine that containers see, and their paths in the container.",
    },
    Key {
        name: "sandbox.writable.KIND",
        value: KeyType::Writable,
        help: "The part of its configuration that the tool of that kind may write in a container. Unless set, it may write nothing.",
    },
    Key {
        name: "state_dir",
        value: KeyType::Path,
        help: "The directory for what this machine keeps beside a shared database: signs of life of its processes, and answers that are not stored yet.",
    },
    Key {
        name: "usage.cache_ttl.KIND",
        value: KeyType::CacheTtl,
        help: "The time for which the provider of that kind caches a prompt, instead of the kind's own.",
    },
    Key {
        name: "usage.interval",
        value: KeyType::Interval,
        help: "The interval at which `usage --watch` asks, instead of each kind's own.",
    },
    Key {
        name: "verify.at_once",
        value: KeyType::Count,
        help: "The number of connections that are verified at once. Unless set, it is 64.",
    },
    Key {
        name: "verify.per_provider",
        value: KeyType::Count,
        help: "The number of connections of one provider that are verified at once. Unless set, it is 16.",
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
    Error::configuration(format!("{source}: unknown key '{name}'")).remedy(format!("the keys are {}", known.join(", ")))
}
