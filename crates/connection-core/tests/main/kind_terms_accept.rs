//! The acceptance of a kind's new terms: exactly what was shown, for the connections of one owner.

use connection_contract::{HttpRequest, Identity, Kind, Secret};
use connection_core::{ConnectionRegistry, Error, Import, KindChange};

use crate::{
    acme::{Acme, KIND},
    reauthorize::{answered, events, knows},
    sql,
    test_host::{World, code, connected},
};

const ONE: &str = "request.base = \"https://one.example\"\n";
const TWO: &str = "request.base = \"https://two.example\"\n";
const THREE: &str = "request.base = \"https://three.example\"\n";

async fn changed(registry: &ConnectionRegistry) -> Vec<KindChange> {
    registry.kinds().changed().await.unwrap()
}

/// Returns the texts of a change, and the number of its connections.
fn shown(change: &KindChange) -> (Option<&str>, Option<&str>, u64) {
    (change.before.as_deref(), change.now.as_deref(), change.connections)
}

async fn works(registry: &ConnectionRegistry) -> Vec<bool> {
    let mut works = Vec::new();
    for info in registry.list_connections(Default::default()).await.unwrap().items {
        works.push(registry.connection(info.id).await.unwrap().request("GET", "/things").await.is_ok());
    }
    works
}

#[tokio::test]
async fn accepted_terms_are_those_that_were_shown_beside_the_old_ones() {
    let world = World::new().await;
    world.provider(knows(&[("key-1", "1", "ada"), ("key-2", "2", "bob")]));
    let registry = world.open(Acme::under(ONE)).await;
    let connection = connected(&registry, "key-1").await;
    let theirs = registry.owner("theirs").unwrap();
    connected(&theirs, "key-1").await;
    assert_eq!(changed(&registry).await, []);
    registry.kinds().replace(Acme::under(TWO)).unwrap();
    connected(&registry, "key-2").await;
    let changes = changed(&registry).await;
    assert_eq!(changes.iter().map(shown).collect::<Vec<_>>(), [(Some(ONE), Some(TWO), 1)]);
    assert_eq!(changes[0].kind, KIND);
    assert_eq!(registry.kinds().accept(&changes[0]).await.unwrap(), 1);
    assert_eq!((works(&registry).await, works(&theirs).await), (vec![true, true], vec![false]));
    assert_eq!((changed(&registry).await.len(), changed(&theirs).await.len()), (0, 1));
    let sql =
        format!("SELECT kind FROM connection_event WHERE connection_id = {} ORDER BY seq", sql::id(connection.id()));
    assert_eq!(sql::texts(&world.database(), sql).await, ["connected", "kind_accepted"]);
    connection.verify().await.unwrap();
    // The text of each terms is kept once.
    assert_eq!(sql::number(&world.database(), "SELECT COUNT(*) FROM connection_kind_terms").await, Some(2));
    assert_eq!(registry.events().edited_rows().await.unwrap(), []);
}

#[tokio::test]
async fn terms_that_changed_again_after_they_were_shown_are_not_accepted() {
    let world = World::new().await;
    let registry = world.open(Acme::under(ONE)).await;
    connected(&registry, "key-1").await;
    registry.kinds().replace(Acme::under(TWO)).unwrap();
    let change = changed(&registry).await.remove(0);
    registry.kinds().replace(Acme::under(THREE)).unwrap();
    let error = registry.kinds().accept(&change).await.unwrap_err();
    assert!(matches!(&error, Error::TermsOutdated { kind } if *kind == KIND), "{error:?}");
    assert_eq!((error.code(), works(&registry).await), ("kind_changed", vec![false]));
    registry.kinds().unregister(&KIND);
    assert!(matches!(registry.kinds().accept(&change).await, Err(Error::UnknownKind(_))));
}

