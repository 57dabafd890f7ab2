//! The kinds as commands know them, without a registry.

use std::path::PathBuf;

use connection_api::Capability;
use connection_contract::{
    Authorizer, Connection, ConnectionDefinition, Descriptor, Input, Kind, Need, ProfileSpec, SandboxSpec, Seat,
};
use connection_core::{Capabilities, KindInfo};

use crate::kinds_directory::Stamps;

/// A kind as its definition describes it, known without opening the registry.
#[derive(Clone, Debug)]
pub(crate) struct KindEntry {
    pub(crate) descriptor: Descriptor,
    /// The places of a request where the credential stands.
    pub(crate) seats: Vec<Seat>,
    pub(crate) send: bool,
    pub(crate) refresh: bool,
    pub(crate) secrets: bool,
    pub(crate) webhooks: bool,
    pub(crate) usage: bool,
    pub(crate) profiles: Option<ProfileSpec>,
    pub(crate) sandbox: Option<SandboxSpec>,
    /// The page on which a person deletes a credential, with the names of fields in place of values that have no
    /// default.
    pub(crate) credential_page: Option<String>,
    /// The address to register at the provider, for a kind of a server to which browsers return.
    pub(crate) redirect_uri: Option<String>,
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
        let descriptor = definition.descriptor();
        let page = definition.credential_page(None, &example(&descriptor));
        Self {
            credential_page: page.map(|page| page.to_string()),
            descriptor,
            seats: definition.authorizer().map_or_else(Vec::new, Authorizer::seats),
            send: definition.authorizer().is_some(),
            refresh: definition.refresher().is_some(),
            secrets: definition.secrets().is_some(),
            webhooks: definition.webhooks().is_some(),
            usage: definition.usage().is_some(),
            profiles: definition.profiles(),
            sandbox: definition.sandbox(),
            redirect_uri: None,
            source: KindSource::Program,
        }
    }

    /// Returns the entry of a kind that the registry has.
    pub(crate) fn of_info(info: KindInfo) -> Self {
        let Capabilities { send, secrets, refresh, webhooks, usage, .. } = info.capabilities;
        Self {
            descriptor: info.descriptor,
            seats: info.seats,
            send,
            refresh: refresh.is_some(),
            secrets,
            webhooks,
            usage,
            profiles: info.profiles,
            sandbox: info.sandbox,
            credential_page: None,
            redirect_uri: None,
            source: KindSource::Program,
        }
    }

    /// Returns the entry of a kind that a server has. Its facets stay there.
    pub(crate) fn of_server(descriptor: Descriptor) -> Self {
        Self {
            descriptor,
            seats: Vec::new(),
            send: false,
            refresh: false,
            secrets: false,
            webhooks: false,
            usage: false,
            profiles: None,
            sandbox: None,
            credential_page: None,
            redirect_uri: None,
            source: KindSource::Program,
        }
    }

    /// Returns the capabilities of connections of the kind, from the facets that it has, and `files` if it needs them.
    pub(crate) fn capabilities(&self) -> Vec<Capability> {
        let present = [
            (Capability::Send, self.send),
            (Capability::Secrets, self.secrets),
            (Capability::Refresh, self.refresh),
            (Capability::Webhooks, self.webhooks),
            (Capability::Usage, self.usage),
            (Capability::Profiles, self.profiles.is_some()),
            (Capability::Sandbox, self.sandbox.is_some()),
            (Capability::Files, self.descriptor.needs.contains(&Need::Files)),
        ];
        present.into_iter().filter(|(_, present)| *present).map(|(name, _)| name).collect()
    }

    /// Returns `true` for a field of the application that a person registers at the provider.
    pub(crate) fn asks_for_application(&self, name: &str) -> bool {
        self.descriptor.fields.iter().any(|field| field.name == name && field.kept.is_some())
    }
}

/// Returns a connection whose public values are the defaults of its fields, or else the names of the fields.
fn example(descriptor: &Descriptor) -> Connection {
    let public = descriptor.fields.iter().filter(|field| field.input != Input::Secret);
    let values = public.map(|field| {
        let name = field.name.to_ascii_uppercase();
        let value = match (&field.default, &field.input) {
            (Some(default), _) => default.to_string(),
            (None, Input::Choice(choices)) => choices.first().map_or(name, |(value, _)| value.to_string()),
            (None, Input::Url) => format!("https://{name}"),
            (None, _) => name,
        };
        (field.name.clone(), value)
    });
    Connection::new("example", "local").with_config(values)
}

/// The kinds that the user's own files describe, as the program read them at its start.
#[derive(Clone, Default)]
pub(crate) struct OwnKindNames {
    pub(crate) kinds: Vec<Kind>,
    /// The kinds of the program itself, which no file replaces.
    pub(crate) built_in: Vec<Kind>,
    pub(crate) stamps: Stamps,
}
