//! Requests to providers with the credential of a connection, their answers, and files.

use std::{borrow::Cow, collections::BTreeMap, fmt};

use connection_contract::encode;
use serde::{Deserialize, Serialize};

use crate::words::words;

words! {
    /// The encoding of a body in a request.
    SendEncoding("Encoding") {
        /// The body is the text.
        Utf8 = "utf8",
        /// The body is the bytes in base64.
        Base64 = "base64",
    }
    /// The encoding of a body in an answer.
    Encoding {
        /// The body is the text.
        Utf8 = "utf8",
        /// The body is the bytes in base64.
        Base64 = "base64",
        _ => Unrecognized,
    }
    /// The type of a file.
    FileType {
        /// A file.
        File = "file",
        /// A directory.
        Directory = "directory",
        /// Something else, such as a socket.
        Other = "other",
        _ => Unrecognized,
    }
}

/// A request to a provider.
///
/// `Debug` shows the method alone, because paths and bodies of some providers hold secrets.
///
/// ```
/// use connection_api::SendRequest;
///
/// let request = SendRequest::new("POST", "/repos/acme/site/issues")
///     .header("accept", "application/vnd.github+json")
///     .body(r#"{"title": "It is broken"}"#);
/// assert!(!format!("{request:?}").contains("acme"));
/// ```
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema), schema(as = Send))]
#[serde(deny_unknown_fields)]
pub struct SendRequest {
    /// The method, in capital letters.
    pub method: String,
    /// The path and the query below the base address of the connection, beginning with `/`.
    #[cfg_attr(feature = "schema", schema(pattern = "^/"))]
    pub path: String,
    /// The headers, in their order.
    #[serde(default)]
    pub headers: Vec<SendHeader>,
    /// The body, in this encoding.
    pub body: Option<String>,
    /// The encoding of `body`: `utf8`, which is usual, or `base64`.
    pub encoding: Option<SendEncoding>,
}

/// A header of a request to a provider.
///
/// `Debug` shows the name alone.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields, try_from = "BTreeMap<String, String>")]
pub struct SendHeader {
    /// The name of the header, which is compared without case.
    pub name: String,
    /// The value of the header, as text.
    pub value: String,
}

/// The answer of a provider to a request.
///
/// `Debug` shows the status alone.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct Answer {
    /// The status code.
    pub status: u16,
    /// The headers, in their order.
    pub headers: Vec<Header>,
    /// The encoding of `body`: `utf8` or `base64`.
    pub encoding: Encoding,
    /// The body.
    pub body: String,
    /// The scopes for lack of which the provider refused the request, if the answer names them.
    pub missing_scopes: Vec<String>,
    /// Those of the missing scopes that a re-authorization may ask for.
    pub askable_scopes: Vec<String>,
}

/// A header of an answer, or of a request that is shown.
///
/// `Debug` shows the name alone.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct Header {
    /// The name. That of a header of an answer is in lower case.
    pub name: String,
    /// The value.
    pub value: String,
}

/// A file or a directory.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct File {
    /// The name in its directory, or the path of a granted directory.
    pub name: String,
    /// `directory`, `file` or `other`.
    pub r#type: FileType,
    /// The number of bytes.
    pub size: u64,
    /// The time of the last change, if it is known.
    pub modified: Option<String>,
}

/// The content of a file.
///
/// `Debug` shows the size alone.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct FileContent {
    /// The number of bytes.
    pub size: usize,
    /// The encoding of `body`: `utf8` or `base64`.
    pub encoding: Encoding,
    /// The content.
    pub body: String,
}

/// The struct that serde derives would also take an array of its members.
impl TryFrom<BTreeMap<String, String>> for SendHeader {
    type Error = &'static str;

    fn try_from(mut members: BTreeMap<String, String>) -> Result<Self, Self::Error> {
        match (members.remove("name"), members.remove("value")) {
            (Some(name), Some(value)) if members.is_empty() => Ok(Self { name, value }),
            _ => Err("a header has a name and a value"),
        }
    }
}

impl SendRequest {
    /// Creates a request from a method in capital letters, and a path and query below the base address of the connection.
    pub fn new(method: impl Into<String>, path: impl Into<String>) -> Self {
        Self { method: method.into(), path: path.into(), headers: Vec::new(), body: None, encoding: None }
    }

    /// Adds a header after the others.
    #[must_use]
    pub fn header(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.headers.push(SendHeader { name: name.into(), value: value.into() });
        self
    }

    /// Sets the body, which the server takes up to 512 KiB of JSON.
    #[must_use]
    pub fn body(mut self, body: impl Into<Vec<u8>>) -> Self {
        let (encoding, body) = match String::from_utf8(body.into()) {
            Ok(text) => (SendEncoding::Utf8, text),
            Err(error) => (SendEncoding::Base64, encode::base64(error.as_bytes())),
        };
        self.encoding = Some(encoding);
        self.body = Some(body);
        self
    }

    /// Returns the bytes of the body, which are none without one; `None` if it is not in its encoding.
    pub fn body_bytes(&self) -> Option<Cow<'_, [u8]>> {
        let body = self.body.as_deref().unwrap_or_default();
        match self.encoding {
            Some(SendEncoding::Base64) => encode::from_base64(body).map(Cow::Owned),
            Some(SendEncoding::Utf8) | None => Some(Cow::Borrowed(body.as_bytes())),
        }
    }
}

impl Encoding {
    /// Returns bytes as text, with its encoding.
    pub fn encode(bytes: Vec<u8>) -> (Self, String) {
        match String::from_utf8(bytes) {
            Ok(text) => (Self::Utf8, text),
            Err(error) => (Self::Base64, encode::base64(error.as_bytes())),
        }
    }

    /// Returns the bytes of a text in this encoding; `None` if it is not in this encoding, or the encoding is not known.
    pub fn decode(self, text: &str) -> Option<Cow<'_, [u8]>> {
        match self {
            Self::Utf8 => Some(Cow::Borrowed(text.as_bytes())),
            Self::Base64 => encode::from_base64(text).map(Cow::Owned),
            Self::Unrecognized => None,
        }
    }
}

impl Answer {
    /// Returns the bytes of the body; `None` if its encoding is not known, or is not the one that is stated.
    pub fn bytes(&self) -> Option<Cow<'_, [u8]>> {
        self.encoding.decode(&self.body)
    }
}

impl FileContent {
    /// Returns the bytes of the file; `None` if their encoding is not known, or is not the one that is stated.
    pub fn bytes(&self) -> Option<Cow<'_, [u8]>> {
        self.encoding.decode(&self.body)
    }
}

impl fmt::Debug for SendRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SendRequest").field("method", &self.method).finish_non_exhaustive()
    }
}

impl fmt::Debug for SendHeader {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SendHeader").field("name", &self.name).finish_non_exhaustive()
    }
}

impl fmt::Debug for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Answer").field("status", &self.status).finish_non_exhaustive()
    }
}

impl fmt::Debug for Header {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Header").field("name", &self.name).finish_non_exhaustive()
    }
}

impl fmt::Debug for FileContent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FileContent").field("size", &self.size).finish_non_exhaustive()
    }
}
