//! Freezing on the page: of a connection, of an agent and of everything, and what was handed out before.

use serde_json::json;

use super::{click, enter, go, screens};
use crate::{serve::Serving, visit::visit};

const CLOSED: &str = "return document.querySelector('dialog[open]') === null";

#[test]
fn a_person_freezes_a_connection_an_agent_and_everything_and_thaws_them() {
    let machine = screens::furnished();
    let connection = format!("/connections/{}", screens::id_of(&machine, "github"));
    let serving = Serving::with_page(&machine);
    visit(async |browser| {
        enter(browser, &serving).await;
        for (path, button, shown) in [
            (connection.as_str(), "Freeze", "This connection is frozen"),
            ("/agents/nightly-report", "Freeze", "This agent is frozen"),
        ] {
            go(browser, &serving, path).await;
            click(browser, button).await;
            click(browser, "Freeze").await;
            browser.until("the dialog is closed", CLOSED, Vec::new()).await;
            browser.shows(shown).await;
        }
        machine.run(&["send", "github", "GET", "/user"]).exits(6).warns("frozen");
        go(browser, &serving, "/connections?search=work").await;
        browser.shows("Frozen").await;
        go(browser, &serving, &connection).await;
        click(browser, "Thaw").await;
        click(browser, "Thaw").await;
        browser.until("the dialog is closed", CLOSED, Vec::new()).await;
        let gone = "return !document.body.innerText.includes('This connection is frozen')";
        browser.until("it is thawed", gone, Vec::new()).await;
        machine.run(&["send", "github", "GET", "/user"]).exits(0);

        go(browser, &serving, "/system").await;
        click(browser, "Freeze everything").await;
        click(browser, "Freeze").await;
        browser.until("the dialog is closed", CLOSED, Vec::new()).await;
        browser.shows("Thaw").await;
        // Each thing has the name that a person knows.
        browser.shows("nightly-report").await;
        browser.shows("Everything of local").await;
        machine.run(&["send", "github", "GET", "/user"]).exits(6).warns("frozen");
        machine.run(&["verify", "github"]).exits(0);
        let frozen = machine.run(&["list", "--json"]).exits(0).json();
        assert_eq!(frozen[0]["frozen"], json!(true));
    });
}
