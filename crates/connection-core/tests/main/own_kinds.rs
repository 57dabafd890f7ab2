//! A kind that an extension brings belongs to the owner who added the extension. It is found when it is used, in any
//! process, and no number of owners matters to the start of a program.

use std::time::Duration;

use connection_contract::{AuthType, Kind};
use connection_core::{Connection, ConnectionRegistry, Error, Filter, Limits, Outcome, SetupStep};

use crate::{
    extension_kit::{TWIN, needs, of},
    extension_statements::Counted,
    own_kind_source::{self, Source, added},
    sql,
    test_host::{on_postgres, World, connect, step},
};

async fn connected(registry: &ConnectionRegistry, kind: &Kind) -> Connection {
    match connect(registry, kind, &[("apiKey", "key")]).await {
        Outcome::Done(done) => registry.connection(done.connection).await.unwrap(),
        other => panic!("not connected: {other:?}"),
    }
}

async fn title(registry: &ConnectionRegistry, kind: &Kind) -> Option<String> {
    registry.kinds().find(kind).await.unwrap().map(|info| info.descriptor.display_name.to_string())
}

/// Returns the label of the field that a re-authorization shows.
async fn shown(connection: &Connection) -> String {
    let session = connection.reauthorize().await.unwrap();
    let (_, shown) = step(&session).await;
    session.cancel().await.unwrap();
    let SetupStep::Prompt { fields, .. } = shown else { panic!("it asks: {shown:?}") };
    fields[0].label.to_string()
}

#[tokio::test]
async fn another_owner_neither_changes_nor_sees_nor_blocks_the_kind_of_an_extension() {
    let world = World::new().await;
    let registry = own_kind_source::builder(&world, &Source::of_text()).open().await.unwrap();
    let [alice, mallory] = ["alice", "mallory"].map(|owner| registry.owner(owner).unwrap());
    // The name is taken first, and alice adds her extension all the same.
    let kind = added(&mallory, "issues", "theirs").await;
    assert_eq!(title(&alice, &kind).await, None);
    assert!(matches!(alice.setups().begin(&kind).await, Err(Error::UnknownKind(_))));
    assert!(alice.kinds().own().await.unwrap().is_empty());
    added(&alice, "issues", "hers").await;
    assert_eq!(title(&alice, &kind).await.as_deref(), Some("hers"));
    assert_eq!(title(&mallory, &kind).await.as_deref(), Some("theirs"));
    let connection = connected(&alice, &kind).await;
    // A later declaration of another owner changes neither the terms nor the texts.
    added(&mallory, "issues", "theirs now").await;
    assert!(connection.origins().await.is_ok());
    assert_eq!(shown(&connection).await, "hers");
    connection.verify().await.unwrap();
    assert!(alice.kinds().changed().await.unwrap().is_empty());
    // The owner's own declaration does both, which is the control.
    added(&alice, "issues", "hers now").await;
    assert_eq!(alice.connection(connection.id()).await.unwrap().origins().await.unwrap_err().code(), "kind_changed");
    let [change] = alice.kinds().changed().await.unwrap().try_into().unwrap();
    assert_eq!((change.before.as_deref(), change.now.as_deref()), (Some("hers"), Some("hers now")));
    assert_eq!(alice.kinds().accept(&change).await.unwrap(), 1);
    assert!(alice.connection(connection.id()).await.unwrap().origins().await.is_ok());
    assert_eq!(shown(&connection).await, "hers now");
    // Nothing of it is registered, and the removal of an extension takes the kind of its owner alone.
    assert!(registry.kinds().list().is_empty());
    mallory.extensions().remove("issues").await.unwrap();
    assert_eq!((title(&mallory, &kind).await, title(&alice, &kind).await.as_deref()), (None, Some("hers now")));
    assert_eq!(alice.kinds().own().await.unwrap().len(), 1);
}

#[tokio::test]
async fn the_connections_of_two_owners_are_listed_each_under_the_terms_of_its_owner() {
    let world = World::new().await;
    let registry = own_kind_source::builder(&world, &Source::of_text()).open().await.unwrap();
    for owner in ["alice", "mallory"] {
        let owner = registry.owner(owner).unwrap();
        let kind = added(&owner, "issues", "as connected").await;
        connected(&owner, &kind).await;
    }
    added(&registry.owner("mallory").unwrap(), "issues", "changed").await;
    let filter = || Filter::new().all_owners().provider(TWIN);
    let listed = registry.list_connections(filter()).await.unwrap().items;
    let states: Vec<_> = listed.iter().map(|info| (&*info.owner, info.registered, info.kind_changed)).collect();
    assert_eq!(states, [("alice", true, false), ("mallory", true, true)]);
    assert!(listed.iter().all(|info| info.provider == TWIN));
    // The control: connections of another provider are not listed.
    let others = filter().provider(Kind::from_static("other"));
    assert!(registry.list_connections(others).await.unwrap().items.is_empty());
}

