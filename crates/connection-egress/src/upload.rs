//! The body of a request that is sent in pieces, and the progress by which the time limits of such a request are
//! measured.
//!
//! The inner client takes a piece only when it has room for it, so no more than a few pieces are in memory.

use std::{
    fmt,
    future::poll_fn,
    io,
    pin::{Pin, pin},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::{Context, Poll, Waker},
    time::Duration,
};

use bytes::Bytes;
use connection_contract::{HttpError, Secret};
use http_body::{Body, Frame, SizeHint};
use tokio::io::{AsyncWrite, AsyncWriteExt as _};

use crate::{
    HttpPolicy,
    clock::{Clock, sleep_passed},
};

/// The size of the pieces in which a body is sent that was given whole.
const PIECE: usize = 64 * 1024;

/// The pieces of the body of a request, in their order.
pub trait Pieces: Send {
    /// Returns the next piece; `None` after the last one. After the end or an error, it is not called again.
    ///
    /// # Errors
    ///
    /// [`BrokenBody`] if the body breaks off before its end.
    fn poll_piece(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Vec<u8>, BrokenBody>>>;
}

/// The error for a body that breaks off before its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "it holds nothing")]
pub struct BrokenBody;

/// A body that is sent while it arrives.
#[expect(clippy::exhaustive_structs, reason = "a body has a length and content")]
pub struct StreamedBody {
    /// The length, if it is known. A body of another length is not sent to its end.
    pub length: Option<u64>,
    /// The content.
    pub pieces: Box<dyn Pieces>,
}

impl StreamedBody {
    /// Returns a body that is known as a whole, in pieces; `None` if it is empty.
    pub fn whole(body: Secret) -> Option<Self> {
        (!body.is_empty()).then(|| Whole::streamed(body))
    }
}

impl fmt::Debug for StreamedBody {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "StreamedBody({:?})", self.length)
    }
}

/// The reason why a body could not be sent to its end, although the provider would have taken it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "whoever gave the body is told each of them")]
pub enum BodyFault {
    /// The body broke off.
    Broken,
    /// The body is shorter or longer than it was said to be.
    Length,
    /// No piece of the body came in time.
    Quiet,
}

/// The reason why a request that is sent in pieces has no answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "the fault is either of the caller or of the way to the provider")]
pub enum NotAnswered {
    /// The body of the request could not be sent to its end.
    Body(BodyFault),
    /// The request is not allowed, or no answer arrived.
    Http(HttpError),
}

impl From<HttpError> for NotAnswered {
    fn from(error: HttpError) -> Self {
        Self::Http(error)
    }
}

/// What a request waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Awaited {
    /// The head of the answer.
    Head,
    /// The next piece of the answer's body.
    Piece,
}

/// What the body of a request waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    /// The network has to take what was given to it.
    Network,
    /// The source has to give the next piece.
    Source,
    /// The whole body was given to the network.
    Sent,
}

/// The progress of a request, shared by the task of the inner client, which sends the body, and the caller, which waits
/// for the answer.
pub(super) struct Progress {
    clock: Arc<dyn Clock>,
    first_byte: Duration,
    idle: Duration,
    state: Mutex<State>,
}

struct State {
    phase: Phase,
    /// The clock's `passed` when the request began or the last piece of its body was taken.
    moved_at: Duration,
    fault: Option<BodyFault>,
    /// Nobody waits for the answer any longer.
    is_abandoned: bool,
    waker: Option<Waker>,
}

impl Progress {
    /// Begins a request, which has a body unless `is_empty`.
    pub(super) fn begin(policy: &HttpPolicy, clock: &Arc<dyn Clock>, is_empty: bool) -> Arc<Self> {
        let state = State {
            phase: if is_empty { Phase::Sent } else { Phase::Network },
            moved_at: clock.passed(),
            fault: None,
            is_abandoned: false,
            waker: None,
        };
        Arc::new(Self {
            clock: Arc::clone(clock),
            first_byte: policy.first_byte,
            idle: policy.idle,
            state: Mutex::new(state),
        })
    }

