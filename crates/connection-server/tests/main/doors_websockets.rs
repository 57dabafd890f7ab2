//! WebSockets at the reverse door: what passes in both directions, what they need, and what ends them.

use std::{future::poll_fn, task::Poll};

use connection_core::{Frozen, Use, UseFilter, UseOutcome};
use connection_faults::peer::Peer;
use serde_json::{Value, json};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
};

use crate::{
    doors::{Door, is_protected, until},
    http::Request,
    test_host::KEY,
};

/// The answer of a provider that upgrades the connection (RFC 6455, section 1.3).
const SWITCHES: &str = "HTTP/1.1 101 Told\r\nconnection: Upgrade\r\nupgrade: websocket\r\n\
                        sec-websocket-accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\nset-cookie: a=b\r\n\r\n";

pub(crate) fn rules() -> Value {
    json!({ "rule": [
        { "name": "events", "methods": ["GET"], "path": "/objects/events", "upgrade": "websocket", "effect": "allow" },
        { "name": "read", "methods": ["GET"], "path": "/objects/**", "effect": "allow" },
        { "name": "secret", "methods": ["GET"], "path": "/secret", "effect": "ask" },
    ] })
}

/// Asks for a WebSocket with this request.
pub(crate) fn websocket(request: Request) -> Request {
    let request = request.also("connection", "Upgrade").with("upgrade", "websocket");
    request.with("sec-websocket-version", "13").with("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ==")
}

/// Opens a WebSocket. Returns the sides of the client and of the provider, and what each of them got.
pub(crate) async fn opened(door: &Door) -> ((TcpStream, String), (Peer, String)) {
    door.grant(&rules()).await;
    let mut client = websocket(door.request("GET", "/objects/events")).open(door.world.port).await;
    let mut provider = door.provider.accept().await;
    let asked = provider.head().await;
    provider.write(SWITCHES).await;
    let answered = until(&mut client, "\r\n\r\n").await;
    ((client, answered), (provider, asked))
}

#[tokio::test]
async fn bytes_pass_in_both_directions_and_the_use_is_recorded_when_it_ends() {
    let door = Door::new().await;
    let ((mut client, answered), (mut provider, asked)) = opened(&door).await;
    let asked = asked.to_ascii_lowercase();
    for line in ["get /objects/events http/1.1", "connection: upgrade", "upgrade: websocket", "sec-websocket-version: 13"] {
        assert!(asked.lines().any(|asked| asked == line), "{line}: {asked}");
    }
    assert!(asked.contains(&KEY.to_ascii_lowercase()) && !asked.contains(&door.token.to_ascii_lowercase()), "{asked}");
    assert!(answered.starts_with("HTTP/1.1 101 "), "{answered}");
    // The client of the test also asks for the connection to be closed.
    for line in ["connection: upgrade", "upgrade: websocket", "sec-websocket-accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo="] {
        assert!(answered.lines().any(|answered| answered.starts_with(line)), "{line}: {answered}");
    }
    assert!(!answered.contains("set-cookie") && !answered.contains("content-length"), "{answered}");

    client.write_all(b"from the client").await.unwrap();
    assert_eq!(provider.bytes(15).await, b"from the client");
    // After an upgrade, not even a credential is replaced.
    provider.write(KEY).await;
    until(&mut client, KEY).await;
    client.write_all(b"once more").await.unwrap();
    assert_eq!(provider.bytes(9).await, b"once more");

    client.shutdown().await.unwrap();
    assert_eq!(provider.until_closed().await, 0);
    drop(provider);
    assert_eq!(client.read(&mut [0; 8]).await.unwrap(), 0);
    let used = ended_use(&door).await;
    let ended = used.end.unwrap();
    assert_eq!((ended.outcome, ended.status, ended.is_complete), (UseOutcome::Answered, Some(101), Some(true)));
    assert_eq!((ended.sent, ended.received), (24, KEY.len() as u64));
}

/// Waits until the last use has an end on record.
async fn ended_use(door: &Door) -> Use {
    loop {
        let page = door.registry.uses().list(UseFilter::new(), None, 1).await.unwrap();
        if page.items[0].end.is_some() {
            return page.items[0].clone();
        }
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn a_server_that_stops_ends_a_websocket_and_its_use_is_on_record_when_it_has_settled() {
    let door = Door::new().await;
    let ((mut client, _), (mut provider, _)) = opened(&door).await;
    provider.write("an event").await;
    until(&mut client, "an event").await;
    let mut settled = door.world.live.settled();
    let is_open = poll_fn(|cx| Poll::Ready(settled.as_mut().poll(cx).is_pending())).await;
    assert!(is_open, "the WebSocket is waited for");
    door.world.live.end();
    settled.await;
    door.registry.close().await;
    assert_eq!(provider.until_closed().await, 0);
    assert_eq!(client.read(&mut [0; 8]).await.unwrap_or(0), 0);
    let registry = door.world.beside().await.owner(door.registry.owner_name()).unwrap();
    let uses = registry.uses().list(UseFilter::new(), None, 1).await.unwrap().items;
    let ended = uses[0].end.as_ref().unwrap();
    assert_eq!((ended.outcome, ended.status, ended.is_complete), (UseOutcome::Answered, Some(101), Some(false)));
    assert_eq!(ended.received, 8);
}

#[tokio::test]
async fn an_answer_that_does_not_upgrade_is_one_like_any_other() {
    let door = Door::new().await;
    door.grant(&rules()).await;
    let told = "HTTP/1.1 403 Told\r\ncontent-length: 5\r\n\r\nno ws";
    let (answer, head) = door.passed(websocket(door.request("GET", "/objects/events")), told).await;
    assert!(head.to_ascii_lowercase().contains("upgrade: websocket"), "{head}");
    assert_eq!((answer.status, &*answer.body, answer.header("upgrade")), (403, "no ws", ""));
    is_protected(&answer);
}

#[tokio::test]
async fn only_a_rule_that_names_it_allows_a_websocket_and_nobody_is_asked_about_one() {
    let door = Door::new().await;
    door.grant(&rules()).await;
    let refused = async |request: Request| door.send(request).await.refusal();
    let denied = (403, "rule_denied".to_owned());
    for path in ["/objects/1", "/secret"] {
        assert_eq!(refused(websocket(door.request("GET", path))).await, denied, "{path}");
    }
    // A request for another protocol is passed on without that.
    let other = door.request("GET", "/objects/1").also("connection", "upgrade").with("upgrade", "h2c");
    let (answer, head) = door.passed(other, "HTTP/1.1 204 Told\r\n\r\n").await;
    assert!(answer.status == 204 && !head.to_ascii_lowercase().contains("upgrade"), "{head}");
}

#[tokio::test]
async fn a_freeze_cuts_a_websocket() {
    let door = Door::new().await;
    let ((mut client, _), (mut provider, _)) = opened(&door).await;
    door.registry.freezes().freeze(Frozen::Agent(door.agent.id())).await.unwrap();
    assert_eq!(door.world.slowly(provider.until_closed()).await, 0);
    assert_eq!(door.world.slowly(client.read(&mut [0; 8])).await.unwrap_or(0), 0);
    assert_eq!(door.send(websocket(door.request("GET", "/objects/events"))).await.refusal(), (403, "frozen".to_owned()));
}
