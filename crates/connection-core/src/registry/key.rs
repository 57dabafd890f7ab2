//! The keys of a registry's store: their status, a new key, and another key source.

use super::{ConnectionRegistry, OpenError, RegistryBuilder};
use crate::{KeyChange, KeyRotation, KeySource, KeyStatus, StoreError, contain::Runtimes, keys, store::Store};

impl ConnectionRegistry {
    /// Returns the keys of the store, and how many values each seals. Reads every sealed row.
    ///
    /// # Errors
    ///
    /// [`OpenError`] for the key source, the keyset or the store.
    pub async fn key_status(&self) -> Result<KeyStatus, OpenError> {
        let status = keys::status(&self.shared.sealer).await;
        status.map_err(|error| OpenError::of_key(error, self.shared.store.place()))
    }

    /// Creates a new key, makes it the one that seals, and seals again everything that the former keys sealed, for all
    /// owners.
    ///
    /// Other processes keep working meanwhile. A process whose key source does not open the new keyset reports that and
    /// stops sealing.
    ///
    /// # Cancellation
    ///
    /// If the future is dropped or the process is killed, the next call continues where it stopped, and creates no
    /// further key.
    ///
    /// # Repetition
    ///
    /// After a call that has finished, another call creates another key.
    ///
    /// # Errors
    ///
    /// [`OpenError`] for the key source, the keyset or the store. A value that cannot be opened is not an error: it is
    /// counted.
    pub async fn rotate_key(&self) -> Result<KeyRotation, OpenError> {
        let shared = self.shared.clone();
        // A task, so that a caller that is dropped between two batches does not interrupt one.
        let task = self.shared.runtimes.spawn(async move {
            let rotation = keys::rotate(&shared.sealer).await;
            rotation.map_err(|error| OpenError::of_key(error, shared.store.place()))
        });
        task.await.map_err(|_| OpenError::Store(StoreError::Panicked))?
    }
}

impl RegistryBuilder {
    /// Moves the database from the key source that was set to this one, instead of opening a registry. The new source
    /// creates a key if it has none and is able to.
    ///
    /// Open registries continue as they are. They need the new source when they are opened again, or when the keys are
    /// rotated.
    ///
    /// # Cancellation
    ///
    /// If the future is dropped or the process is killed, one of the two sources opens the database, and the same call
    /// again completes the change.
    ///
    /// # Errors
    ///
    /// [`OpenError`]. The source that opened the database still opens it.
    pub async fn change_key(self, to: impl KeySource + 'static) -> Result<KeyChange, OpenError> {
        let (source, direct, from) = self.store_and_key()?;
        let runtimes = Runtimes::new().map_err(OpenError::Runtime)?;
        let task = runtimes.spawn(async move {
            let store = Store::open(source, direct.as_ref()).await?;
            let changed = keys::change(&store, &*from, &to).await;
            let changed = changed.map_err(|error| OpenError::of_key(error, store.place()));
            store.close().await;
            changed
        });
        task.await.map_err(|_| OpenError::Store(StoreError::Panicked))?
    }
}
