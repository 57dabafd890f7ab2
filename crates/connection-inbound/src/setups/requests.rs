//! Request bodies: JSON by its content type, limited in size, without unknown fields.

use std::{fmt, marker::PhantomData};

use axum::{
    body::{Body, to_bytes},
    http::{HeaderMap, StatusCode, header},
};
use connection_contract::Secret;
use serde::{
    Deserialize, Deserializer,
    de::{DeserializeOwned, MapAccess, Visitor},
};

use super::{AnswerValue, error::Refusal};

/// The maximum size of a body: thirty-two fields of sixteen kilobytes each.
const MAX_BYTES: usize = 512 << 10;

/// The request to begin a setup: of a new connection, or of a re-authorization.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[non_exhaustive]
pub struct BeginBody {
    /// The kind of the new connection.
    pub kind: Option<String>,
    /// The label of the new connection.
    pub label: Option<String>,
    /// Allows a second connection to the same account.
    #[serde(default)]
    pub again: bool,
    /// The id of the connection to re-authorize.
    pub connection: Option<String>,
    /// Allows a different account than before.
    #[serde(default)]
    pub another_account: bool,
}

/// The request to answer a step.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct AnswersBody {
    /// The number of the step that is answered.
    pub step: u64,
    /// The answers by the name of the field. A name that occurs twice is refused.
    #[serde(deserialize_with = "by_name")]
    pub answers: Vec<(String, AnswerValue)>,
}

impl AnswersBody {
    /// Returns the answers as the core takes them: a field with many values is repeated.
    pub fn into_pairs(self) -> Vec<(String, Secret)> {
        let of =
            |(name, value): (String, AnswerValue)| value.into_texts().into_iter().map(move |text| (name.clone(), text));
        self.answers.into_iter().flat_map(of).collect()
    }
}

/// A request without parameters.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct EmptyBody {}

/// Deserializes a JSON object as pairs, so that a repeated name is noticed.
fn by_name<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<(String, AnswerValue)>, D::Error> {
    deserializer.deserialize_map(Pairs(PhantomData))
}

struct Pairs(PhantomData<AnswerValue>);

impl<'de> Visitor<'de> for Pairs {
    type Value = Vec<(String, AnswerValue)>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object of field to answer")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut pairs: Self::Value = Vec::new();
        while let Some((name, value)) = map.next_entry::<String, AnswerValue>()? {
            if pairs.iter().any(|(other, _)| *other == name) {
                return Err(serde::de::Error::custom("a field is named twice"));
            }
            pairs.push((name, value));
        }
        Ok(pairs)
    }
}

/// Reads a body. An error names only its position, because the parser's message would repeat the input.
pub(super) async fn read<T: DeserializeOwned>(headers: &HeaderMap, body: Body) -> Result<T, Refusal> {
    let mut types = headers.get_all(header::CONTENT_TYPE).iter();
    let is_json = types.next().and_then(|value| value.to_str().ok()).is_some_and(is_json) && types.next().is_none();
    // A form of another site can send other content types without a preflight request (T10).
    if !is_json {
        let remedy = "send it with the content type application/json";
        return Err(
            Refusal::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "not_json_type", "the body is not JSON").remedy(remedy)
        );
    }
    let too_large = || Refusal::new(StatusCode::PAYLOAD_TOO_LARGE, "body_too_large", "the body is too large");
    let bytes = to_bytes(body, MAX_BYTES).await.map_err(|_| too_large())?;
    let invalid = |message: String| {
        let remedy = "see the JSON Schema of this request";
        Refusal::new(StatusCode::BAD_REQUEST, "invalid_body", message).remedy(remedy)
    };
    let read = match bytes.iter().find(|byte| !byte.is_ascii_whitespace()) {
        Some(b'{') => serde_json::from_slice(&bytes).map_err(|error| {
            invalid(format!("the body is not what is expected, at line {}, column {}", error.line(), error.column()))
        }),
        // The parser of a struct would also take an array of its members.
        _ => Err(invalid("the body is not a JSON object".to_owned())),
    };
    // Wipe the body, because it holds what a person typed.
    if let Ok(mut bytes) = bytes.try_into_mut() {
        bytes.fill(0);
        std::hint::black_box(&bytes);
    }
    read
}

fn is_json(value: &str) -> bool {
    let (essence, parameters) = value.split_once(';').unwrap_or((value, ""));
    let charset = parameters.trim();
    essence.trim().eq_ignore_ascii_case("application/json")
        && (charset.is_empty() || charset.eq_ignore_ascii_case("charset=utf-8"))
}
