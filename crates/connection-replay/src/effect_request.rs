//! The effects that a plugin requests through its context, and the fingerprints of these requests.
//!
//! A replay compares the fingerprint of each request with the one in the journal. Journals are stored, so the form of a
//! fingerprint never changes after its release: a new form begins with a new version number.

use alloc::{borrow::ToOwned, format, string::String, vec::Vec};

use connection_contract::{
    AddressPurpose, Field, GrantedDirectory, HttpRequest, LoginWindow, Secret, Text, ToolSpec, Wait,
};

/// A part of a host's key-value store. The same key in two parts names two values.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[expect(clippy::exhaustive_enums, reason = "a host must store every part")]
pub enum Part {
    /// Values that are not secret.
    Public,
    /// Secrets of the kind alone.
    Secret,
    /// Secrets that may be sent to these origins, which are sorted and without duplicates.
    Shared(Vec<Text>),
}

impl Part {
    /// Returns the part for secrets that may be sent to these origins.
    pub fn shared(origins: &[Text]) -> Self {
        let mut origins = origins.to_vec();
        origins.sort();
        origins.dedup();
        Self::Shared(origins)
    }

    pub(crate) fn operation(&self, verb: &str) -> String {
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
pub struct WaitEndings {
    /// The wait may end with answers.
    pub answer: bool,
    /// The wait may end with a callback.
    pub callback: bool,
    /// The wait may end because its time passes.
    pub elapsed: bool,
}

impl WaitEndings {
    pub(crate) fn of(wait: &Wait<'_>) -> Self {
        Self { answer: wait.prompt.is_some(), callback: wait.callback.is_some(), elapsed: wait.elapsed.is_some() }
    }
}

/// An effect that a plugin requests.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub enum EffectRequest<'a> {
    /// Allocates an address for a callback.
    Allocate,
    /// Allocates an address for a callback that ends with this part.
    AllocateAt(&'a str),
    /// Reads the cached result for a file.
    Cached {
        /// The granted directory that contains the file.
        root: &'a GrantedDirectory,
        /// The path of the file, relative to the granted directory.
        path: &'a str,
        /// The version of the computation. A cached result of another version is not used.
        version: u32,
    },
    /// Asks whether requests may go to an address that the provider named.
    Discover(&'a str, AddressPurpose),
    /// Looks for a local tool.
    Find(&'a ToolSpec),
    /// Reads a value of the key-value store.
    Get {
        /// `get` for a read through the context, or another verb for a read through a handle that the kind keeps.
        verb: &'a str,
        /// The part of the store that holds the value.
        part: &'a Part,
        /// The key, which is unique within the part.
        key: &'a str,
    },
    /// Lists the entries of a directory.
    List(&'a GrantedDirectory, &'a str),
    /// Drops the cached results of all files but these.
    Prune(&'a GrantedDirectory, &'a [&'a str]),
    /// Writes a value, or deletes it.
    Put {
        /// `put` for a write through the context, or another verb for a write through a handle that the kind keeps.
        verb: &'a str,
        /// The part of the store that holds the value.
        part: &'a Part,
        /// The key, which is unique within the part.
        key: &'a str,
        /// The value to write, or `None` to delete it.
        value: Option<&'a Secret>,
    },
    /// Reads the content of a file.
    Read(&'a GrantedDirectory, &'a str),
    /// Sends a request over HTTP.
    Send(&'a HttpRequest),
    /// Sends a request that spends something, with the key of what it spends.
    SendOnce(&'a HttpRequest, &'a [u8; 32]),
    /// Reads the metadata of a file or directory.
    Stat(&'a GrantedDirectory, &'a str),
    /// Asks a local tool for its version.
    Version(&'a ToolSpec),
    /// Waits for an input or for a time to pass.
    Wait {
        /// The ways in which the wait may end.
        ways: WaitEndings,
        /// The declared fields that its prompt names; empty without a prompt.
        fields: &'a [Field],
        /// Text that stands for the page that a person sees. It is only compared.
        look: &'a str,
    },
    /// Shows a window in which a person logs in.
    Window(&'a LoginWindow),
}
