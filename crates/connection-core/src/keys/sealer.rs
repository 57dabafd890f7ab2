//! Seals and opens the values of one store, with the newest keys that this process can know.
//!
//! Another process may rotate the keys at any time. Before it seals, a sealer asks the store whether there are newer
//! keys, at most once a second. When it finds a value of an unknown key, it asks at once. A value that was sealed with
//! the former key in between still opens, because keys are kept after they are retired.

use std::{
    fmt,
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering},
    },
    time::Duration,
};

use connection_contract::Secret;
use connection_egress::Clock;
use connection_seal::{KeyId, KeySource, Keys, Keyset, SealError};

use crate::store::{Program, Sealed, SealedCell, Store, StoreError};

/// A sealer with the keys of one store. Clones share the keys.
#[derive(Clone)]
pub(crate) struct Sealer {
    keys: Keys,
    /// `None` for keys that are in no store.
    home: Option<Arc<Home>>,
}

/// The store and the source from which newer keys are read.
pub(super) struct Home {
    pub(super) store: Store,
    pub(super) source: Arc<dyn KeySource>,
    pub(super) clock: Arc<dyn Clock>,
    /// The second in which the store was last asked.
    checked_at: AtomicI64,
    /// Held while newer keys are read, so that one caller reads at a time.
    asking: tokio::sync::Mutex<()>,
}

impl Sealer {
    /// Creates a sealer for a store, with the source that opens newer keys.
    pub(super) fn new(keys: Keys, store: Store, source: Arc<dyn KeySource>, clock: Arc<dyn Clock>) -> Self {
        let checked_at = AtomicI64::new(clock.now().seconds());
        let home = Home { store, source, clock, checked_at, asking: tokio::sync::Mutex::default() };
        Self { keys, home: Some(Arc::new(home)) }
    }

    /// Creates a sealer with keys of its own, which are in no store.
    #[cfg(test)]
    pub(crate) fn for_tests() -> Self {
        let keyset = Keyset::fresh(connection_contract::Timestamp::from_seconds(0)).expect("random numbers are there");
        let keys = Keys::new(uuid::Uuid::from_u128(1), &keyset).expect("a fresh keyset has a primary key");
        Self { keys, home: None }
    }

    /// Seals a value for this cell alone.
    ///
    /// Takes a reader of the store for a moment, so the caller must not hold one.
    ///
    /// # Errors
    ///
    /// [`SealError::Unavailable`] if the keys were rotated and the new ones cannot be read. A value that is sealed
    /// with the former key could become unreadable one day.
    pub(crate) async fn seal(&self, cell: &SealedCell, plain: &[u8]) -> Result<Sealed, SealError> {
        self.renew().await?;
        Ok(cell.with_place(|place| self.keys.seal(place, plain))?.into())
    }

    /// Seals as [`seal`](Self::seal) does, but with the keys at hand if the store does not answer within `patience`
    /// whether there are newer ones. Keys are kept for long after they are retired, so the value still opens.
    pub(crate) async fn seal_soon(
        &self,
        cell: &SealedCell,
        plain: &[u8],
        patience: Duration,
    ) -> Result<Sealed, SealError> {
        if let Some(home) = self.home() {
            tokio::select! {
                biased;
                renewed = self.renew() => renewed?,
                () = home.clock.sleep(patience) => {}
            }
        }
        Ok(cell.with_place(|place| self.keys.seal(place, plain))?.into())
    }

    /// Opens a value that was sealed for this cell.
    ///
    /// Takes a reader of the store for a moment, so the caller must not hold one.
    ///
    /// # Errors
    ///
    /// Only [`SealError::Unavailable`] may pass: the value is sealed with a key that another process made, and that
    /// cannot be read now.
    pub(crate) async fn open(&self, cell: &SealedCell, sealed: &Sealed) -> Result<Secret, SealError> {
        let revision = self.keys.revision();
        let open = || cell.with_place(|place| self.keys.open(place, sealed.as_bytes()));
        match open() {
            Err(SealError::WrongKey { have, need }) => match self.has_newer_than(revision).await? {
                true => open(),
                false => Err(SealError::WrongKey { have, need }),
            },
            opened => opened,
        }
    }

