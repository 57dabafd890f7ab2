//! The real command-line tools, if `cargo xtask setup` could install them. They are found, report their version, keep
//! to the directory of the profile that they run as, and send its API key. A tool that is not installed is skipped with a message.

use std::{
    io::Write as _,
    path::{Path, PathBuf},
};

use serde_json::Value;

use crate::{
    mcp_tools,
    program::{Machine, Ran},
    serve::Serving,
    tool_keys::{self, KEY},
    tooled::{program, signed_in, text, tooled},
};

const GUIDE: &str = include_str!("../../../../docs/guide/agents.md");
/// The command of the guide that adds the tools.
const ADD: &str = "claude mcp add connections -- connections mcp --agent nightly-report";
/// The command of the guide that adds the tools to Codex.
const ADD_TO_CODEX: &str = "codex mcp add connections -- connections mcp --agent nightly-report";

/// The address of a proxy that does not exist: no program listens on port 9 (discard), so nothing is sent.
const NOBODY: &str = "http://127.0.0.1:9";

/// Returns a machine that has the real tool of a kind in place of the script, and the tool's version. Returns `None`
/// if the tool is not installed.
fn machine(kind: &str, entry: &str, what: &str) -> Option<(Machine, String)> {
    let tools = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../plugins/agent-cli/tests/tools").join(kind);
    let (Some(node), Some(script)) = (node(), program_of(kind, entry)) else {
        // Writing to `stderr` directly is not captured by the test harness.
        let message = format!("\n\nSKIPPED: that the real {kind} {what} ({kind} or Node is not installed).\n\n");
        std::io::stderr().write_all(message.as_bytes()).unwrap_or_default();
        return None;
    };
    let mut machine = tooled();
    program(&machine, kind, &format!("#!/bin/sh\nexec {} {} \"$@\"\n", node.display(), script.display()));
    for proxy in ["HTTPS_PROXY", "HTTP_PROXY", "https_proxy", "http_proxy"] {
        machine.set(proxy, NOBODY);
    }
    let manifest = std::fs::read_to_string(tools.join("package.json")).expect("a manifest");
    let manifest: Value = serde_json::from_str(&manifest).expect("JSON");
    let version = manifest["dependencies"].as_object().and_then(|all| all.values().next()).and_then(Value::as_str);
    Some((machine, version.expect("a version").to_owned()))
}

/// Returns the script of a tool; `None` if it is not installed.
pub(crate) fn program_of(kind: &str, entry: &str) -> Option<PathBuf> {
    let tools = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../plugins/agent-cli/tests/tools").join(kind);
    Some(tools.join("node_modules").join(entry)).filter(|script| script.is_file())
}

#[expect(clippy::disallowed_methods, reason = "a test that runs a program has to find it")]
fn node() -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path).map(|directory| directory.join("node")).find(|node| node.is_file())
}

#[test]
fn claude_code_is_found_and_keeps_to_the_directory_of_its_profile() {
    let entry = "@anthropic-ai/claude-code/cli-wrapper.cjs";
    let Some((machine, version)) = machine("claude", entry, "runs as its profiles") else { return };
    // The first start may exceed the time limit. Then the version is missing, but the tool is still found.
    let shown = machine.run(&["kinds", "show", "claude", "--json"]).exits(0).json();
    assert_eq!(shown["tool"]["path"].as_str(), Some(&*text(&machine.path("bin/claude"))));
    let printed = machine.run(&["run", "claude", "--", "--version"]).exits(0).says(&version);
    assert!(
        shown["tool"]["version"].is_null() || printed.out.starts_with(shown["tool"]["version"].as_str().unwrap_or("?"))
    );
    let work = signed_in(&machine, "work", "ada@example.com");
    machine.run(&["profiles", "create", "claude", "work", "--dir", &work]).exits(0);
    machine.run(&["profiles", "create", "claude", "home", "--dir", "home"]).exits(0);
    let status = |profile| {
        let ran = machine.run(&["run", "claude", "--profile", profile, "--", "auth", "status"]);
        serde_json::from_str::<Value>(&ran.out).unwrap_or_else(|_| panic!("no JSON:\n{}{}", ran.out, ran.err))
    };
    let here = status("work");
    let there = status("home");
    assert_eq!((here["loggedIn"].as_bool(), here["email"].as_str()), (Some(true), Some("ada@example.com")), "{here}");
    assert_eq!(there["loggedIn"].as_bool(), Some(false), "{there}");
    assert!(!machine.path(".claude").exists(), "the tool's own directory is left alone");
}

