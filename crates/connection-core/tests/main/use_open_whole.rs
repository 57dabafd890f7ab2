//! Requests in pieces of kinds that read the body of a request to attach their credential.

use std::{
    pin::Pin,
    sync::{Arc, atomic::Ordering::SeqCst},
    task::{Context, Poll},
    time::Duration,
};

use connection_contract::prelude::*;
use connection_core::{Connection, Error, RequestBody};
use connection_faults::{peer::PeerServer, scripted::Scripted};
use futures_core::Stream;
use tokio::sync::Notify;

use crate::{
    acme::API,
    test_host::{World, connected_as},
    use_open_kit::{channel, counted, mapped},
};

const KIND: Kind = Kind::from_static("signing");
/// The largest body that is read whole.
const MAX: usize = 16 << 20;

/// A kind that sends the length of the body that it sees.
fn signing() -> Scripted {
    let descriptor = Descriptor::new(KIND, "Signing", AuthType::ApiKey).origin(API);
    Scripted::new(descriptor.field(Field::text("name", "Name"))).authorizes(|it, _, request| {
        it.saw("signed");
        request.set_header("x-signed", request.body.expose().len().to_string());
        Ok(())
    })
}

/// A body without an end, which says when a piece of it is awaited.
struct Endless(Arc<Notify>);

impl Stream for Endless {
    type Item = Result<Vec<u8>, ()>;

    fn poll_next(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.0.notify_one();
        Poll::Pending
    }
}

/// A connection of a kind, to a provider that a test plays.
struct Signed {
    world: World,
    server: PeerServer,
    connection: Connection,
}

impl Signed {
    async fn of(plugin: Scripted) -> Self {
        let world = World::new().await;
        let server = PeerServer::start().await;
        let registry = world.builder().http(mapped(&server)).kind(plugin).open().await.unwrap();
        let connection = connected_as(&registry, &KIND, &[("name", "ada")]).await;
        Self { world, server, connection }
    }

    async fn post(&self, body: RequestBody) -> Result<u16, Error> {
        let request = self.connection.request("POST", "/things").await?;
        Ok(self.connection.open(request, body).await?.status())
    }
}

#[tokio::test]
async fn a_kind_that_reads_the_body_gets_it_whole() {
    for known in [true, false] {
        let it = Signed::of(signing().reading_bodies()).await;
        let (body, taken) = counted(MAX, known);
        let provider = async {
            let mut peer = it.server.accept().await;
            let head = peer.head().await;
            peer.bytes(MAX).await;
            peer.answer(200, "").await;
            (peer, head)
        };
        let (status, (_peer, head)) = tokio::join!(it.post(body), provider);
        assert_eq!((status.unwrap(), taken.load(SeqCst)), (200, MAX));
        for name in ["x-signed", "content-length"] {
            assert!(head.contains(&format!("{name}: {MAX}")), "{head}");
        }
    }
}

#[tokio::test]
async fn a_body_that_is_too_large_to_be_read_is_refused_and_nothing_is_sent() {
    let plugin = signing().reading_bodies();
    let it = Signed::of(plugin.clone()).await;
    let unknown = counted(MAX + 1, false);
    let known = counted(MAX + 1, true);
    let whole = RequestBody::whole(Secret::new(vec![0; MAX + 1]));
    for body in [unknown.0, known.0, whole] {
        let refused = it.post(body).await.unwrap_err();
        assert!(matches!(&refused, Error::RequestTooLarge { kind, limit: MAX } if *kind == KIND), "{refused:?}");
        assert_eq!(refused.code(), "request_too_large");
        assert!(refused.to_string().ends_with("it can have at most 16 MiB"), "{refused}");
    }
    assert_eq!(known.1.load(SeqCst), 0, "a length that is announced is believed");
    assert_eq!(plugin.seen(), [""; 0]);
}

#[tokio::test]
async fn a_body_that_stops_while_it_is_read_ends_the_use() {
    let it = Signed::of(signing().reading_bodies()).await;
    for (length, piece, what) in [
        (None, Some(Err(())), "its body broke off"),
        (Some(9), None, "its body does not have the length that was announced"),
    ] {
        let (sender, body) = channel(length);
        sender.send(Ok(b"some".to_vec())).unwrap();
        piece.into_iter().for_each(|piece| sender.send(piece).unwrap());
        drop(sender);
        let error = it.post(body).await.unwrap_err();
        assert!(matches!(&error, Error::InvalidRequest(is) if *is == what), "{error:?}");
    }
    let awaited = Arc::new(Notify::new());
    let passes = async {
        // Other waits come before that for the body, so a sleeper alone does not say that it began.
        awaited.notified().await;
        it.world.clock.advance(Duration::from_secs(300));
    };
    let (error, ()) = tokio::join!(it.post(RequestBody::stream(None, Endless(awaited.clone()))), passes);
    assert!(matches!(error, Err(Error::InvalidRequest("its body made no progress in time"))), "{error:?}");
}

#[tokio::test]
async fn a_kind_that_changes_a_body_without_saying_so_sends_none_in_pieces() {
    let plugin = signing().authorizes(|_, _, request| {
        request.body = Secret::from("another");
        Ok(())
    });
    let it = Signed::of(plugin).await;
    let refused = it.post(counted(1, true).0).await.unwrap_err();
    assert!(matches!(refused, Error::NotSupported { what: "send a body in pieces", .. }), "{refused:?}");
}
