//! Parsing of a file: its size, its depth, the position of an error, and unique keys.
//!
//! The contract's parser is used, because it keeps the digits of numbers and the order of keys. When it refuses a file,
//! `serde_json` provides the line of the error.

use std::collections::BTreeSet;

use connection_contract::Value;

use crate::error::Fault;

/// The maximum size of a file, in bytes.
const MAX_BYTES: usize = 1 << 20;
/// The maximum depth of a document.
const MAX_DEPTH: usize = 64;

pub(crate) fn parse(bytes: &[u8]) -> Result<Value, Fault> {
    if bytes.len() > MAX_BYTES {
        return Err(Fault::at("", "a manifest may have at most 1 MiB; move large content into separate files"));
    }
    // A parser may ignore a byte order mark (RFC 8259, section 8.1).
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    Value::parse(bytes).map_err(|_| refusal(bytes))
}

/// Refuses an object with a repeated key, because parsers differ in which one they use.
pub(crate) fn each_key_once(document: &Value) -> Result<(), Fault> {
    each_object("", document, |members| {
        let mut seen = BTreeSet::new();
        let twice = members.iter().find(|(key, _)| !seen.insert(key))?;
        Some((twice.0.as_str(), "an object must not have the same key twice; remove one of the two"))
    })
}

/// Calls `find` with the members of each object, from the outside in, until one breaks a rule.
///
/// The pointer is a single text that grows and shrinks. Building one for each member of a file with long keys and many
/// members would cost the product of the two.
pub(crate) fn each_object(
    at: &str,
    value: &Value,
    find: impl Fn(&[(String, Value)]) -> Option<(&str, &'static str)>,
) -> Result<(), Fault> {
    type Find<'f> = &'f dyn Fn(&[(String, Value)]) -> Option<(&str, &'static str)>;
    fn walk(at: &mut String, value: &Value, find: Find<'_>) -> Result<(), Fault> {
        let length = at.len();
        let below = |at: &mut String, key: &str, value: &Value| {
            push(at, key);
            walk(at, value, find)?;
            at.truncate(length);
            Ok(())
        };
        match value {
            Value::List(items) => {
                items.iter().enumerate().try_for_each(|(index, item)| below(at, &index.to_string(), item))
            }
            Value::Map(members) => match find(members) {
                Some((key, rule)) => Err(Fault::at(self::below(at, key), rule)),
                None => members.iter().try_for_each(|(key, value)| below(at, key, value)),
            },
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::Text(_) | Value::Damaged(_) => Ok(()),
        }
    }
    walk(&mut at.to_owned(), value, &find)
}

/// Extends a JSON pointer by one level (RFC 6901, section 3).
fn push(pointer: &mut String, key: &str) {
    pointer.push('/');
    pointer.push_str(&key.replace('~', "~0").replace('/', "~1"));
}

/// Returns a JSON pointer that is extended by one level.
pub(crate) fn below(pointer: &str, key: &str) -> String {
    let mut pointer = pointer.to_owned();
    push(&mut pointer, key);
    pointer
}

fn refusal(bytes: &[u8]) -> Fault {
    if depth(bytes) >= MAX_DEPTH {
        return Fault::at("", "a manifest may have at most 64 levels; nest it less deeply");
    }
    const RULE: &str = "not JSON (RFC 8259), which has no comments and no comma after the last member; correct it";
    match serde_json::from_slice::<serde_json::Value>(bytes) {
        Err(error) => Fault::at("", format!("line {}, column {} is {RULE}", error.line(), error.column())),
        Ok(_) => Fault::at("", format!("this is {RULE}")),
    }
}

/// Returns how deeply brackets are nested, in JSON or in text that is nearly JSON.
pub(crate) fn depth(bytes: &[u8]) -> usize {
    let mut depth = 0_usize;
    let mut deepest = 0;
    let mut quoted = false;
    let mut escaped = false;
    for byte in bytes {
        match (byte, quoted) {
            _ if escaped => escaped = false,
            (b'\\', true) => escaped = true,
            (b'"', _) => quoted = !quoted,
            (b'[' | b'{', false) => depth = depth.saturating_add(1),
            (b']' | b'}', false) => depth = depth.saturating_sub(1),
            _ => {}
        }
        deepest = depth.max(deepest);
    }
    deepest
}
