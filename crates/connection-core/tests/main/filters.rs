//! Filters and pages over many connections: every page reads a limited number of rows, whatever the filter is.

use connection_contract::Kind;
use connection_core::{ConnectionId, ConnectionRegistry, Filter, ProfileId};
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

fn profile() -> ProfileId {
    Uuid::from_u128(7).into()
}

/// Stores that many connections: each tenth is of another kind, each hundredth of another owner, and each thousandth of
/// the profile.
async fn fill(world: &World, rows: usize) {
    let mut script = "BEGIN;".to_owned();
    let numbers: Vec<_> = (0..rows as u128).collect();
    for part in numbers.chunks(500) {
        let mut accounts = Vec::new();
        for number in part {
            let id = sql::id(id(*number));
            let number = *number;
            let owner = if number % 100 == 1 { "u42" } else { "local" };
            let kind = if number % 10 == 2 { &OTHER } else { &FAKE };
            let profile = if number % 1000 == 3 { format!("'{}'", profile()) } else { "NULL".to_owned() };
            accounts.push(format!(
                "({id}, '{owner}', '{kind}', {profile}, 'label-{number}', '{number}', 'account', FALSE, '[]', 1, 2, \
                 'active', {START}, {START})"
            ));
        }
        script += &format!(
            "INSERT INTO connection_account (id, owner, kind, profile_id, label, account_id, account_label, \
             is_default, config, generation, next_generation, state, created_at, updated_at) VALUES {};",
            accounts.join(",")
        );
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
        let filter = after.clone().map_or(filter.clone(), |after| filter.after(after));
        let page = registry.list_connections(if all { filter.all_owners() } else { filter }).await;
        let page = page.unwrap();
        assert!(page.items.len() <= usize::from(limit), "a page holds more than was asked");
        found.extend(page.items.iter().map(|info| info.id));
        pages += 1;
        let Some(next) = page.next else { break };
        assert!(after.as_ref() != Some(&next), "the pages go on");
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
    let few = rows / 1000;
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
    let sparse: [(Filter, usize); 4] = [
        (Filter::new().profile(profile()), few),
        (Filter::new().without_profile(), own - few),
        (Filter::new().provider(OTHER), 0),
        (Filter::new().label("label-500"), 1),
    ];
    for (filter, count) in sparse {
        let (found, pages) = walk(&registry, filter.clone(), 1000, false).await;
        assert_eq!(found.len(), count, "{filter:?}");
        assert!(pages <= most, "{filter:?}: {pages} pages");
    }
    let few_of_kind = Filter::new().kind(FAKE).profile(profile());
    let (found, pages) = walk(&registry, few_of_kind, 7, false).await;
    assert!(found.len() == few && pages <= (rows - others) / 1000 + few / 7 + 1, "{pages} pages");
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
    let check = async |filter: Filter, expected: &[ConnectionId]| {
        assert_eq!(walk(&registry, filter.clone(), 10, false).await.0, expected, "{filter:?}");
    };
    check(Filter::new(), &[ada.id(), bob.id(), eve.id()]).await;
    check(Filter::new().label("ada"), &[ada.id(), eve.id()]).await;
    check(Filter::new().label("ada").kind(OTHER), &[eve.id()]).await;
    check(Filter::new().label("a%"), &[]).await;
    check(Filter::new().provider(OTHER), &[eve.id()]).await;
    check(Filter::new().provider(OTHER).kind(FAKE), &[]).await;
    check(Filter::new().without_profile().label("bob"), &[bob.id()]).await;
    check(Filter::new().profile(profile()).label("bob"), &[]).await;
    let all = walk(&registry, Filter::new().label("ada").kind(FAKE), 1, true).await.0;
    assert_eq!(all, [ada.id(), far.id()]);
}
