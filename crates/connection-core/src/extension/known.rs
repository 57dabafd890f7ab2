//! What this process knows of extensions beside the store: what each was last declared to need, who listens, and where
//! their settings are.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};

use super::{SettingsHandOff, changes::Announcements};

#[derive(Default)]
pub(crate) struct Known {
    declared: Mutex<HashMap<(String, String), [u8; 32]>>,
    pub(super) announcements: Announcements,
    pub(super) settings: Option<Arc<dyn SettingsHandOff>>,
}

impl Known {
    pub(crate) fn new(settings: Option<Arc<dyn SettingsHandOff>>) -> Self {
        Self { settings, ..Self::default() }
    }

    /// The latest declaration counts: one that was begun for another is out of date.
    pub(super) fn declared(&self, owner: &str, extension: &str, print: [u8; 32]) {
        self.lock().insert((owner.to_owned(), extension.to_owned()), print);
    }

    pub(super) fn last_declared(&self, owner: &str, extension: &str) -> Option<[u8; 32]> {
        self.lock().get(&(owner.to_owned(), extension.to_owned())).copied()
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<(String, String), [u8; 32]>> {
        self.declared.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
