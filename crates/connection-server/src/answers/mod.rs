//! The answers of a person to a step of a setup.

mod value;

use std::fmt;

use connection_contract::Secret;
use serde::{
    Deserialize, Deserializer,
    de::{MapAccess, Visitor},
};

use value::AnswerValue;

/// The request to answer a step.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct AnswersBody {
    /// The number of the step that is answered.
    pub(crate) step: u64,
    /// The answers by the name of the field. A name that occurs twice is refused.
    #[serde(deserialize_with = "by_name")]
    answers: Vec<(String, AnswerValue)>,
}

impl AnswersBody {
    /// Returns the answers as the core takes them: a field with many values is repeated.
    pub(crate) fn into_pairs(self) -> Vec<(String, Secret)> {
        let of =
            |(name, value): (String, AnswerValue)| value.into_texts().into_iter().map(move |text| (name.clone(), text));
        self.answers.into_iter().flat_map(of).collect()
    }
}

/// Deserializes a JSON object as pairs, so that a repeated name is noticed.
fn by_name<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<(String, AnswerValue)>, D::Error> {
    deserializer.deserialize_map(Pairs)
}

struct Pairs;

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
