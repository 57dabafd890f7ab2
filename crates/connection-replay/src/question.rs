//! The questions that a plugin asks through its context, and their fingerprints.
//!
//! A replay compares the fingerprint of each question with the one in the journal. Journals are stored, so a fingerprint
//! never changes once it is released: another form gets another number at its beginning.

use alloc::{borrow::ToOwned, format, string::String, vec::Vec};

use connection_contract::{Field, HttpRequest, LoginWindow, Root, Secret, Text, ToolSpec, Wait, encode};

use crate::Host;

/// The part of a host's key-value store that a value belongs to. The parts do not share keys.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[expect(clippy::exhaustive_enums, reason = "a host must store every part")]
pub enum Part {
    /// Values that are no secrets.
    Public,
    /// Secrets of the kind.
    Secret,
    /// Secrets that may be sent to these origins, sorted and without duplicates.
    Shared(Vec<Text>),
}

impl Part {
    /// The part for secrets that may be sent to these origins.
    pub fn shared(origins: &[Text]) -> Self {
        let mut origins = origins.to_vec();
        origins.sort();
        origins.dedup();
        Self::Shared(origins)
    }

    fn operation(&self, verb: &str) -> String {
        match self {
            Self::Public => verb.to_owned(),
            Self::Secret => format!("{verb} secret"),
            Self::Shared(origins) => format!("{verb} shared {}", origins.join(" ")),
        }
    }
}

/// The ways in which a wait may end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Ways {
    /// It may end with answers.
    pub answer: bool,
    /// It may end with a callback.
    pub callback: bool,
    /// It may end by itself.
    pub elapsed: bool,
}

impl Ways {
    pub(crate) fn of(wait: &Wait<'_>) -> Self {
        Self { answer: wait.prompt.is_some(), callback: wait.callback.is_some(), elapsed: wait.elapsed.is_some() }
    }
}

/// One question of a plugin.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub enum Question<'a> {
    /// Allocates an address for a callback.
    Allocate,
    /// Reads what was made of a file.
    Cached {
        /// The directory.
        root: &'a Root,
        /// The path below it.
        path: &'a str,
        /// The version of what is made.
        version: u32,
    },
    /// Looks for a local tool.
    Find(&'a ToolSpec),
    /// Reads a value.
    Get {
        /// `get`, or another verb for a handle that is not the context's.
        verb: &'a str,
        /// The part of the store.
        part: &'a Part,
        /// The key.
        key: &'a str,
    },
    /// Lists a directory.
    List(&'a Root, &'a str),
    /// Drops what was made of files that are gone.
    Prune(&'a Root, &'a [&'a str]),
    /// Writes a value, or deletes it.
    Put {
        /// `put`, or another verb for a handle that is not the context's.
        verb: &'a str,
        /// The part of the store.
        part: &'a Part,
        /// The key.
        key: &'a str,
        /// The value to write.
        value: Option<&'a Secret>,
    },
    /// Reads a file.
    Read(&'a Root, &'a str),
    /// Sends a request.
    Send(&'a HttpRequest),
    /// Sends a request that spends something, by the key of what it spends.
    SendOnce(&'a HttpRequest, &'a [u8; 32]),
    /// Looks at a file.
    Stat(&'a Root, &'a str),
    /// Asks a local tool for its version.
    Version(&'a ToolSpec),
    /// Waits.
    Wait {
        /// How the wait may end.
        ways: Ways,
        /// The fields of its prompt.
        fields: &'a [Field],
        /// What a person sees, as text that is only compared.
        look: &'a str,
    },
    /// Shows a window to log in.
    Window(&'a LoginWindow),
}

impl Question<'_> {
    /// Returns the fingerprint, which holds no secret.
    pub fn fingerprint(&self, host: &impl Host) -> String {
        let hash = |text: &str| encode::hex(&host.digest(text.as_bytes()));
        // A signature counts as what it signs: made again in a replay, it may be another one.
        let settled = |bytes: &[u8]| encode::hex(&host.digest(host.settled(bytes).expose()));
        let at =
            |name: &str, root: &Root, path: &str| format!("1 {name} {}", hash(&format!("{}\0{path}", root.as_str())));
        let tool = |name: &str, tool: &ToolSpec| {
            format!("1 {name} {}", hash(&format!("{}\0{}", tool.binary, tool.version_form.argument())))
        };
        match *self {
            Self::Allocate => "1 allocate".to_owned(),
            Self::Cached { root, path, version } => format!("{} {version}", at("cached", root, path)),
            Self::Find(spec) => tool("find", spec),
            Self::Get { verb, part, key } => format!("1 {} {} -", part.operation(verb), hash(key)),
            Self::List(root, path) => at("list", root, path),
            Self::Prune(root, live) => at("prune", root, &live.join("\0")),
            Self::Put { verb, part, key, value } => {
                let value = value.map_or_else(|| "-".to_owned(), |value| settled(value.expose()));
                format!("1 {} {} {value}", part.operation(verb), hash(key))
            }
            Self::Read(root, path) => at("read", root, path),
            Self::Send(request) => {
                let (url, body) = (settled(request.url().as_bytes()), settled(request.body.expose()));
                format!("1 send {} {url} {body}", request.method)
            }
            // Not the body: the key of what it spends tells it from other requests.
            Self::SendOnce(request, key) => {
                let url = settled(request.url().as_bytes());
                format!("1 send_once {} {url} {}", request.method, encode::hex(key))
            }
            Self::Stat(root, path) => at("stat", root, path),
            Self::Version(spec) => tool("version", spec),
            // Names and ways only: a corrected label or interval must not end the sessions that are under way.
            Self::Wait { ways: Ways { answer, callback, elapsed }, fields, .. } => {
                let names: Vec<_> = fields.iter().map(|field| &*field.name).collect();
                format!("1 wait {:?} {}", (answer, callback, elapsed), names.join(" "))
            }
            Self::Window(window) => {
                let parts = [window.link.as_str(), &*window.cookie_name, &*window.cookie_domain, &*window.partition];
                format!("1 window {} -", hash(&parts.join("\0")))
            }
        }
    }
}
