//! The screens of the page, and a machine with something on each of them.

use std::collections::BTreeSet;

use serde_json::json;

use super::{ACME, configuration};
use crate::{
    program::Machine,
    provider::NOTION_KEY,
    serve::machine,
    tooled::{equip, text},
};

/// The routes of the page, as its entry lists them.
const ENTRY: &str = include_str!("../../../../connection-server/page/main.js");

/// Returns the path patterns of all screens, such as `/connections/:id`.
fn patterns() -> Vec<&'static str> {
    let (_, rest) = ENTRY.split_once("const SCREENS = [").unwrap();
    let (list, _) = rest.split_once("];").unwrap();
    list.lines().filter_map(|line| line.trim().strip_prefix("['")?.split('\'').next()).collect()
}

/// Returns the id of the only connection of a kind.
pub(super) fn id_of(machine: &Machine, kind: &str) -> String {
    let listed = machine.run(&["list", "--kind", kind, "--json"]).exits(0).json();
    listed[0]["id"].as_str().unwrap().to_owned()
}

/// Returns the path of each screen of the [`furnished`] machine, and a text that it shows.
pub(super) fn visits(machine: &Machine) -> Vec<(String, &'static str)> {
    let connection = |kind: &str| format!("/connections/{}", id_of(machine, kind));
    let visits = [
        ("/", "/".to_owned(), "wiki"),
        ("/connections", "/connections?search=nothing".to_owned(), "No connection matches"),
        ("/connections/:id", connection("github"), "issues"),
        ("/connections/:id", connection("notion"), "Not working"),
        ("/connect", "/connect".to_owned(), "All kinds"),
        ("/connect", "/connect?search=qqq".to_owned(), "No kind matches"),
        ("/connect/:kind", "/connect/gmail".to_owned(), "An application is registered once"),
        ("/setups/:id", "/setups/0198c5a8-0000-7000-8000-000000000000".to_owned(), "no longer exists"),
        ("/extensions", "/extensions".to_owned(), "issues"),
        ("/extensions/:name", "/extensions/issues".to_owned(), "Open issues only"),
        ("/agents", "/agents".to_owned(), "nightly-report"),
        ("/agents/:name", "/agents/nightly-report".to_owned(), "at most 500 requests in 1h"),
        ("/approvals", "/approvals".to_owned(), "Nothing waits for you"),
        ("/approvals/:id", "/approvals/0198c5a8-0000-7000-8000-000000000000".to_owned(), "no such approval"),
        ("/consent", "/consent".to_owned(), "The request of the program is over"),
        ("/profiles", "/profiles".to_owned(), "Codex"),
        ("/usage", "/usage".to_owned(), "Limit of 5 hours"),
        ("/activity", "/activity".to_owned(), "The record is whole"),
        ("/uses", "/uses".to_owned(), "What was done with your connections"),
        ("/system", "/system".to_owned(), "Your access"),
    ];
    check_visited(visits.iter().map(|(pattern, ..)| *pattern));
    visits.into_iter().map(|(_, path, shown)| (path, shown)).collect()
}

/// Checks that no screen is left out of a visit.
pub(super) fn check_visited(visited: impl Iterator<Item = &'static str>) {
    let visited: BTreeSet<_> = visited.collect();
    let left_out: Vec<_> = patterns().into_iter().filter(|pattern| !visited.contains(pattern)).collect();
    assert!(left_out.is_empty() && visited.len() > 10, "screens that are not visited: {left_out:?}");
}

/// What the agent of the [`furnished`] machine may do.
const RULES: &[u8] = b"budget = { requests = 500, per = \"1h\" }\n\n[[rule]]\nname = \"issues\"\nmethods = [\"GET\"]\n\
                       path = \"/repos/octocat/{repo}/issues/**\"\neffect = \"allow\"\n";

/// Returns a machine with connections that work and that do not, an extension with a grant and settings, profiles of a
/// tool, and an account that reports its usage.
pub(super) fn furnished() -> Machine {
    let mut machine = machine();
    equip(&mut machine);
    machine.write("configuration/kinds/acme.toml", ACME.as_bytes());
    let origins =
        ["https://api.acme.example", "https://api.github.com", "https://api.notion.com", "https://api.twilio.com"];
    machine.configure(&configuration(&machine, &origins));
    machine.add_github("work").exits(0);
    let key = json!({ "apiKey": NOTION_KEY }).to_string();
    machine.feed(&["add", "notion", "--label", "wiki", "--input", "-"], &key).exits(0);
    let manifest = json!({
        "name": "issues",
        "connection": {
            "id": "default",
            "provider": "github",
            "title": "GitHub",
            "auth": { "type": "personalAccessToken", "secretNames": ["accessToken"] },
        },
        "preferences": [
            { "name": "open", "type": "checkbox", "title": "Open issues only", "default": true },
            { "name": "team", "type": "textfield", "title": "Team", "required": true },
        ],
    });
    let file = machine.write("issues.json", manifest.to_string().as_bytes());
    machine.run(&["extensions", "add", &file]).exits(0);
    machine.run(&["extensions", "grant", "issues", "github:work"]).exits(0);
    machine.run(&["agents", "create", "nightly-report"]).exits(0);
    machine.write("rules.toml", RULES);
    machine.run(&["agents", "grant", "nightly-report", "github:work", "--rules", "rules.toml"]).exits(0);
    machine.provider.tell(401, "", "{}");
    machine.run(&["verify", "notion"]);
    machine.provider.behave();
    let login = r#"{"tokens": {"id_token": "e30.eyJlbWFpbCI6ImFkYUBleGFtcGxlLmNvbSJ9.x", "access_token": "a", "account_id": "ada"}}"#;
    machine.write("codex/auth.json", login.as_bytes());
    let directory = text(&machine.path("codex"));
    machine.run(&["profiles", "create", "codex", "work", "--dir", &directory]).exits(0);
    let limits = json!({
        "timestamp": "2026-11-20T10:00:00Z",
        "payload": { "rate_limits": {
            "primary": { "used_percent": 80, "window_minutes": 300, "resets_at": 4_000_000_000_u64 },
            "secondary": { "used_percent": 20, "window_minutes": 10080, "resets_at": 4_000_000_000_u64 },
        } },
    });
    machine.write("codex/sessions/2026/11/20/rollout-1.jsonl", format!("{limits}\n").as_bytes());
    machine.feed(&["add", "codex", "--profile", "work", "--input", "-"], r#"{"how": "own"}"#).exits(0);
    machine.run(&["usage"]).exits(0);
    machine
}
