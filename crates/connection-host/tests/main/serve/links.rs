//! Setup links: the end user of a host connects an account on a page with the name, logo and colour of that host.

use std::fs;

use serde_json::{Value, json};

use super::{Serving, machine};
use crate::{
    program::{Machine, check},
    provider::NOTION_KEY,
    visit::{visit, visit_with_failing_requests},
};

/// The example of the guide.
const ACME: &str = include_str!("../../../../connection-manifest/examples/acme.toml");
const LOGO: &[u8] =
    br##"<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 24 24"><circle cx="12" cy="12" r="12" fill="#7a1fa2"/></svg>"##;
const BACK: &str = "https://app.example.com/settings?customer=17";

/// Returns a machine whose host has a name, a logo, a colour and a return address, and a kind that asks for a key.
pub(crate) fn host() -> Machine {
    let machine = machine();
    let origin = machine.provider.origin.clone();
    machine.provider.tell(200, "content-type: application/json\r\n", r#"{"id":7,"name":"<b>Ada</b>"}"#);
    machine.write("configuration/kinds/acme.toml", ACME.as_bytes());
    let logo = machine.write("logo.svg", LOGO);
    machine.configure(&format!(
        "[http.endpoints]\n\"https://api.acme.example\" = \"{origin}\"\n\n[page]\nname = \"Example Reports\"\n\
         logo = \"{logo}\"\naccent = \"#7a1fa2\"\nreturn_addresses = [\"https://app.example.com/settings\"]\n"
    ));
    machine
}

/// Makes a link with the token of a program, and returns its address.
pub(crate) fn link(machine: &Machine, serving: &Serving, kinds: &[&str]) -> String {
    let made = asked(machine, serving, &json!({ "owner": "customer-17", "kinds": kinds, "returnTo": BACK }));
    made["address"].as_str().unwrap().to_owned()
}

/// Makes a link with the token of a program, and returns the answer.
pub(super) fn asked(machine: &Machine, serving: &Serving, link: &Value) -> Value {
    let create = ["tokens", "create", "a host", "--role", "manage", "--every-owner"];
    let token = machine.run(&create).exits(0).out.trim().to_owned();
    let headers = format!("authorization: Bearer {token}\r\ncontent-type: application/json\r\nconnection: close\r\n");
    let made = serving.ask("POST", "/api/v1/setup-links", &headers, link.to_string().as_bytes());
    assert_eq!(made.status, 201, "{made:?}");
    serde_json::from_str(&made.body).unwrap()
}

#[test]
fn a_visitor_connects_an_account_under_the_name_and_colour_of_the_host_and_returns_to_it() {
    let mut machine = host();
    let serving = Serving::start(&machine);
    let address = link(&machine, &serving, &["acme", "notion"]);
    let visited = visit(async |browser| {
        browser.open(&address).await;
        let page = browser.shows("Connect your account to Example Reports").await;
        assert!(page.contains("Receives the account: customer-17"), "{page}");
        assert_eq!(browser.address().await, format!("{}/link", serving.url), "the code is not in the address");
        let colour = "return getComputedStyle(document.documentElement).getPropertyValue('--primary').trim()";
        assert_eq!(browser.run(colour, Vec::new()).await, "#7a1fa2");
        let logo = "return document.querySelector('header img').complete
            && document.querySelector('header img').naturalWidth > 0";
        assert_eq!(browser.run(logo, Vec::new()).await, true, "the logo is shown");
        assert!(!browser.shows("Acme").await.contains("GitHub"), "only the kinds of the link are offered");
        // The page of the owner's connections is not one of the visitor's.
        browser.open(&format!("{}/connections", serving.url)).await;
        browser.shows("Connect your account to Example Reports").await;
        browser.click("button.kind-pick").await;
        browser.write("form input[type=password]", NOTION_KEY).await;
        browser.click("form button[type=submit]").await;
        browser.shows("<b>Ada</b>").await;
        browser.shows("Return to Example Reports").await;
        assert_eq!(browser.property("a.button.primary", "href").await, BACK);
    });
    if visited.is_none() {
        return;
    }
    // A browser that opens the address later gets nothing.
    visit_with_failing_requests(async |second| {
        second.open(&address).await;
        second.shows("This link was already opened").await;
    });
    machine.set("CONNECTIONS_OWNER", "customer-17");
    assert!(machine.run(&["list"]).exits(0).out.contains("acme"));
    machine.set("CONNECTIONS_OWNER", "local");
    assert!(!machine.run(&["list"]).exits(0).out.contains("acme"));
    let tokens = machine.run(&["tokens", "--json"]).exits(0).json();
    check(&tokens[0], "token");
}

#[test]
fn a_logo_that_is_no_image_ends_the_start_with_its_path_and_the_reason() {
    let machine = host();
    fs::write(machine.path("logo.svg"), "a text").unwrap();
    let ended = machine.run(&["serve"]);
    ended.exits(2).warns("logo.svg: the logo is not a PNG, JPEG, GIF, WebP or SVG image");
}
