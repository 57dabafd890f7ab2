//! The body of a request, which may be sent while it arrives. Its beginning is then kept, so that the request can be
//! sent again with another credential.

use std::{
    fmt,
    future::poll_fn,
    pin::Pin,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    task::{Context, Poll, Waker, ready},
    time::Duration,
};

use connection_contract::Secret;
use connection_egress::{BodyFault, BrokenBody, Clock, Pieces, SecretBuffer, StreamedBody};
use futures_core::Stream;

/// The number of bytes of a body that are kept while they pass. A longer body cannot be sent again.
pub(super) const KEPT: usize = 256 * 1024;

/// The body of a request for [`Connection::open`](crate::Connection::open).
pub struct RequestBody(Arrived);

/// A body as the caller gave it.
enum Arrived {
    Whole(Secret),
    Stream { length: Option<u64>, source: PieceStream },
}

type PieceStream = Pin<Box<dyn Stream<Item = Result<Vec<u8>, BrokenBody>> + Send>>;

/// The content of a body.
pub(super) enum Content {
    Whole(Secret),
    Stream(KeptBody),
}

/// A body of which as much was read as a decision needs.
pub(crate) enum ReadBody {
    /// The whole body.
    Whole(Vec<u8>),
    /// A body that is longer than the limit, none of which is missing.
    Longer(RequestBody),
}

impl RequestBody {
    /// Creates an empty body.
    pub fn empty() -> Self {
        Self::whole(Secret::default())
    }

    /// Creates a body that is already whole. It can be sent again whatever its size is.
    pub fn whole(body: impl Into<Secret>) -> Self {
        Self(Arrived::Whole(body.into()))
    }

    /// Creates a body whose pieces are sent while they arrive.
    ///
    /// If `length` is known, the body must have exactly that length. If the stream returns an error, the request ends
    /// without an answer; the error itself is dropped, since the caller knows it.
    pub fn stream<E>(length: Option<u64>, pieces: impl Stream<Item = Result<Vec<u8>, E>> + Send + 'static) -> Self {
        match length {
            Some(0) => Self::empty(),
            _ => Self(Arrived::Stream { length, source: Box::pin(Source(Box::pin(pieces))) }),
        }
    }

    /// Returns the length, if it is known.
    pub(crate) fn length(&self) -> Option<u64> {
        match &self.0 {
            Arrived::Whole(body) => Some(body.expose().len() as u64),
            Arrived::Stream { length, .. } => *length,
        }
    }

    /// Returns `true` if the body arrives in pieces.
    pub(crate) fn is_stream(&self) -> bool {
        matches!(self.0, Arrived::Stream { .. })
    }

    /// Reads the whole body, if it has at most this number of bytes. A piece may take the time `idle`.
    ///
    /// # Errors
    ///
    /// The body breaks off or makes no progress.
    pub(crate) async fn read_within(
        self,
        limit: u64,
        clock: &dyn Clock,
        idle: Duration,
    ) -> Result<ReadBody, BodyFault> {
        if self.length().is_some_and(|length| length > limit) {
            return Ok(ReadBody::Longer(self));
        }
        let (length, mut source) = match self.0 {
            Arrived::Whole(body) => return Ok(ReadBody::Whole(body.expose().to_vec())),
            Arrived::Stream { length, source } => (length, source),
        };
        let mut first = Vec::new();
        while first.len() as u64 <= limit {
            let piece = tokio::select! {
                biased;
                piece = poll_fn(|cx| source.as_mut().poll_next(cx)) => piece,
                () = clock.sleep(idle) => return Err(BodyFault::Quiet),
            };
            match piece.transpose().map_err(|BrokenBody| BodyFault::Broken)? {
                Some(piece) => first.extend(piece),
                None => return Ok(ReadBody::Whole(first)),
            }
        }
        let source = Box::pin(Rejoined { first: Some(first), rest: source });
        Ok(ReadBody::Longer(Self(Arrived::Stream { length, source })))
    }

    pub(super) fn into_content(self) -> Content {
        match self.0 {
            Arrived::Whole(body) => Content::Whole(body),
            Arrived::Stream { length, source } => Content::Stream(KeptBody::new(length, source)),
        }
    }
}

impl fmt::Debug for RequestBody {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Arrived::Whole(body) => write!(f, "RequestBody({} bytes)", body.expose().len()),
            Arrived::Stream { length, .. } => match length {
                Some(length) => write!(f, "RequestBody(stream of {length} bytes)"),
                None => f.write_str("RequestBody(stream)"),
            },
        }
    }
}

/// A stream without its errors.
struct Source<S>(Pin<Box<S>>);

