//! The errors with which a proxy itself answers a request.
//!
//! The specification reserves the codes from -32000 to -32099 and asks for codes outside of the range of JSON-RPC, so
//! that a client cannot mistake an error of the proxy for an error of the server.

use serde::Serialize;

use super::link::Advice;
use super::message::RequestId;
use super::upstream::{Refusal, UpstreamError};

/// The code of the error of a request that was refused, or that a person has to permit first.
pub const REFUSED: i64 = -31001;

/// The code of the error of a request whose server could not be reached.
pub const UNREACHABLE: i64 = -31002;

/// The code of the error of a request whose server gave no answer that can be passed on.
pub const BAD_ANSWER: i64 = -31003;

/// The code of the error of a request that exceeds a limit of the proxy, or whose answer does.
pub const OVER_LIMIT: i64 = -31004;

/// The code of JSON-RPC for text that is not JSON.
pub(crate) const PARSE_ERROR: i64 = -32700;

/// The code of JSON-RPC for JSON that is not a request.
pub(crate) const INVALID_REQUEST: i64 = -32600;

/// The code of JSON-RPC for parameters with which a request cannot be sent.
pub(crate) const INVALID_PARAMS: i64 = -32602;

/// An error of JSON-RPC that the proxy makes.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Failure {
    code: i64,
    pub(crate) message: String,
    data: Box<Data>,
}

#[derive(Clone, Debug, Default, Serialize)]
struct Data {
    code: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    remedy: Option<String>,
    /// The address that a person can open.
    #[serde(skip_serializing_if = "Option::is_none")]
    address: Option<String>,
    /// The status of HTTP, if the server gave an answer.
    #[serde(skip_serializing_if = "Option::is_none")]
    status: Option<u16>,
    /// The scope that the server asks for.
    #[serde(skip_serializing_if = "Option::is_none")]
    scope: Option<String>,
}

impl Failure {
    pub(crate) fn new(code: i64, name: &str, message: impl Into<String>) -> Self {
        Self { code, message: message.into(), data: Box::new(Data { code: name.to_owned(), ..Data::default() }) }
    }

    pub(crate) fn bad_answer(name: &str, message: impl Into<String>) -> Self {
        Self::new(BAD_ANSWER, name, message)
    }

    pub(crate) fn too_large() -> Self {
        Self::new(OVER_LIMIT, "message_too_large", "the server sent a message of more than 16 MiB")
    }

    pub(crate) fn refused(refusal: Refusal) -> Self {
        let mut failure = Self::new(REFUSED, &refusal.code, refusal.message);
        failure.data.remedy = refusal.remedy;
        failure.data.address = refusal.address;
        failure
    }

    /// Adds what a person can do.
    pub(crate) fn advise(&mut self, advice: Advice) {
        self.data.remedy = advice.remedy;
        self.data.address = advice.address;
    }

    pub(crate) fn with_status(mut self, status: u16) -> Self {
        self.data.status = Some(status);
        self
    }

    pub(crate) fn with_scope(mut self, scope: Option<String>) -> Self {
        self.data.scope = scope;
        self
    }

    /// Returns the response with this error, in one line.
    ///
    /// The id is `null` if the request could not be read.
    pub(crate) fn response(&self, id: Option<&RequestId>) -> String {
        let error = serde_json::to_string(self).unwrap_or_else(|_| "null".to_owned());
        error_response(id, &error)
    }
}

/// Returns a response with an error, in one line.
pub(crate) fn error_response(id: Option<&RequestId>, error: &str) -> String {
    let id = id.map_or_else(|| "null".to_owned(), ToString::to_string);
    format!(r#"{{"jsonrpc":"2.0","id":{id},"error":{error}}}"#)
}

impl From<UpstreamError> for Failure {
    fn from(error: UpstreamError) -> Self {
        match error {
            UpstreamError::Failed { message } => Self::bad_answer("failed", message),
            UpstreamError::Refused(refusal) => Self::refused(refusal),
            UpstreamError::Unreachable { message } => Self::new(UNREACHABLE, "unreachable", message),
        }
    }
}
