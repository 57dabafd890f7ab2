//! `GET /readyz`: whether a process takes requests.

use serde_json::json;

use crate::test_host::World;

#[tokio::test]
async fn a_process_is_ready_until_it_is_asked_to_stop() {
    let world = World::new().await;
    let answer = world.send(&world.root("/readyz")).await;
    assert_eq!((answer.ok(200), answer.header("cache-control")), (json!({ "ok": true }), "no-store"));
    world.readiness.drain();
    let answer = world.send(&world.root("/readyz")).await;
    assert_eq!(answer.refusal(), (503, "draining".into()));
    assert_eq!(answer.header("cache-control"), "no-store");
    // Requests that come nevertheless are answered.
    let token = world.token(connection_core::Role::Read, None).await;
    world.get(&token, "/connections").await.ok(200);
}

#[tokio::test]
async fn a_process_is_not_ready_without_its_store() {
    let world = World::new().await;
    world.registry.close().await;
    let answer = world.send(&world.root("/readyz")).await;
    assert_eq!(answer.refusal(), (503, "store_unavailable".into()));
    // The problem names nothing of the host.
    assert!(!answer.body.contains("connections.db") && !answer.body.contains("postgres"), "{answer:?}");
}
