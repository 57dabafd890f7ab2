//! The kinds. Those that serve every owner are registered, and are in memory only: a program registers its plugins again
//! at each start. A host may also name kinds that are read when they are first used. Those that belong to one owner are
//! made from what the owner stored, when they are used.

mod check;
mod on_demand;
mod own;
mod secret_names;
mod terms;

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use connection_contract::{AuthType, Descriptor, Field, Input, Kind, ProfileSpec, SandboxSpec, Seat, SigningKey};
use connection_replay::descriptor::Checked;
use tokio::task::AbortHandle;

use crate::{Capabilities, definition::Definition};

pub(crate) use check::check;
pub(crate) use on_demand::Reader as KindReader;
pub use own::{OwnKind, OwnKinds};
pub(crate) use own::{OwnTable, own_provider};
pub(crate) use secret_names::held_name;
pub(crate) use terms::{AgreedTexts, Agreement, Terms, digest as terms_digest};

/// A registered kind, as it is shown to people and programs.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct KindInfo {
    /// The descriptor that the plugin returned.
    pub descriptor: Descriptor,
    /// The places of a request where the credential stands.
    pub seats: Vec<Seat>,
    /// The capabilities of the plugin, such as refresh and webhooks.
    pub capabilities: Capabilities,
    /// The specification of isolated identities of the kind's tool.
    pub profiles: Option<ProfileSpec>,
    /// The specification of containers for the kind's tool.
    pub sandbox: Option<SandboxSpec>,
    /// The interval at which the plugin recommends to fetch usage.
    pub usage_interval: Option<Duration>,
}

/// The reason why a kind was not registered. Kinds that were registered before are unaffected.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RegisterError {
    /// A host cannot work with the descriptor.
    #[error("the descriptor of kind '{kind}' is wrong: {problem}")]
    Descriptor {
        /// The name of the kind that was refused.
        kind: Kind,
        /// The problem, with the part of the descriptor that has it.
        problem: String,
    },
    /// The plugin panicked while it described itself.
    #[error("a plugin crashed while it described itself")]
    Panicked,
    /// Another plugin has registered the kind and keeps it.
    #[error("the kind '{kind}' is already registered by '{holder}', and '{newcomer}' would register it again")]
    Taken {
        /// The name of the kind that was refused.
        kind: Kind,
        /// The display name of the registered plugin.
        holder: String,
        /// The display name of the refused plugin.
        newcomer: String,
    },
}

impl RegisterError {
    /// Returns the stable code, for programs; `docs/spec/words.md` lists all codes.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Descriptor { .. } => "descriptor_invalid",
            Self::Panicked => "plugin_panicked",
            Self::Taken { .. } => "kind_taken",
        }
    }
}

/// A definition with the checked parts of its descriptor and its facets.
pub(crate) struct KindEntry {
    pub(crate) definition: Definition,
    pub(crate) descriptor: Descriptor,
    pub(crate) terms: Option<Terms>,
    /// The texts of the table in which the kind is registered.
    pub(crate) texts: AgreedTexts,
    pub(crate) capabilities: Capabilities,
    /// `true` if the credential is attached to a request with its whole body.
    pub(crate) reads_body: bool,
    /// `true` if the credential may be attached in the thread of the caller.
    pub(crate) is_immediate: bool,
    /// The places of a request where the credential stands.
    pub(crate) seats: Vec<Seat>,
    /// Present only with the webhooks facet.
    pub(crate) signing_key: Option<SigningKey>,
    pub(crate) profiles: Option<ProfileSpec>,
    pub(crate) sandbox: Option<SandboxSpec>,
    pub(crate) checked: Checked,
    /// The interval at which usage is fetched, as the plugin sets it.
    pub(crate) poll_interval: Option<Duration>,
    pub(crate) activation: Activation,
}

/// The state of the activation of a kind.
#[derive(Debug, Default)]
pub(crate) struct Activation(Mutex<Stage>);

#[derive(Debug, Default)]
enum Stage {
    #[default]
    Before,
    Begun(AbortHandle),
    /// The kind is no longer registered.
    Over,
}

impl Activation {
    pub(crate) fn begin(&self, task: AbortHandle) {
        let mut stage = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match *stage {
            // The kind was unregistered before the activation began.
            Stage::Over => task.abort(),
            Stage::Before | Stage::Begun(_) => *stage = Stage::Begun(task),
        }
    }

