//! A program signs in at the door for models: the official clients, a real browser and the person in front of it.

use connection_faults::{
    browser::{Browser, Key},
    script::Script,
};
use serde_json::{Value, json};

use super::{approvals::is_accessible, click, enter, loaded};
use crate::{
    program::Machine,
    serve::{Serving, machine},
    visit::visit_with_failing_requests,
};

pub(super) const TICK: &str = "
    const label = [...document.querySelectorAll('fieldset label')].find((each) => each.innerText.includes(arguments[0]));
    label?.querySelector('input').click();
    return label !== undefined";

const CHECK: &str = "
    const label = [...document.querySelectorAll('label.check')].find((each) => each.innerText.includes(arguments[0]));
    label?.querySelector('input').click();
    return label !== undefined";

pub(super) fn line(script: &mut Script) -> Value {
    serde_json::from_str(&script.line().unwrap()).unwrap()
}

/// Begins the sign-in of a client, and opens the page to which it leads the browser.
pub(super) async fn led(script: &mut Script, browser: &Browser, machine: &Machine, request: &Value) {
    script.write(&request.to_string()).unwrap();
    let begun = line(script);
    let open = begun["open"].as_str().unwrap_or_else(|| panic!("{begun}"));
    // The browser of the tests knows no `localhost`.
    let mut curl = machine.command_of_system("curl");
    curl.env("PATH", "/usr/local/bin:/usr/bin:/bin").args(["-sS", "--noproxy", "*", "-w", "%{redirect_url}"]);
    let page = String::from_utf8(curl.arg(open).output().unwrap().stdout).unwrap();
    assert!(page.contains("/consent#request="), "{page}");
    browser.open(&page).await;
    loaded(browser).await;
}

#[test]
fn official_clients_of_both_generations_sign_in_and_renew_their_tokens() {
    let Some((mut script, _)) = Script::start("../../../tests/mcp/sign-in.mjs", "") else { return };
    let machine = machine();
    machine.add_github("work").exits(0);
    let serving = Serving::with_page(&machine);
    visit_with_failing_requests(async |browser| {
        enter(browser, &serving).await;
        // Each client knows the server by one of its names, and finds everything under this name.
        let port = serving.address.port();
        for (generation, host) in [(1, "127.0.0.1"), (2, "localhost")] {
            let url = format!("http://{host}:{port}/mcp");
            let name = format!("Example {generation}");
            let request = json!({ "generation": generation, "name": name, "url": url });
            led(&mut script, browser, &machine, &request).await;
            browser.shows(&format!("The program {name} wants to use your connections")).await;
            browser.shows("Nobody has checked the name").await;
            is_accessible(browser).await;
            // A person who searches has not consented.
            browser.write("input[type='search']", "wor").await;
            browser.press(Key::Enter).await;
            browser.until("the connection is listed", TICK, vec![json!("work")]).await;
            click(browser, "Allow 1 connection").await;
            browser.shows("You can close this window").await;
            let got = line(&mut script);
            assert!(got["listed"].as_str().is_some_and(|listed| listed.contains("github:work")), "{got}");
            assert_eq!((&got["renewed"], &got["rotated"]), (&got["listed"], &json!(true)), "{got}");
            let agent = format!("example-{generation}");
            let shown = machine.run(&["agents", "show", &agent]).exits(0);
            shown.says(&name).says("with the preset 'read'").says("renews its token by itself");

            // The same program signs in again, and its former agent is removed unless the person wants to keep it.
            led(&mut script, browser, &machine, &request).await;
            let replaces = format!("Remove {agent}, which was made for a program with this name");
            browser.shows(&replaces).await;
            browser.until("the former agent can be removed", CHECK, vec![json!(replaces)]).await;
            click(browser, "Allow without a connection").await;
            browser.shows("You can close this window").await;
            let got = line(&mut script);
            assert!(got["listed"].as_str().is_some_and(|listed| !listed.contains("github:work")), "{got}");
            let shown = machine.run(&["agents", "show", &agent]).exits(0);
            assert!(!shown.out.contains("github:work"), "{}", shown.out);

            led(&mut script, browser, &machine, &request).await;
            click(browser, "Refuse").await;
            browser.shows("You can close this window").await;
            assert_eq!(line(&mut script)["error"], "access_denied");
        }
    });
}
