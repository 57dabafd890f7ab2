//! The pictures of the documents, taken from the page of a real server.
//!
//! The pictures are `docs/images`. After a change of the page,
//! `CONNECTIONS_TEST_RECORD=1 cargo test -p connection-host --test main pictures` takes them again.

use std::{fs, path::PathBuf};

use connection_faults::browser::{Browser, Key};
use serde_json::json;

use super::{click, enter, go, loaded};
use crate::{
    program::{Machine, is_recorded},
    provider::{NOTION_KEY, OTHER_TOKEN, TOKEN},
    serve::{
        Serving,
        browser_of_setup::{Begun, created, send},
        google::Google,
        links, machine, repair_links,
    },
    visit::visit,
};

const WIDTH: u32 = 1280;
const HEIGHT: u32 = 800;

/// Returns a machine with the accounts that the pictures show: two that work, and one that was revoked.
fn furnished() -> Machine {
    let machine = machine();
    machine.add_github("work").exits(0);
    machine.feed(&["add", "notion", "--label", "wiki", "--input", "-"], &json!({ "apiKey": NOTION_KEY }).to_string());
    let manifest = json!({
        "name": "issues",
        "connection": {
            "id": "default",
            "provider": "github",
            "title": "GitHub",
            "auth": { "type": "personalAccessToken", "secretNames": ["accessToken"] },
        },
    });
    let file = machine.write("issues.json", manifest.to_string().as_bytes());
    machine.run(&["extensions", "add", &file]).exits(0);
    machine.run(&["extensions", "grant", "issues", "github:work"]).exits(0);
    machine.provider.tell(401, "", "{}");
    machine.run(&["verify", "notion"]);
    machine.provider.behave();
    machine
}

/// Compares the picture of a document with the page, or takes it again.
pub(super) async fn picture(browser: &Browser, name: &str) {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../docs/images").join(name);
    let taken = browser.picture().await;
    if is_recorded() {
        fs::write(&path, &taken).unwrap();
    }
    // Times, fonts and the frame of the window differ between machines, so only the width is compared.
    let width = |png: &[u8]| png[16..20].to_owned();
    let kept = fs::read(&path).expect("the picture is in the documents");
    assert_eq!(width(&kept), width(&taken), "{name} is of another width");
}

#[test]
fn the_documents_show_the_page_as_it_is() {
    let machine = furnished();
    let serving = Serving::with_page(&machine);
    visit(async |browser| {
        browser.resize(WIDTH, HEIGHT).await;
        browser.open(serving.page.as_deref().unwrap()).await;
        browser.shows("octocat").await;
        browser.shows("wiki").await;
        picture(browser, "connections.png").await;
        browser.open(&format!("{}/connect", serving.url)).await;
        browser.shows("GitHub").await;
        picture(browser, "connect.png").await;
        browser.open(&format!("{}/extensions/issues", serving.url)).await;
        browser.shows("Ready").await;
        // The settings are read after the account.
        loaded(browser).await;
        picture(browser, "extension.png").await;
    });
}

#[test]
fn the_documents_show_the_page_of_a_setup_link_as_it_is() {
    let machine = links::host();
    let serving = Serving::start(&machine);
    let address = links::link(&machine, &serving, &["acme", "notion", "github"]);
    visit(async |browser| {
        browser.resize(WIDTH, HEIGHT).await;
        browser.open(&address).await;
        browser.shows("Acme").await;
        picture(browser, "link.png").await;
    });
}

#[test]
fn the_documents_show_the_page_of_a_link_that_repairs_as_it_is() {
    let machine = repair_links::broken();
    let serving = Serving::start(&machine);
    let address = repair_links::link(&machine, &serving);
    visit(async |browser| {
        browser.resize(WIDTH, HEIGHT).await;
        browser.open(&address).await;
        browser.shows("Reconnect octocat at Acme").await;
        picture(browser, "repair-link.png").await;
    });
}

#[test]
fn the_documents_show_the_question_for_another_browser_as_it_is() {
    let machine = machine();
    Google::of(&machine, 3600);
    let serving = Serving::start(&machine);
    let setup = Begun::with(&serving, &created(&machine, "customer-17", "manage"));
    let admin = created(&machine, "local", "admin");
    let name = json!({ "name": "Example Reports" });
    assert_eq!(send(&serving, &admin, "PUT", "/owner?owner=customer-17", &name).status, 200);
    visit(async |browser| {
        browser.resize(WIDTH, HEIGHT).await;
        browser.open(&setup.open).await;
        browser.shows("Example Reports").await;
        picture(browser, "question.png").await;
    });
}

#[test]
fn the_documents_show_a_sign_in_as_it_is() {
    let machine = machine();
    let google = Google::of(&machine, 3600);
    let serving = Serving::with_page(&machine);
    visit(async |browser| {
        browser.resize(WIDTH, HEIGHT).await;
        enter(browser, &serving).await;
        go(browser, &serving, "/connect/gmail").await;
        click(browser, "Begin").await;
        browser.write("[data-field=clientId]", "an application").await;
        browser.write("[data-field=clientSecret]", "the secret of the application").await;
        browser.click("form button[type=submit]").await;
        let text = browser.shows("Sign in at Gmail").await;
        assert!(text.contains("accounts.google.com"), "{text}");
        picture(browser, "sign-in.png").await;
    });
    drop(google);
}

/// Types a secret into the field that has the focus, and sends the form.
async fn answer(browser: &Browser, secret: &str) {
    let script = "
        const field = document.activeElement;
        if (!field.matches('input[type=password]')) return false;
        field.select();
        return true";
    browser.until("a field for a secret has the focus", script, Vec::new()).await;
    browser.type_text(secret).await;
    browser.press(Key::Enter).await;
}

#[test]
fn the_documents_show_the_first_minutes_of_a_person_as_they_are() {
    let machine = machine();
    let serving = Serving::with_page(&machine);
    visit(async |browser| {
        browser.resize(WIDTH, HEIGHT).await;
        enter(browser, &serving).await;
        browser.shows("Connect your first account").await;
        picture(browser, "first-start.png").await;

        go(browser, &serving, "/connect?search=github").await;
        click(browser, "GitHub").await;
        answer(browser, "a token that the provider does not know").await;
        let is_refused = "return document.querySelector('main .problem, main .note.bad') !== null";
        browser.until("the provider has refused the token", is_refused, Vec::new()).await;
        picture(browser, "refused.png").await;
        answer(browser, TOKEN).await;
        browser.shows("Connected as octocat").await;
        picture(browser, "connected.png").await;

        click(browser, "Show the connection").await;
        loaded(browser).await;
        machine.provider.tell(401, "", "{}");
        click(browser, "Check now").await;
        browser.shows("Not working").await;
        browser.reload().await;
        loaded(browser).await;
        browser.shows("Not working").await;
        picture(browser, "failing.png").await;
        machine.provider.behave();
        click(browser, "Reconnect: octocat").await;
        answer(browser, OTHER_TOKEN).await;
        browser.shows("Reconnected as octocat").await;
        picture(browser, "repaired.png").await;

        click(browser, "Show the connection").await;
        browser.shows("Who uses it").await;
        browser.reload().await;
        loaded(browser).await;
        click(browser, "Remove").await;
        browser.shows("Remove the connection").await;
        picture(browser, "removal.png").await;
        click(browser, "Remove the connection").await;
        browser.shows("The connection was removed").await;
    });
}
