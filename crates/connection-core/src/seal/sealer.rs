//! What seals and opens the values of one store, with the newest keys that it can know.
//!
//! Another process may rotate the keys at any time. Before it seals, a sealer asks the store whether they are the ones
//! that it holds, at most once in a second; when it meets a value of an unknown key, it asks at once. A value that was
//! sealed with the former key in between opens all the same: keys are kept after they are retired.

use std::{
    fmt,
    sync::{
        Arc, PoisonError, RwLock,
        atomic::{AtomicI64, Ordering},
    },
    time::Duration,
};

use aws_lc_rs::hmac;
use connection_contract::Secret;
use secrecy::ExposeSecret as _;
use uuid::Uuid;

use super::{
    KeyId, KeySource, Place, SealError, Sealed,
    data_key::DataKey,
    envelope,
    keyset::{Keyset, Status},
    slot,
};
use crate::{Clock, store::Store};

/// Seals and opens with the keys of one store. Clones share the keys.
#[derive(Clone)]
pub(crate) struct Sealer {
    held: Arc<Held>,
}

struct Held {
    keys: RwLock<Arc<Keys>>,
    /// `None` for keys that are in no store.
    home: Option<Home>,
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

pub(super) struct Keys {
    store: Uuid,
    revision: i64,
    primary: DataKey,
    /// Those that only open.
    retired: Vec<DataKey>,
    mac: hmac::Key,
}

impl Keys {
    fn new(store: Uuid, keyset: &Keyset) -> Result<Self, SealError> {
        let (mut primary, mut retired) = (None, Vec::new());
        for entry in &keyset.entries {
            let key = DataKey::new(&entry.key)?;
            match entry.status {
                Status::Primary | Status::Fresh if primary.is_none() => primary = Some(key),
                _ => retired.push(key),
            }
        }
        let primary = primary.ok_or(SealError::UnknownFormat)?;
        let mac = hmac::Key::new(hmac::HMAC_SHA256, keyset.mac_key.expose_secret());
        Ok(Self { store, revision: keyset.revision, primary, retired, mac })
    }

    fn open(&self, place: &Place<'_>, parts: &envelope::Parts<'_>) -> Result<Secret, SealError> {
        let retired = self.retired.iter().find(|key| key.id == parts.key_id);
        envelope::open(retired.unwrap_or(&self.primary), self.store, place, parts)
    }
}

impl Sealer {
    pub(super) fn new(store: Uuid, keyset: &Keyset) -> Result<Self, SealError> {
        let keys = RwLock::new(Arc::new(Keys::new(store, keyset)?));
        Ok(Self { held: Arc::new(Held { keys, home: None }) })
    }

    /// With the store and the source from which newer keys come.
    pub(super) fn at(self, store: Store, source: Arc<dyn KeySource>, clock: Arc<dyn Clock>) -> Self {
        let (asked, asking) = (AtomicI64::new(clock.now().seconds()), tokio::sync::Mutex::default());
        let home = Some(Home { store, source, clock, asked, asking });
        Self { held: Arc::new(Held { keys: RwLock::new(self.keys()), home }) }
    }

    /// With keys that nobody else has.
    #[cfg(test)]
    pub(crate) fn for_tests() -> Self {
        let keyset = Keyset::fresh(connection_contract::Timestamp::from_seconds(0)).expect("random numbers are there");
        Self::new(Uuid::from_u128(1), &keyset).expect("a fresh keyset has a primary key")
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
        let keys = self.newest().await?;
        envelope::seal(&keys.primary, keys.store, place, plain)
    }

    /// As [`seal`](Self::seal), with the keys at hand where the store does not say within that time whether there are newer
    /// ones. Keys are kept after they are retired, so the value opens for long all the same.
    pub(crate) async fn seal_soon(
        &self,
        place: &Place<'_>,
        plain: &[u8],
        patience: Duration,
    ) -> Result<Sealed, SealError> {
        let held = self.keys();
        let keys = match self.home() {
            None => held,
            Some(home) => tokio::select! {
                biased;
                newest = self.newest() => newest?,
                () = home.clock.sleep(patience) => held,
            },
        };
        envelope::seal(&keys.primary, keys.store, place, plain)
    }

