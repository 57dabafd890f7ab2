//! The buttons of a connection and of an extension: each does on a real server what it says, and says that it is done.

use connection_faults::browser::Browser;
use serde_json::Value;

use super::{click, enter, go, screens};
use crate::{program::Machine, provider::OTHER_TOKEN, serve::Serving, visit::visit};

#[test]
fn the_buttons_of_a_connection_and_of_an_extension_do_what_they_say() {
    let machine = screens::furnished();
    let path = format!("/connections/{}", screens::id_of(&machine, "github"));
    let serving = Serving::with_page(&machine);
    visit(async |browser| {
        enter(browser, &serving).await;
        go(browser, &serving, "/extensions/issues").await;
        takes_a_grant_back_and_makes_it_again_with_the_switch(browser, &machine).await;

        let token = machine.write("other", OTHER_TOKEN.as_bytes());
        machine.run(&["reauthorize", "github", "--field", &format!("accessToken=@{token}")]).exits(0);
        go(browser, &serving, &path).await;
        checks_changes_the_default_and_rolls_back(browser, &machine).await;
        removes(browser, &machine).await;
    });
}

fn connection(machine: &Machine) -> Value {
    machine.run(&["show", "github", "--json"]).exits(0).json()
}

fn is_granted(machine: &Machine) -> bool {
    machine.run(&["extensions", "list", "--json"]).exits(0).json()[0]["granted"] == true
}

async fn takes_a_grant_back_and_makes_it_again_with_the_switch(browser: &Browser, machine: &Machine) {
    click(browser, "May use work").await;
    browser.shows("The grant for work was revoked.").await;
    assert!(!is_granted(machine));
    click(browser, "May use work").await;
    browser.shows("May issues use work?").await;
    assert!(!is_granted(machine), "it is granted after the dialog");
    click(browser, "Grant").await;
    browser.shows("work was granted.").await;
    assert!(is_granted(machine));
}

/// One of two accounts is chosen for the extension, and the choice is taken back.
#[test]
fn a_person_chooses_an_account_for_an_extension_and_returns_to_the_default() {
    let machine = screens::furnished();
    machine.provider.tell(200, "content-type: application/json\r\n", r#"{"id":8,"name":"Bob","login":"bob"}"#);
    let token = machine.write("other", OTHER_TOKEN.as_bytes());
    machine.run(&["add", "github", "--label", "play", "--field", &format!("accessToken=@{token}")]).exits(0);
    machine.provider.behave();
    let used = || {
        let listed = machine.run(&["extensions", "list", "--json"]).exits(0).json();
        (listed[0]["connection"].clone(), listed[0]["chosen"].clone())
    };
    let (default, chosen) = used();
    assert_eq!(chosen, false);
    let serving = Serving::with_page(&machine);
    visit(async |browser| {
        enter(browser, &serving).await;
        go(browser, &serving, "/extensions/issues").await;
        click(browser, "Use this one").await;
        browser.shows("This connection was chosen for the extension").await;
        let (connection, chosen) = used();
        assert!(connection != default && chosen == true, "{connection}");
        click(browser, "Use the default again").await;
        browser.shows("The extension uses the default again.").await;
        assert_eq!(used(), (default.clone(), false.into()));
    });
}

async fn checks_changes_the_default_and_rolls_back(browser: &Browser, machine: &Machine) {
    click(browser, "Check now").await;
    browser.shows("The connection was checked.").await;
    for (button, is_default) in [("No longer the default", false), ("Make it the default", true)] {
        click(browser, button).await;
        // The same button of the dialog.
        click(browser, button).await;
        let other = if is_default { "No longer the default" } else { "Make it the default" };
        browser.shows(other).await;
        assert_eq!(connection(machine)["isDefault"], is_default);
    }
    click(browser, "Roll back").await;
    browser.shows("restores the present one").await;
    click(browser, "Roll back").await;
    browser.shows("The former credential is in use.").await;
    let sent = machine.provider.seen();
    let checked = sent.last().unwrap().headers["authorization"].clone();
    assert!(!checked.contains(OTHER_TOKEN), "the former credential is checked");
}

async fn removes(browser: &Browser, machine: &Machine) {
    click(browser, "Remove").await;
    browser.shows("issues will no longer be able to use it.").await;
    assert_eq!(connection(machine)["label"], "work", "it is removed after the dialog");
    click(browser, "Remove the connection").await;
    browser.shows("The connection was removed").await;
    machine.run(&["show", "github"]).exits(5);
    click(browser, "All connections").await;
    browser.shows("wiki").await;
}
