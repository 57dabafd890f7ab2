//! Random numbers, hashes, MACs, signatures and comparison for plugins, from aws-lc-rs.
//!
//! A single cryptography library is used everywhere; no algorithm is implemented here.

use aws_lc_rs::{constant_time, digest, hmac, rand};
use connection_contract::{Crypto, Secret, SignatureAlgorithm};

mod sign;

#[cfg(test)]
mod tests;

/// The implementation of [`Crypto`] with aws-lc-rs.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct SystemCrypto;

impl Crypto for SystemCrypto {
    fn random(&self, bytes: &mut [u8]) {
        // The library aborts if the system provides no entropy. Its `Result` exists for other implementations.
        rand::fill(bytes).expect("the generator was seeded, and does not fail after that");
    }

    fn sha256(&self, bytes: &[u8]) -> [u8; 32] {
        array(digest::digest(&digest::SHA256, bytes).as_ref())
    }

    fn hmac_sha256(&self, key: &Secret, bytes: &[u8]) -> [u8; 32] {
        let key = hmac::Key::new(hmac::HMAC_SHA256, key.expose());
        array(hmac::sign(&key, bytes).as_ref())
    }

    fn hmac_sha1(&self, key: &Secret, bytes: &[u8]) -> Option<[u8; 20]> {
        let key = hmac::Key::new(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, key.expose());
        hmac::sign(&key, bytes).as_ref().try_into().ok()
    }

    fn equal(&self, a: &[u8], b: &[u8]) -> bool {
        constant_time::verify_slices_are_equal(a, b).is_ok()
    }

    fn sign(&self, algorithm: SignatureAlgorithm, key: &Secret, bytes: &[u8]) -> Option<Vec<u8>> {
        sign::sign(algorithm, key, bytes)
    }
}

fn array(digest: &[u8]) -> [u8; 32] {
    // SHA-256 and its HMAC are 32 bytes long.
    digest.try_into().expect("SHA-256 gives 32 bytes")
}
