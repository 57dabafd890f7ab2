//! A setup link that repairs a connection: the end user of a host signs in again on a page of that host.

use serde_json::{Value, json};

use super::{
    Serving,
    links::{asked, host},
    remote::Remote,
};
use crate::{program::Machine, provider::NOTION_KEY, visit::visit};

const BACK: &str = "https://app.example.com/settings?customer=17";
const OWNER: &str = "customer-17";

/// Lets the provider say that a key is for this account.
fn knows(machine: &Machine, id: u32, name: &str) {
    let body = json!({ "id": id, "name": name }).to_string();
    machine.provider.tell(200, "content-type: application/json\r\n", &body);
}

/// Returns a host on which the account of a customer no longer works.
pub(crate) fn broken() -> Machine {
    let machine = host();
    knows(&machine, 7, "octocat");
    let key = json!({ "apiKey": NOTION_KEY }).to_string();
    machine.feed(&["add", "acme", "--owner", OWNER, "--input", "-"], &key).exits(0);
    machine.provider.tell(401, "", "{}");
    machine.run(&["verify", "acme", "--owner", OWNER]).exits(4);
    machine
}

/// Makes a link that repairs the connection of the customer, and returns its address.
pub(crate) fn link(machine: &Machine, serving: &Serving) -> String {
    let shown = machine.run(&["show", "acme", "--owner", OWNER, "--json"]).exits(0).json();
    let made = asked(machine, serving, &json!({ "owner": OWNER, "connection": shown["id"], "returnTo": BACK }));
    made["address"].as_str().unwrap().to_owned()
}

#[test]
fn a_customer_repairs_an_account_and_is_told_if_it_is_another_one() {
    let machine = broken();
    let serving = Serving::start(&machine);
    let address = link(&machine, &serving);
    let visited = visit(async |browser| {
        browser.open(&address).await;
        let page = browser.shows("Reconnect octocat at Acme").await;
        assert!(page.contains("Example Reports asks you to sign in to this account again"), "{page}");
        assert!(page.contains("Sign in as octocat."), "{page}");
        knows(&machine, 8, "hubot");
        browser.click("main .actions button.primary").await;
        browser.write("form input[type=password]", NOTION_KEY).await;
        browser.click("form button[type=submit]").await;
        let refused = browser.shows("This is the account hubot, but this link is for octocat").await;
        assert!(refused.contains("Sign in as octocat, or ask whoever sent the link"), "{refused}");
        let ways = "return [...document.querySelectorAll('.outcome .actions > *')].map((each) => each.innerText).join()";
        assert_eq!(browser.run(ways, Vec::new()).await, "Begin again", "a visitor has no other way");
        knows(&machine, 7, "octocat");
        browser.click(".outcome .actions button.primary").await;
        browser.write("form input[type=password]", NOTION_KEY).await;
        browser.click("form button[type=submit]").await;
        browser.shows("Reconnected as octocat").await;
        browser.shows("Return to Example Reports").await;
        assert_eq!(browser.property("a.button.primary", "href").await, BACK);
    });
    if visited.is_some() {
        let listed = machine.run(&["list", "--owner", OWNER, "--json"]).exits(0).json();
        assert_eq!((listed.as_array().unwrap().len(), &listed[0]["liveness"]), (1, &json!("live")));
    }
}

/// The customers of a host have ids of their own, and its program makes links from another machine.
#[test]
fn a_link_and_tags_are_made_from_another_machine() {
    let remote = Remote::start("manage");
    remote.server.add_github("work").exits(0);
    remote.run(&["tag", "github", "plan=pro"]).exits(0).says("Tagged github:work: plan=pro");
    remote.run(&["list", "--tag", "plan=pro"]).exits(0).says("github:work");
    remote.run(&["list", "--tag", "plan=free"]).exits(0).says("No connection matches");
    remote.run(&["show", "github"]).exits(0).says("plan=pro");
    let made: Value = remote.run(&["link", "github", "--json"]).exits(0).json();
    assert!(made["address"].as_str().unwrap().contains("/link#link=cn_"), "{made}");
    let new = remote.run(&["link", "--kind", "github", "--tag", "plan=pro"]).exits(0);
    assert!(new.out.contains("/link#link=cn_"), "{}", new.out);
    remote.run(&["link", "github", "--return-to", "https://evil.example/"]).exits(6).warns("return address");
}
