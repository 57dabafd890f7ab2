//! Filters and pages over many connections: every page reads a limited number of rows, whatever the filter is.

use std::time::Duration;

use connection_contract::{Kind, Liveness};
use connection_core::{ConnectionId, ConnectionRegistry, Filter};
use connection_faults::rounds::rounds;
use uuid::Uuid;

use crate::{
    fake::{FAKE, Fake},
    sql,
    test_host::{START, World},
};

const OTHER: Kind = Kind::from_static("fake-other");

/// The ids are in the order of their numbers.
fn id(number: u128) -> ConnectionId {
    Uuid::from_u128(0x0190_0000_0000_7000_8000_0000_0000_0000 + number).into()
}

/// Stores that many connections: each tenth is of another kind, each hundredth of another owner, each thousandth is
/// failing, one in 10,000 is about to expire, and one is the default.
async fn fill(world: &World, rows: usize) {
    let mut script = "BEGIN;".to_owned();
    let numbers: Vec<_> = (0..rows as u128).collect();
    for part in numbers.chunks(500) {
        let mut accounts = Vec::new();
        let mut livenesses = Vec::new();
        let mut credentials = Vec::new();
        for number in part {
            let id = sql::id(id(*number));
            let number = *number;
            let owner = if number % 100 == 1 { "u42" } else { "local" };
            let kind = if number % 10 == 2 { &OTHER } else { &FAKE };
            let is_default = if number == 7_777 { "TRUE" } else { "FALSE" };
            accounts.push(format!(
                "({id}, '{owner}', '{kind}', 'label-{number}', '{number}', 'account', {is_default}, '[]', 1, 2, \
                 'active', {START}, {START})"
            ));
            let liveness = if number % 1000 == 3 { "failing" } else { "live" };
            livenesses.push(format!("({id}, '{liveness}', 1)"));
            if number % 10_000 == 4 {
                let sealed = sql::literal(&[1]);
                let key = sql::literal(&[0; 8]);
                credentials.push(format!("({id}, 1, 'current', {sealed}, {key}, '[]', {}, {START})", START + 86_400));
            }
        }
        script += &format!(
            "INSERT INTO connection_account (id, owner, kind, label, account_id, account_label, is_default, config, \
             generation, next_generation, state, created_at, updated_at) VALUES {};\
             INSERT INTO connection_liveness (connection_id, liveness, generation) VALUES {};",
            accounts.join(","),
            livenesses.join(",")
        );
        if !credentials.is_empty() {
            script += &format!(
                "INSERT INTO connection_credential (connection_id, generation, state, sealed, key_id, secret_names, \
                 valid_until, created_at) VALUES {};",
                credentials.join(",")
            );
        }
    }
    sql::script(&world.database(), script + "COMMIT;").await;
}

/// Returns the connections and the number of pages. Each page is in order, after the one before, within its limit.
async fn walk(registry: &ConnectionRegistry, filter: Filter, limit: u16, all: bool) -> (Vec<ConnectionId>, usize) {
    let mut found = Vec::new();
    let mut pages = 0;
    let mut after = None;
    loop {
        let filter = filter.clone().limit(limit);
        let filter = after.map_or(filter.clone(), |after| filter.after(after));
        let page = registry.list_connections(if all { filter.all_owners() } else { filter }).await;
        let page = page.unwrap();
        assert!(page.connections.len() <= usize::from(limit), "a page holds more than was asked");
        found.extend(page.connections.iter().map(|info| info.id));
        pages += 1;
        let Some(next) = page.next else { break };
        assert!(after.is_none_or(|after| after < next), "the pages go on");
        after = Some(next);
    }
    assert!(found.is_sorted() && found.windows(2).all(|two| two[0] != two[1]));
    (found, pages)
}

