//! The keys of a store.
//!
//! The key of a key source wraps them in this format:
//!
//! ```text
//! version 1 | revision 8 | mac key 32 | count 2 | for each: status 1, created at 8, retired at 8, key 32
//! ```
//!
//! The first primary key seals; all keys open. The revision must equal the one in the row, so a slot that was put back
//! from an older state does not open. The mac key is not rotated, because its hashes must stay the same. Version 1 had
//! neither a revision nor times of retirement.

use std::fmt;

use connection_contract::Timestamp;
use secrecy::{ExposeSecret as _, SecretBox, zeroize::Zeroizing};
use uuid::Uuid;

use super::{
    SealError, Sealed,
    data_key::DataKey,
    envelope,
    key_file::fresh,
    key_id::{KEY_LEN, KeyId},
    place::Place,
};

const VERSION_1: u8 = 1;
const VERSION: u8 = 2;
const TABLE: &str = "connection_keyset";
/// The minimum time in seconds for keeping a retired key, for backups and for processes that notice a rotation late.
const RETIRED_KEY_LIFETIME: i64 = 30 * 24 * 60 * 60;
/// The time of retirement of a key that is not retired.
const NEVER: i64 = i64::MIN;

/// One of the two columns for a wrapped keyset.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "a row has two slots")]
pub enum Slot {
    /// The first slot, which a new database fills.
    A,
    /// The second slot. Both slots are filled while a database changes to another key source.
    B,
}

impl Slot {
    /// Returns the slot that is not this one.
    pub const fn other(self) -> Self {
        match self {
            Self::A => Self::B,
            Self::B => Self::A,
        }
    }

    /// Returns the name of the slot: `a` or `b`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::A => "a",
            Self::B => "b",
        }
    }
}

/// The use of a key, which changes while the keys are rotated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Status {
    /// The key seals, and all values are sealed with it.
    Primary,
    /// The key seals, and some values that were sealed with an older key may not be sealed again yet.
    Fresh,
    /// The key no longer seals. It only opens values that were sealed with it.
    Retired,
}

impl Status {
    const fn seals(self) -> bool {
        matches!(self, Self::Primary | Self::Fresh)
    }
}

pub(super) struct Entry {
    pub(super) status: Status,
    pub(super) created_at: Timestamp,
    /// Time of the retirement; `None` for a key that seals.
    pub(super) retired_at: Option<Timestamp>,
    pub(super) key: SecretBox<[u8; KEY_LEN]>,
}

impl Entry {
    pub(super) fn new(now: Timestamp, status: Status) -> Result<Self, SealError> {
        Ok(Self { status, created_at: now, retired_at: None, key: fresh().ok_or(SealError::Engine)? })
    }

    pub(super) fn id(&self) -> KeyId {
        KeyId::of(&self.key)
    }
}

/// The keys of a store: the one that seals, those that only open, and the one for keyed hashes.
pub struct Keyset {
    /// A number that grows when the keys change, but not when only their wrapping changes.
    pub(super) revision: i64,
    pub(super) mac_key: SecretBox<[u8; KEY_LEN]>,
    pub(super) entries: Vec<Entry>,
}

impl Keyset {
    /// Creates a keyset with new random keys.
    ///
    /// # Errors
    ///
    /// [`SealError::Engine`] if the system provides no random numbers.
    pub fn fresh(now: Timestamp) -> Result<Self, SealError> {
        let entries = vec![Entry::new(now, Status::Primary)?];
        Ok(Self { revision: 1, mac_key: fresh().ok_or(SealError::Engine)?, entries })
    }

    /// Returns the key that seals.
    pub(super) fn primary(&self) -> Option<&Entry> {
        self.entries.iter().find(|entry| entry.status.seals())
    }

    fn primary_mut(&mut self) -> Option<&mut Entry> {
        self.entries.iter_mut().find(|entry| entry.status.seals())
    }

    /// Returns the revision, a number that grows when the keys change, but not when only their wrapping changes.
    pub const fn revision(&self) -> i64 {
        self.revision
    }

    /// Returns the id of the key that seals.
    ///
    /// # Errors
    ///
    /// [`SealError::UnknownFormat`] if the keyset has no such key.
    pub fn key_id(&self) -> Result<KeyId, SealError> {
        self.primary().map(Entry::id).ok_or(SealError::UnknownFormat)
    }

    /// Returns `true` if the last rotation is complete: all values were sealed again with the key that seals.
    pub fn is_settled(&self) -> bool {
        self.primary().is_some_and(|entry| entry.status == Status::Primary)
    }

    /// Returns the ids of the keys that only open values, oldest first.
    pub fn retired(&self) -> Vec<KeyId> {
        self.entries.iter().filter(|entry| entry.status == Status::Retired).map(Entry::id).collect()
    }

