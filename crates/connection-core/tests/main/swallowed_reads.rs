//! A request that only reads, and that a closed connection swallowed, is sent once more and is still one use.

use crate::{
    acme::Acme,
    test_host::World,
    test_server::Reply,
    user::requests_to,
    uses_kit::{Agents, lines},
};

/// Lets the tasks of connections run, which keep a connection for the next request.
async fn settle() {
    for _ in 0..32 {
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn a_read_that_is_sent_once_more_is_one_use_and_one_request_of_a_budget() {
    let world = World::new().await;
    let registry = world.open(Acme { gets_only_read: true, ..Acme::default() }).await;
    let agents = Agents::of(world, registry, 3).await;
    let mut swallowed = vec!["GET /issues/2 ", "GET /issues/5 "];
    agents.world.provider(move |request| match swallowed.iter().position(|start| request.starts_with(start)) {
        Some(at) => {
            swallowed.remove(at);
            Reply::raw("")
        }
        None => Reply::ok("{}"),
    });
    for path in ["/issues/1", "/issues/2", "/issues/3"] {
        assert_eq!(agents.ask("GET", path).await.unwrap(), 200, "{path}");
        settle().await;
    }
    assert_eq!(agents.ask("GET", "/issues/4").await.unwrap_err().code(), "budget_spent");
    let request = agents.connection.request("GET", "/issues/5").await.unwrap();
    assert_eq!(agents.connection.send(request).await.unwrap().bytes(100).await.unwrap().expose(), b"{}");
    for repeated in ["GET /issues/2 ", "GET /issues/5 "] {
        assert_eq!(requests_to(&agents.world, repeated), 2, "the control: it was sent once more");
    }
    let expected = [
        "deploy reverse GET /issues/1: answered 200",
        "deploy reverse GET /issues/2: answered 200",
        "deploy reverse GET /issues/3: answered 200",
        "deploy reverse GET /issues/4: budget",
        "host library GET /issues/5: answered 200",
    ];
    assert_eq!(lines(&agents.registry).await, expected);
}
