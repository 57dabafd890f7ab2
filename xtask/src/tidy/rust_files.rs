//! The rules for each Rust file.

use crate::rust_source::{Token, starts_with, tokens};

/// The maximum number of lines of a file.
const MAX_LINES: usize = 500;

/// Files that may be longer, each with the reason.
const LONGER: &[(&str, &str)] = &[];

/// The maximum number of lines of a function.
const MAX_FUNCTION: usize = 80;

/// Functions that may be longer, each with the reason.
const LONGER_FUNCTIONS: &[(&str, &str, &str)] = &[
    ("crates/connection-core/src/store/tests/texts/calls/mod.rs", "read", "a table of calls"),
    ("crates/connection-core/src/store/tests/texts/calls/mod.rs", "write_connections", "a table of calls"),
    ("crates/connection-core/tests/main/refused_alike.rs", "cases", "a table of cases"),
    (
        "crates/connection-egress/src/tests/addresses.rs",
        "special_addresses_are_not_public_and_their_neighbours_are",
        "a table of addresses",
    ),
    ("crates/connection-faults/src/model/cases.rs", "rejected", "a table of cases"),
    ("crates/connection-manifest/tests/main/kind_problems.rs", "cases", "a table of cases"),
];

/// Words that mark unfinished work. They are assembled here so that this file passes.
const UNFINISHED: &[&str] = &[concat!("TO", "DO"), concat!("FIX", "ME"), concat!("X", "XX")];

/// Returns the violations in a file.
pub(crate) fn findings(path: &str, text: &str) -> Vec<String> {
    let mut findings = Vec::new();
    // A file that a root includes has no header of its own.
    if !text.starts_with("//!") && !path.ends_with("/tests/main/both.rs") {
        findings.push(format!("{path}:1: must start with `//!` and one sentence on what it is"));
    }
    let lines = text.lines().count();
    if lines > MAX_LINES && !LONGER.iter().any(|(longer, _)| *longer == path) {
        findings.push(format!("{path}: has {lines} lines, more than {MAX_LINES}; split it by concern"));
    }
    for (index, line) in text.lines().enumerate() {
        for word in UNFINISHED.iter().filter(|word| has_word(line, word)) {
            findings.push(format!("{path}:{}: {word} marks unfinished work; finish it or open an issue", index + 1));
        }
    }
    let tokens = tokens(text);
    findings.extend(code_findings(path, &tokens));
    findings.extend(long_functions(path, &tokens));
    findings
}

/// Returns the functions that are too long, or that may be longer and are not.
fn long_functions(path: &str, tokens: &[Token]) -> Vec<String> {
    let mut allowed: Vec<&str> =
        LONGER_FUNCTIONS.iter().filter(|(file, ..)| *file == path).map(|(_, name, _)| *name).collect();
    let mut findings = Vec::new();
    for (index, word) in tokens.iter().enumerate().filter(|(_, token)| token.is_name("fn")) {
        let Some(name) = tokens.get(index + 1).and_then(Token::name) else { continue };
        let lines = last_line(tokens.get(index..).unwrap_or_default()).saturating_sub(word.line) + 1;
        if lines <= MAX_FUNCTION {
            continue;
        }
        match allowed.iter().position(|known| *known == name) {
            Some(at) => drop(allowed.remove(at)),
            None => findings
                .push(format!("{path}:{}: `{name}` has {lines} lines, more than {MAX_FUNCTION}; split it", word.line)),
        }
    }
    findings.extend(
        allowed.into_iter().map(|name| format!("{path}: `{name}` is no longer too long; remove it from the list")),
    );
    findings
}

/// Returns the line on which the body of a function ends, or its declaration if it has no body.
fn last_line(tokens: &[Token]) -> usize {
    let mut depth = 0_usize;
    for token in tokens {
        if ['(', '[', '{'].iter().any(|sign| token.is_sign(*sign)) {
            depth += 1;
        } else if [')', ']', '}'].iter().any(|sign| token.is_sign(*sign)) {
            depth = depth.saturating_sub(1);
            if depth == 0 && token.is_sign('}') {
                return token.line;
            }
        } else if depth == 0 && token.is_sign(';') {
            return token.line;
        }
    }
    0
}

/// Returns the forbidden constructs in the code of a file.
fn code_findings(path: &str, tokens: &[Token]) -> Vec<String> {
    let mut findings = Vec::new();
    for (index, token) in tokens.iter().enumerate() {
        let rest = tokens.get(index..).unwrap_or_default();
        for (words, shown) in [
            (&["todo", "!"][..], "todo!"),
            (&["unimplemented", "!"][..], "unimplemented!"),
            (&["#", "[", "ignore"][..], "#[ignore]"),
            (&["#", "[", "should_panic"][..], "#[should_panic]"),
        ] {
            if starts_with(rest, words) {
                findings.push(format!("{path}:{}: {shown} is not allowed", token.line));
            }
        }
    }
    findings
}

/// Returns `true` if a line contains a word that is not a part of another word.
pub(crate) fn has_word(line: &str, word: &str) -> bool {
    let is_part = |c: char| c.is_alphanumeric() || c == '_';
    line.match_indices(word).any(|(start, _)| {
        let (before, rest) = line.split_at_checked(start).unwrap_or((line, ""));
        let after = rest.get(word.len()..).unwrap_or_default();
        !before.ends_with(is_part) && !after.starts_with(is_part)
    })
}
