//! The tools for models: on standard streams and at the door of a server, with the official clients of both generations.
#![expect(clippy::unwrap_used, reason = "what fails here fails the test")]

use connection_faults::script::Script;
use serde_json::{Value, json};

use crate::{
    program::Machine,
    serve::{Serving, machine},
};

const RULES: &[u8] = b"[[rule]]\nname = \"read\"\nmethods = [\"GET\"]\npath = \"/**\"\neffect = \"allow\"\n";
pub(crate) const TOOLS: [&str; 6] =
    ["list_connections", "describe_connection", "send_request", "read_more", "check_request", "request_access"];

/// Returns a machine with an agent that may read one account of GitHub.
fn granted() -> Machine {
    let machine = machine();
    machine.add_github("work").exits(0);
    machine.write("read.toml", RULES);
    machine.run(&["agents", "create", "deploy"]).exits(0);
    machine.run(&["agents", "grant", "deploy", "github", "--rules", "read.toml", "--yes"]).exits(0);
    machine
}

fn token(machine: &Machine, audience: &str) -> String {
    machine.run(&["agents", "token", "deploy", "--audience", audience]).exits(0).out.trim().to_owned()
}

/// The calls of a model that reads, and is refused a write.
fn calls() -> Value {
    json!([
        { "name": "list_connections", "arguments": {} },
        { "name": "send_request", "arguments": { "connection": "github:work", "method": "GET", "path": "/user" } },
        { "name": "send_request", "arguments": { "connection": "github:work", "method": "DELETE", "path": "/user" } },
    ])
}

fn is_used(got: &Value) {
    assert_eq!(got["tools"], json!(TOOLS), "{got}");
    let text = |call: usize| got["results"][call]["content"][0]["text"].as_str().unwrap().to_owned();
    assert!(text(0).starts_with("github:work (account \"octocat"), "{got}");
    assert!(text(1).starts_with("https://api.github.com answered 200."), "{got}");
    assert!(got["results"][1]["content"][1]["text"].as_str().unwrap().contains("octocat"), "{got}");
    assert!(text(2).contains("request_access") && got["results"][2]["isError"] == true, "{got}");
}

fn message(id: u32, method: &str, params: &Value) -> String {
    json!({ "jsonrpc": "2.0", "id": id, "method": method, "params": params }).to_string()
}

#[test]
fn official_clients_of_both_generations_use_the_tools_on_streams_and_at_a_door() {
    let machine = granted();
    let Some((mut script, _)) = Script::start("../../../tests/mcp/tools.mjs", "") else { return };
    let mut ask = |request: &Value| -> Value {
        script.write(&request.to_string()).unwrap();
        serde_json::from_str(&script.line().unwrap()).unwrap()
    };
    let serving = Serving::start(&machine);
    let url = format!("http://{}/mcp", serving.address);
    let for_models = token(&machine, "mcp");
    for generation in [1, 2] {
        let request = json!({ "generation": generation, "url": url, "token": for_models, "calls": calls() });
        is_used(&ask(&request));
    }
    let for_requests = token(&machine, "doors");
    for generation in [1, 2] {
        let request = json!({ "generation": generation, "url": url, "token": for_requests, "calls": [] });
        let got = ask(&request);
        assert!(got["error"].as_str().is_some_and(|error| !error.is_empty()), "{got}");
    }
    let command = machine.command();
    let variable = |(name, value): (&std::ffi::OsStr, Option<&std::ffi::OsStr>)| {
        Some((name.to_str()?.to_owned(), value?.to_str()?.to_owned()))
    };
    let environment: std::collections::BTreeMap<_, _> = command.get_envs().filter_map(variable).collect();
    for generation in [1, 2] {
        let request = json!({
            "generation": generation,
            "command": command.get_program().to_str().unwrap(),
            "args": ["mcp", "--agent", "deploy"],
            "env": environment,
            "calls": calls(),
        });
        is_used(&ask(&request));
    }
    machine.run(&["uses"]).exits(0).says("GET /user");
}

/// Has a model on standard streams call tools, one after the other, and returns what each of them says.
fn told(machine: &Machine, calls: &[Value]) -> Vec<String> {
    let hello = json!({ "protocolVersion": "2025-11-25", "capabilities": {},
        "clientInfo": { "name": "test", "version": "1" } });
    let mut lines = vec![
        message(0, "initialize", &hello),
        json!({ "jsonrpc": "2.0", "method": "notifications/initialized" }).to_string(),
    ];
    lines.extend((1..).zip(calls).map(|(id, call)| message(id, "tools/call", call)));
    let ran = machine.feed(&["mcp", "--agent", "deploy"], &format!("{}\n", lines.join("\n"))).exits(0);
    let answers: Vec<Value> = ran.out.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let text = |id: usize| {
        let answer = answers.iter().find(|answer| answer["id"] == id).unwrap();
        answer["result"]["content"][0]["text"].as_str().unwrap_or_else(|| panic!("{answer}")).to_owned()
    };
    (1..=calls.len()).map(text).collect()
}

