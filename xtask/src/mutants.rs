//! `cargo xtask mutants FILE...`: changes the code of files in small ways, and lists the changes that no quick test of
//! their package notices. `cargo xtask ci` does not run it.

use crate::failure::Failure;
use crate::process;
use crate::setup::{self, Scope};
use crate::workspace::Workspace;

/// Changes the code of these files in a copy of the workspace, one change at a time, and runs the quick tests of their
/// package.
///
/// The directory `target/mutants.out` lists the changes, and has the output of each run.
pub(crate) fn run(workspace: &Workspace, files: &[&str]) -> Result<(), Failure> {
    if files.is_empty() {
        let example = "cargo xtask mutants crates/connection-rules/src/path.rs";
        return Err(Failure::new(format!("name the files whose code is to be changed, for example: {example}")));
    }
    for file in files {
        // A path that matches nothing would pass as a file without a change that is missed.
        if !file.ends_with(".rs") || !workspace.root().join(file).is_file() {
            return Err(Failure::new(format!(
                "{file} is not a Rust file; name it by its path from the root of the workspace"
            )));
        }
    }
    setup::run(workspace, Scope::Mutants)?;
    let output = workspace.target_directory()?;
    let mut command =
        process::cargo(workspace.root(), &["mutants", "--workspace", "--test-tool", "nextest", "--output"]);
    command.arg(output).args(files.iter().flat_map(|file| ["--file", file]));
    command.args(["--", "--profile", "quick", "--lib", "--bins", "--test", "*"]);
    // Debug information takes time to build, and a quick test needs no server.
    command.env("CARGO_PROFILE_DEV_DEBUG", "0").env("CONNECTIONS_TEST_POSTGRES_URL", "none").env_remove("CI");
    process::run(&mut command)
}
