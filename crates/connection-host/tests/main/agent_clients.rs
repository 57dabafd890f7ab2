//! The reverse door with the SDKs of providers, unchanged: they get another address and another key, and the provider
//! gets what it would get from them, with the connection's credential.
#![expect(clippy::unwrap_used, reason = "what fails here fails the test")]

use std::path::Path;

use connection_faults::{
    double::{Double, Seen},
    script::Script,
};
use serde_json::{Value, json};

use crate::{
    preset_operations::is_operation,
    program::Machine,
    provider::{ACCOUNT, AUTH_TOKEN, NOTION_KEY, TOKEN},
    serve::{Serving, machine},
};

pub(crate) const OPENAI_KEY: &str = "sk-proj-0123456789SECRETopenai";
pub(crate) const ANTHROPIC_KEY: &str = "sk-ant-api03-0123456789SECRETanthropic";
const SLACK_TOKEN: &str = "xoxb-0123456789-SECRETslack";
pub(crate) const STRIPE_KEY: &str = "sk_test_0123456789SECRETstripe";
const BOT_TOKEN: &str = "123456:0123456789SECRETtelegram";
const AWS_ID: &str = "AKIA0123456789EXAMPLE";
const AWS_KEY: &str = "0123456789SECRETaws";
/// The origins of the providers, all of which the double plays.
const ORIGINS: [&str; 12] = [
    "https://api.anthropic.com",
    "https://api.github.com",
    "https://api.notion.com",
    "https://api.openai.com",
    "https://api.stripe.com",
    "https://api.telegram.org",
    "https://api.twilio.com",
    "https://npm.acme.example",
    "https://pypi.acme.example",
    "https://s3.eu-central-1.amazonaws.com",
    "https://slack.com",
    "https://sts.eu-central-1.amazonaws.com",
];

/// Answers as the documentation of each provider shows.
fn documented(seen: &Seen) -> (u16, String, String) {
    let json = |status, more: &str, body: Value| {
        (status, format!("content-type: application/json\r\n{more}"), body.to_string())
    };
    let xml = |body: &str| (200, "content-type: text/xml\r\n".to_owned(), body.to_owned());
    let stream = |body: String| (200, "content-type: text/event-stream\r\n".to_owned(), body);
    let path = seen.path.split('?').next().unwrap();
    match (&*seen.method, path) {
        ("GET", "/repos/acme/site/issues") => {
            let next = "link: <https://api.github.com/repositories/1/issues?per_page=1&page=2>; rel=\"next\"\r\n";
            json(200, next, json!([{ "number": 1, "title": "one" }]))
        }
        ("GET", "/repositories/1/issues") => json(200, "", json!([{ "number": 2, "title": "two" }])),
        ("POST", "/repos/acme/site/issues") => json(201, "", json!({ "number": 7 })),
        ("POST", "/v1/chat/completions") => stream(completion()),
        ("POST", "/v1/messages") => stream(message()),
        ("POST", "/v1/search") => {
            json(200, "", json!({ "object": "list", "results": [{ "object": "page", "id": "p1" }], "has_more": false }))
        }
        ("POST", "/api/chat.postMessage") => json(200, "", json!({ "ok": true, "ts": "1.2" })),
        ("GET", "/v1/customers") => {
            let customers = json!([{ "id": "cus_1", "object": "customer" }]);
            json(200, "", json!({ "object": "list", "data": customers, "has_more": false, "url": "/v1/customers" }))
        }
        ("POST", "/v1/customers") => json(200, "", json!({ "id": "cus_2", "object": "customer" })),
        ("POST", "/") => xml(
            "<GetCallerIdentityResponse xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\"><GetCallerIdentityResult>\
             <Account>123456789012</Account></GetCallerIdentityResult></GetCallerIdentityResponse>",
        ),
        ("PUT", _) => xml(""),
        ("GET", "/plans/a%20b/%C3%BC.txt") => (200, "content-type: text/plain\r\n".to_owned(), "hello".to_owned()),
        ("GET", path) if path.ends_with("/getMe") => json(200, "", json!({ "ok": true, "result": { "id": 1 } })),
        ("GET", path) if path.starts_with("/2010-04-01/Accounts") => json(200, "", json!({ "sid": ACCOUNT })),
        ("GET", "/left-pad") => {
            let version = json!({ "name": "left-pad", "version": "1.3.0", "dist": {} });
            let versions = json!({ "1.3.0": version });
            json(200, "", json!({ "name": "left-pad", "dist-tags": { "latest": "1.3.0" }, "versions": versions }))
        }
        ("GET", "/simple/demo/") => {
            let page = "<a href=\"/files/demo-1.4-py3-none-any.whl\">demo-1.4-py3-none-any.whl</a>";
            (200, "content-type: text/html\r\n".to_owned(), page.to_owned())
        }
        _ => json(404, "", json!({ "message": "unknown" })),
    }
}

