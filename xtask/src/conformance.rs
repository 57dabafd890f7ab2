//! `cargo xtask conformance`: tests the API of the command of this workspace against its own OpenAPI document, and its kind
//! for MCP servers and its door for models with the conformance suite of MCP.

use std::{path::PathBuf, time::Duration};

use crate::failure::Failure;
use crate::process;
use crate::setup;
use crate::workspace::Workspace;

/// Time limit for the short form, which takes a minute on two idle cores.
const MAX_SHORT: Duration = Duration::from_secs(10 * 60);
/// Time limit for the long form.
const MAX_LONG: Duration = Duration::from_secs(60 * 60);

/// Builds the command, and tests its API, its kind for MCP servers, or its door for models.
pub(crate) fn run(workspace: &Workspace, arguments: &[&str]) -> Result<(), Failure> {
    setup::run(workspace, setup::Scope::Tests)?;
    process::run(&mut process::cargo_checked(workspace.root(), &["build", "--locked", "-p", "connection-host"]))?;
    match arguments {
        ["mcp", "drill", options @ ..] => drill_mcp(workspace, options),
        ["mcp", "server"] => serve_mcp(workspace),
        ["mcp", scenarios @ ..] => check_mcp(workspace, scenarios),
        _ => check(workspace, arguments),
    }
}

/// Runs scenarios of the conformance suite of MCP for the command that was built last.
pub(crate) fn check_mcp(workspace: &Workspace, scenarios: &[&str]) -> Result<(), Failure> {
    run_mcp(workspace, "tests/mcp/run.mjs", scenarios)
}

/// Runs the scenarios of the suite for servers against the door for models of the command that was built last.
pub(crate) fn serve_mcp(workspace: &Workspace) -> Result<(), Failure> {
    run_mcp(workspace, "tests/mcp/server.mjs", &[])
}

/// Lets many clients use one MCP server through the command that was built last, while they are killed.
pub(crate) fn drill_mcp(workspace: &Workspace, options: &[&str]) -> Result<(), Failure> {
    // With the features of the whole workspace, no package is built a second time.
    let client = ["build", "--workspace", "--locked", "--example", "rmcp_client"];
    process::run(&mut process::cargo_checked(workspace.root(), &client))?;
    run_mcp(workspace, "tests/mcp/drill.mjs", options)
}

/// Runs a script of `tests/mcp`. Without its packages, which `setup` reports, it is left out.
fn run_mcp(workspace: &Workspace, script: &str, arguments: &[&str]) -> Result<(), Failure> {
    if !setup::has_mcp(workspace) {
        println!("{script}: SKIPPED: its packages are not installed");
        return Ok(());
    }
    let mut script = process::tool(workspace.root(), "node", &[script]);
    script.args(arguments);
    script.env("CONNECTIONS_BIN", program(workspace, "connections")?);
    script.env("CONNECTIONS_RMCP_CLIENT", program(workspace, "examples/rmcp_client")?);
    process::run_within(&mut script, MAX_LONG)
}

/// Returns the path of a program of the workspace that was built last.
pub(crate) fn program(workspace: &Workspace, name: &str) -> Result<PathBuf, Failure> {
    let program = format!("{name}{}", std::env::consts::EXE_SUFFIX);
    Ok(workspace.target_directory()?.join("debug").join(program))
}

/// Tests the API of the command that was built last. Without its packages, which `setup` reports, it is left out.
pub(crate) fn check(workspace: &Workspace, arguments: &[&str]) -> Result<(), Failure> {
    if !setup::has_api_tester(workspace) {
        println!("conformance: SKIPPED: its packages are not installed");
        return Ok(());
    }
    let program = program(workspace, "connections")?;
    let python = setup::api_tester(workspace)?.join("bin/python");
    let mut check = process::tool(workspace.root(), &python.to_string_lossy(), &["-B", "tests/api/run.py"]);
    let limit = if arguments.contains(&"--long") { MAX_LONG } else { MAX_SHORT };
    process::run_within(check.args(arguments).env("CONNECTIONS_BIN", program), limit)
}
