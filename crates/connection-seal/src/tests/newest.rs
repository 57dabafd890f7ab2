//! Keys are never replaced by older ones, and retired keys still open the values that they sealed.

use connection_contract::Timestamp;
use secrecy::{ExposeSecret as _, SecretBox};
use uuid::Uuid;

use crate::{
    Keys, Place, SealError,
    data_key::DataKey,
    key_id::KeyId,
    keyset::{Entry, Keyset, Slot, Status},
};

const PLACE: Place<'static> = Place { table: "t", column: "c", key: &[], owner: "", kind: "", sequence: 0 };

fn copy(key: &SecretBox<[u8; 32]>) -> SecretBox<[u8; 32]> {
    SecretBox::new(Box::new(*key.expose_secret()))
}

/// Returns the keys of a store after each of its rotations, with the id of the key that seals after it.
fn rotations() -> Vec<(Keyset, KeyId)> {
    let mut all: Vec<(Keyset, KeyId)> = Vec::new();
    for revision in 1..=3 {
        let mut keyset = Keyset::fresh(Timestamp::from_seconds(revision)).unwrap();
        if let Some((before, _)) = all.last() {
            let retired = |entry: &Entry| Entry {
                status: Status::Retired,
                created_at: entry.created_at,
                retired_at: Some(Timestamp::from_seconds(revision)),
                key: copy(&entry.key),
            };
            keyset.entries.extend(before.entries.iter().map(retired));
            keyset.mac_key = copy(&before.mac_key);
        }
        keyset.revision = revision;
        let key = keyset.primary().unwrap().id();
        all.push((keyset, key));
    }
    all
}

#[test]
fn older_keys_do_not_take_the_place_of_newer_ones_in_memory() {
    let all = rotations();
    let keys = Keys::new(Uuid::from_u128(1), &all[0].0).unwrap();
    // A process that reads the keyset several times at once may get the answers in another order.
    for (taken, newest) in [(1, 1), (0, 1), (1, 1), (2, 2), (1, 2), (0, 2), (2, 2)] {
        keys.take(&all[taken].0).unwrap();
        assert_eq!(keys.key_id(), all[newest].1, "after those of rotation {taken}");
        let sealed = keys.seal(&PLACE, b"x").unwrap();
        assert_eq!(keys.open(&PLACE, sealed.as_bytes()).unwrap().expose(), b"x");
    }
    // The control: a process that holds only the older keys does not open a value that the newest key sealed.
    let sealed = keys.seal(&PLACE, b"x").unwrap();
    let older = Keys::new(Uuid::from_u128(1), &all[1].0).unwrap();
    let error = older.open(&PLACE, sealed.as_bytes()).unwrap_err();
    assert!(matches!(error, SealError::WrongKey { need, .. } if need == all[2].1), "{error:?}");
    older.take(&all[2].0).unwrap();
    assert_eq!(older.open(&PLACE, sealed.as_bytes()).unwrap().expose(), b"x");
}

#[test]
fn a_retired_key_opens_and_does_not_seal() {
    let mut keyset = Keyset::fresh(Timestamp::from_seconds(1)).unwrap();
    let old = Keys::new(Uuid::nil(), &keyset).unwrap();
    let sealed = old.seal(&PLACE, b"x").unwrap();
    let mut next = Keyset::fresh(Timestamp::from_seconds(2)).unwrap();
    keyset.entries[0].status = Status::Retired;
    keyset.entries.append(&mut next.entries);
    let wrapping = DataKey::new(&crate::key_file::fresh().unwrap()).unwrap();
    let wrapped = keyset.wrap(&wrapping, Uuid::nil(), Slot::A).unwrap();
    let read = Keyset::unwrap(&wrapping, Uuid::nil(), Slot::A, wrapped.as_bytes()).unwrap();
    assert_eq!(read.entries.iter().map(|entry| entry.created_at.seconds()).collect::<Vec<_>>(), [1, 2]);
    let rotated = Keys::new(Uuid::nil(), &read).unwrap();
    assert_ne!(rotated.key_id(), old.key_id());
    assert_eq!(rotated.open(&PLACE, sealed.as_bytes()).unwrap().expose(), b"x");
    assert!(old.open(&PLACE, rotated.seal(&PLACE, b"y").unwrap().as_bytes()).is_err());
    assert_eq!(rotated.mac("event", b"x"), old.mac("event", b"x"), "names outlive a rotation");
}

#[test]
fn a_rotation_keeps_the_keys_that_seal_something_or_were_retired_of_late() {
    const DAY: i64 = 24 * 60 * 60;
    let at = |days: i64| Timestamp::from_seconds(days * DAY);
    let mut keyset = Keyset::fresh(at(0)).unwrap();
    let first = keyset.key_id().unwrap();
    assert_eq!(keyset.rotate(at(0), |_| false), Ok(Vec::new()), "it was retired just now");
    let second = keyset.key_id().unwrap();
    assert_eq!((keyset.revision(), keyset.retired(), keyset.is_settled()), (2, vec![first], false));
    assert!(!keyset.settle(first) && keyset.settle(second) && !keyset.settle(second));
    assert!(keyset.is_settled());

    assert_eq!(keyset.rotate(at(30), |key| key == first), Ok(Vec::new()), "it seals something");
    assert_eq!(keyset.rotate(at(59), |_| false), Ok(vec![first]), "the second one was retired for 29 days");
    assert_eq!(keyset.retired().first(), Some(&second));
    assert!(keyset.rotate(at(60), |_| false).unwrap().contains(&second), "the control");
}
