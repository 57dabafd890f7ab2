//! The drills of `tests/drills`, which use the command of this workspace, end its processes and their servers, and count
//! what that has cost.

use std::time::Duration;

use crate::failure::Failure;
use crate::process;
use crate::setup;
use crate::workspace::Workspace;

/// The drills: each is a command of this crate, and the name of a script.
pub(crate) const NAMES: [&str; 6] = ["costs", "failover", "kills", "moves", "outages", "windows"];
/// Time limit for a drill, which takes some minutes on two idle cores if its arguments do not ask for more.
const MAX_DURATION: Duration = Duration::from_secs(8 * 60 * 60);

/// Sets up what a drill needs, and runs it.
pub(crate) fn run(workspace: &Workspace, name: &str, arguments: &[&str]) -> Result<(), Failure> {
    setup::run(workspace, setup::Scope::Tests)?;
    drill(workspace, name, arguments)
}

/// Builds the command, and runs the drill with this name with it.
pub(crate) fn drill(workspace: &Workspace, name: &str, arguments: &[&str]) -> Result<(), Failure> {
    // With the features of the whole workspace, no package is built a second time.
    let build = ["build", "--workspace", "--locked", "--bin", "connections"];
    // Costs are those of the program that people use.
    let directory = if name == "costs" {
        process::run(process::cargo(workspace.root(), &build).arg("--release"))?;
        "release"
    } else {
        process::run(&mut process::cargo_checked(workspace.root(), &build))?;
        "debug"
    };
    let program = format!("connections{}", std::env::consts::EXE_SUFFIX);
    let mut script = process::tool(workspace.root(), "node", &[]);
    script.arg(format!("tests/drills/{name}.mjs")).args(arguments);
    script.env("CONNECTIONS_BIN", workspace.target_directory()?.join(directory).join(program));
    process::run_within(&mut script, MAX_DURATION)
}
