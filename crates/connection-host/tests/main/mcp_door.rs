//! The reverse door at an MCP server of the official package, with its official clients of both generations and with
//! `mcp-remote`.
#![expect(clippy::unwrap_used, reason = "what fails here fails the test")]

use connection_faults::script::Script;
use serde_json::{Value, json};

use crate::{
    program::Machine,
    serve::{Serving, machine},
};

const KEY: &str = "s3cret-of-tickets";
/// Rules that let a client begin, list the tools, call one of them, and listen.
const RULES: &[u8] = br#"
[[rule]]
name = "messages"
methods = ["POST"]
path = "/"
json_rpc = { methods = ["initialize", "notifications/initialized", "server/discover", "tools/list"], tools = ["echo"] }
effect = "allow"

[[rule]]
name = "stream"
methods = ["GET", "DELETE"]
path = "/"
effect = "allow"
"#;

/// A server with a connection to the MCP server, and the program of the clients.
struct Door {
    script: Script,
    machine: Machine,
    serving: Serving,
    connection: String,
}

impl Door {
    fn new() -> Option<Self> {
        let (script, address) = Script::start("../../../tests/mcp/door.mjs", KEY)?;
        let mut machine = machine();
        machine.set("KEY", KEY);
        let header = machine.write("name", b"X-Key");
        let header = format!("headerName=@{header}");
        let add = ["add", &address, "--field", &header, "--from-env", "headerValue=KEY", "--json"];
        let added = machine.run(&add).exits(0).json();
        let serving = Serving::start(&machine);
        Some(Self { script, machine, serving, connection: added["id"].as_str().unwrap().to_owned() })
    }

    /// Creates an agent with these rules, and returns its token.
    fn agent(&self, name: &str, rules: &str) -> String {
        let token = self.machine.run(&["agents", "create", name]).exits(0).out.trim().to_owned();
        self.machine.run(&["agents", "grant", name, &self.connection, "--rules", rules, "--yes"]).exits(0);
        token
    }

    fn ask(&mut self, line: &str) -> Value {
        self.script.write(line).unwrap();
        serde_json::from_str(&self.script.line().unwrap()).unwrap()
    }

    /// Has a client use the server through the door, and returns what the client got.
    fn used(&mut self, generation: impl Into<Value>, token: &str) -> Value {
        let url = format!("http://{}/use/{}", self.serving.address, self.connection);
        let request = json!({ "generation": generation.into(), "url": url, "token": token, "text": "hello" });
        self.ask(&request.to_string())
    }
}

#[test]
fn official_clients_of_both_generations_and_mcp_remote_use_a_server_through_a_door() {
    let Some(mut door) = Door::new() else { return };
    door.machine.write("messages.toml", RULES);
    let token = door.agent("deploy", "messages.toml");
    door.ask("seen");
    for generation in [json!(1), json!(2), json!("remote")] {
        let got = door.used(generation.clone(), &token);
        assert_eq!(got, json!({ "tools": ["echo"], "progress": [1, 2], "text": "hello" }), "{generation}");
        let seen = door.ask("seen");
        let requests = seen.as_array().unwrap();
        assert!(requests.len() >= 4 && requests.iter().all(|request| request["url"] == "/mcp"), "{seen}");
        assert!(!seen.to_string().contains(&token) && seen.to_string().contains(KEY), "{seen}");
    }
    let reader = door.agent("reader", "ask");
    for generation in [1, 2] {
        let got = door.used(generation, &reader);
        assert!(got["error"].as_str().is_some_and(|error| error.contains("403")) || got["code"] == 403, "{got}");
        assert_eq!(door.ask("seen"), json!([]), "nothing reached the server");
    }
}