    /// Returns the result of `work`, or [`HttpError::Timeout`] if the request makes no progress for too long.
    pub(super) async fn within<T>(
        &self,
        awaited: Awaited,
        work: impl Future<Output = Result<T, HttpError>>,
    ) -> Result<T, HttpError> {
        let began = self.clock.passed();
        let overdue = async {
            let left = || self.left(awaited, began);
            // The time that is left grows again when the body moves on.
            while !left().is_zero() {
                sleep_passed(&*self.clock, left).await;
            }
        };
        tokio::select! {
            biased;
            result = work => result,
            () = overdue => Err(HttpError::Timeout),
        }
    }

    /// Returns the time limit that applies now, for messages.
    pub(super) fn limit(&self, awaited: Awaited) -> Duration {
        match self.lock().phase {
            Phase::Sent if awaited == Awaited::Head => self.first_byte,
            _ => self.idle,
        }
    }

    fn left(&self, awaited: Awaited, began: Duration) -> Duration {
        let limit = self.limit(awaited);
        let moved_at = self.lock().moved_at.max(began);
        moved_at.saturating_add(limit).saturating_sub(self.clock.passed())
    }

    /// Returns the fault of the body that explains why a request has no answer, if there is one.
    pub(super) fn fault(&self, error: HttpError) -> Option<BodyFault> {
        let state = self.lock();
        let is_quiet = error == HttpError::Timeout && state.phase == Phase::Source;
        state.fault.or(is_quiet.then_some(BodyFault::Quiet))
    }

    /// Waits for the source on behalf of this task. Returns `false` if nobody waits for the answer any longer.
    fn poll_source(&self, cx: &Context<'_>) -> bool {
        self.lock().phase = Phase::Source;
        self.is_wanted(cx)
    }

    /// Returns `true` as long as somebody waits for the answer. This task is woken when that ends.
    fn is_wanted(&self, cx: &Context<'_>) -> bool {
        let mut state = self.lock();
        state.waker = Some(cx.waker().clone());
        !state.is_abandoned
    }

    /// Records that a piece was taken, or the end.
    fn took(&self, phase: Phase) {
        let mut state = self.lock();
        state.phase = phase;
        state.moved_at = self.clock.passed();
    }

