//! The tasks of a proxy: each message of the client is sent by a task of its own.

use std::collections::HashMap;
use std::sync::Arc;

use tokio::sync::watch;
use tokio::task::{AbortHandle, Id, JoinError, JoinSet};

use super::exchange;
use super::failure::{Failure, INVALID_PARAMS, INVALID_REQUEST, OVER_LIMIT, PARSE_ERROR};
use super::input::{Line, request_id};
use super::link::Link;
use super::listen;
use super::message::{Invalid, Message, Messages, Params, RequestId};
use super::outgoing::{Form, Outgoing, Stateless};

/// The maximum number of requests that wait for an answer at the same time.
const MAX_REQUESTS: usize = 256;

/// The maximum number of tasks. The proxy reads no further message until one of them ends.
const MAX_TASKS: usize = 1024;

/// The version of the protocol that a request for the versions of a server has if it names none.
const DISCOVERY_VERSION: &str = "2026-07-28";

/// The only revision with batches.
const BATCH_VERSION: &str = "2025-03-26";

/// A task that waits for the answer to requests.
struct Running {
    requests: Vec<RequestId>,
    form: Form,
    abort: AbortHandle,
}

/// Starts a task for each message of the client.
pub(crate) struct Dispatcher {
    link: Arc<Link>,
    tasks: JoinSet<()>,
    running: HashMap<Id, Running>,
    /// Closes when the messages after the handshake may be sent.
    gate: Option<watch::Receiver<()>>,
    listener: Option<AbortHandle>,
    /// The version of the last stateless request, which notifications do not carry.
    stateless_version: Option<String>,
}

impl Dispatcher {
    pub(crate) fn new(link: Arc<Link>) -> Self {
        Self {
            link,
            tasks: JoinSet::new(),
            running: HashMap::new(),
            gate: None,
            listener: None,
            stateless_version: None,
        }
    }

    /// Returns `true` if another message may be read.
    pub(crate) fn is_ready(&self) -> bool {
        self.tasks.len() < MAX_TASKS
    }

    /// Waits until a task ends, and returns `false` if there is none.
    ///
    /// # Cancellation
    ///
    /// The future may be dropped: no task is lost.
    pub(crate) async fn reap(&mut self) -> bool {
        let Some(ended) = self.tasks.join_next_with_id().await else { return false };
        let id = ended.as_ref().map_or_else(JoinError::id, |(id, ())| *id);
        let running = self.running.remove(&id);
        if ended.is_err_and(|error| error.is_panic())
            && let Some(running) = running
        {
            let failure = Failure::bad_answer("failed", "the request failed because of an error in this program");
            for id in &running.requests {
                self.answer(Some(id), &failure);
            }
        }
        true
    }

    /// Ends the tasks that only wait for the server: the listener and the subscriptions.
    pub(crate) fn stop_listening(&mut self) {
        self.listener.take().inspect(AbortHandle::abort);
        let is_subscription =
            |form: &Form| matches!(form, Form::Stateless(stateless) if stateless.method == "subscriptions/listen");
        self.running
            .values()
            .filter(|running| is_subscription(&running.form))
            .for_each(|running| running.abort.abort());
    }

    /// Ends all tasks.
    pub(crate) async fn shut_down(&mut self) {
        self.tasks.shutdown().await;
    }

