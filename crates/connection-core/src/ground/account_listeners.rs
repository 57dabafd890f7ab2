//! Notifies caches of the process that a connection no longer has the account that it had.

use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::ConnectionId;

type Listener = Box<dyn Fn(ConnectionId) + Send + Sync>;

/// The listeners to connections that were removed or changed to another account.
#[derive(Default)]
pub(crate) struct AccountListeners(Mutex<Vec<Listener>>);

impl AccountListeners {
    /// Calls `listener` with each such connection. The listener must not block.
    pub(crate) fn listen(&self, listener: impl Fn(ConnectionId) + Send + Sync + 'static) {
        self.lock().push(Box::new(listener));
    }

    /// Notifies all listeners. Called after the commit.
    pub(crate) fn notify(&self, id: ConnectionId) {
        for listener in &*self.lock() {
            listener(id);
        }
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Listener>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