    fn fail(&self, fault: BodyFault) -> Unsent {
        self.lock().fault = Some(fault);
        Unsent
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The interest of a caller in a request. When it is dropped, no further piece of the body is sent, even if the answer
/// was whole before the body.
pub(super) struct Interest(pub(super) Arc<Progress>);

impl Drop for Interest {
    fn drop(&mut self) {
        let waker = {
            let mut state = self.0.lock();
            state.is_abandoned = true;
            state.waker.take()
        };
        if let Some(waker) = waker {
            waker.wake();
        }
    }
}

/// A body as the inner client reads it.
pub(super) struct Upload {
    length: Option<u64>,
    passed: u64,
    is_ended: bool,
    /// The lock is never contended. It makes the body `Sync`, as the inner client requires.
    pieces: Mutex<Box<dyn Pieces>>,
    progress: Arc<Progress>,
}

impl Upload {
    pub(super) fn new(body: StreamedBody, progress: Arc<Progress>) -> Self {
        let StreamedBody { length, pieces } = body;
        Self { length, passed: 0, is_ended: false, pieces: Mutex::new(pieces), progress }
    }

    /// Writes the pieces to a connection while they arrive, and closes its sending half after the last one. The task stops
    /// if nobody waits for the answer any longer.
    pub(super) async fn write_to(mut self, mut connection: impl AsyncWrite + Unpin) {
        while let Some(Ok(piece)) = poll_fn(|cx| Pin::new(&mut self).poll_frame(cx)).await {
            let piece = piece.into_data().unwrap_or_default();
            let written = async {
                connection.write_all(&piece).await?;
                connection.flush().await
            };
            if self.while_wanted(written).await.is_err() {
                // A piece was written in part, so the sending half has no proper end.
                return;
            }
        }
        // The provider may have closed the connection already.
        self.while_wanted(connection.shutdown()).await.unwrap_or_default();
    }

    /// Writes as long as somebody waits for the answer: a provider that reads nothing must not hold the connection after
    /// the caller has left.
    async fn while_wanted(&self, written: impl Future<Output = io::Result<()>>) -> io::Result<()> {
        let mut written = pin!(written);
        poll_fn(|cx| match self.progress.is_wanted(cx) {
            true => written.as_mut().poll(cx),
            false => Poll::Ready(Err(io::ErrorKind::ConnectionAborted.into())),
        })
        .await
    }

    fn take(&mut self, piece: Vec<u8>) -> Result<Frame<Bytes>, Unsent> {
        self.passed = self.passed.saturating_add(u64::try_from(piece.len()).unwrap_or(u64::MAX));
        if self.length.is_some_and(|length| self.passed > length) {
            return Err(self.progress.fail(BodyFault::Length));
        }
        // The inner client asks for nothing after the announced length.
        self.is_ended = self.length == Some(self.passed);
        self.progress.took(if self.is_ended { Phase::Sent } else { Phase::Network });
        Ok(Frame::data(piece.into()))
    }

    fn end(&mut self) -> Option<Result<Frame<Bytes>, Unsent>> {
        self.is_ended = true;
        if self.length.is_some_and(|length| length != self.passed) {
            return Some(Err(self.progress.fail(BodyFault::Length)));
        }
        self.progress.took(Phase::Sent);
        None
    }
}

/// The error for a body that is not sent to its end. The inner client closes the connection.
#[derive(Debug)]
pub(super) struct Unsent;

impl fmt::Display for Unsent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the body of the request is not sent to its end")
    }
}

impl std::error::Error for Unsent {}

impl Body for Upload {
    type Data = Bytes;
    type Error = Unsent;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Unsent>>> {
        let this = &mut *self;
        if this.is_ended {
            return Poll::Ready(None);
        }
        if !this.progress.poll_source(cx) {
            return Poll::Ready(Some(Err(Unsent)));
        }
        let pieces = this.pieces.get_mut().unwrap_or_else(PoisonError::into_inner);
        match pieces.poll_piece(cx) {
            Poll::Pending => Poll::Pending,
            // An empty piece is no progress, and a source that gives many of them must not occupy the thread.
            Poll::Ready(Some(Ok(piece))) if piece.is_empty() => {
                cx.waker().wake_by_ref();
                Poll::Pending
            }
            Poll::Ready(Some(Ok(piece))) => Poll::Ready(Some(this.take(piece))),
            Poll::Ready(Some(Err(BrokenBody))) => Poll::Ready(Some(Err(this.progress.fail(BodyFault::Broken)))),
            Poll::Ready(None) => Poll::Ready(this.end()),
        }
    }

    fn is_end_stream(&self) -> bool {
        self.is_ended
    }

    fn size_hint(&self) -> SizeHint {
        self.length.map_or_else(SizeHint::default, |length| SizeHint::with_exact(length.saturating_sub(self.passed)))
    }
}

/// A body that was given whole, in pieces.
struct Whole {
    body: Secret,
    sent: usize,
}

impl Whole {
    fn streamed(body: Secret) -> StreamedBody {
        let length = u64::try_from(body.expose().len()).ok();
        StreamedBody { length, pieces: Box::new(Self { body, sent: 0 }) }
    }
}

impl Pieces for Whole {
    fn poll_piece(&mut self, _: &mut Context<'_>) -> Poll<Option<Result<Vec<u8>, BrokenBody>>> {
        let rest = self.body.expose().get(self.sent..).unwrap_or_default();
        let piece = rest.get(..PIECE).unwrap_or(rest);
        self.sent = self.sent.saturating_add(piece.len());
        Poll::Ready((!piece.is_empty()).then(|| Ok(piece.to_vec())))
    }
}
