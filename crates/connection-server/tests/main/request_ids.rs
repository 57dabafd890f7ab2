//! The id of a request, which the answer repeats.

use std::collections::BTreeSet;

use crate::test_host::World;

#[tokio::test]
async fn an_answer_has_the_id_that_a_caller_sent_if_it_is_well_formed_and_a_new_one_otherwise() {
    let world = World::new().await;
    let request = |id: &str| world.request("GET", "/me").with("x-request-id", id);
    let id = "5f0c2e1a-77d1-4f5e-9a53-0b2d1b0c1d2e";
    assert_eq!(world.send(&request(id)).await.header("x-request-id"), id);
    let mut made = BTreeSet::new();
    let long = "a".repeat(129);
    for request in [world.request("GET", "/me"), request(&long), request("a b"), request("id=\"1\""), request("")] {
        let answer = world.send(&request).await;
        let id = answer.header("x-request-id").to_owned();
        assert!(id.len() == 22 && id.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte)), "{id}");
        assert!(made.insert(id));
    }
    // Refusals before anything was read, and requests that no route matches, have one as well.
    for request in [world.root("/api/v1/me"), world.root("/nothing"), world.root("/readyz")] {
        assert!(!world.send(&request).await.header("x-request-id").is_empty(), "{request:?}");
    }
}
