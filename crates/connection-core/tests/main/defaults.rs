//! The connection that a kind alone selects: the only one, or the default, of which each provider has one.

use connection_contract::Kind;
use connection_core::{Connection, ConnectionId, ConnectionRegistry, Error, Filter};

use crate::{
    fake::{FAKE, Fake},
    sql,
    test_host::World,
};

const TOKEN: Kind = Kind::from_static("fake-token");

async fn defaults(registry: &ConnectionRegistry) -> Vec<ConnectionId> {
    let page = registry.list_connections(Filter::new()).await.unwrap();
    page.items.iter().filter(|info| info.is_default).map(|info| info.id).collect()
}

async fn events(world: &World, connection: &Connection) -> Vec<String> {
    let id = sql::id(connection.id());
    let sql = format!(
        "SELECT body FROM connection_event WHERE kind = 'default_changed' AND connection_id = {id} ORDER BY seq"
    );
    sql::texts(&world.database(), sql).await
}

#[tokio::test]
async fn one_connection_per_owner_and_provider_is_the_default() {
    let world = World::new().await;
    let fake = Fake::new();
    let token = Fake::of_provider(TOKEN, FAKE);
    let other = Fake::of(Kind::from_static("other"));
    let registry = world.builder().kind(fake.clone()).kind(token.clone()).kind(other.clone()).open().await.unwrap();
    let ada = fake.connected(&registry, "ada").await;
    let bob = fake.connected(&registry, "bob").await;
    let (eve, else_) = (token.connected(&registry, "eve").await, other.connected(&registry, "eve").await);
    let theirs = fake.connected(&registry.owner("u42").unwrap(), "ada").await;
    // The first of each provider is the default, without a separate event.
    assert_eq!(defaults(&registry).await, [ada.id(), else_.id()]);
    assert!(ada.make_default().await.unwrap().is_default);
    assert!(else_.make_default().await.unwrap().is_default);
    assert!(theirs.make_default().await.unwrap().is_default);
    bob.make_default().await.unwrap();
    bob.make_default().await.unwrap();
    assert_eq!(defaults(&registry).await, [bob.id(), else_.id()]);
    // Another kind of the same provider becomes the default, too.
    eve.make_default().await.unwrap();
    assert_eq!(defaults(&registry).await, [eve.id(), else_.id()]);
    assert_eq!(defaults(&registry.owner("u42").unwrap()).await, [theirs.id()]);
    assert!(!ada.clear_default().await.unwrap().is_default, "it is not the one");
    assert_eq!(defaults(&registry).await, [eve.id(), else_.id()]);
    assert!(!eve.clear_default().await.unwrap().is_default);
    assert_eq!(defaults(&registry).await, [else_.id()]);
    let on = r#"{"isDefault":true}"#;
    let off = r#"{"isDefault":false}"#;
    assert_eq!(events(&world, &ada).await, [off]);
    assert_eq!(events(&world, &bob).await, [on, off]);
    assert_eq!(events(&world, &eve).await, [on, off]);
}

