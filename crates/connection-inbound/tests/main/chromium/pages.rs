//! The traces of a callback in a browser: the result, and nothing of the code.

use std::time::Duration;

use connection_core::{ConnectionRegistry, SetupSession, SetupStep};
use connection_faults::browser::{Browser, Sent};
use connection_inbound::{LoopbackOptions, LoopbackServer};
use serde_json::json;
use tokio::runtime::Handle;

use super::site::{PROVIDER, Site};
use crate::{
    login::LOGIN,
    provider::Provider,
    test_host::{PUBLIC, World, end, sent_to},
};

/// Returns a setup that waits for a browser, and the address to open.
async fn begun(registry: &ConnectionRegistry) -> (SetupSession, String) {
    let session = registry.setups().begin(&LOGIN).again().await.unwrap();
    let link = sent_to(&session).await;
    (session, link)
}

/// Returns the redirect address in a link.
fn back(link: &str) -> String {
    let uri = link.split_once("redirect_uri=").unwrap().1.split('&').next().unwrap();
    connection_contract::encode::from_percent(uri).unwrap()
}

/// S10: after a callback the browser shows the page after it. The code is in no history, no server received a
/// referrer, and nothing but that page was requested.
async fn left(browser: &Browser, back: &str, secret: &str) {
    let done = format!("{back}/done");
    let address = browser.address().await;
    assert!(address == done || address.starts_with(&format!("{done}?ref=")), "{address}");
    let history = browser.history().await;
    assert!(history.contains(&address) && history.iter().any(|url| url.starts_with(PROVIDER)), "{history:?}");
    let here: Vec<_> = history.iter().filter(|url| url.starts_with(back)).collect();
    assert!(here.iter().all(|url| url.starts_with(&done)), "{here:?}");
    assert!(!history.iter().any(|url| url.contains(secret)), "{history:?}");
    let sent = browser.sent().await;
    let after: Vec<_> = sent.iter().skip_while(|sent| !sent.url.starts_with(back)).collect();
    let [callback, rest @ ..] = after.as_slice() else { panic!("{sent:?}") };
    assert!(callback.url.contains(secret), "{callback:?}");
    // The control: a browser sends a referrer by default, except to an address without TLS.
    assert_eq!(callback.referer.as_deref(), back.starts_with("https:").then_some("https://login.example/"));
    assert!(!rest.is_empty() && rest.iter().all(|sent| of_the_page(sent, &done)), "{rest:?}");
    let loaded = "return [performance.getEntriesByType('resource').map(entry => entry.name), document.referrer]";
    assert_eq!(browser.run(loaded, Vec::new()).await, json!([[], ""]));
}

fn of_the_page(sent: &Sent, done: &str) -> bool {
    sent.url.starts_with(done) && sent.referer.is_none()
}

/// R-INSEAM-035, S10, S12: at a public address and on loopback, with scripts and without.
#[tokio::test]
async fn a_browser_is_told_the_outcome_and_keeps_nothing_of_the_code() {
    for on_loopback in [false, true] {
        let world = World::new().await;
        let registry = match on_loopback {
            true => world.with(LoopbackServer::new(Handle::current(), LoopbackOptions::new())).await,
            false => world.public().await,
        };
        let site = Site::of(&registry).await;
        let Some(browser) = site.browser().await else { return };
        for title in ["a script ran", "Provider"] {
            let (session, link) = begun(&registry).await;
            let back = back(&link);
            assert_eq!(back.starts_with(PUBLIC), !on_loopback, "{back}");
            browser.open(&link).await;
            assert_eq!(browser.title().await, title, "the control: whether scripts run");
            browser.click("#allow").await;
            let page = browser.shows("Connected").await;
            assert!(page.contains("Login & Co: ada"), "{page}");
            left(&browser, &back, "the-code").await;
            assert_eq!(end(&session).await, "done ada");
            let (session, link) = begun(&registry).await;
            browser.open(&link).await;
            browser.click("#deny").await;
            browser.shows("the provider says access_denied").await;
            left(&browser, &back, "access_denied").await;
            assert_eq!(end(&session).await, "access_denied");
            browser.without_scripts().await;
        }
    }
}

/// S10, Q34: a refused callback leaves its address, too; the setup in the other profile continues to wait.
#[tokio::test]
async fn a_forged_callback_gets_a_page_that_says_nothing_and_ends_no_setup() {
    let world = World::new().await;
    let registry = world.public().await;
    let site = Site::of(&registry).await;
    let (Some(own), Some(other)) = (site.browser().await, site.browser().await) else { return };
    let (session, link) = begun(&registry).await;
    own.open(&link).await;
    let forged = link.replace("state=", "state=0");
    for button in ["#allow", "#deny"] {
        other.open(&forged).await;
        other.click(button).await;
        let page = other.shows("Nothing here").await;
        assert!(!page.contains("ada") && !page.contains("Login"), "{page}");
        until_at(&other, &format!("{}/done", back(&link))).await;
        left(&other, &back(&link), if button == "#allow" { "the-code" } else { "access_denied" }).await;
    }
    assert!(matches!(session.current_step(), Some((_, SetupStep::Redirect { .. }))));
    assert!(world.provider.request_bodies().is_empty());
    own.click("#allow").await;
    own.shows("Connected").await;
    assert_eq!(end(&session).await, "done ada");
}

/// Waits until the page of a refused callback has redirected the browser to the next address.
async fn until_at(browser: &Browser, address: &str) {
    let led = async {
        while browser.address().await != address {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(60), led).await.expect("it leaves its address");
    browser.shows("Nothing here").await;
}

/// While the provider is slow, the page says so and asks again by itself, also without scripts.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_page_that_waits_goes_on_by_itself() {
    let world = World::new().await;
    let registry = world.public().await;
    let site = Site::of(&registry).await;
    let Some(browser) = site.browser().await else { return };
    browser.without_scripts().await;
    world.provider.hold();
    let (session, link) = begun(&registry).await;
    browser.open(&link).await;
    let shown = async {
        browser.click("#allow").await;
        browser.shows("One moment").await
    };
    let waited = async {
        while world.provider.request_bodies().is_empty() {
            registry.store().health().await;
        }
        // The page waits for ten seconds, and the exchange is given up after fifteen.
        for _ in 0..14_000 {
            registry.store().health().await;
            world.clock.advance(Duration::from_millis(1));
        }
    };
    tokio::join!(shown, waited);
    world.provider.let_go();
    browser.shows("Connected").await;
    left(&browser, &back(&link), "the-code").await;
    assert_eq!(end(&session).await, "done ada");
}

impl Provider {
    /// Accepts requests, but answers none until it is released.
    fn hold(&self) {
        *self.held.0.lock().unwrap() = true;
    }

    /// Releases the requests that [`hold`](Self::hold) has stopped.
    fn let_go(&self) {
        *self.held.0.lock().unwrap() = false;
        self.held.1.notify_all();
    }
}
