//! A setup on the page is found again: in another tab, after a reload, with the back button, and after the server was
//! restarted.

use connection_faults::browser::Browser;
use serde_json::{Value, json};

use super::{Serving, machine};
use crate::{
    program::Machine,
    provider::NOTION_KEY,
    real::Real,
    visit::{visit, visit_with_failing_requests},
};

/// The kind of the guide, which asks for a key.
const ACME: &str = include_str!("../../../../connection-manifest/examples/acme.toml");
const ACCOUNT: &str = r#"{"id":7,"name":"Ada"}"#;

/// Returns a machine whose provider accepts any key of the kind `acme`.
fn acme() -> Machine {
    let machine = machine();
    let origin = machine.provider.origin.clone();
    machine.write("configuration/kinds/acme.toml", ACME.as_bytes());
    machine.configure(&format!("[http.endpoints]\n\"https://api.acme.example\" = \"{origin}\"\n"));
    machine.provider.tell(200, "content-type: application/json\r\n", ACCOUNT);
    machine
}

/// Opens the page, begins a setup of a kind in the list of what can be connected, and returns the address of the setup.
async fn begin(browser: &Browser, serving: &Serving, kind: &str) -> String {
    browser.open(serving.page.as_deref().unwrap()).await;
    browser.shows("Nothing is connected").await;
    browser.open(&format!("{}/connect", serving.url)).await;
    let script = "
        const about = document.querySelector(`.kind a[href$='/connect/${arguments[0]}']`);
        about?.parentElement.querySelector('button').click();
        return about !== null";
    browser.until("the kind is listed", script, vec![json!(kind)]).await;
    browser.until("a setup has begun", "return location.pathname.startsWith('/setups/')", Vec::new()).await;
    browser.address().await
}

/// Returns what is typed into the field of the setup.
async fn typed(browser: &Browser) -> String {
    browser.property("form input[type=password]", "value").await
}

/// Returns the labels of all connections.
fn labels(machine: &Machine) -> Vec<Value> {
    let listed = machine.run(&["list", "--json"]).exits(0).json();
    listed.as_array().unwrap().iter().map(|connection| connection["label"].clone()).collect()
}

#[test]
fn a_reload_the_back_button_and_a_second_tab_find_the_same_setup() {
    let machine = acme();
    let serving = Serving::with_page(&machine);
    let visited = visit(async |browser| {
        let address = begin(browser, &serving, "acme").await;
        browser.shows("API key").await;
        browser.reload().await;
        browser.shows("API key").await;
        assert_eq!(browser.address().await, address);
        // The list of what can be connected offers to continue, and continuing begins nothing.
        browser.back().await;
        browser.shows("Unfinished").await;
        assert_eq!(browser.run("return document.querySelectorAll('a[href^=\"/setups/\"]').length", vec![]).await, 1);
        browser.click("a[href^='/setups/']").await;
        browser.shows("API key").await;
        assert_eq!(browser.address().await, address);
        // An answer in another tab ends the setup in both.
        let first = browser.tab().await;
        browser.open_tab().await;
        browser.open(&address).await;
        browser.write("form input[type=password]", NOTION_KEY).await;
        browser.click("form button[type=submit]").await;
        browser.shows("Connected as Ada").await;
        browser.show(&first).await;
        browser.shows("Connected as Ada").await;
        browser.reload().await;
        browser.shows("Connected as Ada").await;
        browser.back().await;
        browser.shows("All kinds").await;
        assert_eq!(browser.run("return document.querySelectorAll('a[href^=\"/setups/\"]').length", vec![]).await, 0);
    });
    if visited.is_some() {
        assert_eq!(labels(&machine), ["Ada"], "one account was connected once");
        assert_eq!(machine.provider.seen().len(), 1);
    }
}

/// The page gets the end of the setup from its wait for changes, and then the answer to its own request, which the server
/// gave before the end.
#[test]
fn an_answer_that_arrives_after_the_end_of_the_setup_does_not_hide_the_end() {
    let machine = acme();
    let serving = Serving::with_page(&machine);
    visit(async |browser| {
        begin(browser, &serving, "acme").await;
        let delay = "
            const send = window.fetch;
            window.fetch = async (address, options) => {
                const answer = await send(address, options);
                if (!String(address).endsWith('/answers')) return answer;
                while (!document.body.innerText.includes('Connected as Ada')) {
                    await new Promise((resolve) => setTimeout(resolve, 10));
                }
                setTimeout(() => { window.isLate = true; }, 100);
                return answer;
            }";
        browser.run(delay, Vec::new()).await;
        browser.write("form input[type=password]", NOTION_KEY).await;
        browser.click("form button[type=submit]").await;
        browser.until("the answer has arrived", "return window.isLate === true", Vec::new()).await;
        browser.shows("Connected as Ada").await;
    });
}

