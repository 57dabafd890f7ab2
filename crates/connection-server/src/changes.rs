//! Orders the changes of a connection, an extension or a profile, so that each is compared with what the one before
//! left, and not with what both have read.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};

use tokio::sync::OwnedMutexGuard;

/// The number of entries from which those of ended changes are removed.
const MANY: usize = 1_000;

/// The owner, and the id or the name of what is changed.
type Key = (String, String);

/// The changes in progress in this process. A change holds the lock of what it changes.
#[derive(Default)]
pub(crate) struct Changes(Mutex<HashMap<Key, Arc<tokio::sync::Mutex<()>>>>);

/// A change in progress. Others of the same thing wait until this value is dropped.
pub(crate) struct Alone(#[expect(dead_code, reason = "it is kept until it is dropped")] OwnedMutexGuard<()>);

impl Changes {
    /// Waits until no other change of the thing is in progress.
    pub(crate) async fn alone(&self, owner: &str, thing: &str) -> Alone {
        let key = (owner.to_owned(), thing.to_owned());
        let thing = {
            let mut table = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            if table.len() >= MANY {
                table.retain(|_, thing| Arc::strong_count(thing) > 1);
            }
            table.entry(key).or_default().clone()
        };
        Alone(thing.lock_owned().await)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn entries_of_ended_changes_are_removed() {
        let changes = Changes::default();
        let kept = changes.alone("local", "kept").await;
        for number in 0..MANY {
            changes.alone("local", &number.to_string()).await;
        }
        changes.alone("local", "last").await;
        assert_eq!(changes.0.lock().unwrap().len(), 3, "the one in progress and the last two");
        drop(kept);
    }
}
