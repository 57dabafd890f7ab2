//! The messages that a person reads on the page when something does not work: sentences, each shown once, and true.

use connection_contract::reason;
use connection_faults::browser::Browser;
use serde_json::json;

use super::{click, enter, first_start, go, loaded, pictures::picture};
use crate::{
    program::Machine,
    provider::NOTION_KEY,
    serve::{Serving, links},
    visit::{check_errors, visit_with_failing_requests},
};

#[test]
fn the_messages_of_the_page_are_sentences_and_true() {
    let machine = first_start();
    machine.write("configuration/kinds/acme-oauth.toml", SIGNED_IN.as_bytes());
    let serving = Serving::with_page(&machine);
    visit_with_failing_requests(async |browser| {
        browser.resize(1280, 800).await;
        enter(browser, &serving).await;
        sentences_are_made_as_the_core_does(browser).await;
        times_are_rounded_down_as_the_command_does(browser).await;
        remedies_have_the_words_of_the_buttons(browser).await;
        a_kind_that_asks_for_an_application_does_not_say_that_nothing_is_needed(browser, &serving).await;
        a_provider_that_answers_with_an_error_is_named_once_and_not_called_unreachable(browser, &serving, &machine)
            .await;
        check_errors(browser).await;
        go(browser, &serving, "/").await;
        a_page_whose_access_is_revoked_says_so_without_a_click(browser, &machine).await;
    });
}

/// The cases of the core's function, which the page's function follows.
async fn sentences_are_made_as_the_core_does(browser: &Browser) {
    let texts = [
        "the access was refused at the provider",
        "authorize again, and accept",
        "GitHub does not accept this token",
        "It is a sentence.",
        "what is it?",
        "api.github.com answered 500",
        "'work' is taken",
        "see `connections --help`",
        "see https://github.com/settings/tokens",
        "re-authorize it (after the pause)",
        "it's 5 %",
        "the rest, later …",
        "chmod 600 /var/lib/connections/root.key",
    ];
    let script = "return import(new URL('format.js', document.querySelector('script[src]').src))
        .then(({ sentence }) => arguments[0].map(sentence))";
    let sentences = browser.run(script, vec![json!(texts)]).await;
    assert_eq!(sentences, json!(texts.map(connection_core::sentence)));
}

/// The cases of the command's function, in whose units the page tells times, too.
async fn times_are_rounded_down_as_the_command_does(browser: &Browser) {
    let script = "return import(new URL('format.js', document.querySelector('script[src]').src))
        .then(({ ago }) => arguments[0].map((seconds) => ago(seconds * 1000, 0)))";
    let times = browser.run(script, vec![json!([4 * 86_400 + 86_399, 7_199 + 3_600, -7_199, 119])]).await;
    assert_eq!(times, json!(["in 4 days", "in 2 hours", "1 hour ago", "in 1 minute"]));
}

async fn remedies_have_the_words_of_the_buttons(browser: &Browser) {
    let remedies = [
        ("authorize again", "reconnect"),
        ("authorize this connection again and grant these scopes", "reconnect this connection and grant these scopes"),
        (reason::AUTHORIZE_AGAIN, "reconnect this connection"),
        ("connect again with a valid credential", "reconnect with a valid credential"),
        ("use acme:ada, or authorize it again as another account", "use acme:ada, or reconnect it as another account"),
        ("verify this connection", "check this connection again"),
        ("correct the clock, then verify the connection again", "correct the clock, then check the connection again"),
        ("`connections verify acme` asks again", "`connections verify acme` asks again"),
        ("connect its account again", "connect its account again"),
    ];
    let script = "return import(new URL('texts.js', document.querySelector('script[src]').src))
        .then(({ texts }) => [arguments[0].map(texts.connections.remedy),
            texts.connections.reauthorize, texts.connections.verify])";
    let found = browser.run(script, vec![json!(remedies.map(|(text, _)| text))]).await;
    assert_eq!(found, json!([remedies.map(|(_, expected)| expected), "Reconnect", "Check again"]));
}

