//! Requests that are sent and answered in pieces, with limits of time without progress.

use std::sync::Arc;

use connection_contract::{HttpError, HttpRequest};
use reqwest::{
    Method, StatusCode,
    header::{CONNECTION, CONTENT_LENGTH, HeaderValue, TRANSFER_ENCODING, UPGRADE},
};
use tokio::runtime::Handle;
use tracing::{Instrument, debug, debug_span};

use crate::{
    Egress, HttpClient, NotAnswered, StreamedBody, Streaming,
    client::Line,
    egress::Target,
    failure,
    outgoing::Outgoing,
    upload::{Awaited, Interest, Progress, Upload},
};

/// The bytes that follow the head of a request.
enum Sent {
    Body(Option<StreamedBody>),
    /// The bytes that the caller sends after the connection was upgraded to a WebSocket.
    WebSocket(StreamedBody),
}

impl HttpClient {
    /// Sends a request and returns the answer as soon as its headers have arrived. Redirects are not followed.
    ///
    /// The body is `body`, which is sent while it arrives, or else that of the request. Neither the request nor its
    /// answer has a limit of size. They end if they make no progress for as long as
    /// [`first_byte`](crate::HttpPolicy::first_byte) or [`idle`](crate::HttpPolicy::idle) says.
    ///
    /// # Cancellation
    ///
    /// If the future or the answer is dropped, the request ends at the provider, too.
    ///
    /// # Errors
    ///
    /// [`HttpError::Denied`] if the request may not be sent; then nothing was sent. Other errors mean that no answer
    /// arrived.
    pub async fn open(
        &self,
        egress: &Egress,
        request: HttpRequest,
        body: Option<StreamedBody>,
    ) -> Result<Streaming, NotAnswered> {
        self.open_with(egress, request, Sent::Body(body)).await
    }

    /// Sends a request that asks the provider to upgrade the connection to a WebSocket (RFC 6455, section 4.1).
    ///
    /// If the provider does, the status of the answer is 101, `body` is sent on the connection, and the body of the answer
    /// has the bytes that the provider sends. The end of `body` is passed on, after which the provider may still send. The
    /// connection is closed when the provider closes it, when the answer is dropped, or when no byte passes in either
    /// direction for as long as [`idle`](crate::HttpPolicy::idle) says. If the provider does not upgrade the connection,
    /// its answer is returned as by [`open`](Self::open), and `body` is not read.
    ///
    /// # Cancellation
    ///
    /// If the future or the answer is dropped, the connection is closed.
    ///
    /// # Errors
    ///
    /// The errors of [`open`](Self::open).
    pub async fn upgrade(
        &self,
        egress: &Egress,
        request: HttpRequest,
        body: StreamedBody,
    ) -> Result<Streaming, NotAnswered> {
        self.open_with(egress, request, Sent::WebSocket(body)).await
    }

    async fn open_with(&self, egress: &Egress, request: HttpRequest, sent: Sent) -> Result<Streaming, NotAnswered> {
        let target = egress.target(self.policy(), request.url())?;
        let origin = target.requested.clone();
        let observed = self.observed(&request);
        let mut outgoing = Outgoing::new(request)?;
        let is_read = outgoing.is_plain_read();
        let whole = std::mem::take(&mut outgoing.body);
        let (body, websocket) = match sent {
            Sent::Body(body) => (body.or_else(|| StreamedBody::whole(whole)), None),
            Sent::WebSocket(body) => {
                outgoing.headers.insert(CONNECTION, HeaderValue::from_static("Upgrade"));
                outgoing.headers.insert(UPGRADE, HeaderValue::from_static("websocket"));
                (None, Some(body))
            }
        };
        let progress = Progress::begin(self.policy(), self.clock(), body.is_none());
        // The span shows only the origin, because paths and queries of some providers hold secrets.
        let span = debug_span!("http", method = %outgoing.method, origin = %target.requested, at = %target.origin);
        let interest = Interest(Arc::clone(&progress));
        let is_repeatable = egress.repeats_reads && is_read && body.is_none() && websocket.is_none();
        let sent = self.send_in_pieces(&target, outgoing, body, &progress, is_repeatable);
        let answered = progress.within(Awaited::Head, sent).instrument(span).await;
        let fault = answered.as_ref().err().and_then(|error| progress.fault(*error));
        let status = answered.as_ref().map(|response| response.status().as_u16()).map_err(|error| *error);
        match status {
            Ok(status) => egress.heard.begins(status),
            Err(error) => debug!(%error, "the request was not answered"),
        }
        // A fault of the body says nothing about the provider.
        if fault.is_none() {
            self.note(egress, &origin, status, progress.limit(Awaited::Head));
        }
        if let Some(observed) = observed {
            observed.began(status);
        }
        match (answered, fault) {
            (Ok(response), _) => {
                let answer = Streaming::unlimited(response, interest, Arc::clone(self.clock()));
                match websocket.filter(|_| answer.status == StatusCode::SWITCHING_PROTOCOLS.as_u16()) {
                    Some(body) => upgraded(answer, Upload::new(body, progress)).await,
                    None => Ok(answer),
                }
            }
            (Err(_), Some(fault)) => Err(NotAnswered::Body(fault)),
            (Err(error), None) => Err(error.into()),
        }
    }

    async fn send_in_pieces(
        &self,
        target: &Target,
        outgoing: Outgoing,
        body: Option<StreamedBody>,
        progress: &Arc<Progress>,
        is_repeatable: bool,
    ) -> Result<reqwest::Response, HttpError> {
        let Outgoing { method, mut headers, .. } = outgoing;
        match &body {
            // Some servers reject these methods without a length (RFC 9110, section 8.6).
            None if matches!(method, Method::POST | Method::PUT | Method::PATCH) => {
                headers.insert(CONTENT_LENGTH, HeaderValue::from_static("0"));
            }
            // Without this header, the inner client sends no body with some methods.
            Some(StreamedBody { length: None, .. }) => {
                headers.insert(TRANSFER_ENCODING, HeaderValue::from_static("chunked"));
            }
            _ => {}
        }
        let request =
            |line| self.client(target, line).request(method.clone(), target.url.clone()).headers(headers.clone());
        let response = match body {
            Some(body) => {
                let body = reqwest::Body::wrap(Upload::new(body, Arc::clone(progress)));
                request(Line::Any).body(body).send().await.map_err(|error| failure::of(&error))?
            }
            None => self.exchanged(is_repeatable, |line| request(line).send()).await?,
        };
        debug!(status = response.status().as_u16(), "answered");
        Ok(response)
    }
}

/// Takes over the connection of an answer. Another task sends `upload` until it or the answer ends.
async fn upgraded(answer: Streaming, upload: Upload) -> Result<Streaming, NotAnswered> {
    let (answer, connection) = answer.upgraded().await?;
    Handle::current().spawn(upload.write_to(connection));
    Ok(answer)
}
