//! Browsers that were sent on to the page which tells what came of a callback, and have not seen it yet.

use std::sync::Arc;

use axum::{
    extract::{Request, State},
    http::{StatusCode, header},
    middleware::Next,
    response::Response,
};
use tokio::sync::watch;

/// How many there are. A clone counts the same ones.
#[derive(Clone, Debug, Default)]
pub(super) struct Browsers(Arc<watch::Sender<Count>>);

#[derive(Clone, Copy, Debug, Default)]
struct Count {
    connected: usize,
    sent_on: usize,
}

/// A connection, until it is dropped.
pub(super) struct Connected(Browsers);

impl Browsers {
    pub(super) fn connected(&self) -> Connected {
        self.0.send_modify(|count| count.connected += 1);
        Connected(self.clone())
    }

    /// Resolves when each that was sent on has seen the page, and nobody is connected.
    pub(super) async fn gone(&self) {
        let mut counts = self.0.subscribe();
        // The sender is here, so that it does not fail.
        drop(counts.wait_for(|count| count.connected == 0 && count.sent_on == 0).await);
    }
}

impl Drop for Connected {
    fn drop(&mut self) {
        self.0.0.send_modify(|count| count.connected = count.connected.saturating_sub(1));
    }
}

/// Counts by what is answered.
pub(super) async fn counted(State(browsers): State<Browsers>, request: Request, next: Next) -> Response {
    let path = request.uri().path();
    let (tells, leads) = (path.ends_with("/done"), path.contains("/go/"));
    let response = next.run(request).await;
    let is_last = tells && !response.headers().contains_key(header::REFRESH);
    browsers.0.send_modify(|count| match response.status() {
        // One that is led to the provider comes back with a callback, or never.
        StatusCode::SEE_OTHER if leads => {}
        StatusCode::SEE_OTHER => count.sent_on += 1,
        StatusCode::OK if is_last => count.sent_on = count.sent_on.saturating_sub(1),
        _ => {}
    });
    response
}
