//! Extensions over the API and the page of `serve`.

use serde_json::{Value, json};

use super::{Answer, Serving, machine};
use crate::{
    provider::{NOTION_KEY, TOKEN},
    visit::visit,
};

/// The example of the guide.
const ACME: &str = include_str!("../../../../connection-manifest/examples/acme.toml");

fn manifest(provider: &str, secret: &str) -> String {
    json!({
        "name": "issues",
        "connection": {
            "id": "default",
            "provider": provider,
            "title": "The tracker",
            "auth": { "type": "apiKey", "secretNames": [secret] },
        },
        "preferences": [{ "name": "open", "type": "checkbox", "title": "Open issues only", "default": true }],
    })
    .to_string()
}

fn post(serving: &Serving, token: &str, path: &str, body: &Value) -> Answer {
    let headers = format!("authorization: Bearer {token}\r\ncontent-type: application/json\r\nconnection: close\r\n");
    serving.ask("POST", &format!("/api/v1{path}"), &headers, body.to_string().as_bytes())
}

/// The program of the extension holds no secret of the provider.
#[test]
fn a_program_sends_through_the_grant_of_its_extension_until_it_is_revoked() {
    let machine = machine();
    machine.add_github("work").exits(0);
    let file = machine.write("issues.json", manifest("github", "accessToken").as_bytes());
    machine.run(&["extensions", "add", &file]).exits(0);
    let token = machine.run(&["tokens", "create", "issues", "--extension", "issues"]).exits(0).out.trim().to_owned();
    let serving = Serving::with_page(&machine);
    let send = json!({ "method": "GET", "path": "/user/repos", "headers": [{ "name": "X-Test", "value": "1" }] });
    let path = "/extensions/issues/connections/default/send";
    assert_eq!(post(&serving, &token, path, &send).status, 403);
    machine.run(&["extensions", "grant", "issues", "github:work"]).exits(0);
    machine.provider.tell(200, "content-type: application/json\r\n", "[\"a repository\"]");
    let before = machine.provider.seen().len();
    let answer = post(&serving, &token, path, &send);
    assert_eq!(answer.status, 200, "{answer:?}");
    let body: Value = serde_json::from_str(&answer.body).unwrap();
    assert_eq!((&body["status"], &body["body"]), (&json!(200), &json!("[\"a repository\"]")));
    let seen = machine.provider.seen();
    assert_eq!((seen.len() - before, seen[before].path.as_str()), (1, "/user/repos"));
    assert_eq!(
        (&*seen[before].headers["authorization"], &*seen[before].headers["x-test"]),
        (&*format!("Bearer {TOKEN}"), "1")
    );
    assert!(!answer.body.contains(TOKEN));
    // The grant is checked at each request.
    machine.run(&["extensions", "revoke", "issues"]).exits(0);
    assert_eq!(post(&serving, &token, path, &send).status, 403);
    assert_eq!(machine.provider.seen().len(), before + 1);
    machine.run(&["events", "github:work"]).exits(0).says("extension");
}

/// The host opens the page for the extension, and the person connects there.
#[test]
fn a_person_connects_what_an_extension_needs_on_the_page() {
    let machine = machine();
    let origin = machine.provider.origin.clone();
    machine.provider.tell(200, "content-type: application/json\r\n", r#"{"id":7,"name":"Ada"}"#);
    machine.write("configuration/kinds/acme.toml", ACME.as_bytes());
    machine.configure(&format!("[http.endpoints]\n\"https://api.acme.example\" = \"{origin}\"\n"));
    let file = machine.write("issues.json", manifest("acme", "apiKey").as_bytes());
    machine.run(&["extensions", "add", &file]).exits(0);
    let token = machine.run(&["tokens", "create", "issues", "--extension", "issues"]).exits(0).out.trim().to_owned();
    let serving = Serving::with_page(&machine);
    let answer = post(&serving, &token, "/extensions/issues/hand-off", &json!({}));
    assert_eq!(answer.status, 201, "{answer:?}");
    let begun: Value = serde_json::from_str(&answer.body).unwrap();
    let way = begun["required"]["way"].as_str().unwrap().to_owned();
    let visited = visit(async |browser| {
        browser.open(serving.page.as_deref().unwrap()).await;
        browser.shows("Nothing is connected").await;
        browser.open(&format!("{}{way}", serving.url)).await;
        browser.shows("The tracker").await;
        browser.click("section.note.condition button").await;
        browser.write("form input[type=password]", NOTION_KEY).await;
        browser.click("form button[type=submit]").await;
        browser.shows("Ada").await;
        // The setting of the extension is a switch that it declares.
        browser.open(&format!("{}/extensions/issues", serving.url)).await;
        browser.shows("Ready").await;
        browser.shows("Open issues only").await;
        browser.click("form.form input[type=checkbox]").await;
        browser.click("form.form button[type=submit]").await;
        browser.shows("The settings were saved.").await;
    });
    if visited.is_none() {
        return;
    }
    let ticket = begun["ticket"].as_str().unwrap();
    let headers = format!("authorization: Bearer {token}\r\nconnection: close\r\n");
    let retried = serving.ask("GET", &format!("/api/v1/extensions/issues/hand-off/{ticket}"), &headers, b"");
    assert_eq!(retried.status, 200, "{retried:?}");
    assert!(retried.body.contains("\"required\":null"), "{retried:?}");
    machine.run(&["preferences", "get", "issues", "open"]).exits(0).says("false");
}
