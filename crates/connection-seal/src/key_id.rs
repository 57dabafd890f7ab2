//! The id of a key, and its commitment.
//!
//! The id names the key. The commitment distinguishes a wrong key from an edited row. Both are one-way functions of the
//! key, so they cannot be chosen, and two keys do not share them by accident.

use std::fmt;

use aws_lc_rs::hmac;
use connection_contract::encode;
use secrecy::{ExposeSecret as _, SecretBox};

/// Length of a key, in bytes.
pub(super) const KEY_LEN: usize = 32;
/// Length of an id and of a commitment, in bytes.
pub(super) const ID_LEN: usize = 8;
/// The id of a key, which reveals nothing about the key.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct KeyId([u8; ID_LEN]);

impl KeyId {
    /// Returns the id as it is stored.
    pub const fn as_bytes(&self) -> &[u8; 8] {
        &self.0
    }

    pub(super) const fn from_bytes(bytes: [u8; ID_LEN]) -> Self {
        Self(bytes)
    }

    /// Computes the id of a key.
    pub fn of(key: &SecretBox<[u8; KEY_LEN]>) -> Self {
        Self(derived(key, b"connections/key-id/v1"))
    }
}

impl fmt::Display for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&encode::hex(&self.0))
    }
}

impl fmt::Debug for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "KeyId({self})")
    }
}

/// Derives an id from the key with HMAC as a pseudo-random function, as the second half of HKDF does (RFC 5869).
pub(super) fn derived(key: &SecretBox<[u8; KEY_LEN]>, label: &[u8]) -> [u8; ID_LEN] {
    let tag = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, key.expose_secret()), label);
    let mut id = [0; ID_LEN];
    for (to, from) in id.iter_mut().zip(tag.as_ref()) {
        *to = *from;
    }
    id
}
