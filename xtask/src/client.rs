//! `cargo xtask client`: checks and tests the TypeScript client against the command of this workspace.

use std::time::Duration;

use crate::failure::Failure;
use crate::process;
use crate::setup;
use crate::workspace::Workspace;

/// Time limit for all checks of the client, which take half a minute.
const MAX: Duration = Duration::from_secs(10 * 60);

/// Builds the command, and checks the client.
pub(crate) fn run(workspace: &Workspace) -> Result<(), Failure> {
    setup::run(workspace, setup::Scope::Tests)?;
    process::run(&mut process::cargo_checked(workspace.root(), &["build", "--locked", "-p", "connection-host"]))?;
    check(workspace)
}

/// Checks the client against the command that was built last. Without its packages, which `setup` reports, it is left out.
pub(crate) fn check(workspace: &Workspace) -> Result<(), Failure> {
    if !setup::has_client(workspace) {
        println!("client: SKIPPED: its packages are not installed");
        return Ok(());
    }
    let program = format!("connections{}", std::env::consts::EXE_SUFFIX);
    let program = workspace.target_directory()?.join("debug").join(program);
    let directory = workspace.root().join(setup::CLIENT_DIRECTORY);
    let mut check = process::tool(&directory, "npm", &["run", "check", "--silent"]);
    process::run_within(check.env("CONNECTIONS_BIN", program), MAX)
}
