//! Requests that are sent and answered in pieces: the limits of time without progress, and what ends a request.

use std::{sync::atomic::Ordering::SeqCst, time::Duration};

use connection_contract::{HttpError, HttpRequest, host, prelude::*};
use connection_core::{Error, RequestBody};
use connection_faults::{peer::PeerServer, scripted::Scripted};

use crate::{
    acme::API,
    renewing::{LIFE, Renewing},
    test_host::{World, connected_as},
    use_open_kit::{Line, channel, counted, mapped},
};

const LIMIT: Duration = Duration::from_secs(300);
const ALMOST: Duration = Duration::from_secs(299);

#[tokio::test]
async fn a_use_of_minutes_and_its_quiet_stream_pass() {
    let line = Line::new().await;
    let begins = async {
        let (mut peer, token) = line.accept().await;
        assert_eq!(token, "access-1");
        line.world.clock.advance(ALMOST);
        peer.begin(200, "content-type: text/event-stream\r\n").await;
        peer
    };
    let (answer, mut peer) = tokio::join!(line.get(), begins);
    let mut answer = answer.unwrap();
    assert_eq!((answer.status(), answer.header("content-type")), (200, Some("text/event-stream")));
    for piece in ["data: a\n\n", "data: b\n\n", "data: c\n\n"] {
        let goes_on = async {
            line.world.clock.until_asleep(1).await;
            line.world.clock.advance(ALMOST);
            peer.piece(piece).await;
        };
        let (received, ()) = tokio::join!(answer.chunk(), goes_on);
        assert_eq!(received.unwrap().as_deref(), Some(piece.as_bytes()));
    }
    peer.piece("").await;
    assert_eq!(answer.chunk().await.unwrap(), None);
}

#[tokio::test]
async fn a_use_without_a_first_byte_ends_when_its_time_is_over() {
    let line = Line::of(Renewing::new(), |policy| policy.first_byte(LIMIT * 2)).await;
    let provider = async {
        let (mut peer, _) = line.accept().await;
        line.world.clock.advance(LIMIT * 2);
        peer.until_closed().await
    };
    let (answer, rest) = tokio::join!(line.get(), provider);
    let error = answer.unwrap_err();
    assert!(matches!(&error, Error::Http { source: HttpError::Timeout, .. }), "{error:?}");
    assert_eq!((error.code(), rest), ("timeout", 0));
}

#[tokio::test]
async fn an_answer_that_stops_ends_after_the_idle_time() {
    let line = Line::new().await;
    let begins = async {
        let (mut peer, _) = line.accept().await;
        peer.begin(200, "").await;
        peer.piece("some").await;
        peer
    };
    let (answer, mut peer) = tokio::join!(line.get(), begins);
    let mut answer = answer.unwrap();
    assert_eq!(answer.chunk().await.unwrap().as_deref(), Some(&b"some"[..]));
    let passes = async {
        line.world.clock.until_asleep(1).await;
        line.world.clock.advance(LIMIT);
    };
    let (error, ()) = tokio::join!(answer.chunk(), passes);
    let error = error.unwrap_err();
    assert!(matches!(error, Error::Http { source: HttpError::Timeout, .. }), "{error:?}");
    drop(answer);
    assert_eq!(peer.until_closed().await, 0);
}

#[tokio::test]
async fn a_large_body_passes_and_is_held_nowhere() {
    const SIZE: usize = 64 << 20;
    for known in [true, false] {
        let line = Line::new().await;
        let (body, taken) = counted(SIZE, known);
        let provider = async {
            let (mut peer, _) = line.accept().await;
            let (mut received, mut peak) = (0, 0);
            while received < SIZE {
                received += if known { peer.bytes(64 * 1024).await } else { peer.chunk().await }.len();
                peak = peak.max(taken.load(SeqCst).saturating_sub(received));
            }
            if !known {
                assert_eq!(peer.chunk().await, b"");
            }
            peer.answer(200, "").await;
            (peer, peak)
        };
        let (answer, (_peer, peak)) = tokio::join!(line.post(body), provider);
        assert_eq!((answer.unwrap().status(), taken.load(SeqCst)), (200, SIZE));
        // The buffers of the system hold a few mebibytes.
        assert!(peak < SIZE / 4, "{peak} bytes were taken and not yet received");
    }
}

