//! Deserializes a tree, and says where it does not fit the model.

use std::fmt::{self, Display};

use serde::{
    Deserializer,
    de::{self, DeserializeSeed, IntoDeserializer, MapAccess, SeqAccess, Unexpected, Visitor, value::StrDeserializer},
    forward_to_deserialize_any,
};

use super::{Content, Key, Node, Path};

/// A place of a tree that does not fit the model.
#[derive(Debug)]
pub(crate) struct ShapeError {
    /// The path, from the innermost step to the outermost.
    reversed: Vec<Key>,
    pub(crate) sentence: String,
}

impl ShapeError {
    fn new(sentence: impl Into<String>) -> Self {
        Self { reversed: Vec::new(), sentence: sentence.into() }
    }

    fn below(mut self, key: Key) -> Self {
        self.reversed.push(key);
        self
    }

    pub(super) fn path(&self) -> Path {
        Path(self.reversed.iter().rev().cloned().collect())
    }
}

impl Display for ShapeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.sentence)
    }
}

impl std::error::Error for ShapeError {}

impl de::Error for ShapeError {
    fn custom<T: Display>(message: T) -> Self {
        Self::new(message.to_string())
    }

    fn invalid_type(found: Unexpected<'_>, expected: &dyn de::Expected) -> Self {
        // The value itself is not shown.
        let found = match found {
            Unexpected::Bool(_) => "true or false",
            Unexpected::Unsigned(_) | Unexpected::Signed(_) | Unexpected::Float(_) => "a number",
            Unexpected::Str(_) | Unexpected::Char(_) | Unexpected::Bytes(_) => "a text",
            Unexpected::Unit | Unexpected::Option => "null",
            Unexpected::Seq => "a list",
            Unexpected::Map | Unexpected::StructVariant => "a table",
            _ => "another value",
        };
        let expected = expected.to_string();
        let expected = match expected.as_str() {
            "a string" => "a text",
            "a boolean" => "true or false",
            "a sequence" => "a list",
            "a map" => "a table",
            text if text.starts_with("struct ") => "a table",
            text if text.starts_with("enum ") => "one of the known words",
            "u16" | "u32" | "u64" | "i64" => "a whole number that is not negative",
            text => text,
        };
        Self::new(format!("this is {found}; write {expected}"))
    }

    fn invalid_value(_: Unexpected<'_>, expected: &dyn de::Expected) -> Self {
        let expected = expected.to_string();
        let expected = match expected.as_str() {
            "u16" | "u32" | "u64" => "a whole number that is not negative",
            text => text,
        };
        Self::new(format!("this value does not fit; write {expected}"))
    }

    fn unknown_variant(variant: &str, expected: &'static [&'static str]) -> Self {
        let all = expected.join("`, `");
        match nearest(variant, expected) {
            Some(near) => Self::new(format!("this word is unknown; did you mean `{near}`? The words are `{all}`")),
            None => Self::new(format!("this word is unknown; write one of `{all}`")),
        }
    }

    fn unknown_field(field: &str, expected: &'static [&'static str]) -> Self {
        match nearest(field, expected) {
            Some(near) => Self::new(format!("this key is unknown; did you mean `{near}`?")),
            None => Self::new(format!("this key is unknown; the keys here are `{}`", expected.join("`, `"))),
        }
    }

    fn duplicate_field(_: &'static str) -> Self {
        Self::new("this key occurs twice; remove one of the two")
    }
}

/// Returns the word that needs the fewest changes, if it is near enough.
fn nearest(word: &str, known: &[&'static str]) -> Option<&'static str> {
    let word = word.to_ascii_lowercase().replace('-', "_");
    let near = known.iter().map(|other| (distance(&word, other), *other)).min()?;
    (near.0 <= 1 + word.len() / 4).then_some(near.1)
}

/// Returns the number of letters to insert, delete, replace or swap.
fn distance(a: &str, b: &str) -> usize {
    let a: Vec<char> = a.chars().take(64).collect();
    let b: Vec<char> = b.chars().take(64).collect();
    let mut before: Vec<usize> = Vec::new();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.iter().enumerate() {
        let mut next = vec![i + 1];
        for (j, y) in b.iter().enumerate() {
            let changed = row[j] + usize::from(x != y);
            let mut least = changed.min(row[j + 1] + 1).min(next[j] + 1);
            if i > 0 && j > 0 && a[i - 1] == *y && *x == b[j - 1] {
                least = least.min(before[j - 1] + 1);
            }
            next.push(least);
        }
        before = std::mem::replace(&mut row, next);
    }
    row.last().copied().unwrap_or_default()
}

/// Deserializes one node of a tree into a type of the model.
pub(super) struct Reader<'n>(pub(super) &'n Node);

impl<'de> Deserializer<'de> for Reader<'_> {
    type Error = ShapeError;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ShapeError> {
        match &self.0.content {
            Content::Bool(flag) => visitor.visit_bool(*flag),
            Content::Float(number) => visitor.visit_f64(*number),
            Content::Integer(number) => visitor.visit_i64(*number),
            Content::List(items) => visitor.visit_seq(Items { items, next: 0 }),
            Content::Map(members) => visitor.visit_map(Members { members, next: 0 }),
            Content::Null => visitor.visit_unit(),
            Content::Text(text) => visitor.visit_str(text),
            Content::Other(what) => Err(ShapeError::new(format!("this is {what}; write a text"))),
        }
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ShapeError> {
        match &self.0.content {
            Content::Null => visitor.visit_none(),
            _ => visitor.visit_some(self),
        }
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        names: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, ShapeError> {
        match &self.0.content {
            Content::Text(text) => {
                let deserializer: StrDeserializer<'_, ShapeError> = text.as_str().into_deserializer();
                visitor.visit_enum(deserializer)
            }
            _ => Err(ShapeError::new(format!("this is not a word; write one of `{}`", names.join("`, `")))),
        }
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, ShapeError> {
        match &self.0.content {
            // A derived visitor also accepts the members in their order.
            Content::List(_) => Err(ShapeError::new("this is a list; write a table")),
            _ => self.deserialize_any(visitor),
        }
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf unit unit_struct
        newtype_struct seq tuple tuple_struct map identifier ignored_any
    }
}

struct Items<'n> {
    items: &'n [Node],
    next: usize,
}

impl<'de> SeqAccess<'de> for Items<'_> {
    type Error = ShapeError;

    fn next_element_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Result<Option<T::Value>, ShapeError> {
        let Some(item) = self.items.get(self.next) else { return Ok(None) };
        let index = self.next;
        self.next += 1;
        seed.deserialize(Reader(item)).map(Some).map_err(|error| error.below(Key::Index(index)))
    }
}

struct Members<'n> {
    members: &'n [(String, Node)],
    next: usize,
}

impl<'de> MapAccess<'de> for Members<'_> {
    type Error = ShapeError;

    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, seed: K) -> Result<Option<K::Value>, ShapeError> {
        let Some((name, _)) = self.members.get(self.next) else { return Ok(None) };
        let deserializer: StrDeserializer<'_, ShapeError> = name.as_str().into_deserializer();
        seed.deserialize(deserializer).map(Some).map_err(|error| error.below(Key::Name(name.clone())))
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, ShapeError> {
        // `serde` asks for a value only after its key.
        let Some((name, node)) = self.members.get(self.next) else { return Err(ShapeError::new("a value is missing")) };
        self.next += 1;
        seed.deserialize(Reader(node)).map_err(|error| error.below(Key::Name(name.clone())))
    }
}
