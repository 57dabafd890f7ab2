//! One request of the client and its answer.

use std::time::Duration;

use serde::Deserialize;

use super::body::{Cursor, EventStream, Next, is_stream, read_whole};
use super::failure::{Failure, error_response};
use super::header_value::is_visible;
use super::link::Link;
use super::message::{Message, Messages, RequestId, ResponseBody, in_one_line};
use super::outgoing::{Form, Outgoing};
use super::session::SessionView;
use super::upstream::UpstreamAnswer;

/// The time before a broken stream is continued, if the server sent none.
const RESUME_AFTER: Duration = Duration::from_secs(1);

/// The number of times in a row that a stream may fail to continue.
const MAX_RESUME_FAILURES: u32 = 5;

/// The code of the error with which a server refuses headers that do not match the body.
const HEADER_MISMATCH: i64 = -32020;

/// Sends a message that contains requests, and passes everything that answers it to the client.
///
/// Every request gets an answer: that of the server, or an error that says why there is none.
pub(crate) async fn run(link: &Link, outgoing: &Outgoing) {
    let mut exchange =
        Exchange { link, outgoing, unanswered: outgoing.requests.clone(), session: SessionView::default() };
    if let Err(failure) = exchange.run().await {
        for id in &exchange.unanswered {
            link.emit(failure.response(Some(id))).await;
        }
    }
}

struct Exchange<'a> {
    link: &'a Link,
    outgoing: &'a Outgoing,
    /// The requests that have no response yet.
    unanswered: Vec<RequestId>,
    /// The session in which the message was sent.
    session: SessionView,
}

