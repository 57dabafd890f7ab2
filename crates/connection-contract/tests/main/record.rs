//! The record codec reads what it wrote, and nothing else.

use connection_contract::{CredentialError, Record, Secret};

#[test]
fn a_record_gives_back_what_it_was_given() {
    let record = Record::new().with("user", "ada").with("blob", Secret::new([0, 255, 1])).with("empty", "");
    let bytes = record.encode();
    let mut read = Record::decode(bytes.expose()).unwrap();
    assert_eq!(read.text("user").unwrap(), "ada");
    assert_eq!(read.secret("empty").unwrap().expose(), b"");
    assert!(matches!(read.text("blob"), Err(CredentialError::Malformed)));
    assert_eq!(read.take("blob").unwrap().expose(), [0, 255, 1]);
    assert!(matches!(read.take("blob"), Err(CredentialError::MissingField(name)) if name == "blob"));
}

#[test]
fn a_record_of_format_one_is_read_for_ever() {
    let bytes = b"\x01\0\0\0\x01a\0\0\0\x02bc";
    assert_eq!(Record::new().with("a", "bc").encode().expose(), bytes);
    assert_eq!(Record::decode(bytes).unwrap().text("a").unwrap(), "bc");
}

#[test]
fn truncated_or_foreign_bytes_are_malformed() {
    let whole = Record::new().with("name", "value").with("other", "x").encode();
    let fields = |length: usize| Record::decode(&whole.expose()[..length]).map(|record| record.fields().count());
    for length in 0..whole.expose().len() {
        // A prefix that ends after a whole field is a valid record.
        assert!(matches!(fields(length), Err(CredentialError::Malformed) | Ok(0 | 1)), "{length}");
    }
    for bytes in [&b""[..], b"\x02", b"\0", b"\x01\xff\xff\xff\xff", b"\x01\0\0\0\x01\xff\0\0\0\0"] {
        assert!(matches!(Record::decode(bytes), Err(CredentialError::Malformed)), "{bytes:?}");
    }
}
