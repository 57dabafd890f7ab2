//! The answers of an MCP server, as the transport takes them (Model Context Protocol, "Transports", Streamable HTTP).

use std::{
    fmt,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    task::{Context, Poll, ready},
};

use bytes::Bytes;
use connection_contract::{AnswerClass, BoxFuture, Challenge, HttpError, Secret};
use connection_core::{Error, ProviderAnswer, Response};
use futures_core::Stream;
use http::StatusCode;
use rmcp::{
    model::{ClientJsonRpcMessage, ClientRequest, ErrorData, RequestId, ServerJsonRpcMessage},
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
    pub(crate) too_long: TooLong,
}

impl Posted {
    /// Returns the id of the message; `None` if no response comes to it.
    pub(crate) fn request(&self) -> Option<&RequestId> {
        match &self.message {
            ClientJsonRpcMessage::Request(request) => Some(&request.id),
            _ => None,
        }
    }

    /// Returns the error as the response to the message.
    pub(crate) fn refused(&self, error: ErrorData) -> StreamableHttpPostResponse {
        StreamableHttpPostResponse::Json(ServerJsonRpcMessage::error(error, self.request().cloned()), None)
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
        Some(self.refused(error))
    }
}

/// The answer of a server: as it arrives, or as it was stored after a person approved its request.
pub(crate) struct Answer {
    pub(crate) status: u16,
    media: Option<String>,
    session: Option<String>,
    challenge: Option<String>,
    retry_after: Option<String>,
    body: Body,
}

enum Body {
    Arriving(Box<Response>),
    /// `None` after its only piece.
    Stored(Option<Vec<u8>>),
}

impl From<Response> for Answer {
    fn from(response: Response) -> Self {
        let header = |name: &str| response.header(name).map(str::to_owned);
        Self {
            status: response.status(),
            media: header("content-type"),
            session: header(HEADER_SESSION_ID),
            challenge: challenge(response.headers()),
            retry_after: header("retry-after"),
            body: Body::Arriving(Box::new(response)),
        }
    }
}

/// Returns the first header that has challenges.
fn challenge(headers: &[(String, String)]) -> Option<String> {
    headers.iter().find(|(name, _)| Challenge::is_header(name)).map(|(_, value)| value.clone())
}

impl From<ProviderAnswer> for Answer {
    fn from(stored: ProviderAnswer) -> Self {
        let header = |name: &str| {
            let mut values = stored.headers.iter().filter(|(known, _)| known.eq_ignore_ascii_case(name));
            values.next().map(|(_, value)| value.clone())
        };
        Self {
            status: stored.status,
            media: header("content-type"),
            session: header(HEADER_SESSION_ID),
            challenge: challenge(&stored.headers),
            retry_after: header("retry-after"),
            body: Body::Stored(Some(stored.body)),
        }
    }
}

impl Body {
    async fn chunk(&mut self) -> Result<Option<Vec<u8>>, Error> {
        match self {
            Self::Arriving(response) => response.chunk().await,
            Self::Stored(body) => Ok(body.take()),
        }
    }

    async fn bytes(self, limit: usize) -> Result<Secret, TransportError> {
        let too_long = TransportError::ResponseBodyTooLarge { max_size: limit };
        match self {
            Self::Arriving(response) => response.bytes(limit).await.map_err(|error| match error {
                Error::Http { source: HttpError::TooLarge, .. } => too_long,
                error => TransportError::Client(error),
            }),
            Self::Stored(body) => {
                let body = body.filter(|body| body.len() <= limit).ok_or(too_long)?;
                Ok(Secret::new(body))
            }
        }
    }
}

impl Answer {
    /// Returns the answer to a message.
    pub(crate) async fn for_message(self, posted: &Posted) -> Result<StreamableHttpPostResponse, TransportError> {
        match StatusCode::from_u16(self.status) {
            Ok(StatusCode::ACCEPTED | StatusCode::NO_CONTENT) => return Ok(StreamableHttpPostResponse::Accepted),
            Ok(StatusCode::NOT_FOUND) if posted.had_session => return Err(TransportError::SessionExpired),
            Ok(StatusCode::UNAUTHORIZED | StatusCode::TOO_MANY_REQUESTS) => return Err(self.failed()),
            _ => {}
        }
        let is_success = (200..300).contains(&self.status);
        if is_success && self.is_media(EVENT_STREAM_MIME_TYPE) {
            let session = self.session.clone();
            let events = self.events(posted.limits.max_sse_event_size, &posted.too_long);
            return Ok(StreamableHttpPostResponse::Sse(events, session));
        }
        let (is_json, failed) = (self.is_media(JSON_MIME_TYPE), self.failed());
        let limits = &posted.limits;
        let limit = if is_json { limits.max_json_response_size } else { limits.max_error_response_size };
        let Self { status, media, session, body, .. } = self;
        let body = match body.bytes(limit).await {
            Ok(body) => body,
            // The status says enough.
            Err(_) if !is_success => Secret::new(Vec::new()),
            Err(error) => return Err(error),
        };
        let text = String::from_utf8_lossy(body.expose());
        if is_success {
            return match serde_json::from_str(&text) {
                Ok(message) if is_json => Ok(StreamableHttpPostResponse::Json(message, session)),
                // Some servers answer a message to which no response comes with a page or an empty object.
                _ if posted.request().is_none() => Ok(StreamableHttpPostResponse::Accepted),
                Err(error) if is_json => Err(error.into()),
                _ => Err(TransportError::UnexpectedContentType(media)),
            };
        }
        if let Some(response) = posted.refused_discovery(status, &text) {
            return Ok(response);
        }
        match serde_json::from_str(&text) {
            Ok(error @ ServerJsonRpcMessage::Error(_)) if is_json => {
                Ok(StreamableHttpPostResponse::Json(error, session))
            }
            _ => Err(failed),
        }
    }

