//! A person signs in at a provider that others wrote, from the page of a real server in a real browser.

use connection_faults::{
    browser::{Browser, Tab},
    oidc::{CLIENT, SECRET},
};
use serde_json::{Value, json};

use super::{click, enter, go};
use crate::{real::Real, serve::Serving, visit::visit_with_failing_requests};

/// Starts the server of a program whose kinds sign in at the provider.
fn serving(real: &mut Real) -> Serving {
    real.machine.set("CONNECTIONS_INBOUND__LISTEN", "127.0.0.1:0");
    Serving::of(real.command(&["serve", "--json", "--print-page"]))
}

/// Begins a setup on the page of its kind.
async fn begin(browser: &Browser, serving: &Serving, kind: &str) {
    go(browser, serving, &format!("/connect/{kind}")).await;
    click(browser, "Begin").await;
}

/// Opens the address of the step in another tab, and shows that tab. Returns the tab of the page.
async fn open_in_tab(browser: &Browser) -> Tab {
    let address = browser.property(".redirect a.primary", "href").await;
    let page = browser.tab().await;
    browser.open_tab().await;
    browser.open(&address).await;
    page
}

/// Waits until the control or the heading with this text has the focus.
async fn has_focus(browser: &Browser, text: &str) {
    let script = "return document.activeElement.innerText.trim() === arguments[0]";
    browser.until(&format!("{text:?} has the focus"), script, vec![json!(text)]).await;
}

/// Returns the colours of the background and of the text.
async fn colours(browser: &Browser) -> Value {
    let script = "const { backgroundColor, color } = getComputedStyle(document.body); return [backgroundColor, color]";
    browser.run(script, Vec::new()).await
}

#[test]
fn a_sign_in_names_the_provider_and_continues_by_itself_or_by_the_address() {
    let Some(mut real) = Real::start(json!({})) else { return };
    let serving = serving(&mut real);
    let provider = real.server.issuer().trim_start_matches("http://").to_owned();
    visit_with_failing_requests(async |browser| {
        browser.resize(1280, 800).await;
        enter(browser, &serving).await;
        may_enter_the_address_if_the_browser_does_not_come_back(browser, &serving).await;
        names_the_provider_and_continues_by_itself(browser, &serving, &provider).await;
    });
}

async fn may_enter_the_address_if_the_browser_does_not_come_back(browser: &Browser, serving: &Serving) {
    begin(browser, serving, "real-public").await;
    browser.shows("Sign in at Real").await;
    click(browser, "The browser does not come back?").await;
    browser.write("[data-field=callbackUrl]", "no address").await;
    browser.click("form button[type=submit]").await;
    // The form is open again, and says what is wrong.
    let refused = "return document.querySelector('.note.bad')?.checkVisibility() === true";
    browser.until("the problem is shown", refused, Vec::new()).await;
    let text = browser.shows("Sign in at Real").await;
    assert!(!text.contains("another tab"), "{text}");
}

async fn names_the_provider_and_continues_by_itself(browser: &Browser, serving: &Serving, provider: &str) {
    begin(browser, serving, "real-public").await;
    let text = browser.shows("Sign in at Real").await;
    assert!(text.contains(provider), "the host of the provider is named: {text}");
    assert!(!text.contains(&serving.address.to_string()), "the own address is not the provider's: {text}");
    // The button has the focus. What a person may enter otherwise is folded away.
    let focused = "return document.activeElement.innerText.trim().startsWith('Sign in at Real')";
    browser.until("the button has the focus", focused, Vec::new()).await;
    let field = "return document.querySelector('[data-field=callbackUrl]').checkVisibility()";
    assert_eq!(browser.run(field, Vec::new()).await, false, "the field for pasting is hidden");
    let address = browser.property(".redirect a.primary", "href").await;
    assert!(address.starts_with(&serving.url), "the browser goes through the server's own address: {address}");
    let of_page = colours(browser).await;

    let page = open_in_tab(browser).await;
    browser.shows("One more step").await;
    assert_eq!(colours(browser).await, of_page, "the page of the result looks like the page");
    browser.show(&page).await;
    let text = browser.shows("Is this the right account?").await;
    assert!(!text.contains("another tab"), "{text}");
    has_focus(browser, "Is this the right account?").await;
    click(browser, "Yes, connect this account").await;
    browser.shows("Connected as ada").await;
}

#[test]
fn after_a_refusal_at_the_provider_nothing_that_was_typed_is_asked_for_again() {
    let Some(mut real) = Real::start(json!({ "interactions": "forms" })) else { return };
    let serving = serving(&mut real);
    visit_with_failing_requests(async |browser| {
        browser.resize(1280, 800).await;
        enter(browser, &serving).await;
        begin(browser, &serving, "real").await;
        let text = browser.shows("Register this redirect URI").await;
        // The address belongs to the form, in which it can be copied.
        let copied = "return document.querySelector('form .note button')?.innerText.trim()";
        assert_eq!(browser.run(copied, Vec::new()).await, "Copy the address", "{text}");
        browser.write("[data-field=clientId]", CLIENT).await;
        browser.write("[data-field=clientSecret]", SECRET).await;
        browser.click("form button[type=submit]").await;
        browser.shows("Sign in at Real").await;
        let page = open_in_tab(browser).await;
        browser.shows("Sign-in").await;
        browser.click("a[href$='/abort']").await;
        let text = browser.shows("Not connected").await;
        assert!(text.contains("Real: the access was refused at the provider: 127.0.0.1:"), "{text}");
        assert!(text.contains("Begin again, and accept."), "{text}");
        browser.show(&page).await;
        let text = browser.shows("This account was not connected").await;
        assert!(text.contains("The access was refused at the provider: 127.0.0.1:"), "{text}");
        has_focus(browser, "Begin again").await;
        click(browser, "Begin again").await;
        // The application is not asked for again.
        browser.shows("Sign in at Real").await;
        let page = open_in_tab(browser).await;
        browser.write("input[name=login]", "ada").await;
        browser.write("input[name=password]", "any").await;
        browser.click("button[type=submit]").await;
        browser.shows("Authorize").await;
        browser.click("button[type=submit]").await;
        browser.shows("One more step").await;
        browser.show(&page).await;
        click(browser, "Yes, connect this account").await;
        browser.shows("Connected as ada").await;
    });
}
