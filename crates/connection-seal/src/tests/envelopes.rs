//! A sealed value opens in its own place and nowhere else, and the parser accepts or rejects any bytes.

use proptest::prelude::*;
use uuid::Uuid;

use super::fresh;
use crate::{
    Keys, Place, SealError,
    envelope::{self, parse},
};

const PLACE: Place<'static> = Place {
    table: "connection_credential",
    column: "sealed",
    key: &[1; 16],
    owner: "local",
    kind: "github",
    sequence: 2,
};
const TAMPERED: SealError = SealError::Tampered { table: "connection_credential" };

/// R-INSEAM-049
#[test]
fn a_sealed_value_opens_and_its_row_shows_nothing() {
    let keys = fresh();
    let sealed = keys.seal(&PLACE, b"ghp_canary").unwrap();
    assert!(!sealed.as_bytes().windows(6).any(|bytes| bytes == b"canary"));
    assert_eq!(opened(&keys, &PLACE, sealed.as_bytes()).as_deref(), Ok(&b"ghp_canary"[..]));
    let again = keys.seal(&PLACE, b"ghp_canary").unwrap();
    assert_ne!(sealed, again, "the same value twice does not look the same");
}

#[test]
fn a_value_moved_to_another_place_or_an_older_generation_does_not_open() {
    let keys = fresh();
    let sealed = keys.seal(&PLACE, b"x").unwrap();
    assert!(opened(&keys, &PLACE, sealed.as_bytes()).is_ok(), "the control");
    for place in [
        Place { table: "connection_kv", ..PLACE },
        Place { column: "sealed_step", ..PLACE },
        Place { key: &[2; 16], ..PLACE },
        Place { owner: "u42", ..PLACE },
        Place { kind: "notion", ..PLACE },
        Place { sequence: 1, ..PLACE },
        Place { sequence: 3, ..PLACE },
    ] {
        assert_eq!(
            opened(&keys, &place, sealed.as_bytes()),
            Err(SealError::Tampered { table: place.table }),
            "{place:?}"
        );
    }
}

#[test]
fn a_value_sealed_with_another_key_is_told_from_an_edited_one() {
    let one = fresh();
    let other = fresh();
    let sealed = one.seal(&PLACE, b"x").unwrap();
    let error = opened(&other, &PLACE, sealed.as_bytes()).unwrap_err();
    assert_eq!(error, SealError::WrongKey { have: other.key_id(), need: one.key_id() });
    assert_eq!(error.remedy().unwrap(), format!("restore key {}, which belongs to this database", one.key_id()));
}

#[test]
fn every_changed_bit_is_noticed() {
    let keys = fresh();
    let bytes = keys.seal(&PLACE, b"x").unwrap().as_bytes().to_vec();
    for at in 0..bytes.len() {
        for bit in 0..8 {
            let mut edited = bytes.clone();
            edited[at] ^= 1 << bit;
            let error = opened(&keys, &PLACE, &edited).unwrap_err();
            match at {
                0..5 => assert_eq!(error, SealError::UnknownFormat, "byte {at}"),
                5..13 => assert!(matches!(error, SealError::WrongKey { .. }), "byte {at}"),
                _ => assert_eq!(error, TAMPERED, "byte {at}"),
            }
        }
    }
    for len in 0..bytes.len() {
        let error = opened(&keys, &PLACE, &bytes[..len]).unwrap_err();
        assert!(matches!(error, SealError::Truncated | SealError::UnknownFormat), "{len} bytes: {error:?}");
    }
}

#[test]
fn the_length_of_a_value_shows_in_steps_alone() {
    let keys = fresh();
    let padded = |len: usize| keys.seal(&PLACE, &vec![1; len]).unwrap().as_bytes().len() - 33 - 16;
    for (len, expected) in [
        (0, 64),
        (60, 64),
        (61, 256),
        (252, 256),
        (253, 1024),
        (1020, 1024),
        (1021, 4096),
        (4092, 4096),
        (4093, 8192),
        (8188, 8192),
        (8189, 12_288),
    ] {
        assert_eq!(padded(len), expected, "{len} bytes");
        let plain = vec![1; len];
        let sealed = keys.seal(&PLACE, &plain).unwrap();
        assert_eq!(opened(&keys, &PLACE, sealed.as_bytes()), Ok(plain));
    }
}

#[test]
fn an_oversized_value_is_refused() {
    let keys = fresh();
    assert_eq!(keys.seal(&PLACE, &vec![0; 16 * 1024 * 1024 + 1]), Err(SealError::TooLong));
}

#[test]
fn a_mac_depends_on_its_purpose_and_its_key() {
    let one = fresh();
    let other = fresh();
    assert_eq!(one.mac("event", b"x"), one.clone().mac("event", b"x"));
    assert_ne!(one.mac("event", b"x"), one.mac("eventx", b""));
    assert_ne!(one.mac("event", b"x"), other.mac("event", b"x"));
}

proptest! {
    #[test]
    fn any_bytes_can_be_parsed(bytes in proptest::collection::vec(any::<u8>(), 0..300), prefixed in any::<bool>()) {
        let mut bytes = bytes;
        if prefixed {
            bytes.splice(0..0, *b"CNX1\x01");
        }
        if parse(&bytes).is_ok() {
            prop_assert!(fresh().open(&PLACE, &bytes).is_err());
        }
    }

    #[test]
    fn any_value_opens_as_it_was(plain in proptest::collection::vec(any::<u8>(), 0..5000)) {
        let keys = fresh();
        let sealed = keys.seal(&PLACE, &plain).unwrap();
        prop_assert_eq!(opened(&keys, &PLACE, sealed.as_bytes()), Ok(plain));
    }

    #[test]
    fn no_two_places_are_written_alike(one in place(), other in place()) {
        let data = |(key, owner, kind, sequence): &Parts| {
            Place { key, owner, kind, sequence: *sequence, ..PLACE }.associated_data(Uuid::nil(), b"h")
        };
        prop_assert_eq!(one == other, data(&one) == data(&other));
    }
}

type Parts = (Vec<u8>, String, String, i64);

/// Generates short parts of few letters, so that different parts often join to the same bytes.
fn place() -> impl Strategy<Value = Parts> {
    (proptest::collection::vec(97_u8..99, 0..3), "[ab]{0,2}", "[ab]{0,2}", 0..2_i64)
}

fn opened(keys: &Keys, place: &Place<'_>, sealed: &[u8]) -> Result<Vec<u8>, SealError> {
    keys.open(place, sealed).map(|secret| secret.expose().to_vec())
}

#[test]
fn another_store_with_the_same_keys_does_not_open_it() {
    let key = crate::data_key::DataKey::new(&crate::key_file::fresh().unwrap()).unwrap();
    let sealed = envelope::seal(&key, Uuid::from_u128(1), &PLACE, b"x").unwrap();
    let parts = parse(sealed.as_bytes()).unwrap();
    assert!(envelope::open(&key, Uuid::from_u128(1), &PLACE, &parts).is_ok());
    assert_eq!(envelope::open(&key, Uuid::from_u128(2), &PLACE, &parts).unwrap_err(), TAMPERED);
}
