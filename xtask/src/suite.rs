//! `cargo xtask test`: what README calls the test command.
//!
//! It brings what the tests need and then runs the whole suite. Nothing in it
//! is optional: a test that cannot run fails.

use crate::failure::Failure;
use crate::process;
use crate::setup::{self, Scope};
use crate::workspace::Workspace;

/// Sets up, then runs every test of the workspace.
pub(crate) fn run(workspace: &Workspace) -> Result<(), Failure> {
    setup::run(workspace, Scope::Tests)?;
    process::run(&mut process::cargo(workspace.root(), &["test", "--workspace", "--locked"]))
}
