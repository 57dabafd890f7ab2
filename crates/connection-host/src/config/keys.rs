//! The table of all configuration keys: the name, the type and the description of each, and the setting that its value
//! changes.

use std::collections::BTreeMap;

use connection_agent::SandboxEngine;
use connection_core::RecordedPaths;

use super::{
    Pooler, PrivateAddresses, inbound,
    key::{Key, KeyType},
    tools,
};
use crate::Error;

/// Sets a setting to a value.
fn put<T>(setting: &mut T, value: Result<T, Error>) -> Result<(), Error> {
    *setting = value?;
    Ok(())
}

/// Sets a setting that has no value unless it is configured.
fn set<T>(setting: &mut Option<T>, value: Result<T, Error>) -> Result<(), Error> {
    put(setting, value.map(Some))
}

/// Sets the setting of a kind to a value.
fn insert<T>(settings: &mut BTreeMap<String, T>, kind: String, value: Result<T, Error>) -> Result<(), Error> {
    settings.insert(kind, value?);
    Ok(())
}

/// Returns the name of a variable; `None` for a text that is none.
fn variable_name(text: &str) -> Option<String> {
    // Somebody may have put the key itself in the place of the name.
    let is_key = text.len() >= 43 && !text.contains('_');
    (!text.is_empty() && !text.contains(['=', '\0']) && !is_key).then(|| text.to_owned())
}

/// The levels of the log.
const LOG_LEVELS: [&str; 6] = ["off", "error", "warn", "info", "debug", "trace"];

const RECORDED_PATHS: [(&str, RecordedPaths); 2] =
    [("full", RecordedPaths::Full), ("templates", RecordedPaths::Templates)];

const POOLERS: [(&str, Pooler); 2] = [("session", Pooler::Session), ("transaction", Pooler::Transaction)];

const PRIVATE_ADDRESSES: [(&str, PrivateAddresses); 3] = [
    ("all-owners", PrivateAddresses::AllOwners),
    ("named", PrivateAddresses::Named),
    ("never", PrivateAddresses::Never),
];

