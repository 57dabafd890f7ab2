//! The parser of templates. It reads each byte once and accepts any bytes without a panic.
//!
//! ```text
//! template   = *( text / "$${" / "${" expression "}" )
//! expression = variable / "uuid()" / "now()" / "base64(" argument *( "," argument ) ")"
//! argument   = variable / DQUOTE *( any character but DQUOTE ) DQUOTE
//! variable   = scope "." name
//! ```

use super::{Argument, Part, Scope, Variable};

const UNCLOSED: &str = "a template lacks its closing brace; write ${config.NAME}, and $${ for a literal brace";
const UNKNOWN: &str = "a template has no such expression; write ${config.NAME}, ${secret.NAME}, ${token.access}, \
                       ${client.id}, ${step.NAME}, ${uuid()}, ${now()} or ${base64(secret.NAME, \":\")}";
const NAME: &str = "a variable has a scope and a name of letters, digits, '_' and '-'; write ${config.NAME}";

pub(super) fn parse(text: &str) -> Result<Vec<Part>, &'static str> {
    let mut parts = Vec::new();
    let mut literal = String::new();
    let mut rest = text;
    while let Some(at) = rest.find("${") {
        let (before, after) = rest.split_at(at);
        let after = after.get(2..).unwrap_or_default();
        if let Some(before) = before.strip_suffix('$') {
            literal.push_str(before);
            literal.push_str("${");
            rest = after;
            continue;
        }
        literal.push_str(before);
        if !literal.is_empty() {
            parts.push(Part::Text(std::mem::take(&mut literal)));
        }
        let (part, tail) = expression(after)?;
        parts.push(part);
        rest = tail;
    }
    literal.push_str(rest);
    if !literal.is_empty() {
        parts.push(Part::Text(literal));
    }
    Ok(parts)
}

/// Reads an expression and its closing brace; returns what follows it.
fn expression(text: &str) -> Result<(Part, &str), &'static str> {
    for (call, part) in [("uuid()}", Part::Uuid), ("now()}", Part::Now)] {
        if let Some(tail) = text.strip_prefix(call) {
            return Ok((part, tail));
        }
    }
    if let Some(mut rest) = text.strip_prefix("base64(") {
        let mut arguments = Vec::new();
        loop {
            let (argument, tail) = argument(rest.trim_start())?;
            arguments.push(argument);
            let tail = tail.trim_start();
            if let Some(tail) = tail.strip_prefix(",") {
                rest = tail;
            } else {
                let tail = tail.strip_prefix(")").ok_or(UNKNOWN)?;
                return Ok((Part::Base64(arguments), tail.strip_prefix('}').ok_or(UNCLOSED)?));
            }
        }
    }
    let (inner, tail) = text.split_once('}').ok_or(UNCLOSED)?;
    if inner.contains('(') {
        return Err(UNKNOWN);
    }
    variable(inner).map(|variable| (Part::Variable(variable), tail))
}

fn argument(text: &str) -> Result<(Argument, &str), &'static str> {
    if let Some(quoted) = text.strip_prefix('"') {
        let (literal, tail) = quoted.split_once('"').ok_or("a quoted text lacks its closing quote; add it")?;
        return Ok((Argument::Text(literal.to_owned()), tail));
    }
    let end = text.find([',', ')', '}']).ok_or(UNCLOSED)?;
    let (name, tail) = text.split_at(end);
    Ok((Argument::Variable(variable(name.trim_end())?), tail))
}

fn variable(text: &str) -> Result<Variable, &'static str> {
    let (scope, name) = text.split_once('.').ok_or(UNKNOWN)?;
    let scope = Scope::called(scope).ok_or(UNKNOWN)?;
    if !is_name(name) {
        return Err(NAME);
    }
    Ok(Variable { scope, name: name.to_owned() })
}

/// Returns `true` for the name of a variable.
pub(super) fn is_name(name: &str) -> bool {
    name.bytes().next().is_some_and(|first| first.is_ascii_alphabetic())
        && name.len() <= 64
        && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-'))
}
