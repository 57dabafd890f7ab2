//! The key with which the hosts of a store authenticate as an OAuth application that a document describes
//! (`private_key_jwt`, RFC 7523, section 2.2).
//!
//! It is derived from the keys of the store, so every process has the same key, and nothing is stored for it. It stays the
//! same for as long as the store exists.

use aws_lc_rs::{
    agreement::{ECDH_P256, PrivateKey},
    encoding::{AsBigEndian, EcPrivateKeyBin},
    signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair},
};
use connection_contract::{Secret, encode};

use super::Sealer;

const PURPOSE: &str = "client signing key";

/// A key on the curve P-256.
pub(crate) struct ClientKey(PrivateKey);

impl ClientKey {
    /// Derives the key of the store. `None` if the cryptography fails.
    pub(crate) fn of(sealer: &Sealer) -> Option<Self> {
        // A number that is no private key of the curve comes once in four billion stores.
        (0..=u8::MAX).find_map(|attempt| {
            let number = sealer.mac(PURPOSE, &[attempt]);
            PrivateKey::from_private_key(&ECDH_P256, &number).ok().map(Self)
        })
    }

    /// Returns the private key as PKCS#8 in PEM.
    pub(crate) fn private(&self) -> Option<Secret> {
        let number: EcPrivateKeyBin<'_> = self.0.as_be_bytes().ok()?;
        let public = self.0.compute_public_key().ok()?;
        let pair = EcdsaKeyPair::from_private_key_and_public_key(
            &ECDSA_P256_SHA256_FIXED_SIGNING,
            number.as_ref(),
            public.as_ref(),
        );
        let der = pair.ok()?.to_pkcs8v1().ok()?;
        let text = Secret::from(encode::base64(der.as_ref()));
        Some(Secret::concat(&[b"-----BEGIN PRIVATE KEY-----\n", text.expose(), b"\n-----END PRIVATE KEY-----\n"]))
    }

    /// Returns the coordinates of the public key, in base64url (RFC 7518, section 6.2.1).
    pub(crate) fn public(&self) -> Option<(String, String)> {
        let public = self.0.compute_public_key().ok()?;
        // The point is not compressed: one byte, and then both coordinates.
        let point = public.as_ref().get(1..)?;
        let (x, y) = point.split_at_checked(point.len() / 2)?;
        Some((encode::base64url(x), encode::base64url(y)))
    }
}
