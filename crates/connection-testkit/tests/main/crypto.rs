//! Tests SHA-256 and HMAC with published values, and that random bytes are the same in every run.

use connection_contract::encode::hex;
use connection_testkit::{hmac_sha1, hmac_sha256, sha256};

/// <https://csrc.nist.gov/projects/cryptographic-standards-and-guidelines/example-values> and FIPS 180-4.
#[test]
fn sha256_gives_the_published_digests() {
    for (text, digest) in [
        (String::new(), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"),
        ("abc".into(), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"),
        (
            "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq".into(),
            "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1",
        ),
        ("a".repeat(1_000_000), "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0"),
    ] {
        assert_eq!(hex(&sha256(text.as_bytes())), digest);
    }
}

/// RFC 4231, test cases 1, 2 and 6.
#[test]
fn hmac_gives_the_published_codes() {
    for (key, text, code) in [
        (&[0x0b; 20][..], "Hi There", "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7"),
        (b"Jefe", "what do ya want for nothing?", "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"),
        (
            &[0xaa; 131],
            "Test Using Larger Than Block-Size Key - Hash Key First",
            "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54",
        ),
    ] {
        assert_eq!(hex(&hmac_sha256(key, text.as_bytes())), code);
    }
}

/// RFC 2202, test cases 1, 2, 6 and 7.
#[test]
fn hmac_of_sha1_gives_the_published_codes() {
    let block = "Test Using Larger Than Block-Size Key and Larger Than One Block-Size Data";
    for (key, text, code) in [
        (&[0x0b; 20][..], "Hi There", "b617318655057264e28bc0b6fb378c8ef146be00"),
        (b"Jefe", "what do ya want for nothing?", "effcdf6ae5eb2fa2d27416d5f184df9c259a7c79"),
        (
            &[0xaa; 80],
            "Test Using Larger Than Block-Size Key - Hash Key First",
            "aa4ae5e15272d00e95705637ce8a3b55ed402112",
        ),
        (&[0xaa; 80], block, "e8e99d0f45237d786d6bbaa7965c7808bbff1a91"),
    ] {
        assert_eq!(hex(&hmac_sha1(key, text.as_bytes())), code);
    }
}
