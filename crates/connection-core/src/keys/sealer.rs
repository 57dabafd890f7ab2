//! What seals and opens the values of one store, with the newest keys that it can know.
//!
//! Another process may rotate the keys at any time. Before it seals, a sealer asks the store whether they are the ones
//! that it holds, at most once in a second; when it meets a value of an unknown key, it asks at once. A value that was
//! sealed with the former key in between opens all the same: keys are kept after they are retired.

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
use connection_seal::{KeyId, KeySource, Keys, Keyset, Place, SealError};

use crate::store::{Sealed, Store, StoreError};

/// Seals and opens with the keys of one store. Clones share the keys.
#[derive(Clone)]
pub(crate) struct Sealer {
    keys: Keys,
    /// `None` for keys that are in no store.
    home: Option<Arc<Home>>,
}

/// Where newer keys come from.
pub(super) struct Home {
    pub(super) store: Store,
    pub(super) source: Arc<dyn KeySource>,
    pub(super) clock: Arc<dyn Clock>,
    /// The second in which the store was last asked.
    asked: AtomicI64,
    /// One asks the source at a time.
    asking: tokio::sync::Mutex<()>,
}

impl Sealer {
    /// A sealer of a store, with the source that opens newer keys.
    pub(super) fn new(keys: Keys, store: Store, source: Arc<dyn KeySource>, clock: Arc<dyn Clock>) -> Self {
        let asked = AtomicI64::new(clock.now().seconds());
        let home = Home { store, source, clock, asked, asking: tokio::sync::Mutex::default() };
        Self { keys, home: Some(Arc::new(home)) }
    }

    /// With keys that nobody else has.
    #[cfg(test)]
    pub(crate) fn for_tests() -> Self {
        let keyset = Keyset::fresh(connection_contract::Timestamp::from_seconds(0)).expect("random numbers are there");
        let keys = Keys::new(uuid::Uuid::from_u128(1), &keyset).expect("a fresh keyset has a primary key");
        Self { keys, home: None }
    }

    /// Seals for that place alone.
    ///
    /// Takes a reader of the store for a moment: who calls holds none.
    ///
    /// # Errors
    ///
    /// [`SealError::Unavailable`] when the keys were rotated and the new ones cannot be had: with the former key it could
    /// become unreadable one day.
    pub(crate) async fn seal(&self, place: &Place<'_>, plain: &[u8]) -> Result<Sealed, SealError> {
        self.renew().await?;
        Ok(self.keys.seal(place, plain)?.into())
    }

    /// As [`seal`](Self::seal), with the keys at hand where the store does not say within that time whether there are newer
    /// ones. Keys are kept after they are retired, so the value opens for long all the same.
    pub(crate) async fn seal_soon(
        &self,
        place: &Place<'_>,
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
        Ok(self.keys.seal(place, plain)?.into())
    }

    /// Opens what was sealed for that place.
    ///
    /// Takes a reader of the store for a moment: who calls holds none.
    ///
    /// # Errors
    ///
    /// Of these, [`SealError::Unavailable`] alone may pass: the value is of a key that another process made.
    pub(crate) async fn open(&self, place: &Place<'_>, sealed: &Sealed) -> Result<Secret, SealError> {
        let revision = self.keys.revision();
        match self.keys.open(place, sealed.as_bytes()) {
            Err(SealError::WrongKey { have, need }) => match self.has_newer_than(revision).await? {
                true => self.keys.open(place, sealed.as_bytes()),
                false => Err(SealError::WrongKey { have, need }),
            },
            opened => opened,
        }
    }

    /// A name for bytes that tells nothing of them, the same for as long as the store lives.
    pub(crate) fn mac(&self, purpose: &'static str, bytes: &[u8]) -> [u8; 32] {
        self.keys.mac(purpose, bytes)
    }

    /// As [`mac`](Self::mac) of several parts, each with its length before it.
    pub(crate) fn mac_of(&self, purpose: &'static str, parts: &[&[u8]]) -> [u8; 32] {
        self.keys.mac_of(purpose, parts)
    }

    /// The key that seals, as far as this process knows.
    pub(crate) fn key_id(&self) -> KeyId {
        self.keys.key_id()
    }

    pub(super) fn home(&self) -> Option<&Home> {
        self.home.as_deref()
    }

    /// Takes these keys from now on, unless it has newer ones.
    pub(super) fn take(&self, keyset: &Keyset) -> Result<(), SealError> {
        self.keys.take(keyset)
    }

    /// Asks the store for newer keys, if it was not asked in this second.
    async fn renew(&self) -> Result<(), SealError> {
        let Some(home) = self.home() else { return Ok(()) };
        let revision = self.keys.revision();
        let now = home.clock.now().seconds();
        if home.asked.load(Ordering::Relaxed) == now {
            return Ok(());
        }
        match home.revision().await {
            Ok(stored) => {
                if stored.is_some_and(|stored| stored > revision) {
                    self.has_newer_than(revision).await?;
                }
                home.asked.store(now, Ordering::Relaxed);
            }
            // What cannot be read now cannot be written either, most likely; and these keys are kept for long.
            Err(error) => tracing::debug!(%error, "whether the keys were rotated is not known"),
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
        // Another caller may have taken newer ones while this one waited.
        Ok(self.keys.revision() > revision)
    }

    /// The store whose values these keys open.
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
