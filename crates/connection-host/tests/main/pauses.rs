//! The end of the pause for which a provider asks is named by every command that asks the provider.

use serde_json::json;

use crate::{
    program::Machine,
    provider::{KEY_SECRET, NOTION_KEY, OTHER_TOKEN},
    refresh,
    serve::remote::Remote,
    tooled::tooled,
};

const PAUSE: &str = "retry-after: 120\r\n";

/// Returns a machine with a connection of GitHub that can be rolled back.
fn github() -> Machine {
    let mut machine = Machine::new();
    machine.set("OTHER", OTHER_TOKEN);
    machine.add_github("work").exits(0);
    machine.run(&["reauthorize", "github:work", "--from-env", "accessToken=OTHER"]).exits(0);
    machine
}

/// Returns a machine with a connection of Claude that reports its usage.
fn claude() -> Machine {
    let mut machine = tooled();
    let endpoints = format!(r#"{{"https://api.anthropic.com": "{}"}}"#, machine.provider.origin);
    machine.set("CONNECTIONS_HTTP__ENDPOINTS", &endpoints);
    machine.provider.tell(200, "content-type: application/json\r\n", r#"{"data": [], "has_more": false}"#);
    let input = json!({"how": "apiKey", "apiKey": NOTION_KEY, "adminKey": KEY_SECRET}).to_string();
    machine.feed(&["add", "claude", "--input", "-"], &input).exits(0);
    machine
}

#[test]
fn every_command_that_asks_a_provider_says_until_when_it_asks_to_wait() {
    let github = github();
    let claude = claude();
    let renewing = refresh::connected();
    for machine in [&github, &claude, &renewing] {
        machine.provider.tell(429, PAUSE, "");
    }
    for (ran, exit) in [
        (github.run(&["add", "github", "--again", "--from-env", "accessToken=OTHER"]), 3),
        (github.run(&["reauthorize", "github:work", "--from-env", "accessToken=OTHER"]), 3),
        (github.run(&["rollback", "github:work", "--yes"]), 6),
        (github.run(&["verify", "--all"]), 4),
        (claude.run(&["usage"]), 0),
        (refresh::run(&renewing, &["refresh", "renewing"]), 4),
    ] {
        let ran = ran.exits(exit);
        let said = format!("{}{}", ran.out, ran.err);
        assert!(said.contains("asks to wait until 2"), "{said}");
    }
}

#[test]
fn a_verification_by_a_person_asks_in_a_pause_and_one_of_all_connections_says_which_it_left_out() {
    let remote = Remote::start("manage");
    remote.server.add_github("work").exits(0);
    remote.server.provider.tell(429, PAUSE, "");
    remote.run(&["verify", "github:work"]).exits(4).says("asks to wait until 2");
    let seen = remote.server.provider.seen().len();
    remote.server.provider.behave();
    for ran in [remote.server.run(&["verify", "--all"]), remote.run(&["verify", "--all"])] {
        let ran = ran.exits(4).says("github:work was not asked: its provider asked to wait until 2");
        assert!(ran.out.contains("verify github:work") && !ran.out.contains("--now"), "{}", ran.out);
    }
    remote.server.run(&["show", "github"]).exits(0).says("not asked before");
    assert_eq!(remote.server.provider.seen().len(), seen);
    let paused = remote.run(&["verify", "--all", "--json"]).exits(4).json();
    assert!(paused[0]["pausedUntil"].is_string(), "{paused}");
    // A request of a person is sent all the same.
    remote.run(&["send", "github", "/user"]).exits(0);
    let live = remote.run(&["verify", "github", "--json"]).exits(0).json();
    assert_eq!((&live[0]["liveness"], &live[0]["pausedUntil"]), (&"live".into(), &serde_json::Value::Null));
    assert_eq!(remote.server.provider.seen().len(), seen + 2);
}
