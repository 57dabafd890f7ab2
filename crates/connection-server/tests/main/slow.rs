//! Clients that send their bodies slowly, and requests that wait for a change.

use std::time::Duration;

use connection_contract::Clock as _;
use connection_core::{NewSetupLink, Role};
use secrecy::ExposeSecret as _;
use serde_json::json;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
    task::JoinSet,
};

use crate::{
    kinds::ACME,
    test_host::{KEY, World},
};

async fn whole(mut stream: TcpStream) -> String {
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    answer
}

#[tokio::test]
async fn a_body_of_the_api_that_does_not_arrive_is_refused_after_ten_seconds() {
    let world = World::new().await;
    let head = format!(
        "POST /api/v1/page-tokens HTTP/1.1\r\nhost: 127.0.0.1:{}\r\norigin: {}\r\nconnection: close\r\n\
         content-type: application/json\r\ncontent-length: 21\r\n\r\n{{",
        world.port,
        world.origin()
    );
    let began = world.clock.now();
    let mut stream = TcpStream::connect(("127.0.0.1", world.port)).await.unwrap();
    stream.write_all(head.as_bytes()).await.unwrap();
    let answer = world.outlasted(whole(stream)).await;
    assert!(answer.starts_with("HTTP/1.1 408") && answer.contains("body_too_slow"), "{answer}");
    assert!(began.after(10) <= world.clock.now());
    // The control: a whole body of a slow client.
    let mut stream = TcpStream::connect(("127.0.0.1", world.port)).await.unwrap();
    stream.write_all(head.as_bytes()).await.unwrap();
    world.clock.advance(Duration::from_secs(5));
    stream.write_all(b"\"code\":\"cn_unknown\"}").await.unwrap();
    let answer = whole(stream).await;
    assert!(answer.contains("code_unknown"), "{answer}");
}

#[tokio::test]
async fn a_token_has_a_bounded_number_of_requests_that_wait() {
    const MAX_OF_VISITOR: usize = 4;
    let world = World::new().await;
    let tokens = world.registry.access_tokens();
    let link = tokens.create_link(NewSetupLink::new("ada", "for ada", [ACME])).await.unwrap();
    let issued = tokens.exchange_link(&link.text).await.unwrap();
    let visitor = issued.text.expose_secret();
    let setup = world.post(visitor, "/setups", json!({ "kind": "acme" })).await.ok(201);
    let id = setup["id"].as_str().unwrap();
    let setup = world.until(visitor, id, &setup, "prompt").await;
    let waits = world.request("GET", &format!("/setups/{id}?after={}", setup["cursor"].as_str().unwrap()));
    let mut waiting = JoinSet::new();
    for _ in 0..=MAX_OF_VISITOR {
        waiting.spawn(whole(waits.clone().bearer(visitor).open(world.port).await));
    }
    let first = waiting.join_next().await.unwrap().unwrap();
    assert!(first.starts_with("HTTP/1.1 429") && first.contains("too_many_requests"), "{first}");
    // The control: another token of the owner is not concerned, and the others are answered when something changes.
    let ada = world.token(Role::Manage, Some("ada")).await;
    waiting.spawn(whole(waits.bearer(&ada).open(world.port).await));
    let answers = json!({ "step": setup["step"], "answers": { "name": "octocat", "apiKey": KEY } });
    world.post(visitor, &format!("/setups/{id}/answers"), answers).await.ok(202);
    while let Some(answer) = waiting.join_next().await {
        let answer = answer.unwrap();
        assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    }
}
