//! A request that must not be sent twice: whether any of it left is told for sure.
//!
//! The client takes the body when there is a connection, TLS and all, and before it writes the first byte. So what fails
//! before the body was taken was not sent; all else may have been. A redirect is an answer here: to follow one would send
//! again, and what fails there would hide that there was an answer.

use std::{
    convert::Infallible,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    task::{Context, Poll},
};

use bytes::Bytes;
use connection_contract::{HttpError, HttpRequest, HttpResponse};
use http_body::{Body, Frame, SizeHint};

use super::{Egress, HttpClient, client::within};

/// How it ended.
#[derive(Debug)]
pub(crate) enum Once {
    /// With an answer, whatever its status.
    Answered(HttpResponse),
    /// No byte of it left.
    NotSent(HttpError),
    /// It may have arrived, and there is no whole answer.
    Lost,
}

impl HttpClient {
    /// Sends, and says for sure when nothing was sent. Its time and size are the policy's.
    pub(crate) async fn send_once(&self, egress: &Egress, request: HttpRequest) -> Once {
        let taken = Taken::default();
        let (timeout, clock) = self.timeout();
        let whole = within(clock, timeout, self.send_marked(egress, request, &taken)).await;
        match whole {
            Ok(answer) => Once::Answered(answer),
            Err(error) if !taken.get() => Once::NotSent(error),
            Err(error) => {
                tracing::debug!(%error, "sent, and not answered");
                Once::Lost
            }
        }
    }
}

/// Whether the client has taken the body.
#[derive(Clone, Debug, Default)]
pub(super) struct Taken(Arc<AtomicBool>);

impl Taken {
    pub(super) fn set(&self, taken: bool) {
        self.0.store(taken, Ordering::Release);
    }

    pub(super) fn get(&self) -> bool {
        self.0.load(Ordering::Acquire)
    }
}

/// A body in one piece that notes when it is taken.
pub(super) struct Marked {
    bytes: Option<Bytes>,
    taken: Taken,
}

impl Marked {
    pub(super) fn new(bytes: Vec<u8>, taken: Taken) -> Self {
        Self { bytes: Some(bytes.into()), taken }
    }
}

impl Body for Marked {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        self.taken.set(true);
        Poll::Ready(self.bytes.take().map(|bytes| Ok(Frame::data(bytes))))
    }

    fn is_end_stream(&self) -> bool {
        self.bytes.is_none()
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.bytes.as_ref().map_or(0, |bytes| u64::try_from(bytes.len()).unwrap_or(u64::MAX)))
    }
}
