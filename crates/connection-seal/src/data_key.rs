//! A key that seals and opens values, with its id and its commitment.

use aws_lc_rs::aead::{AES_256_GCM_SIV, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use secrecy::{ExposeSecret as _, SecretBox};

use super::{
    KeyId, SealError,
    key_id::{ID_LEN, KEY_LEN, derived},
};

/// Length of the tag that the cipher adds, in bytes.
pub(super) const TAG_LEN: usize = 16;

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
