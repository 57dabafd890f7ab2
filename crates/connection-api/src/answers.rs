//! The answers of a person to a step of a setup, which are read into memory that is wiped.

use std::fmt;

use connection_contract::Secret;
use serde::{
    Deserialize, Deserializer, Serialize, Serializer,
    de::{self, MapAccess, SeqAccess, Visitor},
    ser::SerializeMap as _,
};

/// The maximum number of values of one field.
const MAX_VALUES: usize = 256;

/// The answers to a step, by the name of the field.
///
/// `Debug` hides the values.
///
/// ```
/// use connection_api::Answers;
///
/// let answers = Answers::new(1, [("apiKey".to_owned(), "ntn_1".into())]);
/// let text = serde_json::to_string(&answers)?;
/// assert_eq!(text, r#"{"step":1,"answers":{"apiKey":"ntn_1"}}"#);
/// let read: Answers = serde_json::from_str(&text)?;
/// assert_eq!(read.into_pairs()[0].1.expose_str(), Some("ntn_1"));
/// # Ok::<_, serde_json::Error>(())
/// ```
#[derive(Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct Answers {
    /// The number of the step that is answered.
    pub step: u64,
    /// The answer to each field.
    #[serde(deserialize_with = "read_by_name", serialize_with = "write_by_name")]
    #[cfg_attr(feature = "schema", schema(value_type = std::collections::HashMap<String, Answered>))]
    answers: Vec<(String, Values)>,
}

impl Answers {
    /// Creates the answers to a step. A field with many values is repeated.
    pub fn new(step: u64, pairs: impl IntoIterator<Item = (String, Secret)>) -> Self {
        let mut answers: Vec<(String, Values)> = Vec::new();
        for (name, value) in pairs {
            match answers.iter_mut().find(|(known, _)| *known == name) {
                Some((_, Values(values))) => values.push(value),
                None => answers.push((name, Values(vec![value]))),
            }
        }
        Self { step, answers }
    }

    /// Returns the number of bytes of the names and values, which a writer reserves so that the memory with the values
    /// is not moved.
    pub fn size(&self) -> usize {
        let of = |(name, Values(values)): &(String, Values)| {
            values.iter().map(|value| name.len() + value.expose().len() + 8).sum::<usize>()
        };
        self.answers.iter().map(of).sum()
    }

    /// Returns the name and the value of each answer. A field with many values is repeated.
    pub fn into_pairs(self) -> Vec<(String, Secret)> {
        let of = |(name, Values(values)): (String, Values)| values.into_iter().map(move |value| (name.clone(), value));
        self.answers.into_iter().flat_map(of).collect()
    }
}

/// The answer to a field. An array is for a field that takes several values.
#[cfg(feature = "schema")]
#[derive(Debug, utoipa::ToSchema)]
#[serde(untagged)]
#[expect(dead_code, reason = "it describes a value that is read into memory that is wiped")]
enum Answered {
    Text(String),
    Number(f64),
    Flag(bool),
    Several(Vec<String>),
}

/// The values of one field: a text, `true` or `false`, a number, or an array of texts for a field with many values.
struct Values(Vec<Secret>);

impl fmt::Debug for Values {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "({} values)", self.0.len())
    }
}

fn write_by_name<S: Serializer>(answers: &[(String, Values)], serializer: S) -> Result<S::Ok, S::Error> {
    let mut map = serializer.serialize_map(Some(answers.len()))?;
    for (name, Values(values)) in answers {
        let texts: Vec<&str> = values.iter().filter_map(Secret::expose_str).collect();
        match texts.as_slice() {
            [only] => map.serialize_entry(name, only)?,
            several => map.serialize_entry(name, several)?,
        }
    }
    map.end()
}

/// Deserializes a JSON object as pairs, so that a repeated name is noticed.
fn read_by_name<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<(String, Values)>, D::Error> {
    deserializer.deserialize_map(Pairs)
}

struct Pairs;

impl<'de> Visitor<'de> for Pairs {
    type Value = Vec<(String, Values)>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object of field to answer")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut pairs: Self::Value = Vec::new();
        while let Some((name, values)) = map.next_entry::<String, Values>()? {
            if pairs.iter().any(|(other, _)| *other == name) {
                return Err(de::Error::custom("a field is named twice"));
            }
            pairs.push((name, values));
        }
        Ok(pairs)
    }
}

impl<'de> Deserialize<'de> for Values {
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
    type Value = Values;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a text, a number, true, false, or an array of texts")
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<Values, E> {
        Ok(Values(vec![Secret::from(text)]))
    }

    fn visit_bool<E: de::Error>(self, flag: bool) -> Result<Values, E> {
        self.visit_str(if flag { "true" } else { "false" })
    }

    fn visit_i64<E: de::Error>(self, number: i64) -> Result<Values, E> {
        self.visit_str(&number.to_string())
    }

    fn visit_u64<E: de::Error>(self, number: u64) -> Result<Values, E> {
        self.visit_str(&number.to_string())
    }

    fn visit_f64<E: de::Error>(self, number: f64) -> Result<Values, E> {
        self.visit_str(&number.to_string())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut sequence: A) -> Result<Values, A::Error> {
        let mut values = Vec::new();
        while let Some(One(value)) = sequence.next_element()? {
            if values.len() == MAX_VALUES {
                return Err(de::Error::custom("too many values"));
            }
            values.push(value);
        }
        Ok(Values(values))
    }
}
