//! The whole life of a connection, from an empty database to its removal.

use connection_contract::Liveness;
use connection_core::{Error, Filter, Teardown};

use crate::test_host::{World, connected};

#[tokio::test]
async fn an_account_is_connected_verified_used_and_removed() {
    let world = World::new().await;
    let registry = world.acme().await;
    let connection = connected(&registry, "key-1").await;
    assert_eq!(connection.info().liveness, Liveness::Live);
    assert_eq!(connection.info().identity.label.as_str(), "ada");

    let request = connection.request("GET", "/things?limit=1").await.unwrap();
    let answer = connection.send(request).await.unwrap();
    assert_eq!(answer.status(), 200);
    let seen = world.server.requests().pop().unwrap();
    assert!(seen.starts_with("GET /things?limit=1 "), "{seen}");
    assert!(seen.contains("Bearer key-1"));

    let token = connection.with_access_token(async |token| token.duplicate()).await.unwrap();
    assert_eq!(token.expose(), b"key-1");
    assert_eq!(connection.verify().await.unwrap().liveness, Liveness::Live);

    let removal = registry.remove(connection.id()).await.unwrap();
    assert_eq!(removal.teardown, Teardown::Revoked);
    assert!(registry.list_connections(Filter::new()).await.unwrap().items.is_empty());
    assert!(matches!(registry.connection(connection.id()).await, Err(Error::NotFound(_))));
    registry.close().await;
}

#[tokio::test]
async fn a_second_process_finds_what_the_first_one_made() {
    let world = World::new().await;
    let registry = world.acme().await;
    let connection = connected(&registry, "key-1").await;
    registry.close().await;
    drop(registry);
    let registry = world.acme().await;
    let found = registry.connection(connection.id()).await.unwrap();
    assert_eq!(found.verify().await.unwrap().liveness, Liveness::Live);
}
