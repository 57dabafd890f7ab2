//! The latest declarations of extensions that this process has seen, in memory.

use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
};

use connection_contract::{Kind, Requirement};

use crate::extension::requirement::fingerprint;

/// The parts of an extension's declaration that the core needs.
#[derive(Clone, Debug)]
pub(super) struct DeclaredExtension {
    /// The fingerprint of the requirement, which changes when the declaration requires something else.
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

/// The latest declarations, by owner and name.
#[derive(Default)]
pub(crate) struct Declarations {
    declared: Mutex<HashMap<(String, String), DeclaredExtension>>,
}

impl Declarations {
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