    /// Returns the schema generation of the program that opened the store.
    pub(crate) fn schema(&self) -> i64 {
        self.home.as_ref().map_or(Program::CURRENT, |home| home.store.program()).schema
    }

    /// Returns a name for bytes that reveals nothing of them. It is the same for as long as the store exists.
    pub(crate) fn mac(&self, purpose: &'static str, bytes: &[u8]) -> [u8; 32] {
        self.keys.mac(purpose, bytes)
    }

    /// Returns the [`mac`](Self::mac) of several parts, each with its length before it.
    pub(crate) fn mac_of(&self, purpose: &'static str, parts: &[&[u8]]) -> [u8; 32] {
        self.keys.mac_of(purpose, parts)
    }

    /// Returns the id of the key that seals, as far as this process knows.
    pub(crate) fn key_id(&self) -> KeyId {
        self.keys.key_id()
    }

    /// Returns `true` if these keys are those of the store, or a revision of them that the key source opens.
    ///
    /// # Errors
    ///
    /// The errors of the store.
    pub(crate) async fn opens_store(&self) -> Result<bool, StoreError> {
        let Some(home) = self.home() else { return Ok(true) };
        let Some(row) = home.store.reader().await?.keyset().await? else { return Ok(false) };
        if row.store_id != self.keys.store_id() {
            return Ok(false);
        }
        let revision = self.keys.revision();
        Ok(row.keys_revision <= revision || self.has_newer_than(revision).await.is_ok_and(|newer| newer))
    }

    pub(super) fn home(&self) -> Option<&Home> {
        self.home.as_deref()
    }

    /// Uses these keys from now on, unless the sealer has newer ones.
    pub(super) fn take(&self, keyset: &Keyset) -> Result<(), SealError> {
        self.keys.take(keyset)
    }

    /// Asks the store for newer keys, unless it was asked in this second.
    async fn renew(&self) -> Result<(), SealError> {
        let Some(home) = self.home() else { return Ok(()) };
        let revision = self.keys.revision();
        let now = home.clock.now().seconds();
        if home.checked_at.load(Ordering::Relaxed) == now {
            return Ok(());
        }
        match home.revision().await {
            Ok(stored) => {
                if stored.is_some_and(|stored| stored > revision) {
                    self.has_newer_than(revision).await?;
                }
                home.checked_at.store(now, Ordering::Relaxed);
            }
            // A store that cannot be read now most likely cannot be written either, and these keys are kept for long.
            Err(error) => tracing::debug!(%error, "cannot determine whether the keys were rotated"),
        }
        Ok(())
    }

    /// Asks the store for newer keys, and returns `true` if those that are held now are newer than this revision.
    async fn has_newer_than(&self, revision: i64) -> Result<bool, SealError> {
        let Some(home) = self.home() else { return Ok(false) };
        let _alone = home.asking.lock().await;
        let unavailable = |error: &dyn fmt::Display| SealError::Unavailable { detail: error.to_string() };
        let row = async { home.store.reader().await?.keyset().await }.await.map_err(|error| unavailable(&error))?;
        if let Some(row) = row.filter(|row| row.keys_revision > self.keys.revision()) {
            let found = row.wrapped().open(&*home.source).await.map_err(|error| unavailable(&error))?;
            tracing::info!("the keys were rotated by another process");
            self.take(&found.keyset)?;
        }
        // Another caller may have read newer keys while this one waited.
        Ok(self.keys.revision() > revision)
    }

    /// Returns the id of the store whose values these keys open.
    #[cfg(test)]
    pub(crate) fn store_id(&self) -> uuid::Uuid {
        self.keys.store_id()
    }
}

impl Home {
    async fn revision(&self) -> Result<Option<i64>, StoreError> {
        self.store.reader().await?.keys_revision().await
    }
}

impl fmt::Debug for Sealer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sealer").field("key", &self.key_id()).finish_non_exhaustive()
    }
}
