//! Lists: in the order in which connections became usable, page by page, and past damaged rows.

use std::collections::BTreeSet;

use connection_contract::{Kind, Liveness};
use connection_core::{ConnectionId, ConnectionRegistry, Cursor, Error, Filter, Outcome};

use crate::{
    fake::{FAKE, Fake},
    sql,
    test_host::{on_postgres, World, answers, connected, step},
};

/// Returns all ids, with pages of this size; `between` runs after each page.
async fn walk(registry: &ConnectionRegistry, limit: u16, mut between: impl AsyncFnMut()) -> Vec<ConnectionId> {
    let mut found = Vec::new();
    let mut filter = Filter::new().limit(limit);
    loop {
        let page = registry.list_connections(filter).await.unwrap();
        assert!(page.items.len() <= usize::from(limit));
        found.extend(page.items.iter().map(|info| info.id));
        between().await;
        let Some(next) = page.next else { return found };
        filter = Filter::new().limit(limit).after(next);
    }
}

/// R-INSEAM-058, R-INSEAM-041
#[tokio::test]
async fn connections_are_listed_in_the_order_in_which_they_became_usable() {
    let world = World::new().await;
    let fake = Fake::new();
    let registry = world.builder().kind(fake.clone()).kind(crate::acme::Acme::default()).open().await.unwrap();
    let mut made = Vec::new();
    for name in 0..5 {
        made.push(fake.connected(&registry, &format!("account-{}", 9 - name)).await.id());
        if name == 2 {
            made.push(connected(&registry, "key-1").await.id());
        }
    }
    let mut sorted = made.clone();
    sorted.sort_by_key(ToString::to_string);
    assert_eq!(made, sorted);
    let page = registry.list_connections(Filter::new()).await.unwrap();
    assert_eq!(page.items.iter().map(|info| info.id).collect::<Vec<_>>(), made);
    assert!(page.next.is_none());
    let acme = registry.list_connections(Filter::new().kind(crate::acme::KIND)).await.unwrap();
    assert_eq!(acme.items.iter().map(|info| info.id).collect::<Vec<_>>(), [made[3]]);
    for limit in 1..=7 {
        assert_eq!(walk(&registry, limit, async || ()).await, made, "pages of {limit}");
    }
}

/// R-INSEAM-058
#[tokio::test]
async fn pages_have_no_gaps_and_no_repeats_while_rows_come_and_go() {
    let world = World::new().await;
    let fake = Fake::new();
    let registry = world.open(fake.clone()).await;
    let mut made = Vec::new();
    for name in 0..12 {
        made.push(fake.connected(&registry, &format!("account-{name}")).await.id());
    }
    let stay: BTreeSet<_> = made.iter().skip(1).step_by(2).copied().collect();
    let mut go: Vec<_> = made.iter().step_by(2).copied().collect();
    let mut fresh = 0;
    let found = walk(&registry, 2, async || {
        if let Some(id) = go.pop() {
            registry.remove(id).await.unwrap();
        }
        if fresh < 3 {
            fresh += 1;
            fake.connected(&registry, &format!("fresh-{fresh}")).await;
        }
    })
    .await;
    let distinct: BTreeSet<_> = found.iter().copied().collect();
    assert_eq!(distinct.len(), found.len(), "one came twice");
    assert!(stay.is_subset(&distinct), "one that stayed is missing");
}

