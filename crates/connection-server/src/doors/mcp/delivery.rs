//! The way of a result to its client: its places are held, and the answer of an approved request is marked as fetched,
//! until and after the client has it.

use std::{
    pin::Pin,
    sync::{Arc, Mutex, PoisonError},
    task::{Context, Poll, ready},
};

use axum::{body::Body, response::Response};
use bytes::Bytes;
use connection_contract::BoxFuture;
use http_body::{Frame, SizeHint};

use crate::doors::{approval::Fetched, places::Passage};

/// The places of a call and the mark that its result makes, on their way from the tool to the answer of the HTTP
/// request.
#[derive(Clone, Debug, Default)]
pub(super) struct Delivery(Arc<Mutex<Option<Delivered>>>);

#[derive(Debug)]
struct Delivered {
    passage: Passage,
    fetched: Option<Fetched>,
}

impl Delivery {
    /// Keeps the places of a call, and the mark that its result makes.
    pub(super) fn put(&self, passage: Passage, fetched: Option<Fetched>) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(Delivered { passage, fetched });
    }

    /// Returns the answer, which holds the places until its body has passed, and then makes the mark.
    pub(super) fn around(&self, response: Response) -> Response {
        let Some(delivered) = self.0.lock().unwrap_or_else(PoisonError::into_inner).take() else { return response };
        let ending: Option<BoxFuture<'static, ()>> = delivered.fetched.map(|fetched| Box::pin(fetched.done()) as _);
        response.map(|body| Body::new(Passing { body, ending, _passage: delivered.passage }))
    }
}

struct Passing {
    body: Body,
    /// The mark that is made after the body has passed; `None` once it is made.
    ending: Option<BoxFuture<'static, ()>>,
    _passage: Passage,
}

impl http_body::Body for Passing {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        if let Some(frame) = ready!(Pin::new(&mut self.body).poll_frame(cx)) {
            return Poll::Ready(Some(frame));
        }
        if let Some(ending) = &mut self.ending {
            ready!(ending.as_mut().poll(cx));
            self.ending = None;
        }
        Poll::Ready(None)
    }

    /// Returns the length of the body, unless something happens after it: a server does not ask what follows a body whose
    /// length it knows.
    fn size_hint(&self) -> SizeHint {
        match &self.ending {
            None => self.body.size_hint(),
            Some(_) => SizeHint::default(),
        }
    }
}
