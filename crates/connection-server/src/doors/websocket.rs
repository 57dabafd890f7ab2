//! WebSockets at a door (RFC 6455): the bytes that pass in both directions after the provider has upgraded the
//! connection.

use std::{
    io,
    pin::Pin,
    task::{Context, Poll, ready},
};

use axum::http::{HeaderMap, HeaderValue, Method, header, request::Parts};
use connection_core::{RequestBody, Response};
use futures_core::Stream;
use hyper::upgrade::{OnUpgrade, Upgraded};
use hyper_util::rt::TokioIo;
use tokio::{
    io::{AsyncRead, AsyncWriteExt as _, ReadBuf, ReadHalf},
    runtime::Handle,
    sync::oneshot,
};

use super::places::Passage;
use crate::options::OpenStream;

/// The protocol, as the header `Upgrade` names it.
pub(super) const PROTOCOL: HeaderValue = HeaderValue::from_static("websocket");
/// The maximum size of a piece that is read from a client, in bytes.
const PIECE: usize = 16 * 1024;

/// The connection of a client that asks for a WebSocket.
pub(super) struct Wanted {
    upgrade: OnUpgrade,
    /// Receives the half on which the client sends, after the connection was upgraded.
    incoming: oneshot::Sender<ReadHalf<TokioIo<Upgraded>>>,
}

/// Returns the connection of a request that asks for a WebSocket (RFC 6455, section 4.2.1), and the bytes that the client
/// sends on it; `None` for any other request, which is passed on without the headers of one hop.
pub(super) fn wanted(parts: &mut Parts) -> Option<(Wanted, RequestBody)> {
    let names = |name: header::HeaderName, token: &str| {
        let values = parts.headers.get_all(name).iter().filter_map(|value| value.to_str().ok());
        values.flat_map(|value| value.split(',')).any(|value| value.trim().eq_ignore_ascii_case(token))
    };
    let is_asked = parts.method == Method::GET && names(header::CONNECTION, "upgrade");
    let has_body = parts.headers.get(header::CONTENT_LENGTH).is_some_and(|length| length != "0")
        || parts.headers.contains_key(header::TRANSFER_ENCODING);
    if !is_asked || has_body || !names(header::UPGRADE, "websocket") {
        return None;
    }
    // The server leaves it in each request of HTTP/1.1 whose connection can be upgraded.
    let upgrade = parts.extensions.remove::<OnUpgrade>()?;
    let (incoming, client) = oneshot::channel();
    Some((Wanted { upgrade, incoming }, RequestBody::stream(None, Incoming::Waits(client))))
}

/// Adds the headers of an answer that upgrades the connection.
pub(super) fn upgraded(headers: &mut HeaderMap) {
    headers.insert(header::CONNECTION, HeaderValue::from_static("upgrade"));
    headers.insert(header::UPGRADE, PROTOCOL);
    headers.remove(header::CONTENT_LENGTH);
}

impl Wanted {
    /// Passes the bytes of the provider and of the client on, after the client got its answer, until one of them or the
    /// server ends. The request has its places until then.
    pub(super) fn pass(self, answer: Response, passage: Passage, mut stream: OpenStream) {
        let passing = async move {
            let _passage = passage;
            // The selection drops the answer, which writes the end of the use, before the stream is dropped.
            tokio::select! {
                () = stream.ended() => tracing::debug!("a WebSocket at a door ends with the server"),
                () = self.passed(answer) => {}
            }
            drop(stream);
        };
        drop(Handle::current().spawn(passing));
    }

    async fn passed(self, mut answer: Response) {
        let Ok(client) = self.upgrade.await else { return };
        let (receiving, mut sending) = tokio::io::split(TokioIo::new(client));
        // Fails if the provider has closed the connection.
        drop(self.incoming.send(receiving));
        loop {
            match answer.chunk().await {
                Ok(Some(piece)) => {
                    if sending.write_all(&piece).await.is_err() || sending.flush().await.is_err() {
                        return;
                    }
                }
                Ok(None) => break,
                Err(error) => {
                    tracing::debug!(%error, code = error.code(), "a WebSocket at a door broke off");
                    return;
                }
            }
        }
        // The client may have closed the connection already.
        sending.shutdown().await.unwrap_or_default();
    }
}

/// The bytes that a client sends on its upgraded connection.
enum Incoming {
    /// The connection is not upgraded yet.
    Waits(oneshot::Receiver<ReadHalf<TokioIo<Upgraded>>>),
    Open(ReadHalf<TokioIo<Upgraded>>),
}

impl Stream for Incoming {
    type Item = io::Result<Vec<u8>>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<io::Result<Vec<u8>>>> {
        if let Self::Waits(waiting) = &mut *self {
            match ready!(Pin::new(waiting).poll(cx)) {
                Ok(client) => *self = Self::Open(client),
                // The client left before its connection was upgraded.
                Err(_) => return Poll::Ready(None),
            }
        }
        let Self::Open(client) = &mut *self else { return Poll::Ready(None) };
        let mut piece = vec![0; PIECE];
        let mut filled = ReadBuf::new(&mut piece);
        ready!(Pin::new(client).poll_read(cx, &mut filled))?;
        let length = filled.filled().len();
        piece.truncate(length);
        Poll::Ready((length > 0).then_some(Ok(piece)))
    }
}
