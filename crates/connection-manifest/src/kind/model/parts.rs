//! Parts of the model that may be written in several ways, read without trying one form after the other.

use std::{borrow::Cow, collections::BTreeMap, fmt, marker::PhantomData};

use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::{
    Deserialize, Deserializer,
    de::{Error, MapAccess, SeqAccess, Visitor},
};

use super::{super::template::Template, Scalar};

/// One text, or a list of alternatives.
#[derive(Clone, Debug, Default, PartialEq, Eq, JsonSchema)]
#[schemars(with = "TextOrList")]
pub(crate) struct Texts(pub(crate) Vec<String>);

/// The forms of [`Texts`], for the schema.
#[derive(JsonSchema)]
#[schemars(untagged)]
#[expect(dead_code, reason = "only the schema needs it")]
enum TextOrList {
    Text(String),
    List(Vec<String>),
}

impl Texts {
    pub(crate) fn iter(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(String::as_str)
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl<'de> Deserialize<'de> for Texts {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Seen;
        impl<'de> Visitor<'de> for Seen {
            type Value = Texts;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a text or a list of texts")
            }
            fn visit_str<E: Error>(self, text: &str) -> Result<Texts, E> {
                Ok(Texts(vec![text.to_owned()]))
            }
            fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Texts, A::Error> {
                let mut texts = Vec::new();
                while let Some(text) = items.next_element()? {
                    texts.push(text);
                }
                Ok(Texts(texts))
            }
        }
        deserializer.deserialize_any(Seen)
    }
}

/// A table whose keys the file chooses, in the order of the keys. A repeated key is refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Pairs<T>(pub(crate) BTreeMap<String, T>);

impl<T> Default for Pairs<T> {
    fn default() -> Self {
        Self(BTreeMap::new())
    }
}

impl<T> Pairs<T> {
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = (&str, &T)> {
        self.0.iter().map(|(name, value)| (name.as_str(), value))
    }
}

impl<T: JsonSchema> JsonSchema for Pairs<T> {
    fn schema_name() -> Cow<'static, str> {
        format!("Pairs_of_{}", T::schema_name()).into()
    }

    fn inline_schema() -> bool {
        true
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        BTreeMap::<String, T>::json_schema(generator)
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Pairs<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Seen<T>(PhantomData<T>);
        impl<'de, T: Deserialize<'de>> Visitor<'de> for Seen<T> {
            type Value = Pairs<T>;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a table")
            }
            fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Pairs<T>, A::Error> {
                let mut pairs = BTreeMap::new();
                while let Some((name, value)) = members.next_entry::<String, T>()? {
                    if pairs.insert(name, value).is_some() {
                        return Err(A::Error::custom("a key occurs twice; remove one of the two"));
                    }
                }
                Ok(Pairs(pairs))
            }
        }
        deserializer.deserialize_map(Seen(PhantomData))
    }
}

/// The value of a parameter, or `false` to remove a standard one.
#[derive(Clone, Debug, PartialEq, Eq, JsonSchema)]
#[schemars(untagged)]
pub(crate) enum Parameter {
    Remove(bool),
    Set(Template),
}

impl<'de> Deserialize<'de> for Parameter {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Seen;
        impl Visitor<'_> for Seen {
            type Value = Parameter;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a text, or false to remove the parameter")
            }
            fn visit_str<E: Error>(self, text: &str) -> Result<Parameter, E> {
                Template::parse(text).map(Parameter::Set).map_err(E::custom)
            }
            fn visit_bool<E: Error>(self, flag: bool) -> Result<Parameter, E> {
                if flag {
                    Err(E::custom("only false removes a parameter; write a text to set one"))
                } else {
                    Ok(Parameter::Remove(false))
                }
            }
        }
        deserializer.deserialize_any(Seen)
    }
}

impl<'de> Deserialize<'de> for Scalar {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Seen;
        impl Visitor<'_> for Seen {
            type Value = Scalar;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a text, a whole number, true or false")
            }
            fn visit_str<E: Error>(self, text: &str) -> Result<Scalar, E> {
                Ok(Scalar::Text(text.to_owned()))
            }
            fn visit_bool<E: Error>(self, flag: bool) -> Result<Scalar, E> {
                Ok(Scalar::Bool(flag))
            }
            fn visit_i64<E: Error>(self, number: i64) -> Result<Scalar, E> {
                Ok(Scalar::Number(number))
            }
            fn visit_u64<E: Error>(self, number: u64) -> Result<Scalar, E> {
                i64::try_from(number).map(Scalar::Number).map_err(|_| E::custom("the number is too large"))
            }
        }
        deserializer.deserialize_any(Seen)
    }
}

