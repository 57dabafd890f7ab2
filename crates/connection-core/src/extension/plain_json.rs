//! Plain JSON: the values that every reader of a preference reads in the same way.

use std::collections::BTreeSet;

use connection_contract::Value;

/// Maximum depth of lists and objects.
const MAX_DEPTH: usize = 32;
/// Maximum length of one value, as JSON text in bytes.
const MAX_LENGTH: usize = 1 << 16;

/// Returns the value in the form that is stored: numbers are finite, and zero has no sign. A value that readers
/// interpret differently is refused, such as an object with the same key twice, or a number beyond the range of a
/// double.
///
/// # Errors
///
/// The problem, as a clause that follows the name of the preference.
pub(crate) fn normalize(value: &Value) -> Result<Value, &'static str> {
    let value = at(value, MAX_DEPTH)?;
    if value.to_string().len() > MAX_LENGTH {
        return Err("is longer than 64 KiB");
    }
    Ok(value)
}

fn at(value: &Value, levels: usize) -> Result<Value, &'static str> {
    let below = || levels.checked_sub(1).ok_or("has more than 32 levels");
    Ok(match value {
        Value::Null | Value::Bool(_) | Value::Text(_) => value.clone(),
        Value::Damaged(_) => return Err("contains bytes that are not valid UTF-8"),
        Value::Number(digits) => Value::Number(number(digits)?),
        Value::List(items) => {
            let below = below()?;
            Value::List(items.iter().map(|item| at(item, below)).collect::<Result<_, _>>()?)
        }
        Value::Map(fields) => {
            let below = below()?;
            let mut seen = BTreeSet::new();
            let field = |(name, value): &(String, Value)| {
                if !seen.insert(name.clone()) {
                    return Err("has an object with the same key twice");
                }
                Ok((name.clone(), at(value, below)?))
            };
            Value::Map(fields.iter().map(field).collect::<Result<_, _>>()?)
        }
    })
}

/// Checks a number. A value that was built by hand may hold any text.
fn number(digits: &str) -> Result<String, &'static str> {
    const WRONG: &str = "is not a finite number";
    if !matches!(Value::parse(digits.as_bytes()), Ok(Value::Number(read)) if read == *digits) {
        return Err(WRONG);
    }
    let parsed: f64 = digits.parse().map_err(|_| WRONG)?;
    if !parsed.is_finite() {
        return Err(WRONG);
    }
    // Digits that are not zero but too small for a double have no sign either.
    Ok(if parsed == 0.0 && digits.starts_with('-') { "0".to_owned() } else { digits.to_owned() })
}

/// Converts the value for readers that use serde. A whole number of 64 bits keeps its digits; any other becomes the
/// nearest double.
pub(crate) fn to_json(value: &Value) -> serde_json::Value {
    match value {
        Value::Null => serde_json::Value::Null,
        Value::Bool(truth) => (*truth).into(),
        Value::Number(digits) => match (digits.parse::<i64>(), digits.parse::<u64>(), digits.parse::<f64>()) {
            (Ok(number), _, _) => number.into(),
            (_, Ok(number), _) => number.into(),
            (_, _, Ok(number)) => number.into(),
            _ => serde_json::Value::Null,
        },
        Value::Text(text) | Value::Damaged(text) => text.as_str().into(),
        Value::List(items) => items.iter().map(to_json).collect(),
        Value::Map(fields) => {
            serde_json::Value::Object(fields.iter().map(|(name, value)| (name.clone(), to_json(value))).collect())
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn any_json() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::Bool),
            any::<i64>().prop_map(Value::from),
            "-?(0|[1-9][0-9]{0,6})(\\.[0-9]{1,4})?([eE][+-]?[0-9]{1,2})?".prop_map(Value::Number),
            ".{0,12}".prop_map(Value::Text),
        ];
        leaf.prop_recursive(5, 40, 6, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..6).prop_map(Value::List),
                prop::collection::btree_map(".{0,6}", inner, 0..6)
                    .prop_map(|map| Value::Map(map.into_iter().collect())),
            ]
        })
    }

    proptest! {
        #[test]
        fn plain_values_are_unchanged_and_normalizing_is_idempotent(value in any_json()) {
            let stored = normalize(&value).unwrap();
            prop_assert_eq!(normalize(&stored).unwrap(), stored.clone());
            let text = stored.to_string();
            prop_assert_eq!(Value::parse(text.as_bytes()).unwrap(), stored.clone());
            let (other, ours): (serde_json::Value, _) = (serde_json::from_str(&text).unwrap(), to_json(&stored));
            // A number that is not a whole number of 64 bits is a double in both, and may be written differently.
            let is_exact = !text.contains(['.', 'e', 'E']);
            prop_assert!(!is_exact || other == ours);
            prop_assert!(text != "-0" && text != "-0.0");
        }
    }

    #[test]
    fn ambiguous_numbers_are_refused_and_zero_has_no_sign() {
        let number = |digits: &str| normalize(&Value::Number(digits.to_owned())).map(|value| value.to_string());
        for digits in ["NaN", "inf", "-Infinity", "1e999", "-1e999", "", "01", "+1", "1.", "0x1", "1 ", "null"] {
            assert_eq!(number(digits), Err("is not a finite number"), "{digits}");
        }
        for (digits, stored) in [("-0", "0"), ("-0.0", "0"), ("-0e5", "0"), ("0", "0"), ("-1", "-1"), ("1e3", "1e3")] {
            assert_eq!(number(digits).as_deref(), Ok(stored));
        }
        let twice = Value::Map(vec![("a".into(), Value::Null), ("a".into(), Value::Null)]);
        assert_eq!(normalize(&twice), Err("has an object with the same key twice"));
        let deep = |levels| (0..levels).fold(Value::Null, |value, _| Value::List(vec![value]));
        assert!(normalize(&deep(32)).is_ok());
        assert_eq!(normalize(&deep(33)), Err("has more than 32 levels"));
        let long = Value::Text("x".repeat(MAX_LENGTH - 2));
        assert!(normalize(&long).is_ok());
        assert_eq!(normalize(&Value::Text("x".repeat(MAX_LENGTH - 1))), Err("is longer than 64 KiB"));
        assert_eq!(to_json(&Value::Number("18446744073709551615".into())).to_string(), "18446744073709551615");
    }
}