#[tokio::test]
async fn the_first_connection_of_a_provider_is_its_default_until_a_person_chooses_another() {
    let world = World::new().await;
    let fake = Fake::new();
    let token = Fake::of_provider(TOKEN, FAKE);
    let registry = world.builder().kind(fake.clone()).kind(token.clone()).open().await.unwrap();
    let ada = fake.connected(&registry, "ada").await;
    let bob = fake.connected(&registry, "bob").await;
    let eve = token.connected(&registry, "eve").await;
    assert_eq!(defaults(&registry).await, [ada.id()], "a second account changes nothing");
    assert_eq!(registry.connection_of(&FAKE).await.unwrap().id(), ada.id());
    bob.make_default().await.unwrap();
    fake.connected(&registry, "dan").await;
    assert_eq!(defaults(&registry).await, [bob.id()], "what a person chose stays");
    // If the default was removed and several are left, there is none until a person chooses.
    registry.remove(bob.id()).await.unwrap();
    fake.connected(&registry, "fay").await;
    assert!(defaults(&registry).await.is_empty());
    // The only one that is left is selected, and stays selected when another one is added.
    for info in registry.list_connections(Filter::new()).await.unwrap().items {
        if info.id != eve.id() {
            registry.remove(info.id).await.unwrap();
        }
    }
    assert!(defaults(&registry).await.is_empty());
    fake.connected(&registry, "gus").await;
    assert_eq!(defaults(&registry).await, [eve.id()]);
    assert_eq!(events(&world, &eve).await, [r#"{"isDefault":true}"#]);
    assert!(registry.events().edited_rows().await.unwrap().is_empty());
    // Another owner has a separate default.
    let theirs = registry.owner("u42").unwrap();
    let first = fake.connected(&theirs, "ada").await;
    assert_eq!(defaults(&theirs).await, [first.id()]);
}

/// A kind without a plugin counts as a separate provider.
#[tokio::test]
async fn a_connection_whose_plugin_is_gone_can_be_the_default_of_its_kind() {
    let world = World::new().await;
    let fake = Fake::new();
    let token = Fake::of_provider(TOKEN, FAKE);
    let registry = world.builder().kind(fake.clone()).kind(token.clone()).open().await.unwrap();
    let ada = fake.connected(&registry, "ada").await;
    let eve = token.connected(&registry, "eve").await;
    ada.make_default().await.unwrap();
    assert!(registry.kinds().unregister(&TOKEN));
    eve.make_default().await.unwrap();
    assert_eq!(defaults(&registry).await, [ada.id(), eve.id()]);
    // Once its provider is known, the next one that is made the default is the only one again.
    registry.kinds().register(token).unwrap();
    ada.clear_default().await.unwrap();
    ada.make_default().await.unwrap();
    assert_eq!(defaults(&registry).await, [ada.id()]);
}

#[tokio::test]
async fn concurrent_changes_of_the_default_leave_one_default() {
    let world = World::new().await;
    let fake = Fake::new();
    let registry = world.open(fake.clone()).await;
    let other = world.open(fake.clone()).await;
    let mut tasks = tokio::task::JoinSet::new();
    for number in 0..8 {
        let made = fake.connected(&registry, &format!("account-{number}")).await;
        let registry = if number % 2 == 0 { &registry } else { &other };
        let connection = registry.connection(made.id()).await.unwrap();
        tasks.spawn(async move { connection.make_default().await });
    }
    while let Some(made) = tasks.join_next().await {
        made.unwrap().unwrap();
    }
    assert_eq!(defaults(&registry).await.len(), 1);
}

#[tokio::test]
async fn a_kind_alone_names_the_only_connection_or_the_default_or_lists_the_candidates() {
    let world = World::new().await;
    let fake = Fake::new();
    let token = Fake::of_provider(TOKEN, FAKE);
    let registry = world.builder().kind(fake.clone()).kind(token.clone()).open().await.unwrap();
    let none = registry.connection_of(&FAKE).await.unwrap_err();
    assert!(matches!(&none, Error::NoConnection(kind) if *kind == FAKE), "{none:?}");
    assert_eq!((none.code(), none.to_string().as_str()), ("not_found", "nothing of kind 'fake' is connected"));
    let ada = fake.connected(&registry, "ada").await;
    assert_eq!(registry.connection_of(&FAKE).await.unwrap().id(), ada.id());
    let bob = fake.connected(&registry, "bob").await;
    // The default of the provider is of another kind, so it is not selected.
    token.connected(&registry, "eve").await.make_default().await.unwrap();
    let several = registry.connection_of(&FAKE).await.unwrap_err();
    assert!(matches!(&several, Error::Ambiguous { candidates, .. }
        if candidates.iter().map(|info| info.id).eq([ada.id(), bob.id()])));
    assert_eq!((several.code(), several.remedy().is_some()), ("ambiguous", true));
    let said = several.to_string();
    let end = |connection: &Connection| connection.id().to_string()[28..].to_owned();
    assert!(said.contains(&format!("fake:ada ({}), fake:bob ({})", end(&ada), end(&bob))), "{said}");
    bob.make_default().await.unwrap();
    assert_eq!(registry.connection_of(&FAKE).await.unwrap().id(), bob.id());
    assert!(matches!(registry.owner("u42").unwrap().connection_of(&FAKE).await, Err(Error::NoConnection(_))));
    registry.remove(bob.id()).await.unwrap();
    assert_eq!(registry.connection_of(&FAKE).await.unwrap().id(), ada.id());
}
