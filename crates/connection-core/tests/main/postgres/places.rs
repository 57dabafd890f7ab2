//! The places of connections when two transactions change the same connection at once.

use std::time::Duration;

use connection_core::Overview;
use sqlx::{ConnectOptions as _, Connection as _, Executor as _, PgConnection};
use tokio::runtime::Handle;

use crate::{
    fake::Fake,
    sql::{self, Database},
    test_host::World,
};

async fn connect(world: &World) -> PgConnection {
    let Database::Server(options) = world.database() else { panic!("a file") };
    options.connect().await.unwrap()
}

/// The second transaction does not see what the first one has changed before it has committed.
#[tokio::test]
async fn a_place_has_what_both_of_two_transactions_have_changed() {
    let world = World::new().await;
    let fake = Fake::new();
    let registry = world.open(fake.clone()).await;
    let connection = fake.connected(&registry, "ada").await;
    let (mut first, mut second) = (connect(&world).await, connect(&world).await);
    let mut transaction = first.begin().await.unwrap();
    transaction.execute("UPDATE connection_liveness SET liveness = 'failing'").await.unwrap();
    let later = Handle::current().spawn(async move {
        let end = "UPDATE connection_credential SET valid_until = 4000000000";
        second.execute(end).await.unwrap();
    });
    let waits = "SELECT COUNT(*) FROM pg_locks WHERE NOT granted AND pid IN \
                 (SELECT pid FROM pg_stat_activity WHERE datname = current_database())";
    while sql::number(&world.database(), waits).await == Some(0) {
        assert!(!later.is_finished(), "the second transaction waits for the first one");
    }
    transaction.commit().await.unwrap();
    tokio::time::timeout(Duration::from_secs(60), later).await.unwrap().unwrap();
    let differs = "SELECT COUNT(*) FROM connection_place AS p JOIN connection_place_now AS n \
                   ON n.connection_id = p.connection_id \
                   WHERE (p.class, p.label, p.ends_at) IS DISTINCT FROM (n.class, n.label, n.ends_at)";
    assert_eq!(sql::number(&world.database(), differs).await, Some(0));
    let attention = registry.overview(Overview::new().only_attention()).await.unwrap().items;
    assert_eq!(attention.iter().map(|entry| entry.info.id).collect::<Vec<_>>(), [connection.id()]);
    registry.close().await;
}