async fn a_provider_that_answers_with_an_error_is_named_once_and_not_called_unreachable(
    browser: &Browser,
    serving: &Serving,
    machine: &Machine,
) {
    go(browser, serving, "/connect/acme").await;
    click(browser, "Begin").await;
    machine.provider.tell(500, "", "");
    browser.write("form input[type=password]", NOTION_KEY).await;
    browser.click("form button[type=submit]").await;
    let text = browser.shows("The provider has a problem now").await;
    assert!(!text.contains("cannot be reached"), "{text}");
    assert_eq!(text.matches("answered 500").count(), 1, "{text}");
    assert!(text.contains("Your answers are kept."), "{text}");
    machine.provider.tell(200, "content-type: application/json\r\n", r#"{"id":7,"name":"Ada"}"#);
    click(browser, "Try again now").await;
    browser.shows("Connected as Ada").await;

    machine.provider.tell(500, "", "");
    click(browser, "Show the connection").await;
    click(browser, "Check now").await;
    let text = browser.shows("Provider has a problem").await;
    assert!(!text.contains("unreachable"), "{text}");
}

/// A kind that asks for an application, without a guide.
const SIGNED_IN: &str = r#"
format = 1
id = "acme-oauth"
name = "Acme"
mechanism = "oauth2"
[request]
base = "https://api.acme.example"
[verify]
path = "/me"
[account]
id = "/id"
label = "/name"
[oauth2]
authorize = "https://acme.example/authorize"
token = "https://api.acme.example/token"
"#;

async fn a_kind_that_asks_for_an_application_does_not_say_that_nothing_is_needed(browser: &Browser, serving: &Serving) {
    go(browser, serving, "/connect/acme-oauth").await;
    let text = browser.shows("It asks for").await;
    assert!(text.contains("Client ID") && !text.contains("Nothing in advance"), "{text}");
}

/// The server ends the stream of a revoked token within 15 seconds, and refuses the next one.
async fn a_page_whose_access_is_revoked_says_so_without_a_click(browser: &Browser, machine: &Machine) {
    browser.shows("Live updates").await;
    machine.run(&["tokens", "revoke", "--pages"]).exits(0);
    let text = browser.shows("Your access has ended.").await;
    assert!(text.contains("connections serve --open") && !text.contains("Live updates"), "{text}");
}

#[test]
fn a_customer_who_opens_a_link_twice_reads_what_to_do_in_the_hosts_colours() {
    let machine = links::host();
    let serving = Serving::start(&machine);
    let address = links::link(&machine, &serving, &["acme", "notion"]);
    let visited = visit_with_failing_requests(async |browser| {
        browser.open(&address).await;
        browser.shows("Connect your account to Example Reports").await;
        // In the same tab, the visitor goes on.
        browser.open("about:blank").await;
        browser.open(&address).await;
        browser.shows("Connect your account to Example Reports").await;
    });
    if visited.is_none() {
        return;
    }
    visit_with_failing_requests(async |browser| {
        browser.resize(1280, 800).await;
        browser.open(&address).await;
        let text = browser.shows("This link was already opened").await;
        assert!(text.contains("ask Example Reports for a new link"), "{text}");
        for foreign in ["connections ", "command", "server", "terminal", "revoke"] {
            assert!(!text.contains(foreign), "{foreign:?} is for operators: {text}");
        }
        let colour = "return getComputedStyle(document.documentElement).getPropertyValue('--primary').trim()";
        assert_eq!(browser.run(colour, Vec::new()).await, "#7a1fa2");
        let logo = "return document.querySelector('header img').naturalWidth > 0";
        browser.until("the logo is shown", logo, Vec::new()).await;
        picture(browser, "link-used.png").await;

        // A visitor whose time has ended reads the same, also after a reload.
        browser.open(&format!("{}/link", serving.url)).await;
        let text = browser.shows("Your time to connect an account has ended").await;
        assert!(text.contains("ask Example Reports for a new link") && !text.contains("terminal"), "{text}");
    });
}

/// Somebody sends the person at the page an address with the code of a link of their own. The person would connect
/// accounts for them if the page took that session.
#[test]
fn the_code_of_a_link_in_place_of_that_of_a_page_leaves_the_session_of_the_page() {
    let machine = links::host();
    let serving = Serving::with_page(&machine);
    let address = links::link(&machine, &serving, &["acme"]);
    let code = address.split_once("#link=").unwrap().1;
    visit_with_failing_requests(async |browser| {
        enter(browser, &serving).await;
        let token = "return localStorage.getItem('connections.token')";
        let before = browser.run(token, Vec::new()).await;
        assert!(before.is_string(), "{before}");
        browser.open("about:blank").await;
        browser.open(&format!("{}/#code={code}", serving.url)).await;
        loaded(browser).await;
        assert_eq!(browser.run(token, Vec::new()).await, before);
        go(browser, &serving, "/connections").await;
        browser.shows("Connections").await;
        // The control: the visitor of the link can still use the code where it belongs.
        browser.open("about:blank").await;
        browser.open(&address).await;
        // A link for one kind goes on to its form by itself, so the title is shown for a moment alone.
        browser.shows("Example Reports").await;
        assert_eq!(browser.run(token, Vec::new()).await, before, "the session of a link belongs to its tab");
    });
}
