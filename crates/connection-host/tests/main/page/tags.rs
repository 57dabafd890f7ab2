//! Tags on the page: a connection shows them, each leads to the connections that have it, and the search finds them.

use serde_json::json;

use super::{click, enter, go, screens};
use crate::{serve::Serving, visit::visit};

const LABELS: &str = "return [...document.querySelectorAll('.row h3')].map((each) => each.innerText.split('\\n')[0])";

#[test]
fn a_tag_leads_to_the_connections_that_have_it_and_the_search_finds_it() {
    let machine = screens::furnished();
    machine.run(&["tag", "github", "customer=17", "plan=pro"]).exits(0);
    let id = screens::id_of(&machine, "github");
    let serving = Serving::with_page(&machine);
    visit(async |browser| {
        enter(browser, &serving).await;
        go(browser, &serving, &format!("/connections/{id}")).await;
        browser.shows("customer=17").await;
        click(browser, "Show the connections with the tag plan=pro").await;
        let one = "return document.querySelectorAll('.row h3').length === 1";
        browser.until("one connection is listed", one, Vec::new()).await;
        assert_eq!(browser.run(LABELS, Vec::new()).await, json!(["work"]));
        assert!(browser.address().await.ends_with("?tag=plan%3Dpro"), "{}", browser.address().await);
        click(browser, "Do not filter by the tag plan=pro").await;
        browser.shows("wiki").await;
        go(browser, &serving, "/?search=customer%3D17").await;
        browser.until("one connection is found", one, Vec::new()).await;
        assert_eq!(browser.run(LABELS, Vec::new()).await, json!(["work"]));
    });
}
