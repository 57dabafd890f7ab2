//! The body of a request that must not be sent twice, which says definitely whether anything was sent.
//!
//! The inner client takes the body after the connection (and TLS) is ready and before it writes the first byte. A
//! single compare-and-exchange decides between the client, which takes the body, and the caller, which gives it up. A
//! body that was taken may have been sent; a body that was given up is never taken, even if the client asks for it a
//! moment later.
//!
//! A redirect counts as an answer here. Following it would send the request again, and a failure there would hide that
//! an answer had arrived.

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
use http_body::{Body, Frame, SizeHint};

use crate::clock::Clock;

const OPEN: u8 = 0;
const TAKEN: u8 = 1;
const GIVEN_UP: u8 = 2;

/// The time, as the clock's [`passed`](Clock::passed), from which a request is no longer sent. It may move while the
/// request waits for its connection.
#[derive(Clone)]
pub struct SendUntil(Arc<dyn Fn() -> Duration + Send + Sync>);

impl SendUntil {
    /// Creates a time that is asked for whenever it is needed.
    pub fn new(at: impl Fn() -> Duration + Send + Sync + 'static) -> Self {
        Self(Arc::new(at))
    }

    /// Returns the time as it is now.
    pub fn at(&self) -> Duration {
        (self.0)()
    }
}

impl From<Duration> for SendUntil {
    fn from(at: Duration) -> Self {
        Self::new(move || at)
    }
}

impl fmt::Debug for SendUntil {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("SendUntil").field(&self.at()).finish()
    }
}

/// The decision between the client, which takes the body, and a caller that gives it up. Clones share it.
#[derive(Clone)]
pub(super) struct BodyDecision {
    decided: Arc<AtomicU8>,
    clock: Arc<dyn Clock>,
    until: Option<SendUntil>,
}

impl BodyDecision {
    /// Creates an open decision. From the time `until`, the body can no longer be taken.
    pub(super) fn until(clock: Arc<dyn Clock>, until: Option<SendUntil>) -> Self {
        Self { decided: Arc::new(AtomicU8::new(OPEN)), clock, until }
    }

    /// Takes the body before the first byte is sent. Returns `false` if nothing may be sent any longer.
    pub(super) fn take(&self) -> bool {
        let is_late = self.until.as_ref().is_some_and(|until| self.clock.passed() >= until.at());
        self.decide(if is_late { GIVEN_UP } else { TAKEN }) && !is_late
    }

    /// Prevents the body from being taken. Returns `false` if it may have been sent already.
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

/// A body in one piece that records when it is taken.
///
/// The client never reads an empty body. When the connection is ready, and before it writes the head, it asks an empty
/// body whether it has ended and then for its length. The first of these calls therefore takes an empty body. If that
/// body may no longer be sent, it claims a length of one byte, so that the client fails before it writes anything.
pub(super) struct TrackedBody {
    bytes: Option<Bytes>,
    taken: BodyDecision,
}

impl TrackedBody {
    pub(super) fn new(bytes: Vec<u8>, taken: BodyDecision) -> Self {
        Self { bytes: Some(bytes.into()), taken }
    }

    fn is_empty(&self) -> bool {
        self.bytes.as_ref().is_some_and(Bytes::is_empty)
    }
}

/// The error for a body that may no longer be taken. The client closes the connection and sends nothing.
#[derive(Debug)]
pub(super) struct GivenUp;

impl fmt::Display for GivenUp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the time limit for sending has passed")
    }
}

impl std::error::Error for GivenUp {}

impl Body for TrackedBody {
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
            // `false` makes the client ask for the length, which it writes into the head.
            return false;
        }
        self.bytes.is_none()
    }

    fn size_hint(&self) -> SizeHint {
        let length = self.bytes.as_ref().map_or(0, |bytes| u64::try_from(bytes.len()).unwrap_or(u64::MAX));
        SizeHint::with_exact(if self.is_empty() && self.taken.is_given_up() { 1 } else { length })
    }
}
