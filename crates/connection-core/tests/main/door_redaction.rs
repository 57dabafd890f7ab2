//! Answers that repeat the credential, as agents, extensions and other readers of an answer get them.

use connection_contract::encode;
use connection_core::{AgentCaller, Connection, Error, RequestBody, Response};
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

/// `{"auth":"Bearer secret/token+1","more":"secret, secret"}` in gzip.
const GZIPPED: &[u8] = &[
    31, 139, 8, 0, 0, 0, 0, 0, 2, 3, 171, 86, 74, 44, 45, 201, 80, 178, 82, 114, 74, 77, 44, 74, 45, 82, 40, 78, 77,
    46, 74, 45, 209, 47, 201, 207, 78, 205, 211, 54, 84, 210, 81, 202, 205, 47, 74, 5, 74, 67, 196, 117, 160, 242, 74,
    181, 0, 62, 12, 14, 226, 56, 0, 0, 0,
];

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
async fn an_answer_that_was_compressed_unasked_is_decoded_before_the_credential_is_covered() {
    let (line, caller) = line().await;
    let (mut answer, mut peer, _) = begun(&line, &caller, "Content-Encoding: gzip\r\n").await;
    assert_eq!(answer.header("content-encoding"), None);
    for piece in GZIPPED.chunks(7) {
        peer.write(format!("{:x}\r\n", piece.len())).await;
        peer.write(piece).await;
        peer.write("\r\n").await;
    }
    let body = passed(&mut answer, &mut peer, &[]).await;
    assert_eq!(body, r#"{"auth":"Bearer **************","more":"secret, secret"}"#);
    assert!(answer.was_redacted());
}

#[tokio::test]
async fn an_answer_in_a_coding_that_cannot_be_decoded_is_dropped_with_its_reason() {
    let (line, caller) = line().await;
    let begins = async {
        let mut peer = line.server.accept().await;
        peer.head().await;
        peer.begin(200, "content-encoding: br\r\n").await;
        peer
    };
    let get = RequestParts::new("GET", "/issues/7");
    let (answer, _peer) = tokio::join!(open(&line, &caller, get, RequestBody::empty()), begins);
    let refused = answer.unwrap_err();
    assert!(matches!(refused, Error::Undecodable { .. }), "{refused:?}");
    assert!(refused.to_string().contains("content coding that cannot be decoded"), "{refused}");
    // A host that may see the credential gets the answer as it is.
    let begins = async {
        let (mut peer, _) = line.accept().await;
        peer.write("HTTP/1.1 200 Told\r\ncontent-encoding: br\r\ncontent-length: 3\r\n\r\nabc").await;
        peer
    };
    let request = line.connection.request("GET", "/issues/7").await.unwrap();
    let (answer, _peer) = tokio::join!(line.connection.send(request), begins);
    let answer = answer.unwrap();
    assert_eq!(answer.header("content-encoding"), Some("br"));
    assert_eq!(answer.bytes(100).await.unwrap().expose(), b"abc");
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
