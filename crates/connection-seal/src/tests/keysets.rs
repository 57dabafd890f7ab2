//! Every stored version of a keyset can be read, and a wrapped keyset opens only in its own slot and store.

use connection_contract::{Timestamp, encode};
use secrecy::SecretBox;
use uuid::Uuid;

use crate::{
    SealError,
    data_key::DataKey,
    keyset::{Entry, Keyset, Slot, Status},
};

/// A keyset of the first version, as it was stored in slot A of the store `1`: a retired key and a primary one.
const VERSION_1: &str = include_str!("keyset-1.hex");

fn wrapping() -> DataKey {
    DataKey::new(&SecretBox::new(Box::new([7; 32]))).unwrap()
}

#[test]
fn a_keyset_of_the_first_version_is_read() {
    let stored = encode::from_hex(VERSION_1.trim()).unwrap();
    let keyset = Keyset::unwrap(&wrapping(), Uuid::from_u128(1), Slot::A, &stored).unwrap();
    let entries: Vec<_> = keyset.entries.iter().map(|e| (e.status, e.created_at.seconds(), e.retired_at)).collect();
    assert_eq!(entries, [(Status::Retired, 1, None), (Status::Primary, 2, None)]);
    assert_eq!(keyset.revision, 1);
    // The keyset is still the same after it is written in the current format.
    let wrapped = keyset.wrap(&wrapping(), Uuid::from_u128(1), Slot::B).unwrap();
    let again = Keyset::unwrap(&wrapping(), Uuid::from_u128(1), Slot::B, wrapped.as_bytes()).unwrap();
    assert!(again.is(&keyset));
}

#[test]
fn a_keyset_is_read_as_it_was_written() {
    let mut keyset = Keyset::fresh(Timestamp::from_seconds(1)).unwrap();
    keyset.revision = 9;
    keyset.entries[0].status = Status::Retired;
    keyset.entries[0].retired_at = Some(Timestamp::from_seconds(5));
    keyset.entries.push(Entry::new(Timestamp::from_seconds(5), Status::Fresh).unwrap());
    let wrapped = keyset.wrap(&wrapping(), Uuid::nil(), Slot::A).unwrap();
    let read = Keyset::unwrap(&wrapping(), Uuid::nil(), Slot::A, wrapped.as_bytes()).unwrap();
    assert!(read.is(&keyset));
    assert_eq!(read.entries[0].retired_at.map(Timestamp::seconds), Some(5));
    assert_eq!(read.primary().map(Entry::id), Some(keyset.entries[1].id()));
    assert!(!read.is(&Keyset::fresh(Timestamp::from_seconds(1)).unwrap()), "the control");
}

#[test]
fn a_keyset_opens_in_its_own_slot_and_store() {
    let keyset = Keyset::fresh(Timestamp::from_seconds(1)).unwrap();
    let wrapped = keyset.wrap(&wrapping(), Uuid::nil(), Slot::A).unwrap();
    let open = |store, slot| Keyset::unwrap(&wrapping(), store, slot, wrapped.as_bytes()).map(drop);
    assert_eq!(open(Uuid::nil(), Slot::A), Ok(()));
    let tampered = Err(SealError::Tampered { table: "connection_keyset" });
    assert_eq!(open(Uuid::nil(), Slot::B), tampered);
    assert_eq!(open(Uuid::from_u128(1), Slot::A), tampered);
}
