//! The stored answer of a provider, which a client gets when it sends its request again.

use std::{
    pin::Pin,
    task::{Context, Poll, ready},
};

use axum::{
    body::Body,
    http::{HeaderValue, StatusCode, header},
    response::Response,
};
use bytes::Bytes;
use connection_contract::BoxFuture;
use connection_core::{ApprovalId, ProviderAnswer};
use http_body::Frame;

use super::{
    answer::BrokenOff,
    approval::{APPROVAL, Fetched},
    headers,
    places::Passage,
    refusal::Refusal,
};

/// Returns a stored answer. An answer of which only a part is stored breaks off, so that nobody takes the part for the
/// whole. When the whole of what is stored has passed, the result is fetched.
pub(super) async fn response(
    answer: ProviderAnswer,
    id: ApprovalId,
    fetched: Fetched,
    passage: Passage,
) -> Result<Response, Refusal> {
    let status = StatusCode::from_u16(answer.status).ok().filter(|status| !status.is_informational());
    let status = status.ok_or_else(|| Refusal::unusable(answer.status))?;
    let mut sent = headers::of_answer(&answer.headers);
    sent.remove(header::CONTENT_LENGTH);
    if let Ok(id) = HeaderValue::from_str(&id.to_string()) {
        sent.insert(APPROVAL, id);
    }
    // The body of such an answer is not asked for.
    let is_empty = answer.body.is_empty() || matches!(answer.status, 204 | 304);
    if is_empty && answer.is_complete {
        fetched.done().await;
        let mut response = Response::new(Body::empty());
        *response.status_mut() = status;
        *response.headers_mut() = sent;
        return Ok(response);
    }
    let body = Stored {
        body: Some(Bytes::from(answer.body)).filter(|body| !body.is_empty()),
        is_complete: answer.is_complete,
        has_paused: false,
        ending: Some(Box::pin(fetched.done())),
        _passage: passage,
    };
    let mut response = Response::new(Body::new(body));
    *response.status_mut() = status;
    *response.headers_mut() = sent;
    Ok(response)
}

struct Stored {
    body: Option<Bytes>,
    is_complete: bool,
    has_paused: bool,
    /// `None` after the end.
    ending: Option<BoxFuture<'static, ()>>,
    _passage: Passage,
}

impl http_body::Body for Stored {
    type Data = Bytes;
    type Error = BrokenOff;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, BrokenOff>>> {
        if let Some(body) = self.body.take() {
            return Poll::Ready(Some(Ok(Frame::data(body))));
        }
        let Some(ending) = &mut self.ending else { return Poll::Ready(None) };
        ready!(ending.as_mut().poll(cx));
        if !self.is_complete && !self.has_paused {
            // An error ends the connection at once. What was given to it before is sent while nothing is ready.
            self.has_paused = true;
            self.ending = Some(Box::pin(std::future::ready(())));
            cx.waker().wake_by_ref();
            return Poll::Pending;
        }
        self.ending = None;
        Poll::Ready(if self.is_complete { None } else { Some(Err(BrokenOff)) })
    }
}
