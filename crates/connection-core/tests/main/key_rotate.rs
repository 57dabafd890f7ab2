//! Key rotations while the database is in use: nothing is lost, nothing waits, and an interrupted rotation
//! continues.

use std::time::Duration;

use connection_contract::{Identity, Liveness, Secret, encode};
use connection_core::{
    Connection, ConnectionId, ConnectionRegistry, Error, Filter, Import, KeyFile, KeyId, KeyVariable, OpenError,
    SealError,
};
use connection_faults::rounds::rounds;

use crate::{
    acme::Acme,
    edited_setups::kept_callback,
    fake::{FAKE, Fake},
    sql,
    test_host::{World, answers, code, connected, me, step},
    test_server::Reply,
};

const DAY: Duration = Duration::from_secs(24 * 60 * 60);
const SEALED: [(&str, &str); 5] = [
    ("connection_credential", "sealed"),
    ("connection_setup", "sealed_header"),
    ("connection_setup", "sealed_step"),
    ("connection_setup_effect", "sealed"),
    ("connection_setup_input", "sealed"),
];

/// Returns the numbers of values that this key sealed and that other keys sealed.
async fn counts(world: &World, key: KeyId) -> (i64, i64) {
    let key = sql::literal(key.as_bytes());
    let mut own = 0;
    let mut others = 0;
    for (table, column) in SEALED {
        let count = async |condition: &str| {
            let sql = format!("SELECT count(*) FROM {table} WHERE substr({column}, 6, 8) {condition} {key}");
            sql::number(&world.database(), sql).await.unwrap()
        };
        own += count("=").await;
        others += count("<>").await;
    }
    (own, others)
}

async fn live(registry: &ConnectionRegistry, id: ConnectionId) {
    let info = registry.connection(id).await.unwrap().verify().await.unwrap();
    assert_eq!((info.liveness, info.reason), (Liveness::Live, None));
}

async fn primary(registry: &ConnectionRegistry) -> KeyId {
    registry.keys().status().await.unwrap().key
}

/// Imports that many connections, each with a credential that was sealed for it.
async fn many(registry: &ConnectionRegistry, count: usize) -> Vec<ConnectionId> {
    registry.kinds().register(Fake::new()).unwrap();
    let name = |number: usize| number.to_string();
    let one = move |number| Import::new(FAKE, Secret::from("blob"), Identity::new(name(number), name(number)));
    let mut connections = Vec::new();
    let mut imports = registry.import_all((0..count).map(one)).start();
    while let Some(imported) = imports.next().await {
        connections.push(imported.unwrap().connection);
    }
    connections
}

/// R-INSEAM-049
#[tokio::test]
async fn everything_is_sealed_again_and_goes_on_as_it_was() {
    let world = World::new().await;
    let registry = world.acme().await;
    let id = connected(&registry, "key-1").await.id();
    let session = registry.setups().begin(&crate::acme::KIND).await.unwrap();
    let (no, _) = step(&session).await;
    let generation = format!("SELECT generation FROM connection_account WHERE id = {}", sql::id(id));
    let generation = async || sql::number(&world.database(), generation.clone()).await;
    let before = generation().await;
    let first = primary(&registry).await;
    let sealed = counts(&world, first).await;
    assert!(sealed.0 >= 3 && sealed.1 == 0, "{sealed:?}");

    let rotation = registry.keys().rotate().await.unwrap();
    assert_ne!(rotation.key, first);
    assert_eq!((rotation.resumed, rotation.contended, rotation.unreadable, rotation.remaining), (false, 0, 0, 0));
    assert_eq!(i64::try_from(rotation.resealed).unwrap(), sealed.0);
    assert_eq!(counts(&world, rotation.key).await, (sealed.0, 0));
    let named = sql::blob(&world.database(), "SELECT key_id FROM connection_credential").await;
    assert_eq!(named, rotation.key.as_bytes());
    assert_eq!(generation().await, before);
    let status = registry.keys().status().await.unwrap();
    assert_eq!((status.key, status.retired, status.rotated, status.remaining), (rotation.key, vec![first], true, 0));

    live(&registry, id).await;
    world.provider(|_| me("2", "bob"));
    session.advance(no, &answers(&[("accessToken", "key-2")])).await.unwrap();
    assert_eq!(code(&session.terminal().await.unwrap()), "done Live");
    registry.close().await;
    world.provider(|_| me("1", "ada"));
    live(&world.acme().await, id).await;
}

