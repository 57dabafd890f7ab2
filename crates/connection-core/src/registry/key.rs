//! The keys of a registry's store: which there are, another one, another source.

use super::{ConnectionRegistry, OpenError, RegistryBuilder};
use crate::{KeyChange, KeyRotation, KeySource, KeyStatus, StoreError, contain::Runtimes, seal, store::Store};

impl ConnectionRegistry {
    /// The keys of the store, and how much each seals. Reads every sealed row.
    ///
    /// # Errors
    ///
    /// [`OpenError`]: the key source, the keyset or the store.
    pub async fn key_status(&self) -> Result<KeyStatus, OpenError> {
        let status = seal::status(&self.shared.sealer).await;
        status.map_err(|error| OpenError::of_key(error, self.shared.store.place()))
    }

    /// Makes a new key the one that seals, and seals with it whatever the former ones sealed, for all owners. Other
    /// processes go on working beside it; those whose key source does not open the new keyset say so and stop sealing.
    ///
    /// # Cancellation
    ///
    /// Dropped or killed, the next one goes on where it stopped, and makes no further key.
    ///
    /// # Repetition
    ///
    /// After one that came to its end, another one makes another key.
    ///
    /// # Errors
    ///
    /// [`OpenError`]: the key source, the keyset or the store. A value that does not open is none: it is counted.
    pub async fn rotate_key(&self) -> Result<KeyRotation, OpenError> {
        let shared = self.shared.clone();
        // On a task, so that a caller who leaves between two batches leaves nothing half-written in its own.
        let task = self.shared.runtimes.spawn(async move {
            let rotation = seal::rotate(&shared.sealer).await;
            rotation.map_err(|error| OpenError::of_key(error, shared.store.place()))
        });
        task.await.map_err(|_| OpenError::Store(StoreError::Panicked))?
    }
}

impl RegistryBuilder {
    /// Instead of opening it: moves the database from the key source that was given to this one, which makes a key if it
    /// has none and can.
    ///
    /// Registries that are open go on as they are, and need the new source when they are opened again, or when the keys
    /// are rotated.
    ///
    /// # Cancellation
    ///
    /// Dropped or killed, one of the two sources opens the database, and the same call again ends the change.
    ///
    /// # Errors
    ///
    /// [`OpenError`]; the source that opened the database opens it still.
    pub async fn change_key(self, to: impl KeySource + 'static) -> Result<KeyChange, OpenError> {
        let (source, direct, from) = self.store_and_key()?;
        let runtimes = Runtimes::new().map_err(OpenError::Runtime)?;
        let task = runtimes.spawn(async move {
            let store = Store::open(source, direct.as_ref()).await?;
            let changed = seal::change(&store, &*from, &to).await;
            let changed = changed.map_err(|error| OpenError::of_key(error, store.place()));
            store.close().await;
            changed
        });
        task.await.map_err(|_| OpenError::Store(StoreError::Panicked))?
    }
}