#[tokio::test]
async fn many_connections_are_listed_and_filtered_by_pages_of_a_flat_cost() {
    let world = World::new().await;
    let fake = Fake::new();
    let registry = world.builder().kind(fake).kind(Fake::of_provider(OTHER, FAKE)).open().await.unwrap();
    // Ten full pages are enough to see that a page has a bound; the long form has as many as a large installation.
    let rows = rounds(10_000, 100_000);
    fill(&world, rows).await;
    let own = rows / 100 * 99;
    let others = rows / 10;
    let theirs = rows / 100;
    let failing = rows / 1000;
    // When no row is left out, every page but the last one is full.
    let (found, pages) = walk(&registry, Filter::new(), 1000, false).await;
    assert_eq!((found.len(), pages), (own, own / 1000 + 1));
    let (found, pages) = walk(&registry, Filter::new().kind(OTHER), 1000, false).await;
    assert_eq!((found.len(), pages), (others, others / 1000 + 1));
    // One row by its name takes one page, wherever it is.
    let last = rows - 1;
    let labelled = Filter::new().kind(FAKE).label(format!("label-{last}"));
    assert_eq!(walk(&registry, labelled, 1000, false).await, (vec![id(last as u128)], 1));
    // A filter that leaves out rows reads a thousand of them for each page.
    let most = own / 1000 + 1;
    let sparse: [(Filter, usize); 6] = [
        (Filter::new().liveness(Liveness::Failing), failing),
        (Filter::new().liveness(Liveness::Failing).liveness(Liveness::Live), own),
        (Filter::new().liveness(Liveness::Unknown), 0),
        (Filter::new().expiring_within(Duration::from_secs(7 * 86_400)), rows / 10_000),
        (Filter::new().only_default(), 1),
        (Filter::new().label("label-500"), 1),
    ];
    for (filter, count) in sparse {
        let (found, pages) = walk(&registry, filter.clone(), 1000, false).await;
        assert_eq!(found.len(), count, "{filter:?}");
        assert!(pages <= most, "{filter:?}: {pages} pages");
    }
    let failing_of_kind = Filter::new().kind(FAKE).liveness(Liveness::Failing);
    let (found, pages) = walk(&registry, failing_of_kind, 7, false).await;
    assert!(found.len() == failing && pages <= (rows - others) / 1000 + failing / 7 + 1, "{pages} pages");
    let (found, _) = walk(&registry, Filter::new().provider(FAKE), 1000, false).await;
    assert_eq!(found.len(), own);
    let (found, pages) = walk(&registry, Filter::new(), 1000, true).await;
    assert!(found.len() == rows && pages == rows / 1000 + 1, "{pages} pages");
    let (found, _) = walk(&registry.owner("u42").unwrap(), Filter::new().kind(FAKE), 100, false).await;
    assert_eq!(found.len(), theirs);
}

#[tokio::test]
async fn filters_narrow_each_other() {
    let world = World::new().await;
    let fake = Fake::new();
    let other = Fake::of(OTHER);
    let registry = world.builder().kind(fake.clone()).kind(other.clone()).open().await.unwrap();
    let theirs = registry.owner("u42").unwrap();
    let ada = fake.connected(&registry, "ada").await;
    let bob = fake.connected(&registry, "bob").await;
    let eve = other.connected(&registry, "ada").await;
    let far = fake.connected(&theirs, "ada").await;
    fake.is(Liveness::Failing);
    bob.verify().await.unwrap();
    bob.make_default().await.unwrap();
    let check = async |filter: Filter, expected: &[ConnectionId]| {
        assert_eq!(walk(&registry, filter.clone(), 10, false).await.0, expected, "{filter:?}");
    };
    check(Filter::new(), &[ada.id(), bob.id(), eve.id()]).await;
    check(Filter::new().label("ada"), &[ada.id(), eve.id()]).await;
    check(Filter::new().label("ada").kind(OTHER), &[eve.id()]).await;
    check(Filter::new().label("a%"), &[]).await;
    check(Filter::new().provider(OTHER), &[eve.id()]).await;
    check(Filter::new().provider(OTHER).kind(FAKE), &[]).await;
    check(Filter::new().liveness(Liveness::Live), &[ada.id(), eve.id()]).await;
    check(Filter::new().liveness(Liveness::Live).kind(FAKE), &[ada.id()]).await;
    check(Filter::new().liveness(Liveness::Failing).only_default(), &[bob.id()]).await;
    // The first one of its provider.
    check(Filter::new().liveness(Liveness::Live).only_default(), &[eve.id()]).await;
    check(Filter::new().expiring_within(Duration::from_secs(u64::MAX)), &[]).await;
    let all = walk(&registry, Filter::new().label("ada").kind(FAKE), 1, true).await.0;
    assert_eq!(all, [ada.id(), far.id()]);
    // A liveness that was never measured, or that this program does not write, is unknown.
    sql::run(&world.database(), format!("DELETE FROM connection_liveness WHERE connection_id = {}", sql::id(ada.id())))
        .await;
    sql::run(&world.database(), "UPDATE connection_liveness SET liveness = 'LIVE' WHERE liveness = 'failing'").await;
    check(Filter::new().liveness(Liveness::Unknown), &[ada.id(), bob.id()]).await;
    check(Filter::new().liveness(Liveness::Unknown).liveness(Liveness::Live), &[ada.id(), bob.id(), eve.id()]).await;
}