#[tokio::test]
async fn a_callback_that_was_kept_is_sealed_again_too() {
    assert_eq!(kept_callback(None, true).await.as_deref(), Some("the-code"));
}

#[tokio::test]
async fn a_registry_that_is_open_elsewhere_reads_and_takes_the_new_key() {
    let world = World::new().await;
    let one = world.acme().await;
    let two = world.acme().await;
    let id = connected(&one, "key-1").await.id();
    live(&two, id).await;
    let rotation = one.keys().rotate().await.unwrap();
    // It reads a value under the new key, and knows the key from then on.
    live(&two, id).await;
    world.provider(|_| me("2", "bob"));
    connected(&two, "key-2").await;
    assert_eq!(counts(&world, rotation.key).await.1, 0);
    // Another process has not read the new key. It reads the keyset again after one second.
    let three = world.acme().await;
    let rotation = one.keys().rotate().await.unwrap();
    world.clock.advance(Duration::from_secs(1));
    world.provider(|_| me("3", "eve"));
    let added = connected(&three, "key-3").await.id();
    assert_eq!(counts(&world, rotation.key).await.1, 0);
    live(&one, added).await;
}

#[tokio::test]
async fn what_a_slower_registry_seals_with_the_former_key_opens_and_is_sealed_again_next_time() {
    let world = World::new().await;
    let one = world.acme().await;
    let slow = world.acme().await;
    let former = primary(&one).await;
    let rotation = one.keys().rotate().await.unwrap();
    // Within that second, the process has not read the keyset again.
    let id = connected(&slow, "key-1").await.id();
    assert_ne!(counts(&world, rotation.key).await.1, 0);
    live(&one, id).await;
    let status = one.keys().status().await.unwrap();
    assert!(status.remaining > 0 && status.retired == [former], "{status:?}");
    // The same holds after the day on which an unused key would be dropped.
    world.clock.advance(DAY * 31);
    let rotation = one.keys().rotate().await.unwrap();
    assert_eq!((rotation.remaining, rotation.dropped), (0, vec![]));
    live(&one, id).await;
    world.clock.advance(Duration::from_secs(1));
    live(&slow, id).await;
    let rotation = one.keys().rotate().await.unwrap();
    assert_eq!(rotation.dropped, [former], "now nothing is sealed with it");
    live(&slow, id).await;
}

#[tokio::test]
async fn a_retired_key_goes_after_thirty_days_and_not_before() {
    let world = World::new().await;
    let registry = world.acme().await;
    let id = connected(&registry, "key-1").await.id();
    let first = primary(&registry).await;
    let second = registry.keys().rotate().await.unwrap().key;
    world.clock.advance(DAY * 30 - Duration::from_secs(1));
    assert_eq!(registry.keys().rotate().await.unwrap().dropped, []);
    world.clock.advance(Duration::from_secs(1));
    let rotation = registry.keys().rotate().await.unwrap();
    assert_eq!(rotation.dropped, [first]);
    let status = registry.keys().status().await.unwrap();
    assert_eq!((status.retired.len(), status.retired[0]), (2, second));
    live(&registry, id).await;
    live(&world.acme().await, id).await;
}

/// R-INSEAM-046: everything that walks through all rows skips a value that cannot be opened.
#[tokio::test]
async fn one_value_among_many_that_does_not_open_stops_nothing() {
    let world = World::new().await;
    let registry = world.acme().await;
    // More than a rotation seals in one transaction, and more than a list shows on one page.
    let count = rounds(250, 1000);
    let ids = many(&registry, count).await;
    let bad = ids[count / 2];
    let good = count - 1;
    let damage = format!("UPDATE connection_credential SET sealed = X'00' WHERE connection_id = {}", sql::id(bad));
    assert_eq!(sql::run(&world.database(), damage.replace("X'00'", &sql::literal(&[0; 200]))).await, 1);
    let rotation = registry.keys().rotate().await.unwrap();
    assert_eq!((rotation.resealed, rotation.unreadable, rotation.remaining), (good as u64, 1, 1));
    let mut listed = 0;
    let mut after = None;
    loop {
        let filter = after.map_or_else(Filter::new, |after| Filter::new().after(after));
        let page = registry.list_connections(filter).await.unwrap();
        listed += page.items.len();
        after = page.next;
        if after.is_none() {
            break;
        }
    }
    assert_eq!(listed, count);
    let mut results = registry.preflight(ids);
    let mut live = 0;
    let mut failing = Vec::new();
    while let Some((id, result)) = results.next().await {
        match result.unwrap().liveness {
            Liveness::Live => live += 1,
            _ => failing.push(id),
        }
    }
    assert_eq!((live, failing), (good, vec![bad]));
    // The next one is a whole rotation again, and not the rest of this one.
    let next = registry.keys().rotate().await.unwrap();
    assert_eq!((next.resumed, next.resealed, next.unreadable), (false, good as u64, 1));
}

