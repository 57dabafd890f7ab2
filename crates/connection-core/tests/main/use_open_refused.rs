//! Requests in pieces whose credential is refused or ends soon: what is sent again, and what the caller is told.

use std::{sync::atomic::Ordering::SeqCst, time::Duration};

use connection_contract::Secret;
use connection_core::RequestBody;

use crate::{
    renewing::{Renewing, refreshed},
    use_open_kit::{Line, channel, counted},
};

/// The number of bytes of a body that are kept while they pass.
const KEPT: usize = 256 * 1024;

/// A connection whose token is old enough to be refreshed after a refusal.
async fn line() -> Line {
    let line = Line::new().await;
    line.world.clock.advance(Duration::from_secs(100));
    line
}

#[tokio::test]
async fn a_short_body_is_sent_again_with_the_newer_credential() {
    for size in [1, KEPT] {
        let line = line().await;
        let (body, taken) = counted(size, true);
        let provider = async {
            let (mut peer, first) = line.accept().await;
            let one = peer.bytes(size).await;
            peer.answer(401, "").await;
            let (mut peer, second) = line.accept().await;
            let two = peer.bytes(size).await;
            peer.answer(200, "").await;
            assert_eq!((&*first, &*second, one == two), ("access-1", "access-2", true));
            peer
        };
        let (answer, _peer) = tokio::join!(line.post(body), provider);
        let answer = answer.unwrap();
        assert_eq!((answer.status(), answer.has_newer_credential(), taken.load(SeqCst)), (200, false, size));
    }
}

#[tokio::test]
async fn a_body_that_is_refused_before_its_end_goes_on_with_the_newer_credential() {
    let line = line().await;
    let (sender, body) = channel(None);
    sender.send(Ok(b"first".to_vec())).unwrap();
    line.plugin.before.close();
    let provider = async {
        let (mut peer, _) = line.accept().await;
        assert_eq!(peer.chunk().await, b"first");
        // The connection could be kept, so only the client decides that the body ends here.
        peer.write("HTTP/1.1 401 Told\r\ncontent-length: 0\r\n\r\n").await;
        line.plugin.before.until_inside(1).await;
        // Nothing of this reaches the request that was refused, although it is more than is kept.
        sender.send(Ok(vec![b'x'; 2 * KEPT])).unwrap();
        line.plugin.before.open();
        let (mut again, token) = line.accept().await;
        assert_eq!((again.chunk().await, &*token), (b"first".to_vec(), "access-2"));
        drop(sender);
        assert_eq!(again.chunks().await.len(), 2 * KEPT);
        again.answer(200, "").await;
        assert_eq!(peer.until_closed().await, 0);
        again
    };
    let (answer, _peer) = tokio::join!(line.post(body), provider);
    assert_eq!(answer.unwrap().status(), 200);
}

#[tokio::test]
async fn a_long_body_is_answered_with_the_refusal_after_the_refresh() {
    let line = line().await;
    let size = KEPT + 1;
    let post = async |status, told: &str| {
        let (body, _) = counted(size, true);
        let provider = async {
            let (mut peer, token) = line.accept().await;
            peer.bytes(size).await;
            peer.answer(status, told).await;
            (peer, token)
        };
        let (answer, (_peer, token)) = tokio::join!(line.post(body), provider);
        let answer = answer.unwrap();
        let newer = answer.has_newer_credential();
        let status = answer.status();
        (status, newer, token, answer.bytes(10).await.unwrap().expose_str().unwrap().to_owned())
    };
    assert_eq!(post(401, "no").await, (401, true, "access-1".to_owned(), "no".to_owned()));
    assert_eq!((line.issuer.request_count(), refreshed(&line.plugin)), (1, 1));
    assert_eq!(post(200, "yes").await, (200, false, "access-2".to_owned(), "yes".to_owned()));
    // The connection that was refused needs no verification, because the newer credential was not refused.
    let info = line.registry.connection(line.connection.id()).await.unwrap().info().clone();
    assert!(info.reason.is_none(), "{:?}", info.reason);
}

#[tokio::test]
async fn a_long_body_that_was_given_whole_is_sent_again() {
    let line = line().await;
    let body = vec![b'x'; KEPT + 1];
    let provider = async {
        for (status, token) in [(401, "access-1"), (200, "access-2")] {
            let (mut peer, is) = line.accept().await;
            assert_eq!((peer.bytes(KEPT + 1).await.len(), &*is), (KEPT + 1, token));
            peer.answer(status, "").await;
        }
    };
    let (answer, ()) = tokio::join!(line.post(RequestBody::whole(Secret::new(body))), provider);
    assert_eq!(answer.unwrap().status(), 200);
}

#[tokio::test]
async fn a_refusal_that_no_refresh_mends_is_the_answer_and_is_noted() {
    let line = line().await;
    line.issuer.says(Some((503, "", "")));
    let (body, _) = counted(KEPT + 1, true);
    let provider = async {
        let (mut peer, _) = line.accept().await;
        peer.bytes(KEPT + 1).await;
        peer.answer(401, "").await;
        peer
    };
    let (answer, _peer) = tokio::join!(line.post(body), provider);
    let answer = answer.unwrap();
    assert_eq!((answer.status(), answer.has_newer_credential()), (401, false));
    let info = line.registry.connection(line.connection.id()).await.unwrap().info().clone();
    assert_eq!(info.reason.map(|reason| reason.code).as_deref(), Some("use_refused"));
}

/// Returns the token of a request with such a body, at this second of a token's life of 100 seconds.
async fn token_at(second: u64, body: RequestBody) -> String {
    let plugin = Renewing::new();
    *plugin.valid_for.lock().unwrap() = Some(100);
    let line = Line::of(plugin, |policy| policy).await;
    line.world.clock.advance(Duration::from_secs(second));
    let provider = async {
        let (mut peer, token) = line.accept().await;
        peer.answer(200, "").await;
        (peer, token)
    };
    let (answer, (_peer, token)) = tokio::join!(line.post(body), provider);
    assert_eq!(answer.unwrap().status(), 200);
    token
}

#[tokio::test]
async fn a_credential_that_ends_soon_is_refreshed_before_a_long_body() {
    let long = || counted(KEPT + 1, true).0;
    let unknown = || counted(1, false).0;
    let short = || counted(KEPT, true).0;
    assert_eq!(token_at(60, long()).await, "access-2");
    assert_eq!(token_at(60, unknown()).await, "access-2");
    assert_eq!(token_at(60, RequestBody::whole(Secret::new(vec![0; KEPT + 1]))).await, "access-2");
    // The first half of its life, and a short body.
    assert_eq!(token_at(45, long()).await, "access-1");
    assert_eq!(token_at(60, short()).await, "access-1");
}

#[tokio::test]
async fn a_credential_that_ends_soon_and_cannot_be_refreshed_is_used() {
    let plugin = Renewing::new();
    *plugin.valid_for.lock().unwrap() = Some(100);
    let line = Line::of(plugin, |policy| policy).await;
    line.issuer.says(Some((503, "", "")));
    line.world.clock.advance(Duration::from_secs(60));
    for _ in 0..2 {
        let provider = async {
            let (mut peer, token) = line.accept().await;
            peer.answer(200, "").await;
            (peer, token)
        };
        let (answer, (_peer, token)) = tokio::join!(line.post(counted(1, false).0), provider);
        assert_eq!((answer.unwrap().status(), &*token), (200, "access-1"));
    }
    assert_eq!(line.issuer.request_count(), 1, "a pause lasts");
}
