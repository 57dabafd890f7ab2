//! Reading YAML 1.2 as a tree, within limits.
//!
//! The parser reports events, so a document that is too large or too deep is refused while it is read. An alias is not
//! followed, so that a small document cannot stand for a large one.

use std::collections::BTreeSet;

use connection_contract::Value;
use saphyr_parser::{Event, Parser, ScalarStyle};

use crate::kind::Problem;

/// The maximum size of a document in bytes.
pub(super) const MAX_BYTES: usize = 8 * 1024 * 1024;
/// The maximum depth of a document.
const MAX_DEPTH: usize = 32;
/// The maximum number of values.
const MAX_VALUES: usize = 500_000;

/// A list or a mapping that has not ended.
enum Open {
    List(Vec<Value>),
    /// The members, their keys, and the key whose value comes next.
    Map(Vec<(String, Value)>, BTreeSet<String>, Option<String>),
}

/// Returns the value of the only document.
pub(super) fn parse(name: &str, text: &str) -> Result<Value, Problem> {
    let mut open: Vec<Open> = Vec::new();
    let mut whole = None;
    let mut count = 0_usize;
    for event in Parser::new_from_str(text) {
        let (event, span) = event.map_err(|error| {
            let sentence = format!("this is not YAML: {}; correct it", error.info());
            Problem::new(name, line(error.marker().line()), "", sentence)
        })?;
        let refused = |rule: &'static str| Err(Problem::new(name, line(span.start.line()), "", rule));
        let value = match event {
            Event::Scalar(text, style, ..) => scalar(text.into_owned(), style),
            Event::SequenceStart(..) | Event::MappingStart(..) => {
                if open.len() >= MAX_DEPTH {
                    return refused("a document may have at most 32 levels; nest it less deeply");
                }
                open.push(match event {
                    Event::SequenceStart(..) => Open::List(Vec::new()),
                    _ => Open::Map(Vec::new(), BTreeSet::new(), None),
                });
                continue;
            }
            Event::SequenceEnd | Event::MappingEnd => match open.pop() {
                Some(Open::List(items)) => Value::List(items),
                Some(Open::Map(members, ..)) => Value::Map(members),
                None => continue,
            },
            Event::Alias(_) => return refused("an alias is not followed; write the value itself"),
            Event::DocumentStart(_) if whole.is_some() => {
                return refused("the file has a second document; keep one of them");
            }
            Event::DocumentStart(_) | Event::DocumentEnd | Event::Nothing | Event::StreamStart | Event::StreamEnd => {
                continue;
            }
        };
        count = count.saturating_add(1);
        if count > MAX_VALUES {
            return refused("the file has more than 500,000 values; split it");
        }
        match open.last_mut() {
            None => whole = Some(value),
            Some(Open::List(items)) => items.push(value),
            Some(Open::Map(members, keys, key)) => match (key.take(), plain(&value)) {
                (Some(key), _) => members.push((key, value)),
                (None, None) => return refused("a key is a text; write one"),
                (None, Some(new)) if !keys.insert(new.clone()) => {
                    return refused("this key occurs twice; remove one of the two");
                }
                (None, Some(new)) => *key = Some(new),
            },
        }
    }
    Ok(whole.unwrap_or(Value::Null))
}

fn line(line: usize) -> Option<u32> {
    u32::try_from(line).ok()
}

/// Returns a scalar by the rules of the core schema. A text in quotes is always a text.
fn scalar(text: String, style: ScalarStyle) -> Value {
    if style != ScalarStyle::Plain {
        return Value::Text(text);
    }
    match text.as_str() {
        "" | "~" | "null" | "Null" | "NULL" => Value::Null,
        "true" | "True" | "TRUE" => Value::Bool(true),
        "false" | "False" | "FALSE" => Value::Bool(false),
        digits if digits.len() < 16 && digits.parse::<i64>().is_ok_and(|number| number.to_string() == digits) => {
            Value::Number(text)
        }
        _ => Value::Text(text),
    }
}

/// Returns a scalar as text.
pub(super) fn plain(value: &Value) -> Option<String> {
    match value {
        Value::Text(text) | Value::Number(text) => Some(text.clone()),
        Value::Bool(flag) => Some(flag.to_string()),
        Value::Null | Value::Damaged(_) | Value::List(_) | Value::Map(_) => None,
    }
}

/// Returns the size of a value in bytes, approximately.
pub(super) fn size(value: &Value) -> usize {
    match value {
        Value::Text(text) | Value::Damaged(text) | Value::Number(text) => text.len().saturating_add(8),
        Value::List(items) => items.iter().fold(8, |sum: usize, item| sum.saturating_add(size(item))),
        Value::Map(members) => members
            .iter()
            .fold(8, |sum: usize, (name, value)| sum.saturating_add(name.len()).saturating_add(size(value))),
        Value::Bool(_) | Value::Null => 8,
    }
}
