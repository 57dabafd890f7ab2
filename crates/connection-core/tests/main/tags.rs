//! Tags of connections: set by the host, found by an index, and gone with the connection.

use connection_core::{ConnectionId, ConnectionRegistry, Filter, Outcome, Tags};
use uuid::Uuid;

use crate::{
    acme::KIND,
    fake::{FAKE, Fake},
    sql,
    test_host::{START, World, answers, connected, step},
};

fn tags(pairs: &[(&str, &str)]) -> Tags {
    Tags::new(pairs.iter().copied()).unwrap()
}

async fn found(registry: &ConnectionRegistry, filter: Filter) -> Vec<ConnectionId> {
    let mut found = Vec::new();
    let mut filter = filter;
    loop {
        let page = registry.list_connections(filter.clone()).await.unwrap();
        found.extend(page.items.iter().map(|info| info.id));
        let Some(next) = page.next else { return found };
        filter = filter.after(next);
    }
}

#[tokio::test]
async fn the_tags_of_a_connection_are_replaced_as_a_whole_and_recorded() {
    let world = World::new().await;
    let registry = world.acme().await;
    let connection = connected(&registry, "key-1").await;
    assert!(connection.info().tags.is_empty());
    let info = connection.set_tags(tags(&[("plan", "pro"), ("team", "blue")])).await.unwrap();
    assert_eq!((info.tags.get("plan"), info.tags.get("team")), (Some("pro"), Some("blue")));
    // The same tags again are no change.
    connection.set_tags(tags(&[("plan", "pro"), ("team", "blue")])).await.unwrap();
    connection.set_tags(tags(&[("plan", "free")])).await.unwrap();
    let again = registry.connection(connection.id()).await.unwrap();
    assert_eq!(again.info().tags, tags(&[("plan", "free")]));
    let recorded = "SELECT body FROM connection_event WHERE kind = 'tags_changed' ORDER BY seq";
    let recorded = sql::texts(&world.database(), recorded).await;
    assert_eq!(recorded.len(), 2, "{recorded:?}");
    assert_eq!(recorded[0], r#"{"before":{},"tags":{"plan":"pro","team":"blue"}}"#);
    // The connection is used and verified as before.
    again.verify().await.unwrap();
    registry.remove(connection.id()).await.unwrap();
    assert_eq!(again.set_tags(tags(&[])).await.unwrap_err().code(), "not_found");
    assert_eq!(sql::number(&world.database(), "SELECT COUNT(*) FROM connection_tag").await, Some(0));
    registry.close().await;
}

#[tokio::test]
async fn a_setup_gives_its_tags_to_the_connection_that_it_makes() {
    let world = World::new().await;
    let registry = world.acme().await;
    let session = registry.setups().begin(&KIND).tags(tags(&[("customer", "17"), ("note", "a=b")])).await.unwrap();
    let id = session.id();
    // Another process continues the setup.
    drop(session);
    let other = world.acme().await;
    let session = other.setups().resume(id).await.unwrap();
    let (no, _) = step(&session).await;
    session.advance(no, &answers(&[("accessToken", "key-1")])).await.unwrap();
    let Outcome::Done(done) = session.terminal().await.unwrap() else { panic!("not connected") };
    let info = registry.connection(done.connection).await.unwrap().info().clone();
    assert_eq!(info.tags, tags(&[("customer", "17"), ("note", "a=b")]));
    assert_eq!(found(&registry, Filter::new().tag("customer", "17")).await, [info.id]);
    registry.close().await;
    other.close().await;
}

#[tokio::test]
async fn connections_are_found_by_their_tags_and_by_other_filters_at_once() {
    let world = World::new().await;
    let fake = Fake::new();
    let registry = world.open(fake.clone()).await;
    let theirs = registry.owner("u42").unwrap();
    let mut ids = Vec::new();
    for (owner, name, of) in [
        (&registry, "a", &[("plan", "pro"), ("team", "blue")][..]),
        (&registry, "b", &[("plan", "pro")]),
        (&registry, "c", &[("plan", "free")]),
        (&registry, "d", &[]),
        (&theirs, "e", &[("plan", "pro")]),
    ] {
        let connection = fake.connected(owner, name).await;
        connection.set_tags(tags(of)).await.unwrap();
        ids.push(connection.id());
    }
    let pro = || Filter::new().tag("plan", "pro");
    assert_eq!(found(&registry, pro()).await, ids[..2]);
    assert_eq!(found(&registry, pro().limit(1)).await, ids[..2]);
    assert_eq!(found(&theirs, pro()).await, ids[4..]);
    assert_eq!(found(&registry, pro().tag("team", "blue")).await, ids[..1]);
    assert_eq!(found(&registry, pro().label("b")).await, ids[1..2]);
    assert_eq!(found(&registry, pro().kind(FAKE)).await, ids[..2]);
    assert_eq!(found(&registry, pro().kind(KIND)).await, []);
    assert_eq!(found(&registry, Filter::new().tag("plan", "PRO")).await, []);
    assert_eq!(found(&registry, pro().all_owners()).await, [ids[0], ids[1], ids[4]]);
    registry.close().await;
}

/// The connections with a tag are rare among many, and a page reads only them.
#[tokio::test]
async fn a_page_by_tag_does_not_read_the_other_connections() {
    let world = World::new().await;
    let registry = world.open(Fake::new()).await;
    let id = |number: u128| Uuid::from_u128(0x0190_0000_0000_7000_8000_0000_0000_0000 + number);
    let mut script = "BEGIN;".to_owned();
    for number in 0..3000 {
        let row = sql::id(id(number).into());
        script += &format!(
            "INSERT INTO connection_account (id, owner, kind, label, account_id, account_label, is_default, config, \
             generation, next_generation, state, created_at, updated_at, usable_at) VALUES ({row}, 'local', '{FAKE}', \
             'l-{number}', '{number}', 'account', FALSE, '[]', 1, 2, 'active', {START}, {START}, {number});"
        );
        if number % 1000 == 999 {
            script += &format!(
                "UPDATE connection_account SET tags = '{{\"plan\":\"pro\"}}' WHERE id = {row};\
                 INSERT INTO connection_tag VALUES ({row}, 'plan', 'pro', 'local', {number});"
            );
        }
    }
    sql::script(&world.database(), script + "COMMIT").await;
    let wanted: Vec<ConnectionId> = [999, 1999, 2999].map(|number| id(number).into()).to_vec();
    // A filter of another column is limited to a window of a thousand rows, and this one is not.
    let page = registry.list_connections(Filter::new().tag("plan", "pro")).await.unwrap();
    assert_eq!(page.items.iter().map(|info| info.id).collect::<Vec<_>>(), wanted);
    assert_eq!(page.next, None);
    let page = registry.list_connections(Filter::new().label("l-2999")).await.unwrap();
    assert!(page.items.is_empty() && page.next.is_some());
    registry.close().await;
}
