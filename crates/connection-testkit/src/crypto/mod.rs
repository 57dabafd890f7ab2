//! SHA-256 and HMAC, with which authorizers sign, and random bytes that are the same in every run.
//!
//! The code is for tests only. It is neither fast nor hardened.

mod sha1;

use std::sync::{
    Arc, Mutex, MutexGuard, PoisonError,
    atomic::{AtomicU64, Ordering},
};

use connection_contract::{Crypto, Secret, SignatureAlgorithm, encode, host::Signatures};

pub use sha1::hmac_sha1;

/// The first 32 bits of the fractional parts of the cube roots of the first 64 primes (FIPS 180-4, section 4.2.2).
const K: [u32; 64] = [
    0x428a_2f98,
    0x7137_4491,
    0xb5c0_fbcf,
    0xe9b5_dba5,
    0x3956_c25b,
    0x59f1_11f1,
    0x923f_82a4,
    0xab1c_5ed5,
    0xd807_aa98,
    0x1283_5b01,
    0x2431_85be,
    0x550c_7dc3,
    0x72be_5d74,
    0x80de_b1fe,
    0x9bdc_06a7,
    0xc19b_f174,
    0xe49b_69c1,
    0xefbe_4786,
    0x0fc1_9dc6,
    0x240c_a1cc,
    0x2de9_2c6f,
    0x4a74_84aa,
    0x5cb0_a9dc,
    0x76f9_88da,
    0x983e_5152,
    0xa831_c66d,
    0xb003_27c8,
    0xbf59_7fc7,
    0xc6e0_0bf3,
    0xd5a7_9147,
    0x06ca_6351,
    0x1429_2967,
    0x27b7_0a85,
    0x2e1b_2138,
    0x4d2c_6dfc,
    0x5338_0d13,
    0x650a_7354,
    0x766a_0abb,
    0x81c2_c92e,
    0x9272_2c85,
    0xa2bf_e8a1,
    0xa81a_664b,
    0xc24b_8b70,
    0xc76c_51a3,
    0xd192_e819,
    0xd699_0624,
    0xf40e_3585,
    0x106a_a070,
    0x19a4_c116,
    0x1e37_6c08,
    0x2748_774c,
    0x34b0_bcb5,
    0x391c_0cb3,
    0x4ed8_aa4a,
    0x5b9c_ca4f,
    0x682e_6ff3,
    0x748f_82ee,
    0x78a5_636f,
    0x84c8_7814,
    0x8cc7_0208,
    0x90be_fffa,
    0xa450_6ceb,
    0xbef9_a3f7,
    0xc671_78f2,
];
const START: [u32; 8] =
    [0x6a09_e667, 0xbb67_ae85, 0x3c6e_f372, 0xa54f_f53a, 0x510e_527f, 0x9b05_688c, 0x1f83_d9ab, 0x5be0_cd19];

/// Returns the SHA-256 digest of `bytes` (FIPS 180-4).
pub fn sha256(bytes: &[u8]) -> [u8; 32] {
    let mut state = START;
    for block in padded(bytes).as_chunks::<64>().0 {
        compress(&mut state, block);
    }
    let mut out = [0; 32];
    for (part, word) in out.as_chunks_mut::<4>().0.iter_mut().zip(state) {
        *part = word.to_be_bytes();
    }
    out
}

/// Returns the HMAC-SHA-256 of `bytes` (RFC 2104).
pub fn hmac_sha256(key: &[u8], bytes: &[u8]) -> [u8; 32] {
    hmac(sha256, key, bytes)
}

/// Returns the HMAC with a hash that works on blocks of 64 bytes.
fn hmac<const N: usize>(hash: fn(&[u8]) -> [u8; N], key: &[u8], bytes: &[u8]) -> [u8; N] {
    let hashed = if key.len() > 64 { hash(key).to_vec() } else { key.to_vec() };
    let pad = |with: u8| -> Vec<u8> {
        hashed.iter().copied().chain(std::iter::repeat(0)).take(64).map(|byte| byte ^ with).collect()
    };
    let inner = hash(&[pad(0x36).as_slice(), bytes].concat());
    hash(&[pad(0x5c).as_slice(), &inner].concat())
}

/// Pads the bytes to whole blocks with a one bit, zeros and the number of bits (FIPS 180-4, section 5.1.1).
fn padded(bytes: &[u8]) -> Vec<u8> {
    let mut padded = bytes.to_vec();
    padded.push(0x80);
    while padded.len() % 64 != 56 {
        padded.push(0);
    }
    padded.extend_from_slice(&(bytes.len() as u64 * 8).to_be_bytes());
    padded
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

fn compress(state: &mut [u32; 8], block: &[u8; 64]) {
    let mut w = [0_u32; 64];
    for (word, bytes) in w.iter_mut().zip(block.as_chunks::<4>().0) {
        *word = u32::from_be_bytes(*bytes);
    }
    for i in 16..64 {
        let a = w[i - 15];
        let b = w[i - 2];
        let s0 = a.rotate_right(7) ^ a.rotate_right(18) ^ (a >> 3);
        let s1 = b.rotate_right(17) ^ b.rotate_right(19) ^ (b >> 10);
        w[i] = w[i - 16].wrapping_add(s0).wrapping_add(w[i - 7]).wrapping_add(s1);
    }
    let [mut a, mut b, mut c, mut d, mut e, mut f, mut g, mut h] = *state;
    for (k, w) in K.iter().zip(w) {
        let s1 = e.rotate_right(6) ^ e.rotate_right(11) ^ e.rotate_right(25);
        let choice = (e & f) ^ (!e & g);
        let first = h.wrapping_add(s1).wrapping_add(choice).wrapping_add(*k).wrapping_add(w);
        let s0 = a.rotate_right(2) ^ a.rotate_right(13) ^ a.rotate_right(22);
        let second = s0.wrapping_add((a & b) ^ (a & c) ^ (b & c));
        (h, g, f, e) = (g, f, e, d.wrapping_add(first));
        (d, c, b, a) = (c, b, a, first.wrapping_add(second));
    }
    for (total, part) in state.iter_mut().zip([a, b, c, d, e, f, g, h]) {
        *total = total.wrapping_add(part);
    }
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
        let told = signature(algorithm, key, bytes)?;
        if !matches!(algorithm, SignatureAlgorithm::Es256 | SignatureAlgorithm::Ps256) {
            return Some(told);
        }
        // The signature must differ between base64 and base64url, so that the stand-in is written in the same encoding.
        let other = std::iter::repeat_with(|| self.signed.made.fetch_add(1, Ordering::Relaxed))
            .map(|made| hmac_sha256(&told, &made.to_be_bytes()))
            .find(|other| encode::base64(other).contains(['+', '/']))?;
        self.known().add(&other, &told);
        Some(other.to_vec())
    }
}
