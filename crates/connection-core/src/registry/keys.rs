//! The keys of a registry's store: their status, a new key, and another key source.

use connection_contract::BoxFuture;

use super::{ConnectionRegistry, OpenError, RegistryBuilder, node::refuse_second_database};
use crate::{KeyChange, KeyRotation, KeySource, KeyStatus, StoreError, contain::Runtimes, keys, store::Store};

/// The keys of the store, which seal everything secret in it.
///
/// The keys are the same for all owners. [`RegistryBuilder::key`] sets the source that opens them, and
/// [`RegistryBuilder::change_key`] moves them to another source.
///
/// # Examples
///
/// Rotating the keys and checking that nothing is sealed with a former key:
///
/// ```
/// use connection_core::{ConnectionRegistry, OpenError};
///
/// async fn rotate(registry: &ConnectionRegistry) -> Result<(), OpenError> {
///     let rotation = registry.keys().rotate().await?;
///     println!("{} values were sealed again with the key {}", rotation.resealed, rotation.key);
///     let status = registry.keys().status().await?;
///     assert_eq!(status.key, rotation.key);
///     Ok(())
/// }
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Keys<'a> {
    registry: &'a ConnectionRegistry,
}

impl ConnectionRegistry {
    /// Returns the keys of the store.
    pub fn keys(&self) -> Keys<'_> {
        Keys { registry: self }
    }
}

impl<'a> Keys<'a> {
    /// Returns the keys of the store, and how many values each seals. Reads every sealed row.
    ///
    /// # Errors
    ///
    /// [`OpenError`] for the key source, the keyset or the store.
    pub fn status(self) -> BoxFuture<'a, Result<KeyStatus, OpenError>> {
        Box::pin(async move {
            let status = keys::status(&self.registry.systems.ground.sealer).await;
            status.map_err(|error| OpenError::of_key(error, self.registry.systems.ground.store.place()))
        })
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
    pub fn rotate(self) -> BoxFuture<'a, Result<KeyRotation, OpenError>> {
        Box::pin(async move {
            let systems = self.registry.systems.clone();
            // A task, so that a caller that is dropped between two batches does not interrupt one.
            let task = self.registry.systems.ground.runtimes.spawn(async move {
                let rotation = keys::rotate(&systems.ground.sealer).await;
                rotation.map_err(|error| OpenError::of_key(error, systems.ground.store.place()))
            });
            task.await.map_err(|_| OpenError::Store(StoreError::Panicked))?
        })
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
    pub fn change_key(self, to: impl KeySource + 'static) -> BoxFuture<'static, Result<KeyChange, OpenError>> {
        self.change_key_to(Box::new(to))
    }

    fn change_key_to(mut self, to: Box<dyn KeySource>) -> BoxFuture<'static, Result<KeyChange, OpenError>> {
        Box::pin(async move {
            let (source, from) = self.store_and_keys()?;
            let runtimes = Runtimes::new().map_err(OpenError::Runtime)?;
            let task = runtimes.spawn(async move {
                refuse_second_database(&source)?;
                let store = Store::open(source).await?;
                let changed = keys::change(&store, &*from.used, &*to).await;
                let changed = changed.map_err(|error| OpenError::of_key(error, store.place()));
                store.close().await;
                changed
            });
            task.await.map_err(|_| OpenError::Store(StoreError::Panicked))?
        })
    }
}
