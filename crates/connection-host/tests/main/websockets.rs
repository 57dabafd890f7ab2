//! WebSockets of an agent: OpenAI's SDK for Python, unchanged, talks to a model over the reverse door, and over the proxy of
//! `agents run` at the address that it has built in.
#![cfg(unix)]
#![expect(clippy::unwrap_used, reason = "support of tests: what fails here fails the test")]

use std::{
    io::{Read as _, Write as _},
    os::unix::net::UnixStream,
};

use connection_faults::script::Script;
use serde_json::{Value, json};

use crate::{
    agent_clients::OPENAI_KEY,
    agent_proxies::{is_installed, manifest},
    program::Machine,
    serve::{Serving, machine, until},
};

const RULES: &str = "[[rule]]
name = \"talk\"
methods = [\"GET\"]
path = \"/realtime\"
upgrade = \"websocket\"
effect = \"allow\"
";

/// A machine with an account at a provider with WebSockets, and the server.
struct Talk {
    machine: Machine,
    serving: Serving,
    token: String,
    _provider: Script,
}

impl Talk {
    /// Returns `None` if the provider cannot run on this machine.
    fn new() -> Option<Self> {
        let (provider, port) = Script::start("realtime.py", OPENAI_KEY)?;
        let mut machine = machine();
        machine.configure(&format!("[http.endpoints]\n\"https://api.openai.com\" = \"http://127.0.0.1:{port}\"\n"));
        let row = json!({
            "kind": "openai", "label": "work", "identity": { "id": "work" }, "credential": { "apiKey": OPENAI_KEY },
        });
        machine.feed(&["import", "-"], &row.to_string()).exits(0);
        let token = machine.run(&["agents", "create", "deploy"]).exits(0).out.trim().to_owned();
        std::fs::create_dir(machine.path("doors")).unwrap();
        machine.set("CONNECTIONS_INBOUND__UNIX_SOCKET", machine.path("doors/socket").to_str().unwrap());
        let serving = Serving::start(&machine);
        machine.set("CONNECTIONS_INBOUND__LISTEN", &serving.address.to_string());
        machine.write("talk.toml", RULES.as_bytes());
        machine.run(&["agents", "grant", "deploy", "openai", "--rules", "talk.toml", "--yes"]).exits(0);
        Some(Self { machine, serving, token, _provider: provider })
    }

    /// Opens a WebSocket at the socket, and waits for the first event of the provider.
    fn open(&self) -> UnixStream {
        let mut client = UnixStream::connect(self.machine.path("doors/socket")).unwrap();
        let head = "GET /use/openai:work/realtime?model=model-1 HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\n\
             Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n";
        write!(client, "{head}Authorization: Bearer {}\r\n\r\n", self.token).unwrap();
        let mut received = Vec::new();
        while !String::from_utf8_lossy(&received).contains("session.created") {
            let mut piece = [0; 1024];
            let length = client.read(&mut piece).unwrap();
            assert!(length > 0, "{}", String::from_utf8_lossy(&received));
            received.extend_from_slice(&piece[..length]);
        }
        assert!(received.starts_with(b"HTTP/1.1 101 "), "{}", String::from_utf8_lossy(&received));
        client
    }
}

#[test]
fn an_sdk_talks_to_a_model_over_the_reverse_door() {
    let Some(talk) = Talk::new() else { return };
    let Some((mut client, _)) = Script::start("clients.py", "") else { return };
    let url = format!("http://{}/use/openai:work", talk.serving.address);
    let request = json!({ "client": "realtime", "url": url, "key": talk.token, "title": "Hello at the door" });
    client.write(&request.to_string()).unwrap();
    let answer: Value = serde_json::from_str(&client.line().unwrap()).unwrap();
    let expected = json!(["session.created", "/v1/realtime", ["Hello", "at", "the", "door"]]);
    assert_eq!(answer["result"], expected, "{answer}");

    until("the end of the use is recorded", || {
        let uses = talk.machine.run(&["uses", "--json"]).exits(0).json();
        let [used] = &uses.as_array().unwrap()[..] else { panic!("{uses}") };
        assert_eq!(used["path"], "/v1/realtime");
        used["status"] == 101 && used["outcome"] == "answered"
    });
}

#[test]
fn an_sdk_talks_to_a_model_at_the_address_that_it_knows() {
    let python = manifest().join("../connection-faults/servers/.venv/bin/python");
    if !is_installed(&python) {
        return;
    }
    let Some(talk) = Talk::new() else { return };
    let environment = json!({ "OPENAI_BASE_URL": "https://api.openai.com/v1" });
    let request = json!({ "client": "realtime", "title": "Hello through the proxy", "environment": environment });
    let clients = manifest().join("../connection-faults/servers/clients.py");
    let program = [python.to_str().unwrap(), clients.to_str().unwrap()];
    let run = [&["agents", "run", "deploy", "--only-granted", "--connection", "openai", "--"], &program[..]].concat();
    let ran = talk.machine.feed(&run, &format!("{request}\n")).exits(0);
    let answer: Value = serde_json::from_str(ran.out.lines().last().unwrap()).unwrap();
    let expected = json!(["session.created", "/v1/realtime", ["Hello", "through", "the", "proxy"]]);
    assert_eq!(answer["result"], expected, "{ran:?}");
}

#[test]
fn a_websocket_opens_at_the_socket() {
    let Some(talk) = Talk::new() else { return };
    drop(talk.open());
}

/// The record would otherwise say for ever that the use has begun.
#[test]
fn the_end_of_a_websocket_that_is_open_when_serve_stops_is_on_record() {
    let Some(talk) = Talk::new() else { return };
    let mut client = talk.open();
    talk.serving.signal("TERM");
    let mut rest = Vec::new();
    client.read_to_end(&mut rest).unwrap();
    let Talk { machine, serving, .. } = talk;
    assert_eq!(serving.ended().0, 0);
    let uses = machine.run(&["uses", "--json"]).exits(0).json();
    let [used] = &uses.as_array().unwrap()[..] else { panic!("{uses}") };
    assert_eq!(
        (&used["status"], &used["outcome"], &used["complete"]),
        (&json!(101), &json!("answered"), &json!(false))
    );
}
