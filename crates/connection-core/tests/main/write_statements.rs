//! The cost of a change in the store: round trips of statements, transactions, and transactions that wait for the disk.
//!
//! On PostgreSQL the statements run on threads that all tests share, so they are counted on SQLite. The texts are
//! the same. Transactions are counted on both, by the store's log of each commit.

use connection_core::{ConnectionRegistry, Outcome};

use crate::{
    acme::KIND,
    extension_statements::Counted,
    log,
    renewing::Renewing,
    strict_issuer::Strict,
    test_host::{ON_POSTGRES, World, connect, connected},
    test_server::Reply,
};

/// The cost of a change.
#[derive(Debug)]
struct Cost {
    synced: usize,
    transactions: usize,
    statements: usize,
}

/// Returns the minimum of each number over three runs; see [`Counted::takes`]. Changes that happen to share a
/// transaction cost a savepoint each, and one transaction less.
async fn cost(on: &Counted, mut change: impl AsyncFnMut()) -> Cost {
    let mut least = Cost { synced: usize::MAX, transactions: usize::MAX, statements: usize::MAX };
    for _ in 0..3 {
        let before = commits(&on.world);
        let (statements, ()) = on.once(&mut change).await;
        let after = commits(&on.world);
        least.synced = least.synced.min(after.1 - before.1);
        least.transactions = least.transactions.min(after.0 - before.0);
        least.statements = least.statements.min(statements);
    }
    least
}

/// Returns the number of commits so far, and how many of them waited for the disk.
fn commits(world: &World) -> (usize, usize) {
    let place = format!("store={:?}", world.place());
    let lines = log::lines_with("committed");
    let of_this = lines.iter().filter(|line| line.contains(&place));
    of_this.fold((0, 0), |(all, synced), line| (all + 1, synced + usize::from(line.contains("durability=Synced"))))
}

/// Fails if a change costs more than that.
#[track_caller]
fn check(what: &str, cost: &Cost, synced: usize, transactions: usize, statements: usize) {
    assert!((1..=synced).contains(&cost.synced) && cost.transactions <= transactions, "{what}: {cost:?}");
    assert!(ON_POSTGRES || cost.statements <= statements, "{what}: {cost:?}");
}

async fn create(registry: &ConnectionRegistry) {
    assert!(matches!(connect(registry, &KIND, &[("accessToken", "key")]).await, Outcome::Done(_)));
}

#[tokio::test]
async fn a_create_waits_for_the_disk_three_times() {
    let on = Counted::new().await;
    let mut number = 0;
    let cost = cost(&on, async || {
        number += 1;
        on.world.provider(move |_| crate::test_host::me(&number.to_string(), "ada"));
        create(&on.registry).await;
    });
    check("a create", &cost.await, 3, 6, 31);
}

#[tokio::test]
async fn a_refresh_waits_for_the_disk_three_times() {
    let world = World::new().await;
    let plugin = Renewing::new();
    let provider = Strict::new();
    world.provider(move |request| provider.answer(request));
    let on = Counted::of(world, plugin.clone()).await;
    let connection = plugin.connected(&on.registry).await;
    let cost = cost(&on, async || drop(connection.refresh().await.unwrap()));
    check("a refresh", &cost.await, 3, 5, 28);
}

#[tokio::test]
async fn a_verification_that_finds_a_change_and_a_rename_are_one_transaction() {
    let on = Counted::new().await;
    let connection = connected(&on.registry, "one").await;
    let mut works = true;
    let verify = cost(&on, async || {
        works = !works;
        on.world.provider(move |_| if works { crate::test_host::me("1", "ada") } else { Reply::whole(503, "", "") });
        connection.verify().await.unwrap();
    });
    check("a verification", &verify.await, 1, 1, 15);
    let mut number = 0;
    let rename = cost(&on, async || {
        number += 1;
        connection.rename(format!("label-{number}")).await.unwrap();
    });
    check("a rename", &rename.await, 1, 1, 7);
}
