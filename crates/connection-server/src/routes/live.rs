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
use connection_core::{Clock, Error, Event, Hint, Hints, Watch};
use futures_core::Stream;

use crate::{
    Api,
    caller::{Caller, ToRead},
    problem::Problem,
};

/// The time after which a comment keeps the connection open.
const KEEP_ALIVE: Duration = Duration::from_secs(15);

/// The hints of one listener.
struct Sources {
    watch: Watch,
    hints: Hints,
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

/// Returns the text of a hint: its name, and the id of what changed.
fn text(name: &'static str, id: &str) -> Bytes {
    // A text is always JSON.
    let id = serde_json::to_string(id).unwrap_or_default();
    format!("event: {name}\ndata: {{\"id\":{id}}}\n\n").into()
}

fn of_event(event: &Event) -> Bytes {
    let name = if event.name.starts_with("extension_") { "grant" } else { "connection" };
    text(name, &event.connection.to_string())
}

/// Returns the text of a hint; `None` for one that this version does not know.
fn of_hint(hint: &Hint) -> Option<Bytes> {
    Some(match hint {
        Hint::Extension(name) => text("extension", name),
        Hint::Setup(id) => text("setup", &id.to_string()),
        Hint::Usage(id) => text("usage", &id.to_string()),
        _ => return None,
    })
}

impl Stream for Sources {
    type Item = Result<Bytes, Error>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        if self.ended.as_mut().poll(cx).is_ready() {
            return Poll::Ready(None);
        }
        match Pin::new(&mut self.watch).poll_next(cx) {
            Poll::Ready(Some(Ok(event))) => {
                self.quiet = quiet(self.clock.clone());
                return Poll::Ready(Some(Ok(of_event(&event))));
            }
            Poll::Ready(Some(Err(error))) => return Poll::Ready(Some(Err(error))),
            Poll::Ready(None) => return Poll::Ready(None),
            Poll::Pending => {}
        }
        while let Poll::Ready(hint) = Pin::new(&mut self.hints).poll_next(cx) {
            match hint {
                Some(Ok(hint)) => {
                    let Some(text) = of_hint(&hint) else { continue };
                    self.quiet = quiet(self.clock.clone());
                    return Poll::Ready(Some(Ok(text)));
                }
                Some(Err(error)) => return Poll::Ready(Some(Err(error))),
                None => return Poll::Ready(None),
            }
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
    let hints = caller.registry.events().hints().await?;
    let clock = caller.registry.server().clock();
    let fetched = fetched(api.usage.changes());
    let ended = api.options.live.ended();
    let sources = Sources { watch, hints, fetched, quiet: quiet(clock.clone()), clock, ended };
    let mut response = Body::from_stream(Opened { first: true, sources }).into_response();
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("text/event-stream"));
    Ok(response)
}

/// The stream with a comment at its beginning, by which a client knows that it listens.
struct Opened {
    first: bool,
    sources: Sources,
}

impl Stream for Opened {
    type Item = Result<Bytes, Error>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        if std::mem::take(&mut self.first) {
            return Poll::Ready(Some(Ok(Bytes::from_static(b": listening\n\n"))));
        }
        Pin::new(&mut self.sources).poll_next(cx)
    }
}
