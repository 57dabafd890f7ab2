//! Requests that the proxy itself sends: a new session, and the list of tools.

use serde::Deserialize;
use serde_json::value::RawValue;

use super::body::{Cursor, EventStream, Next, is_stream, read_whole};
use super::exchange::negotiated_version;
use super::failure::Failure;
use super::header_value::is_visible;
use super::link::Link;
use super::message::{Message, Params, RequestId, ResponseBody, in_one_line};
use super::outgoing::{Stateless, meta};
use super::session::SessionView;
use super::upstream::UpstreamAnswer;

/// The maximum number of pages of a list of tools.
const MAX_PAGES: usize = 64;

/// The id of the requests for a list of tools.
const LIST_ID: &str = r#""connections-proxy-tools""#;

impl Link {
    /// Begins another session in place of one that the server ended, with the messages of the client's handshake.
    ///
    /// If another task has already begun a session since `ended`, there is nothing to do.
    pub(crate) async fn renew(&self, ended: u64) -> Result<(), Failure> {
        let _renewing = self.session.renewing.lock().await;
        let before = self.session.view();
        if before.epoch != ended {
            return Ok(());
        }
        let handshake = self.session.handshake();
        let (id, initialize) = handshake.initialize.ok_or_else(|| lost("it was not begun here"))?;
        let answer = self.post(&initialize, Vec::new()).await?;
        let session_id = answer.header("Mcp-Session-Id").filter(|id| is_visible(id)).map(str::to_owned);
        let response = self.first_response(answer, &id).await?;
        let result = result(&response).ok_or_else(|| lost("it answered \"initialize\" with an error"))?;
        let version = negotiated_version(result.get()).ok_or_else(|| lost("it chose no version of the protocol"))?;
        if before.version.as_ref() != Some(&version) {
            return Err(lost("it chose another version of the protocol than before"));
        }
        let view = SessionView { id: session_id.clone(), version: Some(version.clone()), epoch: 0 };
        if let Some(initialized) = handshake.initialized {
            drop(self.post(&initialized, view.headers()).await?);
        }
        self.session.opened(session_id, version);
        self.reporter.info("the server ended the session, and the proxy began another one");
        Ok(())
    }

    /// Lists the tools of the server, to learn which of their parameters are headers.
    ///
    /// `call` is a request of the client, whose version and capabilities the list is for.
    pub(crate) async fn list_tools(&self, version: &str, call: &[u8]) -> Result<(), Failure> {
        #[derive(Deserialize)]
        struct Page {
            #[serde(rename = "nextCursor")]
            next: Option<String>,
        }
        let Some(id) = RequestId::parse(LIST_ID) else { return Ok(()) };
        let meta = meta(call).unwrap_or_else(|| "{}".to_owned());
        let stateless = Stateless::new(version.to_owned(), "tools/list", &Params::default())?;
        let mut cursor = String::new();
        for _ in 0..MAX_PAGES {
            let params = format!(r#"{{"_meta":{meta}{cursor}}}"#);
            let body = format!(r#"{{"jsonrpc":"2.0","id":{id},"method":"tools/list","params":{params}}}"#);
            let headers = stateless.headers(body.as_bytes(), &self.tools)?;
            let response = self.first_response(self.post(body.as_bytes(), headers).await?, &id).await?;
            let Some(result) = result(&response) else { return Ok(()) };
            self.tools.learn(&response, result, &self.reporter);
            let Ok(Page { next: Some(next) }) = serde_json::from_str(result.get()) else { return Ok(()) };
            cursor = format!(r#","cursor":{}"#, serde_json::Value::String(next));
        }
        Ok(())
    }

    /// Returns the response to a request of the proxy. Other messages in the answer are dropped.
    async fn first_response(&self, answer: UpstreamAnswer, id: &RequestId) -> Result<String, Failure> {
        if let Some(failure) = self.refused_credential(&answer) {
            return Err(failure);
        }
        let status = answer.status;
        if !(200..=299).contains(&status) {
            let message = format!("the server answered {status} to a request of the proxy");
            return Err(Failure::bad_answer("http_error", message).with_status(status));
        }
        if !is_stream(&answer) {
            let response = in_one_line(read_whole(answer.body).await?).filter(|response| answers(response, id));
            return response.ok_or_else(no_response);
        }
        let mut stream = EventStream::new(answer.body, &Cursor::start());
        loop {
            match stream.next().await {
                Next::Broken(error) => return Err(error.into()),
                Next::Closed => return Err(no_response()),
                Next::Message(message) => {
                    if let Some(response) = in_one_line(message).filter(|message| answers(message, id)) {
                        return Ok(response);
                    }
                }
                Next::TooLarge => return Err(Failure::too_large()),
            }
        }
    }
}

fn lost(reason: &str) -> Failure {
    let message = format!("the server ended the session, and another one cannot be begun: {reason}. Start it again");
    Failure::bad_answer("session_lost", message)
}

fn no_response() -> Failure {
    Failure::bad_answer("no_answer", "the server did not answer a request of the proxy")
}

fn answers(message: &str, id: &RequestId) -> bool {
    matches!(Message::parse(message), Ok(Message::Response { id: Some(answered), .. }) if answered == *id)
}

/// Returns the result in a response, or `None` if the response is an error.
fn result(response: &str) -> Option<&RawValue> {
    match Message::parse(response).ok()? {
        Message::Response { body: ResponseBody::Result(result), .. } => Some(result),
        _ => None,
    }
}