    /// Returns the events of an answer to a `GET`.
    pub(crate) fn for_get(self, limit: usize, too_long: &TooLong) -> Result<BoxedSseResponse, TransportError> {
        match self.status {
            status if StatusCode::METHOD_NOT_ALLOWED == status => Err(TransportError::ServerDoesNotSupportSse),
            200..300 if self.is_media(EVENT_STREAM_MIME_TYPE) => Ok(self.events(limit, too_long)),
            200..300 => Err(TransportError::UnexpectedContentType(self.media)),
            _ => Err(self.failed()),
        }
    }

    /// Returns the error for an answer with the status of a failure.
    pub(crate) fn failed(&self) -> TransportError {
        let status = self.status;
        match &self.challenge {
            // The connection has refreshed its credential already, if it can.
            Some(challenge) if StatusCode::UNAUTHORIZED == status => {
                TransportError::AuthRequired(AuthRequiredError::new(challenge.clone()))
            }
            _ if AnswerClass::of(status).is_temporary() => {
                HttpStatusError::new(status, self.retry_after.clone()).into()
            }
            _ => TransportError::UnexpectedServerResponse(format!("the server answered with HTTP {status}").into()),
        }
    }

    /// Returns `true` if the answer has this media type, with any parameters.
    fn is_media(&self, media: &str) -> bool {
        let essence = self.media.as_deref().and_then(|given| given.split(';').next()).unwrap_or_default();
        essence.trim().eq_ignore_ascii_case(media)
    }

    fn events(self, limit: usize, too_long: &TooLong) -> BoxedSseResponse {
        let (next, too_long) = (Some(next(self.body)), too_long.clone());
        let pieces = Pieces { next, limit, too_long, event: 0, line: 0, after_return: false };
        Box::pin(SseStream::from_bytes_stream(pieces))
    }
}

/// Remembers that a server sent an event that is too long. A client that asked for it again would get it again, and the
/// transport asks for it at once after an error that is not its own.
#[derive(Clone, Debug, Default)]
pub(crate) struct TooLong(Arc<AtomicBool>);

impl TooLong {
    pub(crate) fn was_sent(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

type Next = BoxFuture<'static, (Body, Result<Option<Vec<u8>>, Error>)>;

fn next(mut body: Body) -> Next {
    Box::pin(async move {
        let piece = body.chunk().await;
        (body, piece)
    })
}

/// The body of an answer, none of whose events may be longer than the limit.
struct Pieces {
    /// `None` after the end.
    next: Option<Next>,
    limit: usize,
    too_long: TooLong,
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
            Ok(Some(piece)) if !self.count(&piece) => {
                self.too_long.0.store(true, Ordering::Relaxed);
                Some(Err(BrokenStream::TooLong(self.limit)))
            }
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

#[cfg(test)]
mod tests {
    use super::*;

    /// Returns `true` if no event of the stream is too long, however it is cut into pieces.
    fn fits(limit: usize, stream: &str) -> bool {
        let whole = [stream.as_bytes()];
        let bytes: Vec<_> = stream.as_bytes().chunks(1).collect();
        let [whole, bytes] = [&whole[..], &bytes].map(|pieces| {
            let too_long = TooLong::default();
            let mut counted = Pieces { next: None, limit, too_long, event: 0, line: 0, after_return: false };
            pieces.iter().all(|piece| counted.count(piece))
        });
        assert_eq!(whole, bytes, "{stream:?}");
        whole
    }

    #[test]
    fn an_event_is_as_long_as_its_lines_up_to_the_next_empty_one() {
        for end in ["\n", "\r", "\r\n"] {
            let event = |lines: usize| format!("{}{end}", format!("data: 1{end}").repeat(lines));
            assert!(fits(14, &event(2).repeat(3)), "{end:?}");
            assert!(!fits(14, &event(3)), "{end:?}");
            assert!(!fits(6, &event(1)), "{end:?}");
        }
    }
}
