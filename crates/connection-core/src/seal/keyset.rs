//! The keys of a store, as they are wrapped by the key source's key.
//!
//! ```text
//! version 1 | revision 8 | mac key 32 | count 2 | for each: status 1, created at 8, retired at 8, key 32
//! ```
//!
//! The first primary seals; all open. The revision is the one that the row names: a slot that was put back from an older
//! state does not open. The mac key is not rotated: what it names must keep its name. Version 1 had neither revision nor
//! times of retirement.

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
use crate::store::rows::KeysetRow;

const VERSION_1: u8 = 1;
const VERSION: u8 = 2;
const TABLE: &str = "connection_keyset";
/// As a time of retirement: there is none.
const NEVER: i64 = i64::MIN;

/// Which of the two places of a wrapped keyset.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Slot {
    A,
    B,
}

impl Slot {
    pub(super) const fn other(self) -> Self {
        match self {
            Self::A => Self::B,
            Self::B => Self::A,
        }
    }

    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::A => "a",
            Self::B => "b",
        }
    }

    /// What a row has in it.
    pub(super) const fn of(self, row: &mut KeysetRow) -> &mut Option<Sealed> {
        match self {
            Self::A => &mut row.slot_a,
            Self::B => &mut row.slot_b,
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

pub(super) struct Keyset {
    /// Grows when the keys change, and not when their wrapping does.
    pub(super) revision: i64,
    pub(super) mac_key: SecretBox<[u8; KEY_LEN]>,
    pub(super) entries: Vec<Entry>,
}

impl Keyset {
    pub(super) fn fresh(now: Timestamp) -> Result<Self, SealError> {
        let entries = vec![Entry::new(now, Status::Primary)?];
        Ok(Self { revision: 1, mac_key: fresh().ok_or(SealError::Engine)?, entries })
    }

    /// The key that seals.
    pub(super) fn primary(&self) -> Option<&Entry> {
        self.entries.iter().find(|entry| entry.status.seals())
    }

    pub(super) fn primary_mut(&mut self) -> Option<&mut Entry> {
        self.entries.iter_mut().find(|entry| entry.status.seals())
    }

    /// Whether both hold the same keys.
    pub(super) fn is(&self, other: &Self) -> bool {
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