    /// Opens what was sealed for that place.
    ///
    /// Takes a reader of the store for a moment: who calls holds none.
    ///
    /// # Errors
    ///
    /// Of these, [`SealError::Unavailable`] alone may pass: the value is of a key that another process made.
    pub(crate) async fn open(&self, place: &Place<'_>, sealed: &Sealed) -> Result<Secret, SealError> {
        let parts = envelope::parse(sealed.as_bytes())?;
        let keys = self.keys();
        match keys.open(place, &parts) {
            Err(SealError::WrongKey { have, need }) => match self.newer(&keys).await? {
                Some(newer) => newer.open(place, &parts),
                None => Err(SealError::WrongKey { have, need }),
            },
            opened => opened,
        }
    }

    /// A name for bytes that tells nothing of them, the same for as long as the store lives.
    pub(crate) fn mac(&self, purpose: &'static str, bytes: &[u8]) -> [u8; 32] {
        self.named(purpose, |context| context.update(bytes))
    }

    /// As [`mac`](Self::mac) of several parts, each with its length before it.
    pub(crate) fn mac_of(&self, purpose: &'static str, parts: &[&[u8]]) -> [u8; 32] {
        self.named(purpose, |context| {
            for part in parts {
                context.update(&(part.len() as u64).to_be_bytes());
                context.update(part);
            }
        })
    }

    fn named(&self, purpose: &'static str, update: impl FnOnce(&mut hmac::Context)) -> [u8; 32] {
        let keys = self.keys();
        let mut context = hmac::Context::with_key(&keys.mac);
        context.update(&(purpose.len() as u64).to_be_bytes());
        context.update(purpose.as_bytes());
        update(&mut context);
        let tag = context.sign();
        let mut mac = [0; 32];
        for (to, from) in mac.iter_mut().zip(tag.as_ref()) {
            *to = *from;
        }
        mac
    }

    /// The key that seals, as far as this process knows.
    pub(crate) fn key_id(&self) -> KeyId {
        self.keys().primary.id
    }

    pub(super) fn home(&self) -> Option<&Home> {
        self.held.home.as_ref()
    }

    /// Takes these keys from now on, unless it has newer ones.
    pub(super) fn take(&self, keyset: &Keyset) -> Result<Arc<Keys>, SealError> {
        let mut keys = self.held.keys.write().unwrap_or_else(PoisonError::into_inner);
        if keyset.revision > keys.revision {
            *keys = Arc::new(Keys::new(keys.store, keyset)?);
        }
        Ok(keys.clone())
    }

    fn keys(&self) -> Arc<Keys> {
        self.held.keys.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The keys to seal with.
    async fn newest(&self) -> Result<Arc<Keys>, SealError> {
        let keys = self.keys();
        let Some(home) = self.home() else { return Ok(keys) };
        let now = home.clock.now().seconds();
        if home.asked.load(Ordering::Relaxed) == now {
            return Ok(keys);
        }
        match revision(&home.store).await {
            Ok(Some(stored)) if stored > keys.revision => {
                let newer = self.newer(&keys).await?;
                home.asked.store(now, Ordering::Relaxed);
                Ok(newer.unwrap_or(keys))
            }
            Ok(_) => {
                home.asked.store(now, Ordering::Relaxed);
                Ok(keys)
            }
            // What cannot be read now cannot be written either, most likely; and these keys are kept for long.
            Err(error) => {
                tracing::debug!(%error, "whether the keys were rotated is not known");
                Ok(keys)
            }
        }
    }

    /// Keys that are newer than these, if there are any.
    async fn newer(&self, than: &Arc<Keys>) -> Result<Option<Arc<Keys>>, SealError> {
        let Some(home) = self.home() else { return Ok(None) };
        let _alone = home.asking.lock().await;
        let keys = self.keys();
        let unavailable = |error: &dyn fmt::Display| SealError::Unavailable { detail: error.to_string() };
        let row = async { home.store.reader().await?.keyset().await }.await.map_err(|error| unavailable(&error))?;
        if let Some(row) = row.filter(|row| row.keys_revision > keys.revision) {
            let found = slot::find(&*home.source, &row).await.map_err(|error| unavailable(&error))?;
            tracing::info!("the keys were rotated by another process");
            return self.take(&found.keyset).map(Some);
        }
        // Somebody else may have taken newer ones while this one waited.
        Ok((keys.revision > than.revision).then_some(keys))
    }

    /// The store whose values these keys open.
    #[cfg(test)]
    pub(crate) fn store_id(&self) -> Uuid {
        self.keys().store
    }
}

async fn revision(store: &Store) -> Result<Option<i64>, crate::StoreError> {
    store.reader().await?.keys_revision().await
}

impl fmt::Debug for Sealer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sealer").field("key", &self.key_id()).finish_non_exhaustive()
    }
}
