//! `--input`: one JSON object of field to value.

use std::collections::BTreeMap;

use connection_contract::Secret;
use serde_json::Value;

use crate::{Error, Exit};

/// The values by field. An array is several; `null` is none.
pub(super) fn object(bytes: &Secret) -> Result<BTreeMap<String, Vec<Secret>>, Error> {
    // serde's own errors repeat the value.
    let object: BTreeMap<String, Value> = serde_json::from_slice(bytes.expose()).map_err(|error| {
        invalid(format!("--input is not one JSON object: line {}, column {}", error.line(), error.column()))
    })?;
    let mut values = BTreeMap::new();
    for (name, value) in object {
        let list = match value {
            Value::Null => continue,
            Value::Array(list) => list,
            one => vec![one],
        };
        let list = list.into_iter().map(|value| single(&name, value)).collect::<Result<_, _>>()?;
        values.insert(name, list);
    }
    Ok(values)
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
