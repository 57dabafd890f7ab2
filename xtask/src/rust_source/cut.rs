//! Parts a file's code from its tests.
//!
//! Only `#[cfg(test)]` on a `mod`, `use` or `extern crate` at the top level of a
//! file is recognised. Deeper, it may stand in the input of a macro that drops
//! the attribute, and on another item its end is not certain; there it stays in
//! the code, where the checks refuse it.

use super::{Token, starts_with};

const CFG_TEST: &[&str] = &["#", "[", "cfg", "(", "test", ")", "]"];

/// A file in two parts.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Cut {
    /// What is built for the users of a crate.
    pub(crate) code: Vec<Token>,
    /// What is built for its tests alone.
    pub(crate) tests: Vec<Token>,
}

/// Takes the items out that exist in tests only.
pub(crate) fn without_tests(tokens: &[Token]) -> Cut {
    let mut cut = Cut::default();
    let mut depth = 0_usize;
    let mut rest = tokens;
    while let Some((token, after)) = rest.split_first() {
        if depth == 0 && starts_with(rest, CFG_TEST) {
            let length = CFG_TEST.len();
            if let Some(item) = rest.get(length..).and_then(item_length) {
                let (tests, behind) = rest.split_at_checked(length + item).unwrap_or((rest, &[]));
                // The attribute itself is no finding.
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

/// How many tokens the item has that starts here, if its end is certain.
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

fn opens(token: &Token) -> bool {
    ['(', '[', '{'].iter().any(|sign| token.is_sign(*sign))
}

fn closes(token: &Token) -> bool {
    [')', ']', '}'].iter().any(|sign| token.is_sign(*sign))
}
