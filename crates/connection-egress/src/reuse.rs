//! Whether a request was sent on a connection that was open before, and may be sent again for that.
//!
//! A server closes a connection that was idle for long enough, and the request that is sent just then gets no answer. A
//! client may send such a request again on a new connection if it only reads (RFC 9112, section 9.3.1).
//!
//! The HTTP library does not say whether a connection was reused. It repeats a request by itself only if no byte of it
//! was written, which it knows; in the race that matters here, the request was written, and the connection then ended.
//! Its error names the local address of that connection. Its connector is called within the future of the request that
//! needs a connection, so that a request whose connection was not made in its own future was sent on one that another
//! request had left, or had begun to make.
//!
//! The library reports a connection that ended before an answer and one that ended within its head as the same error.
//! The request is repeated after both; nothing of such an answer has reached a caller.

use std::{
    future::Future,
    net::SocketAddr,
    pin::Pin,
    sync::{Arc, Mutex, PoisonError},
    task::{Context, Poll},
};

use hyper_util::client::legacy::{
    Error,
    connect::{Connected, Connection, HttpInfo},
};
use tower::{Layer, Service};

use crate::failure;

/// The local addresses of the connections that were made for one request. Usually there is one, or none.
#[derive(Clone, Debug, Default)]
pub(super) struct Made(Arc<Mutex<Vec<SocketAddr>>>);

impl Made {
    fn note(&self, connected: &Connected) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).extend(local_address(connected));
    }

    /// Returns `true` if a connection that was not made for the request ended before an answer came. A request that was
    /// answered with something else than HTTP, or that took too long, is not meant.
    pub(super) fn was_outlived(&self, error: &reqwest::Error) -> bool {
        if error.is_timeout() || error.is_connect() || !failure::causes(error).any(failure::is_end) {
            return false;
        }
        let on = failure::causes(error).find_map(|cause| cause.downcast_ref::<Error>()?.connect_info());
        let made = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        on.and_then(local_address).is_some_and(|address| !made.contains(&address))
    }
}

tokio::task_local! {
    /// The connections of the request of this task.
    static MADE: Made;
}

/// Sends a request, and returns the connections that were made for it, too.
pub(super) async fn sent<T>(send: impl Future<Output = T>) -> (T, Made) {
    let made = Made::default();
    (MADE.scope(made.clone(), send).await, made)
}

fn local_address(connected: &Connected) -> Option<SocketAddr> {
    let mut extras = Default::default();
    connected.get_extras(&mut extras);
    extras.get::<HttpInfo>().map(HttpInfo::local_addr)
}

/// Notes the connections that are made.
#[derive(Clone, Copy, Debug)]
pub(super) struct NotesConnections;

impl<S> Layer<S> for NotesConnections {
    type Service = Connector<S>;

    fn layer(&self, inner: S) -> Connector<S> {
        Connector(inner)
    }
}

/// A connector that notes for which request it made a connection.
#[derive(Clone, Debug)]
pub(super) struct Connector<S>(S);

impl<S, R> Service<R> for Connector<S>
where
    S: Service<R>,
    S::Future: Send + 'static,
    S::Response: Connection,
{
    type Response = S::Response;
    type Error = S::Error;
    type Future = Pin<Box<dyn Future<Output = Result<S::Response, S::Error>> + Send>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.0.poll_ready(context)
    }

    fn call(&mut self, request: R) -> Self::Future {
        // Another task ends what was begun here if the request meanwhile got another connection.
        let made = MADE.try_with(Clone::clone).ok();
        let connecting = self.0.call(request);
        Box::pin(async move {
            let connection = connecting.await?;
            if let Some(made) = made {
                made.note(&connection.connected());
            }
            Ok(connection)
        })
    }
}
