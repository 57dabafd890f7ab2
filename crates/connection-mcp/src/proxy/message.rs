//! Messages of JSON-RPC, which are read in place so that their bytes can be passed on unchanged.

use std::fmt;

use serde::Deserialize;
use serde_json::value::RawValue;

/// The id of a request, as JSON text.
///
/// A string is normalized, so that two ids that differ only in their escapes are equal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct RequestId(String);

impl RequestId {
    /// Returns the id in a JSON text, or `None` if the text is neither a string nor a number.
    pub(crate) fn parse(json: &str) -> Option<Self> {
        match serde_json::from_str(json).ok()? {
            serde_json::Value::Number(_) => Some(Self(json.trim().to_owned())),
            text @ serde_json::Value::String(_) => Some(Self(text.to_string())),
            _ => None,
        }
    }
}

impl fmt::Display for RequestId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The members of a message, of which only some are present.
#[derive(Deserialize)]
struct Members<'a> {
    #[serde(borrow)]
    id: Option<&'a RawValue>,
    method: Option<String>,
    #[serde(borrow)]
    params: Option<&'a RawValue>,
    #[serde(borrow)]
    result: Option<&'a RawValue>,
    #[serde(borrow)]
    error: Option<&'a RawValue>,
}

/// One message.
pub(crate) enum Message<'a> {
    Notification {
        method: String,
        params: Option<&'a RawValue>,
    },
    Request {
        id: RequestId,
        method: String,
        params: Option<&'a RawValue>,
    },
    /// A response. An error for a request that could not be read has no id.
    Response {
        id: Option<RequestId>,
        body: ResponseBody<'a>,
    },
}

/// The result or the error of a response.
#[derive(Clone, Copy)]
pub(crate) enum ResponseBody<'a> {
    Error(&'a RawValue),
    Result(&'a RawValue),
}

/// The messages in one line, event or body.
pub(crate) enum Messages<'a> {
    /// An array of messages, which only revision 2025-03-26 has.
    Batch(Vec<Message<'a>>),
    One(Message<'a>),
}

/// Why a text is no message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Invalid {
    /// The text is not JSON.
    Json,
    /// The JSON is not a message of JSON-RPC.
    Message,
}

impl<'a> Messages<'a> {
    /// Reads the messages in a text.
    pub(crate) fn parse(text: &'a str) -> Result<Self, Invalid> {
        if !text.trim_start().starts_with('[') {
            return Message::parse(text).map(Self::One);
        }
        let messages: Vec<&RawValue> = serde_json::from_str(text).map_err(|_| Invalid::Json)?;
        if messages.is_empty() {
            return Err(Invalid::Message);
        }
        messages.into_iter().map(|message| Message::parse(message.get())).collect::<Result<_, _>>().map(Self::Batch)
    }
}

impl<'a> Message<'a> {
    /// Reads one message.
    ///
    /// A message that has a member twice is refused, because two readers of it could use different values.
    pub(crate) fn parse(text: &'a str) -> Result<Self, Invalid> {
        let members: Members<'_> = serde_json::from_str(text).map_err(|error| match error.classify() {
            serde_json::error::Category::Data => Invalid::Message,
            _ => Invalid::Json,
        })?;
        let id = members.id.map(|id| RequestId::parse(id.get()).ok_or(Invalid::Message)).transpose()?;
        match members {
            Members { method: Some(method), params, result: None, error: None, .. } => Ok(match id {
                Some(id) => Self::Request { id, method, params },
                None => Self::Notification { method, params },
            }),
            Members { method: None, result: Some(result), error: None, .. } if id.is_some() => {
                Ok(Self::Response { id, body: ResponseBody::Result(result) })
            }
            Members { method: None, result: None, error: Some(error), .. } => {
                Ok(Self::Response { id, body: ResponseBody::Error(error) })
            }
            _ => Err(Invalid::Message),
        }
    }

    /// Returns the id of a request.
    pub(crate) fn request_id(&self) -> Option<&RequestId> {
        match self {
            Self::Request { id, .. } => Some(id),
            Self::Notification { .. } | Self::Response { .. } => None,
        }
    }
}

/// The parameters that decide how a message is sent.
#[derive(Default, Deserialize)]
pub(crate) struct Params<'a> {
    #[serde(borrow, rename = "_meta")]
    pub(crate) meta: Option<&'a RawValue>,
    #[serde(borrow)]
    pub(crate) arguments: Option<&'a RawValue>,
    #[serde(borrow, rename = "clientInfo")]
    pub(crate) client_info: Option<&'a RawValue>,
    #[serde(borrow)]
    pub(crate) name: Option<&'a RawValue>,
    #[serde(borrow, rename = "requestId")]
    pub(crate) request_id: Option<&'a RawValue>,
    #[serde(borrow)]
    pub(crate) uri: Option<&'a RawValue>,
}

impl<'a> Params<'a> {
    /// Reads the parameters, or returns `None` if they are not an object or have one of these members twice.
    pub(crate) fn parse(params: Option<&'a RawValue>) -> Option<Self> {
        params.map_or_else(|| Some(Self::default()), |params| serde_json::from_str(params.get()).ok())
    }

    /// Returns the name that the client gives itself: in `initialize`, or in each request of revision 2026-07-28 and later.
    pub(crate) fn client_name(&self) -> Option<String> {
        #[derive(Deserialize)]
        struct Client {
            title: Option<String>,
            name: Option<String>,
        }
        #[derive(Deserialize)]
        struct Meta {
            #[serde(rename = "io.modelcontextprotocol/clientInfo")]
            client: Option<Client>,
        }
        let of_meta = |meta: &RawValue| serde_json::from_str::<Meta>(meta.get()).ok()?.client;
        let of_info = |info: &RawValue| serde_json::from_str::<Client>(info.get()).ok();
        let client = self.client_info.and_then(of_info).or_else(|| self.meta.and_then(of_meta))?;
        client.title.or(client.name).filter(|name| !name.is_empty())
    }

    /// Returns the protocol version, which a request of revision 2026-07-28 and later carries.
    pub(crate) fn version(&self) -> Option<String> {
        #[derive(Deserialize)]
        struct Meta {
            #[serde(rename = "io.modelcontextprotocol/protocolVersion")]
            version: Option<String>,
        }
        serde_json::from_str::<Meta>(self.meta?.get()).ok()?.version
    }
}

/// Returns the string that is a JSON text.
pub(crate) fn string(json: Option<&RawValue>) -> Option<String> {
    serde_json::from_str(json?.get()).ok()
}

/// Returns JSON text in one line, or `None` if the bytes are not UTF-8.
///
/// In valid JSON, a line break is only a space between two tokens.
pub(crate) fn in_one_line(bytes: Vec<u8>) -> Option<String> {
    let text = String::from_utf8(bytes).ok()?;
    Some(if text.contains(['\n', '\r']) { text.replace(['\n', '\r'], " ") } else { text })
}
