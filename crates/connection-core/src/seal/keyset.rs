//! The keys of a store, as they are wrapped by the key source's key.
//!
//! ```text
//! version 1 | mac key 32 | count 2 | for each: status 1, created at 8, key 32
//! ```
//!
//! The first entry with status 1 seals; all open. The mac key is not rotated: what it names must keep its name.

use connection_contract::Timestamp;
use secrecy::{ExposeSecret as _, SecretBox, zeroize::Zeroizing};
use uuid::Uuid;

use super::{
    SealError, Sealed,
    data_key::{DataKey, KEY_LEN},
    envelope,
    key_file::fresh,
    place::Place,
};

const VERSION: u8 = 1;
const TABLE: &str = "connection_keyset";

/// Which of the two places of a wrapped keyset.
#[derive(Clone, Copy, Debug)]
pub(super) enum Slot {
    A,
    B,
}

/// What a key is used for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Status {
    Primary,
    Retired,
}

pub(super) struct Entry {
    pub(super) status: Status,
    pub(super) created_at: Timestamp,
    pub(super) key: SecretBox<[u8; KEY_LEN]>,
}

pub(super) struct Keyset {
    pub(super) mac_key: SecretBox<[u8; KEY_LEN]>,
    pub(super) entries: Vec<Entry>,
}

impl Keyset {
    pub(super) fn fresh(now: Timestamp) -> Result<Self, SealError> {
        let entry = Entry { status: Status::Primary, created_at: now, key: fresh().ok_or(SealError::Engine)? };
        Ok(Self { mac_key: fresh().ok_or(SealError::Engine)?, entries: vec![entry] })
    }

    pub(super) fn wrap(&self, key: &DataKey, store: Uuid, slot: Slot) -> Result<Sealed, SealError> {
        let count = u16::try_from(self.entries.len()).map_err(|_| SealError::TooLong)?;
        let size = 1 + KEY_LEN + 2 + self.entries.len() * (1 + 8 + KEY_LEN);
        let mut bytes = Zeroizing::new(Vec::with_capacity(size));
        bytes.push(VERSION);
        bytes.extend_from_slice(self.mac_key.expose_secret());
        bytes.extend_from_slice(&count.to_be_bytes());
        for entry in &self.entries {
            bytes.push(match entry.status {
                Status::Primary => 1,
                Status::Retired => 2,
            });
            bytes.extend_from_slice(&entry.created_at.seconds().to_be_bytes());
            bytes.extend_from_slice(entry.key.expose_secret());
        }
        envelope::seal(key, store, &place(store.as_bytes(), slot), &bytes)
    }

    pub(super) fn unwrap(key: &DataKey, store: Uuid, slot: Slot, sealed: &Sealed) -> Result<Self, SealError> {
        let parts = envelope::parse(sealed.as_bytes())?;
        let plain = envelope::open(key, store, &place(store.as_bytes(), slot), &parts)?;
        // It was authentic, so what cannot be read was written by a later version.
        parse(plain.expose()).ok_or(SealError::UnknownFormat)
    }
}

fn place(store: &[u8; 16], slot: Slot) -> Place<'_> {
    let column = match slot {
        Slot::A => "slot_a",
        Slot::B => "slot_b",
    };
    Place { table: TABLE, column, key: store, owner: "", kind: "", sequence: 0 }
}

fn parse(bytes: &[u8]) -> Option<Keyset> {
    let ([VERSION], rest) = bytes.split_first_chunk()? else { return None };
    let (mac_key, rest) = rest.split_first_chunk()?;
    let (count, mut rest) = rest.split_first_chunk()?;
    let mut entries = Vec::new();
    for _ in 0..u16::from_be_bytes(*count) {
        let (status, after) = rest.split_first_chunk()?;
        let (created_at, after) = after.split_first_chunk()?;
        let (key, after) = after.split_first_chunk()?;
        rest = after;
        let status = match status {
            [1] => Status::Primary,
            [2] => Status::Retired,
            _ => return None,
        };
        let created_at = Timestamp::from_seconds(i64::from_be_bytes(*created_at));
        entries.push(Entry { status, created_at, key: boxed(key) });
    }
    rest.is_empty().then(|| Keyset { mac_key: boxed(mac_key), entries })
}

fn boxed(key: &[u8; KEY_LEN]) -> SecretBox<[u8; KEY_LEN]> {
    SecretBox::init_with_mut(|boxed: &mut [u8; KEY_LEN]| boxed.copy_from_slice(key))
}