/// The store is closed during the rotation, as by the end of its process, after more and more of its turns. These are
/// counted from the beginning of the rotation, and in some rounds from its new key, so that rounds on a machine of any speed
/// stop it both before and after that.
#[tokio::test]
async fn a_rotation_that_is_stopped_anywhere_goes_on_with_the_same_key() {
    let world = World::new().await;
    let registry = world.acme().await;
    let ids = many(&registry, 30).await;
    registry.close().await;
    let mut stopped = 0;
    let mut resumed = 0;
    for turns in (0..30).step_by(rounds(2, 1)) {
        let registry = world.open(Fake::new()).await;
        let before = registry.keys().status().await.unwrap();
        let rotating = registry.clone();
        let task = tokio::runtime::Handle::current().spawn(async move { rotating.keys().rotate().await });
        let counts_from_the_key = turns % 4 != 0;
        while counts_from_the_key && !task.is_finished() && registry.keys().status().await.unwrap().rotated {}
        for _ in 0..turns * 6 {
            // A read of the store is a turn: it takes as long as one of the rotation's.
            registry.store().health().await;
        }
        registry.close().await;
        stopped += u32::from(task.await.unwrap().is_err());
        let registry = world.open(Fake::new()).await;
        live(&registry, ids[turns % ids.len()]).await;
        let status = registry.keys().status().await.unwrap();
        let rotation = registry.keys().rotate().await.unwrap();
        assert_eq!(rotation.resumed, !status.rotated, "{status:?}");
        resumed += u32::from(rotation.resumed);
        if rotation.resumed {
            assert_eq!(rotation.key, status.key, "no further key");
            assert_eq!(status.retired.len(), before.retired.len() + 1);
        }
        assert_eq!((rotation.remaining, rotation.unreadable), (0, 0));
        assert_eq!(counts(&world, rotation.key).await.1, 0);
        registry.close().await;
    }
    assert!(stopped > rounds(2, 5) && resumed > 0, "{stopped} were stopped, {resumed} of them in the middle");
}