#[test]
fn a_step_that_another_tab_answered_is_not_answered_twice() {
    let machine = acme();
    let serving = Serving::with_page(&machine);
    let visited = visit_with_failing_requests(async |browser| {
        let address = begin(browser, &serving, "acme").await;
        browser.write("form input[type=password]", NOTION_KEY).await;
        let first = browser.tab().await;
        let second = browser.open_tab().await;
        browser.open(&address).await;
        // The provider refuses the key of the second tab, which is asked again.
        machine.provider.tell(401, "", "{}");
        browser.write("form input[type=password]", NOTION_KEY).await;
        browser.click("form button[type=submit]").await;
        browser.shows("This was not accepted").await;
        browser.show(&first).await;
        browser.shows("This step was answered in another tab").await;
        machine.provider.tell(200, "content-type: application/json\r\n", ACCOUNT);
        browser.write("form input[type=password]", NOTION_KEY).await;
        browser.click("form button[type=submit]").await;
        browser.shows("Connected as Ada").await;
        browser.show(&second).await;
        browser.shows("Connected as Ada").await;
    });
    if visited.is_some() {
        assert_eq!(labels(&machine), ["Ada"]);
    }
}

#[test]
fn a_setup_and_what_was_typed_survive_a_restart_of_the_server() {
    let mut machine = acme();
    let serving = Serving::with_page(&machine);
    machine.set("CONNECTIONS_INBOUND__LISTEN", &serving.address.to_string());
    let visited = visit_with_failing_requests(async |browser| {
        let address = begin(browser, &serving, "acme").await;
        browser.write("form input[type=password]", NOTION_KEY).await;
        serving.kill();
        browser.shows("The server cannot be reached. Trying again").await;
        // The answer that was not sent says it in place of the note.
        browser.click("form button[type=submit]").await;
        let text = browser.shows("Check that it is running, and try again.").await;
        assert_eq!(text.matches("The server cannot be reached.").count(), 1, "{text}");
        let again = Serving::start(&machine);
        let script = "return !document.body.innerText.includes('cannot be reached')";
        browser.until("the page finds the server", script, Vec::new()).await;
        assert_eq!(typed(browser).await, NOTION_KEY);
        browser.reload().await;
        browser.shows("API key").await;
        assert_eq!(browser.address().await, address);
        browser.write("form input[type=password]", NOTION_KEY).await;
        browser.click("form button[type=submit]").await;
        browser.shows("Connected as Ada").await;
        drop(again);
    });
    if visited.is_some() {
        assert_eq!(labels(&machine), ["Ada"]);
    }
}

#[test]
fn a_setup_whose_server_was_killed_while_it_asked_the_provider_ends_after_the_restart() {
    let mut machine = acme();
    let serving = Serving::with_page(&machine);
    machine.set("CONNECTIONS_INBOUND__LISTEN", &serving.address.to_string());
    let visited = visit_with_failing_requests(async |browser| {
        let address = begin(browser, &serving, "acme").await;
        let silence = machine.provider.fall_silent();
        browser.write("form input[type=password]", NOTION_KEY).await;
        browser.click("form button[type=submit]").await;
        silence.recv().unwrap();
        serving.kill();
        machine.provider.speak();
        let again = Serving::start(&machine);
        browser.shows("Connected as Ada").await;
        assert_eq!(browser.address().await, address);
        drop(again);
    });
    if visited.is_some() {
        assert_eq!(labels(&machine), ["Ada"]);
    }
}

/// The provider is another project's, and its pages open in a tab of their own.
#[test]
fn a_person_signs_in_at_a_provider_and_reconnects_the_account_in_place() {
    let Some(mut real) = Real::start(json!({})) else { return };
    real.machine.set("CONNECTIONS_INBOUND__LISTEN", "127.0.0.1:0");
    let serving = Serving::of(real.command(&["serve", "--json", "--print-page"]));
    let visited = visit(async |browser| {
        begin(browser, &serving, "real-public").await;
        sign_in(browser, "Is this the right account?").await;
        browser.click(".confirm button.primary").await;
        browser.shows("Connected as ada").await;
        browser.click("a[href^='/connections/']").await;
        browser.shows("Who uses it").await;
        let connection = browser.address().await;
        let before = real.run(&["list", "--json"]).exits(0).json();
        let script = "[...document.querySelectorAll('button')].find((each) => each.innerText === 'Reconnect').click()";
        browser.run(script, Vec::new()).await;
        browser.click("dialog[open] footer button.primary").await;
        browser.shows("Reconnect Real").await;
        sign_in(browser, "Reconnected as ada").await;
        browser.click("a[href^='/connections/']").await;
        browser.shows("Who uses it").await;
        assert_eq!(browser.address().await, connection, "it is the same connection");
        let after = real.run(&["list", "--json"]).exits(0).json();
        let names = |list: &Value| list.as_array().unwrap().iter().map(|each| each["id"].clone()).collect::<Vec<_>>();
        assert_eq!((names(&after).len(), names(&after)), (1, names(&before)));
    });
    if visited.is_some() {
        assert_eq!(real.server.token_requests().len(), 2, "a code was exchanged each time");
        real.run(&["send", "real-public", "GET", "/me"]).exits(0).says("ada");
    }
}

/// Opens the provider from the page of a setup, where the person is known and allows the access, and returns to the
/// page, which then shows a text.
async fn sign_in(browser: &Browser, shown: &str) {
    let page = browser.tab().await;
    let link = browser.property(".redirect a.button.primary", "href").await;
    browser.open_tab().await;
    browser.open(&link).await;
    browser.shows("back to where you began").await;
    browser.show(&page).await;
    browser.shows(shown).await;
}