    /// Aborts a running activation and prevents a later one.
    pub(crate) fn end(&self) {
        let mut stage = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Stage::Begun(task) = &*stage {
            task.abort();
        }
        *stage = Stage::Over;
    }

    /// Returns `true` if the kind is no longer registered.
    pub(crate) fn is_over(&self) -> bool {
        matches!(*self.0.lock().unwrap_or_else(PoisonError::into_inner), Stage::Over)
    }
}

/// The table of the kinds that serve every owner, and the source of those that belong to one. No lock is held while
/// plugin code runs.
#[derive(Default)]
pub(crate) struct KindTable {
    kinds: Mutex<BTreeMap<Kind, Place>>,
    reader: KindReader,
    /// The texts with which the terms of the kinds are compared.
    pub(crate) texts: AgreedTexts,
    pub(crate) own: OwnTable,
}

/// The place of a kind in the table.
enum Place {
    Registered(Arc<KindEntry>),
    /// The kind is read when it is first used.
    OnDemand {
        provider: Kind,
    },
}

impl Place {
    fn registered(&self) -> Option<&Arc<KindEntry>> {
        match self {
            Self::Registered(entry) => Some(entry),
            Self::OnDemand { .. } => None,
        }
    }

    fn provider(&self) -> &Kind {
        match self {
            Self::Registered(entry) => &entry.descriptor.provider,
            Self::OnDemand { provider } => provider,
        }
    }
}

impl KindTable {
    /// Names kinds, each with its provider, that are read when they are first used. If a kind with the same name is
    /// registered, it keeps its place.
    pub(crate) fn set_on_demand(&mut self, names: impl IntoIterator<Item = (Kind, Kind)>, reader: KindReader) {
        let mut kinds = self.lock();
        for (name, provider) in names {
            kinds.entry(name).or_insert(Place::OnDemand { provider });
        }
        drop(kinds);
        self.reader = reader;
    }

    /// Registers a kind, also in place of one that was not read yet.
    pub(crate) fn register(&self, entry: KindEntry) -> Result<Arc<KindEntry>, RegisterError> {
        let kind = entry.descriptor.kind.clone();
        let mut kinds = self.lock();
        if let Some(holder) = kinds.get(&kind).and_then(Place::registered) {
            return Err(RegisterError::Taken {
                kind,
                holder: holder.descriptor.display_name.to_string(),
                newcomer: entry.descriptor.display_name.to_string(),
            });
        }
        let entry = self.shared(entry);
        kinds.insert(kind, Place::Registered(entry.clone()));
        Ok(entry)
    }

    pub(crate) fn replace(&self, entry: KindEntry) -> Arc<KindEntry> {
        let entry = self.shared(entry);
        let kind = entry.descriptor.kind.clone();
        // The replaced entry is dropped after the lock is released, because its drop runs plugin code.
        let replaced = self.lock().insert(kind, Place::Registered(entry.clone()));
        if let Some(replaced) = replaced.as_ref().and_then(Place::registered) {
            replaced.activation.end();
        }
        entry
    }

    pub(crate) fn unregister(&self, kind: &Kind) -> bool {
        // The removed entry is dropped after the lock is released.
        let removed = self.lock().remove(kind);
        if let Some(removed) = removed.as_ref().and_then(Place::registered) {
            removed.activation.end();
        }
        removed.is_some()
    }

    /// Returns the kinds that were registered or read already, in the order of their names.
    pub(crate) fn read_entries(&self) -> Vec<Arc<KindEntry>> {
        self.lock().values().filter_map(Place::registered).cloned().collect()
    }

    /// Returns the names of the kinds that were not read yet, in alphabetical order.
    pub(crate) fn unread(&self) -> Vec<Kind> {
        let kinds = self.lock();
        kinds.iter().filter(|(_, place)| place.registered().is_none()).map(|(name, _)| name.clone()).collect()
    }

    /// Returns a kind that serves every owner, and reads it if it was not read yet.
    pub(crate) fn entry(&self, kind: &Kind) -> Option<Arc<KindEntry>> {
        let provider = match self.lock().get(kind)? {
            Place::Registered(entry) => return Some(entry.clone()),
            Place::OnDemand { provider } => provider.clone(),
        };
        self.read(kind, &provider)
    }