/// A broken row breaks no list and affects no other row.
#[tokio::test]
async fn a_row_that_somebody_broke_hides_no_other() {
    let breaks = [
        ("UPDATE connection_account SET kind = 'No Kind!' WHERE", true),
        ("UPDATE connection_account SET kind = '' WHERE", true),
        ("UPDATE connection_account SET config = '{not json' WHERE", true),
        ("UPDATE connection_account SET config = '[1,2]' WHERE", true),
        (
            "UPDATE connection_account SET created_at = 9223372036854775807, updated_at = -9223372036854775808 WHERE",
            true,
        ),
        ("UPDATE connection_account SET label = char(27) || '[31mred' WHERE", true),
        ("UPDATE connection_account SET label = CAST(x'ff80' AS TEXT) WHERE", false),
        ("UPDATE connection_account SET account_id = '', account_label = '' WHERE", true),
        ("PRAGMA ignore_check_constraints = 1; UPDATE connection_account SET state = 'odd' WHERE", false),
        ("UPDATE connection_account SET owner = CAST(x'ff' AS TEXT) WHERE", false),
    ];
    for (sql, is_listed) in breaks {
        let sql = match (on_postgres(), sql) {
            // A server stores no invalid text.
            (true, sql) if sql.contains("CAST(x'") => continue,
            (true, sql) if sql.starts_with("PRAGMA") => {
                "ALTER TABLE connection_account DROP CONSTRAINT connection_account_state_check; \
                 UPDATE connection_account SET state = 'odd' WHERE"
            }
            (true, sql) if sql.contains("char(27)") => {
                "UPDATE connection_account SET label = chr(27) || '[31mred' WHERE"
            }
            (_, sql) => sql,
        };
        let world = World::new().await;
        let fake = Fake::new();
        let registry = world.open(fake.clone()).await;
        let first = fake.connected(&registry, "ada").await;
        let broken = fake.connected(&registry, "bob").await;
        let last = fake.connected(&registry, "eve").await;
        sql::script(&world.database(), format!("{sql} id = {}", sql::id(broken.id()))).await;
        let mut expected = vec![first.id(), broken.id(), last.id()];
        if !is_listed {
            expected.remove(1);
        }
        for limit in [1, 2, 3, 1000] {
            assert_eq!(walk(&registry, limit, async || ()).await, expected, "{sql}, pages of {limit}");
        }
        for connection in [&first, &last] {
            assert_eq!(connection.verify().await.unwrap().liveness, Liveness::Live);
        }
        // The operations on a broken row may fail; they affect no other row.
        drop(broken.verify().await);
        registry.close().await;
        let registry = world.open(fake.clone()).await;
        assert_eq!(walk(&registry, 1000, async || ()).await, expected, "{sql}, opened again");
    }
}

#[tokio::test]
async fn a_liveness_that_somebody_broke_is_unknown_until_the_next_probe() {
    for sql in [
        "UPDATE connection_liveness SET liveness = 'splendid', reason = 'not json'",
        "UPDATE connection_liveness SET liveness = '', reason = '{}'",
        "UPDATE connection_liveness SET checked_at = -9223372036854775808, liveness = 'LIVE'",
    ] {
        let world = World::new().await;
        let fake = Fake::new();
        let registry = world.open(fake.clone()).await;
        let connection = fake.connected(&registry, "ada").await;
        sql::run(&world.database(), sql).await;
        let page = registry.list_connections(Filter::new()).await.unwrap();
        assert_eq!(page.items[0].liveness, Liveness::Unknown);
        assert!(page.items[0].reason.is_none());
        assert_eq!(connection.verify().await.unwrap().liveness, Liveness::Live);
    }
}

/// Even if another owner knows an id, the connection does not exist for that owner.
#[tokio::test]
async fn another_owners_connections_are_out_of_reach_of_every_method() {
    let world = World::new().await;
    let registry = world.acme().await;
    let mine = connected(&registry, "key-1").await;
    let id = mine.id();
    let theirs = registry.owner("u42").unwrap();
    assert_eq!(mine.info().owner, "local");
    let none = theirs.list_connections(Filter::new()).await.unwrap();
    assert!(none.items.is_empty() && none.next.is_none());
    let none = theirs.list_connections(Filter::new().kind(crate::acme::KIND).limit(1)).await.unwrap();
    assert!(none.items.is_empty());
    let earlier = Cursor::from("0-00000000-0000-7000-8000-000000000000");
    assert!(theirs.list_connections(Filter::new().after(earlier)).await.unwrap().items.is_empty());
    let before = world.server.requests().len();
    assert!(matches!(theirs.connection(id).await, Err(Error::NotFound(of)) if of == id));
    assert!(matches!(theirs.remove(id).await, Err(Error::NotFound(of)) if of == id));
    let (of, result) = theirs.preflight([id]).next().await.unwrap();
    assert!(of == id && matches!(result, Err(Error::NotFound(_))));
    let (_, result) = theirs.preflight([id]).in_order().next().await.unwrap();
    assert!(matches!(result, Err(Error::NotFound(_))));
    assert!(theirs.setups().list().await.unwrap().is_empty());
    assert_eq!(world.server.requests().len(), before);
    // The same account and label are free for the other owner, whose session cannot be resumed by this one.
    let session = theirs.setups().begin(&crate::acme::KIND).await.unwrap();
    assert!(matches!(registry.setups().resume(session.id()).await, Err(Error::SessionNotFound(_))));
    assert!(registry.setups().list().await.unwrap().is_empty());
    session.cancel().await.unwrap();
    let own = connected(&theirs, "key-2").await;
    assert_eq!((own.info().owner.as_str(), &own.info().label), ("u42", &mine.info().label));
    assert!(matches!(registry.connection(own.id()).await, Err(Error::NotFound(_))));
    assert_eq!(registry.list_connections(Filter::new()).await.unwrap().items.len(), 1);
    // A handle stays with its owner, even while the other owner removes.
    assert!(registry.connection(id).await.is_ok());
    assert_eq!(theirs.owner("local").unwrap().connection(id).await.unwrap().id(), id);
}

