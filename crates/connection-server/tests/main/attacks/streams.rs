//! Attacks with requests that were allowed when they began, and that go on afterwards.

use std::time::Duration;

use connection_contract::Clock as _;
use connection_core::{Agent, Audience, Frozen};
use connection_faults::peer::Peer;
use connection_rules::Rules;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
};

use crate::{
    doors::{Door, new_token, rules, until},
    doors_seats::everything,
    http::Request,
    test_host::World,
};

/// Begins a stream of events, of which one has arrived.
async fn streaming(door: &Door, request: Request) -> (TcpStream, Peer) {
    let mut client = request.open(door.world.port).await;
    let mut provider = door.accept().await;
    provider.begin(200, "content-type: text/event-stream\r\n").await;
    event(&mut client, &mut provider, "first").await;
    (client, provider)
}

async fn event(client: &mut TcpStream, provider: &mut Peer, name: &str) {
    provider.piece(&format!("data: {name}\n\n")).await;
    until(client, name).await;
}

/// Checks that the provider is left, and that the client does not take what it has for the whole answer.
async fn is_cut(world: &World, client: &mut TcpStream, provider: &mut Peer) {
    assert_eq!(world.slowly(provider.until_closed()).await, 0);
    let mut rest = Vec::new();
    drop(world.slowly(client.read_to_end(&mut rest)).await);
    let rest = String::from_utf8(rest).unwrap();
    assert!(!rest.contains("data:") && !rest.contains("0\r\n\r\n"), "{rest}");
}

/// Lets a stream of the agent go on, ends what permits it, and expects that the stream is cut. The control is a stream of
/// Bob's agent, which goes on.
async fn cut(end: impl AsyncFnOnce(&Door)) {
    let door = Door::new().await;
    let bob = door.world.token(connection_core::Role::Manage, Some("bob")).await;
    let connection = door.world.connected_by_key(&bob, "stored").await;
    let steady: Agent = door.world.registry.owner("bob").unwrap().agents().create("steady").await.unwrap();
    steady.grant(connection.parse().unwrap()).rules(Rules::from_value(&rules()).unwrap()).await.unwrap();
    let token = new_token(&steady, Audience::Doors).await;
    let of_bob = door.raw("GET", &format!("/use/{connection}/objects/1")).bearer(&token);

    let (mut control, mut beside) = streaming(&door, of_bob).await;
    let (mut client, mut provider) = streaming(&door, door.request("GET", "/objects/1")).await;
    event(&mut client, &mut provider, "second").await;
    end(&door).await;
    is_cut(&door.world, &mut client, &mut provider).await;
    event(&mut control, &mut beside, "third").await;
}

async fn freeze(door: &Door, what: Frozen) {
    door.registry.freezes().freeze(what).await.unwrap();
}

#[tokio::test]
async fn attack_99_a_stream_that_goes_on_after_its_agent_is_frozen() {
    cut(async |door| freeze(door, Frozen::Agent(door.agent.id())).await).await;
}

#[tokio::test]
async fn attack_100_a_stream_that_goes_on_after_its_connection_is_frozen() {
    cut(async |door| freeze(door, Frozen::Connection(door.connection)).await).await;
}

#[tokio::test]
async fn attack_101_a_stream_that_goes_on_after_another_process_froze_its_owner() {
    cut(async |door| {
        let other = door.world.beside().await;
        other.owner("ada").unwrap().freezes().freeze(Frozen::Owner("ada".to_owned())).await.unwrap();
        other.close().await;
    })
    .await;
}

#[tokio::test]
async fn attack_102_a_stream_that_goes_on_after_its_grant_is_revoked() {
    cut(async |door| assert!(door.agent.revoke(door.connection).await.unwrap().was_there)).await;
}

#[tokio::test]
async fn attack_103_a_stream_that_goes_on_after_another_process_revoked_its_grant() {
    cut(async |door| {
        let other = door.world.beside().await;
        let agent = other.owner("ada").unwrap().agents().get("deploy").await.unwrap();
        assert!(agent.revoke(door.connection).await.unwrap().was_there);
        other.close().await;
    })
    .await;
}

