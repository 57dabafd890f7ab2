//! The one row that names what is frozen: whoever edits it freezes everything, and no restore thaws anything.

use connection_contract::Kind;
use connection_core::{ConnectionRegistry, Error, Frozen, RowFault};

use crate::{
    freeze::{Used, get},
    renewing::Renewals,
    restores::{backed_up, stopped},
    sql,
    test_host::{World, connected, on_postgres},
};

/// Returns the fault because of which everything is frozen.
fn fault<T: std::fmt::Debug>(result: Result<T, Error>) -> Option<RowFault> {
    match result {
        Err(Error::Frozen { what: Frozen::All, fault }) => fault,
        other => panic!("{other:?}"),
    }
}

async fn named(registry: &ConnectionRegistry) -> Vec<(&'static str, RowFault)> {
    let found = registry.events().edited_rows().await.unwrap();
    found.into_iter().map(|error| (error.table, error.fault)).collect()
}

#[tokio::test]
async fn a_row_that_is_missing_edited_or_an_earlier_one_freezes_everything() {
    let it = Used::new().await;
    let database = it.world.database();
    let freezes = || it.registry.freezes();
    let another = Frozen::Kind(Kind::from_static("another"));
    sql::script(&database, "CREATE TABLE kept AS SELECT * FROM connection_freeze").await;
    freezes().freeze(another.clone()).await.unwrap();
    let put_back = "UPDATE connection_freeze SET (frozen, notes, mark) = (SELECT frozen, notes, mark FROM kept)";
    for (change, expected) in [
        ("UPDATE connection_freeze SET frozen = '[]'", RowFault::Edited),
        ("UPDATE connection_freeze SET frozen = 'x'", RowFault::Edited),
        ("UPDATE connection_freeze SET notes = '[]'", RowFault::Edited),
        ("UPDATE connection_freeze SET mark = substr(mark, 1, 0)", RowFault::Unmarked),
        (put_back, RowFault::Outdated),
        ("DELETE FROM connection_freeze", RowFault::Missing),
    ] {
        get(&it.connection).await.unwrap();
        assert_eq!(named(&it.registry).await, []);
        sql::run(&database, change).await;
        let process = it.world.acme().await;
        let in_other = process.connection(it.connection.id()).await.unwrap();
        // A process that knows what is frozen goes on with it while only the notes are others.
        if !change.contains("SET notes") {
            let error = get(&it.connection).await.unwrap_err();
            assert!(
                error.to_string().starts_with("everything is frozen, because the row in connection_freeze "),
                "{error}"
            );
            assert!(error.remedy().unwrap().contains("thaw --all"), "{error:?}");
            assert_eq!(fault::<()>(Err(error)), Some(expected), "{change}");
        }
        assert_eq!(fault(get(&in_other).await), Some(expected), "{change}");
        assert_eq!(named(&it.registry).await, [("connection_freeze", expected)], "{change}");
        // A person looks, freezes again what should be frozen, and thaws the rest.
        let refused = freezes().thaw(another.clone()).await.unwrap_err();
        assert!(matches!(&refused, Error::Row(error) if error.fault == expected), "{refused:?}");
        freezes().freeze(another.clone()).await.unwrap();
        assert_eq!(fault(get(&it.connection).await), None, "it is frozen by a row that is good again");
        assert!(freezes().thaw(Frozen::All).await.unwrap().was_frozen);
        get(&in_other).await.unwrap();
        assert_eq!(freezes().list().await.unwrap().len(), 1, "{change}");
        process.close().await;
    }
    it.registry.close().await;
}

#[tokio::test]
async fn thawing_everything_replaces_a_row_that_is_refused() {
    let it = Used::new().await;
    sql::run(&it.world.database(), "DELETE FROM connection_freeze").await;
    assert_eq!(fault(get(&it.connection).await), Some(RowFault::Missing));
    let listed = it.registry.freezes().list().await.unwrap();
    assert_eq!(listed.iter().map(|freeze| &freeze.what).collect::<Vec<_>>(), [&Frozen::All]);
    assert!(it.registry.freezes().now().await.unwrap().refused().is_some());
    assert!(it.registry.freezes().thaw(Frozen::All).await.unwrap().was_frozen);
    get(&it.connection).await.unwrap();
    assert_eq!(it.registry.freezes().list().await.unwrap(), []);
    it.registry.close().await;
}

/// Without the notes, the row does not say whose connection it names. The owner freezes it again, and then may thaw it.
#[tokio::test]
async fn a_connection_whose_notes_were_lost_is_frozen_again_and_thawed() {
    let it = Used::new().await;
    let what = Frozen::Connection(it.connection.id());
    let freezes = || it.registry.freezes();
    freezes().freeze(what.clone()).await.unwrap();
    sql::run(&it.world.database(), "UPDATE connection_freeze SET notes = '[]'").await;
    freezes().freeze(Frozen::All).await.unwrap();
    freezes().thaw(Frozen::All).await.unwrap();
    assert!(!freezes().thaw(what.clone()).await.unwrap().was_frozen, "nobody knows whose it is");
    assert_eq!(get(&it.connection).await.unwrap_err().code(), "frozen");
    assert!(freezes().freeze(what.clone()).await.unwrap().was_frozen);
    let bob = it.registry.owner("bob").unwrap();
    assert!(!bob.freezes().thaw(what.clone()).await.unwrap().was_frozen);
    assert!(freezes().thaw(what).await.unwrap().was_frozen);
    get(&it.connection).await.unwrap();
    it.registry.close().await;
}

