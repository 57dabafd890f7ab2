//! `webhooks CONNECTION`: the address and the keys of a connection, and a test over the network. The address and the
//! keys are shown only to a person at a terminal, or to a program that requests them.

use serde_json::Value;

use crate::{
    program::{Machine, Ran, check},
    provider::{ACCOUNT, AUTH_TOKEN, KEY, KEY_SECRET, NOTION_KEY},
    serve::{Serving, machine},
};

const PUBLIC: &str = "https://host.example/connections";

fn connected() -> Machine {
    let mut machine = machine();
    machine.set("CONNECTIONS_INBOUND__PUBLIC_URL", PUBLIC);
    machine.add_github("work").exits(0);
    machine
}

/// Returns the output of a command with its addresses and keys.
#[track_caller]
fn shown(machine: &Machine, arguments: &[&str]) -> Value {
    let shown = machine.run(&[arguments, &["--json", "--show-secrets"]].concat()).exits(0).json();
    check(&shown, "webhook");
    shown["keys"].as_array().expect("a list").iter().for_each(|key| check(key, "webhookKey"));
    shown
}

fn text<'v>(value: &'v Value, member: &str) -> &'v str {
    value[member].as_str().unwrap_or_else(|| panic!("no {member}: {value}"))
}

/// Asserts that the output contains neither the address nor the key.
#[track_caller]
fn hides(ran: &Ran, secrets: &Value) {
    for secret in [text(secrets, "address").rsplit('/').next().unwrap_or_default(), text(secrets, "key")] {
        assert!(!ran.out.contains(secret) && !ran.err.contains(secret), "{}{}", ran.out, ran.err);
    }
}

#[test]
fn without_a_public_url_the_way_out_is_said() {
    let machine = machine();
    machine.add_github("work").exits(0);
    machine
        .run(&["webhooks", "github"])
        .exits(0)
        .says("webhooks      off")
        .warns("connections webhooks github:work enable");
    for command in ["enable", "test"] {
        let ran = machine.run(&["webhooks", "github", command]).exits(2).warns("inbound.public_url is not set");
        ran.warns("CONNECTIONS_INBOUND__PUBLIC_URL");
    }
    let off = machine.run(&["webhooks", "github", "--json"]).exits(0).json();
    check(&off, "webhook");
    assert_eq!((&off["enabled"], &off["address"], &off["signedBy"]), (&false.into(), &Value::Null, &Value::Null));
    for command in ["rotate", "end-grace"] {
        machine.run(&["webhooks", "github", command]).exits(6).warns("connections webhooks github:work enable");
    }
}

#[test]
fn addresses_and_keys_are_shown_where_somebody_says_so_and_nowhere_else() {
    let machine = connected();
    let enabled = shown(&machine, &["webhooks", "github", "enable"]);
    assert_eq!((&enabled["enabled"], text(&enabled, "signedBy")), (&true.into(), "generated"));
    assert!(text(&enabled, "address").starts_with(&format!("{PUBLIC}/webhooks/")), "{enabled}");
    for arguments in [
        &["webhooks", "github"][..],
        &["webhooks", "github", "enable"],
        &["webhooks", "github", "end-grace"],
        &["webhooks", "github", "--json"],
        &["webhooks", "github", "enable", "--json"],
        &["webhooks", "github", "deliveries"],
        &["events", "github"],
        &["show", "github"],
        &["show", "github", "--json"],
    ] {
        hides(&machine.run(arguments).exits(0), &enabled);
    }
    hides(&machine.run(&["webhooks", "github", "key"]).exits(2).warns("--show-secrets"), &enabled);
    hides(&machine.run(&["webhooks", "github", "key", "--json"]).exits(2).warns("--show-secrets"), &enabled);
    let key = machine.run(&["webhooks", "github", "key", "--show-secrets"]).exits(0);
    assert_eq!(key.out, format!("{}\n", text(&enabled, "key")));
    let human = machine.run(&["webhooks", "github", "--show-secrets"]).exits(0);
    human.says(text(&enabled, "address")).says("webhooks      on").says("a key that is made here");
    // The event record says that a key was handed out.
    machine.run(&["events", "github"]).exits(0).says("secret_released").says("name: webhookKey");
}

#[test]
fn two_keys_are_good_while_one_is_replaced() {
    let machine = connected();
    let first = shown(&machine, &["webhooks", "github", "enable"]);
    let second = shown(&machine, &["webhooks", "github", "rotate"]);
    assert_ne!(first["key"], second["key"]);
    assert_eq!(first["address"], second["address"]);
    let keys = second["keys"].as_array().unwrap();
    assert_eq!(keys.len(), 2);
    assert_eq!((&keys[0]["until"], keys[1]["until"].is_string()), (&Value::Null, true), "{second}");
    machine.run(&["webhooks", "github"]).exits(0).says(", until ");
    let ended = shown(&machine, &["webhooks", "github", "end-grace"]);
    assert_eq!((ended["keys"].as_array().unwrap().len(), &ended["key"]), (1, &Value::Null));
    machine.run(&["webhooks", "github", "disable"]).exits(2).warns("--yes");
    let off = shown(&machine, &["webhooks", "github", "disable", "--yes"]);
    assert_eq!(off["enabled"], false);
    machine.run(&["webhooks", "github", "key", "--show-secrets"]).exits(6);
    // Enabling webhooks again makes another address and another key.
    let again = shown(&machine, &["webhooks", "github", "enable"]);
    assert!(again["address"] != first["address"] && again["key"] != second["key"], "{again}");
}