/// A handle no longer works if its row was moved to another owner with SQL.
#[tokio::test]
async fn a_handle_does_not_follow_its_row_to_another_owner() {
    let world = World::new().await;
    let registry = world.acme().await;
    let connection = connected(&registry, "key-1").await;
    sql::run(&world.database(), "UPDATE connection_account SET owner = 'u42'").await;
    let before = world.server.requests().len();
    assert!(matches!(connection.verify().await, Err(Error::NotFound(_))));
    let moved = registry.owner("u42").unwrap().connection(connection.id()).await.unwrap();
    assert!(matches!(moved.with_access_token(async |_| ()).await, Err(Error::Sealed { .. })));
    let request = moved.request("GET", "/things").await;
    assert!(matches!(request, Err(Error::Sealed { .. })));
    assert_eq!(world.server.requests().len(), before);
}

/// A caller who keeps the position of the last connection it has seen finds every later one.
#[tokio::test]
async fn a_connection_begun_early_and_ended_late_comes_after_those_that_were_listed() {
    let world = World::new().await;
    let fake = Fake::new();
    let registry = world.open(fake.clone()).await;
    let early = registry.setups().begin(&FAKE).await.unwrap();
    let first = fake.connected(&registry, "ada").await;
    let seen = registry.list_connections(Filter::new()).await.unwrap().items.pop().unwrap();
    assert_eq!(seen.id, first.id());
    let (no, _) = step(&early).await;
    early.advance(no, &answers(&[("name", "bob")])).await.unwrap();
    let Outcome::Done(late) = early.terminal().await.unwrap() else { panic!("it ended otherwise") };
    let late = late.connection;
    assert!(late < first.id(), "its id was drawn when it was begun");
    for filter in [Filter::new(), Filter::new().kind(FAKE), Filter::new().provider(FAKE)] {
        for page in [
            registry.list_connections(filter.clone().after(seen.cursor())).await.unwrap(),
            registry.list_connections(filter.clone().all_owners().after(seen.cursor())).await.unwrap(),
        ] {
            assert_eq!(page.items.iter().map(|info| info.id).collect::<Vec<_>>(), [late], "{filter:?}");
        }
    }
}

#[tokio::test]
async fn a_page_after_a_place_where_nobody_is_any_more_goes_on_from_there() {
    let world = World::new().await;
    let fake = Fake::new();
    let registry = world.open(fake.clone()).await;
    let first = fake.connected(&registry, "ada").await;
    let place = registry.list_connections(Filter::new()).await.unwrap().items[0].cursor();
    let page = registry.list_connections(Filter::new().after(place.clone())).await.unwrap();
    assert!(page.items.is_empty());
    let last = fake.connected(&registry, "bob").await.id();
    registry.remove(first.id()).await.unwrap();
    let page = registry.list_connections(Filter::new().after(place.clone())).await.unwrap();
    assert_eq!(page.items.iter().map(|info| info.id).collect::<Vec<_>>(), [last]);
    let other = Filter::new().kind(Kind::from_static("other"));
    assert!(registry.list_connections(other).await.unwrap().items.is_empty());
    assert_eq!(page.items[0].kind, FAKE);
}
