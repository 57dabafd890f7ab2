//! The rules by which the commands of documents are run.

/// The way in which the check treats a command.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Plan {
    /// The command is run in this form.
    Run(String),
    /// The command is not run, for this reason.
    Skip(&'static str),
    /// There is no rule for the command.
    Unknown,
}

/// The words with which documents start the program from the source tree.
const FROM_SOURCE: &str = "cargo run --release --bin connections -- ";

/// The beginnings of commands that are not run, each with the reason.
const ELSEWHERE: &[(&str, &str)] = &[
    ("cargo build --release", "the program is built before the documents are run"),
    ("cargo install --path crates/connection-host", "the program is built before the documents are run"),
    ("cargo xtask", "`cargo xtask ci` is what runs the documents, and each of its steps"),
    ("cd connections", "the source tree is here"),
    ("git clone ", "the source tree is here"),
];

/// Decides how a command is treated.
pub(crate) fn plan(command: &str) -> Plan {
    if let Some((_, reason)) = ELSEWHERE.iter().find(|(start, _)| command.starts_with(start)) {
        return Plan::Skip(reason);
    }
    let command = command.replace(FROM_SOURCE, "connections ");
    // Other uses of cargo would need a source tree and a rule that names it.
    if command.split_whitespace().next() == Some("cargo") { Plan::Unknown } else { Plan::Run(command) }
}

/// The first commands of blocks that are not `console`, each with the check that runs the block.
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
    ("cargo run --release --bin connections -- serve --open", "the host's tests open the page in a browser"),
    ("curl -H ", "the host's tests send such requests: with the token of an extension, and for a setup link"),
    (
        "curl -X PUT ",
        "the host's tests give an owner a name: `the_documents_show_the_question_for_another_browser_as_it_is`",
    ),
    ("connections add github --label octocat", "the host's tests live the afternoon of this agent: `page::afternoon`"),
    ("connections agents grant example ", "the host's tests live the afternoon of this agent: `page::afternoon`"),
    (
        "connections agents grant nightly-report github:octocat --release",
        "the host's tests grant the release of a secret to programs: `credentials`",
    ),
    ("connections agents run ", "the host's tests run programs in this way beside a server: `agent_runs`"),
    ("connections --host ", "the host's tests run these commands on a server"),
    ("connections freeze ", "the host's tests freeze by each command of this block, and thaw by the same option"),
    ("connections serve ", "the host's tests open the page in a browser"),
    ("connections tokens ", "the host's tests make and revoke tokens"),
    ("connections kinds accept ", "the host's tests accept a change of a kind"),
    ("connections backup ", "the host's tests back up a database and restore it after its server was killed"),
    ("connections move ", "the host's tests move a database to a server, and take the move back"),
    ("connections restore --mark", "the host's tests mark a database of either engine"),
    ("connections upgrade", "the host's tests show and finish an upgrade"),
    (
        "connections failover",
        "the host's tests mark a database on a server, and `cargo xtask failover` promotes a standby",
    ),
    ("connections key change --to-source keyring", "it needs a machine without a keyring"),
    ("cargo install --locked --path ", "the program is built before the documents are run"),
    ("sudo apt install apt-utils ", "`cargo xtask release rehearse` makes the image"),
    (
        "sudo ",
        "it needs root and systemd; a test of the host verifies the unit, and `cargo xtask tidy` compares it with the program",
    ),
    ("#!/bin/sh", "it needs certbot and root; a test of the host runs it with a stand-in for `install`"),
    ("curl --unix-socket ", "the host's tests run it at a socket of their own: `door_places`"),
    ("claude mcp add ", "the host's tests run it with the real program: `genuine`"),
    ("codex mcp add ", "the host's tests run it with the real program: `genuine`"),
    ("podman run ", "it needs a registry of images; `cargo xtask release rehearse` runs the image"),
    ("umask 077", "it needs a cluster; `cargo xtask tidy` compares the manifests with the program"),
    ("kubectl exec ", "it needs a cluster"),
    ("kubectl set image ", "it needs a cluster"),
    ("connections usage claude --session", "it needs a connection of Claude Code with a subscription"),
    ("connections usage codex", "it needs a login of Codex"),
];

/// Returns the check that runs a block which is not run here, or `None` if there is no rule for it.
pub(crate) fn elsewhere(command: &str) -> Option<&'static str> {
    SHOWN.iter().find(|(start, _)| command.starts_with(start)).map(|(_, reason)| *reason)
}