#[test]
fn claude_code_connects_to_the_tools_of_an_agent() {
    let entry = "@anthropic-ai/claude-code/cli-wrapper.cjs";
    let Some((mut machine, _)) = machine("claude", entry, "uses the tools of an agent") else { return };
    machine.set("NO_PROXY", "127.0.0.1");
    let ours = machine.command().get_program().display().to_string();
    program(&machine, "connections", &format!("#!/bin/sh\nexec {ours} \"$@\"\n"));
    machine.run(&["agents", "create", "nightly-report"]).exits(0);
    let told = |command: &str| {
        let words: Vec<_> = command.split(' ').skip(1).collect();
        let output = machine.command_of_system(&text(&machine.path("bin/claude"))).args(&words).output();
        Ran::of(&words, output.expect("it starts")).exits(0).out
    };
    assert!(GUIDE.contains(ADD), "the guide has the command");
    told(ADD);
    let listed = told("claude mcp list");
    assert!(listed.contains("Connected"), "{listed}");
    told("claude mcp remove connections");

    let serving = Serving::start(&machine);
    let token = machine.run(&["agents", "token", "nightly-report", "--audience", "mcp"]).exits(0).out;
    let header = format!("Authorization:Bearer {}", token.trim());
    let url = format!("http://{}/mcp", serving.address);
    let add = ["mcp", "add", "--transport", "http", "connections", &url, "--header", &header];
    let added = machine.command_of_system(&text(&machine.path("bin/claude"))).args(add).output();
    Ran::of(&add, added.expect("it starts")).exits(0);
    let listed = told("claude mcp list");
    assert!(listed.contains("Connected"), "{listed}");
    let shown = machine.run(&["agents", "show", "nightly-report", "--json"]).exits(0).json();
    let tokens = shown["tokens"].as_array().expect("a list");
    assert!(tokens.iter().any(|token| token["audience"] == "mcp" && token["lastUsedAt"].is_string()), "{shown}");
}

