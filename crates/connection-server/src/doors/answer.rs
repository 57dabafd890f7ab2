//! The body of an answer, which is passed on while it arrives.

use std::{
    fmt,
    pin::Pin,
    task::{Context, Poll, ready},
};

use axum::body::Body;
use bytes::Bytes;
use connection_contract::BoxFuture;
use connection_core::{Error, Response};
use http_body::Frame;

use super::places::Passage;

/// Returns the body of an answer. Its request has its places until the body ends or is dropped, and with the body, the
/// request ends at the provider.
pub(super) fn body(answer: Response, passage: Passage) -> Body {
    Body::new(Passing { next: Some(next(answer)), _passage: passage })
}

type Next = BoxFuture<'static, (Response, Result<Option<Vec<u8>>, Error>)>;

fn next(mut answer: Response) -> Next {
    Box::pin(async move {
        let piece = answer.chunk().await;
        (answer, piece)
    })
}

struct Passing {
    /// `None` after the end.
    next: Option<Next>,
    _passage: Passage,
}

impl http_body::Body for Passing {
    type Data = Bytes;
    type Error = BrokenOff;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, BrokenOff>>> {
        let Some(waiting) = &mut self.next else { return Poll::Ready(None) };
        let (answer, piece) = ready!(waiting.as_mut().poll(cx));
        self.next = None;
        Poll::Ready(match piece {
            Ok(Some(piece)) => {
                self.next = Some(next(answer));
                Some(Ok(Frame::data(piece.into())))
            }
            Ok(None) => None,
            Err(error) => {
                tracing::debug!(%error, code = error.code(), "an answer at a door broke off");
                Some(Err(BrokenOff))
            }
        })
    }
}

/// The answer broke off. The server then closes the connection, so that the client does not take a part for the whole.
#[derive(Clone, Copy, Debug)]
pub(super) struct BrokenOff;

impl fmt::Display for BrokenOff {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the answer of the provider broke off")
    }
}

impl std::error::Error for BrokenOff {}
