//! A keyring in memory that fails in the ways in which a real one does.

use std::{
    any::Any,
    collections::BTreeMap,
    fmt,
    sync::{Arc, Condvar, Mutex},
};

use connection_core::KeyKeyring;
use keyring_core::{
    Credential, Entry, Error, Result,
    api::{CredentialApi, CredentialStoreApi},
};

/// The behaviour of the keyring.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Mood {
    Ambiguous,
    BadData,
    Locked,
    NotThere,
    #[default]
    Open,
    /// Waits for a person who does not answer, until the mood changes.
    Silent,
}

/// The entries by service and user, shared by all clones.
#[derive(Clone, Default)]
pub(crate) struct Ring(Arc<Shared>);

#[derive(Default)]
struct Shared {
    entries: Mutex<BTreeMap<(String, String), Vec<u8>>>,
    mood: Mutex<Mood>,
    changed: Condvar,
}

struct Item {
    ring: Ring,
    name: (String, String),
}

impl Ring {
    /// Returns the key source of this keyring.
    pub(crate) fn source(&self) -> KeyKeyring {
        let ring = self.clone();
        KeyKeyring::opened_by(move || match *ring.0.mood.lock().unwrap() {
            Mood::NotThere => Err(Error::PlatformFailure("no one\nanswers".into())),
            _ => Ok(Arc::new(ring.clone())),
        })
    }

    pub(crate) fn set(&self, mood: Mood) {
        *self.0.mood.lock().unwrap() = mood;
        self.0.changed.notify_all();
    }

    /// Returns the users of all entries, which all belong to the same service.
    pub(crate) fn users(&self) -> Vec<String> {
        let entries = self.0.entries.lock().unwrap();
        assert!(entries.keys().all(|(service, _)| service == "connections"));
        entries.keys().map(|(_, user)| user.clone()).collect()
    }

    pub(crate) fn entry(&self, user: &str) -> Vec<u8> {
        self.0.entries.lock().unwrap()[&("connections".to_owned(), user.to_owned())].clone()
    }

    pub(crate) fn put(&self, user: &str, secret: &[u8]) {
        self.0.entries.lock().unwrap().insert(("connections".to_owned(), user.to_owned()), secret.to_vec());
    }

    pub(crate) fn remove(&self, user: &str) {
        self.0.entries.lock().unwrap().remove(&("connections".to_owned(), user.to_owned())).unwrap();
    }

    fn answers(&self, name: &(String, String)) -> Result<()> {
        let mood = self.0.mood.lock().unwrap();
        let mood = self.0.changed.wait_while(mood, |mood| *mood == Mood::Silent).unwrap();
        match *mood {
            Mood::Ambiguous => {
                let entry = || Entry::new_with_credential(Arc::new(Item { ring: self.clone(), name: name.clone() }));
                Err(Error::Ambiguous(vec![entry(), entry()]))
            }
            Mood::BadData => {
                let secret = self.0.entries.lock().unwrap().get(name).cloned().unwrap_or_default();
                Err(Error::BadDataFormat(secret, "no padding".into()))
            }
            Mood::Locked => Err(Error::NoStorageAccess("the collection is locked".into())),
            Mood::NotThere | Mood::Open | Mood::Silent => Ok(()),
        }
    }
}

impl CredentialStoreApi for Ring {
    fn vendor(&self) -> String {
        "tests".to_owned()
    }

    fn id(&self) -> String {
        "ring".to_owned()
    }

    fn build(&self, service: &str, user: &str, _: Option<&std::collections::HashMap<&str, &str>>) -> Result<Entry> {
        let name = (service.to_owned(), user.to_owned());
        Ok(Entry::new_with_credential(Arc::new(Item { ring: self.clone(), name })))
    }

    fn as_any(&self) -> &dyn Any {
        self
    }

    fn debug_fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Ring")
    }
}

impl CredentialApi for Item {
    fn set_secret(&self, secret: &[u8]) -> Result<()> {
        self.ring.answers(&self.name)?;
        let before = self.ring.0.entries.lock().unwrap().insert(self.name.clone(), secret.to_vec());
        assert!(before.is_none(), "an entry was written over");
        Ok(())
    }

    fn get_secret(&self) -> Result<Vec<u8>> {
        self.ring.answers(&self.name)?;
        self.ring.0.entries.lock().unwrap().get(&self.name).cloned().ok_or(Error::NoEntry)
    }

    fn delete_credential(&self) -> Result<()> {
        panic!("no entry is ever deleted")
    }

    fn get_credential(&self) -> Result<Option<Arc<Credential>>> {
        Ok(None)
    }

    fn get_specifiers(&self) -> Option<(String, String)> {
        Some(self.name.clone())
    }

    fn as_any(&self) -> &dyn Any {
        self
    }

    fn debug_fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Item")
    }
}
