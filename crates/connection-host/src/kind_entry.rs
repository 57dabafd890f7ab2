//! The kinds as commands know them, without a registry.

use std::path::PathBuf;

use connection_contract::{ConnectionDefinition, Descriptor, Kind, ProfileSpec, SandboxSpec};
use connection_core::{Capabilities, KindInfo};

use crate::kinds_directory::Stamps;

/// A kind as its definition describes it, known without opening the registry.
#[derive(Clone, Debug)]
pub(crate) struct KindEntry {
    pub(crate) descriptor: Descriptor,
    pub(crate) send: bool,
    pub(crate) refresh: bool,
    pub(crate) secrets: bool,
    pub(crate) webhooks: bool,
    pub(crate) usage: bool,
    pub(crate) profiles: Option<ProfileSpec>,
    pub(crate) sandbox: Option<SandboxSpec>,
    pub(crate) source: KindSource,
}

/// The source of a kind.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum KindSource {
    /// A file that is embedded in the program.
    Catalogue,
    /// A file in the directory of the user's own kinds.
    File(PathBuf),
    /// A plugin that is compiled into the program.
    Program,
}

impl KindEntry {
    pub(crate) fn of(definition: &impl ConnectionDefinition) -> Self {
        Self {
            descriptor: definition.descriptor(),
            send: definition.authorizer().is_some(),
            refresh: definition.refresher().is_some(),
            secrets: definition.secrets().is_some(),
            webhooks: definition.webhooks().is_some(),
            usage: definition.usage().is_some(),
            profiles: definition.profiles(),
            sandbox: definition.sandbox(),
            source: KindSource::Program,
        }
    }

    /// Returns the entry of a kind that the registry has.
    pub(crate) fn of_info(info: KindInfo) -> Self {
        let Capabilities { send, secrets, refresh, webhooks, usage, .. } = info.capabilities;
        Self {
            descriptor: info.descriptor,
            send,
            refresh: refresh.is_some(),
            secrets,
            webhooks,
            usage,
            profiles: info.profiles,
            sandbox: info.sandbox,
            source: KindSource::Program,
        }
    }

    /// Returns the entry of a kind that a server has. Its facets stay there.
    pub(crate) fn of_server(descriptor: Descriptor) -> Self {
        Self {
            descriptor,
            send: false,
            refresh: false,
            secrets: false,
            webhooks: false,
            usage: false,
            profiles: None,
            sandbox: None,
            source: KindSource::Program,
        }
    }

    /// Returns `true` for a field of the application that a person registers at the provider.
    pub(crate) fn asks_for_application(&self, name: &str) -> bool {
        self.descriptor.fields.iter().any(|field| field.name == name && field.kept.is_some())
    }
}

/// The kinds that the user's own files describe, as the program read them at its start.
#[derive(Clone)]
pub(crate) struct OwnKindNames {
    pub(crate) kinds: Vec<Kind>,
    /// The kinds of the program itself, which no file replaces.
    pub(crate) built_in: Vec<Kind>,
    pub(crate) stamps: Stamps,
}
