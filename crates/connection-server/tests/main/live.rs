//! Hints about what changed, as server-sent events.

use std::time::Duration;

use connection_core::Role;
use tokio::{
    io::{AsyncBufReadExt as _, AsyncReadExt as _, BufReader, Lines},
    net::TcpStream,
};

use crate::test_host::World;

type Stream = Lines<BufReader<TcpStream>>;

async fn listening(world: &World, token: &str) -> Stream {
    let stream = world.request("GET", "/live").bearer(token).open(world.port).await;
    let mut lines = BufReader::new(stream).lines();
    assert_eq!(lines.next_line().await.unwrap().unwrap(), "HTTP/1.1 200 OK");
    until(&mut lines, ": listening").await;
    lines
}

/// Reads until a line is this one, and returns the lines before it.
async fn until(lines: &mut Stream, wanted: &str) -> Vec<String> {
    let mut before = Vec::new();
    loop {
        let line = lines.next_line().await.unwrap().unwrap();
        if line == wanted {
            return before;
        }
        before.push(line);
    }
}

#[tokio::test]
async fn a_listener_is_told_of_changes_of_its_owner_and_of_no_other() {
    let world = World::new().await;
    let ada = world.token(Role::Manage, Some("ada")).await;
    let bob = world.token(Role::Manage, Some("bob")).await;
    let mut hints = listening(&world, &ada).await;
    let foreign = world.connected(&bob, "hubot").await;
    let own = world.connected(&ada, "octocat").await;
    let before = until(&mut hints, &format!("data: {{\"id\":\"{own}\"}}")).await;
    assert_eq!(before.last().unwrap(), "event: connection");
    assert!(!before.iter().any(|line| line.contains(&foreign)), "{before:?}");
}

#[tokio::test]
async fn a_quiet_stream_is_kept_open() {
    let world = World::new().await;
    let token = world.token(Role::Read, None).await;
    let mut hints = listening(&world, &token).await;
    let told = until(&mut hints, ": keep-alive");
    let passes = async {
        loop {
            world.clock.advance(Duration::from_secs(1));
            world.registry.server().health().await;
        }
    };
    tokio::select! {
        _ = told => {}
        () = passes => {}
    }
}

#[tokio::test]
async fn the_streams_end_when_the_server_stops() {
    let world = World::new().await;
    let token = world.token(Role::Read, None).await;
    let mut hints = listening(&world, &token).await;
    world.live.end();
    // The last chunk has no bytes: the stream is whole.
    until(&mut hints, "0").await;
    let mut late = world.request("GET", "/live").bearer(&token).open(world.port).await;
    let mut text = String::new();
    late.read_to_string(&mut text).await.unwrap();
    assert!(text.ends_with("0\r\n\r\n"), "{text}");
}
