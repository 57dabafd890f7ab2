//! The place of a request among those that are answered at once. A request has it while the server works for it, and
//! gives it up while it waits for its client, for a change or for a provider.

use std::{
    fmt,
    pin::Pin,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::{Context, Poll, ready},
};

use axum::body::{Bytes, HttpBody};
use connection_contract::BoxFuture;
use hyper::body::{Frame, SizeHint};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::capacity::{Activity, Asks, WaitsFor};

/// The place of one request. Clones share it.
#[derive(Clone)]
pub(crate) struct Place(Arc<Shared>);

struct Shared {
    asks: Asks,
    places: Arc<Semaphore>,
    held: Mutex<Held>,
}

#[derive(Default)]
struct Held {
    permit: Option<OwnedSemaphorePermit>,
    /// `true` after the request was answered. It takes no place any longer.
    is_over: bool,
}

impl fmt::Debug for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Place").field(&self.0.asks).finish()
    }
}

impl Place {
    pub(super) fn new(asks: Asks, places: Arc<Semaphore>) -> Self {
        Self(Arc::new(Shared { asks, places, held: Mutex::default() }))
    }

    pub(super) fn asks(&self) -> &Asks {
        &self.0.asks
    }

    /// Waits for a place, unless the request has one or was answered.
    pub(super) fn take(&self) -> BoxFuture<'static, ()> {
        let own = self.clone();
        Box::pin(async move {
            if own.has_permit() || own.lock().is_over {
                return;
            }
            // The semaphore is never closed.
            let permit = own.0.places.clone().acquire_owned().await.ok();
            let mut held = own.lock();
            if !held.is_over {
                held.permit = permit;
                own.0.asks.begin(Activity::IsAnswered);
            }
        })
    }

    /// Gives the place up while the client of the request has to send something.
    fn wait_for_client(&self) {
        let mut held = self.lock();
        if held.permit.take().is_some() {
            self.0.asks.begin(Activity::Waits);
        }
    }

    /// Gives the place up while the request waits. Returns `false` if too many requests wait.
    fn wait_for(&self, what: WaitsFor) -> bool {
        let mut held = self.lock();
        let waits = !held.is_over && self.0.asks.wait(what);
        if waits {
            held.permit = None;
        }
        waits
    }

    /// Gives the place up for good, because a door passes the request on. Returns `false` if too many are passed on.
    fn pass_through_door(&self) -> bool {
        let mut held = self.lock();
        let passes = !held.is_over && self.0.asks.pass_door();
        if passes {
            *held = Held { permit: None, is_over: true };
        }
        passes
    }

    /// Gives the place up for good.
    pub(super) fn end(&self) {
        let mut held = self.lock();
        *held = Held { permit: None, is_over: true };
        self.0.asks.begin(Activity::Waits);
    }

    /// Returns `true` if the request takes a place again after its body has arrived.
    fn needs_permit(&self) -> bool {
        let held = self.lock();
        held.permit.is_none() && !held.is_over
    }

    fn has_permit(&self) -> bool {
        self.lock().permit.is_some()
    }

    /// Locks the state. No code under the lock leaves it inconsistent, so a poisoned lock is still good.
    fn lock(&self) -> MutexGuard<'_, Held> {
        self.0.held.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The place of a request, which its handler may change. It is an extension of each request of a
/// [`Server`](crate::Server).
#[derive(Clone, Debug)]
pub struct RequestPlace(Place);

impl RequestPlace {
    pub(super) fn new(place: Place) -> Self {
        Self(place)
    }

    /// Makes the connection a stream of events until it ends. Returns `false` if the server has as many streams as it
    /// may have.
    ///
    /// The server does this itself for each answer of the type `text/event-stream`, and then refuses it in plain text. A
    /// handler that calls this before it answers can refuse in its own form.
    pub fn stream(&self) -> bool {
        self.0.asks().stream()
    }

    /// Gives the place up for good, for a request that is passed on to a provider together with its body, and whose answer
    /// is passed on as it arrives. The request then has no limit of time, the server counts no bytes of its body, and the
    /// connection is kept for the next request. Returns `None` if as many requests are passed on as may, which are 256.
    pub fn pass_door(&self) -> Option<PassedRequest> {
        self.0.pass_through_door().then(|| PassedRequest(self.0.clone()))
    }

