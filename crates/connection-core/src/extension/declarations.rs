//! The state of extensions that this process keeps in memory: the latest declarations, the listeners, and the settings
//! hand-off of the host.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};

use connection_contract::{Kind, Requirement};

use super::SettingsHandOff;
use crate::extension::requirement::fingerprint;

/// The parts of an extension's declaration that the core needs.
#[derive(Clone, Debug)]
pub(super) struct DeclaredExtension {
    /// The fingerprint of the requirement.
    pub(super) print: [u8; 32],
    pub(super) provider: Kind,
    /// The number of declared secrets.
    pub(super) secrets: usize,
}

impl DeclaredExtension {
    pub(super) fn of(requirement: &Requirement) -> Self {
        let secrets = requirement.auth.secret_names.len();
        Self { print: fingerprint(requirement), provider: requirement.provider.clone(), secrets }
    }
}

#[derive(Default)]
pub(crate) struct Declarations {
    declared: Mutex<HashMap<(String, String), DeclaredExtension>>,
    pub(super) settings: Option<Arc<dyn SettingsHandOff>>,
}

impl Declarations {
    pub(crate) fn new(settings: Option<Arc<dyn SettingsHandOff>>) -> Self {
        Self { settings, ..Self::default() }
    }

    /// Remembers the latest declaration. A setup that was begun for another one is outdated.
    pub(super) fn declared(&self, owner: &str, extension: &str, declared: DeclaredExtension) {
        self.lock().insert((owner.to_owned(), extension.to_owned()), declared);
    }

    pub(super) fn last_declared(&self, owner: &str, extension: &str) -> Option<DeclaredExtension> {
        self.lock().get(&(owner.to_owned(), extension.to_owned())).cloned()
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<(String, String), DeclaredExtension>> {
        self.declared.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
