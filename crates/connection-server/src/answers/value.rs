//! The answer to one field, deserialized directly into memory that is wiped.

use std::fmt;

use connection_contract::Secret;
use serde::{
    Deserialize, Deserializer,
    de::{self, SeqAccess, Visitor},
};

/// The answer to one field: a text, `true` or `false`, a number, or an array of texts for a field with many values.
///
/// Its debug output shows only the number of values.
pub(crate) struct AnswerValue(Vec<Secret>);

/// The maximum number of values of one field.
const MAX_VALUES: usize = 256;

impl AnswerValue {
    /// Returns one text for each value.
    pub(super) fn into_texts(self) -> Vec<Secret> {
        self.0
    }
}

impl From<&str> for AnswerValue {
    fn from(text: &str) -> Self {
        Self(vec![Secret::from(text)])
    }
}

impl fmt::Debug for AnswerValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "AnswerValue({} values)", self.0.len())
    }
}

impl<'de> Deserialize<'de> for AnswerValue {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(OneOrMany)
    }
}

/// A text inside an array.
struct One(Secret);

impl<'de> Deserialize<'de> for One {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_str(Text).map(Self)
    }
}

struct Text;

impl Visitor<'_> for Text {
    type Value = Secret;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a text")
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<Secret, E> {
        Ok(Secret::from(text))
    }
}

struct OneOrMany;

impl<'de> Visitor<'de> for OneOrMany {
    type Value = AnswerValue;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a text, a number, true, false, or an array of texts")
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<AnswerValue, E> {
        Ok(text.into())
    }

    fn visit_bool<E: de::Error>(self, flag: bool) -> Result<AnswerValue, E> {
        Ok(if flag { "true" } else { "false" }.into())
    }

    fn visit_i64<E: de::Error>(self, number: i64) -> Result<AnswerValue, E> {
        Ok(number.to_string().as_str().into())
    }

    fn visit_u64<E: de::Error>(self, number: u64) -> Result<AnswerValue, E> {
        Ok(number.to_string().as_str().into())
    }

    fn visit_f64<E: de::Error>(self, number: f64) -> Result<AnswerValue, E> {
        Ok(number.to_string().as_str().into())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut sequence: A) -> Result<AnswerValue, A::Error> {
        let mut values = Vec::new();
        while let Some(One(value)) = sequence.next_element()? {
            if values.len() == MAX_VALUES {
                return Err(de::Error::custom("too many values"));
            }
            values.push(value);
        }
        Ok(AnswerValue(values))
    }
}
