//! The browsers that were redirected to the page with a callback's result and have not loaded it yet.

use std::sync::Arc;

use axum::{
    extract::{Request, State},
    http::{StatusCode, header},
    middleware::Next,
    response::Response,
};
use tokio::sync::watch;

/// The number of such browsers. Clones share the count.
#[derive(Clone, Debug, Default)]
pub(super) struct Browsers(Arc<watch::Sender<Count>>);

#[derive(Clone, Copy, Debug, Default)]
struct Count {
    connected: usize,
    sent_on: usize,
}

/// A counted connection, until it is dropped.
pub(super) struct Connected(Browsers);

impl Browsers {
    pub(super) fn connected(&self) -> Connected {
        self.0.send_modify(|count| count.connected += 1);
        Connected(self.clone())
    }

    /// Resolves when every redirected browser has loaded the page and no connection is open.
    pub(super) async fn gone(&self) {
        let mut counts = self.0.subscribe();
        // This does not fail, because `self` holds the sender.
        drop(counts.wait_for(|count| count.connected == 0 && count.sent_on == 0).await);
    }
}

impl Drop for Connected {
    fn drop(&mut self) {
        self.0.0.send_modify(|count| count.connected = count.connected.saturating_sub(1));
    }
}

/// Updates the count according to the response.
pub(super) async fn counted(State(browsers): State<Browsers>, request: Request, next: Next) -> Response {
    let path = request.uri().path();
    let tells = path.ends_with("/done");
    let leads = path.contains("/go/");
    let response = next.run(request).await;
    let is_last = tells && !response.headers().contains_key(header::REFRESH);
    browsers.0.send_modify(|count| match response.status() {
        // A browser that is redirected to the provider returns with a callback or not at all.
        StatusCode::SEE_OTHER if leads => {}
        StatusCode::SEE_OTHER => count.sent_on += 1,
        StatusCode::OK if is_last => count.sent_on = count.sent_on.saturating_sub(1),
        _ => {}
    });
    response
}