    /// Returns `true` if there is a kind with this name that serves every owner.
    pub(crate) fn contains(&self, kind: &Kind) -> bool {
        self.lock().contains_key(kind)
    }

    /// Returns the kinds of this provider, in the order of their names. Those that were not read yet are read.
    pub(crate) fn of_provider(&self, provider: &Kind) -> Vec<Arc<KindEntry>> {
        self.names_of_provider(provider).iter().filter_map(|name| self.entry(name)).collect()
    }

    /// Returns the names of the kinds of this provider, in alphabetical order.
    pub(crate) fn names_of_provider(&self, provider: &Kind) -> Vec<Kind> {
        let kinds = self.lock();
        kinds.iter().filter(|(_, place)| place.provider() == provider).map(|(name, _)| name.clone()).collect()
    }

    /// Returns the provider of a kind that serves every owner.
    pub(crate) fn provider(&self, kind: &Kind) -> Option<Kind> {
        self.lock().get(kind).map(|place| place.provider().clone())
    }

    /// Returns the providers of all kinds that serve every owner.
    pub(crate) fn providers(&self) -> BTreeSet<Kind> {
        self.lock().values().map(|place| place.provider().clone()).collect()
    }

    /// Returns the seats of a kind and of all kinds of its provider, each once. Those of the kind come first.
    pub(crate) fn seats(&self, of: &KindEntry) -> Vec<Seat> {
        let mut seats = of.seats.clone();
        for seat in self.of_provider(&of.descriptor.provider).iter().flat_map(|entry| &entry.seats) {
            if !seats.contains(seat) {
                seats.push(seat.clone());
            }
        }
        seats
    }

    /// Returns `true` if a kind that serves every owner connects this provider.
    pub(crate) fn connects(&self, provider: &Kind) -> bool {
        self.lock().values().any(|place| place.provider() == provider)
    }

    /// Returns all kinds that serve every owner, in the order of their names. Those that were not read yet are read.
    pub(crate) fn all(&self) -> Vec<KindInfo> {
        let names: Vec<Kind> = self.lock().keys().cloned().collect();
        names.iter().filter_map(|name| self.entry(name)).map(|entry| entry.info()).collect()
    }

    /// Reads a kind and registers it. If another task registered the kind meanwhile, that one is returned. A kind that
    /// cannot be read is forgotten.
    fn read(&self, kind: &Kind, provider: &Kind) -> Option<Arc<KindEntry>> {
        let read = self.reader.read(kind, provider).map(|entry| self.shared(entry));
        let mut kinds = self.lock();
        match kinds.get(kind)? {
            Place::Registered(entry) => Some(entry.clone()),
            Place::OnDemand { .. } => {
                match &read {
                    Some(entry) => kinds.insert(kind.clone(), Place::Registered(entry.clone())),
                    None => kinds.remove(kind),
                };
                read
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<Kind, Place>> {
        // No code under the lock leaves the table half changed, so a poisoned lock is still usable.
        self.kinds.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn shared(&self, mut entry: KindEntry) -> Arc<KindEntry> {
        self.texts.learn(entry.terms.as_ref().map(|terms| terms.text.clone()));
        entry.texts = self.texts.clone();
        Arc::new(entry)
    }
}

impl KindEntry {
    pub(crate) fn info(&self) -> KindInfo {
        KindInfo {
            descriptor: self.descriptor.clone(),
            seats: self.seats.clone(),
            capabilities: self.capabilities,
            profiles: self.profiles.clone(),
            sandbox: self.sandbox.clone(),
            usage_interval: self.poll_interval,
        }
    }

    pub(crate) fn renews(&self) -> bool {
        self.capabilities.refresh.is_some()
    }

    /// Returns `true` if a credential of the kind contains a password that a person chose, whose account a provider may
    /// lock after a number of refused attempts.
    pub(crate) fn has_password(&self) -> bool {
        let says = |text: &str| text.to_ascii_lowercase().contains("password");
        let is_password =
            |field: &Field| field.input == Input::Secret && (says(&field.name) || says(field.label.as_str()));
        self.descriptor.auth == AuthType::Basic || self.descriptor.fields.iter().any(is_password)
    }

    pub(crate) fn kind(&self) -> &Kind {
        &self.descriptor.kind
    }
}