impl Exchange<'_> {
    async fn run(&mut self) -> Result<(), Failure> {
        let answer = match self.send().await? {
            answer if answer.status == 404 && self.session.id.is_some() => {
                // The server ended the session (section "Session Management" of the transport).
                drop(answer);
                self.link.renew(self.session.epoch).await?;
                self.send().await?
            }
            answer => answer,
        };
        if answer.status == 400 && self.tool().is_some() && !is_stream(&answer) {
            let body = read_whole(answer.body).await?;
            if !is_header_mismatch(&body) || !self.learn_parameters().await? {
                return self.error_body(400, body).await;
            }
            let answer = self.send().await?;
            return self.receive(answer).await;
        }
        self.receive(answer).await
    }

    async fn send(&mut self) -> Result<UpstreamAnswer, Failure> {
        let headers = match &self.outgoing.form {
            Form::Initialize => Vec::new(),
            Form::Session => {
                self.session = self.link.session.view();
                self.session.headers()
            }
            Form::Stateless(stateless) => stateless.headers(&self.outgoing.body, &self.link.tools)?,
        };
        Ok(self.link.post(&self.outgoing.body, headers).await?)
    }

    fn tool(&self) -> Option<&str> {
        match &self.outgoing.form {
            Form::Stateless(stateless) => stateless.tool(),
            Form::Initialize | Form::Session => None,
        }
    }

    /// Lists the tools of the server after it refused the headers of a call.
    ///
    /// Returns `true` if the list changed the parameters of the tool that are headers.
    async fn learn_parameters(&self) -> Result<bool, Failure> {
        let (Some(tool), Form::Stateless(stateless)) = (self.tool(), &self.outgoing.form) else { return Ok(false) };
        let before = self.link.tools.parameters(tool);
        self.link.list_tools(&stateless.version, &self.outgoing.body).await?;
        Ok(self.link.tools.parameters(tool) != before)
    }

    async fn receive(&mut self, answer: UpstreamAnswer) -> Result<(), Failure> {
        let status = answer.status;
        if let Some(failure) = self.link.refused_credential(&answer) {
            return Err(failure);
        }
        if !(200..=299).contains(&status) {
            let body = read_whole(answer.body).await?;
            return self.error_body(status, body).await;
        }
        let session_id = answer.header("Mcp-Session-Id").filter(|id| is_visible(id)).map(str::to_owned);
        if is_stream(&answer) {
            return self.stream(EventStream::new(answer.body, &Cursor::start()), session_id).await;
        }
        let body = read_whole(answer.body).await?;
        if body.trim_ascii().is_empty() {
            return Err(Failure::bad_answer("no_answer", format!("the server answered {status} without a response"))
                .with_status(status));
        }
        if !self.pass(body, session_id.as_deref()).await {
            return Err(Failure::bad_answer("invalid_answer", "the answer of the server is not a message of MCP"));
        }
        self.end("the server did not answer this request")
    }

    /// Passes on the body of an answer with the status of an error, if it is a response.
    async fn error_body(&mut self, status: u16, body: Vec<u8>) -> Result<(), Failure> {
        let is_error = in_one_line(body.clone()).is_some_and(|text| {
            let message = Message::parse(&text);
            let Ok(Message::Response { id, body: ResponseBody::Error(_) }) = message else { return false };
            id.is_none_or(|id| self.unanswered.contains(&id))
        });
        if is_error && self.pass(body, None).await && self.unanswered.is_empty() {
            return Ok(());
        }
        let failure = match status {
            403 => self.link.refusal(403, "credential_refused", "the server refused the request (403 Forbidden)"),
            404 | 405 => Failure::bad_answer(
                "http_error",
                format!("the server answered {status}; there may be no MCP server at this address"),
            ),
            _ => Failure::bad_answer("http_error", format!("the server answered {status}")),
        };
        Err(failure.with_status(status))
    }

    /// Passes on the messages of a stream until every request has a response.
    async fn stream(&mut self, mut stream: EventStream, session_id: Option<String>) -> Result<(), Failure> {
        loop {
            let broken = match stream.next().await {
                Next::Message(message) => {
                    if !self.pass(message, session_id.as_deref()).await {
                        self.link.reporter.warning("the server sent an event that is not a message of MCP");
                    }
                    if self.unanswered.is_empty() {
                        return Ok(());
                    }
                    continue;
                }
                Next::TooLarge => return Err(Failure::too_large()),
                Next::Broken(error) => Some(error),
                Next::Closed => None,
            };
            match self.resume(&stream.close()).await? {
                Some(next) => stream = next,
                None => {
                    return match broken {
                        Some(error) => Err(error.into()),
                        None => self.end("the server closed the stream before it answered this request"),
                    };
                }
            }
        }
    }

    /// Continues a stream after its last event, or returns `None` if the stream cannot be continued.
    async fn resume(&self, cursor: &Cursor) -> Result<Option<EventStream>, Failure> {
        // The request `initialize` has no session yet, and revision 2026-07-28 has no ids of events.
        let (Form::Session, Some(id)) = (&self.outgoing.form, cursor.last_event_id()) else { return Ok(None) };
        let delay = cursor.delay().unwrap_or(RESUME_AFTER);
        let mut failures = 0;
        loop {
            tokio::time::sleep(delay.saturating_mul(1 << failures)).await;
            let failure = match self.link.get(self.session.headers(), Some(id)).await {
                Ok(answer) if (200..=299).contains(&answer.status) && is_stream(&answer) => {
                    return Ok(Some(EventStream::new(answer.body, cursor)));
                }
                Ok(answer) if answer.status < 500 && answer.status != 429 => {
                    return self.link.refused_credential(&answer).map_or(Ok(None), Err);
                }
                Ok(answer) => Failure::bad_answer("http_error", format!("the server answered {}", answer.status))
                    .with_status(answer.status),
                Err(error) => error.into(),
            };
            failures += 1;
            if failures == MAX_RESUME_FAILURES {
                return Err(failure);
            }
        }
    }

    /// Fails if a request has no response after the end of the answer.
    fn end(&self, message: &str) -> Result<(), Failure> {
        if self.unanswered.is_empty() { Ok(()) } else { Err(Failure::bad_answer("no_answer", message)) }
    }

    /// Passes a message of the server to the client, and returns `false` if it is not a message.
    async fn pass(&mut self, message: Vec<u8>, session_id: Option<&str>) -> bool {
        let Some(text) = in_one_line(message) else { return false };
        let Ok(messages) = Messages::parse(&text) else { return false };
        let passing = match &messages {
            Messages::Batch(batch) => {
                for message in batch {
                    if let Message::Response { id: Some(id), .. } = message {
                        self.unanswered.retain(|unanswered| unanswered != id);
                    }
                }
                Passing::Unchanged
            }
            Messages::One(Message::Response { id, body }) => self.response(id.as_ref(), *body, &text, session_id),
            Messages::One(Message::Request { .. }) if matches!(self.outgoing.form, Form::Stateless(_)) => {
                Passing::Dropped("the server sent a request, which this revision of MCP does not permit")
            }
            Messages::One(_) => Passing::Unchanged,
        };
        drop(messages);
        match passing {
            Passing::Dropped(reason) => self.link.reporter.warning(reason),
            Passing::Replaced(line) => self.link.emit(line).await,
            Passing::Unchanged => self.link.emit(text).await,
        }
        true
    }

    /// Records a response, and decides how it is passed on.
    fn response(
        &mut self,
        id: Option<&RequestId>,
        body: ResponseBody<'_>,
        text: &str,
        session_id: Option<&str>,
    ) -> Passing {
        let answered = match (id, body, self.unanswered.as_slice()) {
            (Some(id), _, unanswered) => unanswered.iter().position(|unanswered| unanswered == id),
            (None, ResponseBody::Error(_), [_]) => Some(0),
            (None, ..) => None,
        };
        let Some(answered) = answered else {
            return Passing::Dropped("the server sent a response that answers no request");
        };
        let request = self.unanswered.remove(answered);
        match (body, &self.outgoing.form) {
            // Without an id, the client would not know which of its requests failed.
            (ResponseBody::Error(error), _) if id.is_none() => {
                return Passing::Replaced(error_response(Some(&request), error.get()));
            }
            (ResponseBody::Result(result), Form::Initialize) => match negotiated_version(result.get()) {
                Some(version) => self.link.session.opened(session_id.map(str::to_owned), version),
                None => self.link.reporter.warning("the server chose no version of the protocol"),
            },
            (ResponseBody::Result(result), Form::Stateless(stateless)) if stateless.method == "tools/list" => {
                let listed = self.link.tools.learn(text, result, &self.link.reporter);
                return listed.map_or(Passing::Unchanged, Passing::Replaced);
            }
            _ => {}
        }
        Passing::Unchanged
    }
}

/// How a message of the server is passed on.
enum Passing {
    /// The message is not passed on, for a reason.
    Dropped(&'static str),
    /// Another line takes the place of the message.
    Replaced(String),
    Unchanged,
}

/// Returns the version of the protocol in the result of `initialize`.
pub(crate) fn negotiated_version(result: &str) -> Option<String> {
    #[derive(Deserialize)]
    struct Initialized {
        #[serde(rename = "protocolVersion")]
        version: String,
    }
    let initialized: Initialized = serde_json::from_str(result).ok()?;
    Some(initialized.version).filter(|version| is_visible(version))
}

fn is_header_mismatch(body: &[u8]) -> bool {
    #[derive(Deserialize)]
    struct Code {
        code: i64,
    }
    let Ok(Ok(message)) = str::from_utf8(body).map(Message::parse) else { return false };
    let Message::Response { body: ResponseBody::Error(error), .. } = message else { return false };
    serde_json::from_str::<Code>(error.get()).is_ok_and(|error| error.code == HEADER_MISMATCH)
}
