//! The answers of an MCP server, as the transport takes them (Model Context Protocol, "Transports", Streamable HTTP).

use std::{
    fmt,
    pin::Pin,
    task::{Context, Poll, ready},
};

use bytes::Bytes;
use connection_contract::{BoxFuture, HttpError};
use connection_core::{Error, Response};
use futures_core::Stream;
use http::StatusCode;
use rmcp::{
    model::{ClientJsonRpcMessage, ClientRequest, ErrorData, ServerJsonRpcMessage},
    transport::{
        common::{
            client_side_sse::BoxedSseResponse,
            http_header::{EVENT_STREAM_MIME_TYPE, HEADER_SESSION_ID, JSON_MIME_TYPE},
        },
        streamable_http_client::{
            AuthRequiredError, HttpStatusError, StreamableHttpError, StreamableHttpPostResponse,
            StreamableHttpResponseLimits,
        },
    },
};
use sse_stream::SseStream;

/// The error of the transport.
pub(crate) type TransportError = StreamableHttpError<Error>;

/// The message to which an answer belongs.
pub(crate) struct Posted {
    pub(crate) message: ClientJsonRpcMessage,
    pub(crate) had_session: bool,
    pub(crate) limits: StreamableHttpResponseLimits,
}

impl Posted {
    /// Returns `true` for a message to which no response comes.
    fn awaits_nothing(&self) -> bool {
        !matches!(self.message, ClientJsonRpcMessage::Request(_))
    }

    /// Returns the response for a request by which a client asks what the server is, if a server that does not know this
    /// request refuses it. The client then goes on with the revision before.
    fn refused_discovery(&self, status: u16, body: &str) -> Option<StreamableHttpPostResponse> {
        let ClientJsonRpcMessage::Request(request) = &self.message else { return None };
        let is_discovery = matches!(request.request, ClientRequest::DiscoverRequest(_));
        if self.had_session || !is_discovery || !(400..500).contains(&status) || matches!(status, 401 | 403) {
            return None;
        }
        let error = match serde_json::from_str(body) {
            Ok(ServerJsonRpcMessage::Error(error)) => error.error,
            _ => ErrorData::invalid_request(format!("the server refused to say what it is (HTTP {status})"), None),
        };
        Some(StreamableHttpPostResponse::Json(ServerJsonRpcMessage::error(error, Some(request.id.clone())), None))
    }
}

/// Returns the answer to a message.
pub(crate) async fn posted(answer: Response, posted: &Posted) -> Result<StreamableHttpPostResponse, TransportError> {
    let status = answer.status();
    match StatusCode::from_u16(status) {
        Ok(StatusCode::ACCEPTED | StatusCode::NO_CONTENT) => return Ok(StreamableHttpPostResponse::Accepted),
        Ok(StatusCode::NOT_FOUND) if posted.had_session => return Err(TransportError::SessionExpired),
        Ok(StatusCode::UNAUTHORIZED | StatusCode::TOO_MANY_REQUESTS) => return Err(failed(&answer)),
        _ => {}
    }
    let is_success = (200..300).contains(&status);
    let session = answer.header(HEADER_SESSION_ID).map(str::to_owned);
    if is_success && is_media(&answer, EVENT_STREAM_MIME_TYPE) {
        let events = events(answer, posted.limits.max_sse_event_size);
        return Ok(StreamableHttpPostResponse::Sse(events, session));
    }
    let is_json = is_media(&answer, JSON_MIME_TYPE);
    let (failed, given) = (failed(&answer), answer.header("content-type").map(str::to_owned));
    let limits = &posted.limits;
    let limit = if is_json { limits.max_json_response_size } else { limits.max_error_response_size };
    let body = answer.bytes(limit).await.map_err(|error| match error {
        Error::Http { source: HttpError::TooLarge, .. } => TransportError::ResponseBodyTooLarge { max_size: limit },
        error => TransportError::Client(error),
    })?;
    if is_success && body.is_empty() && posted.awaits_nothing() {
        return Ok(StreamableHttpPostResponse::Accepted);
    }
    let text = String::from_utf8_lossy(body.expose());
    if is_success {
        return match is_json {
            true => Ok(StreamableHttpPostResponse::Json(serde_json::from_str(&text)?, session)),
            false => Err(TransportError::UnexpectedContentType(given)),
        };
    }
    if let Some(response) = posted.refused_discovery(status, &text) {
        return Ok(response);
    }
    match serde_json::from_str(&text) {
        Ok(error @ ServerJsonRpcMessage::Error(_)) if is_json => Ok(StreamableHttpPostResponse::Json(error, session)),
        _ => Err(failed),
    }
}