/// The answer of OpenAI in pieces.
fn completion() -> String {
    let piece = |content: &str| {
        let choice = json!({ "index": 0, "delta": { "content": content }, "finish_reason": null });
        let piece = json!({ "id": "c1", "object": "chat.completion.chunk", "created": 1, "model": "model-1", "choices": [choice] });
        format!("data: {piece}\n\n")
    };
    format!("{}{}data: [DONE]\n\n", piece("Hel"), piece("lo"))
}

/// The answer of Anthropic in pieces.
fn message() -> String {
    let usage = json!({ "input_tokens": 1, "output_tokens": 1 });
    let begun = json!({
        "id": "msg_1", "type": "message", "role": "assistant", "content": [], "model": "model-1", "stop_reason": null,
        "stop_sequence": null, "usage": usage,
    });
    let delta = |text: &str| json!({ "type": "content_block_delta", "index": 0, "delta": { "type": "text_delta", "text": text } });
    let ended = json!({ "stop_reason": "end_turn", "stop_sequence": null });
    let events = [
        json!({ "type": "message_start", "message": begun }),
        json!({ "type": "content_block_start", "index": 0, "content_block": { "type": "text", "text": "" } }),
        delta("Hel"),
        delta("lo"),
        json!({ "type": "content_block_stop", "index": 0 }),
        json!({ "type": "message_delta", "delta": ended, "usage": { "output_tokens": 2 } }),
        json!({ "type": "message_stop" }),
    ];
    let event = |event: &Value| format!("event: {}\ndata: {event}\n\n", event["type"].as_str().unwrap());
    events.iter().map(event).collect()
}

/// A machine with an account at each provider, an agent that may use all of them, and a server.
pub(crate) struct Door {
    double: Double,
    pub(crate) machine: Machine,
    serving: Serving,
    token: String,
}

impl Door {
    pub(crate) fn new() -> Self {
        Self::with(&[], &[])
    }

    /// Returns a door to these further accounts, whose kinds are in files with these names.
    pub(crate) fn with(files: &[(&str, &str)], further: &[(&str, &str, Value)]) -> Self {
        let double = Double::start(|_| documented);
        let mut machine = machine();
        let endpoints: String = ORIGINS.iter().map(|from| format!("\"{from}\" = \"{}\"\n", double.origin())).collect();
        machine.configure(&format!("[http.endpoints]\n{endpoints}"));
        for (name, text) in files {
            machine.write(&format!("configuration/kinds/{name}"), text.as_bytes());
        }
        let aws = |service: &str| json!({ "accessKeyId": AWS_ID, "secretAccessKey": AWS_KEY, "service": service, "region": "eu-central-1" });
        let mut accounts = vec![
            ("github", "github", json!({ "accessToken": TOKEN })),
            ("openai", "openai", json!({ "apiKey": OPENAI_KEY })),
            ("anthropic", "anthropic", json!({ "apiKey": ANTHROPIC_KEY })),
            ("notion", "notion", json!({ "apiKey": NOTION_KEY })),
            ("slack-bot-token", "slack", json!({ "token": SLACK_TOKEN })),
            ("stripe", "stripe", json!({ "apiKey": STRIPE_KEY })),
            ("telegram", "telegram", json!({ "token": BOT_TOKEN })),
            ("twilio", "twilio", json!({ "accountSid": ACCOUNT, "authToken": AUTH_TOKEN })),
            ("aws", "sts", aws("sts")),
            ("aws", "s3", aws("s3")),
        ];
        accounts.extend(further.iter().cloned());
        let token = machine.run(&["agents", "create", "deploy"]).exits(0).out.trim().to_owned();
        connect(&machine, &accounts);
        let serving = Serving::start(&machine);
        machine.set("CONNECTIONS_INBOUND__LISTEN", &serving.address.to_string());
        Self { double, machine, serving, token }
    }

