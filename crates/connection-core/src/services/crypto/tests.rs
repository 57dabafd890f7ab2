//! Known answers of the standards.

use connection_contract::{Crypto, Secret, encode::hex};

use super::SystemCrypto;

#[test]
fn hashes_and_macs_are_those_of_the_standards() {
    // FIPS 180-4 examples, and RFC 4231, test case 2.
    let abc = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
    assert_eq!(hex(&SystemCrypto.sha256(b"abc")), abc);
    let mac = SystemCrypto.hmac_sha256(&Secret::from("Jefe"), b"what do ya want for nothing?");
    assert_eq!(hex(&mac), "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
}

#[test]
fn random_bytes_differ_and_comparison_tells_equal_from_unequal() {
    let (mut a, mut b) = ([0; 32], [0; 32]);
    SystemCrypto.random(&mut a);
    SystemCrypto.random(&mut b);
    assert!(a != b && a != [0; 32]);
    assert!(SystemCrypto.equal(b"abc", b"abc") && SystemCrypto.equal(b"", b""));
    assert!(
        !SystemCrypto.equal(b"abc", b"abd") && !SystemCrypto.equal(b"abc", b"abcd") && !SystemCrypto.equal(b"", b"a")
    );
}
