//! JSON that all readers read in the same way.

use std::fmt;

use serde::{
    Deserialize, Deserializer,
    de::{DeserializeSeed, Error, MapAccess, SeqAccess, Visitor},
};
use serde_json::{Map, Number, Value};

use crate::text::fold;

/// Reads JSON in which no object has the same key twice, not even in another letter case.
///
/// Readers differ in which of two equal keys they take, and some compare keys without their case.
pub(crate) fn parse(bytes: &[u8]) -> Option<Value> {
    serde_json::from_slice::<Plain>(bytes).ok().map(|Plain(value)| value)
}

struct Plain(Value);

impl<'de> Deserialize<'de> for Plain {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(PlainVisitor).map(Self)
    }
}

struct PlainVisitor;

impl<'de> Visitor<'de> for PlainVisitor {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON without a key that occurs twice")
    }

    fn visit_unit<E: Error>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E: Error>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Bool(value))
    }

    fn visit_i64<E: Error>(self, value: i64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_u64<E: Error>(self, value: u64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_f64<E: Error>(self, value: f64) -> Result<Value, E> {
        Number::from_f64(value).map(Value::Number).ok_or_else(|| E::custom("the number is not finite"))
    }

    fn visit_str<E: Error>(self, value: &str) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Value, A::Error> {
        let mut list = Vec::new();
        while let Some(Plain(item)) = items.next_element()? {
            list.push(item);
        }
        Ok(Value::Array(list))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut fields: A) -> Result<Value, A::Error> {
        let mut map = Map::new();
        let mut seen = std::collections::HashSet::new();
        while let Some(key) = fields.next_key_seed(Key)? {
            if !seen.insert(fold(&key).into_owned()) {
                return Err(A::Error::custom("a key occurs twice"));
            }
            let Plain(value) = fields.next_value()?;
            map.insert(key, value);
        }
        Ok(Value::Object(map))
    }
}

/// Reads a key as text, so that no reader of special keys interferes.
struct Key;

impl<'de> DeserializeSeed<'de> for Key {
    type Value = String;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<String, D::Error> {
        String::deserialize(deserializer)
    }
}

/// Returns `true` if a value has something at a JSON pointer (RFC 6901).
///
/// With `is_case_ignored`, a key in another letter case counts, too.
pub(crate) fn has(value: &Value, pointer: &str, is_case_ignored: bool) -> bool {
    let mut current = value;
    for token in pointer.split('/').skip(1) {
        let token = token.replace("~1", "/").replace("~0", "~");
        let next = match current {
            Value::Object(map) => map.get(&token).or_else(|| {
                let folded = is_case_ignored.then(|| fold(&token))?;
                map.iter().find_map(|(key, value)| (fold(key) == folded).then_some(value))
            }),
            Value::Array(list) => token.parse::<usize>().ok().and_then(|index| list.get(index)),
            _ => None,
        };
        let Some(next) = next else { return false };
        current = next;
    }
    true
}

/// Returns the problem with a JSON pointer, if it has one.
pub(crate) fn pointer_problem(pointer: &str) -> Option<&'static str> {
    if !pointer.starts_with('/') {
        return Some("must begin with \"/\"");
    }
    let has_loose_tilde = pointer.split('~').skip(1).any(|rest| !rest.starts_with(['0', '1']));
    has_loose_tilde.then_some("has a \"~\" that is neither \"~0\" nor \"~1\"")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_that_occurs_twice_is_refused_at_every_depth_and_in_every_case() {
        for text in
            [r#"{"a":1,"a":1}"#, r#"{"a":1,"A":2}"#, r#"[{"b":{"c":1,"\u0063":2}}]"#, "{\"k\":1,\"\u{212a}\":2}"]
        {
            assert_eq!(parse(text.as_bytes()), None, "{text}");
        }
        assert_eq!(parse(br#"{"a":{"a":1}}"#), Some(serde_json::json!({"a": {"a": 1}})));
    }

    #[test]
    fn pointers_find_keys_in_another_case_only_on_request() {
        let value = serde_json::json!({"Labels": [{"a/b": 1}]});
        assert!(has(&value, "/Labels/0/a~1b", false) && has(&value, "/labels/0/A~1B", true));
        assert!(!has(&value, "/labels", false) && !has(&value, "/labels/1", true) && !has(&value, "/x", true));
    }
}