    /// Takes a line of the client.
    pub(crate) fn take(&mut self, line: Line) {
        let line = match line {
            Line::Message(line) => line,
            Line::TooLarge(Some(id)) => {
                let message = "the message is larger than 16 MiB";
                return self.answer(Some(&id), &Failure::new(OVER_LIMIT, "message_too_large", message));
            }
            Line::TooLarge(None) => {
                return self.link.reporter.warning("a message of the client was dropped: it is larger than 16 MiB");
            }
        };
        let Ok(text) = str::from_utf8(&line) else {
            return self.answer(None, &Failure::new(PARSE_ERROR, "invalid_json", "the message is not UTF-8"));
        };
        match Messages::parse(text) {
            Ok(Messages::One(Message::Notification { method, params })) => {
                let params = Params::parse(params).unwrap_or_default();
                let cancelled = params.request_id.and_then(|id| RequestId::parse(id.get()));
                match method.as_str() {
                    "notifications/cancelled" => self.cancel(cancelled.as_ref(), line),
                    "notifications/initialized" => self.initialized(line),
                    _ => match self.form(&method, &params) {
                        Ok(form) => self.notify(line, form),
                        Err(failure) => self.link.reporter.warning(failure.message),
                    },
                }
            }
            Ok(Messages::One(Message::Request { id, method, params })) => {
                let params = Params::parse(params).ok_or_else(|| {
                    Failure::new(
                        INVALID_PARAMS,
                        "invalid_params",
                        "the parameters are not an object with unique members",
                    )
                });
                match params.and_then(|params| self.form(&method, &params)) {
                    Ok(form) => self.request(vec![id], line, form),
                    Err(failure) => self.answer(Some(&id), &failure),
                }
            }
            Ok(Messages::One(Message::Response { .. })) => self.respond(line),
            Ok(Messages::Batch(batch)) => {
                let requests: Vec<RequestId> = batch.iter().filter_map(Message::request_id).cloned().collect();
                let begins = batch
                    .iter()
                    .any(|message| matches!(message, Message::Request { method, .. } if method == "initialize"));
                self.batch(requests, begins, line);
            }
            Err(Invalid::Json) => {
                self.answer(None, &Failure::new(PARSE_ERROR, "invalid_json", "the message is not JSON"));
            }
            Err(Invalid::Message) => {
                let message = "the message is not a message of JSON-RPC";
                let failure = Failure::new(INVALID_REQUEST, "invalid_message", message);
                self.answer(request_id(&line).as_ref(), &failure);
            }
        }
    }

    /// Decides how a request or notification is sent.
    fn form(&mut self, method: &str, params: &Params<'_>) -> Result<Form, Failure> {
        if let Some(name) = params.client_name() {
            self.link.set_client(name);
        }
        if method == "initialize" {
            return Ok(Form::Initialize);
        }
        let is_notification = method.starts_with("notifications/");
        let in_session = self.gate.is_some() || self.link.session.view().is_open();
        let version = match params.version() {
            Some(version) => Some(version),
            None if method == "server/discover" => Some(DISCOVERY_VERSION.to_owned()),
            None if is_notification && !in_session => self.stateless_version.clone(),
            None => None,
        };
        let Some(version) = version else { return Ok(Form::Session) };
        let stateless = Stateless::new(version, method, params)?;
        self.stateless_version = Some(stateless.version.clone());
        Ok(Form::Stateless(stateless))
    }

    /// Sends requests.
    fn request(&mut self, requests: Vec<RequestId>, body: Vec<u8>, form: Form) {
        if self.running.len() >= MAX_REQUESTS {
            let message = format!("more than {MAX_REQUESTS} requests wait for an answer");
            let failure = Failure::new(OVER_LIMIT, "too_many_requests", message);
            for id in &requests {
                self.answer(Some(id), &failure);
            }
            return;
        }
        let mut gate = None;
        let mut opens_gate = None;
        match (&form, requests.as_slice()) {
            (Form::Initialize, [id]) => {
                let (sender, receiver) = watch::channel(());
                opens_gate = Some(sender);
                self.gate = Some(receiver);
                self.begin(id.clone(), &body);
            }
            (Form::Session, _) => gate = self.gate.clone(),
            (Form::Initialize | Form::Stateless(_), _) => {}
        }
        let outgoing = Outgoing { body, requests: requests.clone(), form: form.clone() };
        let link = Arc::clone(&self.link);
        let abort = self.tasks.spawn(async move {
            pass_gate(gate).await;
            exchange::run(&link, &outgoing).await;
            drop(opens_gate);
        });
        self.running.insert(abort.id(), Running { requests, form, abort });
    }