    /// Creates a new key that seals from now on, and returns the ids of the keys that this call dropped.
    ///
    /// The former key is retired. A key is dropped if it has been retired for thirty days and `seals` returns `false`
    /// for it, because no stored value is sealed with it any longer.
    ///
    /// # Errors
    ///
    /// [`SealError::UnknownFormat`] if the keyset has no key that seals, and [`SealError::Engine`] if the system gives
    /// no random numbers.
    pub fn rotate(&mut self, now: Timestamp, seals: impl Fn(KeyId) -> bool) -> Result<Vec<KeyId>, SealError> {
        self.primary_mut().ok_or(SealError::UnknownFormat)?.status = Status::Retired;
        let mut dropped = Vec::new();
        for entry in self.entries.iter_mut().filter(|entry| entry.status == Status::Retired) {
            let since = entry.retired_at.get_or_insert(now);
            let long_ago = since.seconds().saturating_add(RETIRED_KEY_LIFETIME) <= now.seconds();
            if long_ago && !seals(entry.id()) {
                dropped.push(entry.id());
            }
        }
        self.entries.retain(|entry| !dropped.contains(&entry.id()));
        self.entries.push(Entry::new(now, Status::Fresh)?);
        self.revision = self.revision.saturating_add(1);
        Ok(dropped)
    }

    /// Records that all values were sealed again with this key.
    ///
    /// Returns `false` and changes nothing if a later rotation created another key, or if this was recorded before.
    pub fn settle(&mut self, key: KeyId) -> bool {
        let fresh = self.primary_mut().filter(|entry| entry.status == Status::Fresh && entry.id() == key);
        let Some(fresh) = fresh else { return false };
        fresh.status = Status::Primary;
        true
    }

    /// Returns `true` if both keysets have the same keys and the same revision.
    pub fn is(&self, other: &Self) -> bool {
        let ids = |keyset: &Self| keyset.entries.iter().map(|entry| (entry.status, entry.id())).collect::<Vec<_>>();
        let same_mac = KeyId::of(&self.mac_key) == KeyId::of(&other.mac_key);
        self.revision == other.revision && same_mac && ids(self) == ids(other)
    }

    pub(super) fn wrap(&self, key: &DataKey, store: Uuid, slot: Slot) -> Result<Sealed, SealError> {
        let count = u16::try_from(self.entries.len()).map_err(|_| SealError::TooLong)?;
        let size = 1 + 8 + KEY_LEN + 2 + self.entries.len() * (1 + 8 + 8 + KEY_LEN);
        let mut bytes = Zeroizing::new(Vec::with_capacity(size));
        bytes.push(VERSION);
        bytes.extend_from_slice(&self.revision.to_be_bytes());
        bytes.extend_from_slice(self.mac_key.expose_secret());
        bytes.extend_from_slice(&count.to_be_bytes());
        for entry in &self.entries {
            bytes.push(match entry.status {
                Status::Primary => 1,
                Status::Retired => 2,
                Status::Fresh => 3,
            });
            bytes.extend_from_slice(&entry.created_at.seconds().to_be_bytes());
            bytes.extend_from_slice(&entry.retired_at.map_or(NEVER, Timestamp::seconds).to_be_bytes());
            bytes.extend_from_slice(entry.key.expose_secret());
        }
        envelope::seal(key, store, &place(store.as_bytes(), slot), &bytes)
    }

    pub(super) fn unwrap(key: &DataKey, store: Uuid, slot: Slot, sealed: &[u8]) -> Result<Self, SealError> {
        let parts = envelope::parse(sealed)?;
        let plain = envelope::open(key, store, &place(store.as_bytes(), slot), &parts)?;
        // The keyset is authentic, so if it cannot be parsed, a later version wrote it.
        parse(plain.expose()).ok_or(SealError::UnknownFormat)
    }
}

impl fmt::Debug for Keyset {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Keyset").field("revision", &self.revision).finish_non_exhaustive()
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
    let ([version], rest) = bytes.split_first_chunk()?;
    let (revision, rest) = match *version {
        VERSION_1 => (1, rest),
        VERSION => rest.split_first_chunk().map(|(revision, rest)| (i64::from_be_bytes(*revision), rest))?,
        _ => return None,
    };
    let (mac_key, rest) = rest.split_first_chunk()?;
    let (count, mut rest) = rest.split_first_chunk()?;
    let mut entries = Vec::new();
    for _ in 0..u16::from_be_bytes(*count) {
        let (status, after) = rest.split_first_chunk()?;
        let (created_at, after) = after.split_first_chunk()?;
        let (retired_at, after) = match *version {
            VERSION_1 => (NEVER, after),
            _ => after.split_first_chunk().map(|(at, after)| (i64::from_be_bytes(*at), after))?,
        };
        let (key, after) = after.split_first_chunk()?;
        rest = after;
        let status = match status {
            [1] => Status::Primary,
            [2] => Status::Retired,
            [3] => Status::Fresh,
            _ => return None,
        };
        let created_at = Timestamp::from_seconds(i64::from_be_bytes(*created_at));
        let retired_at = (retired_at != NEVER).then_some(Timestamp::from_seconds(retired_at));
        entries.push(Entry { status, created_at, retired_at, key: boxed(key) });
    }
    rest.is_empty().then(|| Keyset { revision, mac_key: boxed(mac_key), entries })
}

fn boxed(key: &[u8; KEY_LEN]) -> SecretBox<[u8; KEY_LEN]> {
    SecretBox::init_with_mut(|boxed: &mut [u8; KEY_LEN]| boxed.copy_from_slice(key))
}
