//! Messages of the client on their way to the server.

use serde_json::Value;

use super::failure::{Failure, INVALID_PARAMS, INVALID_REQUEST};
use super::header_value::{encode_header_value, is_visible};
use super::message::{Message, Params, RequestId, string};
use super::tools::{Tools, argument_headers};

/// A message, or a batch of messages, of the client.
#[derive(Clone, Debug)]
pub(crate) struct Outgoing {
    /// The bytes that the client wrote.
    pub(crate) body: Vec<u8>,
    /// The ids of the requests in it.
    pub(crate) requests: Vec<RequestId>,
    pub(crate) form: Form,
}

/// How a message is sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Form {
    /// The request `initialize`, which begins a session.
    Initialize,
    /// A message in the session, with its headers.
    Session,
    /// A message of revision 2026-07-28 or later, which has all that the server needs.
    Stateless(Stateless),
}

/// The parts of a stateless message that decide its headers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Stateless {
    pub(crate) version: String,
    pub(crate) method: String,
    /// The name of the tool or prompt, or the address of the resource.
    name: Option<String>,
}

impl Stateless {
    /// Reads a message with a version of the protocol.
    ///
    /// # Errors
    ///
    /// The error says why the message cannot be sent with the headers of the revision.
    pub(crate) fn new(version: String, method: &str, params: &Params<'_>) -> Result<Self, Failure> {
        if !is_visible(method) {
            return Err(Failure::new(INVALID_REQUEST, "invalid_method", "the method cannot be sent in a header"));
        }
        if !is_visible(&version) {
            let message = "the version of the protocol cannot be sent in a header";
            return Err(Failure::new(INVALID_PARAMS, "invalid_version", message));
        }
        let name = match method {
            "prompts/get" | "tools/call" => string(params.name),
            "resources/read" => string(params.uri),
            _ => None,
        };
        Ok(Self { version, method: method.to_owned(), name })
    }

    /// Returns the name of the tool that a message calls.
    pub(crate) fn tool(&self) -> Option<&str> {
        self.name.as_deref().filter(|_| self.method == "tools/call")
    }

    /// Returns the headers of the message.
    pub(crate) fn headers(&self, body: &[u8], tools: &Tools) -> Result<Vec<(String, String)>, Failure> {
        let mut headers = vec![
            ("MCP-Protocol-Version".to_owned(), self.version.clone()),
            ("Mcp-Method".to_owned(), self.method.clone()),
        ];
        headers.extend(self.name.iter().map(|name| ("Mcp-Name".to_owned(), encode_header_value(name))));
        let Some(tool) = self.tool() else { return Ok(headers) };
        let parameters = tools.parameters(tool);
        if !parameters.is_empty() {
            let arguments = arguments(body).unwrap_or_default();
            let arguments = argument_headers(&parameters, &arguments)
                .map_err(|message| Failure::new(INVALID_PARAMS, "invalid_argument", message))?;
            headers.extend(arguments);
        }
        Ok(headers)
    }
}

/// Returns the arguments of a call.
fn arguments(body: &[u8]) -> Option<Value> {
    let Message::Request { params, .. } = Message::parse(str::from_utf8(body).ok()?).ok()? else { return None };
    serde_json::from_str(Params::parse(params)?.arguments?.get()).ok()
}

/// Returns the object `_meta` of a request, as JSON text.
pub(crate) fn meta(body: &[u8]) -> Option<String> {
    let Message::Request { params, .. } = Message::parse(str::from_utf8(body).ok()?).ok()? else { return None };
    Some(Params::parse(params)?.meta?.get().to_owned())
}