#[test]
fn codex_offers_the_tools_of_an_agent_to_its_model() {
    let entry = "@openai/codex/bin/codex.js";
    let Some((mut machine, _)) = machine("codex", entry, "uses the tools of an agent") else { return };
    machine.set("NO_PROXY", "127.0.0.1");
    machine.set("FAKE_KEY", KEY);
    let ours = machine.command().get_program().display().to_string();
    program(&machine, "connections", &format!("#!/bin/sh\nexec {ours} \"$@\"\n"));
    machine.run(&["agents", "create", "nightly-report"]).exits(0);
    machine.provider.tell(400, "content-type: application/json\r\n", REFUSAL);
    let codex = |arguments: &[&str]| {
        let output = machine.command_of_system(&text(&machine.path("bin/codex"))).args(arguments).output();
        Ran::of(arguments, output.expect("it starts"))
    };
    let words = |command: &'static str| command.split(' ').skip(1).collect::<Vec<_>>();

    assert!(GUIDE.contains(ADD_TO_CODEX), "the guide has the command");
    codex(&words(ADD_TO_CODEX)).exits(0);
    let file = machine.path(".codex/config.toml");
    let written = || std::fs::read_to_string(&file).expect("it is written");
    let added =
        "[mcp_servers.connections]\ncommand = \"connections\"\nargs = [\"mcp\", \"--agent\", \"nightly-report\"]\n";
    assert_eq!(written(), added);
    codex(&["mcp", "list"]).exits(0).says("connections  connections  mcp --agent nightly-report").says("enabled");
    codex(&["mcp", "get", "connections"]).exits(0).says("args: mcp --agent nightly-report").says("transport: stdio");

    // The request to the model has the tools, which Codex gets from the server that it starts. For a model that it does
    // not know, it lists each tool, and it waits only for a server that is required.
    let provider = format!(
        "model_providers.fake={{name=\"fake\",base_url=\"{}/v1\",env_key=\"FAKE_KEY\",wire_api=\"responses\"}}",
        machine.provider.origin
    );
    let offered = |further: &[&str]| {
        let exec = ["exec", "--skip-git-repo-check", "-m", "other", "-c", "model_provider=fake", "-c", &provider];
        let ran = codex(&[&exec, further, &["hi"]].concat());
        let seen = machine.provider.seen().into_iter().rfind(|seen| seen.path == "/v1/responses");
        seen.unwrap_or_else(|| panic!("{ran:?}")).body
    };
    // Codex passes few variables on, so this machine's are part of the entry.
    let variable = |name: &str| {
        let command = machine.command();
        let value =
            command.get_envs().find(|(own, _)| *own == name).and_then(|(_, value)| value?.to_str().map(str::to_owned));
        format!("{name}={}", value.expect("it is set"))
    };
    let (data, configuration) = (variable("CONNECTIONS_DATA_DIR"), variable("CONNECTIONS_CONFIG"));
    let mut add = words(ADD_TO_CODEX);
    add.splice(3..3, ["--env", &data, "--env", &configuration]);
    codex(&add).exits(0);
    assert!(written().starts_with(added), "{}", written());
    let body = offered(&["-c", "mcp_servers.connections.required=true"]);
    for tool in mcp_tools::TOOLS {
        assert!(body.contains(&format!("\"name\":\"{tool}\"")), "{tool}: {body}");
    }
    // The control: without the entry, there are none of them.
    codex(&["mcp", "remove", "connections"]).exits(0);
    assert!(!offered(&[]).contains("list_connections"));
}

#[test]
fn gemini_cli_reads_the_directory_of_its_profile() {
    let entry = "@google/gemini-cli/bundle/gemini.js";
    let Some((machine, version)) = machine("gemini", entry, "runs as its profiles") else { return };
    machine.run(&["run", "gemini", "--", "--version"]).exits(0).says(&version);
    machine.run(&["profiles", "create", "gemini", "work", "--dir", "work/.gemini"]).exits(0);
    machine.write("work/.gemini/settings.json", b"{}");
    // Gemini CLI has no command that prints the account, but it names the file that it read.
    let ran = machine.run(&["run", "gemini", "--profile", "work", "--", "--list-extensions"]);
    let settings = text(&machine.path("work/.gemini/settings.json"));
    assert!(format!("{}{}", ran.out, ran.err).contains(&settings), "{}{}", ran.out, ran.err);
}

/// The answer of a provider to a request that it understands and does not carry out. No tool repeats such a request.
const REFUSAL: &str = r#"{"error":{"message":"the fake API","type":"invalid_request_error","code":400}}"#;

/// Returns a machine with the real tool, and with a profile `pay` that an API key is connected for. Its provider refuses
/// every request, and the variables direct the tool to it.
fn paying(kind: &str, entry: &str, variables: &[&str]) -> Option<Machine> {
    let (mut machine, _) = machine(kind, entry, "uses an API key")?;
    tool_keys::connect(&mut machine);
    for name in ["NO_PROXY", "no_proxy"] {
        machine.set(name, "127.0.0.1");
    }
    for name in variables {
        let origin = machine.provider.origin.clone();
        machine.set(name, &origin);
    }
    machine.provider.tell(400, "content-type: application/json\r\n", REFUSAL);
    Some(machine)
}

/// Returns the values of a header in the requests that the tool sent to paths with this part.
fn sent(machine: &Machine, path: &str, header: &str) -> Vec<Option<String>> {
    let seen = machine.provider.seen().into_iter().filter(|seen| seen.path.contains(path));
    seen.map(|seen| seen.headers.get(header).cloned()).collect()
}

