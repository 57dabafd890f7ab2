//! Webhooks over the API: the address and the key are shown to those who manage the connection, and to nobody else.

use serde_json::{Value, json};

use super::{Answer, Serving, machine};
use crate::program::{Machine, check};

fn send(serving: &Serving, token: &str, method: &str, path: &str) -> Answer {
    let headers = format!("authorization: Bearer {token}\r\ncontent-type: application/json\r\nconnection: close\r\n");
    serving.ask(method, &format!("/api/v1{path}"), &headers, b"{}")
}

fn body(answer: &Answer) -> Value {
    assert_eq!(answer.status, 200, "{answer:?}");
    serde_json::from_str(&answer.body).unwrap()
}

fn token(machine: &Machine, role: &str) -> String {
    machine.run(&["tokens", "create", role, "--role", role]).exits(0).out.trim().to_owned()
}

#[test]
fn an_address_is_made_tested_revealed_and_taken_away() {
    let machine = machine();
    machine.add_github("work").exits(0);
    let (manage, read) = (token(&machine, "manage"), token(&machine, "read"));
    let shown = machine.run(&["show", "github:work", "--json"]).exits(0).json();
    let path = format!("/connections/{}/webhook", shown["id"].as_str().unwrap());
    let serving = Serving::start(&machine);
    let before = body(&send(&serving, &read, "GET", &path));
    check(&before, "webhook");
    assert_eq!((&before["enabled"], &before["address"]), (&json!(false), &Value::Null));
    let made = body(&send(&serving, &manage, "POST", &path));
    let (address, key) = (made["address"].as_str().unwrap(), made["key"].as_str().unwrap());
    assert!(address.starts_with(&format!("{}/webhooks/", serving.url)), "{address}");
    assert_eq!(made["signedBy"], "generated");
    let tested = body(&send(&serving, &manage, "POST", &format!("{path}/test")));
    assert_eq!(tested["ok"], true, "{tested}");
    let waiting = body(&send(&serving, &manage, "GET", &format!("{path}/deliveries")));
    check(&waiting["items"][0], "delivery");
    assert_eq!(waiting["items"].as_array().unwrap().len(), 1);
    // A caller with the role `read` sees that there is an address, but not the address.
    let seen = send(&serving, &read, "GET", &path);
    assert!(!seen.body.contains(key) && !seen.body.contains(address), "{seen:?}");
    assert_eq!(body(&seen)["lastTest"]["ok"], true);
    assert_eq!(send(&serving, &read, "POST", &format!("{path}/reveal")).status, 403);
    let revealed = body(&send(&serving, &manage, "POST", &format!("{path}/reveal")));
    assert_eq!((&revealed["address"], &revealed["key"]), (&made["address"], &made["key"]));
    let rotated = body(&send(&serving, &manage, "POST", &format!("{path}/key")));
    assert_ne!(rotated["key"], made["key"]);
    assert_eq!(rotated["keys"].as_array().unwrap().len(), 2);
    let ended = body(&send(&serving, &manage, "POST", &format!("{path}/end-grace")));
    assert_eq!((&ended["key"], ended["keys"].as_array().unwrap().len()), (&Value::Null, 1));
    assert_eq!(send(&serving, &manage, "POST", &format!("{path}/handshake")).status, 501);
    let without = body(&send(&serving, &manage, "DELETE", &path));
    assert_eq!(without["enabled"], false);
    assert_eq!(send(&serving, &manage, "POST", &format!("{path}/reveal")).status, 409);
}
