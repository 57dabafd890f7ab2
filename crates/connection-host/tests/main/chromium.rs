//! A person in a real browser opens the address that `add` prints, fills in and confirms the provider's own pages, and
//! the program ends with a connection.

use connection_faults::browser::Browser;
use serde_json::json;

use crate::{real::Real, visit::visit_with_failing_requests};

/// Starts the provider, whose pages ask a person. They have no icon, and name a font of another site.
fn provider() -> Option<Real> {
    Real::start(json!({ "interactions": "forms" }))
}

/// Opens the address. A program that does not open the browser itself cannot know whose browser it is, so our own page
/// asks first.
async fn opens(browser: &Browser, link: &str) {
    browser.open(link).await;
    browser.shows("Receives the account").await;
    browser.click("form button").await;
}

/// Signs in with the provider's forms and allows the access.
async fn allows(browser: &Browser) {
    browser.write("input[name=login]", "ada").await;
    browser.write("input[name=password]", "any").await;
    browser.click("button[type=submit]").await;
    browser.shows("Authorize").await;
    browser.click("button[type=submit]").await;
}

/// R-INSEAM-090, RFC 8252
#[test]
fn a_person_connects_in_a_browser() {
    let Some(real) = provider() else { return };
    let mut adding = real.begin(&["add", "real-public", "--no-browser"]);
    let redirect = adding.line("Redirect address: ");
    let link = adding.line("Open ");
    let visited = visit_with_failing_requests(async |browser| {
        opens(browser, &link).await;
        allows(browser).await;
        let page = browser.shows("Connected").await;
        assert!(page.contains("Real: ada"), "{page}");
        assert!(browser.address().await.starts_with(&format!("{redirect}/done?ref=")), "{}", browser.address().await);
        let history = browser.history().await;
        assert!(history.iter().any(|url| url.starts_with(real.server.issuer())), "the control: {history:?}");
        assert!(!history.iter().any(|url| url.contains("code=")), "{history:?}");
        let sent = browser.sent().await;
        assert!(sent.iter().any(|sent| sent.url.starts_with(&redirect) && sent.url.contains("code=")), "{sent:?}");
    });
    if visited.is_none() {
        return;
    }
    adding.end().exits(0).says("Connected ada (real-public:ada) · live");
    real.run(&["send", "real-public", "GET", "/me"]).exits(0).says("ada");
}

/// The refusal of a person is shown in the browser and in the terminal, and nothing is left.
#[test]
fn a_person_who_says_no_in_a_browser_is_told_so() {
    let Some(real) = provider() else { return };
    let mut adding = real.begin(&["add", "real-public", "--no-browser"]);
    let link = adding.line("Open ");
    let visited = visit_with_failing_requests(async |browser| {
        opens(browser, &link).await;
        browser.shows("Sign-in").await;
        browser.click("a[href$='/abort']").await;
        browser.shows("Not connected").await;
    });
    if visited.is_none() {
        return;
    }
    adding.end().exits(3);
    real.run(&["list"]).exits(0).says("Nothing is connected");
}

/// RFC 8628: the person types the code on the provider's page and confirms it there.
#[test]
fn a_person_types_a_code_in_a_browser() {
    let Some(real) = provider() else { return };
    let application = real.application();
    let mut adding = real.begin(&["add", "real", "--device", "--input", &application]);
    let shown = adding.line("Open this address and type the code: ");
    let (link, code) = shown.trim_end_matches(')').split_once(" (code ").unwrap();
    // Open the page without the code in its address, so that it has to be typed.
    let page = link.split_once('?').map_or(link, |(page, _)| page);
    let visited = visit_with_failing_requests(async |browser| {
        browser.open(page).await;
        browser.write("input[name=user_code]", code).await;
        browser.click("button[type=submit]").await;
        browser.shows(code).await;
        browser.click("button[type=submit]").await;
        allows(browser).await;
        browser.shows("Success").await;
    });
    if visited.is_none() {
        return;
    }
    adding.end().exits(0).says("Connected ada (real:ada) · live");
}
