//! A file's bytes as a document: its size, its depth, where it is not JSON, and each key once.
//!
//! The contract's parser reads, since it keeps the digits of numbers and the order of keys; where it refuses, `serde_json`
//! is asked for the line.

use std::collections::BTreeSet;

use connection_contract::Value;

use crate::error::Fault;

/// Bytes of a file.
const MOST: usize = 1 << 20;
/// Levels of a document.
const DEEPEST: usize = 64;

pub(crate) fn parse(bytes: &[u8]) -> Result<Value, Fault> {
    if bytes.len() > MOST {
        return Err(Fault::at("", "a manifest has at most 1 MiB; move what is large into files of its own"));
    }
    // RFC 8259, section 8.1: a reader may pass over it.
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    Value::parse(bytes).map_err(|_| refusal(bytes))
}

/// Refuses a key that an object has twice: readers differ in which of them counts.
pub(crate) fn each_key_once(document: &Value) -> Result<(), Fault> {
    each_object("", document, |members| {
        let mut seen = BTreeSet::new();
        let twice = members.iter().find(|(key, _)| !seen.insert(key))?;
        Some((twice.0.as_str(), "an object has a key once; remove one of the two"))
    })
}

/// Looks at the members of each object, from the outside in, for one that breaks a rule.
///
/// The pointer is one text that grows and shrinks: a file of long keys and many members would cost the product of the two.
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
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::Text(_) => Ok(()),
        }
    }
    walk(&mut at.to_owned(), value, &find)
}

/// Goes one level down in a JSON pointer (RFC 6901, section 3).
fn push(pointer: &mut String, key: &str) {
    pointer.push('/');
    pointer.push_str(&key.replace('~', "~0").replace('/', "~1"));
}

/// The pointer to what is below.
pub(crate) fn below(pointer: &str, key: &str) -> String {
    let mut pointer = pointer.to_owned();
    push(&mut pointer, key);
    pointer
}

fn refusal(bytes: &[u8]) -> Fault {
    if depth(bytes) >= DEEPEST {
        return Fault::at("", "a manifest has at most 64 levels; make it flatter");
    }
    const RULE: &str = "not JSON (RFC 8259), which has no comments and no comma behind the last member; mend it";
    match serde_json::from_slice::<serde_json::Value>(bytes) {
        Err(error) => Fault::at("", format!("line {}, column {} is {RULE}", error.line(), error.column())),
        Ok(_) => Fault::at("", format!("this is {RULE}")),
    }
}

/// How deep brackets are nested, in JSON or what was meant to be.
fn depth(bytes: &[u8]) -> usize {
    let (mut depth, mut deepest, mut quoted, mut escaped) = (0_usize, 0, false, false);
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
