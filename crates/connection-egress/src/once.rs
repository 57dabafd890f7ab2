//! A request that must not be sent twice: whether any of it left is told for sure.
//!
//! The client takes the body when there is a connection, TLS and all, and before it writes the first byte. Whoever is first
//! decides, by one compare-and-exchange: a body that was taken may have been sent, and one that was given up is never
//! taken, also when the client comes for it a moment later. A redirect is an answer here: to follow one would send again,
//! and what fails there would hide that there was an answer.

use std::{
    fmt,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicU8, Ordering},
    },
    task::{Context, Poll},
    time::Duration,
};

use bytes::Bytes;
use connection_contract::{HttpError, HttpRequest, HttpResponse};
use http_body::{Body, Frame, SizeHint};

use super::{Egress, HttpClient, client::within};
use crate::clock::Clock;

/// How a request that is sent at most once has ended.
#[derive(Debug)]
#[expect(clippy::exhaustive_enums, reason = "who spends a secret decides on each")]
pub enum Once {
    /// With an answer, whatever its status.
    Answered(HttpResponse),
    /// No byte of it left.
    NotSent(HttpError),
    /// It may have arrived, and there is no whole answer.
    Lost,
}

impl HttpClient {
    /// Sends, and says for sure when nothing was sent. Its size is the policy's, and so is its time, of which it takes no more
    /// than `longest`; nothing leaves once the clock says that `until` has [passed](Clock::passed), whatever the process did
    /// meanwhile.
    pub async fn send_once(
        &self,
        egress: &Egress,
        request: HttpRequest,
        until: Option<Duration>,
        longest: Option<Duration>,
    ) -> Once {
        let taken = Taken::until(self.clock(), until);
        let (timeout, clock) = (self.policy().spending_deadline(longest), self.clock());
        let origin = egress.target(self.policy(), request.url()).map(|target| target.meant);
        let whole = within(&*clock, timeout, self.send_marked(egress, request, &taken)).await;
        if let Ok(origin) = origin {
            let answer = whole.as_ref().map(HttpResponse::status).map_err(|error| *error);
            self.note(egress, &origin, answer, timeout);
        }
        match whole {
            Ok(answer) => Once::Answered(answer),
            Err(error) if taken.give_up() => Once::NotSent(error),
            Err(error) => {
                tracing::debug!(%error, "sent, and not answered");
                Once::Lost
            }
        }
    }
}

const OPEN: u8 = 0;
const TAKEN: u8 = 1;
const GIVEN_UP: u8 = 2;

/// Whether the client has taken the body, or may not any more.
#[derive(Clone)]
pub(super) struct Taken {
    decided: Arc<AtomicU8>,
    clock: Arc<dyn Clock>,
    until: Option<Duration>,
}

impl Taken {
    /// What is not taken by then is not taken.
    pub(super) fn until(clock: Arc<dyn Clock>, until: Option<Duration>) -> Self {
        Self { decided: Arc::new(AtomicU8::new(OPEN)), clock, until }
    }

    /// Before the first byte leaves: `false` when nothing may leave any more.
    pub(super) fn take(&self) -> bool {
        let is_late = self.until.is_some_and(|until| self.clock.passed() >= until);
        self.decide(if is_late { GIVEN_UP } else { TAKEN }) && !is_late
    }

    /// Lets nothing leave: `false` when something may have left.
    pub(super) fn give_up(&self) -> bool {
        self.decide(GIVEN_UP)
    }

    fn is_given_up(&self) -> bool {
        self.decided.load(Ordering::Acquire) == GIVEN_UP
    }

    fn decide(&self, as_what: u8) -> bool {
        match self.decided.compare_exchange(OPEN, as_what, Ordering::AcqRel, Ordering::Acquire) {
            Ok(_) => true,
            Err(before) => before == as_what,
        }
    }
}

/// A body in one piece that notes when it is taken.
///
/// The client never reads a body of no bytes. It asks such a body whether it is at its end, though, when there is a
/// connection and before it writes the head, and only then how long it is: so that question takes an empty body, and one
/// that must not leave any more claims a byte, at which the client fails before anything is written.
pub(super) struct Marked {
    bytes: Option<Bytes>,
    taken: Taken,
}

impl Marked {
    pub(super) fn new(bytes: Vec<u8>, taken: Taken) -> Self {
        Self { bytes: Some(bytes.into()), taken }
    }

    fn is_empty(&self) -> bool {
        self.bytes.as_ref().is_some_and(Bytes::is_empty)
    }
}

/// It was given up, or came too late. The client closes the connection, and nothing of the request leaves.
#[derive(Debug)]
pub(super) struct GivenUp;

impl fmt::Display for GivenUp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the time to send was over")
    }
}

impl std::error::Error for GivenUp {}

impl Body for Marked {
    type Data = Bytes;
    type Error = GivenUp;

    fn poll_frame(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, GivenUp>>> {
        if !self.taken.take() {
            return Poll::Ready(Some(Err(GivenUp)));
        }
        Poll::Ready(self.bytes.take().map(|bytes| Ok(Frame::data(bytes))))
    }

    fn is_end_stream(&self) -> bool {
        if self.is_empty() {
            self.taken.take();
            // So that its length is asked for, which the client writes into the head.
            return false;
        }
        self.bytes.is_none()
    }

    fn size_hint(&self) -> SizeHint {
        let length = self.bytes.as_ref().map_or(0, |bytes| u64::try_from(bytes.len()).unwrap_or(u64::MAX));
        SizeHint::with_exact(if self.is_empty() && self.taken.is_given_up() { 1 } else { length })
    }
}