#[test]
fn a_kind_or_a_credential_that_receives_nothing_says_so() {
    let machine = connected();
    machine.write("notes/a", b"");
    machine.feed(&["add", "filesystem", "--input", "-"], r#"{"roots": "notes"}"#).exits(0);
    machine.run(&["webhooks", "filesystem"]).exits(6).warns("connections kinds");
    let key = format!(r#"{{"accountSid": "{ACCOUNT}", "apiKeySid": "{KEY}", "apiKeySecret": "{KEY_SECRET}"}}"#);
    machine.feed(&["add", "twilio", "--input", "-"], &key).exits(0);
    machine.run(&["webhooks", "twilio", "enable"]).exits(6).warns("API key");
    machine.run(&["webhooks", "github", "handshake"]).exits(6);
    machine.run(&["webhooks", "nothing"]).exits(5);
}

/// The test is sent over real connections to a `serve` in another process.
#[test]
fn a_test_arrives_and_waits_to_be_dealt_with() {
    let mut machine = machine();
    machine.add_github("work").exits(0);
    let login = format!(r#"{{"accountSid": "{ACCOUNT}", "authToken": "{AUTH_TOKEN}"}}"#);
    machine.feed(&["add", "twilio", "--input", "-"], &login).exits(0);
    let serving = Serving::start(&machine);
    machine.set("CONNECTIONS_INBOUND__PUBLIC_URL", &serving.url);
    for kind in ["github", "twilio"] {
        machine.run(&["webhooks", kind, "test"]).exits(6).warns("enable");
        let enabled = shown(&machine, &["webhooks", kind, "enable"]);
        assert_eq!(enabled["key"].is_string(), kind == "github");
        machine.run(&["webhooks", kind, "deliveries"]).exits(0).says("No events are waiting.");
        machine.run(&["webhooks", kind, "test"]).exits(0).says("ok      a signed delivery to http://127.0.0.1:");
        let output = machine.run(&["webhooks", kind, "test", "--json"]).exits(0).json();
        check(&output, "check");
        assert_eq!((&output["ok"], &output["check"]), (&true.into(), &"webhook".into()));
        let now = shown(&machine, &["webhooks", kind]);
        assert_eq!((&now["received"], &now["waiting"]), (&2.into(), &2.into()), "{now}");
        assert!(now["lastReceivedAt"].is_string());
        let deliveries = machine.run(&["webhooks", kind, "deliveries", "--json"]).exits(0).json();
        let list = deliveries.as_array().unwrap();
        assert_eq!((list.len(), &list[0]["number"], &list[1]["number"]), (2, &1.into(), &2.into()));
        list.iter().for_each(|delivery| check(delivery, "delivery"));
        machine.run(&["webhooks", kind, "deliveries"]).exits(0).says("RECEIVED");
        // Listing the deliveries takes none of them.
        assert_eq!(shown(&machine, &["webhooks", kind])["waiting"], 2);
    }
}

#[test]
fn a_test_that_does_not_arrive_says_what_is_wrong() {
    let mut machine = machine();
    machine.add_github("work").exits(0);
    let url = {
        let serving = Serving::start(&machine);
        machine.set("CONNECTIONS_INBOUND__PUBLIC_URL", &serving.url);
        serving.url.clone()
    };
    let enabled = shown(&machine, &["webhooks", "github", "enable"]);
    let ran = machine.run(&["webhooks", "github", "test"]).exits(1);
    hides(&ran, &enabled);
    ran.says("nothing listens").says("callback_port");
    // The address leads to the `serve` of another host, and then to a server that is not a `serve`.
    let other = crate::serve::machine();
    let serving = Serving::start(&other);
    machine.set("CONNECTIONS_INBOUND__PUBLIC_URL", &serving.url);
    let ran = machine.run(&["webhooks", "github", "test"]).exits(1);
    hides(&ran, &enabled);
    ran.says("webhook_path");
    let origin = machine.provider.origin.clone();
    machine.set("CONNECTIONS_INBOUND__PUBLIC_URL", &origin);
    for (status, code) in [
        (200, "webhook_other"),
        (401, "webhook_changed"),
        (403, "webhook_sign_in"),
        (502, "webhook_proxy"),
        (418, "webhook_other"),
    ] {
        machine.provider.tell(status, "", "");
        let output = machine.run(&["webhooks", "github", "test", "--json"]).exits(1).json();
        check(&output, "check");
        assert!(text(&output, "message").contains(code) && output["remedy"].is_string(), "{output}");
    }
    assert_ne!(url, origin);
    assert_eq!(shown(&machine, &["webhooks", "github"])["received"], 0);
}

/// The result is valid for the tested address, key and public URL, and is shown for no others.
#[test]
fn how_the_last_test_ended_is_shown_until_address_or_key_is_another() {
    let mut machine = machine();
    machine.add_github("work").exits(0);
    assert_eq!(shown(&machine, &["webhooks", "github"])["lastTest"], Value::Null);
    let serving = Serving::start(&machine);
    machine.set("CONNECTIONS_INBOUND__PUBLIC_URL", &serving.url);
    let enabled = shown(&machine, &["webhooks", "github", "enable"]);
    let never = |machine: &Machine| {
        assert_eq!(shown(machine, &["webhooks", "github"])["lastTest"], Value::Null);
        machine.run(&["webhooks", "github"]).exits(0).says("last test     never\n");
    };
    let ended = |machine: &Machine, code: Option<&str>| {
        let test = shown(machine, &["webhooks", "github"])["lastTest"].clone();
        check(&test, "webhookTest");
        assert_eq!((&test["ok"], test["code"].as_str()), (&code.is_none().into(), code), "{test}");
        let ran = machine.run(&["webhooks", "github"]).exits(0);
        let at = text(&test, "at");
        let how = if code.is_none() { "passed" } else { "failed" };
        let ran = ran.says(&format!("last test     {how}, {at} ("));
        hides(&ran, &enabled);
        ran
    };
    never(&machine);
    machine.run(&["webhooks", "github", "test"]).exits(0);
    assert!(!ended(&machine, None).err.contains("shows whether the problem remains"));
    // The webhook was not tested at this public URL.
    let here = serving.url.clone();
    let elsewhere = machine.provider.origin.clone();
    machine.set("CONNECTIONS_INBOUND__PUBLIC_URL", &elsewhere);
    never(&machine);
    machine.provider.tell(502, "", "");
    machine.run(&["webhooks", "github", "test"]).exits(1);
    let ran = ended(&machine, Some("webhook_proxy"));
    ran.says("): webhook_proxy\n").warns("connections webhooks github:work test");
    machine.set("CONNECTIONS_INBOUND__PUBLIC_URL", &here);
    never(&machine);
    machine.run(&["webhooks", "github", "test"]).exits(0);
    ended(&machine, None);
    let rotated = shown(&machine, &["webhooks", "github", "rotate"]);
    assert_eq!(rotated["lastTest"], Value::Null);
    never(&machine);
    machine.run(&["webhooks", "github", "test"]).exits(0);
    assert_eq!(shown(&machine, &["webhooks", "github", "end-grace"])["lastTest"]["ok"], true);
    ended(&machine, None);
    assert_eq!(shown(&machine, &["webhooks", "github", "disable", "--yes"])["lastTest"], Value::Null);
    assert_eq!(shown(&machine, &["webhooks", "github", "enable"])["lastTest"], Value::Null);
    never(&machine);
}

/// Notion sends its key, unsigned, to the new address.
#[test]
fn a_key_that_the_provider_tells_is_waited_for_and_shown() {
    const TOLD: &str = "secret_tMrlL1qK5vuQAh1b6cZGhFChZTSYJlce98V0pYn7yBl";
    let mut machine = machine();
    machine.set("NOTION", NOTION_KEY);
    machine.run(&["add", "notion", "--from-env", "apiKey=NOTION", "--label", "work"]).exits(0);
    let serving = Serving::start(&machine);
    machine.set("CONNECTIONS_INBOUND__PUBLIC_URL", &serving.url);
    let enabled = shown(&machine, &["webhooks", "notion", "enable"]);
    assert_eq!((text(&enabled, "signedBy"), enabled["handshakeUntil"].is_string()), ("handshake", true));
    machine.run(&["webhooks", "notion", "key", "--show-secrets"]).exits(6).warns("connections webhooks notion:work");
    machine.run(&["webhooks", "notion", "rotate"]).exits(6);
    machine.run(&["webhooks", "notion"]).exits(0).says("awaited until ").warns("connections webhooks notion:work key");
    let path = text(&enabled, "address").strip_prefix(&serving.url).unwrap();
    let body = format!(r#"{{"verification_token": "{TOLD}"}}"#);
    let answer = serving.ask("POST", path, "content-type: application/json\r\n", body.as_bytes());
    assert_eq!(answer.status, 200);
    let now = shown(&machine, &["webhooks", "notion"]);
    assert_eq!((now["keys"].as_array().unwrap().len(), &now["handshakeUntil"]), (1, &Value::Null), "{now}");
    let key = machine.run(&["webhooks", "notion", "key", "--show-secrets"]).exits(0);
    assert_eq!(key.out, format!("{TOLD}\n"));
    machine.run(&["webhooks", "notion", "test"]).exits(0);
    let again = shown(&machine, &["webhooks", "notion", "handshake"]);
    assert!(again["handshakeUntil"].is_string());
    machine.run(&["events", "notion"]).exits(0).says("webhook_key_told");
}
