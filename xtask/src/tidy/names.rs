//! The rule that no shared code names a provider, so that adding a plugin edits no shared code.
//!
//! The libraries on which plugins depend may not name a kind in code at all. The binary and the test support may
//! mention a kind, for example in a help text, but may not decide by one: no string there is exactly the name of a
//! kind, except in the file that registers the plugins and in the list of embedded kind files. Comments and tests may
//! name kinds.

use std::collections::BTreeSet;

use crate::rust_source::{Shape, Token, tokens, without_tests};

/// The file that registers the plugins, one per line, and the list of embedded kind files, which a test writes.
const LISTS: [&str; 2] = ["catalogue_files.rs", "plugins.rs"];

/// Crates that may mention a kind.
const SPEAKERS: &[&str] = &["connection-faults", "connection-host", "connection-testkit"];

/// Kinds that are ordinary words, too. Only a string that equals such a name counts.
const ORDINARY_WORDS: &[&str] = &["filesystem"];

/// A kind that is a protocol rather than a provider. The command and the callbacks have parts of their own for it.
const PROTOCOL: &str = "mcp";

/// Returns the kinds of this workspace, which are the names of the plugins' directories.
pub(crate) fn kinds(files: &BTreeSet<String>) -> BTreeSet<String> {
    let kinds = files.iter().filter_map(|path| path.strip_prefix("plugins/")?.split_once('/'));
    kinds.map(|(kind, _)| kind.to_owned()).collect()
}

/// Returns the lines on which a file of a crate's source names a kind.
pub(crate) fn findings(path: &str, text: &str, kinds: &BTreeSet<String>) -> Vec<String> {
    let Some((package, file)) = path.strip_prefix("crates/").and_then(|path| path.split_once("/src/")) else {
        return Vec::new();
    };
    let mut parts = file.split('/');
    if parts.clone().any(|part| matches!(part, "tests" | "tests.rs"))
        || parts.next_back().is_some_and(|file| LISTS.contains(&file))
    {
        return Vec::new();
    }
    let speaks = SPEAKERS.contains(&package);
    let mut findings = Vec::new();
    for token in without_tests(&tokens(text)).code {
        for kind in kinds.iter().filter(|kind| *kind != PROTOCOL && names(&token, kind, speaks)) {
            findings.push(format!("{path}:{}: names the kind {kind}, which only its plugin may", token.line));
        }
    }
    findings
}

fn names(token: &Token, kind: &str, speaks: bool) -> bool {
    let by_part = !speaks && !ORDINARY_WORDS.contains(&kind);
    match &token.shape {
        Shape::Name(name) if by_part => squeezed(name).contains(&squeezed(kind)),
        Shape::Text(text) if by_part => squeezed(text).contains(&squeezed(kind)),
        Shape::Text(text) => text == kind,
        Shape::Atom | Shape::Name(_) | Shape::Sign(_) => false,
    }
}

/// Removes case and separators, so that `agent-cli`, `AgentCli` and `AGENT_CLI` are the same.
fn squeezed(text: &str) -> String {
    text.chars().filter(|c| !matches!(c, '-' | '_')).flat_map(char::to_lowercase).collect()
}
