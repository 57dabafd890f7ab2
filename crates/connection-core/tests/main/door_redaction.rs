//! Answers that repeat the credential, as agents, extensions and other readers of an answer get them.

use connection_contract::encode;
use connection_core::{AgentCaller, Connection, RequestBody, Response};
use connection_faults::peer::Peer;
use connection_rules::RequestParts;

use crate::{
    door::{open, with_agent},
    extension_kit::handle,
    renewing::Renewing,
    test_host::{World, connected},
    test_server::Reply,
    use_open_kit::Line,
};

const TOKEN: &str = "secret/token+1";

async fn line() -> (Line, AgentCaller) {
    let plugin = Renewing::new();
    *plugin.gives.lock().unwrap() = [TOKEN, "refresh-1", "1"];
    with_agent(Line::of(plugin, |policy| policy).await).await
}

/// Begins an answer to a request of the agent, with these headers.
async fn begun(line: &Line, caller: &AgentCaller, headers: &str) -> (Response, Peer, String) {
    let begins = async {
        let mut peer = line.server.accept().await;
        let head = peer.head().await;
        peer.begin(200, headers).await;
        (peer, head)
    };
    let get = RequestParts::new("GET", "/issues/7").header("accept-encoding", "gzip, br");
    let (answer, (peer, head)) = tokio::join!(open(line, caller, get, RequestBody::empty()), begins);
    (answer.unwrap(), peer, head)
}

/// Passes these pieces through an answer, and returns what the agent gets.
async fn passed(answer: &mut Response, peer: &mut Peer, pieces: &[&str]) -> String {
    for piece in pieces {
        peer.piece(piece).await;
    }
    peer.piece("").await;
    let mut whole = Vec::new();
    while let Some(piece) = answer.chunk().await.unwrap() {
        assert!(!piece.is_empty());
        whole.extend(piece);
    }
    String::from_utf8(whole).unwrap()
}

#[tokio::test]
async fn an_agent_gets_stars_where_the_provider_repeats_the_credential() {
    let (line, caller) = line().await;
    let (mut answer, mut peer, head) = begun(&line, &caller, &format!("x-echo: Bearer {TOKEN}\r\n")).await;
    assert!(head.contains(&format!("authorization: Bearer {TOKEN}")), "{head}");
    assert_eq!(head.matches("accept-encoding: identity").count(), 1, "{head}");
    assert!(!head.contains("gzip"), "{head}");
    assert_eq!(answer.header("x-echo"), Some("Bearer **************"));
    assert!(answer.was_redacted());
    let url = encode::percent_encode(TOKEN);
    let base64 = encode::base64(format!("user:{TOKEN}").as_bytes());
    let hex = encode::hex(TOKEN.as_bytes());
    let pieces = [r#"{"auth":"secret/"#, "tok", r#"en+1","u":""#, &url, r#"","b":""#, &base64, r#"","h":""#, &hex];
    let body = passed(&mut answer, &mut peer, &pieces).await;
    let stars = |text: &str| "*".repeat(text.len());
    // The digits that depend on other bytes, too, are left.
    let redacted = format!("{}{}{}", &base64[..7], "*".repeat(18), &base64[25..]);
    let expected = [r#"{"auth":""#, &stars(TOKEN), r#"","u":""#, &stars(&url), r#"","b":""#, &redacted, r#"","h":""#];
    assert_eq!(body, expected.concat() + &stars(&hex));
    assert_eq!(body.len(), pieces.concat().len());
}

#[tokio::test]
async fn only_bytes_that_may_begin_the_credential_wait_for_the_next_piece() {
    let (line, caller) = line().await;
    let (mut answer, mut peer, _) = begun(&line, &caller, "").await;
    peer.piece("data: secret").await;
    assert_eq!(answer.chunk().await.unwrap().as_deref(), Some(&b"data: "[..]));
    peer.piece("ary\n\n").await;
    assert_eq!(answer.chunk().await.unwrap().as_deref(), Some(&b"secretary\n\n"[..]));
    assert_eq!(passed(&mut answer, &mut peer, &["at the end: secret"]).await, "at the end: secret");
    assert!(!answer.was_redacted());
    assert!(answer.chunk().await.unwrap().is_none(), "the end is the end");
}

#[tokio::test]
async fn a_host_gets_the_answer_as_it_is_unless_it_asks_otherwise() {
    let (line, _) = line().await;
    for (connection, expected) in [(line.connection.clone(), TOKEN), (line.connection.redacting(), "**************")] {
        let echoes = async {
            let (mut peer, token) = line.accept().await;
            peer.answer(200, &token).await;
        };
        let request = connection.request("GET", "/issues/7").await.unwrap();
        let (answer, ()) = tokio::join!(connection.send(request), echoes);
        assert_eq!(answer.unwrap().bytes(100).await.unwrap().expose(), expected.as_bytes());
    }
}

#[tokio::test]
async fn an_extension_does_not_see_the_credential_that_it_uses() {
    let world = World::new().await;
    let registry = world.acme().await;
    let connection: Connection = connected(&registry, "acme-key-1").await;
    world.provider(Reply::ok);
    let issues = handle(&registry, "issues");
    registry.extensions().grant("issues", connection.id(), &[]).await.unwrap();
    let answer = issues.send(issues.request("GET", "/issues/7").await.unwrap()).await.unwrap();
    let body = answer.bytes(1 << 12).await.unwrap();
    let body = body.expose_str().unwrap().to_owned();
    assert!(!body.contains("acme-key-1") && body.contains("**********"), "{body}");
    registry.close().await;
}
