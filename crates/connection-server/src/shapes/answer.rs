//! The shape of a provider's answer.

use connection_contract::encode;
use serde::Serialize;
use utoipa::ToSchema;

use super::words;

/// The answer of a provider to a request.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Answer)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct AnswerBody {
    /// The status code.
    pub status: u16,
    /// The headers, in their order.
    pub headers: Vec<HeaderBody>,
    /// The encoding of `body`: `utf8` or `base64`.
    #[schema(value_type = words::Encoding)]
    pub encoding: &'static str,
    /// The body.
    pub body: String,
    /// The scopes for lack of which the provider refused the request, if the answer names them.
    pub missing_scopes: Vec<String>,
    /// Those of the missing scopes that a re-authorization may ask for.
    pub askable_scopes: Vec<String>,
}

/// A header of an answer.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Header)]
#[non_exhaustive]
pub struct HeaderBody {
    /// The name, in lower case.
    pub name: String,
    /// The value.
    pub value: String,
}

impl AnswerBody {
    /// Creates the shape from the parts of an answer.
    pub fn new(status: u16, headers: &[(String, String)], body: Vec<u8>) -> Self {
        let header = |(name, value): &(String, String)| HeaderBody { name: name.clone(), value: value.clone() };
        let (encoding, body) = body_text(body);
        let headers = headers.iter().map(header).collect();
        Self { status, headers, encoding, body, missing_scopes: Vec::new(), askable_scopes: Vec::new() }
    }

    /// Adds the scopes that the request lacked, and those of them that a re-authorization may ask for.
    #[must_use]
    pub fn scopes(mut self, missing: &[String], askable: &[String]) -> Self {
        self.missing_scopes = missing.to_vec();
        self.askable_scopes = askable.to_vec();
        self
    }
}

/// Returns bytes as text with the name of its encoding, `utf8` or `base64`.
pub fn body_text(bytes: Vec<u8>) -> (&'static str, String) {
    match String::from_utf8(bytes) {
        Ok(text) => ("utf8", text),
        Err(error) => ("base64", encode::base64(error.as_bytes())),
    }
}
