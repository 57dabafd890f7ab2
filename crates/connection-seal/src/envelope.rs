//! The format of a stored sealed value.
//!
//! Its fields have fixed widths, so the parser handles any bytes. Padding makes the length reveal little.
//!
//! ```text
//! "CNX1" 4 | algorithm 1 | key id 8 | key commitment 8 | nonce 12 | ciphertext | tag 16
//! ```
//!
//! The encrypted part holds the length of the value (4 bytes, big-endian), the value, and zeros up to 64, 256, 1024 or
//! 4096 bytes, then up to a multiple of 4096 bytes.

use std::fmt;

use aws_lc_rs::aead::NONCE_LEN;
use connection_contract::Secret;
use secrecy::{SecretBox, zeroize::Zeroizing};
use uuid::Uuid;

use super::{
    KeyId, SealError,
    data_key::{DataKey, TAG_LEN},
    key_id::{ID_LEN, KEY_LEN},
    place::Place,
};

const MAGIC: [u8; 4] = *b"CNX1";
/// The algorithm number of AES-256-GCM-SIV (RFC 8452).
const AES_256_GCM_SIV: u8 = 1;
const HEADER_LEN: usize = 4 + 1 + ID_LEN + ID_LEN + NONCE_LEN;
/// The position of the key id.
const KEY_ID: std::ops::Range<usize> = 5..5 + ID_LEN;
const LENGTH_LEN: usize = 4;
const SMALL: [usize; 4] = [64, 256, 1024, 4096];
const LARGE: usize = 4096;
/// The maximum length of a value. Every value that is sealed is shorter, so a longer one is a mistake.
const MAX_LEN: usize = 16 * 1024 * 1024;
/// The place of every value that is sealed with a key of its own.
const ONCE: Place<'static> = Place { table: "once", column: "sealed", key: &[], owner: "", kind: "", sequence: 0 };

/// A sealed value.
///
/// Only sealing creates one, so a field of this type never holds a plain value.
#[derive(Clone, PartialEq, Eq)]
pub struct Sealed(Vec<u8>);

impl Sealed {
    /// Joins a wrapped keyset and the data that its source needs to unwrap it.
    pub(super) fn of_parts(parts: &[&[u8]]) -> Self {
        Self(parts.concat())
    }

    /// Returns the bytes as they are stored.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// Returns the bytes as they are stored, without a copy.
    pub fn into_bytes(self) -> Vec<u8> {
        self.0
    }

    /// Returns the key id in a stored value, unchecked. It is empty if the value is cut short.
    pub fn key_id_of(stored: &[u8]) -> &[u8] {
        stored.get(KEY_ID).unwrap_or_default()
    }
}

impl fmt::Debug for Sealed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Sealed({} bytes)", self.0.len())
    }
}

/// The parts of an envelope, none of which is authenticated yet.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Parts<'a> {
    header: &'a [u8],
    pub(super) key_id: KeyId,
    commitment: [u8; ID_LEN],
    nonce: [u8; NONCE_LEN],
    /// The encrypted value, followed by the tag.
    ciphertext: &'a [u8],
}

/// Splits an envelope into its parts. `bytes` may be anything.
pub(super) fn parse(bytes: &[u8]) -> Result<Parts<'_>, SealError> {
    let (magic, rest) = bytes.split_first_chunk().ok_or(SealError::Truncated)?;
    let (algorithm, rest) = rest.split_first_chunk().ok_or(SealError::Truncated)?;
    if *magic != MAGIC || *algorithm != [AES_256_GCM_SIV] {
        return Err(SealError::UnknownFormat);
    }
    let (key_id, rest) = rest.split_first_chunk().ok_or(SealError::Truncated)?;
    let (commitment, rest) = rest.split_first_chunk().ok_or(SealError::Truncated)?;
    let (nonce, ciphertext) = rest.split_first_chunk().ok_or(SealError::Truncated)?;
    let header = bytes.get(..HEADER_LEN).ok_or(SealError::Truncated)?;
    let padded = ciphertext.len().checked_sub(TAG_LEN).ok_or(SealError::Truncated)?;
    if bucket(padded) != padded {
        return Err(SealError::Truncated);
    }
    Ok(Parts { header, key_id: KeyId::from_bytes(*key_id), commitment: *commitment, nonce: *nonce, ciphertext })
}

