//! A key and what can be said of it: its id, and a commitment by which a wrong key is told from an edited row.
//!
//! Both are one-way functions of the key, so nobody chooses them and two keys do not share them by accident.

use std::fmt;

use aws_lc_rs::{
    aead::{AES_256_GCM_SIV, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey},
    hmac,
};
use connection_contract::encode;
use secrecy::{ExposeSecret as _, SecretBox};

use super::SealError;

/// Bytes of a key.
pub(super) const KEY_LEN: usize = 32;
/// Bytes of an id, and of a commitment.
pub(super) const ID_LEN: usize = 8;
/// Bytes that the cipher adds.
pub(super) const TAG_LEN: usize = 16;

/// Names a key without telling anything of it.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct KeyId([u8; ID_LEN]);

impl KeyId {
    /// The id as it is stored.
    pub const fn as_bytes(&self) -> &[u8; 8] {
        &self.0
    }

    pub(super) const fn from_bytes(bytes: [u8; ID_LEN]) -> Self {
        Self(bytes)
    }

    /// Returns the id of a key that a source holds.
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

/// A key that seals.
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

    /// Encrypts in place.
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

    /// Decrypts in place; `None` when a bit of anything differs.
    pub(super) fn open<'b>(&self, nonce: [u8; NONCE_LEN], associated: &[u8], bytes: &'b mut [u8]) -> Option<&'b [u8]> {
        let nonce = Nonce::assume_unique_for_key(nonce);
        self.cipher.open_in_place(nonce, Aad::from(associated), bytes).ok().map(|plain| &*plain)
    }
}

/// HMAC as a pseudo-random function of the key, which is what HKDF's second half is (RFC 5869).
fn derived(key: &SecretBox<[u8; KEY_LEN]>, label: &[u8]) -> [u8; ID_LEN] {
    let tag = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, key.expose_secret()), label);
    let mut id = [0; ID_LEN];
    for (to, from) in id.iter_mut().zip(tag.as_ref()) {
        *to = *from;
    }
    id
}
