//! The rules for each Rust file.

use crate::rust_source::{Token, starts_with, tokens};

/// The maximum number of lines of a file.
const MAX_LINES: usize = 500;

/// Files that may be longer, each with the reason.
const LONGER: &[(&str, &str)] = &[];

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
    findings.extend(code_findings(path, &tokens(text)));
    findings
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
