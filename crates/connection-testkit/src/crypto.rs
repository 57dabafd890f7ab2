//! SHA-256 and HMAC, with which authorizers sign, and random bytes that are the same in every run.

use std::sync::{
    Arc, Mutex, MutexGuard, PoisonError,
    atomic::{AtomicU64, Ordering},
};

use connection_contract::{Crypto, Secret, SignatureAlgorithm, encode, host::Signatures};
use hmac::{Hmac, KeyInit, Mac, digest::Output};
use sha1::Sha1;
use sha2::{Digest as _, Sha256};

/// Returns the SHA-256 digest of `bytes`.
pub fn sha256(bytes: &[u8]) -> [u8; 32] {
    Sha256::digest(bytes).into()
}

/// Returns the HMAC-SHA-256 of `bytes`.
pub fn hmac_sha256(key: &[u8], bytes: &[u8]) -> [u8; 32] {
    mac::<Hmac<Sha256>>(key, bytes).into()
}

/// Returns the HMAC-SHA-1 of `bytes`, because some providers offer no better signature.
pub fn hmac_sha1(key: &[u8], bytes: &[u8]) -> [u8; 20] {
    mac::<Hmac<Sha1>>(key, bytes).into()
}

fn mac<M: Mac + KeyInit>(key: &[u8], bytes: &[u8]) -> Output<M> {
    let mac = <M as KeyInit>::new_from_slice(key).expect("HMAC takes keys of any length");
    mac.chain_update(bytes).finalize().into_bytes()
}

/// Returns the stand-in for a signature with a private key: a MAC, which a test can compute.
///
/// Returns `None` if `key` is not a private key in PEM. With `Es256` and `Ps256`, the plugin gets different bytes for
/// each signature, as from a real host. In the requests of the plugin, the script sees the stand-in in their place.
pub fn signature(algorithm: SignatureAlgorithm, key: &Secret, bytes: &[u8]) -> Option<Vec<u8>> {
    let is_key = key.expose_str().is_some_and(|pem| pem.trim_start().starts_with("-----BEGIN PRIVATE KEY-----"));
    let signed = [format!("{algorithm:?} ").as_bytes(), bytes].concat();
    is_key.then(|| hmac_sha256(key.expose(), &signed).to_vec())
}

/// Random bytes from a counter that restarts in every run of a setup, and signatures from a counter that never
/// restarts.
#[derive(Debug, Default)]
pub(crate) struct FakeCrypto {
    draws: AtomicU64,
    signed: Arc<Signed>,
}

#[derive(Debug, Default)]
struct Signed {
    made: AtomicU64,
    known: Mutex<Signatures>,
}

impl FakeCrypto {
    /// Returns the cryptography for another run on the same host.
    pub(crate) fn anew(&self) -> Self {
        Self { draws: AtomicU64::default(), signed: Arc::clone(&self.signed) }
    }

    /// Returns 32 bytes that depend on `label` and `n` alone.
    pub(crate) fn derived(label: &str, n: u64) -> [u8; 32] {
        hmac_sha256(b"connection-testkit", format!("{label} {n}").as_bytes())
    }

    /// Replaces each signature in the text by its stand-in, in the same encoding.
    pub(crate) fn retold(&self, text: &[u8]) -> Secret {
        self.known().with_encoded_stand_ins(text)
    }

    /// Replaces each signature in the text by its stand-in in hexadecimal, for comparison with another run.
    pub(crate) fn settled(&self, text: &[u8]) -> Secret {
        self.known().with_stand_ins(text)
    }

    fn known(&self) -> MutexGuard<'_, Signatures> {
        self.signed.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Crypto for FakeCrypto {
    fn random(&self, bytes: &mut [u8]) {
        for part in bytes.chunks_mut(32) {
            let drawn = Self::derived("random", self.draws.fetch_add(1, Ordering::Relaxed));
            part.iter_mut().zip(drawn).for_each(|(to, from)| *to = from);
        }
    }

    fn sha256(&self, bytes: &[u8]) -> [u8; 32] {
        sha256(bytes)
    }

    fn hmac_sha256(&self, key: &Secret, bytes: &[u8]) -> [u8; 32] {
        hmac_sha256(key.expose(), bytes)
    }

    fn hmac_sha1(&self, key: &Secret, bytes: &[u8]) -> Option<[u8; 20]> {
        Some(hmac_sha1(key.expose(), bytes))
    }

    fn equal(&self, a: &[u8], b: &[u8]) -> bool {
        a.len() == b.len() && a.iter().zip(b).fold(0, |differs, (a, b)| differs | (a ^ b)) == 0
    }

    fn sign(&self, algorithm: SignatureAlgorithm, key: &Secret, bytes: &[u8]) -> Option<Vec<u8>> {
        let made_signature = signature(algorithm, key, bytes)?;
        if !matches!(algorithm, SignatureAlgorithm::Es256 | SignatureAlgorithm::Ps256) {
            return Some(made_signature);
        }
        // The signature must differ between base64 and base64url, so that the stand-in is written in the same encoding.
        let other = std::iter::repeat_with(|| self.signed.made.fetch_add(1, Ordering::Relaxed))
            .map(|made| hmac_sha256(&made_signature, &made.to_be_bytes()))
            .find(|other| encode::base64(other).contains(['+', '/']))?;
        self.known().add(&other, &made_signature);
        Some(other.to_vec())
    }
}
