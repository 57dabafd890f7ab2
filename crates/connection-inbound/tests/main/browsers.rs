//! A setup whose start address led a browser on ends in that browser, and in no other.

use connection_core::{ConnectionRegistry, SetupSession};

use crate::{
    login::LOGIN,
    requests::{Answer, agree, behind_proxy, get_with},
    test_host::{World, callbacks, end, labels, state},
};

/// Begins a setup and opens its start address; returns it, the answer to the browser, and the `state` of the setup.
async fn begun(registry: &ConnectionRegistry) -> (SetupSession, Answer, String) {
    let session = registry.setups().begin(&LOGIN).again().use_start_address().await.unwrap();
    let state = state(&session).await;
    let start = session.start_address().await.unwrap().unwrap();
    let led = agree(&callbacks(registry), behind_proxy(&start)).await;
    assert!(led.location().ends_with(&state), "{led:?}");
    (session, led, state)
}

/// S4, S15, T14
#[tokio::test]
async fn a_callback_from_another_browser_is_refused_and_the_right_one_is_good_later() {
    let world = World::new().await;
    let registry = world.public().await;
    let routes = callbacks(&registry);
    let (session, one, state) = begun(&registry).await;
    let (_other_session, other, _) = begun(&registry).await;
    let path = format!("/callback/login?code=the-code&state={state}");
    let swapped = {
        let (name, _) = one.cookie().split_once('=').unwrap();
        let (_, value) = other.cookie().split_once('=').unwrap();
        format!("{name}={value}")
    };
    let plain = one.cookie().trim_start_matches("__Host-").to_owned();
    for foreign in ["", other.cookie(), &swapped, &plain, "__Host-connection-setup-x=", "a=b; c"] {
        let refused = get_with(&routes, &path, foreign).await;
        assert_eq!(refused.status, 403, "{foreign}");
        assert!(refused.body.contains("Another browser"));
    }
    assert!(world.provider.request_bodies().is_empty());
    let cookies = format!("theme=dark; {}; {}", other.cookie(), one.cookie());
    let taken = get_with(&routes, &path, &cookies).await;
    let page = get_with(&routes, behind_proxy(taken.location()), &cookies).await;
    assert!(page.body.contains("Connected"), "{}", page.body);
    let cleared = page.header("set-cookie");
    let (name, _) = one.cookie().split_once('=').unwrap();
    assert!(cleared.starts_with(&format!("{name}=; Max-Age=0; Path=/; Secure")), "{cleared}");
    assert_eq!(end(&session).await, "done ada");
    assert_eq!(labels(&registry).await, ["ada"]);
}

/// A browser sends the cookies of many old setups first, and still finishes the setup that it has just begun.
#[tokio::test]
async fn cookies_of_old_setups_do_not_hide_the_newest() {
    let world = World::new().await;
    let registry = world.public().await;
    let (_session, one, state) = begun(&registry).await;
    let old = (0..200).map(|n| format!("__Host-connection-setup-{n}=x; ")).collect::<String>();
    let path = format!("/callback/login?code=the-code&state={state}");
    let taken = get_with(&callbacks(&registry), &path, &format!("{old}{}", one.cookie())).await;
    assert_eq!(taken.status, 303, "{taken:?}");
    let (_session, one, state) = begun(&registry).await;
    let path = format!("/callback/login?code=the-code&state={state}");
    let hidden =
        get_with(&callbacks(&registry), &path, &format!("{}; {}", one.cookie(), old.trim_end_matches("; "))).await;
    assert_eq!(hidden.status, 403, "no more are looked at");
}

/// S4: only this host can set the cookie, no script can read it, and another site's request carries it only on the
/// way back.
#[tokio::test]
async fn the_cookie_of_a_setup_is_this_hosts_and_of_this_setup_alone() {
    let world = World::new().await;
    let registry = world.public().await;
    let (session, one, _) = begun(&registry).await;
    let (name, rest) = one.header("set-cookie").split_once('=').unwrap();
    assert_eq!(name, format!("__Host-connection-setup-{}", session.id()));
    let (value, attributes) = rest.split_once("; ").unwrap();
    assert!(value.len() >= 43, "256 bits: {value}");
    assert_eq!(attributes, "Max-Age=86400; Path=/; Secure; HttpOnly; SameSite=Lax");
    assert!(!one.body.contains(value));
}

#[tokio::test]
async fn the_cookie_of_a_setup_that_was_cancelled_opens_nothing() {
    let world = World::new().await;
    let registry = world.public().await;
    let (session, one, state) = begun(&registry).await;
    session.cancel().await.unwrap();
    let late = get_with(&callbacks(&registry), &format!("/callback/login?code=x&state={state}"), one.cookie()).await;
    assert_eq!(late.status, 410);
    assert!(world.provider.request_bodies().is_empty());
}
