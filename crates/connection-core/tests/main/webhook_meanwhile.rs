//! Checking a delivery takes time in the plugin. The state of its address after the check counts, and not the state
//! when it arrived.

use connection_contract::prelude::*;
use connection_core::{Connection as Handle, ConnectionRegistry, Receipt, ReceiveError};
use tokio::{runtime, task};

use crate::{
    hooks::{Check, Hooks, enabled, send, signed, token},
    sql,
    test_host::World,
};

async fn stored(world: &World) -> Option<i64> {
    sql::number(&world.database(), "SELECT COUNT(*) FROM connection_webhook").await
}

/// Returns the result of a delivery when something else happens while it is checked.
async fn received(
    world: &World,
    meanwhile: impl AsyncFnOnce(&ConnectionRegistry, &Handle),
) -> Result<Receipt, ReceiveError> {
    let hooks = Hooks::new(SigningKey::Generated);
    let registry = world.open(hooks.clone()).await;
    let connection = enabled(&registry, "ada").await;
    let token = token(&connection).await;
    let headers = signed(&connection, "1").await;
    hooks.checks(Check::Waits);
    let there = registry.clone();
    let receiving = runtime::Handle::current().spawn(async move { send(&there, &token, headers, "1").await });
    while hooks.running() == 0 {
        task::yield_now().await;
    }
    meanwhile(&registry, &connection).await;
    hooks.checks(Check::Compares);
    receiving.await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_checked_while_its_address_is_switched_off_is_not_stored() {
    let world = World::new().await;
    let received = received(&world, async |_, connection| connection.webhooks().disable().await.unwrap()).await;
    assert!(matches!(received, Err(ReceiveError::Unknown)), "{received:?}");
    assert_eq!(stored(&world).await, Some(0));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_checked_while_its_address_becomes_another_one_is_not_stored() {
    let world = World::new().await;
    let change = async |_: &ConnectionRegistry, connection: &Handle| {
        let before = token(connection).await;
        connection.webhooks().disable().await.unwrap();
        connection.webhooks().enable().await.unwrap();
        assert_ne!(token(connection).await, before);
    };
    let received = received(&world, change).await;
    assert!(matches!(received, Err(ReceiveError::Unknown)), "{received:?}");
    assert_eq!(stored(&world).await, Some(0));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_checked_while_its_connection_is_removed_is_not_stored() {
    let world = World::new().await;
    let remove = async |registry: &ConnectionRegistry, connection: &Handle| {
        registry.remove(connection.id()).await.unwrap();
    };
    let received = received(&world, remove).await;
    assert!(matches!(received, Err(ReceiveError::Unknown)), "{received:?}");
    assert_eq!(stored(&world).await, Some(0));
}

/// The control: a change that leaves the address unchanged does not affect the delivery.
#[tokio::test(flavor = "multi_thread")]
async fn what_is_checked_while_its_key_is_rotated_is_stored() {
    let world = World::new().await;
    let rotate = async |_: &ConnectionRegistry, connection: &Handle| {
        connection.webhooks().rotate_key().await.unwrap();
    };
    assert_eq!(received(&world, rotate).await.unwrap(), Receipt::Stored);
    assert_eq!(stored(&world).await, Some(1));
}
