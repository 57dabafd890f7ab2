//! Deliveries of GitHub, Notion and Twilio, signed by their own packages and received by the server of `serve`.

use connection_contract::{Kind, encode};
use connection_core::Connection;
use connection_faults::script::Script;
use serde_json::{Value, json};

use super::{Answer, Serving, adding::Adding, ask, machine};
use crate::{
    program::Machine,
    provider::{ACCOUNT, AUTH_TOKEN, NOTION_KEY},
};

const PUBLIC: &str = "https://host.example/connections";

/// Returns the signature that the packages compute for a delivery.
fn signature(script: &mut Script, request: &Value) -> String {
    script.write(&request.to_string()).expect("the script reads");
    script.line().expect("the script answers")
}

/// Sends a delivery like a proxy that keeps the path and sends its own `Host`.
fn post(serving: &Serving, url: &str, headers: &str, body: &str) -> Answer {
    let path = url.strip_prefix("https://host.example").expect("it is ours");
    ask(serving.address, "127.0.0.1", "POST", path, headers, body.as_bytes())
}

/// Enables webhooks for the connection of that kind. Returns the connection and the address for deliveries.
fn enabled(adding: &Adding, kind: &'static str) -> (Connection, String) {
    adding.wait(async {
        let connection = adding.registry.connection_of(&Kind::from_static(kind)).await.unwrap();
        let token = connection.webhooks().enable().await.unwrap().path_token;
        (connection, format!("{PUBLIC}/webhooks/{token}"))
    })
}

fn waiting(adding: &Adding, connection: &Connection) -> usize {
    adding.wait(connection.webhooks().info()).unwrap().unwrap().waiting.try_into().unwrap()
}

fn connected() -> Machine {
    let mut machine = machine();
    machine.set("CONNECTIONS_INBOUND__PUBLIC_URL", PUBLIC);
    machine.set("NOTION", NOTION_KEY);
    machine.add_github("work").exits(0);
    machine.run(&["add", "notion", "--from-env", "apiKey=NOTION"]).exits(0);
    let login = format!("{{\"accountSid\": \"{ACCOUNT}\", \"authToken\": \"{AUTH_TOKEN}\"}}");
    machine.feed(&["add", "twilio", "--input", "-"], &login).exits(0);
    machine
}

fn adding(machine: &Machine) -> Adding {
    let origin = machine.provider.origin.clone();
    let origins = ["https://api.github.com", "https://api.notion.com", "https://api.twilio.com"];
    Adding::open(machine, &origins.map(|from| (from, origin.as_str())), PUBLIC)
}

#[test]
fn each_delivery_of_the_three_providers_is_stored_once_by_any_process() {
    let Some((mut script, _)) = Script::start("signers.mjs", "") else { return };
    let machine = connected();
    let one = Serving::start(&machine);
    let two = Serving::start(&machine);
    let adding = adding(&machine);

    let (github, github_url) = enabled(&adding, "github");
    let key = adding.wait(github.webhooks().key()).unwrap();
    let body = "{\"zen\": \"Speak like a human. \u{1f642}\"}";
    let signed = signature(&mut script, &json!({ "by": "github", "key": key.expose_str(), "body": body }));
    let github_headers = format!("x-github-event: ping\r\nx-hub-signature-256: {signed}\r\n");
    for serving in [&one, &two, &one] {
        assert_eq!(post(serving, &github_url, &github_headers, body).status, 200);
    }
    assert_eq!(post(&one, &github_url, &github_headers, "{}").status, 401, "the control: another body");
    assert_eq!(waiting(&adding, &github), 1);

    let (notion, url) = enabled(&adding, "notion");
    let token = r#"{"verification_token":"secret_tMrlL1qK5vuQAh1b6cZGhFChZTSYJlce98V0pYn7yBl"}"#;
    assert_eq!(post(&one, &url, "", token).status, 401, "nobody waits for a key");
    adding.wait(notion.webhooks().await_handshake()).unwrap();
    assert_eq!(post(&one, &url, "content-type: application/json\r\n", token).status, 200);
    let key = adding.wait(notion.webhooks().key()).unwrap();
    let body = r#"{"id":"1","type":"page.created"}"#;
    let signed = signature(&mut script, &json!({ "by": "notion", "key": key.expose_str(), "body": body }));
    let headers = format!("content-type: application/json\r\nx-notion-signature: {signed}\r\n");
    assert_eq!(post(&two, &url, &headers, body).status, 200);
    assert_eq!(post(&one, &url, &headers, body).status, 200);
    assert_eq!(waiting(&adding, &notion), 1);

    let (twilio, url) = enabled(&adding, "twilio");
    let mut taken = 0;
    for known_as in [url.clone(), url.replace(".example/", ".example:443/"), format!("{url}?a=b%20c")] {
        let query = known_as.split_once('?').map(|(_, query)| format!("?{query}")).unwrap_or_default();
        let pairs = [("MessageSid", format!("SM{taken}")), ("Body", "a + b & ü".to_owned())];
        let params: serde_json::Map<_, _> =
            pairs.iter().map(|(name, value)| ((*name).to_owned(), value.as_str().into())).collect();
        let request = json!({ "by": "form", "key": AUTH_TOKEN, "url": known_as, "params": params });
        let signed = signature(&mut script, &request);
        let headers = format!("content-type: application/x-www-form-urlencoded\r\nx-twilio-signature: {signed}\r\n");
        let form = encode::form(pairs.iter().map(|(name, value)| (*name, value.as_str())));
        assert_eq!(post(&one, &format!("{url}{query}"), &headers, &form).status, 200, "{query}");
        taken += 1;
    }
    let request = json!({ "by": "json", "key": AUTH_TOKEN, "url": url, "body": "{}" });
    let signed = signature(&mut script, &request);
    let (signed, address) = signed.split_once(' ').unwrap();
    let headers = format!("content-type: application/json\r\nx-twilio-signature: {signed}\r\n");
    assert_eq!(post(&two, address, &headers, "{}").status, 200);
    assert_eq!(waiting(&adding, &twilio), taken + 1);

    // After a restart, a delivery that was received before is recognized.
    one.kill();
    two.kill();
    drop((notion, twilio));
    let serving = Serving::start(&machine);
    let body = "{\"zen\": \"Speak like a human. \u{1f642}\"}";
    assert_eq!(post(&serving, &github_url, &github_headers, body).status, 200);
    assert_eq!(waiting(&adding, &github), 1);
    drop(github);
    adding.close();
}
