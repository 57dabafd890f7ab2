//! A connection to a provider that a test plays piece by piece, and the bodies that a test sends to it.

use std::{
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering::SeqCst},
    },
    task::{Context, Poll},
};

use connection_core::{Connection, ConnectionRegistry, Error, HttpPolicy, RequestBody, Response};
use connection_faults::peer::{Peer, PeerServer};
use futures_core::Stream;
use tokio::sync::mpsc;

use crate::{
    acme::API,
    renewing::{ISSUER, Renewing},
    strict_issuer::Strict,
    test_host::World,
};

/// A connection whose provider is played by the test, and whose tokens are issued by another server.
pub(crate) struct Line {
    pub(crate) world: World,
    pub(crate) server: PeerServer,
    pub(crate) issuer: Strict,
    pub(crate) plugin: Renewing,
    pub(crate) registry: ConnectionRegistry,
    pub(crate) connection: Connection,
}

impl Line {
    pub(crate) async fn new() -> Self {
        Self::of(Renewing::new(), |policy| policy).await
    }

    /// Creates a connection of this plugin, with other time limits.
    pub(crate) async fn of(plugin: Renewing, limits: impl FnOnce(HttpPolicy) -> HttpPolicy) -> Self {
        let world = World::new().await;
        let server = PeerServer::start().await;
        let issuer = Strict::new();
        let answering = issuer.clone();
        world.provider(move |request| answering.answer(request));
        *plugin.issuer.lock().unwrap() = ISSUER;
        let policy = mapped(&server).endpoint(ISSUER, &world.server.origin()).unwrap();
        let registry = world.builder().http(limits(policy)).kind(plugin.clone()).open().await.unwrap();
        let connection = plugin.connected(&registry).await;
        Self { world, server, issuer, plugin, registry, connection }
    }

    /// Opens a request without a body.
    pub(crate) async fn get(&self) -> Result<Response, Error> {
        let request = self.connection.request("GET", "/things").await?;
        self.connection.open(request, RequestBody::empty()).await
    }

    /// Opens a request with this body.
    pub(crate) async fn post(&self, body: RequestBody) -> Result<Response, Error> {
        let request = self.connection.request("POST", "/things").await?;
        self.connection.open(request, body).await
    }

    /// Waits for the next request, and returns its token.
    pub(crate) async fn accept(&self) -> (Peer, String) {
        accept(&self.server).await
    }
}

/// Returns a policy by which the server is the provider.
pub(crate) fn mapped(server: &PeerServer) -> HttpPolicy {
    HttpPolicy::new().endpoint(API, &server.origin()).unwrap()
}

/// Waits for the next request, and returns its token.
pub(crate) async fn accept(server: &PeerServer) -> (Peer, String) {
    let mut peer = server.accept().await;
    let head = peer.head().await;
    let token = head.lines().find_map(|line| line.strip_prefix("authorization: Bearer "));
    let token = token.unwrap_or_default().to_owned();
    (peer, token)
}

/// A body whose pieces a test sends.
pub(crate) struct Channel(mpsc::UnboundedReceiver<Result<Vec<u8>, ()>>);

pub(crate) type Sender = mpsc::UnboundedSender<Result<Vec<u8>, ()>>;

impl Stream for Channel {
    type Item = Result<Vec<u8>, ()>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.0.poll_recv(cx)
    }
}

/// Returns a body of this length, and the end into which a test puts its pieces.
pub(crate) fn channel(length: Option<u64>) -> (Sender, RequestBody) {
    let (sender, receiver) = mpsc::unbounded_channel();
    (sender, RequestBody::stream(length, Channel(receiver)))
}

/// A body of that many bytes in pieces of 64 KiB, which counts the bytes that were taken from it.
pub(crate) struct Counted {
    left: usize,
    taken: Arc<AtomicUsize>,
}

impl Stream for Counted {
    type Item = Result<Vec<u8>, ()>;

    fn poll_next(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let piece = vec![b'x'; self.left.min(64 * 1024)];
        self.left -= piece.len();
        self.taken.fetch_add(piece.len(), SeqCst);
        Poll::Ready((!piece.is_empty()).then_some(Ok(piece)))
    }
}

/// Returns a body of this size, with its length if it is `known`, and the count of the bytes that were taken from it.
pub(crate) fn counted(size: usize, known: bool) -> (RequestBody, Arc<AtomicUsize>) {
    let taken = Arc::new(AtomicUsize::new(0));
    let body = Counted { left: size, taken: taken.clone() };
    (RequestBody::stream(known.then_some(size as u64), body), taken)
}
