//! `cargo xtask test`: what README calls the test command.
//!
//! It brings what the tests need and then runs the whole suite. Nothing in it
//! is optional: a test that cannot run fails.

use std::process::Command;
use std::thread::available_parallelism;
use std::time::Duration;

use crate::failure::Failure;
use crate::process;
use crate::setup::{self, Scope};
use crate::workspace::Workspace;

/// A test that never ends fails by then; the test runner has named it after a minute.
const LONGEST: Duration = Duration::from_secs(60 * 60);

/// Of these modules.
const BEHIND_A_POOLER: [&str; 10] = [
    "setup_steps::",
    "setup_replay::",
    "setup_callbacks::",
    "setup_writes::",
    "verify_",
    "list::",
    "remove::",
    "use_",
    "events::",
    "drops::",
];

/// Sets up, then runs every test of the workspace; one that fails hides none of the others.
pub(crate) fn run(workspace: &Workspace) -> Result<(), Failure> {
    setup::run(workspace, Scope::Tests)?;
    process::run_within(&mut test(workspace, &["test", "--workspace", "--locked", "--no-fail-fast"]), LONGEST)?;
    behind_a_pooler(workspace)
}

/// A part of the suite again, with a pooler in transaction mode before the server: whatever reaches the store in another
/// way than the rest.
fn behind_a_pooler(workspace: &Workspace) -> Result<(), Failure> {
    // Of the whole workspace: one package alone has its dependencies with other features, and builds them again.
    let mut arguments = vec!["test", "--workspace", "--locked", "--test", "postgres", "--"];
    arguments.extend(BEHIND_A_POOLER);
    let mut command = test(workspace, &arguments);
    process::run_within(command.env("CONNECTIONS_TEST_POOLER", "1"), LONGEST)
}

/// Most tests wait, for a disk, a server or another process: so two for each core.
fn test(workspace: &Workspace, arguments: &[&str]) -> Command {
    let cores = available_parallelism().map_or(1, usize::from);
    let mut command = process::cargo(workspace.root(), arguments);
    command.env("RUST_TEST_THREADS", (2 * cores).to_string());
    command
}
