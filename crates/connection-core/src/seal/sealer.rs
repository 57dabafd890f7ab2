//! What seals and opens the values of one store.

use std::{fmt, sync::Arc};

use aws_lc_rs::hmac;
use connection_contract::Secret;
use secrecy::ExposeSecret as _;
use uuid::Uuid;

use super::{
    KeyId, Place, SealError, Sealed,
    data_key::DataKey,
    envelope,
    keyset::{Keyset, Status},
};

/// Seals and opens with the keys of one store. Clones share the keys.
#[derive(Clone)]
pub(crate) struct Sealer {
    keys: Arc<Keys>,
}

struct Keys {
    store: Uuid,
    primary: DataKey,
    /// Those that only open.
    retired: Vec<DataKey>,
    mac: hmac::Key,
}

impl Sealer {
    pub(super) fn new(store: Uuid, keyset: &Keyset) -> Result<Self, SealError> {
        let (mut primary, mut retired) = (None, Vec::new());
        for entry in &keyset.entries {
            let key = DataKey::new(&entry.key)?;
            match entry.status {
                Status::Primary if primary.is_none() => primary = Some(key),
                Status::Primary | Status::Retired => retired.push(key),
            }
        }
        let primary = primary.ok_or(SealError::UnknownFormat)?;
        let mac = hmac::Key::new(hmac::HMAC_SHA256, keyset.mac_key.expose_secret());
        Ok(Self { keys: Arc::new(Keys { store, primary, retired, mac }) })
    }

    /// With keys that nobody else has.
    #[cfg(test)]
    pub(crate) fn for_tests() -> Self {
        let keyset = Keyset::fresh(connection_contract::Timestamp::from_seconds(0)).expect("random numbers are there");
        Self::new(Uuid::from_u128(1), &keyset).expect("a fresh keyset has a primary key")
    }

    /// Seals for that place alone.
    pub(crate) fn seal(&self, place: &Place<'_>, plain: &[u8]) -> Result<Sealed, SealError> {
        envelope::seal(&self.keys.primary, self.keys.store, place, plain)
    }

    /// Opens what was sealed for that place.
    pub(crate) fn open(&self, place: &Place<'_>, sealed: &Sealed) -> Result<Secret, SealError> {
        let parts = envelope::parse(sealed.as_bytes())?;
        let retired = self.keys.retired.iter().find(|key| key.id == parts.key_id);
        envelope::open(retired.unwrap_or(&self.keys.primary), self.keys.store, place, &parts)
    }

    /// A name for bytes that tells nothing of them, the same for as long as the store lives.
    pub(crate) fn mac(&self, purpose: &'static str, bytes: &[u8]) -> [u8; 32] {
        let mut context = hmac::Context::with_key(&self.keys.mac);
        context.update(&(purpose.len() as u64).to_be_bytes());
        context.update(purpose.as_bytes());
        context.update(bytes);
        let tag = context.sign();
        let mut mac = [0; 32];
        for (to, from) in mac.iter_mut().zip(tag.as_ref()) {
            *to = *from;
        }
        mac
    }

    /// The key that seals now.
    pub(crate) fn key_id(&self) -> KeyId {
        self.keys.primary.id
    }

    /// The store whose values these keys open.
    #[cfg(test)]
    pub(crate) fn store_id(&self) -> Uuid {
        self.keys.store
    }
}

impl fmt::Debug for Sealer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sealer").field("key", &self.key_id()).finish_non_exhaustive()
    }
}
