//! `cargo xtask test`: what README calls the test command.
//!
//! It brings what the tests need and then runs the whole suite. Nothing in it
//! is optional: a test that cannot run fails.

use std::time::Duration;

use crate::failure::Failure;
use crate::process;
use crate::setup::{self, Scope};
use crate::workspace::Workspace;

/// A test that never ends fails by then; the test runner has named it after a minute.
const LONGEST: Duration = Duration::from_secs(25 * 60);

/// Sets up, then runs every test of the workspace.
pub(crate) fn run(workspace: &Workspace) -> Result<(), Failure> {
    setup::run(workspace, Scope::Tests)?;
    process::run_within(&mut process::cargo(workspace.root(), &["test", "--workspace", "--locked"]), LONGEST)
}
