//! Server-sent events: hints after which a client reads again. A hint that is lost costs nothing but time.

use std::{
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};

use axum::{
    body::Body,
    extract::State,
    http::{HeaderValue, header},
    response::{IntoResponse as _, Response},
};
use bytes::Bytes;
use connection_agent::UsageChanges;
use connection_contract::BoxFuture;
use connection_core::{Clock, Error, Event, Watch};
use futures_core::Stream;

use crate::{
    Api,
    caller::{Caller, ToRead},
    problem::Problem,
};

/// The time after which a comment keeps the connection open.
const KEEP_ALIVE: Duration = Duration::from_secs(15);

/// The hints of one listener.
struct Hints {
    watch: Watch,
    clock: Arc<dyn Clock>,
    quiet: BoxFuture<'static, ()>,
    /// Resolves after a fetch of usage in this process.
    fetched: BoxFuture<'static, Option<UsageChanges>>,
    /// Resolves when the server stops.
    ended: BoxFuture<'static, ()>,
}

fn quiet(clock: Arc<dyn Clock>) -> BoxFuture<'static, ()> {
    Box::pin(async move { clock.sleep(KEEP_ALIVE).await })
}

fn fetched(mut changes: UsageChanges) -> BoxFuture<'static, Option<UsageChanges>> {
    Box::pin(async move { changes.changed().await.then_some(changes) })
}

/// Returns the name of the hint for an event.
fn name(event: &Event) -> &'static str {
    if event.name.starts_with("extension_") { "grant" } else { "connection" }
}

impl Stream for Hints {
    type Item = Result<Bytes, Error>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        if self.ended.as_mut().poll(cx).is_ready() {
            return Poll::Ready(None);
        }
        match Pin::new(&mut self.watch).poll_next(cx) {
            Poll::Ready(Some(Ok(event))) => {
                self.quiet = quiet(self.clock.clone());
                let text = format!("event: {}\ndata: {{\"id\":\"{}\"}}\n\n", name(&event), event.connection);
                return Poll::Ready(Some(Ok(text.into())));
            }
            Poll::Ready(Some(Err(error))) => return Poll::Ready(Some(Err(error))),
            Poll::Ready(None) => return Poll::Ready(None),
            Poll::Pending => {}
        }
        // The monitor lives as long as the routes.
        if let Poll::Ready(Some(changes)) = self.fetched.as_mut().poll(cx) {
            self.fetched = fetched(changes);
            return Poll::Ready(Some(Ok(Bytes::from_static(b"event: usage\ndata: {}\n\n"))));
        }
        match self.quiet.as_mut().poll(cx) {
            Poll::Ready(()) => {
                self.quiet = quiet(self.clock.clone());
                Poll::Ready(Some(Ok(Bytes::from_static(b": keep-alive\n\n"))))
            }
            Poll::Pending => Poll::Pending,
        }
    }
}

/// Streams hints about what changed, from all processes of the store.
#[utoipa::path(get, path = "/live", responses((status = 200, content_type = "text/event-stream", body = String)))]
pub(super) async fn live(State(api): State<Api>, caller: Caller<ToRead>) -> Result<Response, Problem> {
    let watch = caller.registry.events().watch().await?;
    let clock = caller.registry.server().clock();
    let fetched = fetched(api.usage.changes());
    let hints = Hints { watch, fetched, quiet: quiet(clock.clone()), clock, ended: api.options.live.ended() };
    let mut response = Body::from_stream(Opened { first: true, hints }).into_response();
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("text/event-stream"));
    Ok(response)
}

/// The stream with a comment at its beginning, by which a client knows that it listens.
struct Opened {
    first: bool,
    hints: Hints,
}

impl Stream for Opened {
    type Item = Result<Bytes, Error>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        if std::mem::take(&mut self.first) {
            return Poll::Ready(Some(Ok(Bytes::from_static(b": listening\n\n"))));
        }
        Pin::new(&mut self.hints).poll_next(cx)
    }
}
