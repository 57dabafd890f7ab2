//! Signatures with a plugin's private key, in the forms of RFC 7518, section 3.1, and RFC 8037.

use aws_lc_rs::{
    rand::SystemRandom,
    signature::{
        ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair, RSA_PKCS1_SHA256, RSA_PSS_SHA256, RsaEncoding,
        RsaKeyPair,
    },
};
use connection_contract::{Secret, SignatureAlgorithm};
use rustls::pki_types::{PrivatePkcs8KeyDer, pem::PemObject as _};

/// Signs with a key. Returns `None` if the key is not PKCS#8 in PEM, or does not fit the algorithm.
pub(super) fn sign(algorithm: SignatureAlgorithm, key: &Secret, bytes: &[u8]) -> Option<Vec<u8>> {
    // The parser keeps the bytes in its own `Vec`. They are moved into a `Secret` at once, so that they are wiped.
    let key = PrivatePkcs8KeyDer::from_pem_slice(key.expose()).ok()?;
    let key = Secret::new(key.secret_pkcs8_der());
    match algorithm {
        SignatureAlgorithm::EdDsa => {
            let pair = Ed25519KeyPair::from_pkcs8_maybe_unchecked(key.expose()).ok()?;
            Some(pair.sign(bytes).as_ref().to_vec())
        }
        SignatureAlgorithm::Es256 => {
            let pair = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, key.expose()).ok()?;
            Some(pair.sign(&SystemRandom::new(), bytes).ok()?.as_ref().to_vec())
        }
        SignatureAlgorithm::Ps256 => rsa(&RSA_PSS_SHA256, &key, bytes),
        SignatureAlgorithm::Rs256 => rsa(&RSA_PKCS1_SHA256, &key, bytes),
        // Every algorithm that this version knows is above.
        _ => None,
    }
}

fn rsa(padding: &'static dyn RsaEncoding, key: &Secret, bytes: &[u8]) -> Option<Vec<u8>> {
    let pair = RsaKeyPair::from_pkcs8(key.expose()).ok()?;
    let mut signature = vec![0; pair.public_modulus_len()];
    pair.sign(padding, &SystemRandom::new(), bytes, &mut signature).ok()?;
    Some(signature)
}
