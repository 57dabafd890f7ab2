//! The plugin against a fake host; nothing leaves the process, and no tool is run.

mod conformance;
mod images;
mod key;
mod limits;
mod machine;
mod own;
mod probes;
mod real;
mod spec;
mod spending;

use connection_plugin_agent_cli::AgentCli;
use connection_testkit::{Expected, Reply};

use crate::machine::Machine;

const KEY: &str = "canary-api-key-51c9e07a";
const ADMIN: &str = "canary-admin-key-8d20f3b6";
const HOME: &str = "/home/ada/dir";

/// Every kind, by its name.
fn kinds() -> [(&'static str, Make); 3] {
    [("claude", AgentCli::claude), ("codex", AgentCli::codex), ("gemini", AgentCli::gemini)]
}
type Make = fn() -> AgentCli;
/// The kind of that name.
fn made(name: &str) -> AgentCli {
    kinds().into_iter().find(|(kind, _)| *kind == name).expect("a kind of ours").1()
}
/// The kind's list of models, asked with the key.
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
/// What a directory holds in which somebody is signed in, as the tools write it.
fn signed_in(kind: &str) -> Vec<(&'static str, String)> {
    match kind {
        "claude" => vec![
            (
                ".claude.json",
                r#"{"oauthAccount": {"accountUuid": "0b5c", "emailAddress": "ada@example.com", "organizationUuid": "9e1f"}}"#
                    .to_owned(),
            ),
            (".credentials.json", r#"{"claudeAiOauth": {"accessToken": "canary-oat", "refreshToken": "canary-ort", "expiresAt": 4102444800000, "scopes": ["user:inference", "user:profile"], "subscriptionType": "max"}}"#.to_owned()),
        ],
        "codex" => vec![("auth.json", machine::codex_login("ada@example.com", "acc-1"))],
        _ => vec![
            ("google_accounts.json", r#"{"active": "ada@example.com", "old": []}"#.to_owned()),
            ("oauth_creds.json", r#"{"access_token": "canary-ya29", "refresh_token": "canary-1//r"}"#.to_owned()),
        ],
    }
}
/// A machine with the tool, and a directory with these files.
fn machine(make: Make, files: &[(&'static str, String)]) -> Machine {
    Machine::new(make()).installed("/usr/local/bin/tool", "1.2.3 (tool)").directory(HOME, files)
}
