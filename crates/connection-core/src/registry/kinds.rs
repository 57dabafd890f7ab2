//! The kinds that are registered. In memory only: a program registers its plugins again at each start.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use connection_contract::{ConnectionDefinition, Descriptor, DisplayText, Kind, ProfileSpec, SandboxSpec, SigningKey};

use super::describe::{self, Checked};
use crate::{Capabilities, contain, definition::Definition, lent::Activation, profiles, sandbox};

/// A registered kind, for people and programs.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct KindInfo {
    /// What the plugin says of it.
    pub descriptor: Descriptor,
    /// What it can do.
    pub capabilities: Capabilities,
    /// How its tool is pointed at an isolated identity.
    pub profiles: Option<ProfileSpec>,
    /// How its tool is run in a container.
    pub sandbox: Option<SandboxSpec>,
}

/// Why a kind was not registered. What was registered before is untouched.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RegisterError {
    /// The descriptor is not one that a host can work with.
    #[error("the descriptor of kind '{kind}' is wrong: {problem}")]
    Descriptor {
        /// The kind.
        kind: Kind,
        /// What is wrong, naming the part.
        problem: String,
    },
    /// Describing itself, the plugin crashed.
    #[error("a plugin crashed while it described itself")]
    Panicked,
    /// There is one already, and it stays.
    #[error("the kind '{kind}' is registered already: by '{holder}', and now again by '{newcomer}'")]
    Taken {
        /// The kind.
        kind: Kind,
        /// The display name of the one that stays.
        holder: String,
        /// The display name of the one that was refused.
        newcomer: String,
    },
}

impl RegisterError {
    /// For programs; listed in `docs/spec/words.md`.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Descriptor { .. } => "descriptor_invalid",
            Self::Panicked => "plugin_panicked",
            Self::Taken { .. } => "kind_taken",
        }
    }
}

/// A definition with what was checked of it.
pub(crate) struct KindEntry {
    pub(crate) definition: Definition,
    pub(crate) descriptor: Descriptor,
    pub(crate) capabilities: Capabilities,
    /// With the facet for webhooks alone.
    pub(crate) signing_key: Option<SigningKey>,
    pub(crate) profiles: Option<ProfileSpec>,
    pub(crate) sandbox: Option<SandboxSpec>,
    pub(crate) checked: Checked,
    /// How often its usage is to be fetched, by what it says itself.
    pub(crate) poll_interval: Option<Duration>,
    pub(crate) activation: Activation,
}

/// The table. Its lock is never held while code of a plugin runs.
#[derive(Default)]
pub(crate) struct Kinds(Mutex<BTreeMap<Kind, Arc<KindEntry>>>);

impl Kinds {
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
        // The one that it replaces is dropped behind the lock.
        let replaced = self.lock().insert(kind, entry.clone());
        if let Some(replaced) = replaced {
            replaced.activation.end();
        }
        Ok(entry)
    }

    pub(crate) fn unregister(&self, kind: &Kind) -> bool {
        // Dropped behind the lock.
        let removed = self.lock().remove(kind);
        if let Some(removed) = &removed {
            removed.activation.end();
        }
        removed.is_some()
    }

    /// All of them, as they are.
    pub(crate) fn entries(&self) -> Vec<Arc<KindEntry>> {
        self.lock().values().cloned().collect()
    }

    pub(crate) fn entry(&self, kind: &Kind) -> Option<Arc<KindEntry>> {
        self.lock().get(kind).cloned()
    }

    /// By name.
    pub(crate) fn of_provider(&self, provider: &Kind) -> Vec<Arc<KindEntry>> {
        self.lock().values().filter(|entry| entry.descriptor.provider == *provider).cloned().collect()
    }

    pub(crate) fn all(&self) -> Vec<KindInfo> {
        self.lock().values().map(|entry| entry.info()).collect()
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<Kind, Arc<KindEntry>>> {
        // Nothing under the lock leaves the table half changed, so a poisoned one is as good.
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
        (true, true) => Err("it has profiles or a container and declares no tool that they are for".to_owned()),
        _ => Ok(()),
    };
    let checked = local
        .and_then(|()| of_tool())
        .and_then(|()| describe::check(&descriptor, capabilities))
        // It may name what the plugin wrote.
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