impl<S: Stream<Item = Result<Vec<u8>, E>>, E> Stream for Source<S> {
    type Item = Result<Vec<u8>, BrokenBody>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.0.as_mut().poll_next(cx).map(|piece| piece.map(|piece| piece.map_err(|_| BrokenBody)))
    }
}

/// A stream whose first pieces were read already.
struct Rejoined {
    first: Option<Vec<u8>>,
    rest: PieceStream,
}

impl Stream for Rejoined {
    type Item = Result<Vec<u8>, BrokenBody>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        match self.first.take() {
            Some(first) => Poll::Ready(Some(Ok(first))),
            None => self.rest.as_mut().poll_next(cx),
        }
    }
}

/// A body of which the first [`KEPT`] bytes are kept while they pass.
pub(super) struct KeptBody {
    length: Option<u64>,
    /// The number of bytes of the source that have passed.
    passed: Arc<AtomicU64>,
    state: Arc<Mutex<State>>,
}

struct State {
    source: PieceStream,
    /// The end of the source. It is not polled after it.
    end: Option<Result<(), BrokenBody>>,
    /// The bytes that have passed; `None` if they were too many.
    kept: Option<SecretBuffer>,
    /// The number of the request that sends the body.
    request: usize,
    is_held: bool,
    waker: Option<Waker>,
}

impl KeptBody {
    fn new(length: Option<u64>, source: PieceStream) -> Self {
        let state = State {
            source,
            end: None,
            kept: Some(SecretBuffer::new(KEPT, length)),
            request: 0,
            is_held: false,
            waker: None,
        };
        Self { length, passed: Arc::default(), state: Arc::new(Mutex::new(state)) }
    }

    /// Returns the counter of the bytes that have passed.
    pub(super) fn passed(&self) -> Arc<AtomicU64> {
        self.passed.clone()
    }

    /// Returns the length, if it is known.
    pub(super) fn length(&self) -> Option<u64> {
        self.length
    }

    /// Returns the body for the next request: what was kept, and then the rest. The former request gets no more of it.
    pub(super) fn next_request(&self) -> StreamedBody {
        let mut state = lock(&self.state);
        state.request += 1;
        state.is_held = false;
        let again = state.kept.as_ref().map(|kept| kept.expose().to_vec()).unwrap_or_default();
        let (passed, request) = (self.passed.clone(), state.request);
        let pieces = Passing { state: self.state.clone(), passed, request, again };
        StreamedBody { length: self.length, pieces: Box::new(pieces) }
    }

    /// Returns `true` if everything that has passed was kept, so that another request can send it.
    pub(super) fn is_kept(&self) -> bool {
        lock(&self.state).kept.is_some()
    }

    /// Keeps nothing of what passes, because no other request will send it.
    pub(super) fn forget(&self) {
        lock(&self.state).kept = None;
    }

    /// Lets nothing pass until [`release`](Self::release) is called, so that what was kept stays whole.
    pub(super) fn hold(&self) {
        lock(&self.state).is_held = true;
    }

    /// Lets the rest pass.
    pub(super) fn release(&self) {
        let waker = {
            let mut state = lock(&self.state);
            state.is_held = false;
            state.waker.take()
        };
        if let Some(waker) = waker {
            waker.wake();
        }
    }
}

fn lock(state: &Mutex<State>) -> MutexGuard<'_, State> {
    state.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A body on its way into one request.
struct Passing {
    state: Arc<Mutex<State>>,
    passed: Arc<AtomicU64>,
    request: usize,
    /// The bytes that an earlier request has sent already.
    again: Vec<u8>,
}

impl Pieces for Passing {
    fn poll_piece(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Vec<u8>, BrokenBody>>> {
        let mut guard = lock(&self.state);
        let state = &mut *guard;
        if state.request != self.request {
            return Poll::Ready(Some(Err(BrokenBody)));
        }
        if state.is_held {
            state.waker = Some(cx.waker().clone());
            return Poll::Pending;
        }
        if !self.again.is_empty() {
            return Poll::Ready(Some(Ok(std::mem::take(&mut self.again))));
        }
        if let Some(end) = state.end {
            return Poll::Ready(end.err().map(Err));
        }
        let next = ready!(state.source.as_mut().poll_next(cx));
        match &next {
            Some(Ok(piece)) => {
                self.passed.fetch_add(piece.len() as u64, Ordering::Relaxed);
                if state.kept.as_mut().is_some_and(|kept| kept.push(piece).is_err()) {
                    state.kept = None;
                }
            }
            Some(Err(broken)) => state.end = Some(Err(*broken)),
            None => state.end = Some(Ok(())),
        }
        Poll::Ready(next)
    }
}
