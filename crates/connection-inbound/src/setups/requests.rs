//! What is asked for, and how a body is read: JSON by its content type, of a bounded size, with nothing unknown in it.

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

/// Thirty-two fields of sixteen kilobytes each.
const MOST_BYTES: usize = 512 << 10;

/// Begins a setup: of a kind, or of a connection that is to be authorized again.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[non_exhaustive]
pub struct BeginBody {
    /// Of what kind the connection will be.
    pub kind: Option<String>,
    /// The connection's label.
    pub label: Option<String>,
    /// Connects the account also when it is connected already.
    #[serde(default)]
    pub again: bool,
    /// The id of the connection that gets another credential.
    pub connection: Option<String>,
    /// Takes one of another account, too.
    #[serde(default)]
    pub another_account: bool,
}

/// Answers a step.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct AnswersBody {
    /// The number of the step that it answers.
    pub step: u64,
    /// By the name of the field. One that is named twice is refused.
    #[serde(deserialize_with = "by_name")]
    pub answers: Vec<(String, AnswerValue)>,
}

impl AnswersBody {
    /// As the core takes them: a field with many values is repeated.
    pub(super) fn into_pairs(self) -> Vec<(String, Secret)> {
        let of =
            |(name, value): (String, AnswerValue)| value.into_texts().into_iter().map(move |text| (name.clone(), text));
        self.answers.into_iter().flat_map(of).collect()
    }
}

/// Asks for nothing.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct EmptyBody {}

/// A JSON object as pairs, so that a name that comes twice is seen.
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

/// Reads a body. What is wrong with it is said by its place alone: the reader's own words would repeat what was typed.
pub(super) async fn read<T: DeserializeOwned>(headers: &HeaderMap, body: Body) -> Result<T, Refusal> {
    let mut types = headers.get_all(header::CONTENT_TYPE).iter();
    let is_json = types.next().and_then(|value| value.to_str().ok()).is_some_and(is_json) && types.next().is_none();
    // A form of another site can send other types without asking (T10).
    if !is_json {
        let remedy = "send it with the content type application/json";
        return Err(
            Refusal::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "not_json_type", "the body is not JSON").remedy(remedy)
        );
    }
    let too_large = || Refusal::new(StatusCode::PAYLOAD_TOO_LARGE, "body_too_large", "the body is too large");
    let bytes = to_bytes(body, MOST_BYTES).await.map_err(|_| too_large())?;
    let read = serde_json::from_slice(&bytes).map_err(|error| {
        let place = format!("the body is not what is expected, at line {}, column {}", error.line(), error.column());
        let remedy = "see the JSON Schema of this request";
        Refusal::new(StatusCode::BAD_REQUEST, "invalid_body", place).remedy(remedy)
    });
    // What a person typed is in it.
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
