//! The keys of a store, in the form in which the key of a key source wraps them.
//!
//! ```text
//! version 1 | revision 8 | mac key 32 | count 2 | for each: status 1, created at 8, retired at 8, key 32
//! ```
//!
//! The first primary seals; all open. The revision is the one that the row names: a slot that was put back from an older
//! state does not open. The mac key is not rotated: what it names must keep its name. Version 1 had neither revision nor
//! times of retirement.

use std::fmt;

use connection_contract::Timestamp;
use secrecy::{ExposeSecret as _, SecretBox, zeroize::Zeroizing};
use uuid::Uuid;

use super::{
    SealError, Sealed,
    data_key::{DataKey, KEY_LEN, KeyId},
    envelope,
    key_file::fresh,
    place::Place,
};

const VERSION_1: u8 = 1;
const VERSION: u8 = 2;
const TABLE: &str = "connection_keyset";
/// How long a retired key is kept at least, in seconds: for backups, and for processes that are slow to notice a rotation.
const KEPT_FOR: i64 = 30 * 24 * 60 * 60;
/// As a time of retirement: there is none.
const NEVER: i64 = i64::MIN;

/// Which of the two places of a wrapped keyset.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "a row has two slots")]
pub enum Slot {
    /// The first one.
    A,
    /// The second one, which is filled while a database changes to another key source.
    B,
}

impl Slot {
    /// Returns the slot that this one is not.
    pub const fn other(self) -> Self {
        match self {
            Self::A => Self::B,
            Self::B => Self::A,
        }
    }

    /// Returns `a` or `b`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::A => "a",
            Self::B => "b",
        }
    }
}

/// What a key is used for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Status {
    /// Seals.
    Primary,
    /// Seals; what was sealed before it was not all sealed again with it.
    Fresh,
    /// Opens, and seals no more.
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
    /// `None` for one that seals.
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

/// The keys of a store: the one that seals, those that only open, and the one that makes names.
pub struct Keyset {
    /// Grows when the keys change, and not when their wrapping does.
    pub(super) revision: i64,
    pub(super) mac_key: SecretBox<[u8; KEY_LEN]>,
    pub(super) entries: Vec<Entry>,
}

impl Keyset {
    /// Makes a keyset with a new key.
    ///
    /// # Errors
    ///
    /// [`SealError::Engine`] when the system gives no random numbers.
    pub fn fresh(now: Timestamp) -> Result<Self, SealError> {
        let entries = vec![Entry::new(now, Status::Primary)?];
        Ok(Self { revision: 1, mac_key: fresh().ok_or(SealError::Engine)?, entries })
    }

    /// The key that seals.
    pub(super) fn primary(&self) -> Option<&Entry> {
        self.entries.iter().find(|entry| entry.status.seals())
    }

    fn primary_mut(&mut self) -> Option<&mut Entry> {
        self.entries.iter_mut().find(|entry| entry.status.seals())
    }

    /// The number that grows when the keys change, and not when their wrapping does.
    pub const fn revision(&self) -> i64 {
        self.revision
    }

    /// The id of the key that seals.
    ///
    /// # Errors
    ///
    /// [`SealError::UnknownFormat`] for a keyset without one.
    pub fn key_id(&self) -> Result<KeyId, SealError> {
        self.primary().map(Entry::id).ok_or(SealError::UnknownFormat)
    }

    /// Returns `true` if the last rotation came to its end: everything was sealed again with the key that seals.
    pub fn is_settled(&self) -> bool {
        self.primary().is_some_and(|entry| entry.status == Status::Primary)
    }

    /// The keys that open values and seal none, oldest first.
    pub fn retired(&self) -> Vec<KeyId> {
        self.entries.iter().filter(|entry| entry.status == Status::Retired).map(Entry::id).collect()
    }

    /// Makes a new key the one that seals, and drops keys that have been retired for thirty days and seal nothing. Returns
    /// the ids of the dropped keys.
    ///
    /// # Errors
    ///
    /// [`SealError::UnknownFormat`] for a keyset without a key that seals, and [`SealError::Engine`].
    pub fn rotate(&mut self, now: Timestamp, seals: impl Fn(KeyId) -> bool) -> Result<Vec<KeyId>, SealError> {
        self.primary_mut().ok_or(SealError::UnknownFormat)?.status = Status::Retired;
        let mut dropped = Vec::new();
        for entry in self.entries.iter_mut().filter(|entry| entry.status == Status::Retired) {
            let since = entry.retired_at.get_or_insert(now);
            let long_ago = since.seconds().saturating_add(KEPT_FOR) <= now.seconds();
            if long_ago && !seals(entry.id()) {
                dropped.push(entry.id());
            }
        }
        self.entries.retain(|entry| !dropped.contains(&entry.id()));
        self.entries.push(Entry::new(now, Status::Fresh)?);
        self.revision = self.revision.saturating_add(1);
        Ok(dropped)
    }

    /// Notes that everything was sealed again with this key. Returns `false`, and notes nothing, if a rotation that made
    /// another key has come in between, or if this was noted before.
    pub fn settle(&mut self, key: KeyId) -> bool {
        let fresh = self.primary_mut().filter(|entry| entry.status == Status::Fresh && entry.id() == key);
        let Some(fresh) = fresh else { return false };
        fresh.status = Status::Primary;
        true
    }

    /// Returns `true` if both hold the same keys.
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
        // It was authentic, so what cannot be read was written by a later version.
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
