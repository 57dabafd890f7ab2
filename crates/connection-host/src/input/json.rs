//! The option `--input`: one JSON object of field to value.

use std::{collections::BTreeMap, fmt};

use connection_contract::Secret;
use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde_json::Value;

use crate::{Error, Exit};

/// Returns the values by field. An array is several values; `null` is none.
pub(super) fn object(bytes: &Secret) -> Result<BTreeMap<String, Vec<Secret>>, Error> {
    // The errors of serde repeat the value.
    let Members(object) = serde_json::from_slice(bytes.expose()).map_err(|error| {
        invalid(format!("--input is not one JSON object: line {}, column {}", error.line(), error.column()))
    })?;
    let mut values = BTreeMap::new();
    for (name, value) in object {
        if values.contains_key(&name) {
            return Err(invalid(format!("--input: '{name}' is given twice")));
        }
        let list = match value {
            Value::Null => Vec::new(),
            Value::Array(list) => list,
            one => vec![one],
        };
        let list: Vec<_> = list.into_iter().map(|value| single(&name, value)).collect::<Result<_, _>>()?;
        values.insert(name, list);
    }
    values.retain(|_, list| !list.is_empty());
    Ok(values)
}

/// The members in order, including repeated names that a map would overwrite.
struct Members(Vec<(String, Value)>);

impl<'de> Deserialize<'de> for Members {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(Self(Vec::new()))
    }
}

impl<'de> Visitor<'de> for Members {
    type Value = Self;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<M: MapAccess<'de>>(mut self, mut map: M) -> Result<Self, M::Error> {
        while let Some(member) = map.next_entry()? {
            self.0.push(member);
        }
        Ok(self)
    }
}

fn single(name: &str, value: Value) -> Result<Secret, Error> {
    match value {
        Value::String(text) => Ok(text.into()),
        Value::Bool(yes) => Ok(yes.to_string().into()),
        Value::Number(number) => Ok(number.to_string().into()),
        Value::Null | Value::Array(_) | Value::Object(_) => {
            Err(invalid(format!("--input: '{name}' must be a string, a boolean, a number or an array of them")))
        }
    }
}

fn invalid(message: String) -> Error {
    Error::new(Exit::Usage, "invalid_input", message)
}