/// A value that may be chosen, with its label.
#[derive(Clone, Debug, PartialEq, Eq, JsonSchema)]
#[schemars(with = "ChoiceForm")]
pub(crate) struct Choice {
    pub(crate) value: String,
    pub(crate) label: String,
}

/// The forms of a [`Choice`].
#[derive(Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
struct ChoiceTable {
    /// The value that the field has if this choice is selected.
    value: String,
    /// Label for people. The default is the value.
    label: Option<String>,
}

#[derive(JsonSchema)]
#[schemars(untagged)]
#[expect(dead_code, reason = "only the schema needs it")]
enum ChoiceForm {
    Text(String),
    Table(ChoiceTable),
}

impl<'de> Deserialize<'de> for Choice {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Seen;
        impl<'de> Visitor<'de> for Seen {
            type Value = Choice;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a text, or a table with `value` and `label`")
            }
            fn visit_str<E: Error>(self, text: &str) -> Result<Choice, E> {
                Ok(Choice { value: text.to_owned(), label: text.to_owned() })
            }
            fn visit_map<A: MapAccess<'de>>(self, members: A) -> Result<Choice, A::Error> {
                let table = ChoiceTable::deserialize(serde::de::value::MapAccessDeserializer::new(members))?;
                Ok(Choice { label: table.label.unwrap_or_else(|| table.value.clone()), value: table.value })
            }
        }
        deserializer.deserialize_any(Seen)
    }
}

/// A JSON value whose texts are templates.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum JsonTemplate {
    Null,
    Bool(bool),
    Number(String),
    Text(Template),
    List(Vec<Self>),
    Map(Vec<(String, Self)>),
}

impl JsonTemplate {
    /// Calls `visit` with each template.
    pub(crate) fn each(&self, visit: &mut dyn FnMut(&Template)) {
        match self {
            Self::Text(template) => visit(template),
            Self::List(items) => items.iter().for_each(|item| item.each(visit)),
            Self::Map(members) => members.iter().for_each(|(_, value)| value.each(visit)),
            Self::Null | Self::Bool(_) | Self::Number(_) => {}
        }
    }
}

impl JsonSchema for JsonTemplate {
    fn schema_name() -> Cow<'static, str> {
        "JsonTemplate".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        schemars::json_schema!({ "description": "A JSON value whose texts are templates." })
    }
}

impl<'de> Deserialize<'de> for JsonTemplate {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Seen;
        impl<'de> Visitor<'de> for Seen {
            type Value = JsonTemplate;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a JSON value")
            }
            fn visit_unit<E: Error>(self) -> Result<JsonTemplate, E> {
                Ok(JsonTemplate::Null)
            }
            fn visit_bool<E: Error>(self, flag: bool) -> Result<JsonTemplate, E> {
                Ok(JsonTemplate::Bool(flag))
            }
            fn visit_i64<E: Error>(self, number: i64) -> Result<JsonTemplate, E> {
                Ok(JsonTemplate::Number(number.to_string()))
            }
            fn visit_u64<E: Error>(self, number: u64) -> Result<JsonTemplate, E> {
                Ok(JsonTemplate::Number(number.to_string()))
            }
            fn visit_f64<E: Error>(self, number: f64) -> Result<JsonTemplate, E> {
                if !number.is_finite() {
                    return Err(E::custom("JSON has no such number; write a finite one"));
                }
                Ok(JsonTemplate::Number(number.to_string()))
            }
            fn visit_str<E: Error>(self, text: &str) -> Result<JsonTemplate, E> {
                Template::parse(text).map(JsonTemplate::Text).map_err(E::custom)
            }
            fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<JsonTemplate, A::Error> {
                let mut list = Vec::new();
                while let Some(item) = items.next_element()? {
                    list.push(item);
                }
                Ok(JsonTemplate::List(list))
            }
            fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<JsonTemplate, A::Error> {
                let mut map: Vec<(String, JsonTemplate)> = Vec::new();
                while let Some((name, value)) = members.next_entry::<String, JsonTemplate>()? {
                    if map.iter().any(|(known, _)| *known == name) {
                        return Err(A::Error::custom("a key occurs twice; remove one of the two"));
                    }
                    map.push((name, value));
                }
                Ok(JsonTemplate::Map(map))
            }
        }
        deserializer.deserialize_any(Seen)
    }
}
