//! Known answers from the standards.

use connection_contract::{Crypto, Secret, encode::hex};

use super::SystemCrypto;

#[test]
fn hashes_and_macs_are_those_of_the_standards() {
    // FIPS 180-4 examples, and RFC 4231, test case 2.
    let abc = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
    assert_eq!(hex(&SystemCrypto.sha256(b"abc")), abc);
    let mac = SystemCrypto.hmac_sha256(&Secret::from("Jefe"), b"what do ya want for nothing?");
    assert_eq!(hex(&mac), "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
    // RFC 2202, test cases 2 and 6.
    let mac = SystemCrypto.hmac_sha1(&Secret::from("Jefe"), b"what do ya want for nothing?").unwrap();
    assert_eq!(hex(&mac), "effcdf6ae5eb2fa2d27416d5f184df9c259a7c79");
    let long = b"Test Using Larger Than Block-Size Key - Hash Key First";
    let mac = SystemCrypto.hmac_sha1(&Secret::new([0xaa; 80]), long).unwrap();
    assert_eq!(hex(&mac), "aa4ae5e15272d00e95705637ce8a3b55ed402112");
}

#[test]
fn random_bytes_differ_and_comparison_tells_equal_from_unequal() {
    let mut a = [0; 32];
    let mut b = [0; 32];
    SystemCrypto.random(&mut a);
    SystemCrypto.random(&mut b);
    assert!(a != b && a != [0; 32]);
    assert!(SystemCrypto.equal(b"abc", b"abc") && SystemCrypto.equal(b"", b""));
    assert!(
        !SystemCrypto.equal(b"abc", b"abd") && !SystemCrypto.equal(b"abc", b"abcd") && !SystemCrypto.equal(b"", b"a")
    );
}

/// The keys are generated here. Each signature is verified with the matching public key, and with no other.
#[test]
fn signatures_are_those_of_the_standards_and_a_wrong_key_gives_none() {
    use aws_lc_rs::{
        encoding::AsDer as _,
        rsa::KeySize,
        signature::{
            ECDSA_P256_SHA256_FIXED, ECDSA_P256_SHA256_FIXED_SIGNING, ED25519, EcdsaKeyPair, Ed25519KeyPair,
            KeyPair as _, RSA_PKCS1_2048_8192_SHA256, RSA_PSS_2048_8192_SHA256, RsaKeyPair, UnparsedPublicKey,
            VerificationAlgorithm,
        },
    };
    use connection_contract::{SignatureAlgorithm::*, encode::base64};
    let pem =
        |der: &[u8]| Secret::from(format!("-----BEGIN PRIVATE KEY-----\n{}\n-----END PRIVATE KEY-----\n", base64(der)));
    let edwards = Ed25519KeyPair::generate().unwrap();
    let curve = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).unwrap();
    let rsa = RsaKeyPair::generate(KeySize::Rsa2048).unwrap();
    let keys = [
        pem(edwards.to_pkcs8().unwrap().as_ref()),
        pem(curve.to_pkcs8v1().unwrap().as_ref()),
        pem(rsa.as_der().unwrap().as_ref()),
    ];
    let public = [edwards.public_key().as_ref(), curve.public_key().as_ref(), rsa.public_key().as_ref()];
    let rows: [(_, usize, &'static dyn VerificationAlgorithm); 4] = [
        (EdDsa, 0, &ED25519),
        (Es256, 1, &ECDSA_P256_SHA256_FIXED),
        (Ps256, 2, &RSA_PSS_2048_8192_SHA256),
        (Rs256, 2, &RSA_PKCS1_2048_8192_SHA256),
    ];
    for (algorithm, own, verification) in rows {
        for (key, secret) in keys.iter().enumerate() {
            let Some(signature) = SystemCrypto.sign(algorithm, secret, b"claims") else {
                assert!(key != own, "{algorithm:?}");
                continue;
            };
            assert_eq!(key, own, "{algorithm:?}");
            let check = |bytes: &[u8]| UnparsedPublicKey::new(verification, public[own]).verify(bytes, &signature);
            assert!(check(b"claims").is_ok() && check(b"other").is_err(), "{algorithm:?}");
        }
        for odd in ["", "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n", "canary"] {
            assert!(SystemCrypto.sign(algorithm, &Secret::from(odd), b"claims").is_none());
        }
    }
}
