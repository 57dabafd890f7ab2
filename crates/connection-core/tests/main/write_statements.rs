//! The cost of a change in the store: round trips of statements, transactions, and transactions that wait for the disk.
//!
//! On PostgreSQL the statements run on threads that all tests share, so they are counted on SQLite. The texts are
//! the same. Transactions are counted on both, by the store's log of each commit.

use std::collections::BTreeSet;

use connection_core::{Connection, ConnectionRegistry, Filter, Outcome};
use tokio::task::JoinSet;

use crate::{
    acme::{API, Acme, KIND},
    extension_statements::Counted,
    import::{import, item},
    log,
    renewing::Renewing,
    strict_issuer::Strict,
    test_host::{World, connect, connected, on_postgres},
    test_server::Reply,
};

/// The cost of a change.
#[derive(Debug)]
struct Cost {
    synced: usize,
    transactions: usize,
    statements: usize,
}

impl Cost {
    fn is_within(&self, most: &Self) -> bool {
        self.synced <= most.synced
            && self.transactions <= most.transactions
            && (on_postgres() || self.statements <= most.statements)
    }
}

/// Runs a change until it costs no more than that, and fails if it never does. A task of an earlier run may add its
/// statements to those of this one, and changes that happen to share a transaction cost a savepoint each, and one
/// transaction less; so the minimum of each number counts.
async fn costs(on: &Counted, what: &str, most: Cost, mut change: impl AsyncFnMut()) {
    let mut least = Cost { synced: usize::MAX, transactions: usize::MAX, statements: usize::MAX };
    for _ in 0..20 {
        let before = commits(&on.world);
        let (statements, ()) = on.once(&mut change).await;
        let after = commits(&on.world);
        least.synced = least.synced.min(after.1 - before.1);
        least.transactions = least.transactions.min(after.0 - before.0);
        least.statements = least.statements.min(statements);
        assert!(least.synced > 0, "{what} waits for the disk");
        if least.is_within(&most) {
            return;
        }
    }
    panic!("{what} costs {least:?}, and may cost {most:?}");
}

/// Returns the number of commits so far, and how many of them waited for the disk.
pub(crate) fn commits(world: &World) -> (usize, usize) {
    let place = format!("store={:?}", world.place());
    let lines = log::lines_with("committed");
    let of_this = lines.iter().filter(|line| line.contains(&place));
    of_this.fold((0, 0), |(all, synced), line| (all + 1, synced + usize::from(line.contains("durability=Synced"))))
}

async fn create(registry: &ConnectionRegistry) {
    assert!(matches!(connect(registry, &KIND, &[("accessToken", "key")]).await, Outcome::Done(_)));
}

#[tokio::test]
async fn a_create_waits_for_the_disk_three_times() {
    let on = Counted::new().await;
    let mut number = 0;
    costs(&on, "a create", Cost { synced: 3, transactions: 6, statements: 22 }, async || {
        number += 1;
        let (id, name) = (number.to_string(), format!("ada-{number}"));
        on.world.provider(move |_| crate::test_host::me(&id, &name));
        create(&on.registry).await;
    })
    .await;
}

#[tokio::test]
async fn a_label_that_many_connections_have_is_numbered_with_few_statements() {
    let on = Counted::new().await;
    let mut number = 0;
    let mut statements = Vec::new();
    for _ in 0..40 {
        let mut created = async || {
            number += 1;
            on.world.provider(move |_| crate::test_host::me(&number.to_string(), "ada"));
            create(&on.registry).await;
        };
        statements.push(on.once(&mut created).await.0);
    }
    let connections = on.registry.list_connections(Filter::new().limit(50)).await.unwrap().items;
    let labels: BTreeSet<_> = connections.iter().map(|info| info.label.as_str().to_owned()).collect();
    let numbered = (2..=40).map(|number| format!("ada-{number}"));
    assert_eq!(labels, numbered.chain(["ada".to_owned()]).collect());
    let most = statements.iter().max().unwrap();
    // On PostgreSQL no statement is counted.
    assert!(*most <= statements[0] + 15, "{statements:?}");
}

#[tokio::test]
async fn a_refresh_waits_for_the_disk_three_times() {
    let world = World::new().await;
    let plugin = Renewing::new();
    let provider = Strict::new();
    world.provider(move |request| provider.answer(request));
    let on = Counted::of(world, plugin.clone()).await;
    let connection = plugin.connected(&on.registry).await;
    let most = Cost { synced: 3, transactions: 5, statements: 25 };
    costs(&on, "a refresh", most, async || drop(connection.refresh().await.unwrap())).await;
}

#[tokio::test]
async fn a_verification_that_finds_a_change_and_a_rename_are_one_transaction() {
    let on = Counted::new().await;
    let connection = connected(&on.registry, "one").await;
    let mut works = true;
    costs(&on, "a verification", Cost { synced: 1, transactions: 1, statements: 9 }, async || {
        works = !works;
        on.world.provider(move |_| if works { crate::test_host::me("1", "ada") } else { Reply::whole(503, "", "") });
        connection.verify().await.unwrap();
    })
    .await;
    let mut number = 0;
    costs(&on, "a rename", Cost { synced: 1, transactions: 1, statements: 2 }, async || {
        number += 1;
        connection.rename(format!("label-{number}")).await.unwrap();
    })
    .await;
}

/// A batch ends after a number of milliseconds, so on a busy machine the writes are a few transactions.
#[tokio::test]
async fn writers_at_the_same_time_share_transactions_and_take_one_round_trip_each() {
    const WRITERS: usize = 64;
    if on_postgres() {
        return;
    }
    let on = Counted::new().await;
    let all = (0..WRITERS).map(|number| {
        let number = number.to_string();
        item(KIND, &format!("key-{number}"), &number).config("apiBaseUrl", API)
    });
    let mut connections: Vec<Connection> = Vec::new();
    for imported in import(&on.registry, all.collect()).await {
        connections.push(on.registry.connection(imported.unwrap().connection).await.unwrap());
    }
    let mut number = 0;
    let most = Cost { synced: 8, transactions: 8, statements: WRITERS + 16 };
    costs(&on, "a rename by each writer", most, async || {
        number += 1;
        // This thread runs all of the tasks before the one that writes, so all changes are queued before the first is made.
        let mut renames = JoinSet::new();
        for connection in connections.clone() {
            renames.spawn(async move { connection.rename(format!("{number}-{}", connection.id())).await });
        }
        while let Some(renamed) = renames.join_next().await {
            renamed.unwrap().unwrap();
        }
    })
    .await;
}

/// No index finds an e-mail address in any case.
#[tokio::test]
async fn an_import_reads_the_addresses_of_a_kind_once_for_each_transaction() {
    if on_postgres() {
        return;
    }
    let on = Counted::of(World::new().await, Acme { account_is_email: true, ..Acme::default() }).await;
    let before = commits(&on.world).0;
    let all = (0..200).map(|number| item(KIND, "key", &format!("Ada{number}@acme.example")));
    assert!(import(&on.registry, all.collect()).await.iter().all(Result::is_ok));
    let transactions = commits(&on.world).0 - before;
    let reads = on.count_of("SELECT account_id, label FROM").await;
    assert!((1..=transactions).contains(&reads), "{reads} reads in {transactions} transactions");
    assert_eq!(on.count_of("SELECT id, label, account_id").await, 0, "none is searched for by itself");
    let again = (0..200).map(|number| item(KIND, "key", &format!("ADA{number}@acme.example")));
    assert!(import(&on.registry, again.collect()).await.iter().all(Result::is_err));
}