    /// Adds accounts that the agent may use, too.
    pub(crate) fn grants(&self, accounts: &[(&str, &str, Value)]) {
        connect(&self.machine, accounts);
    }

    fn url(&self, connection: &str) -> String {
        format!("http://{}/use/{connection}", self.serving.address)
    }

    /// Has an SDK send a request, which has these further members, and returns what the SDK got.
    pub(crate) fn asked(&self, script: &mut Script, connection: &str, form: &str, mut request: Value) -> Value {
        request["url"] = self.url(connection).into();
        request["key"] = form.replace("{token}", &self.token).into();
        script.write(&request.to_string()).unwrap();
        serde_json::from_str(&script.line().unwrap()).unwrap()
    }

    /// Calls a provider with its SDK. Returns the result, and what the provider received, which never holds the token.
    fn call(&self, script: &mut Script, client: &str, connection: &str, form: &str) -> (Value, Vec<Seen>) {
        let answer = self.asked(script, connection, form, json!({ "client": client, "title": "A plan" }));
        let seen = self.received(&answer);
        if let Some((_, provider, prefix)) = DESCRIBED.into_iter().find(|(described, ..)| *described == client) {
            seen.iter().for_each(|seen| is_described(seen, provider, prefix));
        }
        (answer["result"].clone(), seen)
    }

    #[track_caller]
    pub(crate) fn received(&self, answer: &Value) -> Vec<Seen> {
        let seen = self.double.take_seen();
        assert!(answer.get("error").is_none(), "{answer} {seen:?}");
        assert!(!format!("{seen:?}").contains("cn_"), "{seen:?}");
        seen
    }
}

/// Adds accounts, and lets the agent use each of them without limits.
fn connect(machine: &Machine, accounts: &[(&str, &str, Value)]) {
    let row = |(kind, label, credential): &(&str, &str, Value)| {
        json!({ "kind": kind, "label": label, "identity": { "id": label }, "credential": credential }).to_string()
    };
    let rows: Vec<_> = accounts.iter().map(row).collect();
    machine.feed(&["import", "-"], &rows.join("\n")).exits(0);
    for (kind, label, _) in accounts {
        let connection = format!("{kind}:{label}");
        machine.run(&["agents", "grant", "deploy", &connection, "--rules", "everything", "--yes"]).exits(0);
    }
}

/// The clients of providers whose public description lists each operation, with the path of the base address that the
/// list leaves out.
const DESCRIBED: [(&str, &str, &str); 5] = [
    ("octokit", "github", ""),
    ("openai", "openai", "/v1"),
    ("notion", "notion", ""),
    ("slack", "slack", "/api"),
    ("stripe", "stripe", ""),
];

/// Checks that the description of a provider has what it received.
#[track_caller]
fn is_described(seen: &Seen, provider: &str, prefix: &str) {
    let path = seen.path.split('?').next().unwrap();
    // This is the address that GitHub itself gives in `Link`.
    let is_next_page = path == "/repositories/1/issues";
    let below = path.strip_prefix(prefix).unwrap();
    assert!(is_next_page || is_operation(provider, &seen.method, below), "{provider} lists no {} {below}", seen.method);
}

