//! The page of a real server in a real browser: a person reaches every screen, with a mouse or with keys alone.
#![expect(clippy::unwrap_used, reason = "support of tests: what fails here fails the test")]

mod accessibility;
mod actions;
mod afternoon;
mod agents;
mod approvals;
mod consent;
mod first_load;
mod freeze;
mod keyboard;
mod lacking_scopes;
mod link_dialog;
mod many_rows;
mod markup;
mod mcp;
mod messages;
mod parts;
mod paused;
mod pictures;
mod qr;
mod rebinding;
mod refused_application;
mod renewed;
mod screens;
mod sign_in;
mod tags;
mod unchecked;
mod vendor;
mod without_scripts;

use connection_faults::browser::Browser;
use serde_json::json;

use crate::{
    program::Machine,
    serve::{Serving, machine},
};

/// The kind of the guide, which asks for a key.
const ACME: &str = include_str!("../../../../connection-manifest/examples/acme.toml");

/// Returns the configuration file of a machine whose server reaches the provider of the tests under these origins.
fn configuration(machine: &Machine, origins: &[&str]) -> String {
    let own = &machine.provider.origin;
    let endpoints: String = origins.iter().map(|origin| format!("\"{origin}\" = \"{own}\"\n")).collect();
    format!("[http.endpoints]\n{endpoints}")
}

/// Returns a machine on which nothing is connected, and whose provider accepts any key of the kind `acme`.
pub(crate) fn first_start() -> Machine {
    let machine = machine();
    add_acme(&machine, "");
    machine
}

/// Adds the kind `acme` to a machine whose provider accepts any key, and further lines about endpoints to its
/// configuration.
pub(crate) fn add_acme(machine: &Machine, endpoints: &str) {
    machine.write("configuration/kinds/acme.toml", ACME.as_bytes());
    machine.configure(&format!("{}{endpoints}", configuration(machine, &["https://api.acme.example"])));
    machine.provider.tell(200, "content-type: application/json\r\n", r#"{"id":7,"name":"<b>Ada</b>"}"#);
}

/// Opens the page of a server as the person at its machine.
pub(crate) async fn enter(browser: &Browser, serving: &Serving) {
    browser.open(serving.page.as_deref().unwrap()).await;
    loaded(browser).await;
}

/// Opens a path of the page, and waits until its screen is shown.
pub(crate) async fn go(browser: &Browser, serving: &Serving, path: &str) {
    browser.open(&format!("{}{path}", serving.url)).await;
    loaded(browser).await;
}

/// Waits until a screen has its title and nothing on it is loading.
pub(crate) async fn loaded(browser: &Browser) {
    let script = "return document.querySelector('h1') !== null && document.querySelector('.bone') === null";
    browser.until("the screen is loaded", script, Vec::new()).await;
}

/// Clicks on the first visible button or link with this name: of the open dialog, if there is one.
pub(crate) async fn click(browser: &Browser, name: &str) {
    let script = "
        const scope = document.querySelector('dialog[open]') ?? document;
        const nameOf = (element) =>
            (element.getAttribute('aria-label') ?? element.querySelector('strong')?.innerText ?? element.innerText).trim();
        const found = [...scope.querySelectorAll('button, a, summary')].find(
            (element) => element.checkVisibility() && nameOf(element) === arguments[0]);
        found?.focus();
        found?.click();
        return found !== undefined";
    browser.until(&format!("there is a control named {name:?}"), script, vec![json!(name)]).await;
}