    /// Forgets the session that the client replaces.
    fn begin(&mut self, id: RequestId, initialize: &[u8]) {
        self.listener.take().inspect(AbortHandle::abort);
        let replaced = self.link.session.begin(id, initialize.to_vec());
        if replaced.id.is_some() {
            let link = Arc::clone(&self.link);
            self.tasks.spawn(async move { link.end_session(&replaced).await });
        }
    }

    /// Sends `notifications/initialized`, and then listens for messages of the server.
    fn initialized(&mut self, body: Vec<u8>) {
        self.link.session.initialized(body.clone());
        let (opens_gate, receiver) = watch::channel(());
        let gate = self.gate.replace(receiver.clone());
        let link = Arc::clone(&self.link);
        self.tasks.spawn(async move {
            pass_gate(gate).await;
            link.notify(&body, &Form::Session).await;
            drop(opens_gate);
        });
        let link = Arc::clone(&self.link);
        let listener = self.tasks.spawn(async move {
            pass_gate(Some(receiver)).await;
            listen::run(&link).await;
        });
        if let Some(replaced) = self.listener.replace(listener) {
            replaced.abort();
        }
    }

    fn notify(&mut self, body: Vec<u8>, form: Form) {
        let gate = self.gate.clone().filter(|_| form == Form::Session);
        let link = Arc::clone(&self.link);
        self.tasks.spawn(async move {
            pass_gate(gate).await;
            link.notify(&body, &form).await;
        });
    }

    /// Sends a response of the client to a request of the server.
    fn respond(&mut self, body: Vec<u8>) {
        if self.gate.is_none() && !self.link.session.view().is_open() {
            return self.link.reporter.warning("the client sent a response outside of a session");
        }
        let (gate, link) = (self.gate.clone(), Arc::clone(&self.link));
        self.tasks.spawn(async move {
            pass_gate(gate).await;
            link.respond(&body).await;
        });
    }

    /// Cancels a request.
    ///
    /// Revision 2026-07-28 cancels a request by closing its stream. The revisions before have a notification.
    fn cancel(&mut self, cancelled: Option<&RequestId>, body: Vec<u8>) {
        let running = self.running.values().find(|running| cancelled.is_some_and(|id| running.requests.contains(id)));
        let abort = match running {
            Some(Running { form: Form::Stateless(_), abort, .. }) => return abort.abort(),
            // The specification forbids that.
            Some(Running { form: Form::Initialize, .. }) => return,
            Some(Running { requests, abort, .. }) => Some(abort.clone()).filter(|_| requests.len() == 1),
            None if self.link.session.view().is_open() => None,
            None => return,
        };
        let (gate, link) = (self.gate.clone(), Arc::clone(&self.link));
        self.tasks.spawn(async move {
            pass_gate(gate).await;
            link.respond(&body).await;
            // The client ignores a response that arrives now.
            abort.inspect(AbortHandle::abort);
        });
    }

    /// Sends a batch, if the revision of the session has batches.
    fn batch(&mut self, requests: Vec<RequestId>, begins: bool, body: Vec<u8>) {
        if begins || self.link.session.view().version.as_deref() != Some(BATCH_VERSION) {
            let message = "a batch is only permitted in a session of revision 2025-03-26, after the handshake";
            let failure = Failure::new(INVALID_REQUEST, "batch_not_permitted", message);
            if requests.is_empty() {
                self.answer(None, &failure);
            }
            for id in &requests {
                self.answer(Some(id), &failure);
            }
        } else if requests.is_empty() {
            self.notify(body, Form::Session);
        } else {
            self.request(requests, body, Form::Session);
        }
    }

    /// Answers a request with an error of the proxy.
    fn answer(&mut self, id: Option<&RequestId>, failure: &Failure) {
        let line = failure.response(id);
        let link = Arc::clone(&self.link);
        self.tasks.spawn(async move { link.emit(line).await });
    }
}

/// Waits until the handshake before a message has ended.
async fn pass_gate(gate: Option<watch::Receiver<()>>) {
    if let Some(mut gate) = gate {
        while gate.changed().await.is_ok() {}
    }
}
