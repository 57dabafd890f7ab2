//! `doctor --callback`: while `serve` runs, without it, and with an address that leads elsewhere.

use std::net::TcpListener;

use serde_json::Value;

use super::{Serving, machine};
use crate::program::{Machine, on_postgres, check};

fn callback(machine: &Machine, exit: i32) -> (Value, Value) {
    let doctor = machine.run(&["doctor", "--callback", "--json"]).exits(exit).json();
    check(&doctor, "doctor");
    let found = doctor["checks"].as_array().unwrap().iter().find(|check| check["check"] == "callback").unwrap();
    check(found, "check");
    (found.clone(), doctor["redirectUris"].clone())
}

#[test]
fn beside_serve_it_is_answered_by_serve_and_alone_by_itself() {
    let mut machine = machine();
    // On PostgreSQL, the database exists before the first command.
    if !on_postgres() {
        let (none, _) = callback(&machine, 1);
        assert!(none["remedy"].as_str().unwrap().contains("connections serve"), "{none}");
    }
    let serving = Serving::start(&machine);
    // From here on, `doctor` and `serve` are configured to the same address.
    machine.set("CONNECTIONS_INBOUND__LISTEN", &serving.address.to_string());
    let (found, uris) = callback(&machine, 0);
    assert_eq!((&found["ok"], &found["remedy"]), (&true.into(), &Value::Null), "{found}");
    let uri = uris.as_array().unwrap().iter().find(|uri| uri["kind"] == "gmail").unwrap();
    check(uri, "redirectUri");
    assert_eq!(uri["redirectUri"], format!("{}/callback/gmail", serving.url));
    assert!(!uris.to_string().contains("github"), "a token comes back from nowhere: {uris}");
    drop(serving);
    let (found, _) = callback(&machine, 0);
    assert!(found["message"].as_str().unwrap().contains("stood in"), "{found}");
    assert!(found["remedy"].as_str().unwrap().contains("start it"), "{found}");
    let text = machine.run(&["doctor", "--callback"]).exits(0);
    text.says("To register at the provider of gmail: http://127.0.0.1:");
    machine.run(&["doctor", "--json"]).exits(0).says("\"redirectUris\": null");
}

#[test]
fn what_is_wrong_on_the_way_is_said() {
    let mut machine = machine();
    drop(Serving::start(&machine));
    let free = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    machine.set("CONNECTIONS_INBOUND__PUBLIC_URL", &format!("http://{free}"));
    let (found, _) = callback(&machine, 1);
    assert!(found["message"].as_str().unwrap().contains("nothing listens"), "{found}");
    // The address leads to another host.
    let other = super::machine();
    let serving = Serving::start(&other);
    machine.set("CONNECTIONS_INBOUND__PUBLIC_URL", &serving.url);
    let (found, _) = callback(&machine, 1);
    assert!(found["message"].as_str().unwrap().contains("another program answers"), "{found}");
}

#[test]
fn an_address_with_a_path_needs_two_more_addresses_at_the_root() {
    let mut machine = machine();
    drop(Serving::start(&machine));
    let free = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    machine.set("CONNECTIONS_INBOUND__LISTEN", &free.to_string());
    machine.set("CONNECTIONS_INBOUND__PUBLIC_URL", &format!("http://{free}/accounts"));
    let (found, _) = callback(&machine, 0);
    let remedy = found["remedy"].as_str().unwrap();
    for path in ["oauth-protected-resource/accounts/mcp", "oauth-authorization-server/accounts"] {
        assert!(remedy.contains(&format!("/.well-known/{path}")), "{found}");
    }
}