#[test]
fn a_model_is_led_to_the_person_when_its_account_is_refused_and_when_it_was_disconnected() {
    let machine = granted();
    let call = |name: &str, arguments: Value| json!({ "name": name, "arguments": arguments });
    let calls = [
        call("list_connections", json!({})),
        call("describe_connection", json!({ "connection": "github:work" })),
        call("send_request", json!({ "connection": "github:work", "method": "GET", "path": "/user" })),
        call("request_access", json!({ "need": "repair", "why": "to read", "connection": "github:work" })),
        call("request_access", json!({ "need": "connect", "why": "to read", "kind": "github" })),
    ];
    machine.provider.tell(401, "content-type: application/json\r\n", "{\"message\":\"Bad credentials\"}");
    machine.run(&["verify", "github"]).exits(4);
    let repair = "Call request_access with need = 'repair' to ask the person for it.";
    let [listed, described, sent, repaired, connected] = &told(&machine, &calls)[..] else { panic!("five answers") };
    assert!(listed.ends_with(": does not work"), "{listed}");
    assert!(described.contains(repair), "{described}");
    assert!(sent.starts_with("https://api.github.com answered 401.") && sent.contains(repair), "{sent}");
    assert!(repaired.contains("`connections reauthorize github:work`"), "{repaired}");
    assert!(connected.contains("`connections add github`"), "{connected}");

    machine.run(&["remove", "github", "--yes"]).exits(0);
    let [listed, described, sent, repaired, connected] = &told(&machine, &calls)[..] else { panic!("five answers") };
    assert_eq!(listed, "No connection is granted to you. Call request_access to ask the person for one.");
    for said in [described, sent, repaired] {
        assert!(said.contains("Call list_connections for those that you may use. (not_granted)"), "{said}");
    }
    assert!(connected.contains("`connections add github`"), "{connected}");
    assert!(connected.contains("`connections agents grant deploy github`"), "{connected}");
}

#[test]
fn a_token_names_the_agent_and_nothing_else_is_printed() {
    let mut machine = granted();
    let hello = json!({ "protocolVersion": "2025-11-25", "capabilities": {},
        "clientInfo": { "name": "test", "version": "1" } });
    let input = [
        message(1, "initialize", &hello),
        json!({ "jsonrpc": "2.0", "method": "notifications/initialized" }).to_string(),
        message(
            2,
            "tools/call",
            &json!({ "name": "describe_connection", "arguments": { "connection": "github:work" } }),
        ),
        message(
            3,
            "tools/call",
            &json!({ "name": "request_access",
            "arguments": { "need": "permit", "why": "to close an issue", "connection": "github:work" } }),
        ),
        String::new(),
    ]
    .join("\n");
    machine.feed(&["mcp"], &input).exits(2).warns("no agent is named").warns("--audience mcp");
    machine.feed(&["mcp", "--agent", "nobody"], &input).exits(5);
    let for_requests = token(&machine, "doors");
    machine.set("AGENT_TOKEN", &for_requests);
    machine.feed(&["mcp"], &input).exits(6).warns("not valid for models");
    let for_models = token(&machine, "mcp");
    machine.set("AGENT_TOKEN", &for_models);
    let ran = machine.feed(&["mcp"], &input).exits(0);
    let answers: Vec<Value> = ran.out.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(answers.len(), 3, "{}", ran.out);
    let of = |id: u32| answers.iter().find(|answer| answer["id"] == id).unwrap();
    let text = |id: u32| of(id)["result"]["content"][0]["text"].as_str().unwrap().to_owned();
    assert_eq!(of(1)["result"]["serverInfo"]["name"], "connections");
    assert!(text(2).contains("Base address: https://api.github.com"), "{}", text(2));
    // No server runs, so there is no page to open.
    assert!(text(3).contains("`connections agents grant deploy github:work --rules FILE`"), "{}", text(3));
    assert!(!text(3).contains("http"), "{}", text(3));
    machine.run(&["mcp", "--host", "http://127.0.0.1:9"]).exits(2).warns("does not work with --host");
}
