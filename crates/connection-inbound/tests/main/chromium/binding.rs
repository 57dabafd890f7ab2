//! A setup ends in the browser that opened its start address, and in no other.

use connection_core::{ConnectionRegistry, SetupSession, SetupStep};

use super::site::Site;
use crate::{
    login::LOGIN,
    test_host::{World, end, labels, sent_to},
};

/// Begins a setup; returns it with its start address, once it has somewhere to send a browser.
async fn begun(registry: &ConnectionRegistry) -> (SetupSession, String) {
    let session = registry.setups().begin(&LOGIN).again().use_start_address().await.unwrap();
    sent_to(&session).await;
    let start = session.start_address().await.unwrap().unwrap();
    (session, start)
}

/// S4, S15, T14: only the browser with the cookie sends it when it returns from the provider's site.
#[tokio::test]
async fn a_setup_that_a_browser_opened_ends_in_that_browser_alone() {
    let world = World::new().await;
    let registry = world.public().await;
    let site = Site::of(&registry).await;
    let (Some(own), Some(other)) = (site.browser().await, site.browser().await) else { return };
    let (session, start) = begun(&registry).await;
    let name = format!("__Host-connection-setup-{}", session.id());
    own.open(&start).await;
    own.click("button").await;
    own.sent().await;
    let address = own.property("#allow", "href").await;
    // Another person, with another setup, is redirected to the callback of this one.
    let (foreign, foreign_start) = begun(&registry).await;
    other.open(&foreign_start).await;
    other.click("button").await;
    other.sent().await;
    other.open(&start).await;
    other.shows("Another browser has already opened this address").await;
    assert_eq!(other.cookies().await, [format!("__Host-connection-setup-{}", foreign.id())]);
    assert_eq!(other.run("return document.cookie", Vec::new()).await, "", "no script reads it");
    other.sent().await;
    other.open(&address).await;
    other.shows("Another browser").await;
    // One of the requests may be for the icon of the previous page, which a browser sends at any time.
    let sent = other.sent().await;
    let came = sent.iter().find(|sent| sent.url == address).map(|sent| &sent.cookies);
    assert_eq!(came, Some(&vec![format!("__Host-connection-setup-{}", foreign.id())]), "{sent:?}");
    assert!(matches!(session.current_step(), Some((_, SetupStep::Redirect { .. }))));
    assert!(world.provider.request_bodies().is_empty());
    own.click("#allow").await;
    let page = own.shows("Connected").await;
    assert!(page.contains("Login & Co: ada"), "{page}");
    let sent = own.sent().await;
    let came = sent.iter().find(|sent| sent.url == address).map(|sent| &sent.cookies);
    assert_eq!(came, Some(&vec![name]), "{sent:?}");
    assert!(own.cookies().await.is_empty(), "it goes with the setup");
    assert_eq!(end(&session).await, "done ada");
    assert_eq!(labels(&registry).await, ["ada"]);
}
