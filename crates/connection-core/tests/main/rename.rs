//! Renaming a connection: the label is trimmed, unique and recorded, and nothing else changes.

use connection_contract::Kind;
use connection_core::{Error, Filter};

use crate::{
    fake::Fake,
    sql,
    test_host::{World, connected},
};

const EVENTS: &str = "SELECT body FROM connection_event WHERE kind = 'renamed' ORDER BY seq";

#[tokio::test]
async fn a_rename_changes_the_label_and_the_revision_and_is_recorded() {
    let world = World::new().await;
    let registry = world.acme().await;
    let connection = connected(&registry, "key-1").await;
    let renamed = connection.rename("  work\u{7} ").await.unwrap();
    assert_eq!((renamed.label.as_str(), renamed.id), ("work", connection.id()));
    let row = "SELECT a.label || a.generation || a.next_generation || c.generation FROM connection_account AS a \
               JOIN connection_credential AS c ON c.connection_id = a.id";
    assert_eq!(sql::texts(&world.database(), row).await, ["work121"]);
    let revision = "SELECT revision FROM connection_account";
    assert_eq!(sql::number(&world.database(), revision).await, Some(2));
    assert_eq!(sql::texts(&world.database(), EVENTS).await, [r#"{"before":"ada","label":"work"}"#]);
    // The same label again changes nothing, and the sealed values still open.
    connection.rename("work").await.unwrap();
    assert_eq!(sql::number(&world.database(), revision).await, Some(2));
    assert_eq!(sql::texts(&world.database(), EVENTS).await.len(), 1);
    connection.send(connection.request("GET", "/things").await.unwrap()).await.unwrap();
}

#[tokio::test]
async fn a_label_that_is_empty_or_taken_is_refused_by_name() {
    let world = World::new().await;
    let fake = Fake::new();
    let other = Fake::of(Kind::from_static("other"));
    let registry = world.builder().kind(fake.clone()).kind(other.clone()).open().await.unwrap();
    let ada = fake.connected(&registry, "ada").await;
    let bob = fake.connected(&registry, "bob").await;
    for empty in ["", "  ", "\u{200b}\n"] {
        let error = ada.rename(empty).await.unwrap_err();
        assert!(matches!(error, Error::InvalidLabel) && error.remedy().is_some(), "{empty:?}: {error}");
    }
    let taken = ada.rename(" bob").await.unwrap_err();
    assert!(matches!(&taken, Error::LabelTaken { label, .. } if label == "bob"), "{taken:?}");
    assert_eq!(taken.to_string(), "there is already a connection 'fake:bob'");
    assert_eq!(registry.connection(ada.id()).await.unwrap().info().label.as_str(), "ada");
    assert!(sql::texts(&world.database(), EVENTS).await.is_empty());
    // Another kind and another owner have separate labels.
    other.connected(&registry, "eve").await.rename("bob").await.unwrap();
    fake.connected(&registry.owner("u42").unwrap(), "ada").await.rename("bob").await.unwrap();
    registry.remove(bob.id()).await.unwrap();
    ada.rename("bob").await.unwrap();
    assert!(matches!(bob.rename("x").await, Err(Error::NotFound(_))));
}

/// If two connections want the same label at once, one gets it.
#[tokio::test]
async fn two_that_want_one_label_do_not_both_get_it() {
    let world = World::new().await;
    let fake = Fake::new();
    let registry = world.open(fake.clone()).await;
    let ada = fake.connected(&registry, "ada").await;
    let bob = fake.connected(&registry, "bob").await;
    let (one, two) = tokio::join!(ada.rename("work"), bob.rename("work"));
    assert_eq!([one.is_ok(), two.is_ok()].iter().filter(|done| **done).count(), 1);
    assert!(matches!(one.and(two), Err(Error::LabelTaken { .. })));
    let page = registry.list_connections(Filter::new().label("work")).await.unwrap();
    assert_eq!(page.items.len(), 1);
}

/// A handle of a row that was moved to another owner renames nothing.
#[tokio::test]
async fn a_handle_renames_nothing_of_another_owner() {
    let world = World::new().await;
    let fake = Fake::new();
    let registry = world.open(fake.clone()).await;
    let connection = fake.connected(&registry, "ada").await;
    sql::run(&world.database(), "UPDATE connection_account SET owner = 'u42'").await;
    assert!(matches!(connection.rename("mine").await, Err(Error::NotFound(_))));
    assert!(matches!(connection.make_default().await, Err(Error::NotFound(_))));
    let theirs = registry.owner("u42").unwrap().connection(connection.id()).await.unwrap();
    assert_eq!((theirs.info().label.as_str(), theirs.info().is_default), ("ada", true));
}
