//! Server-sent events: hints after which a client reads again. A hint that is lost costs nothing but time.

mod feed;

use std::{
    convert::Infallible,
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
use connection_contract::BoxFuture;
use connection_core::Clock;
use futures_core::Stream;
use tokio::sync::broadcast::Receiver;

use crate::{
    Api,
    caller::{Caller, ToRead},
    problem::Problem,
};

pub(crate) use feed::Feeds;

/// The time after which a comment keeps the connection open.
const KEEP_ALIVE: Duration = Duration::from_secs(15);

/// Streams hints about what changed, from all processes of the store.
#[utoipa::path(get, path = "/live", responses((status = 200, content_type = "text/event-stream", body = String)))]
pub(super) async fn live(State(api): State<Api>, caller: Caller<ToRead>) -> Result<Response, Problem> {
    let (feed, hears) = api.feeds.listen(&caller.registry, api.usage.changes()).await?;
    let clock = caller.registry.server().clock();
    let listener = Listener {
        is_new: true,
        next: next(hears),
        quiet: quiet(clock.clone()),
        clock,
        ended: api.options.live.ended(),
        _feed: feed,
    };
    let mut response = Body::from_stream(listener).into_response();
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("text/event-stream"));
    Ok(response)
}

/// The stream of one listener. It ends when the server stops, and when the listener has missed a hint: the client then
/// connects again, and reads everything again.
struct Listener {
    /// `true` until the comment is sent by which a client knows that it listens.
    is_new: bool,
    next: BoxFuture<'static, Option<(Bytes, Receiver<Bytes>)>>,
    clock: Arc<dyn Clock>,
    quiet: BoxFuture<'static, ()>,
    /// Resolves when the server stops.
    ended: BoxFuture<'static, ()>,
    _feed: Arc<feed::Feed>,
}

fn quiet(clock: Arc<dyn Clock>) -> BoxFuture<'static, ()> {
    Box::pin(async move { clock.sleep(KEEP_ALIVE).await })
}

/// Returns the next hint, or `None` if it was missed or there are no more.
fn next(mut hears: Receiver<Bytes>) -> BoxFuture<'static, Option<(Bytes, Receiver<Bytes>)>> {
    Box::pin(async move { hears.recv().await.ok().map(|hint| (hint, hears)) })
}

impl Stream for Listener {
    type Item = Result<Bytes, Infallible>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        if std::mem::take(&mut self.is_new) {
            return Poll::Ready(Some(Ok(Bytes::from_static(b": listening\n\n"))));
        }
        if self.ended.as_mut().poll(cx).is_ready() {
            return Poll::Ready(None);
        }
        if let Poll::Ready(hint) = self.next.as_mut().poll(cx) {
            let Some((hint, hears)) = hint else { return Poll::Ready(None) };
            self.next = next(hears);
            self.quiet = quiet(self.clock.clone());
            return Poll::Ready(Some(Ok(hint)));
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

#[cfg(test)]
mod tests {
    use tokio::sync::broadcast;

    use super::*;

    #[tokio::test]
    async fn a_listener_that_missed_a_hint_hears_no_more() {
        let (says, hears) = broadcast::channel(2);
        let late = says.subscribe();
        let hint = |text: &'static str| says.send(Bytes::from_static(text.as_bytes())).unwrap();
        hint("one");
        let (heard, hears) = next(hears).await.unwrap();
        assert_eq!(heard, "one");
        hint("two");
        hint("three");
        assert_eq!(next(hears).await.unwrap().0, "two");
        assert!(next(late).await.is_none());
    }
}
