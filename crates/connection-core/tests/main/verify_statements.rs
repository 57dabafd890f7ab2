//! The round trips of a verification to the store. The `BEGIN` of a transaction shares that of its first statement.
//!
//! On PostgreSQL the statements run on threads that all tests share, so they are counted on SQLite. The texts are
//! the same.

use connection_contract::Liveness;

use crate::{
    extension_statements::Counted,
    test_host::{on_postgres, connected},
    test_server::Reply,
};

#[tokio::test]
async fn a_verification_that_changes_nothing_takes_three_round_trips() {
    if on_postgres() {
        return;
    }
    let on = Counted::new().await;
    let connection = connected(&on.registry, "one").await;
    let (statements, info) = on.takes(async || connection.verify().await.unwrap()).await;
    assert_eq!((statements, info.liveness), (3, Liveness::Live));
    // A preflight makes one more round trip for all of its connections.
    let preflight = async || on.registry.preflight([connection.id()]).next().await.unwrap().1.unwrap();
    assert_eq!(on.takes(preflight).await.0, 4);
    // The control: the provider rotates the credential.
    on.world.provider(|_| Reply::ok(r#"{"id":"one","name":"one","rotate":"two"}"#));
    assert!(on.takes(async || connection.verify().await.unwrap()).await.0 > 8);
}

#[tokio::test]
async fn a_verification_that_finds_the_same_failure_takes_four_round_trips_and_tells_its_newest_text() {
    if on_postgres() {
        return;
    }
    let on = Counted::new().await;
    let connection = connected(&on.registry, "one").await;
    on.world.provider(|_| Reply::whole(503, "", ""));
    assert_eq!(connection.verify().await.unwrap().liveness, Liveness::Offline);
    let (statements, info) = on.takes(async || connection.verify().await.unwrap()).await;
    // One reads the provider's own words for the caller.
    assert_eq!((statements, info.liveness), (4, Liveness::Offline));
    let stored = on.registry.connection(connection.id()).await.unwrap();
    assert_eq!((&stored.info().reason, stored.info().checked_at), (&info.reason, info.checked_at));
}
