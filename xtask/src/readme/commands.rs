//! How a command of a document is run here.

/// What becomes of a command.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Plan {
    /// It runs, in these words.
    Run(String),
    /// It does not run here, for this reason.
    Skip(&'static str),
    /// There is no rule for it.
    Unknown,
}

/// How documents start the program from the source tree.
const FROM_SOURCE: &str = "cargo run --release --bin connections -- ";

/// Commands that are not run here: how they begin, and who runs them.
const ELSEWHERE: &[(&str, &str)] = &[
    ("cargo build --release", "the program is built before the documents are run"),
    ("cargo install --path crates/connection-host", "the program is built before the documents are run"),
    ("cargo xtask", "`cargo xtask ci` is what runs the documents, and each of its steps"),
    ("cd connections", "the source tree is here"),
    ("git clone ", "the source tree is here"),
];

/// Decides what becomes of a command.
pub(crate) fn plan(command: &str) -> Plan {
    if let Some((_, reason)) = ELSEWHERE.iter().find(|(start, _)| command.starts_with(start)) {
        return Plan::Skip(reason);
    }
    let command = command.replace(FROM_SOURCE, "connections ");
    // Another use of cargo would need a source tree and a rule that says which.
    if command.split_whitespace().next() == Some("cargo") { Plan::Unknown } else { Plan::Run(command) }
}

/// Blocks that call themselves something else than `console`: their first command, and who runs them.
const SHOWN: &[(&str, &str)] = &[
    ("cargo xtask new-plugin ", "`cargo xtask third-party` makes plugins, and builds and tests them"),
    ("cd ..", "`cargo xtask third-party` builds and tests a host of these files"),
    ("cargo run -- kinds", "the test of the host that `cargo xtask third-party` builds"),
    (
        "printf %s \"any-key-that-the-stand-in-knows\" > key",
        "the test of the host that `cargo xtask third-party` builds",
    ),
    ("connections add node ", "no shipped kind takes the address of a device"),
    ("CONNECTION_TESTKIT_RECORD=", "the tests of the testkit record fixtures"),
    ("connections add real", "the host's tests run it with a browser, at a certified provider"),
    ("connections key change --to-source keyring", "it needs a machine without a keyring"),
    ("connections usage claude --session", "it needs a connection of Claude Code with a subscription"),
    ("connections usage codex", "it needs a login of Codex"),
];

/// Says who runs a block that is not run here; `None` without a rule for it.
pub(crate) fn elsewhere(command: &str) -> Option<&'static str> {
    SHOWN.iter().find(|(start, _)| command.starts_with(start)).map(|(_, reason)| *reason)
}
