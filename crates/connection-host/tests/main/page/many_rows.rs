//! Many connections: the server searches and filters them, and the page holds the rows in view alone.

use connection_faults::{browser::Browser, rounds::rounds};
use serde_json::{Value, json};

use super::{click, enter, go, loaded};
use crate::{
    program::Machine,
    provider::{NOTION_KEY, TOKEN},
    serve::{Serving, machine},
    visit::visit,
};

/// Twenty pages of the list are enough to see that the page holds few rows; the long form has as many as a large owner.
fn many() -> usize {
    rounds(2_000, 10_000)
}

/// More rows than fit into a window and its surroundings, and far fewer than a page of the list.
const MAX_ROWS: u64 = 60;

/// Imports connections that were never verified: one of Notion, and all others of GitHub.
fn import(machine: &Machine) {
    let row = |kind: &str, label: &str, id: usize, credential: &str| {
        let identity = json!({ "id": id.to_string(), "label": format!("account {id}") });
        json!({ "kind": kind, "label": label, "identity": identity, "credential": credential }).to_string()
    };
    let github = (1..many()).map(|number| row("github", &format!("label-{number}"), number, TOKEN));
    let lines: Vec<_> = github.chain([row("notion", "wiki", many(), NOTION_KEY)]).collect();
    let file = machine.write("connections.jsonl", lines.join("\n").as_bytes());
    machine.run(&["import", &file]).exits(0);
}

/// Returns the labels of the rows in the page.
async fn labels(browser: &Browser) -> Vec<String> {
    let script = "return [...document.querySelectorAll('.row h3 a')].map((link) => link.innerText)";
    let labels = browser.run(script, Vec::new()).await;
    labels.as_array().unwrap().iter().map(|label| label.as_str().unwrap().to_owned()).collect()
}

/// Waits until the row with this label is the only one.
async fn finds(browser: &Browser, label: &str) {
    let script = "
        const links = [...document.querySelectorAll('.row h3 a')];
        return links.length === 1 && links[0].innerText === arguments[0]";
    browser.until(&format!("{label:?} is found"), script, vec![json!(label)]).await;
}

/// Returns the requests for lists of connections that the page has sent since the last call.
async fn lists(browser: &Browser) -> Vec<String> {
    let sent = browser.sent().await.into_iter().map(|sent| sent.url);
    sent.filter(|url| url.contains("/api/v1/connections?")).collect()
}

#[test]
fn lists_that_are_long_are_searched_and_loaded_page_by_page() {
    let machine = machine();
    import(&machine);
    let serving = Serving::with_page(&machine);
    visit(async |browser| {
        browser.resize(1280, 900).await;
        enter(browser, &serving).await;
        one_of_thousands_of_connections_is_found_and_the_page_holds_few_rows(browser, &serving).await;
        the_tokens_beyond_the_first_page_of_their_list_are_loaded_on_request(browser, &serving, &machine).await;
    });
}

async fn one_of_thousands_of_connections_is_found_and_the_page_holds_few_rows(browser: &Browser, serving: &Serving) {
    browser.shows(if many() == 10_000 { "10,000 not checked" } else { "2,000 not checked" }).await;
    let shown = labels(browser).await.len() as u64;
    assert!((2..=MAX_ROWS).contains(&shown), "{shown} rows");
    let requests = lists(browser).await;
    assert!((1..=2).contains(&requests.len()) && requests[0].contains("limit=100"), "{requests:?}");

    // The label of the last connection is on none of the pages that the browser has read.
    browser.write("input[type=search]", "label-1987").await;
    finds(browser, "label-1987").await;
    let requests = lists(browser).await;
    assert!(requests.iter().all(|url| url.contains("search=label-1987")), "{requests:?}");
    assert!((1..=2).contains(&requests.len()), "{requests:?}");
    go(browser, serving, "/?search=account+1321").await;
    finds(browser, "label-1321").await;
    go(browser, serving, "/?kind=notion").await;
    finds(browser, "wiki").await;
    go(browser, serving, "/?state=live").await;
    browser.shows("No connection matches").await;

    // A person who scrolls to the end sees every connection, and the page never holds many.
    go(browser, serving, "/").await;
    browser.run("window.most = 0", Vec::new()).await;
    let scroll = "
        const rows = [...document.querySelectorAll('li[data-index]')];
        window.most = Math.max(window.most, rows.length);
        window.scrollTo(0, document.documentElement.scrollHeight);
        return rows.some((row) => Number(row.dataset.index) >= arguments[0])";
    for reached in (1000..=many()).step_by(1000) {
        browser.until(&format!("row {reached} is shown"), scroll, vec![json!(reached)]).await;
    }
    loaded(browser).await;
    let most = browser.run("return window.most", Vec::new()).await;
    assert!(most.as_u64().is_some_and(|most| (2..=MAX_ROWS).contains(&most)), "{most} rows");
    let ends: Value = browser.run("return document.querySelectorAll('*').length", Vec::new()).await;
    assert!(ends.as_u64().is_some_and(|elements| elements < 3000), "{ends} elements");
}

async fn the_tokens_beyond_the_first_page_of_their_list_are_loaded_on_request(
    browser: &Browser,
    serving: &Serving,
    machine: &Machine,
) {
    let admin = machine.run(&["tokens", "create", "a program", "--role", "manage", "--json"]).exits(0).json();
    let admin = admin["token"].as_str().unwrap();
    let headers = format!("authorization: Bearer {admin}\r\ncontent-type: application/json\r\nconnection: close\r\n");
    for number in 0..60 {
        let body = json!({ "name": format!("report {number}"), "role": "read" }).to_string();
        let made = serving.ask("POST", "/api/v1/tokens", &headers, body.as_bytes());
        assert_eq!(made.status, 201, "{made:?}");
    }
    go(browser, serving, "/system").await;
    browser.shows("report 40").await;
    let is_last_shown = "return document.body.innerText.includes('report 59')";
    assert_eq!(browser.run(is_last_shown, Vec::new()).await, false);
    click(browser, "Load more").await;
    browser.shows("report 59").await;
    // The list is read again after a change, and shows as much as before.
    click(browser, "Revoke: report 1").await;
    click(browser, "Revoke").await;
    let is_revoked = "return document.body.innerText.includes('Revoked ')";
    browser.until("the token is revoked", is_revoked, Vec::new()).await;
    assert_eq!(browser.run(is_last_shown, Vec::new()).await, true);
}
