//! Keys in a keyring: one for each wrapping of each database, and the faults of a keyring.

use std::time::Duration;

use connection_core::{KeyError, KeyKeyring, KeySource as _, OpenError};

use crate::{
    acme::Acme,
    ring::{Mood, Ring},
    sql,
    test_host::{World, connected},
};

async fn opened(world: &World, ring: &Ring) -> Result<connection_core::ConnectionRegistry, OpenError> {
    world.builder().kind(Acme::default()).key(ring.source()).open().await
}

#[tokio::test]
async fn a_keyring_keeps_keys_by_the_id_of_their_database() {
    let ring = Ring::default();
    let ada = World::new().await;
    let bob = World::new().await;
    for world in [&ada, &bob] {
        let registry = opened(world, &ring).await.unwrap();
        let id = connected(&registry, "key-1").await.id();
        registry.close().await;
        let registry = opened(world, &ring).await.unwrap();
        registry.connection(id).await.unwrap().verify().await.unwrap();
        let status = registry.keys().status().await.unwrap();
        assert_eq!(status.source, "keyring of the program");
        let store = sql::uuid(&world.database(), "SELECT store_id FROM connection_keyset").await;
        let user = format!("{store}/{}", status.wrapped_by);
        assert!(ring.users().contains(&user), "{user} {:?}", ring.users());
        let secret = ring.entry(&user);
        for stored in [sql::everything(&world.database()).await, format!("{status:?}").into_bytes()] {
            assert!(!stored.windows(secret.len()).any(|window| window == secret));
        }
        registry.close().await;
        assert!(!world.key().exists());
    }
    assert_eq!(ring.users().len(), 2, "opening makes no entry");
    // A rotation wraps the keys again, and the previous entry stays for backups. The double refuses to overwrite an
    // entry.
    let registry = opened(&ada, &ring).await.unwrap();
    registry.keys().rotate().await.unwrap();
    registry.close().await;
    assert!(ring.users().len() > 2);
    opened(&ada, &ring).await.unwrap().close().await;
}

#[tokio::test]
async fn a_keyring_that_is_locked_not_there_or_silent_says_so_with_a_way_out() {
    let ring = Ring::default();
    let world = World::new().await;
    let refused = async |mood, way_out: &str| {
        ring.set(mood);
        let source = ring.source().timeout(Duration::from_millis(50));
        let error = world.builder().key(source).open().await.unwrap_err();
        ring.set(Mood::Open);
        assert_eq!(error.code(), "key_failed");
        assert!(error.remedy().unwrap().contains(way_out), "{error:?}");
        assert!(error.to_string().contains("keyring of the program") && !error.to_string().contains('\n'), "{error}");
        let OpenError::Key(error) = error else { panic!("{error:?}") };
        error
    };
    for first in [true, false] {
        let error = refused(Mood::NotThere, "another key source, such as `file` or `passphrase`").await;
        assert!(matches!(&error, KeyError::NoKeyring { detail, .. } if detail.contains("no one answers")), "{error:?}");
        let error = refused(Mood::Locked, "unlock the keyring").await;
        assert!(matches!(&error, KeyError::Locked { .. }), "{error:?}");
        let error = refused(Mood::Silent, "unlock the keyring").await;
        assert!(matches!(&error, KeyError::Locked { detail, .. } if detail.contains("within 0.05")), "{error:?}");
        let rows = sql::number(&world.database(), "SELECT count(*) FROM connection_keyset").await;
        assert_eq!(rows, Some(if first { 0 } else { 1 }), "no keyset without its key");
        opened(&world, &ring).await.unwrap().close().await;
    }
}

#[tokio::test]
async fn an_entry_that_is_gone_damaged_or_of_another_database_keeps_the_database_closed() {
    let ring = Ring::default();
    let world = World::new().await;
    let other = World::new().await;
    opened(&world, &ring).await.unwrap().close().await;
    let user = ring.users().remove(0);
    let secret = ring.entry(&user);
    opened(&other, &ring).await.unwrap().close().await;
    let foreign = ring.users().into_iter().find(|found| *found != user).unwrap();
    let refused = async || {
        let error = opened(&world, &ring).await.unwrap_err();
        assert!(error.to_string().contains(&user), "{error}");
        let shown = format!("{error} {error:?} {:?}", error.remedy());
        assert!(!shown.contains(std::str::from_utf8(&secret).unwrap()), "{shown}");
        let OpenError::Key(error) = error else { panic!("{error:?}") };
        error
    };
    ring.remove(&user);
    assert!(matches!(refused().await, KeyError::Missing { .. }));
    assert_eq!(ring.users(), [&*foreign], "no key is made in its place");
    for damaged in [ring.entry(&foreign), b"hunter2".to_vec(), Vec::new(), secret[1..].to_vec()] {
        ring.put(&user, &damaged);
        assert!(matches!(refused().await, KeyError::Malformed { .. }));
    }
    ring.put(&user, &secret);
    ring.set(Mood::BadData);
    assert!(matches!(refused().await, KeyError::Malformed { .. }));
    ring.set(Mood::Ambiguous);
    assert!(matches!(refused().await, KeyError::Unavailable { detail, .. } if detail.contains("2 entries")));
    ring.set(Mood::Open);
    opened(&world, &ring).await.unwrap().close().await;
}

/// The row of another database does not find an entry: another store id means another entry.
#[tokio::test]
async fn a_row_that_names_the_key_of_another_database_opens_nothing() {
    let ring = Ring::default();
    let world = World::new().await;
    let other = World::new().await;
    opened(&world, &ring).await.unwrap().close().await;
    opened(&other, &ring).await.unwrap().close().await;
    let slot = sql::blob(&other.database(), "SELECT slot_a FROM connection_keyset").await;
    put_slot(&world, &slot).await;
    let error = opened(&world, &ring).await.unwrap_err();
    assert!(matches!(error, OpenError::Key(KeyError::Missing { .. })), "{error:?}");
}

/// In tests no desktop session runs, or it belongs to another user: nothing is sent to it.
#[test]
fn the_keyring_of_the_system_is_named_before_it_is_spoken_to() {
    let source = KeyKeyring::system();
    assert!(source.name().starts_with("keyring "), "{}", source.name());
    assert!(source.wrapper().is_some());
}

async fn put_slot(world: &World, slot: &[u8]) {
    let sql = format!("UPDATE connection_keyset SET slot_a = {}", sql::literal(slot));
    assert_eq!(sql::run(&world.database(), sql).await, 1);
}
