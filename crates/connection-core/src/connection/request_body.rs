//! The body of a request, which may be sent while it arrives. Its beginning is then kept, so that the request can be
//! sent again with another credential.

use std::{
    fmt,
    pin::Pin,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::{Context, Poll, Waker, ready},
};

use connection_contract::Secret;
use connection_egress::{BrokenBody, Pieces, SecretBuffer, StreamedBody};
use futures_core::Stream;

/// The number of bytes of a body that are kept while they pass. A longer body cannot be sent again.
pub(super) const KEPT: usize = 256 * 1024;

/// The body of a request for [`Connection::open`](crate::Connection::open).
pub struct RequestBody(Content);

/// The content of a body.
pub(super) enum Content {
    Whole(Secret),
    Stream(KeptBody),
}

impl RequestBody {
    /// Creates an empty body.
    pub fn empty() -> Self {
        Self::whole(Secret::default())
    }

    /// Creates a body that is already whole. It can be sent again whatever its size is.
    pub fn whole(body: impl Into<Secret>) -> Self {
        Self(Content::Whole(body.into()))
    }

    /// Creates a body whose pieces are sent while they arrive.
    ///
    /// If `length` is known, the body must have exactly that length. If the stream returns an error, the request ends
    /// without an answer; the error itself is dropped, since the caller knows it.
    pub fn stream<E>(length: Option<u64>, pieces: impl Stream<Item = Result<Vec<u8>, E>> + Send + 'static) -> Self {
        match length {
            Some(0) => Self::empty(),
            _ => Self(Content::Stream(KeptBody::new(length, Box::pin(Source(Box::pin(pieces)))))),
        }
    }

    pub(super) fn into_content(self) -> Content {
        self.0
    }
}

impl fmt::Debug for RequestBody {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Content::Whole(body) => write!(f, "RequestBody({} bytes)", body.expose().len()),
            Content::Stream(body) => match body.length {
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

/// A body of which the first [`KEPT`] bytes are kept while they pass.
pub(super) struct KeptBody {
    length: Option<u64>,
    state: Arc<Mutex<State>>,
}

struct State {
    source: Pin<Box<dyn Stream<Item = Result<Vec<u8>, BrokenBody>> + Send>>,
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
    fn new(length: Option<u64>, source: Pin<Box<dyn Stream<Item = Result<Vec<u8>, BrokenBody>> + Send>>) -> Self {
        let state = State {
            source,
            end: None,
            kept: Some(SecretBuffer::new(KEPT, length)),
            request: 0,
            is_held: false,
            waker: None,
        };
        Self { length, state: Arc::new(Mutex::new(state)) }
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
        let pieces = Passing { state: self.state.clone(), request: state.request, again };
        StreamedBody { length: self.length, pieces: Box::new(pieces) }
    }

    /// Returns `true` if everything that has passed was kept, so that another request can send it.
    pub(super) fn is_kept(&self) -> bool {
        lock(&self.state).kept.is_some()
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
