//! The state that all commands share, also those that talk to a server.

use std::sync::Arc;

use connection_contract::Kind;

use crate::{
    config::{Environment, Settings},
    kind_entry::KindEntry,
    output::Output,
    platform::Interrupts,
};

/// The state that all commands share.
pub(crate) struct Common {
    /// The kinds that are known: those of the program, or those of the server that the command has asked for.
    pub(crate) kinds: Vec<KindEntry>,
    /// The kinds with which a list to choose from begins; the others follow by name.
    pub(crate) usual: &'static [&'static str],
    pub(crate) settings: Arc<Settings>,
    pub(crate) environment: Environment,
    pub(crate) output: Output,
    /// `true` if a person can be asked: standard input and standard error are terminals.
    pub(crate) person: bool,
    pub(crate) interrupts: Interrupts,
}

impl Common {
    /// Returns the kind with this name, if it is known.
    pub(crate) fn known_kind(&self, kind: &Kind) -> Option<&KindEntry> {
        self.kinds.iter().find(|known| known.descriptor.kind == *kind)
    }

    /// Returns the display name of a kind's provider, such as `GitHub`, or the kind itself if it is not known.
    pub(crate) fn provider<'a>(&'a self, kind: &'a Kind) -> &'a str {
        self.known_kind(kind).map_or(kind.as_str(), |known| known.descriptor.display_name.as_str())
    }

    /// Adds kinds that became known later, in place of others with the same name.
    pub(crate) fn learn(&mut self, kinds: impl IntoIterator<Item = KindEntry>) {
        for kind in kinds {
            self.kinds.retain(|known| known.descriptor.kind != kind.descriptor.kind);
            self.kinds.push(kind);
        }
        self.kinds.sort_by(|a, b| a.descriptor.kind.cmp(&b.descriptor.kind));
    }
}