    /// Gives the place up while the request waits for a change. Returns `None` if as many requests wait as may.
    pub fn wait(&self) -> Option<WaitingRequest> {
        self.0.wait_for(WaitsFor::Change).then(|| WaitingRequest(self.0.clone()))
    }

    /// Gives the place up while the request waits for a provider, which may be slow. Returns `None` if as many requests
    /// wait for providers as may.
    ///
    /// The server bounds their number alone. A handler that knows the owner and the provider of a request bounds the
    /// share of each.
    pub fn wait_for_provider(&self) -> Option<WaitingRequest> {
        self.0.wait_for(WaitsFor::Provider).then(|| WaitingRequest(self.0.clone()))
    }
}

/// An extension of each request that arrived at a Unix socket. Such a request may name any host: a browser connects to no
/// Unix socket by itself, and a program that passes a port on to the socket gives it a name of its own.
///
/// ```
/// use axum::extract::Request;
/// use connection_inbound::ArrivedAtSocket;
///
/// fn is_at_socket(request: &Request) -> bool {
///     request.extensions().get::<ArrivedAtSocket>().is_some()
/// }
/// # assert!(!is_at_socket(&Request::default()));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ArrivedAtSocket;

/// A request that waits for a change or for a provider. After [`end`](Self::end), it has a place again.
#[derive(Debug)]
#[must_use = "a request that no longer waits needs a place"]
pub struct WaitingRequest(Place);

impl WaitingRequest {
    /// Waits until the request may be answered.
    pub fn end(self) -> BoxFuture<'static, ()> {
        self.0.take()
    }
}

impl Drop for WaitingRequest {
    fn drop(&mut self) {
        // After the end, the request has its place again, and this changes nothing.
        if !self.0.has_permit() {
            self.0.asks().begin(Activity::IsAnswered);
        }
    }
}

/// A request that a door passes on. The handler keeps it with the body of the answer, and drops it with the body.
///
/// ```
/// use axum::{body::Body, response::Response};
/// use connection_inbound::RequestPlace;
///
/// /// Passes a request on, and returns the answer with an empty body, or nothing without a place.
/// fn passed(place: &RequestPlace) -> Option<Response> {
///     let mut response = Response::new(Body::empty());
///     response.extensions_mut().insert(std::sync::Arc::new(place.pass_door()?));
///     Some(response)
/// }
/// # let _ = passed;
/// ```
#[derive(Debug)]
#[must_use = "a request that is passed on lasts until its answer has ended"]
pub struct PassedRequest(Place);

impl Drop for PassedRequest {
    fn drop(&mut self) {
        self.0.asks().end_door();
    }
}

/// The body of a request, which gives up the place of the request until all of it has arrived.
pub(crate) struct TrackedBody<B> {
    body: B,
    place: Place,
    /// The place that is taken again after the end of the body.
    again: Option<BoxFuture<'static, ()>>,
    has_ended: bool,
}

impl<B> TrackedBody<B> {
    pub(super) fn new(body: B, place: Place) -> Self {
        Self { body, place, again: None, has_ended: false }
    }
}

impl<B: HttpBody<Data = Bytes> + Unpin> HttpBody for TrackedBody<B> {
    type Data = Bytes;
    type Error = B::Error;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, B::Error>>> {
        let this = &mut *self;
        while !this.has_ended {
            match Pin::new(&mut this.body).poll_frame(cx) {
                Poll::Pending => {
                    this.place.wait_for_client();
                    return Poll::Pending;
                }
                Poll::Ready(None) => this.has_ended = true,
                Poll::Ready(Some(frame)) => {
                    if let Ok(data) = frame.as_ref().map(|frame| frame.data_ref().map_or(0, Bytes::len)) {
                        this.place.asks().read(data);
                    }
                    return Poll::Ready(Some(frame));
                }
            }
        }
        let place = &this.place;
        ready!(this.again.get_or_insert_with(|| place.take()).as_mut().poll(cx));
        this.place.asks().end_body();
        Poll::Ready(None)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream() && !self.place.needs_permit()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

impl<B> Drop for TrackedBody<B> {
    fn drop(&mut self) {
        self.place.asks().end_body();
    }
}
