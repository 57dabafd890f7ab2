//! Requests that are sent and answered in pieces, with limits of time without progress.

use std::sync::Arc;

use connection_contract::{HttpError, HttpRequest};
use reqwest::{
    Method,
    header::{CONTENT_LENGTH, HeaderValue, TRANSFER_ENCODING},
};
use tracing::{Instrument, debug, debug_span};

use crate::{
    Egress, HttpClient, NotAnswered, StreamedBody, Streaming,
    egress::Target,
    failure,
    outgoing::Outgoing,
    upload::{Awaited, Interest, Progress, Upload},
};

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
        let target = egress.target(self.policy(), request.url())?;
        let origin = target.requested.clone();
        let observed = self.observed(&request);
        let mut outgoing = Outgoing::new(request)?;
        let whole = std::mem::take(&mut outgoing.body);
        let body = body.or_else(|| StreamedBody::whole(whole));
        let progress = Progress::begin(self.policy(), self.clock(), body.is_none());
        // The span shows only the origin, because paths and queries of some providers hold secrets.
        let span = debug_span!("http", method = %outgoing.method, origin = %target.requested, at = %target.origin);
        let interest = Interest(Arc::clone(&progress));
        let sent = self.send_in_pieces(&target, outgoing, body, &progress);
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
            (Ok(response), _) => Ok(Streaming::unlimited(response, interest, Arc::clone(self.clock()))),
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
        let mut request = self.client(target).request(method, target.url.clone()).headers(headers);
        if let Some(body) = body {
            request = request.body(reqwest::Body::wrap(Upload::new(body, Arc::clone(progress))));
        }
        let response = request.send().await.map_err(|error| failure::of(&error))?;
        debug!(status = response.status().as_u16(), "answered");
        Ok(response)
    }
}
