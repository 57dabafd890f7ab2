//! The arguments of the tools.

use connection_contract::encode;
use rmcp::model::JsonObject;
use serde::{Deserialize, de::DeserializeOwned};
use serde_json::{Map, Value};

/// Reads the arguments of a tool.
///
/// # Errors
///
/// A sentence that names the argument and what is expected.
pub(super) fn read<T: DeserializeOwned>(given: Option<JsonObject>) -> Result<T, String> {
    serde_json::from_value(Value::Object(given.unwrap_or_default()))
        .map_err(|error| format!("The arguments are not as the tool takes them: {error}."))
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ListArguments {
    #[serde(default)]
    pub(super) contains: String,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct DescribeArguments {
    pub(super) connection: String,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ReadMoreArguments {
    pub(super) rest: String,
}

/// The arguments of `send_request`, and those of `check_request` about a request.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RequestArguments {
    pub(super) connection: String,
    pub(super) method: String,
    pub(super) path: String,
    #[serde(default)]
    query: Map<String, Value>,
    #[serde(default)]
    headers: Map<String, Value>,
    body: Option<Value>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct ApprovalArguments {
    approval: String,
}

/// The arguments of `check_request`.
#[derive(Debug)]
pub(super) enum CheckArguments {
    Approval(String),
    Request(RequestArguments),
}

impl CheckArguments {
    /// Reads the arguments of `check_request`.
    ///
    /// # Errors
    ///
    /// Those of [`read`].
    pub(super) fn read(given: Option<JsonObject>) -> Result<Self, String> {
        match given.as_ref().is_some_and(|given| given.contains_key("approval")) {
            true => Ok(Self::Approval(read::<ApprovalArguments>(given)?.approval)),
            false => Ok(Self::Request(read(given)?)),
        }
    }
}

#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
pub(super) enum Need {
    Connect,
    Repair,
    Permit,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct AccessArguments {
    pub(super) need: Need,
    pub(super) why: String,
    pub(super) kind: Option<String>,
    pub(super) connection: Option<String>,
}

impl RequestArguments {
    /// Returns the path with the parameters.
    ///
    /// # Errors
    ///
    /// The sentence for a parameter that is neither a text, a number, a truth value nor a list of such.
    pub(super) fn target(&self) -> Result<String, String> {
        let mut pairs = Vec::new();
        for (name, value) in &self.query {
            let values = match value {
                Value::Array(values) => values.iter().collect(),
                value => vec![value],
            };
            for value in values {
                pairs.push((name.as_str(), plain(value).ok_or_else(|| not_plain("query", name))?));
            }
        }
        if pairs.is_empty() {
            return Ok(self.path.clone());
        }
        let added = encode::form(pairs.iter().map(|(name, value)| (*name, value.as_str())));
        let joint = match self.path.split_once('?') {
            None => "?",
            Some((_, "")) => "",
            Some(_) => "&",
        };
        Ok([&*self.path, joint, &*added].concat())
    }

    /// Returns the headers, with the media type of a JSON body.
    ///
    /// # Errors
    ///
    /// The sentence for a header that is not a text.
    pub(super) fn headers(&self) -> Result<Vec<(String, String)>, String> {
        let mut headers = Vec::new();
        for (name, value) in &self.headers {
            headers.push((name.to_ascii_lowercase(), plain(value).ok_or_else(|| not_plain("headers", name))?));
        }
        let has_type = headers.iter().any(|(name, _)| name == "content-type");
        if !has_type && self.is_json() {
            headers.push(("content-type".to_owned(), "application/json".to_owned()));
        }
        Ok(headers)
    }

    /// Returns the bytes of the body.
    pub(super) fn body(&self) -> Vec<u8> {
        match &self.body {
            None | Some(Value::Null) => Vec::new(),
            Some(Value::String(text)) => text.clone().into_bytes(),
            Some(value) => value.to_string().into_bytes(),
        }
    }

    /// Returns `true` for a JSON value, and for a text that is an object or an array of JSON.
    fn is_json(&self) -> bool {
        match &self.body {
            None | Some(Value::Null) => false,
            Some(Value::String(text)) => {
                let parsed = serde_json::from_str::<Value>(text);
                parsed.is_ok_and(|value| value.is_object() || value.is_array())
            }
            Some(_) => true,
        }
    }
}

fn plain(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(_) | Value::Bool(_) => Some(value.to_string()),
        _ => None,
    }
}

fn not_plain(argument: &str, name: &str) -> String {
    format!("'{name}' in '{argument}' is not a text: write it as one.")
}
