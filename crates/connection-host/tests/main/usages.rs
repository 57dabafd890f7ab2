//! Usage is printed as bars for people and as JSON for programs. A provider that does not answer is data, not an
//! error.

use std::{
    io::{BufRead as _, BufReader},
    process::Stdio,
};

use connection_contract::encode;
use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value, json};

use crate::{
    program::{Machine, check},
    provider::{AUTH_TOKEN, KEY_SECRET, NOTION_KEY},
    serve::remote::Remote,
    tooled::{signed_in, text, tooled},
};

/// Writes a directory of Codex with a login and a session that reports limits, and returns its path.
fn codex(machine: &Machine, name: &str, account: &str, percent: u32) -> String {
    let claims = encode::base64url(format!(r#"{{"email": "{account}"}}"#).as_bytes());
    let login =
        format!(r#"{{"tokens": {{"id_token": "e30.{claims}.x", "access_token": "a", "account_id": "{account}"}}}}"#);
    machine.write(&format!("{name}/auth.json"), login.as_bytes());
    let limits = json!({
        "timestamp": "2026-11-20T10:00:00Z",
        "payload": {"rate_limits": {
            "primary": {"used_percent": percent, "window_minutes": 300, "resets_at": 4_000_000_000_u64},
            "secondary": {"used_percent": 100, "window_minutes": 10080, "resets_at": 4_000_000_000_u64},
        }},
    });
    machine.write(&format!("{name}/sessions/2026/11/20/rollout-1.jsonl"), format!("{limits}\n").as_bytes());
    text(&machine.path(name))
}

fn connect(machine: &Machine, profile: &str, directory: &str) {
    machine.run(&["profiles", "create", "codex", profile, "--dir", directory]).exits(0);
    machine.feed(&["add", "codex", "--profile", profile, "--input", "-"], r#"{"how": "own"}"#).exits(0);
}

/// Serves a machine on any free port.
fn served(mut machine: Machine) -> Remote {
    machine.set("CONNECTIONS_INBOUND__LISTEN", "127.0.0.1:0");
    Remote::of(machine, "use")
}

fn usage_readings(machine: &Machine, arguments: &[&str]) -> Vec<Value> {
    let output = machine.run(&[&["usage"], arguments, &["--json"]].concat()).exits(0).json();
    let readings = output.as_array().expect("an array").clone();
    readings.iter().for_each(|reading| check(reading, "usage"));
    readings
}

#[test]
fn each_profile_has_its_own_usage() {
    let machine = tooled();
    machine.run(&["usage"]).exits(0).says("No connection reports its usage");
    machine.run(&["usage", "codex"]).exits(0).says("connections add codex");
    assert_eq!(usage_readings(&machine, &[]).len(), 0);
    for (profile, percent) in [("work", 25), ("home", 75)] {
        let directory = codex(&machine, profile, &format!("{profile}@example.com"), percent);
        connect(&machine, profile, &directory);
    }
    let shown = machine.run(&["usage"]).exits(0);
    for line in [
        "codex · home · home@example.com\n  Limit of 5 hours  ███████████████░░░░░  75 %   resets in ",
        "codex · work · work@example.com\n  Limit of 5 hours  █████░░░░░░░░░░░░░░░  25 %   resets in ",
        "\n  Limit of 7 days   ████████████████████  100 %  resets in ",
    ] {
        assert!(shown.out.contains(line), "{line}\n{}", shown.out);
    }
    let one = usage_readings(&machine, &["codex", "--profile", "work"]);
    assert_eq!(one.len(), 1);
    check(&one[0]["snapshot"], "usageSnapshot");
    assert_eq!((&one[0]["account"], &one[0]["error"]), (&json!("work@example.com"), &Value::Null));
    assert_eq!(one[0]["snapshot"]["metrics"][0]["utilization"], json!(0.25));
    assert_eq!(usage_readings(&machine, &["codex"]).len(), 2);
    machine.run(&["usage", "codex", "--profile", "gone"]).exits(5);
    machine.run(&["usage", "codex", "--profile", "Default"]).exits(0).says("nothing of kind 'codex' is connected");
    machine.run(&["usage", "github"]).exits(6).warns("report how much of their account is used");
    machine.run(&["usage", "--profile", "work"]).exits(2);
}

#[test]
fn a_provider_that_does_not_answer_is_told_as_data() {
    let mut machine = tooled();
    let endpoints = format!(r#"{{"https://api.anthropic.com": "{}"}}"#, machine.provider.origin);
    machine.set("CONNECTIONS_HTTP__ENDPOINTS", &endpoints);
    machine.provider.tell(200, "content-type: application/json\r\n", r#"{"data": [], "has_more": false}"#);
    let input = json!({"how": "apiKey", "apiKey": NOTION_KEY, "adminKey": KEY_SECRET}).to_string();
    machine.feed(&["add", "claude", "--input", "-"], &input).exits(0);
    let fine = usage_readings(&machine, &["claude"]);
    assert_eq!((&fine[0]["authMode"], &fine[0]["error"]), (&json!("api_key"), &Value::Null));
    assert_eq!(fine[0]["snapshot"]["metrics"][0]["kind"], "monthly_spend");
    machine.provider.tell(503, "", "");
    let down = usage_readings(&machine, &[]);
    check(&down[0]["error"], "error");
    // The store has what an earlier run fetched, without the provider's own data.
    assert_eq!(down[0]["snapshot"]["metrics"], fine[0]["snapshot"]["metrics"]);
    assert!(down[0]["age"].is_u64() && down[0]["snapshot"]["raw"].is_null(), "{down:?}");
    machine.run(&["usage"]).exits(0).says("not updated: ").says("This month");
}

#[test]
fn each_account_of_one_profile_is_told_and_named() {
    let mut machine = tooled();
    let endpoints = format!(r#"{{"https://api.anthropic.com": "{}"}}"#, machine.provider.origin);
    machine.set("CONNECTIONS_HTTP__ENDPOINTS", &endpoints);
    machine.provider.tell(200, "content-type: application/json\r\n", r#"{"data": [], "has_more": false}"#);
    for (label, key) in [("mine", NOTION_KEY), ("theirs", AUTH_TOKEN)] {
        let input = json!({"how": "apiKey", "apiKey": key, "adminKey": KEY_SECRET}).to_string();
        machine.feed(&["add", "claude", "--again", "--label", label, "--input", "-"], &input).exits(0);
    }
    let both = usage_readings(&machine, &["claude"]);
    assert_eq!(both.len(), 2);
    for one in &both {
        assert_eq!((&one["error"], &one["profile"]), (&Value::Null, &both[0]["profile"]));
        assert_eq!(one["snapshot"]["metrics"][0]["kind"], "monthly_spend");
    }
    assert_ne!(both[0]["connection"], both[1]["connection"]);
    assert_eq!(usage_readings(&machine, &["claude", "--profile", "Default"]).len(), 2);
    machine.run(&["usage"]).exits(0).says("claude:mine · Default").says("claude:theirs · Default");
    let theirs = usage_readings(&machine, &["claude:theirs"]);
    assert_eq!((theirs.len(), &theirs[0]["connection"]), (1, &both[1]["connection"]));
    machine.run(&["usage", "claude:gone"]).exits(5);
    machine.run(&["profiles", "create", "claude", "other", "--dir", &text(&machine.path("other"))]).exits(0);
    machine.run(&["usage", "claude:mine", "--profile", "other"]).exits(5).warns("does not belong to the profile");
    machine.run(&["usage", "github:gone"]).exits(6);
    assert_eq!(
        machine.run(&["usage", "claude:mine", "--profile", "Default"]).exits(0).out.matches("claude").count(),
        1
    );
}

#[test]
fn a_session_of_claude_tells_the_limits_of_its_subscription() {
    let machine = tooled();
    let work = signed_in(&machine, "work", "ada@example.com");
    machine.run(&["profiles", "create", "claude", "work", "--dir", &work]).exits(0);
    let status = json!({
        "session_id": "canary-session",
        "context_window": {"context_window_size": 200_000, "current_usage": {"input_tokens": 50_000}},
        "rate_limits": {
            "five_hour": {"used_percentage": 25, "resets_at": 4_000_000_000_u64},
            "seven_day": {"used_percentage": 75.4, "resets_at": 4_000_000_000_u64},
        },
    })
    .to_string();
    let session = ["usage", "claude", "--profile", "work", "--session", "@-"];
    machine.feed(&session, &status).exits(0).says("nothing of kind 'claude' is connected");
    machine.feed(&["add", "claude", "--profile", "work", "--input", "-"], r#"{"how": "own"}"#).exits(0);
    let shown = machine.feed(&session, &status).exits(0);
    let lines: Vec<_> = shown.out.lines().collect();
    assert_eq!(lines[0], "claude · work · ada@example.com · subscription");
    for (line, begin) in lines[1..].iter().zip([
        "  Context           █████░░░░░░░░░░░░░░░  50000 of 200000 tokens",
        "  Limit of 5 hours  █████░░░░░░░░░░░░░░░  25 %                    resets in ",
        "  Limit of 7 days   ███████████████░░░░░  75 %                    resets in ",
    ]) {
        assert!(line.starts_with(begin), "{}", shown.out);
    }
    // The windows belong to the account, so a later run shows them; the context belongs to the session.
    let later = machine.run(&["usage", "claude", "--profile", "work"]).exits(0);
    assert!(!later.out.contains("Context"), "{}", later.out);
    later.says("  Limit of 5 hours  █████░░░░░░░░░░░░░░░  25 %  resets in ").says("  Limit of 7 days   ███████████████");
    machine.write("status.json", status.as_bytes());
    let file = format!("@{}", machine.path("status.json").display());
    let readings = usage_readings(&machine, &["claude", "--session", &file]);
    assert_eq!((readings.len(), &readings[0]["authMode"]), (1, &json!("subscription")));
    check(&readings[0]["snapshot"], "usageSnapshot");
    let window = &readings[0]["snapshot"]["metrics"][1];
    assert_eq!((&window["id"], &window["utilization"]), (&json!("five_hour"), &json!(0.25)));
    assert_eq!((&window["windowSeconds"], &window["resetsAt"]), (&json!(18_000), &json!("2096-10-02T07:06:40Z")));
    assert!(!readings[0].to_string().contains("canary"), "{}", readings[0]);
    for wrong in ["[]", "{", "canary"] {
        let refused = machine.feed(&session, wrong).exits(2);
        assert!(!refused.err.contains("canary"), "{}", refused.err);
    }
    machine.feed(&session, &json!({"a": "x".repeat(70_000)}).to_string()).exits(2);
    machine.run(&["usage", "claude", "--session", "status.json"]).exits(2).warns("--session takes @");
    machine.run(&["usage", "--session", &file]).exits(2);
    // With a second account, it is not clear to which one the session belongs.
    let home = signed_in(&machine, "home", "bob@example.com");
    machine.run(&["profiles", "create", "claude", "home", "--dir", &home]).exits(0);
    machine.feed(&["add", "claude", "--profile", "home", "--input", "-"], r#"{"how": "own"}"#).exits(0);
    machine.run(&["usage", "claude", "--session", &file]).exits(2).warns("--profile");
}

#[test]
fn a_session_of_gemini_tells_its_tokens_from_a_file() {
    let machine = tooled();
    machine.write("work/.gemini/google_accounts.json", br#"{"active": "ada@example.com", "old": []}"#);
    machine.write("work/.gemini/oauth_creds.json", br#"{"access_token": "a", "refresh_token": "b"}"#);
    let directory = text(&machine.path("work/.gemini"));
    machine.run(&["profiles", "create", "gemini", "work", "--dir", &directory]).exits(0);
    machine.feed(&["add", "gemini", "--profile", "work", "--input", "-"], r#"{"how": "own"}"#).exits(0);
    // The form of `--output-format json`: <https://geminicli.com/docs/cli/headless>.
    let models = json!({
        "gemini-2.5-pro": {"tokens": {"prompt": 24_939, "candidates": 20, "total": 25_113}},
        "gemini-2.5-flash": {"tokens": {"prompt": 8_965, "candidates": 10, "total": 9_033}},
    });
    let session = json!({"session_id": "canary-session", "response": "canary", "stats": {"models": models}});
    machine.write("session.json", session.to_string().as_bytes());
    let file = format!("@{}", machine.path("session.json").display());
    let shown = machine.run(&["usage", "gemini", "--session", &file]).exits(0);
    shown.says("gemini · work · ada@example.com").says("  Session").says("34146 tokens");
    let readings = usage_readings(&machine, &["gemini", "--session", &file]);
    check(&readings[0]["snapshot"], "usageSnapshot");
    assert_eq!((readings.len(), &readings[0]["error"]), (1, &Value::Null));
    let metric = &readings[0]["snapshot"]["metrics"][0];
    let expected = (&json!("token_utilization"), &json!("session"), &json!(34_146));
    assert_eq!((&metric["kind"], &metric["id"], &metric["used"]), expected);
    assert!(!readings[0].to_string().contains("canary"), "{}", readings[0]);
}

#[test]
fn the_usage_of_a_server_is_printed_as_its_own_machine_prints_it() {
    let machine = tooled();
    for (profile, percent) in [("work", 25), ("home", 75)] {
        let directory = codex(&machine, profile, &format!("{profile}@example.com"), percent);
        connect(&machine, profile, &directory);
    }
    let remote = served(machine);
    for arguments in [
        &["usage"][..],
        &["usage", "codex"],
        &["usage", "codex", "--profile", "work"],
        &["usage", "codex", "--profile", "Default"],
        &["usage", "claude"],
    ] {
        remote.check(arguments, 0);
    }
    remote.check(&["usage", "github"], 6).warns("report how much of their account is used");
    remote.check(&["usage", "codex", "--profile", "gone"], 5);
    remote.run(&["usage", "gone"]).exits(5).warns("the server has no kind 'gone'");
    let one = remote.run(&["usage", "codex", "--profile", "work", "--json"]).exits(0).json();
    check(&one[0], "usage");
    assert_eq!(one[0]["snapshot"]["metrics"][0]["utilization"], json!(0.25));
}

#[test]
fn a_session_is_reported_to_a_server() {
    let machine = tooled();
    let work = signed_in(&machine, "work", "ada@example.com");
    machine.run(&["profiles", "create", "claude", "work", "--dir", &work]).exits(0);
    machine.feed(&["add", "claude", "--profile", "work", "--input", "-"], r#"{"how": "own"}"#).exits(0);
    let remote = served(machine);
    let status = json!({"rate_limits": {"five_hour": {"used_percentage": 25, "resets_at": 4_000_000_000_u64}}});
    let session = remote.arguments(&["usage", "claude", "--session", "@-"]);
    let shown = remote.client.feed(&session, &status.to_string()).exits(0);
    shown.says("claude · work · ada@example.com").says("  Limit of 5 hours  █████░░░░░░░░░░░░░░░  25 %");
    remote.server.run(&["usage", "claude"]).exits(0).says("  Limit of 5 hours  █████░░░░░░░░░░░░░░░  25 %");
}

#[test]
fn a_watch_of_a_server_tells_what_its_other_processes_fetch() {
    let machine = tooled();
    let directory = codex(&machine, "work", "ada@example.com", 40);
    connect(&machine, "work", &directory);
    let remote = served(machine);
    let mut command = remote.client.command();
    command.args(remote.arguments(&["usage", "codex", "--watch", "--json"])).stdout(Stdio::piped());
    let mut child = command.spawn().expect("it runs");
    let mut lines = BufReader::new(child.stdout.take().expect("a pipe"));
    let mut utilization = || {
        let mut line = String::new();
        lines.read_line(&mut line).expect("a line");
        let reading: Value = serde_json::from_str(&line).expect("one object a line");
        check(&reading, "usage");
        reading["snapshot"]["metrics"][0]["utilization"].clone()
    };
    assert_eq!(utilization(), json!(0.4));
    codex(&remote.server, "work", "ada@example.com", 60);
    // The command may not listen yet, so the numbers are stored again and again until it has printed them.
    std::thread::scope(|scope| {
        let printed = scope.spawn(&mut utilization);
        while !printed.is_finished() {
            remote.server.run(&["usage", "codex"]).exits(0);
        }
        assert_eq!(printed.join().expect("it reads a line"), json!(0.6));
    });
    child.kill().expect("it runs");
    child.wait().expect("it ends");
}

#[test]
fn a_watch_tells_what_there_is_and_ends_when_it_is_interrupted() {
    let machine = tooled();
    let directory = codex(&machine, "work", "ada@example.com", 40);
    connect(&machine, "work", &directory);
    let mut command = machine.command();
    command.args(["usage", "codex", "--watch", "--json"]).stdout(Stdio::piped());
    let mut child = command.spawn().expect("it runs");
    let mut lines = BufReader::new(child.stdout.take().expect("a pipe"));
    let mut line = String::new();
    lines.read_line(&mut line).expect("a line");
    let reading: Value = serde_json::from_str(&line).expect("one object a line");
    check(&reading, "usage");
    assert_eq!(reading["snapshot"]["metrics"][0]["utilization"], json!(0.4));
    // The process may not catch the signal yet.
    std::thread::scope(|scope| {
        let id = Pid::from_child(&child);
        let ended = scope.spawn(move || child.wait().expect("it ends"));
        while !ended.is_finished() {
            kill_process(id, Signal::INT).unwrap_or_default();
            std::thread::park_timeout(std::time::Duration::from_millis(50));
        }
        assert!(ended.join().is_ok());
    });
}