/// All configuration keys, by name.
pub const KEYS: &[Key] = &[
    Key {
        name: "couriers",
        value: KeyType::Switch,
        help: "Whether processes of their own send the requests that use up a token, so that a kill of this program loses no answer. Unless set, it is `on`.",
        apply: |to, value| put(&mut to.settings.without_couriers, value.one_of(&[("off", true), ("on", false)])),
    },
    Key {
        name: "data_dir",
        value: KeyType::Path,
        help: "The directory of the database and its key. Unless set, they are kept in different directories.",
        apply: |to, value| put(&mut to.settings.data_directory, value.path()),
    },
    Key {
        name: "database_direct_url",
        value: KeyType::Url,
        help: "The address of the server itself, if database_url is that of a pooler in transaction mode.",
        apply: |to, value| to.secrets.direct.put_text(value),
    },
    Key {
        name: "database_direct_url_file",
        value: KeyType::Path,
        help: "A file, readable by its owner alone, that holds database_direct_url.",
        apply: |to, value| to.secrets.direct.put_file(value),
    },
    Key {
        name: "database_pooler",
        value: KeyType::Pooler,
        help: "The mode of the pooler at database_url. One in session mode needs no database_direct_url.",
        apply: |to, value| set(&mut to.settings.pooler, value.one_of(&POOLERS)),
    },
    Key {
        name: "database_url",
        value: KeyType::Url,
        help: "The database to use instead of the one in the data directory.",
        apply: |to, value| to.secrets.database.put_text(value),
    },
    Key {
        name: "database_url_file",
        value: KeyType::Path,
        help: "A file, readable by its owner alone, that holds database_url.",
        apply: |to, value| to.secrets.database.put_file(value),
    },
    Key {
        name: "events.attention_url",
        value: KeyType::Template,
        help: "The address of your program for a person whose connection needs attention, which `serve` puts into the events about it: https, or http on this machine, with the placeholders `{connection}`, `{owner}` and `{kind}`. Unless set, events have none.",
        apply: |to, value| {
            to.settings.events.attention_url(&value.text()?, value.source)?;
            Ok(())
        },
    },
    Key {
        name: "events.secret",
        value: KeyType::Secret,
        help: "The secret that signs the events that `serve` sends: `whsec_` and the base64 of 24 to 64 random bytes.",
        apply: |to, value| to.settings.events.secret.put_text(value),
    },
    Key {
        name: "events.secret_file",
        value: KeyType::Path,
        help: "A file, readable by its owner alone, that holds events.secret.",
        apply: |to, value| to.settings.events.secret.put_file(value),
    },
    Key {
        name: "events.url",
        value: KeyType::Url,
        help: "The address to which `serve` sends the events of connections: https, or http on this machine. Unless set, it sends none.",
        apply: |to, value| {
            to.settings.events.url(value.text()?, value.source);
            Ok(())
        },
    },
    Key {
        name: "files.allow",
        value: KeyType::Directories,
        help: "Directories below which a person may grant access. Unless set, the owner `local` may grant any, and other owners none. The directories of this program are always excluded.",
        apply: |to, value| put(&mut to.settings.files, value.list(|path, source| Some(source.path(path)))),
    },
    Key {
        name: "http.endpoints",
        value: KeyType::Origins,
        help: "Sends requests for one origin to another one.",
        apply: |to, value| {
            put(&mut to.settings.endpoints, value.table(|from, to, _| Some((from.to_owned(), to.to_owned()))))
        },
    },
    Key {
        name: "http.private_addresses",
        value: KeyType::PrivateAddresses,
        help: "Who may connect to private addresses that they name: `all-owners`, `never`, or, unless set, the owner `local` alone.",
        apply: |to, value| put(&mut to.settings.private_addresses, value.one_of(&PRIVATE_ADDRESSES)),
    },
    Key {
        name: "http.proxy",
        value: KeyType::Url,
        help: "The proxy for requests to providers. Unless set, there is none.",
        apply: |to, value| to.secrets.proxy.put_text(value),
    },
    Key {
        name: "http.proxy_file",
        value: KeyType::Path,
        help: "A file, readable by its owner alone, that holds http.proxy.",
        apply: |to, value| to.secrets.proxy.put_file(value),
    },
    Key {
        name: "http.root_certificate",
        value: KeyType::Path,
        help: "A PEM file of certificates to trust in addition to the system's, such as those of a company or a device.",
        apply: |to, value| set(&mut to.settings.root_certificate, value.path()),
    },
    Key {
        name: "http.timeout",
        value: KeyType::Seconds,
        help: "The time limit of a request to a provider. Unless set, it is 15 seconds, and 20 for a request that uses up a token or code.",
        apply: |to, value| set(&mut to.settings.timeout, value.seconds(1, 600)),
    },
    Key {
        name: "inbound.connections_per_peer",
        value: KeyType::Count,
        help: "The number of open connections to `serve` from each address of another machine. Unless set, it is 32 for each address of the Internet.",
        apply: |to, value| set(&mut to.settings.inbound.connections_per_peer, value.count()),
    },
    Key {
        name: "inbound.doors_url",
        value: KeyType::PublicUrl,
        help: "The URL at which agents reach the doors, with another host name or port than the page. Unless set, the doors are below the URL of the page.",
        apply: |to, value| {
            set(
                &mut to.settings.inbound.doors_url,
                value.text().and_then(|url| inbound::doors_url(&url, &value.source.name)),
            )
        },
    },
    Key {
        name: "inbound.listen",
        value: KeyType::Address,
        help: "The address on which `serve` listens. Unless set, it is 127.0.0.1:8745.",
        apply: |to, value| set(&mut to.settings.inbound.listen, value.parsed()),
    },
    Key {
        name: "inbound.local_name",
        value: KeyType::LocalName,
        help: "The name of this machine in the address of the page, without `inbound.public_url`. Requests for the page and for callbacks that name it otherwise are redirected. Unless set, it is 127.0.0.1.",
        apply: |to, value| set(&mut to.settings.inbound.local_name, value.parsed()),
    },
    Key {
        name: "inbound.loopback_port",
        value: KeyType::Port,
        help: "The port for browsers that return to this machine. Unless set, it is any free port.",
        apply: |to, value| set(&mut to.settings.inbound.loopback_port, value.number(1, u16::MAX.into())),
    },
    Key {
        name: "inbound.public_url",
        value: KeyType::PublicUrl,
        help: "The URL at which browsers and providers reach `serve`. Unless set, only this machine reaches it.",
        apply: |to, value| {
            set(
                &mut to.settings.inbound.public_url,
                value.text().and_then(|url| inbound::public_url(&url, &value.source.name)),
            )
        },
    },
    Key {
        name: "inbound.requests_per_minute",
        value: KeyType::Count,
        help: "The number of requests that an access token may send to `serve` in a minute. Unless set, it is 6000.",
        apply: |to, value| set(&mut to.settings.inbound.requests_per_minute, value.count()),
    },
    Key {
        name: "inbound.stop_delay",
        value: KeyType::Seconds,
        help: "The seconds for which `serve` still takes requests after it was asked to stop, while `/readyz` answers 503. Unless set, it stops to listen at once.",
        apply: |to, value| put(&mut to.settings.inbound.stop_delay, value.seconds(1, 600)),
    },
    Key {
        name: "inbound.tls_certificate",
        value: KeyType::Path,
        help: "A PEM file of the certificate with which `serve` speaks TLS, and of its authorities. Unless set, `serve` speaks HTTP.",
        apply: |to, value| set(&mut to.settings.inbound.tls_certificate, value.path()),
    },
    Key {
        name: "inbound.tls_key",
        value: KeyType::Path,
        help: "A PEM file, readable by its owner alone, that holds the private key of inbound.tls_certificate.",
        apply: |to, value| set(&mut to.settings.inbound.tls_key, value.path()),
    },
    Key {
        name: "inbound.trusted_proxies",
        value: KeyType::Networks,
        help: "The networks of the proxies before `serve`. From them alone, the rightmost address of X-Forwarded-For that is in none of them is the peer of a request. Unless set, there is none.",
        apply: |to, value| put(&mut to.settings.inbound.trusted_proxies, value.list(|network, _| network.parse().ok())),
    },
    Key {
        name: "inbound.unencrypted_url",
        value: KeyType::UnencryptedUrl,
        help: "The URL at which devices of a private network reach `serve` without encryption, instead of `inbound.public_url`. Unless set, there is none.",
        apply: |to, value| {
            set(
                &mut to.settings.inbound.unencrypted_url,
                value.text().and_then(|url| inbound::unencrypted_url(&url, &value.source.name)),
            )
        },
    },
    Key {
        name: "inbound.unix_socket",
        value: KeyType::Path,
        help: "The path of a Unix socket at which `serve` also opens the doors, in a directory of its own. Unless set, there is none.",
        apply: |to, value| set(&mut to.settings.inbound.unix_socket, value.path()),
    },
    Key {
        name: "key.command",
        value: KeyType::Command,
        help: "A command that prints the key: 32 bytes, raw, in base64 or in hexadecimal.",
        apply: |to, value| set(&mut to.settings.key.command, value.command()),
    },
    Key {
        name: "key.file",
        value: KeyType::Path,
        help: "The file of the key, instead of the usual one.",
        apply: |to, value| set(&mut to.settings.key.file, value.path()),
    },
    Key {
        name: "key.passphrase_file",
        value: KeyType::Path,
        help: "A file, readable by its owner alone, that holds the passphrase. Unless set, the passphrase is asked for at the terminal.",
        apply: |to, value| set(&mut to.settings.key.passphrase_file, value.path()),
    },
    Key {
        name: "key.source",
        value: KeyType::KeySource,
        help: "The source of the key. Required if several are configured.",
        apply: |to, value| set(&mut to.settings.key.source, value.parsed()),
    },
    Key {
        name: "key.unwrap",
        value: KeyType::Command,
        help: "A command that unwraps what `key.wrap` wrapped.",
        apply: |to, value| set(&mut to.settings.key.unwrap, value.command()),
    },
    Key {
        name: "key.variable",
        value: KeyType::Variable,
        help: "The environment variable that holds the key: 32 bytes in base64 or in hexadecimal.",
        apply: |to, value| {
            set(&mut to.settings.key.variable, value.text().and_then(|text| value.valid(variable_name(&text))))
        },
    },
    Key {
        name: "key.variables",
        value: KeyType::Variables,
        help: "The variables that key.command, key.wrap and key.unwrap receive, besides PATH, HOME and similar ones.",
        apply: |to, value| put(&mut to.settings.key.variables, value.list(|name, _| variable_name(name))),
    },
    Key {
        name: "key.wrap",
        value: KeyType::Command,
        help: "A command that wraps the key, such as one of a key management service. Requires `key.unwrap`.",
        apply: |to, value| set(&mut to.settings.key.wrap, value.command()),
    },
    Key {
        name: "kinds.KIND.client_id",
        value: KeyType::Text,
        help: "The client id of your OAuth application for that kind. Setups then do not ask for it.",
        apply: |to, value| to.application(value).put_id(value),
    },
    Key {
        name: "kinds.KIND.client_secret",
        value: KeyType::Secret,
        help: "The secret of that application.",
        apply: |to, value| to.application(value).put_secret(value),
    },
    Key {
        name: "kinds.KIND.client_secret_file",
        value: KeyType::Path,
        help: "A file, readable by its owner alone, that holds the secret. It is read at each use.",
        apply: |to, value| to.application(value).put_secret_file(value),
    },
    Key {
        name: "log",
        value: KeyType::Level,
        help: "The level of what is logged to standard error. Unless set, commands log nothing, and `serve` logs its start and end, warnings, and each loss and recovery of the database or a provider.",
        apply: |to, value| {
            set(&mut to.settings.log, value.one_of(&LOG_LEVELS.map(|level| (level, level))).map(str::to_owned))
        },
    },
    Key {
        name: "log_format",
        value: KeyType::LogFormat,
        help: "The form of a line of the log: `json` for an object with a member for each field. Unless set, it is `text`.",
        apply: |to, value| put(&mut to.settings.logs_json, value.one_of(&[("json", true), ("text", false)])),
    },
    Key {
        name: "oauth.client_metadata_url",
        value: KeyType::Url,
        help: "The https address of a document that describes this program as an OAuth application, for a machine without `inbound.public_url`. Its one redirect address is that of the kind `mcp`. It is used with authorization servers that take such documents and name themselves in their answers.",
        apply: |to, value| set(&mut to.settings.client_metadata, value.text()),
    },
    Key {
        name: "owner",
        value: KeyType::Text,
        help: "The owner to act for. Unless set, it is `local`.",
        apply: |to, value| set(&mut to.settings.owner, value.text()),
    },
    Key {
        name: "page.accent",
        value: KeyType::Colour,
        help: "The colour of this host, for the page of a setup link.",
        apply: |to, value| set(&mut to.settings.page.accent, value.parsed()),
    },
    Key {
        name: "page.logo",
        value: KeyType::Path,
        help: "The file of the logo that the page of a setup link shows: a PNG, JPEG, GIF, WebP or SVG image of at most 64 KiB.",
        apply: |to, value| set(&mut to.settings.page.logo, value.path()),
    },
    Key {
        name: "page.name",
        value: KeyType::Text,
        help: "The name of this host, for the page of a setup link.",
        apply: |to, value| set(&mut to.settings.page.name, value.text()),
    },
    Key {
        name: "page.return_addresses",
        value: KeyType::Addresses,
        help: "The addresses to which a setup link may lead its visitor at the end, and whose pages may send their users to a setup with a form. Unless set, there is none.",
        apply: |to, value| put(&mut to.settings.page.return_addresses, value.list(|address, _| address.parse().ok())),
    },
    Key {
        name: "approvals.expire_after",
        value: KeyType::Period,
        help: "The time for which a request about which a person is asked may be sent: 7 days at most. Unless set, it is 10 minutes.",
        apply: |to, value| set(&mut to.settings.record.approvals_expire, value.period()),
    },
    Key {
        name: "record.keep",
        value: KeyType::Period,
        help: "The time after which `serve` erases what entries of the record of use say. Unless set, they are kept.",
        apply: |to, value| set(&mut to.settings.record.keep, value.period()),
    },
    Key {
        name: "record.paths",
        value: KeyType::RecordedPaths,
        help: "What the record of use says about the path of a request: the path itself, or that of the rule that decided (`templates`). Unless set, it is `full`.",
        apply: |to, value| put(&mut to.settings.record.paths, value.one_of(&RECORDED_PATHS)),
    },
    Key {
        name: "sandbox.copy_entries",
        value: KeyType::Count,
        help: "The number of files and directories that the private copy of a tool's configuration may hold. Unless set, it is 100000.",
        apply: |to, value| set(&mut to.settings.sandbox.copy_entries, value.count()),
    },
    Key {
        name: "sandbox.copy_size",
        value: KeyType::Mebibytes,
        help: "The size that the private copy of a tool's configuration may have, in MiB. Unless set, it is 1024.",
        apply: |to, value| set(&mut to.settings.sandbox.copy_bytes, value.mebibytes()),
    },
    Key {
        name: "sandbox.cpus",
        value: KeyType::Processors,
        help: "The number of processors that a container may use. Unless set, it may use all.",
        apply: |to, value| set(&mut to.settings.sandbox.cpus, value.valid(tools::thousandths(&value.toml))),
    },
    Key {
        name: "sandbox.engine",
        value: KeyType::Engine,
        help: "The program that runs containers. Unless set, it is podman if that is installed, else docker.",
        apply: |to, value| {
            set(
                &mut to.settings.sandbox.engine,
                value.one_of(&[("docker", SandboxEngine::Docker), ("podman", SandboxEngine::Podman)]),
            )
        },
    },
    Key {
        name: "sandbox.image.KIND",
        value: KeyType::Text,
        help: "The image to use for that kind, with its tag.",
        apply: |to, value| insert(&mut to.settings.sandbox.images, value.kind(), value.text()),
    },
    Key {
        name: "sandbox.memory",
        value: KeyType::Mebibytes,
        help: "The memory that a container may use, in MiB. Unless set, it is 4096.",
        apply: |to, value| set(&mut to.settings.sandbox.memory, value.mebibytes()),
    },
    Key {
        name: "sandbox.network",
        value: KeyType::Text,
        help: "The network of a container: `default`, `none`, or the name of a network of the engine.",
        apply: |to, value| set(&mut to.settings.sandbox.network, value.text().map(tools::network)),
    },
    Key {
        name: "sandbox.pids",
        value: KeyType::Count,
        help: "The number of processes that a container may have. Unless set, it is 512.",
        apply: |to, value| set(&mut to.settings.sandbox.pids, value.count()),
    },
    Key {
        name: "sandbox.volumes",
        value: KeyType::Volumes,
        help: "Further directories of this machine that containers see, and their paths in the container.",
        apply: |to, value| put(&mut to.settings.sandbox.volumes, value.table(tools::volume)),
    },
    Key {
        name: "sandbox.writable.KIND",
        value: KeyType::Writable,
        help: "The part of its configuration that the tool of that kind may write in a container. Unless set, it may write nothing.",
        apply: |to, value| {
            insert(&mut to.settings.sandbox.writable, value.kind(), value.valid(tools::writable(&value.toml)))
        },
    },
    Key {
        name: "state_dir",
        value: KeyType::Path,
        help: "The directory for what this machine keeps beside a shared database: signs of life of its processes, and answers that are not stored yet.",
        apply: |to, value| set(&mut to.settings.state, value.path()),
    },
    Key {
        name: "usage.cache_ttl.KIND",
        value: KeyType::CacheTtl,
        help: "The time for which the provider of that kind caches a prompt, instead of the kind's own.",
        apply: |to, value| insert(&mut to.settings.usage.cache_ttls, value.kind(), tools::cache_ttl(value)),
    },
    Key {
        name: "usage.interval",
        value: KeyType::Interval,
        help: "The interval at which `usage --watch` asks, instead of each kind's own.",
        apply: |to, value| set(&mut to.settings.usage.interval, tools::interval(value)),
    },
    Key {
        name: "verify.at_once",
        value: KeyType::Count,
        help: "The number of connections that are verified at once. Unless set, it is 64.",
        apply: |to, value| set(&mut to.settings.verify.at_once, value.count()),
    },
    Key {
        name: "verify.per_provider",
        value: KeyType::Count,
        help: "The number of connections of one provider that are verified at once. Unless set, it is 16.",
        apply: |to, value| set(&mut to.settings.verify.per_provider, value.count()),
    },
];