/// A person who has seen one change accepts no other one.
#[tokio::test]
async fn connections_under_other_old_terms_are_accepted_separately() {
    let world = World::new().await;
    world.provider(knows(&[("key-1", "1", "ada"), ("key-2", "2", "bob"), ("key-3", "3", "eve")]));
    let registry = world.open(Acme::default()).await;
    connected(&registry, "key-1").await;
    registry.kinds().replace(Acme::under(ONE)).unwrap();
    connected(&registry, "key-2").await;
    registry.kinds().replace(Acme::under(TWO)).unwrap();
    let changes = changed(&registry).await;
    assert_eq!(changes.iter().map(shown).collect::<Vec<_>>(), [(None, Some(TWO), 1), (Some(ONE), Some(TWO), 1)]);
    assert_eq!(registry.kinds().accept(&changes[1]).await.unwrap(), 1);
    assert_eq!(works(&registry).await, [false, true]);
    assert_eq!(registry.kinds().accept(&changes[1]).await.unwrap(), 0, "a repetition changes nothing");
    assert_eq!(registry.kinds().accept(&changes[0]).await.unwrap(), 1);
    assert_eq!(works(&registry).await, [true, true]);
    // A kind that no longer states terms is a change, too.
    registry.kinds().replace(Acme::default()).unwrap();
    let change = changed(&registry).await.remove(0);
    assert_eq!(shown(&change), (Some(TWO), None, 2));
    assert_eq!(registry.kinds().accept(&change).await.unwrap(), 2);
    assert_eq!(works(&registry).await, [true, true]);
}

#[tokio::test]
async fn an_edited_row_stays_refused_and_an_edited_text_is_not_shown() {
    let world = World::new().await;
    world.provider(knows(&[("key-1", "1", "ada"), ("key-2", "2", "bob")]));
    let registry = world.open(Acme::under(ONE)).await;
    let edited = connected(&registry, "key-1").await;
    connected(&registry, "key-2").await;
    let edit = format!("UPDATE connection_account SET config = '{{}}' WHERE id = {}", sql::id(edited.id()));
    assert_eq!(sql::run(&world.database(), edit).await, 1);
    registry.kinds().replace(Acme::under(TWO)).unwrap();
    assert_eq!(sql::run(&world.database(), "UPDATE connection_kind_terms SET terms = 'harmless'").await, 1);
    let change = changed(&registry).await.remove(0);
    assert_eq!(shown(&change), (None, Some(TWO), 2));
    assert_eq!(registry.kinds().accept(&change).await.unwrap(), 1);
    assert_eq!(works(&registry).await, [false, true]);
}

#[tokio::test]
async fn another_process_uses_the_connection_once_the_terms_are_accepted() {
    let world = World::new().await;
    let one = world.open(Acme::under(ONE)).await;
    let id = connected(&one, "key-1").await.id();
    let two = world.open(Acme::under(TWO)).await;
    let also_two = world.open(Acme::under(TWO)).await;
    let handle = also_two.connection(id).await.unwrap();
    let base = connection_contract::host::base_url(crate::acme::API).unwrap();
    assert_eq!(handle.send(HttpRequest::get(&base, "/")).await.unwrap_err().code(), "kind_changed");
    two.kinds().accept(&changed(&two).await[0]).await.unwrap();
    handle.send(HttpRequest::get(&base, "/")).await.unwrap();
    // Now it is the process with the old terms that refuses.
    assert_eq!(one.connection(id).await.unwrap().verify().await.unwrap_err().code(), "kind_changed");
}

#[tokio::test]
async fn a_reauthorization_and_an_import_agree_to_the_terms_in_force() {
    let world = World::new().await;
    world.provider(knows(&[("key-1", "1", "ada"), ("key-1b", "1", "ada")]));
    let registry = world.open(Acme::under(ONE)).await;
    let connection = connected(&registry, "key-1").await;
    registry.kinds().replace(Acme::under(TWO)).unwrap();
    let session = answered(&connection, "key-1b").await;
    assert_eq!(code(&session.terminal().await.unwrap()), "done Live");
    let item = Import::new(Kind::from_static("acme"), Secret::from("key-9"), Identity::new("9", "eve"));
    let mut imports = registry.import_all([item]).start();
    imports.next().await.unwrap().unwrap();
    assert_eq!((works(&registry).await, changed(&registry).await), (vec![true, true], vec![]));
    registry.kinds().replace(Acme::under(ONE)).unwrap();
    assert_eq!(changed(&registry).await.iter().map(shown).collect::<Vec<_>>(), [(Some(TWO), Some(ONE), 2)]);
    assert_eq!(events(&world).await, ["connected", "reauthorized", "imported"]);
}
