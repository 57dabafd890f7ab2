//! A setup that began in a page of the host ends in the browser with that page, and in no other.

use connection_core::SetupStep;
use connection_faults::browser::Browser;
use serde_json::{Value, json};

use super::site::Site;
use crate::{
    login::LOGIN,
    test_host::{PUBLIC, World, end, labels},
};

/// Begins a setup from the host's own page; returns its id, and where it sends the browser.
async fn begun(browser: &Browser) -> (String, String) {
    browser.open("https://host.example/").await;
    let script = "return fetch(arguments[0], { method: 'POST', headers: { 'content-type': 'application/json' }, \
                  body: arguments[1] }).then(answer => answer.json())";
    let body = json!({ "kind": LOGIN.as_str(), "again": true }).to_string();
    let begun = browser.run(script, vec![json!(format!("{PUBLIC}/setups")), json!(body)]).await;
    let id = begun["id"].as_str().unwrap_or_else(|| panic!("{begun}")).to_owned();
    let script = "return fetch(arguments[0]).then(answer => answer.json())";
    let shown: Value = browser.run(script, vec![json!(format!("{PUBLIC}/setups/{id}"))]).await;
    (id, shown["open"].as_str().unwrap_or_else(|| panic!("{shown}")).to_owned())
}

/// S4, S15, T14: only the browser with the cookie sends it when it returns from the provider's site.
#[tokio::test]
async fn a_setup_that_began_in_a_browser_ends_in_that_browser_alone() {
    let world = World::new().await;
    let registry = world.public().await;
    let site = Site::of(&registry).await;
    let (Some(own), Some(other)) = (site.browser().await, site.browser().await) else { return };
    let (id, link) = begun(&own).await;
    let name = format!("__Host-connection-setup-{id}");
    assert_eq!(own.cookies().await, [name.as_str()]);
    assert_eq!(own.run("return document.cookie", Vec::new()).await, "", "no script reads it");
    own.open(&link).await;
    own.sent().await;
    let address = own.property("#allow", "href").await;
    // Another person, with another setup, is redirected to the callback of this one.
    let (foreign, _) = begun(&other).await;
    other.open(&link).await;
    other.sent().await;
    other.open(&address).await;
    other.shows("Another browser").await;
    // One of the requests may be for the icon of the previous page, which a browser sends at any time.
    let sent = other.sent().await;
    let came = sent.iter().find(|sent| sent.url == address).map(|sent| &sent.cookies);
    assert_eq!(came, Some(&vec![format!("__Host-connection-setup-{foreign}")]), "{sent:?}");
    let session = registry.owner("ada").unwrap().setups().get(id.parse().unwrap()).await.unwrap();
    assert!(matches!(session.next_step().await.unwrap(), Some((_, SetupStep::Redirect { .. }))));
    assert!(world.provider.asked().is_empty());
    own.click("#allow").await;
    let told = own.shows("Connected").await;
    assert!(told.contains("Login & Co: ada"), "{told}");
    let sent = own.sent().await;
    let came = sent.iter().find(|sent| sent.url == address).map(|sent| &sent.cookies);
    assert_eq!(came, Some(&vec![name]), "{sent:?}");
    assert!(own.cookies().await.is_empty(), "it goes with the setup");
    assert_eq!(end(&session).await, "done ada");
    assert_eq!(labels(&registry.owner("ada").unwrap()).await, ["ada"]);
}
