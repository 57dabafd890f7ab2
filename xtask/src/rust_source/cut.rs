//! Separates the code of a file from its tests.
//!
//! `without_tests` recognizes only `#[cfg(test)]` on a `mod`, `use` or `extern crate` at the top level of a file.
//! Deeper, the attribute may be in the input of a macro that drops it, and on other items the end is not certain. Such
//! an item stays in the code, where the checks refuse it.

use super::{Token, starts_with};

const CFG_TEST: &[&str] = &["#", "[", "cfg", "(", "test", ")", "]"];

/// The tokens of a file in two parts.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct SplitTokens {
    /// The code that is built for the users of a crate.
    pub(crate) code: Vec<Token>,
    /// The code that is built for the crate's tests alone.
    pub(crate) tests: Vec<Token>,
}

/// Separates the top-level items that exist only in tests.
pub(crate) fn without_tests(tokens: &[Token]) -> SplitTokens {
    let mut cut = SplitTokens::default();
    let mut depth = 0_usize;
    let mut rest = tokens;
    while let Some((token, after)) = rest.split_first() {
        if depth == 0 && starts_with(rest, CFG_TEST) {
            let length = CFG_TEST.len();
            if let Some(item) = rest.get(length..).and_then(item_length) {
                let (tests, behind) = rest.split_at_checked(length + item).unwrap_or((rest, &[]));
                // The attribute itself is left out, so that no check reports it.
                cut.tests.extend_from_slice(tests.get(length..).unwrap_or_default());
                rest = behind;
                continue;
            }
        }
        if opens(token) {
            depth += 1;
        } else if closes(token) {
            depth = depth.saturating_sub(1);
        }
        cut.code.push(token.clone());
        rest = after;
    }
    cut
}

/// Returns the number of tokens of the item that starts here, if its end is certain.
fn item_length(tokens: &[Token]) -> Option<usize> {
    if !["mod", "use", "extern"].iter().any(|word| tokens.first().is_some_and(|token| token.is_name(word))) {
        return None;
    }
    let is_module = tokens.first().is_some_and(|token| token.is_name("mod"));
    let mut depth = 0_usize;
    for (index, token) in tokens.iter().enumerate() {
        if opens(token) {
            depth += 1;
        } else if closes(token) {
            depth = depth.checked_sub(1)?;
            if depth == 0 && is_module {
                return Some(index + 1);
            }
        } else if depth == 0 && token.is_sign(';') {
            return Some(index + 1);
        }
    }
    None
}

/// Separates every item, field and statement that exists only in tests, at any depth.
///
/// Unlike [`without_tests`], this follows attributes inside items and recognizes `#[cfg(all(test, …))]`. It is for
/// checks of code whose author does not try to hide anything: the input of a macro is treated like any other code.
pub(crate) fn without_test_items(tokens: &[Token]) -> SplitTokens {
    let mut cut = SplitTokens::default();
    let mut rest = tokens;
    while let Some((token, after)) = rest.split_first() {
        match test_attribute_length(rest) {
            Some(length) => {
                let end = length + target_length(rest.get(length..).unwrap_or_default());
                let (tests, behind) = rest.split_at_checked(end).unwrap_or((rest, &[]));
                cut.tests.extend_from_slice(tests.get(length..).unwrap_or_default());
                rest = behind;
            }
            None => {
                cut.code.push(token.clone());
                rest = after;
            }
        }
    }
    cut
}

/// Returns the number of tokens of the `#[cfg(…)]` that starts here, if it holds only in tests.
fn test_attribute_length(tokens: &[Token]) -> Option<usize> {
    if starts_with(tokens, CFG_TEST) {
        return Some(CFG_TEST.len());
    }
    if !starts_with(tokens, &["#", "[", "cfg", "(", "all", "("]) {
        return None;
    }
    let end = tokens.iter().position(|token| token.is_sign(']'))? + 1;
    let inside = tokens.get(..end)?;
    let says = |word| inside.iter().any(|token| token.is_name(word));
    (says("test") && !says("not") && !says("any")).then_some(end)
}

/// Returns the number of tokens to which an attribute applies: further attributes and an item, a field or a statement.
pub(crate) fn target_length(tokens: &[Token]) -> usize {
    let attributes = attributes_length(tokens);
    let rest = tokens.get(attributes..).unwrap_or_default();
    let target = first_keyword(rest);
    let has_body =
        matches!(target, Some("fn" | "impl" | "mod" | "struct" | "enum" | "trait" | "extern" | "macro_rules"));
    let is_declaration = matches!(target, Some("use" | "static" | "type" | "let"));
    let mut depth = 0_usize;
    for (index, token) in rest.iter().enumerate() {
        let length = attributes + index;
        if opens(token) {
            depth += 1;
        } else if closes(token) {
            if depth == 0 {
                // This token closes the block that encloses the field or statement.
                return length;
            }
            depth -= 1;
            if depth == 0 && token.is_sign('}') && !is_declaration {
                return length + 1;
            }
        } else if depth == 0 && (token.is_sign(';') || token.is_sign(',') && !has_body && !is_declaration) {
            return length + 1;
        }
    }
    tokens.len()
}

fn attributes_length(tokens: &[Token]) -> usize {
    let mut length = 0;
    while let Some(rest) = tokens.get(length..).filter(|rest| starts_with(rest, &["#", "["])) {
        let mut depth = 0_usize;
        let end = rest.iter().position(|token| {
            depth += usize::from(opens(token));
            depth -= usize::from(closes(token) && depth > 0);
            closes(token) && depth == 0
        });
        length += end.map_or(rest.len(), |end| end + 1);
    }
    length
}

/// Returns the keyword that determines the sort of an item, after its visibility and qualifiers.
fn first_keyword(tokens: &[Token]) -> Option<&str> {
    let mut depth = 0_usize;
    for token in tokens {
        if opens(token) {
            depth += 1;
        } else if closes(token) {
            depth = depth.checked_sub(1)?;
        } else if depth == 0 {
            match token.name()? {
                "pub" | "async" | "unsafe" | "const" => {}
                name => return Some(name),
            }
        }
    }
    None
}

fn opens(token: &Token) -> bool {
    ['(', '[', '{'].iter().any(|sign| token.is_sign(*sign))
}

fn closes(token: &Token) -> bool {
    [')', ']', '}'].iter().any(|sign| token.is_sign(*sign))
}
