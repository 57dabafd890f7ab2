//! Reading the record of events: of an owner in time, and of a connection with its chain checked, also after a
//! removal.

use connection_contract::Liveness;
use connection_core::{ConnectionId, ConnectionRegistry, Cursor, Error, Event};
use tokio::task::JoinSet;

use crate::{
    fake::Fake,
    sql,
    test_host::{World, connected},
};

fn names(events: &[Event]) -> Vec<&str> {
    events.iter().map(|event| event.name.as_str()).collect()
}

/// Returns all events of a connection over all pages, and the first break of the chain.
async fn history(registry: &ConnectionRegistry, id: ConnectionId) -> (Vec<Event>, Option<u64>) {
    let mut events = Vec::new();
    let mut broken = None;
    let mut after = None;
    loop {
        let history = registry.events().history(id, after).await.unwrap();
        events.extend(history.page.items);
        broken = broken.or(history.broken_at);
        after = history.page.next;
        if after.is_none() {
            return (events, broken);
        }
    }
}

#[tokio::test]
async fn events_are_read_in_order_also_after_a_removal() {
    let world = World::new().await;
    let fake = Fake::new();
    let registry = world.open(fake.clone()).await;
    let ada = fake.connected(&registry, "ada").await;
    let bob = fake.connected(&registry, "bob").await;
    fake.is(Liveness::Failing);
    ada.verify().await.unwrap();
    ada.rename("work").await.unwrap();
    registry.remove(ada.id()).await.unwrap();
    let (events, broken) = history(&registry, ada.id()).await;
    assert_eq!(names(&events), ["connected", "liveness_changed", "renamed", "removed"]);
    assert_eq!((broken, events.iter().map(|event| event.number).collect::<Vec<_>>()), (None, vec![1, 2, 3, 4]));
    assert!(events.iter().all(|event| event.connection == ada.id() && event.at.seconds() == world.now()));
    assert_eq!(events[2].details, r#"{"before":"ada","label":"work"}"#);
    let all = registry.events().list(None).await.unwrap();
    assert_eq!(names(&all.items), ["connected", "connected", "liveness_changed", "renamed", "removed"]);
    assert!(all.next.is_none() && all.items[1].connection == bob.id());
    let rest = registry.events().list(Some(all.items[2].cursor())).await.unwrap();
    assert_eq!(rest.items, all.items[3..]);
    let newest = registry.events().newest(None, 3).await.unwrap();
    assert_eq!(names(&newest.items), ["removed", "renamed", "liveness_changed"]);
    assert_eq!(newest.next, Some(newest.items[2].cursor()));
    let before = registry.events().newest(newest.next, 3).await.unwrap();
    assert_eq!((names(&before.items), before.next), (vec!["connected", "connected"], None));
    // Another owner finds nothing, in any way.
    let theirs = registry.owner("u42").unwrap();
    assert!(theirs.events().list(None).await.unwrap().items.is_empty());
    assert!(theirs.events().newest(None, 3).await.unwrap().items.is_empty());
    for id in [ada.id(), bob.id()] {
        assert!(matches!(theirs.events().history(id, None).await, Err(Error::NotFound(of)) if of == id));
        assert!(matches!(theirs.connection_of(&crate::fake::FAKE).await, Err(Error::NoConnection(_))));
    }
}

#[tokio::test]
async fn an_edited_history_is_read_and_says_where_it_is_broken() {
    for (edit, broken) in [
        ("UPDATE connection_event SET body = '{}' WHERE kind = 'renamed'", 2),
        ("DELETE FROM connection_event WHERE kind = 'renamed'", 2),
        ("DELETE FROM connection_event WHERE kind = 'connected'", 1),
        ("UPDATE connection_event SET owner = 'u42' WHERE kind = 'renamed'", 2),
        ("UPDATE connection_event SET owner = 'u42' WHERE seq = 4", 4),
        ("UPDATE connection_event SET at = at - 60 WHERE kind = 'default_changed'", 3),
    ] {
        let world = World::new().await;
        let fake = Fake::new();
        let registry = world.open(fake.clone()).await;
        let connection = fake.connected(&registry, "ada").await;
        connection.rename("work").await.unwrap();
        connection.clear_default().await.unwrap();
        connection.make_default().await.unwrap();
        assert_eq!(history(&registry, connection.id()).await.1, None, "the control");
        sql::unlock_events(&world.database()).await;
        sql::run(&world.database(), edit).await;
        let (events, found) = history(&registry, connection.id()).await;
        assert_eq!(found, Some(broken), "{edit}");
        assert!(events.len() >= 3, "what is left is shown: {edit}");
    }
}

#[tokio::test]
async fn a_long_history_is_checked_page_by_page() {
    let world = World::new().await;
    let registry = world.acme().await;
    let connection = connected(&registry, "key-1").await;
    for _ in 0..50 {
        let mut uses = JoinSet::new();
        for _ in 0..42 {
            let connection = connection.clone();
            uses.spawn(async move { connection.with_access_token(async |_| ()).await });
        }
        uses.join_all().await.into_iter().for_each(|result| result.unwrap());
    }
    let first = registry.events().history(connection.id(), None).await.unwrap();
    assert_eq!((first.page.items.len(), first.page.next), (1000, Some(Cursor::from("1000"))));
    let (events, broken) = history(&registry, connection.id()).await;
    assert_eq!((events.len(), broken), (2101, None));
    sql::unlock_events(&world.database()).await;
    // The link between two pages is checked, too.
    sql::run(&world.database(), "DELETE FROM connection_event WHERE seq = 1000").await;
    assert_eq!(history(&registry, connection.id()).await.1, Some(1000));
    let behind = registry.events().history(connection.id(), Some(Cursor::from("1001"))).await.unwrap();
    assert_eq!((behind.broken_at, behind.page.items[0].number), (None, 1002));
}