pub(super) fn seal(key: &DataKey, store: Uuid, place: &Place<'_>, plain: &[u8]) -> Result<Sealed, SealError> {
    let length = u32::try_from(plain.len()).ok().filter(|_| plain.len() <= MAX_LEN).ok_or(SealError::TooLong)?;
    let mut nonce = [0; NONCE_LEN];
    aws_lc_rs::rand::fill(&mut nonce).map_err(|_| SealError::Engine)?;
    let padded = bucket(LENGTH_LEN + plain.len());
    // The buffer gets its full size at once, because growing would leave copies of the plaintext in memory.
    let mut bytes = Zeroizing::new(Vec::with_capacity(HEADER_LEN + padded + TAG_LEN));
    bytes.extend_from_slice(&MAGIC);
    bytes.push(AES_256_GCM_SIV);
    bytes.extend_from_slice(key.id.as_bytes());
    bytes.extend_from_slice(&key.commitment);
    bytes.extend_from_slice(&nonce);
    let associated = place.associated_data(store, &bytes);
    bytes.extend_from_slice(&length.to_be_bytes());
    bytes.extend_from_slice(plain);
    bytes.resize(HEADER_LEN + padded, 0);
    let body = bytes.get_mut(HEADER_LEN..).ok_or(SealError::Engine)?;
    let tag = key.seal(nonce, &associated, body)?;
    bytes.extend_from_slice(&tag);
    // The buffer no longer holds plaintext, so it does not have to be wiped.
    Ok(Sealed(std::mem::take(&mut *bytes)))
}

/// Opens an envelope with the key that it names, which the caller has looked up.
pub(super) fn open(key: &DataKey, store: Uuid, place: &Place<'_>, parts: &Parts<'_>) -> Result<Secret, SealError> {
    let tampered = || SealError::Tampered { table: place.table };
    if parts.key_id != key.id {
        return Err(SealError::WrongKey { have: key.id, need: parts.key_id });
    }
    if parts.commitment != key.commitment {
        return Err(tampered());
    }
    let associated = place.associated_data(store, parts.header);
    let mut bytes = Zeroizing::new(parts.ciphertext.to_vec());
    let padded = key.open(parts.nonce, &associated, &mut bytes).ok_or_else(tampered)?;
    let (length, rest) = padded.split_first_chunk().ok_or_else(tampered)?;
    let length = usize::try_from(u32::from_be_bytes(*length)).map_err(|_| tampered())?;
    let (plain, zeros) = rest.split_at_checked(length).ok_or_else(tampered)?;
    if zeros.iter().any(|byte| *byte != 0) {
        return Err(tampered());
    }
    Ok(Secret::new(plain))
}

/// Seals a value with a `key` of 32 random bytes that seals nothing else, for a process without the keys of the store.
/// Returns `None` if that is not possible.
pub fn seal_once(key: &[u8], plain: &[u8]) -> Option<Sealed> {
    seal(&once(key)?, Uuid::nil(), &ONCE, plain).ok()
}

/// Opens a value that [`seal_once`] sealed with this key.
pub fn open_once(key: &[u8], sealed: &[u8]) -> Option<Secret> {
    open(&once(key)?, Uuid::nil(), &ONCE, &parse(sealed).ok()?).ok()
}

fn once(key: &[u8]) -> Option<DataKey> {
    let key: &[u8; KEY_LEN] = key.try_into().ok()?;
    DataKey::new(&SecretBox::init_with_mut(|to: &mut [u8; KEY_LEN]| to.copy_from_slice(key))).ok()
}

/// Returns the length to which `len` bytes are padded.
fn bucket(len: usize) -> usize {
    SMALL.into_iter().find(|size| len <= *size).unwrap_or_else(|| len.next_multiple_of(LARGE))
}
