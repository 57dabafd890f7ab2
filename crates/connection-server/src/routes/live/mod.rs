//! Server-sent events: hints after which a client reads again. A hint that is lost costs nothing but time.

mod feed;
mod own;
mod streams;

use std::{
    convert::Infallible,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};

use axum::{
    body::Body,
    extract::{Extension, FromRequestParts, State},
    http::{HeaderValue, header, request::Parts},
    response::{IntoResponse as _, Response},
};
use bytes::Bytes;
use connection_contract::BoxFuture;
use connection_core::{Clock, ConnectionRegistry};
use connection_inbound::RequestPlace;
use futures_core::Stream;
use tokio::sync::broadcast::Receiver;

use crate::{
    Api,
    caller::{AnyCaller, Caller, ToRead},
    problem::Problem,
};

use feed::Change;

pub(crate) use feed::Feeds;
pub(crate) use streams::Streams;

/// The time after which a comment keeps the connection open.
const KEEP_ALIVE: Duration = Duration::from_secs(15);

/// A caller with the role to read, or with the token of an extension, which is told only of what concerns it.
pub(super) struct ToListen {
    caller: Caller<ToRead>,
    extension: Option<String>,
}

impl FromRequestParts<Api> for ToListen {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, api: &Api) -> Result<Self, Problem> {
        let AnyCaller(token) = AnyCaller::from_request_parts(parts, api).await?;
        let extension = token.extension.clone();
        Ok(Self { caller: Caller::of(token, parts, api)?, extension })
    }
}

/// Streams hints about what changed, from all processes of the store. An extension is told of its preferences
/// (`extension`), of its grant and the connection that it would use (`grant`), and of the setups of its hand-off (`setup`).
#[utoipa::path(get, path = "/live", responses((status = 200, content_type = "text/event-stream", body = String)))]
pub(super) async fn live(
    State(api): State<Api>,
    ToListen { caller, extension }: ToListen,
    place: Option<Extension<RequestPlace>>,
) -> Result<Response, Problem> {
    let clock = caller.registry.clock();
    let token = api.streams.open(caller.token.id, clock.now()).map_err(Problem::too_many_streams)?;
    let (feed, hears) = api.feeds.listen(&caller.registry, extension.as_deref(), api.usage.changes()).await?;
    if place.is_some_and(|place| !place.stream()) {
        return Err(Problem::streams_taken());
    }
    let listener = Listener {
        is_new: true,
        next: next(hears),
        checking: None,
        token,
        registry: caller.registry,
        quiet: quiet(clock.clone()),
        clock,
        ended: api.options.live.ended(),
        _feed: feed,
    };
    let mut response = Body::from_stream(listener).into_response();
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("text/event-stream"));
    Ok(response)
}

/// The stream of one listener. It ends when the server stops, when the token of the listener is no longer accepted, and
/// when the listener has missed a hint: the client then connects again, and reads everything again.
struct Listener {
    /// `true` until the comment is sent by which a client knows that it listens.
    is_new: bool,
    next: BoxFuture<'static, Option<(Change, Receiver<Change>)>>,
    /// The text that is sent next, and the check of the token that comes first.
    checking: Option<(Bytes, BoxFuture<'static, bool>)>,
    token: Arc<streams::TokenStreams>,
    registry: ConnectionRegistry,
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
fn next(mut hears: Receiver<Change>) -> BoxFuture<'static, Option<(Change, Receiver<Change>)>> {
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
        let this = &mut *self;
        let (text, mut check) = match this.checking.take() {
            Some(checking) => checking,
            None => {
                let text = match this.next.as_mut().poll(cx) {
                    Poll::Ready(None) => return Poll::Ready(None),
                    Poll::Ready(Some((hint, hears))) => {
                        this.next = next(hears);
                        hint.text()
                    }
                    Poll::Pending => match this.quiet.as_mut().poll(cx) {
                        Poll::Ready(()) => Bytes::from_static(b": keep-alive\n\n"),
                        Poll::Pending => return Poll::Pending,
                    },
                };
                this.quiet = quiet(this.clock.clone());
                (text, this.token.clone().is_accepted(this.registry.clone()))
            }
        };
        match check.as_mut().poll(cx) {
            Poll::Ready(is_accepted) => Poll::Ready(is_accepted.then_some(Ok(text))),
            Poll::Pending => {
                this.checking = Some((text, check));
                Poll::Pending
            }
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
        let hint = |id: &str| says.send(Change::new("setup", id)).unwrap();
        hint("one");
        let (heard, hears) = next(hears).await.unwrap();
        assert_eq!(heard.text(), "event: setup\ndata: {\"id\":\"one\"}\n\n");
        hint("two");
        hint("three");
        assert_eq!(next(hears).await.unwrap().0, Change::new("setup", "two"));
        assert!(next(late).await.is_none());
    }
}
