//! A key-value store in memory, with the contract's limits.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use connection_contract::ServiceError;
use connection_replay::Part;

const MAX_KEY_LENGTH: usize = 128;
const MAX_VALUE_LENGTH: usize = 64 * 1024;

/// The content of the store. It is small enough to be copied for each effect.
pub(crate) type State = BTreeMap<(Part, String), Vec<u8>>;

/// A store whose clones share their content.
#[derive(Clone, Default)]
pub(crate) struct FakeKv(Arc<Mutex<State>>);

impl FakeKv {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn state(&self) -> State {
        self.lock().clone()
    }

    pub(crate) fn restore(&self, state: State) {
        *self.lock() = state;
    }

    pub(crate) fn read(&self, part: &Part, key: &str) -> Option<Vec<u8>> {
        self.lock().get(&(part.clone(), key.to_owned())).cloned()
    }

    pub(crate) fn write(&self, part: &Part, key: &str, value: Option<Vec<u8>>) -> Result<(), ServiceError> {
        if key.is_empty() || key.len() > MAX_KEY_LENGTH || value.as_ref().is_some_and(|v| v.len() > MAX_VALUE_LENGTH) {
            return Err(ServiceError::TooLarge);
        }
        let key = (part.clone(), key.to_owned());
        match value {
            Some(value) => self.lock().insert(key, value),
            None => self.lock().remove(&key),
        };
        Ok(())
    }
}