/// Checks that a request has this method and path, and these headers.
#[track_caller]
pub(crate) fn is(seen: &Seen, method: &str, path: &str, headers: &[(&str, &str)]) {
    assert_eq!((&*seen.method, &*seen.path), (method, path), "{seen:?}");
    for (name, value) in headers {
        assert_eq!(seen.headers.get(*name).map(String::as_str), Some(*value), "{name}: {seen:?}");
    }
    assert_eq!(seen.headers["accept-encoding"], "identity");
}

pub(crate) fn bearer(secret: &str) -> String {
    format!("Bearer {secret}")
}

#[test]
fn sdks_for_node_need_only_another_address_and_another_key() {
    let Some((mut script, _)) = Script::start("clients.mjs", "") else { return };
    let door = Door::new();
    // Octokit takes `:github` in an address for a parameter.
    let (result, seen) = door.call(&mut script, "octokit", "github%3Agithub", "{token}");
    assert_eq!(result, json!({ "titles": ["one", "two"], "number": 7 }));
    let [first, next, made] = &seen[..] else { panic!("{seen:?}") };
    let authorization = [("authorization", &*bearer(TOKEN)), ("accept", "application/vnd.github.v3+json")];
    is(first, "GET", "/repos/acme/site/issues?per_page=1", &authorization);
    // The address of the next page leads back to the door.
    is(next, "GET", "/repositories/1/issues?per_page=1&page=2", &authorization);
    is(made, "POST", "/repos/acme/site/issues", &authorization);
    assert_eq!(serde_json::from_str::<Value>(&made.body).unwrap(), json!({ "title": "A plan" }));

    let (result, seen) = door.call(&mut script, "openai", "openai:openai", "{token}");
    assert_eq!(result, json!(["Hel", "lo"]));
    is(&seen[0], "POST", "/v1/chat/completions", &[("authorization", &bearer(OPENAI_KEY))]);
    assert_eq!(serde_json::from_str::<Value>(&seen[0].body).unwrap()["messages"][0]["content"], "Hello");

    let (result, seen) = door.call(&mut script, "anthropic", "anthropic:anthropic", "{token}");
    assert_eq!(result, json!({ "parts": ["Hel", "lo"], "whole": "Hello" }));
    is(&seen[0], "POST", "/v1/messages", &[("authorization", &bearer(ANTHROPIC_KEY))]);
    assert!(!seen[0].headers.contains_key("x-api-key"), "{seen:?}");

    let (result, seen) = door.call(&mut script, "notion", "notion:notion", "{token}");
    assert_eq!(result, json!(["p1"]));
    is(&seen[0], "POST", "/v1/search", &[("authorization", &bearer(NOTION_KEY))]);
    assert_eq!(serde_json::from_str::<Value>(&seen[0].body).unwrap(), json!({ "query": "plan" }));

    let (result, seen) = door.call(&mut script, "slack", "slack-bot-token:slack", "xoxb-{token}");
    assert_eq!(result, "1.2");
    is(&seen[0], "POST", "/api/chat.postMessage", &[("authorization", &bearer(SLACK_TOKEN))]);
    assert!(seen[0].body.contains("channel=C1") && seen[0].body.contains("text=Hello%20%26%20welcome"), "{seen:?}");
}