/// Returns the events of an answer to a `GET`.
pub(crate) fn stream(answer: Response, limit: usize) -> Result<BoxedSseResponse, TransportError> {
    match answer.status() {
        status if StatusCode::METHOD_NOT_ALLOWED == status => Err(TransportError::ServerDoesNotSupportSse),
        200..300 if is_media(&answer, EVENT_STREAM_MIME_TYPE) => Ok(events(answer, limit)),
        200..300 => Err(TransportError::UnexpectedContentType(answer.header("content-type").map(str::to_owned))),
        _ => Err(failed(&answer)),
    }
}

/// Returns the error for an answer with the status of a failure.
pub(crate) fn failed(answer: &Response) -> TransportError {
    let status = answer.status();
    match answer.header("www-authenticate") {
        // The connection has refreshed its credential already, if it can.
        Some(challenge) if StatusCode::UNAUTHORIZED == status => {
            TransportError::AuthRequired(AuthRequiredError::new(challenge.to_owned()))
        }
        _ if StatusCode::TOO_MANY_REQUESTS == status || status >= 500 => {
            HttpStatusError::new(status, answer.header("retry-after").map(str::to_owned)).into()
        }
        _ => TransportError::UnexpectedServerResponse(format!("the server answered with HTTP {status}").into()),
    }
}

/// Returns `true` if the answer has this media type, with any parameters.
fn is_media(answer: &Response, media: &str) -> bool {
    let essence = answer.header("content-type").and_then(|given| given.split(';').next()).unwrap_or_default();
    essence.trim().eq_ignore_ascii_case(media)
}

fn events(answer: Response, limit: usize) -> BoxedSseResponse {
    let pieces = Pieces { next: Some(next(answer)), limit, event: 0, line: 0, after_return: false };
    Box::pin(SseStream::from_bytes_stream(pieces))
}

type Next = BoxFuture<'static, (Response, Result<Option<Vec<u8>>, Error>)>;

fn next(mut answer: Response) -> Next {
    Box::pin(async move {
        let piece = answer.chunk().await;
        (answer, piece)
    })
}

/// The body of an answer, none of whose events may be longer than the limit.
struct Pieces {
    /// `None` after the end.
    next: Option<Next>,
    limit: usize,
    /// The bytes of the event that has begun.
    event: usize,
    /// The bytes of the line that has begun.
    line: usize,
    /// `true` after a carriage return, which may be the first half of the end of a line.
    after_return: bool,
}

impl Pieces {
    /// Counts the bytes of a piece. Returns `false` if an event is too long. An empty line ends an event.
    fn count(&mut self, piece: &[u8]) -> bool {
        piece.iter().all(|byte| {
            let ends_line = matches!(byte, b'\n' | b'\r') && !(self.after_return && *byte == b'\n');
            match ends_line {
                true if self.line == 0 => self.event = 0,
                true => self.line = 0,
                false if *byte != b'\n' => (self.event, self.line) = (self.event + 1, self.line + 1),
                false => {}
            }
            self.after_return = *byte == b'\r';
            self.event <= self.limit
        })
    }
}

impl Stream for Pieces {
    type Item = Result<Bytes, BrokenStream>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let Some(waiting) = &mut self.next else { return Poll::Ready(None) };
        let (answer, piece) = ready!(waiting.as_mut().poll(cx));
        self.next = None;
        Poll::Ready(match piece {
            Ok(None) => None,
            Ok(Some(piece)) if !self.count(&piece) => Some(Err(BrokenStream::TooLong(self.limit))),
            Ok(Some(piece)) => {
                self.next = Some(next(answer));
                Some(Ok(piece.into()))
            }
            Err(error) => Some(Err(BrokenStream::Error(error))),
        })
    }
}

/// The reason why a stream of events broke off.
#[derive(Debug)]
enum BrokenStream {
    Error(Error),
    TooLong(usize),
}

impl fmt::Display for BrokenStream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Error(error) => error.fmt(f),
            Self::TooLong(limit) => write!(f, "an event of the server has more than {limit} bytes"),
        }
    }
}

impl std::error::Error for BrokenStream {}
