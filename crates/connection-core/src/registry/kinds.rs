//! The registered kinds. They are in memory only: a program registers its plugins again at each start.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use connection_contract::{ConnectionDefinition, Descriptor, DisplayText, Kind, ProfileSpec, SandboxSpec, SigningKey};

use super::describe::{self, Checked};
use crate::{Capabilities, contain, definition::Definition, host_services::Activation, profiles, sandbox};

/// A registered kind, as it is shown to people and programs.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct KindInfo {
    /// The descriptor that the plugin returned.
    pub descriptor: Descriptor,
    /// The capabilities.
    pub capabilities: Capabilities,
    /// The specification of isolated identities of the kind's tool.
    pub profiles: Option<ProfileSpec>,
    /// The specification of containers for the kind's tool.
    pub sandbox: Option<SandboxSpec>,
}

/// The reason why a kind was not registered. Kinds that were registered before are unaffected.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RegisterError {
    /// A host cannot work with the descriptor.
    #[error("the descriptor of kind '{kind}' is wrong: {problem}")]
    Descriptor {
        /// The kind.
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
        /// The kind.
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
    pub(crate) capabilities: Capabilities,
    /// Present only with the webhooks facet.
    pub(crate) signing_key: Option<SigningKey>,
    pub(crate) profiles: Option<ProfileSpec>,
    pub(crate) sandbox: Option<SandboxSpec>,
    pub(crate) checked: Checked,
    /// The interval at which usage is fetched, as the plugin sets it.
    pub(crate) poll_interval: Option<Duration>,
    pub(crate) activation: Activation,
}

/// The table of kinds. Its lock is never held while plugin code runs.
#[derive(Default)]
pub(crate) struct KindTable(Mutex<BTreeMap<Kind, Arc<KindEntry>>>);

impl KindTable {
    pub(crate) fn register(&self, definition: impl ConnectionDefinition) -> Result<Arc<KindEntry>, RegisterError> {
        let entry = check(definition)?;
        let kind = entry.descriptor.kind.clone();
        let mut kinds = self.lock();
        if let Some(holder) = kinds.get(&kind) {
            return Err(RegisterError::Taken {
                kind,
                holder: holder.descriptor.display_name.to_string(),
                newcomer: entry.descriptor.display_name.to_string(),
            });
        }
        let entry = Arc::new(entry);
        kinds.insert(kind, entry.clone());
        Ok(entry)
    }

    pub(crate) fn replace(&self, definition: impl ConnectionDefinition) -> Result<Arc<KindEntry>, RegisterError> {
        let entry = Arc::new(check(definition)?);
        let kind = entry.descriptor.kind.clone();
        // The replaced entry is dropped after the lock is released, because its drop runs plugin code.
        let replaced = self.lock().insert(kind, entry.clone());
        if let Some(replaced) = replaced {
            replaced.activation.end();
        }
        Ok(entry)
    }

    pub(crate) fn unregister(&self, kind: &Kind) -> bool {
        // The removed entry is dropped after the lock is released.
        let removed = self.lock().remove(kind);
        if let Some(removed) = &removed {
            removed.activation.end();
        }
        removed.is_some()
    }

    pub(crate) fn entries(&self) -> Vec<Arc<KindEntry>> {
        self.lock().values().cloned().collect()
    }

    pub(crate) fn entry(&self, kind: &Kind) -> Option<Arc<KindEntry>> {
        self.lock().get(kind).cloned()
    }

    /// Returns the registered kinds of this provider, in the order of their names.
    pub(crate) fn of_provider(&self, provider: &Kind) -> Vec<Arc<KindEntry>> {
        self.lock().values().filter(|entry| entry.descriptor.provider == *provider).cloned().collect()
    }

    pub(crate) fn all(&self) -> Vec<KindInfo> {
        self.lock().values().map(|entry| entry.info()).collect()
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<Kind, Arc<KindEntry>>> {
        // No code under the lock leaves the table half changed, so a poisoned lock is still usable.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl KindEntry {
    pub(crate) fn info(&self) -> KindInfo {
        KindInfo {
            descriptor: self.descriptor.clone(),
            capabilities: self.capabilities,
            profiles: self.profiles.clone(),
            sandbox: self.sandbox.clone(),
        }
    }

    pub(crate) fn renews(&self) -> bool {
        self.capabilities.refresh.is_some()
    }

    pub(crate) fn kind(&self) -> &Kind {
        &self.descriptor.kind
    }
}

fn check(definition: impl ConnectionDefinition) -> Result<KindEntry, RegisterError> {
    let definition = Definition::new(definition);
    let describe = || {
        let facets =
            (definition.signing_key(), definition.profiles(), definition.sandbox(), definition.usage_poll_interval());
        (definition.descriptor(), definition.capabilities(), facets)
    };
    let (descriptor, capabilities, facets) = contain::call(describe).ok_or(RegisterError::Panicked)?;
    let (signing_key, profiles, sandbox, poll_interval) = facets;
    let local = profiles::check(profiles.as_ref()).and_then(|()| sandbox::check(sandbox.as_ref(), profiles.as_ref()));
    let of_tool = || match (profiles.is_some() || sandbox.is_some(), descriptor.tools.is_empty()) {
        (true, true) => Err("it has profiles or a container but declares no tool for them".to_owned()),
        _ => Ok(()),
    };
    let checked = local
        .and_then(|()| of_tool())
        .and_then(|()| describe::check(&descriptor, capabilities))
        // The problem may contain text of the plugin.
        .map_err(|problem| DisplayText::from(problem).to_string())
        .map_err(|problem| RegisterError::Descriptor { kind: descriptor.kind.clone(), problem })?;
    let activation = Activation::default();
    Ok(KindEntry {
        definition,
        descriptor,
        capabilities,
        signing_key,
        profiles,
        sandbox,
        checked,
        poll_interval,
        activation,
    })
}