#[test]
fn sdks_for_python_need_only_another_address_and_another_key() {
    let Some((mut script, _)) = Script::start("clients.py", "") else { return };
    let door = Door::new();
    let (result, seen) = door.call(&mut script, "stripe", "stripe:stripe", "sk_{token}");
    assert_eq!(result, json!(["cus_1", "cus_2"]));
    let [listed, made] = &seen[..] else { panic!("{seen:?}") };
    let authorization = [("authorization", &*bearer(STRIPE_KEY))];
    is(listed, "GET", "/v1/customers?limit=1&expand%5B0%5D=data.subscriptions", &authorization);
    is(made, "POST", "/v1/customers", &authorization);
    assert!(made.body.contains("email=ada%40example.com") && made.body.contains("metadata[team]=one"), "{made:?}");

    let (result, seen) = door.call(&mut script, "sts", "aws:sts", "{token}");
    assert_eq!(result, "123456789012");
    is(&seen[0], "POST", "/", &[]);
    assert_eq!(seen[0].body, "Action=GetCallerIdentity&Version=2011-06-15");
    is_signed(&seen[0], "sts");
    let (result, seen) = door.call(&mut script, "s3", "aws:s3", "{token}");
    assert_eq!(result, "hello");
    let [put, got] = &seen[..] else { panic!("{seen:?}") };
    is(put, "PUT", "/plans/a%20b/%C3%BC.txt", &[("x-amz-meta-team", "one"), ("content-type", "text/plain")]);
    assert_eq!(put.body, "hello");
    is(got, "GET", "/plans/a%20b/%C3%BC.txt", &[]);
    is_signed(put, "s3");
    is_signed(got, "s3");
}

/// Checks that a request has one signature, made with the key of the connection.
#[track_caller]
fn is_signed(seen: &Seen, service: &str) {
    let signature = &seen.headers["authorization"];
    let date = &seen.headers["x-amz-date"][..8];
    let expected = format!("AWS4-HMAC-SHA256 Credential={AWS_ID}/{date}/eu-central-1/{service}/aws4_request, ");
    assert!(signature.starts_with(&expected), "{seen:?}");
}

#[test]
fn curl_has_the_token_in_the_path_and_in_http_basic() {
    let door = Door::new();
    let curl = |arguments: &[&str]| {
        let mut curl = door.machine.command_of_system("/usr/bin/curl");
        let output = curl.args(["-sS", "--fail-with-body", "--noproxy", "*"]).args(arguments).output().unwrap();
        assert!(output.status.success(), "{output:?}");
        door.received(&json!({})).remove(0)
    };
    let telegram = curl(&[&format!("{}/bot1:{}/getMe", door.url("telegram:telegram"), door.token)]);
    is(&telegram, "GET", &format!("/bot{BOT_TOKEN}/getMe"), &[]);
    let address = format!("{}/2010-04-01/Accounts/{ACCOUNT}.json", door.url("twilio:twilio"));
    let twilio = curl(&["-u", &format!("{ACCOUNT}:{}", door.token), &address]);
    let basic = connection_contract::encode::base64(format!("{ACCOUNT}:{AUTH_TOKEN}").as_bytes());
    is(
        &twilio,
        "GET",
        &format!("/2010-04-01/Accounts/{ACCOUNT}.json"),
        &[("authorization", &format!("Basic {basic}"))],
    );
    is_described(&twilio, "twilio", "");
}

#[test]
#[expect(clippy::disallowed_methods, reason = "a test that runs a program has to find it")]
fn sdks_that_read_variables_need_nothing_at_all() {
    let Some((script, _)) = Script::start("clients.mjs", "") else { return };
    drop(script);
    let mut door = Door::new();
    door.machine.set("PATH", &std::env::var("PATH").unwrap());
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../connection-faults/servers/clients.mjs");
    let script = script.to_str().unwrap();
    let run = ["agents", "run", "deploy", "--connection", "openai", "--connection", "anthropic", "--", "node", script];
    let ran = door.machine.feed(&run, "{\"client\":\"openai\"}\n{\"client\":\"anthropic\"}\n").exits(0);
    let answers: Vec<Value> = ran.out.lines().skip(1).map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(answers[0], json!({ "result": ["Hel", "lo"] }));
    assert_eq!(answers[1]["result"]["whole"], "Hello");
    let seen = door.received(&json!({}));
    is(&seen[0], "POST", "/v1/chat/completions", &[("authorization", &bearer(OPENAI_KEY))]);
    is(&seen[1], "POST", "/v1/messages", &[("authorization", &bearer(ANTHROPIC_KEY))]);
}
