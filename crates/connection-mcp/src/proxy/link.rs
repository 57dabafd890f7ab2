//! The state that the tasks of a proxy share.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::mpsc;

use super::challenge::Challenge;
use super::diagnostic::Reporter;
use super::failure::{Failure, REFUSED};
use super::outgoing::Form;
use super::session::{Session, SessionView};
use super::tools::Tools;
use super::upstream::{Method, Upstream, UpstreamAnswer, UpstreamError, UpstreamRequest};

/// The pauses between attempts to open the stream of the server that fail one after another.
pub(crate) struct Pauses(Box<dyn Fn(u32) -> Duration + Send + Sync>);

impl Pauses {
    pub(crate) fn new(after: impl Fn(u32) -> Duration + Send + Sync + 'static) -> Self {
        Self(Box::new(after))
    }

    /// Returns the pause after this many failures.
    pub(crate) fn after(&self, failures: u32) -> Duration {
        (self.0)(failures)
    }
}

/// What a person can do if the server refuses the credential.
#[derive(Clone, Debug, Default)]
pub(crate) struct Advice {
    pub(crate) remedy: Option<String>,
    pub(crate) address: Option<String>,
}

/// The server on one side and the client on the other.
pub(crate) struct Link {
    pub(crate) upstream: Arc<dyn Upstream>,
    /// The lines for the client.
    pub(crate) lines: mpsc::Sender<String>,
    pub(crate) reporter: Reporter,
    pub(crate) session: Session,
    pub(crate) tools: Tools,
    pub(crate) advice: Advice,
    pub(crate) pauses: Pauses,
    /// The name that the client gave itself last.
    pub(crate) client: Mutex<Option<String>>,
}

impl Link {
    /// Keeps the name that the client gives itself.
    pub(crate) fn set_client(&self, name: String) {
        *self.client.lock().unwrap_or_else(PoisonError::into_inner) = Some(name);
    }

    fn client(&self) -> Option<String> {
        self.client.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Sends a line to the client. If the client is gone, the line is dropped and the proxy ends.
    pub(crate) async fn emit(&self, line: String) {
        let _gone = self.lines.send(line).await.is_err();
    }

    /// Sends a message to the server.
    pub(crate) async fn post(
        &self,
        body: &[u8],
        headers: Vec<(String, String)>,
    ) -> Result<UpstreamAnswer, UpstreamError> {
        let mut request = UpstreamRequest::new(Method::Post)
            .header("Content-Type", "application/json")
            .header("Accept", "application/json, text/event-stream")
            .body(body.to_vec());
        request.client = self.client();
        request.headers.extend(headers);
        self.upstream.open(request).await
    }

    /// Opens a stream of messages, or continues one after an event.
    pub(crate) async fn get(
        &self,
        headers: Vec<(String, String)>,
        last_event_id: Option<&str>,
    ) -> Result<UpstreamAnswer, UpstreamError> {
        let mut request = UpstreamRequest::new(Method::Get).header("Accept", "text/event-stream");
        request.headers.extend(headers);
        if let Some(id) = last_event_id {
            request = request.header("Last-Event-ID", id);
        }
        self.upstream.open(request).await
    }

    /// Sends a notification, and sends it once more in another session if the server ended the current one.
    pub(crate) async fn notify(&self, body: &[u8], form: &Form) {
        let renewed = self.send_one_way(body, form).await;
        if renewed {
            self.send_one_way(body, form).await;
        }
    }

    /// Sends a response or a cancellation, which means nothing in another session than the current one.
    pub(crate) async fn respond(&self, body: &[u8]) {
        self.send_one_way(body, &Form::Session).await;
    }

    /// Sends a message that has no answer, and returns `true` if another session began instead.
    async fn send_one_way(&self, body: &[u8], form: &Form) -> bool {
        let session = self.session.view();
        let (headers, is_in_session) = match form {
            Form::Stateless(stateless) => (stateless.headers(body, &self.tools), false),
            Form::Initialize | Form::Session => (Ok(session.headers()), session.id.is_some()),
        };
        let sent = match headers {
            Ok(headers) => self.post(body, headers).await.map_err(Failure::from),
            Err(failure) => Err(failure),
        };
        let failure = match sent {
            Ok(answer) if (200..=299).contains(&answer.status) => return false,
            Ok(answer) if answer.status == 404 && is_in_session => {
                drop(answer);
                match self.renew(session.epoch).await {
                    Ok(()) => return true,
                    Err(failure) => failure.message,
                }
            }
            Ok(answer) => format!("the server answered {}", answer.status),
            Err(failure) => failure.message,
        };
        self.reporter.warning(format!("a message of the client was not delivered: {failure}"));
        false
    }

    /// Tells the server that a session has ended. The server may ignore it.
    pub(crate) async fn end_session(&self, session: &SessionView) {
        let mut request = UpstreamRequest::new(Method::Delete);
        request.headers = session.headers();
        if let Err(error) = self.upstream.open(request).await {
            self.reporter.info(format!("the server was not told that the session has ended: {error}"));
        }
    }

    /// Returns the failure for an answer that refuses the credential.
    ///
    /// `None` stands for another answer, such as a 403 that is about the request.
    pub(crate) fn refused_credential(&self, answer: &UpstreamAnswer) -> Option<Failure> {
        // A gateway of AWS gives the header its second name.
        let values = ["WWW-Authenticate", "x-amzn-remapped-www-authenticate"].map(|name| answer.header_values(name));
        let challenge = Challenge::parse(values.into_iter().flatten());
        let (code, message) = match (answer.status, &challenge) {
            (401, _) => ("credential_refused", "the server refused the credential (401 Unauthorized)"),
            (403, Some(challenge)) if challenge.insufficient_scope => {
                ("insufficient_scope", "the server needs a larger scope for this request (403 Forbidden)")
            }
            (403, Some(_)) => ("credential_refused", "the server refused the credential (403 Forbidden)"),
            _ => return None,
        };
        Some(self.refusal(answer.status, code, message).with_scope(challenge.and_then(|challenge| challenge.scope)))
    }

    /// Returns a failure that says what a person can do about a refused credential.
    pub(crate) fn refusal(&self, status: u16, code: &str, message: &str) -> Failure {
        let mut failure = Failure::new(REFUSED, code, message).with_status(status);
        failure.advise(self.advice.clone());
        failure
    }
}