#[tokio::test]
async fn a_use_ends_with_its_caller() {
    let line = Line::new().await;
    let (_sender, body) = channel(None);
    let mut sending = Box::pin(line.post(body));
    let mut peer = tokio::select! {
        _ = &mut sending => panic!("nobody has answered"),
        (peer, _) = line.accept() => peer,
    };
    drop(sending);
    assert_eq!(peer.until_closed().await, 0);
    let (sender, body) = channel(None);
    let provider = async {
        let (mut peer, _) = line.accept().await;
        peer.begin(200, "").await;
        peer
    };
    let (answer, mut peer) = tokio::join!(line.post(body), provider);
    drop(answer.unwrap());
    assert_eq!(peer.until_closed().await, 0);
    sender.closed().await;
}

#[tokio::test]
async fn a_redirect_is_an_answer() {
    let line = Line::new().await;
    for location in ["/elsewhere", "https://evil.example/"] {
        let provider = async {
            let (mut peer, _) = line.accept().await;
            let head = format!("HTTP/1.1 307 Told\r\nlocation: {location}\r\nconnection: close\r\n");
            peer.write(format!("{head}content-length: 0\r\n\r\n")).await;
            peer
        };
        let (answer, _peer) = tokio::join!(line.get(), provider);
        let answer = answer.unwrap();
        assert_eq!((answer.status(), answer.header("location")), (307, Some(location)));
    }
}

#[tokio::test]
async fn an_origin_out_of_reach_is_denied_before_anything_is_attached() {
    let world = World::new().await;
    let server = PeerServer::start().await;
    let descriptor = Descriptor::new(Kind::from_static("watched"), "Watched", AuthType::ApiKey).origin(API);
    let plugin = Scripted::new(descriptor.field(Field::text("name", "Name"))).authorizes(|it, _, _| {
        it.saw("attached");
        Ok(())
    });
    let registry = world.builder().http(mapped(&server)).kind(plugin.clone()).open().await.unwrap();
    let connection = connected_as(&registry, &Kind::from_static("watched"), &[("name", "ada")]).await;
    for (size, known) in [(1, true), (1 << 20, true), (1 << 20, false)] {
        let (body, taken) = counted(size, known);
        let request = HttpRequest::post(&host::base_url("https://evil.example").unwrap(), "/");
        let denied = connection.open(request, body).await.unwrap_err();
        assert!(matches!(denied, Error::Denied { .. }), "{denied:?}");
        assert_eq!(taken.load(SeqCst), 0);
    }
    assert_eq!(plugin.seen(), [""; 0]);
}

#[tokio::test]
async fn a_credential_that_has_ended_is_refreshed_before_its_use() {
    let line = Line::new().await;
    line.world.clock.advance(Duration::from_secs(LIFE.unsigned_abs()));
    let provider = async {
        let (mut peer, token) = line.accept().await;
        peer.answer(200, "").await;
        (peer, token)
    };
    let (answer, (_peer, token)) = tokio::join!(line.get(), provider);
    assert_eq!((answer.unwrap().status(), &*token), (200, "access-2"));
}

#[tokio::test]
async fn a_body_that_cannot_be_sent_to_its_end_is_told_apart_from_a_provider_that_is_down() {
    let line = Line::new().await;
    for (length, piece, what) in [
        (None, Some(Err(())), "its body broke off"),
        (Some(9), None, "its body does not have the length that was announced"),
    ] {
        let (sender, body) = channel(length);
        sender.send(Ok(b"some".to_vec())).unwrap();
        piece.into_iter().for_each(|piece| sender.send(piece).unwrap());
        drop(sender);
        let provider = async { line.server.accept().await.until_closed().await };
        let (answer, _) = tokio::join!(line.post(body), provider);
        let error = answer.unwrap_err();
        assert!(matches!(&error, Error::InvalidRequest(is) if *is == what), "{error:?}");
    }
}

#[tokio::test]
async fn a_request_that_cannot_be_sent_is_refused_before_anything_is_sent() {
    let line = Line::new().await;
    let request = async || line.connection.request("POST", "/things").await.unwrap();
    let twice = request().await.form("a", "1");
    let refused = line.connection.open(twice, RequestBody::whole(Secret::from("more"))).await.unwrap_err();
    assert!(matches!(refused, Error::InvalidRequest("it has two bodies")), "{refused:?}");
    let framed = request().await.header("content-length", "1");
    let refused = line.connection.open(framed, RequestBody::empty()).await.unwrap_err();
    assert!(matches!(refused, Error::InvalidRequest(_)), "{refused:?}");
    // The control: the body of the request is sent if there is no other.
    let provider = async {
        let (mut peer, _) = line.accept().await;
        let body = peer.bytes(3).await;
        peer.answer(200, "").await;
        (peer, body)
    };
    let request = request().await.form("a", "1");
    let (answer, (_peer, body)) = tokio::join!(line.connection.open(request, RequestBody::empty()), provider);
    assert_eq!((answer.unwrap().status(), body), (200, b"a=1".to_vec()));
}
