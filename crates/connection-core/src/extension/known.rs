//! What this process knows of extensions beside the store: what each was last declared to need, who listens, and where
//! their settings are.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};

use connection_contract::{Kind, Requirement};

use super::{SettingsHandOff, changes::Announcements};
use crate::requirement::fingerprint;

/// What an extension needs, as far as others ask for it.
#[derive(Clone, Debug)]
pub(super) struct Declared {
    /// Of the requirement.
    pub(super) print: [u8; 32],
    pub(super) provider: Kind,
    /// The number of secrets that it declares.
    pub(super) secrets: usize,
}

impl Declared {
    pub(super) fn of(requirement: &Requirement) -> Self {
        let secrets = requirement.auth.secret_names.len();
        Self { print: fingerprint(requirement), provider: requirement.provider.clone(), secrets }
    }
}

#[derive(Default)]
pub(crate) struct Known {
    declared: Mutex<HashMap<(String, String), Declared>>,
    pub(super) announcements: Announcements,
    pub(super) settings: Option<Arc<dyn SettingsHandOff>>,
}

impl Known {
    pub(crate) fn new(settings: Option<Arc<dyn SettingsHandOff>>) -> Self {
        Self { settings, ..Self::default() }
    }

    /// The latest declaration counts: one that was begun for another is out of date.
    pub(super) fn declared(&self, owner: &str, extension: &str, declared: Declared) {
        self.lock().insert((owner.to_owned(), extension.to_owned()), declared);
    }

    pub(super) fn last_declared(&self, owner: &str, extension: &str) -> Option<Declared> {
        self.lock().get(&(owner.to_owned(), extension.to_owned())).cloned()
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<(String, String), Declared>> {
        self.declared.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
