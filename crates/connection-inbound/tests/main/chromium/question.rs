//! Mallory sends a victim the start address of her own setup: in a real browser, no page leads the victim on, but for
//! the button of our own page, which says that mallory receives the account.

use connection_core::{ConnectionRegistry, SetupSession, SetupStep};
use connection_faults::browser::Browser;
use connection_inbound::PublicEndpoint;

use super::site::{PROVIDER, Site};
use crate::{
    login::LOGIN,
    test_host::{PUBLIC, World, end, public, sent_to},
};

/// Begins a setup of mallory; returns it with its start address.
async fn begun(registry: &ConnectionRegistry) -> (SetupSession, String) {
    let mallory = registry.owner("mallory").unwrap();
    let session = mallory.setups().begin(&LOGIN).again().use_start_address().confirm_account().await.unwrap();
    sent_to(&session).await;
    let start = session.start_address().await.unwrap().unwrap();
    (session, start)
}

/// Asserts that the browser shows the question, and has requested nothing of the provider.
async fn is_asked(browser: &Browser, session: &SetupSession) {
    let page = browser.shows("Receives the account").await;
    assert!(page.contains("mallory") && page.contains("login.example"), "{page}");
    assert!(browser.address().await.starts_with(PUBLIC), "it is a page of ours");
    let sent = browser.sent().await;
    assert!(!sent.is_empty() && !sent.iter().any(|sent| sent.url.starts_with(PROVIDER)), "{sent:?}");
    let cookies = browser.cookies().await;
    assert_eq!(cookies, [format!("__Host-connection-question-{}", session.id())], "it has no proof");
}

#[tokio::test]
async fn a_victim_who_opens_the_start_address_of_a_strangers_setup_is_asked() {
    let world = World::new().await;
    let registry = world.public().await;
    let site = Site::of(&registry).await;
    let Some(victim) = site.browser().await else { return };
    let (session, start) = begun(&registry).await;
    // Typed, or opened from a mail.
    victim.open(&start).await;
    is_asked(&victim, &session).await;
    // A page of mallory has the address in an image and in a frame, which show nothing.
    let page = Site::page("evil.example", &start);
    victim.open(&page).await;
    victim.shows("A page").await;
    let errors = victim.errors().await;
    assert!(errors.iter().any(|error| error.contains("frame-ancestors 'none'")), "{errors:?}");
    for element in ["#link", "#post"] {
        victim.open(&page).await;
        victim.sent().await;
        victim.click(element).await;
        is_asked(&victim, &session).await;
    }
    assert!(matches!(session.current_step(), Some((_, SetupStep::Redirect { .. }))));
    assert!(world.provider.request_bodies().is_empty());
    // The control: a person who reads the page and agrees is led on by its button, under the policy of the page.
    victim.click("button").await;
    victim.click("#allow").await;
    victim.shows("One more step").await;
    let (no, step) = session.next_step().await.unwrap().unwrap();
    assert!(matches!(&step, SetupStep::Confirm { identity } if identity.label.as_str() == "ada"), "{step:?}");
    session.advance(no, &[]).await.unwrap();
    assert_eq!(end(&session).await, "done ada");
}

/// A form of the host sends its own user on; a link that somebody posted inside the host does not.
#[tokio::test]
async fn a_user_of_the_host_is_sent_on_by_its_form_and_asked_after_a_link() {
    let world = World::new().await;
    let endpoint = PublicEndpoint::new(public()).return_address("https://app.example/settings");
    let registry = world.with(endpoint).await;
    let site = Site::of(&registry).await;
    let Some(user) = site.browser().await else { return };
    let (session, start) = begun(&registry).await;
    let page = Site::page("app.example", &start);
    user.open(&page).await;
    user.sent().await;
    user.click("#link").await;
    is_asked(&user, &session).await;
    user.open(&page).await;
    user.click("#post").await;
    user.click("#allow").await;
    user.shows("One more step").await;
}