/// Concurrent rotations, with registries that use, rotate and add credentials. Afterwards every credential is
/// whole.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn rotations_at_once_beside_registries_that_work_lose_nothing() {
    let world = World::new().await;
    let account = |request: &str| {
        let key = request.split("earer ").nth(1).unwrap().lines().next().unwrap().to_owned();
        key.split('-').nth(1).unwrap().to_owned()
    };
    world.provider(move |request| me(&account(request), &account(request)));
    let registry = world.acme().await;
    let mut ids = Vec::new();
    for number in 0..12 {
        ids.push(connected(&registry, &format!("key-{number}")).await.id());
    }
    // Each answer contains a new key, which replaces the one that was used.
    let mut serial = 0;
    world.provider(move |request| {
        serial += 1;
        let id = account(request);
        Reply::ok(&format!(r#"{{"id":"{id}","name":"{id}","rotate":"next-{id}-{serial}"}}"#))
    });
    let mut tasks = Vec::new();
    let mut worlds = Vec::new();
    for worker in 0..3 {
        worlds.push(world.acme().await);
        let registry = worlds[worker].clone();
        let ids = ids.clone();
        let clock = world.clock.clone();
        tasks.push(tokio::runtime::Handle::current().spawn(async move {
            for round in 0..30 {
                let id = ids[(round * 5 + worker * 4) % ids.len()];
                let connection: Connection = registry.connection(id).await.unwrap();
                // Another registry may have replaced it meanwhile, and then reports that.
                let info = connection.verify().await.unwrap();
                assert_eq!(info.liveness, Liveness::Live, "{:?}", info.reason);
                clock.advance(Duration::from_secs(1));
            }
        }));
    }
    let mut rotations = Vec::new();
    for _ in 0..2 {
        let registry = world.acme().await;
        rotations.push(tokio::runtime::Handle::current().spawn(async move {
            let mut reports = Vec::new();
            for _ in 0..6 {
                reports.push(registry.keys().rotate().await.unwrap());
            }
            reports
        }));
    }
    for task in tasks {
        task.await.unwrap();
    }
    let mut reports = Vec::new();
    for task in rotations {
        reports.extend(task.await.unwrap());
    }
    assert!(reports.iter().all(|report| report.unreadable == 0), "{reports:?}");
    let registry = world.acme().await;
    let rotation = registry.keys().rotate().await.unwrap();
    assert_eq!((rotation.unreadable, rotation.remaining), (0, 0));
    for id in ids {
        live(&registry, id).await;
    }
}

/// The key source was changed while the registry was open, and then the keys were rotated. The registry cannot get
/// the new keys. It must not report the credential as broken, nor seal with a key that is dropped one day.
#[tokio::test]
async fn a_registry_whose_source_does_not_open_the_new_keys_says_so_and_writes_nothing() {
    let world = World::new().await;
    let old = world.acme().await;
    let id = connected(&old, "key-1").await.id();
    let variable = || KeyVariable::new("APP_KEY", Some(encode::hex(&[1; 32]).into()));
    world.builder().change_key(variable()).await.unwrap();
    let new = world.builder().kind(Acme::default()).key(variable()).open().await.unwrap();
    let rotation = new.keys().rotate().await.unwrap();
    let connection = old.connection(id).await.unwrap();
    let errors = [connection.verify().await.unwrap_err(), connection.origins().await.unwrap_err()];
    for error in errors {
        let Error::Sealed { source, .. } = &error else { panic!("{error:?}") };
        assert!(matches!(**source, SealError::Unavailable { .. }), "{source:?}");
        assert!(error.remedy().unwrap().contains("key source"), "{error:?}");
    }
    assert_eq!(old.connection(id).await.unwrap().info().liveness, Liveness::Live);
    world.clock.advance(Duration::from_secs(1));
    let error = old.setups().begin(&crate::acme::KIND).await.unwrap_err();
    assert!(matches!(error, Error::Sealed { .. }), "{error:?}");
    assert!(old.setups().list().await.unwrap().is_empty());
    // The session is listed, with the reason, and nothing false is reported about its purpose.
    let session = new.connection(id).await.unwrap().reauthorize().await.unwrap();
    let listed = old.setups().list().await.unwrap();
    let reason = listed[0].reason.as_ref().unwrap();
    assert_eq!((listed.len(), listed[0].id, &*reason.code), (1, session.id(), "sealed_unreadable"));
    assert_eq!((listed[0].reauthorizes, &listed[0].extension), (None, &None));
    assert!(reason.remedy.as_ref().unwrap().as_str().contains("key source"), "{reason:?}");
    let of_new = new.setups().list().await.unwrap();
    assert_eq!((of_new[0].reauthorizes, &of_new[0].reason), (Some(id), &None), "the control");
    session.cancel().await.unwrap();
    assert!(old.remove(id).await.is_err(), "what cannot be had now is not given up");
    assert_eq!(counts(&world, rotation.key).await.1, 0);
    live(&new, id).await;
    // When its key is back, it continues without being opened again.
    world.builder().key(variable()).change_key(KeyFile::at(world.key())).await.unwrap();
    live(&old, id).await;
}

#[tokio::test]
async fn a_rotation_whose_source_fails_changes_nothing() {
    let world = World::new().await;
    let registry = world.acme().await;
    let id = connected(&registry, "key-1").await.id();
    let aside = world.directory.path().join("aside");
    std::fs::rename(world.key(), &aside).unwrap();
    let before = sql::blob(&world.database(), "SELECT slot_a FROM connection_keyset").await;
    let error = registry.keys().rotate().await.unwrap_err();
    assert!(matches!(&error, OpenError::Key(_)), "{error:?}");
    assert_eq!(sql::blob(&world.database(), "SELECT slot_a FROM connection_keyset").await, before);
    live(&registry, id).await;
    std::fs::rename(&aside, world.key()).unwrap();
    registry.keys().rotate().await.unwrap();
    live(&registry, id).await;
}