#[tokio::test]
async fn attack_104_a_stream_that_goes_on_after_its_grant_is_narrowed() {
    cut(async |door| drop(door.agent.grant(door.connection).await.unwrap())).await;
}

#[tokio::test]
async fn attack_105_a_stream_that_goes_on_after_the_end_of_its_grant() {
    let door = Door::new().await;
    let brief = Duration::from_secs(3);
    let wide = Rules::from_value(&everything()).unwrap();
    door.agent.grant(door.connection).rules(wide).expires(brief).await.unwrap();
    let ends = door.world.clock.now().after(3);
    let (mut client, mut provider) = streaming(&door, door.request("GET", "/objects/1")).await;
    door.world.clock.advance(Duration::from_secs(2));
    event(&mut client, &mut provider, "before the end").await;
    is_cut(&door.world, &mut client, &mut provider).await;
    // A stream without events would end by itself after five minutes.
    assert!((ends..ends.after(5)).contains(&door.world.clock.now()));
}

#[tokio::test]
async fn attack_106_a_stream_that_goes_on_after_its_token_is_revoked() {
    cut(async |door| {
        let token = door.agent.tokens().await.unwrap().remove(0);
        assert!(door.agent.revoke_token(token.id).await.unwrap().was_there);
    })
    .await;
}

#[tokio::test]
async fn attack_107_a_stream_that_goes_on_after_its_agent_is_removed() {
    cut(async |door| assert!(door.registry.agents().remove("deploy").await.unwrap().was_there)).await;
}

#[tokio::test]
async fn attack_124_a_stream_that_goes_on_after_another_process_removed_its_connection() {
    cut(async |door| {
        let other = door.world.beside().await;
        other.owner("ada").unwrap().remove(door.connection).await.unwrap();
        other.close().await;
    })
    .await;
}

/// Sends the first piece of a body, and lets it reach the provider.
async fn uploading(door: &Door) -> (TcpStream, Peer) {
    let request = door.request("PUT", "/objects/1").with("content-type", "text/plain");
    let mut client = request.with("transfer-encoding", "chunked").open(door.world.port).await;
    client.write_all(b"5\r\nfirst\r\n").await.unwrap();
    let mut provider = door.accept().await;
    assert_eq!(provider.chunk().await, b"first");
    (client, provider)
}

/// Sends another piece of a body. The door may have closed the connection already.
async fn second(client: &mut TcpStream) {
    client.write_all(b"6\r\nsecond\r\n0\r\n\r\n").await.unwrap_or_default();
}

#[tokio::test]
async fn attack_108_a_body_that_goes_on_after_a_freeze() {
    let door = Door::new().await;
    let (mut client, mut provider) = uploading(&door).await;
    second(&mut client).await;
    assert_eq!(provider.chunk().await, b"second", "the control");
    let (mut client, mut provider) = uploading(&door).await;
    freeze(&door, Frozen::All).await;
    second(&mut client).await;
    assert_eq!(provider.until_closed().await, 0);
}

/// A process looks twice in a second at what permits the requests in progress.
#[tokio::test]
async fn attack_109_a_body_that_goes_on_after_its_grant_is_revoked() {
    let door = Door::new().await;
    let (mut client, mut provider) = uploading(&door).await;
    second(&mut client).await;
    assert_eq!(provider.chunk().await, b"second", "the control");
    let (mut client, mut provider) = uploading(&door).await;
    assert!(door.agent.revoke(door.connection).await.unwrap().was_there);
    assert_eq!(door.world.slowly(provider.until_closed()).await, 0);
    second(&mut client).await;
    let mut rest = Vec::new();
    drop(client.read_to_end(&mut rest).await);
    assert!(String::from_utf8(rest).unwrap().starts_with("HTTP/1.1 403 "), "the client is told");
}