#[tokio::test]
async fn a_declaration_that_one_process_stored_is_in_force_at_the_next_use_in_another() {
    let world = World::new().await;
    let source = Source::of_text();
    let serving = own_kind_source::builder(&world, &source).open().await.unwrap();
    let alice = serving.owner("alice").unwrap();
    let other = own_kind_source::builder(&world, &Source::of_text()).open().await.unwrap();
    let elsewhere = other.owner("alice").unwrap();
    let kind = added(&elsewhere, "issues", "first").await;
    assert_eq!(title(&alice, &kind).await.as_deref(), Some("first"));
    let connection = connected(&alice, &kind).await;
    assert!(elsewhere.connection(connection.id()).await.unwrap().origins().await.is_ok());
    assert_eq!(source.made(), 1, "a kind is made once for each revision");
    added(&elsewhere, "issues", "second").await;
    assert_eq!(connection.origins().await.unwrap_err().code(), "kind_changed");
    assert_eq!(title(&alice, &kind).await.as_deref(), Some("second"));
    // A setup that one process began continues in the other.
    let session = elsewhere.setups().begin(&kind).again().await.unwrap();
    let (number, _) = step(&session).await;
    let resumed = alice.setups().resume(session.id()).await.unwrap();
    resumed.advance(number, &[("apiKey".into(), "key".into())]).await.unwrap();
    assert!(matches!(resumed.terminal().await.unwrap(), Outcome::Done(_)));
    // After the extension was removed, its connections are listed, and are not used.
    elsewhere.extensions().remove("issues").await.unwrap();
    assert!(matches!(connection.verify().await, Err(Error::UnknownKind(_))));
    let listed = alice.list_connections(Filter::new()).await.unwrap().items;
    assert!(listed.len() == 2 && listed.iter().all(|info| !info.registered));
}

#[tokio::test]
async fn a_change_of_this_process_is_in_force_at_once_although_rows_are_kept() {
    let world = World::new().await;
    let builder = own_kind_source::builder(&world, &Source::of_text());
    let registry = builder.limits(Limits::new().hot_rows(Duration::from_millis(500))).open().await.unwrap();
    let kind = added(&registry, "issues", "first").await;
    let connection = connected(&registry, &kind).await;
    assert!(connection.origins().await.is_ok() && connection.origins().await.is_ok());
    added(&registry, "issues", "second").await;
    assert_eq!(connection.origins().await.unwrap_err().code(), "kind_changed");
}

#[tokio::test]
async fn a_declaration_that_was_edited_brings_no_kind() {
    let world = World::new().await;
    let registry = own_kind_source::builder(&world, &Source::of_text()).open().await.unwrap();
    let kind = added(&registry, "issues", "first").await;
    assert!(title(&registry, &kind).await.is_some());
    let other = own_kind_source::builder(&world, &Source::of_text()).open().await.unwrap();
    sql::run(&world.database(), "UPDATE connection_extension SET source = 'edited'").await;
    assert_eq!(title(&other, &kind).await, None);
    // The row is put back as it was before the extension was removed.
    sql::run(&world.database(), "UPDATE connection_extension SET source = 'first'").await;
    assert!(title(&other, &kind).await.is_some(), "the control");
    sql::run(&world.database(), "CREATE TABLE kept AS SELECT * FROM connection_extension").await;
    registry.extensions().remove("issues").await.unwrap();
    sql::run(&world.database(), "INSERT INTO connection_extension SELECT * FROM kept").await;
    assert_eq!((title(&registry, &kind).await, title(&other, &kind).await), (None, None));
}

/// Adds this many owners, each with an extension, as rows. Nothing opens them, so they need no marks.
async fn add_owners(world: &World, count: usize) {
    let from = match on_postgres() {
        true => format!("SELECT 'owner-' || n AS owner FROM generate_series(1, {count}) AS n"),
        false => format!(
            "SELECT 'owner-' || n AS owner FROM (WITH RECURSIVE c(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM c \
             WHERE n < {count}) SELECT n FROM c)"
        ),
    };
    sql::run(
        &world.database(),
        format!(
            "INSERT INTO connection_extension (owner, name, provider, source, fingerprint, added_at, mark) \
             SELECT o.owner, x.name, x.provider, x.source, x.fingerprint, x.added_at, x.mark \
             FROM ({from}) AS o CROSS JOIN (SELECT * FROM connection_extension LIMIT 1) AS x"
        ),
    )
    .await;
}

#[tokio::test]
async fn the_kinds_of_a_hundred_thousand_owners_are_not_made_at_the_start() {
    let world = World::new().await;
    let first = own_kind_source::builder(&world, &Source::of_text()).open().await.unwrap();
    let kind = added(&first, "issues", "text").await;
    let connection = connected(&first, &kind).await;
    add_owners(&world, 100_000).await;
    let source = Source::of_text();
    let registry = own_kind_source::builder(&world, &source).open().await.unwrap();
    assert_eq!((source.made(), registry.kinds().list().len()), (0, 0));
    // The control: one that is used is made, and no other.
    assert!(registry.connection(connection.id()).await.unwrap().origins().await.is_ok());
    assert_eq!(source.made(), 1);
}

#[tokio::test]
async fn a_use_through_such_a_kind_takes_the_statements_of_any_other() {
    if on_postgres() {
        return;
    }
    let world = World::new().await;
    let source = Source::of_text();
    let counted = Counted::with(world, |builder| builder.own_kinds(source.clone())).await;
    let kind = added(&counted.registry, "issues", "text").await;
    let id = connected(&counted.registry, &kind).await.id();
    let used = async || counted.registry.connection(id).await.unwrap().origins().await.unwrap();
    let cold = async || {
        // Drops the cached rows.
        counted.registry.kinds().unregister(&Kind::from_static("nothing"));
        used().await
    };
    assert_eq!(counted.takes(cold).await.0, 1);
    assert_eq!(counted.takes(used).await.0, 0);
    let declaration = of("issues", needs(TWIN, AuthType::ApiKey, &["apiKey"]));
    let handle = counted.registry.extensions().handle(declaration).unwrap();
    let resolved = counted.takes(async || handle.resolve(handle.requirement()).await.unwrap().connection()).await;
    assert_eq!(resolved, (1, Some(id)));
    assert_eq!(source.made(), 1);
}
