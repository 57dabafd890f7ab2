//! The callers of this process that wait for a session.

use std::{
    fmt,
    sync::{Mutex, MutexGuard, PoisonError},
};

use tokio::task::AbortHandle;

/// The callers that wait for a session in this process.
#[derive(Default)]
pub(super) struct Followers(Mutex<Count>);

#[derive(Default)]
pub(super) struct Count {
    pub(super) waiting: usize,
    pub(super) task: Option<AbortHandle>,
}

impl fmt::Debug for Followers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Followers")
    }
}

impl Followers {
    /// Locks the count. No foreign code runs under the lock, so the count is valid even if the lock is poisoned.
    pub(super) fn lock(&self) -> MutexGuard<'_, Count> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A caller that waits, and is counted until this is dropped.
pub(super) struct FollowGuard<'a>(pub(super) &'a Followers);

impl Drop for FollowGuard<'_> {
    fn drop(&mut self) {
        let mut count = self.0.lock();
        count.waiting -= 1;
        if count.waiting == 0
            && let Some(task) = count.task.take()
        {
            task.abort();
        }
    }
}
