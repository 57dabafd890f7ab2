//! Connections that were imported and never checked: the list does not count them as working, and offers to check all.

use connection_faults::browser::Browser;
use serde_json::{Value, json};

use super::{click, enter, pictures::picture};
use crate::{
    program::Machine,
    provider::{ACCOUNT, AUTH_TOKEN, NOTION_KEY},
    serve::{Serving, machine},
    visit::visit,
};

const WIDTH: u32 = 1280;

/// Returns a machine with one connection that was checked, and two that were imported.
fn imported() -> Machine {
    let machine = machine();
    machine.add_github("work").exits(0);
    let credential = json!({ "accountSid": ACCOUNT, "authToken": AUTH_TOKEN });
    let twilio = json!({ "kind": "twilio", "identity": { "id": ACCOUNT, "label": "Ada" }, "credential": credential });
    let identity = json!({ "id": "9188c6a5-7381-452f-b3dc-d4865aa89bdf", "label": "Wiki" });
    let notion = json!({ "kind": "notion", "identity": identity, "credential": NOTION_KEY });
    machine.feed(&["import", "-"], &format!("{twilio}\n{notion}")).exits(0).says("Imported 2");
    machine
}

/// Returns the parts of the bar by their classes, and their widths of a thousand.
async fn bar(browser: &Browser) -> Vec<(String, f64)> {
    let script = "return [...document.querySelectorAll('.share rect')].map((part) =>
        [part.getAttribute('class'), Number(part.getAttribute('width'))])";
    let parts = browser.run(script, Vec::new()).await;
    let part = |part: &Value| (part[0].as_str().unwrap().to_owned(), part[1].as_f64().unwrap());
    parts.as_array().unwrap().iter().map(part).collect()
}

#[test]
fn connections_that_were_not_checked_are_counted_apart_until_a_person_checks_all() {
    let machine = imported();
    let serving = Serving::with_page(&machine);
    visit(async |browser| {
        browser.resize(WIDTH, 800).await;
        enter(browser, &serving).await;
        browser.shows("1 working, 2 not checked").await;
        let text = browser.shows("It is not known whether 2 connections work.").await;
        assert!(!text.contains("All 3 are working"), "{text}");
        let parts = bar(browser).await;
        assert_eq!(parts.len(), 2, "{parts:?}");
        assert!(parts[0].0 == "share-none" && parts[1].0 == "share-live", "{parts:?}");
        assert!((parts[0].1 / parts[1].1 - 2.0).abs() < 0.01, "{parts:?}");
        picture(browser, "unchecked.png").await;

        // The number of each state leads to the connections in it.
        click(browser, "2 not checked").await;
        browser.shows("Wiki").await;
        let only = "return document.querySelectorAll('.row').length === 2";
        browser.until("both are shown", only, Vec::new()).await;

        let before = machine.provider.seen().len();
        click(browser, "Check all").await;
        browser.shows("3 connections were checked.").await;
        assert!(machine.provider.seen().len() >= before + 3, "each connection was checked at its provider");
    });
}

#[test]
fn a_check_of_all_says_which_connections_do_not_work() {
    let machine = imported();
    let serving = Serving::with_page(&machine);
    visit(async |browser| {
        browser.resize(WIDTH, 800).await;
        enter(browser, &serving).await;
        browser.shows("1 working, 2 not checked").await;
        machine.provider.tell(401, "", "{}");
        click(browser, "Check all").await;
        browser.shows("3 connections need you").await;
        machine.provider.behave();
        click(browser, "Check all").await;
        browser.shows("All 3 are working").await;
        let classes: Vec<_> = bar(browser).await.into_iter().map(|(class, _)| class).collect();
        assert_eq!(classes, ["share-live"]);
    });
}
