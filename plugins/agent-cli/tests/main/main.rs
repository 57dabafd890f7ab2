//! The plugin against a fake host. No test sends a request, and only those in `real` run a tool.

mod conformance;
mod key;
mod limits;
mod logins;
mod own;
mod probes;
mod real;
mod sessions;
mod spec;
mod spending;
mod token;

use connection_contract::ConnectionDefinition as _;
use connection_plugin_agent_cli::AgentCli;
use connection_testkit::{Expected, FakeFiles, FakeHost, FakeTools, Reply};

use crate::logins::signed_in;

const KEY: &str = "canary-api-key-51c9e07a";
const ADMIN: &str = "canary-admin-key-8d20f3b6";
const TOKEN: &str = "canary-setup-token-77aa31e4";
const HOME: &str = "/home/ada/dir";

/// Returns every kind with its name.
fn kinds() -> [(&'static str, Make); 3] {
    [("claude", AgentCli::claude), ("codex", AgentCli::codex), ("gemini", AgentCli::gemini)]
}

type Make = fn() -> AgentCli;
/// Creates the kind with this name.
fn made(name: &str) -> AgentCli {
    kinds().into_iter().find(|(kind, _)| *kind == name).expect("a kind of ours").1()
}

/// Returns the request for the kind's list of models, with the key.
fn models(kind: &str) -> Expected {
    match kind {
        "claude" => Expected::get("https://api.anthropic.com/v1/models")
            .header("x-api-key", KEY)
            .header("anthropic-version", "2023-06-01")
            .answer(Reply::json(200, r#"{"data": [], "has_more": false}"#)),
        "codex" => Expected::get("https://api.openai.com/v1/models")
            .header("authorization", &format!("Bearer {KEY}"))
            .answer(Reply::json(200, r#"{"object": "list", "data": []}"#)),
        _ => Expected::get("https://generativelanguage.googleapis.com/v1beta/models")
            .header("x-goog-api-key", KEY)
            .answer(Reply::json(200, r#"{"models": []}"#)),
    }
}

/// Returns a host that has the tool, and a directory with these files.
fn host(make: Make, files: &[(&'static str, String)]) -> FakeHost<AgentCli> {
    equipped(FakeHost::new(make()), files)
}

/// Adds the tool and the directory to an existing host.
fn equipped(host: FakeHost<AgentCli>, files: &[(&'static str, String)]) -> FakeHost<AgentCli> {
    let tools = installed(host.definition());
    host.tools(tools).files(directory(files)).directory(HOME)
}

/// Returns tools that include that of the kind.
fn installed(kind: &AgentCli) -> FakeTools {
    FakeTools::new().tool(&kind.descriptor().tools[0].binary, "/usr/local/bin/tool", "1.2.3 (tool)")
}

/// Returns a file service with only the directory of the profile and these files.
fn directory(files: &[(&'static str, String)]) -> FakeFiles {
    let files: Vec<_> = files.iter().map(|(name, content)| (*name, content.as_str())).collect();
    FakeFiles::new().root(HOME, &files)
}
