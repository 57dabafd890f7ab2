//! Approvals on the page: a person sees what waits, reads the whole of a request, and answers.

use connection_faults::browser::{AccessibilityChecker, Browser};
use serde_json::json;

use super::{click, enter, go, screens};
use crate::{approvals::Asking, visit::visit};

const LOCK: &str = "/repos/octocat/hello-world/issues/1/lock";
const TITLE_COUNTS: &str = "return document.title.startsWith(arguments[0])";
const ENABLED: &str = "
    const found = [...document.querySelectorAll('button')].find((each) => each.innerText.includes('Approve'));
    return found !== undefined && !found.disabled";

/// Checks the screen that is shown, in a window as narrow as a phone.
pub(super) async fn is_accessible(browser: &Browser) {
    let Some(checker) = AccessibilityChecker::load() else { return };
    browser.resize(360, 780).await;
    assert_eq!(checker.violations(browser).await, Vec::<String>::new());
    let is_wider = "return document.documentElement.scrollWidth > window.innerWidth";
    assert_eq!(browser.run(is_wider, Vec::new()).await, false, "the screen scrolls sideways");
    browser.resize(1280, 900).await;
}

#[test]
fn a_person_reads_a_request_to_its_end_approves_it_and_refuses_another() {
    let it = Asking::new(screens::furnished());
    visit(async |browser| {
        enter(browser, &it.serving).await;
        go(browser, &it.serving, "/approvals").await;
        browser.shows("Nothing waits for you").await;
        let id = it.asks("DELETE", LOCK);
        it.asks("PUT", LOCK);
        browser.shows("2 requests wait for you").await;
        browser.until("the title counts", TITLE_COUNTS, vec![json!("(2)")]).await;
        browser.shows("asked by the rule “lock”").await;
        is_accessible(browser).await;

        go(browser, &it.serving, &format!("/approvals/{id}")).await;
        browser.shows("It deletes something. This cannot be undone.").await;
        browser.shows("Nothing like it ran in the last thirty days.").await;
        browser.run("window.scrollTo(0, 0)", Vec::new()).await;
        is_accessible(browser).await;
        browser.run("document.querySelector('.request-end').scrollIntoView()", Vec::new()).await;
        browser.until("the request was read to its end", ENABLED, Vec::new()).await;
        click(browser, "Approve and send once").await;
        browser.shows("Sent, answered with").await;
        assert_eq!(it.reached(), 1);

        go(browser, &it.serving, "/approvals").await;
        browser.shows("1 request waits for you").await;
        click(browser, &format!("PUT {LOCK}")).await;
        browser.write("input[maxlength='500']", "Not today.").await;
        click(browser, "Refuse").await;
        browser.shows("Refused: Not today.").await;
        browser.until("the title counts no more", TITLE_COUNTS, vec![json!("PUT")]).await;
    });
    assert_eq!(it.reached(), 1);
}