#[test]
fn claude_code_sends_the_key_of_its_profile_and_writes_it_into_no_file() {
    let entry = "@anthropic-ai/claude-code/cli-wrapper.cjs";
    let Some(machine) = paying("claude", entry, &["ANTHROPIC_BASE_URL"]) else { return };
    // The control: without the key, the tool sends nothing.
    let other = machine.run(&["run", "claude", "--profile", "Default", "--", "-p", "hi"]);
    assert!(other.out.contains("Not logged in"), "{}{}", other.out, other.err);
    assert_eq!(sent(&machine, "/v1/messages", "x-api-key").len(), 0);
    machine.run(&["run", "claude", "--profile", "pay", "--", "-p", "hi"]);
    let keys = sent(&machine, "/v1/messages", "x-api-key");
    assert!(!keys.is_empty() && keys.iter().all(|key| key.as_deref() == Some(KEY)), "{keys:?}");
    tool_keys::assert_in_no_file(&machine);
}

#[test]
fn gemini_cli_sends_the_key_of_its_profile_and_writes_it_into_no_file() {
    let entry = "@google/gemini-cli/bundle/gemini.js";
    let Some(machine) = paying("gemini", entry, &["GOOGLE_GEMINI_BASE_URL"]) else { return };
    // With an address of its own for the provider, the tool asks for this choice.
    machine.write("pay/.gemini/settings.json", br#"{"security": {"auth": {"selectedType": "gemini-api-key"}}}"#);
    let mut command = machine.command();
    command.args(["run", "gemini", "--profile", "pay", "--", "--skip-trust", "-p", "hi"]);
    let output = command.output().expect("it runs");
    let keys = sent(&machine, "/v1beta/models/", "x-goog-api-key");
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(!keys.is_empty() && keys.iter().all(|key| key.as_deref() == Some(KEY)), "{keys:?}: {said}");
    tool_keys::assert_in_no_file(&machine);
}

/// The address of the provider in the entry that `run` puts on the command line is replaced by that of the test.
fn redirected(machine: &Machine) -> String {
    format!("model_providers.connections.base_url=\"{}/v1\"", machine.provider.origin)
}

#[test]
fn codex_sends_the_key_of_its_profile_without_and_with_a_person() {
    let Some(machine) = paying("codex", "@openai/codex/bin/codex.js", &[]) else { return };
    let address = redirected(&machine);
    let run = ["run", "codex", "--profile", "pay", "--", "-c", &address];
    let bearer = format!("Bearer {KEY}");
    let requests = || sent(&machine, "/v1/responses", "authorization");
    let mut command = machine.command();
    command.args(run).args(["exec", "--skip-git-repo-check", "hi"]).stdin(std::process::Stdio::null());
    let output = command.output().expect("it runs");
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(requests(), [Some(bearer.clone())], "{said}");
    // At a terminal, the tool would ask how to sign in if it did not read the key.
    let workspace = machine.path("").canonicalize().expect("it is there");
    let trusted = format!("projects.\"{}\".trust_level=\"trusted\"", workspace.display());
    let arrives = machine.provider.fall_silent();
    let mut command = machine.command();
    command.args(run).args(["-c", &trusted, "hello"]).env("TERM", "xterm").stdin(std::process::Stdio::inherit());
    let mut session = rexpect::session::spawn_command(command, Some(60_000)).expect("a terminal");
    session.process_mut().set_kill_timeout(Some(10_000));
    session.exp_string("\u{1b}[6n").expect("it asks where the cursor is");
    session.send("\u{1b}[1;1R").expect("the terminal takes it");
    session.flush().expect("the terminal takes it");
    let arrived = arrives.recv_timeout(std::time::Duration::from_secs(60));
    assert!(arrived.is_ok(), "{:?}", session.exp_eof());
    assert_eq!(requests(), [Some(bearer.clone()), Some(bearer)]);
    // While the session is open, the tool has written its files.
    tool_keys::assert_in_no_file(&machine);
}