/// The first start writes the row, because no row event is about it. A row that loses its mark later is refused by every
/// start.
#[tokio::test]
async fn a_row_that_lost_its_mark_gets_none_at_the_next_start() {
    let it = Used::new().await;
    let database = it.world.database();
    it.registry.freezes().freeze(Frozen::Connection(it.connection.id())).await.unwrap();
    it.registry.close().await;
    sql::run(&database, "UPDATE connection_freeze SET frozen = '[]', notes = '[]', mark = substr(mark, 1, 0)").await;
    let registry = it.world.acme().await;
    let connection = registry.connection(it.connection.id()).await.unwrap();
    assert_eq!(fault(get(&connection).await), Some(RowFault::Unmarked));
    registry.close().await;
}

#[tokio::test]
async fn a_thing_without_room_freezes_its_owner() {
    let it = Used::new().await;
    let freezes = || it.registry.freezes();
    for number in 0..1_000 {
        freezes().freeze(Frozen::Kind(Kind::parse(&format!("kind-{number}")).unwrap())).await.unwrap();
    }
    let other = connected(&it.registry, "key-2").await;
    let bob = connected(&it.registry.owner("bob").unwrap(), "key-3").await;
    let owner = Frozen::Owner("local".to_owned());
    let froze = freezes().freeze(Frozen::Connection(it.connection.id())).await.unwrap();
    assert_eq!((&froze.what, froze.was_frozen), (&owner, false));
    assert_eq!(get(&other).await.unwrap_err().code(), "frozen");
    get(&bob).await.unwrap();
    // What has a place keeps it, and a thing that was named before is no new one.
    let first = Frozen::Kind(Kind::from_static("kind-0"));
    assert!(freezes().freeze(first.clone()).await.unwrap().was_frozen);
    assert_eq!(freezes().freeze(Frozen::Agent(it.agent.id())).await.unwrap().what, owner);
    freezes().thaw(owner).await.unwrap();
    get(&it.connection).await.unwrap();
    let kind = Frozen::Kind(Kind::from_static("kind-x"));
    assert_eq!(freezes().freeze(kind.clone()).await.unwrap().what, Frozen::All);
    freezes().thaw(Frozen::All).await.unwrap();
    freezes().thaw(first).await.unwrap();
    assert_eq!(freezes().freeze(kind.clone()).await.unwrap().what, kind);
    assert_eq!(freezes().list_all().await.unwrap().len(), 1_000);
    it.registry.close().await;
}

async fn list(world: &World, it: &crate::restores::Stopped) -> Vec<Frozen> {
    let registry = world.builder().kind(it.plugin.clone()).open().await.unwrap();
    let listed = registry.freezes().list_all().await.unwrap();
    registry.close().await;
    listed.into_iter().map(|freeze| freeze.what).collect()
}

/// Only the file of a database is restored by this program.
#[tokio::test]
async fn a_restore_takes_over_what_is_frozen_now() {
    if on_postgres() {
        return;
    }
    let it = Renewals::new().await;
    let id = it.connection.id();
    let another = Frozen::Kind(Kind::from_static("another"));
    it.registry.freezes().freeze(another.clone()).await.unwrap();
    let file = backed_up(&it.world).await;
    it.registry.freezes().thaw(another).await.unwrap();
    it.registry.freezes().by("ada").freeze(Frozen::Connection(id)).await.unwrap();
    let it = stopped(it).await;
    let restored = it.restore(&file).await.unwrap();
    assert_eq!(restored.frozen, [Frozen::Connection(id)]);
    assert_eq!(list(&it.world, &it).await, [Frozen::Connection(id)]);
    // If it is not known what is frozen, everything is.
    sql::run(&it.world.database(), "UPDATE connection_freeze SET frozen = '[]'").await;
    let restored = it.restore(&file).await.unwrap();
    assert_eq!(restored.frozen, [Frozen::All]);
    connection_core::replace_private(&it.world.file(), b"not a database any longer, whatever was in it").unwrap();
    let restored = it.restore(&file).await.unwrap();
    assert!(restored.unread.is_some() && restored.frozen.contains(&Frozen::All), "{restored:?}");
    let registry = it.world.builder().kind(it.plugin.clone()).open().await.unwrap();
    assert_eq!(registry.events().edited_rows().await.unwrap(), []);
    let connection = registry.connection(id).await.unwrap();
    assert_eq!(get(&connection).await.unwrap_err().code(), "frozen");
    registry.freezes().thaw(Frozen::All).await.unwrap();
    get(&connection).await.unwrap();
    registry.close().await;
}
