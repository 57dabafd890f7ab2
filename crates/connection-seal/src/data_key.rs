//! A key, with its id and its commitment.
//!
//! The id names the key. The commitment distinguishes a wrong key from an edited row. Both are one-way functions of the
//! key, so they cannot be chosen, and two keys do not share them by accident.

use std::fmt;

use aws_lc_rs::{
    aead::{AES_256_GCM_SIV, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey},
    hmac,
};
use connection_contract::encode;
use secrecy::{ExposeSecret as _, SecretBox};

use super::SealError;

/// Length of a key, in bytes.
pub(super) const KEY_LEN: usize = 32;
/// Length of an id and of a commitment, in bytes.
pub(super) const ID_LEN: usize = 8;
/// Length of the tag that the cipher adds, in bytes.
pub(super) const TAG_LEN: usize = 16;

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

/// A key that seals and opens values.
pub(super) struct DataKey {
    pub(super) id: KeyId,
    pub(super) commitment: [u8; ID_LEN],
    cipher: LessSafeKey,
}

impl DataKey {
    pub(super) fn new(key: &SecretBox<[u8; KEY_LEN]>) -> Result<Self, SealError> {
        let cipher = UnboundKey::new(&AES_256_GCM_SIV, key.expose_secret()).map_err(|_| SealError::Engine)?;
        Ok(Self {
            id: KeyId::of(key),
            commitment: derived(key, b"connections/key-commitment/v1"),
            cipher: LessSafeKey::new(cipher),
        })
    }

    /// Encrypts `bytes` in place and returns the tag.
    pub(super) fn seal(
        &self,
        nonce: [u8; NONCE_LEN],
        associated: &[u8],
        bytes: &mut [u8],
    ) -> Result<[u8; TAG_LEN], SealError> {
        let nonce = Nonce::assume_unique_for_key(nonce);
        let tag = self
            .cipher
            .seal_in_place_separate_tag(nonce, Aad::from(associated), bytes)
            .map_err(|_| SealError::Engine)?;
        tag.as_ref().try_into().map_err(|_| SealError::Engine)
    }

    /// Decrypts `bytes` in place. Returns `None` if a bit of the nonce, the associated data or the bytes differs.
    pub(super) fn open<'b>(&self, nonce: [u8; NONCE_LEN], associated: &[u8], bytes: &'b mut [u8]) -> Option<&'b [u8]> {
        let nonce = Nonce::assume_unique_for_key(nonce);
        self.cipher.open_in_place(nonce, Aad::from(associated), bytes).ok().map(|plain| &*plain)
    }
}

/// Derives an id from the key with HMAC as a pseudo-random function, as the second half of HKDF does (RFC 5869).
fn derived(key: &SecretBox<[u8; KEY_LEN]>, label: &[u8]) -> [u8; ID_LEN] {
    let tag = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, key.expose_secret()), label);
    let mut id = [0; ID_LEN];
    for (to, from) in id.iter_mut().zip(tag.as_ref()) {
        *to = *from;
    }
    id
}
