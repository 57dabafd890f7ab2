//! The part of JSON Schema that our schemas use, strictly: an unknown keyword fails the test.

use connection_inbound::schemas;
use serde_json::Value;

/// Checks a value against the schema of that name.
pub(crate) fn check(name: &str, value: &Value) -> Result<(), String> {
    let schema = schemas().into_iter().find(|schema| schema.name == name).unwrap();
    let root: Value = serde_json::from_str(schema.document).unwrap();
    fits(&root, &root, value).map_err(|why| format!("{why}\n{value:#}"))
}

fn fits(root: &Value, schema: &Value, value: &Value) -> Result<(), String> {
    let schema = schema.as_object().unwrap();
    for (word, rule) in schema {
        match word.as_str() {
            "$schema" | "$defs" | "title" | "required" | "additionalProperties" => {}
            "$ref" => fits(root, root.pointer(rule.as_str().unwrap().trim_start_matches('#')).unwrap(), value)?,
            "const" if value == rule => {}
            "enum" if rule.as_array().unwrap().contains(value) => {}
            "type" if is_of(rule, value) => {}
            "items" => {
                for item in value.as_array().into_iter().flatten() {
                    fits(root, rule, item)?;
                }
            }
            "properties" => properties(root, schema, value)?,
            "oneOf" => {
                let tried: Vec<_> = rule.as_array().unwrap().iter().map(|one| fits(root, one, value)).collect();
                if tried.iter().filter(|tried| tried.is_ok()).count() != 1 {
                    return Err(format!("not one of: {tried:?}"));
                }
            }
            "const" | "enum" | "type" => return Err(format!("{word} is not {rule}")),
            other => panic!("unknown word {other}"),
        }
    }
    if let (Some(extra), false) = (schema.get("additionalProperties"), schema.contains_key("properties")) {
        for one in value.as_object().into_iter().flat_map(serde_json::Map::values) {
            fits(root, extra, one)?;
        }
    }
    Ok(())
}

fn properties(root: &Value, schema: &serde_json::Map<String, Value>, value: &Value) -> Result<(), String> {
    let Some(object) = value.as_object() else { return Ok(()) };
    let known = schema["properties"].as_object().unwrap();
    for name in schema["required"].as_array().unwrap() {
        if !object.contains_key(name.as_str().unwrap()) {
            return Err(format!("{name} is missing"));
        }
    }
    assert_eq!(schema["additionalProperties"], false, "every object is closed");
    for (name, value) in object {
        let rule = known.get(name).ok_or_else(|| format!("{name} is not known"))?;
        fits(root, rule, value).map_err(|why| format!("{name}: {why}"))?;
    }
    Ok(())
}

fn is_of(rule: &Value, value: &Value) -> bool {
    let is = |word: &Value| match word.as_str().unwrap() {
        "array" => value.is_array(),
        "boolean" => value.is_boolean(),
        "integer" => value.is_u64() || value.is_i64(),
        "null" => value.is_null(),
        "number" => value.is_number(),
        "object" => value.is_object(),
        "string" => value.is_string(),
        other => panic!("unknown type {other}"),
    };
    rule.as_array().map_or_else(|| is(rule), |words| words.iter().any(is))
}

/// The check itself finds errors.
#[test]
fn a_value_that_does_not_fit_a_schema_is_reported() {
    let reason = serde_json::json!({ "code": "x", "message": "x", "remedy": null });
    let good =
        serde_json::json!({ "id": "i", "kind": "k", "cursor": "c", "step": 1, "type": "failed", "reason": reason });
    check("setup", &good).unwrap();
    for (name, value) in [("step", Value::Null), ("type", "prompt".into()), ("reason", "x".into()), ("more", 1.into())]
    {
        let mut bad = good.clone();
        bad[name] = value;
        assert!(check("setup", &bad).is_err(), "{name}");
    }
    let mut bad = good;
    bad.as_object_mut().unwrap().remove("cursor");
    assert!(check("setup", &bad).is_err());
}
