//! A setup that was begun in a browser ends in that browser, and in no other.

use axum::{Router, http::StatusCode};
use connection_core::ConnectionRegistry;
use connection_inbound::{PublicUrl, setup_routes};
use serde_json::{Value, json};

use crate::{
    login::LOGIN,
    requests::{Answer, behind_proxy, get, get_with, post},
    test_host::{World, callbacks, labels, public},
};

fn setups(registry: &ConnectionRegistry, url: PublicUrl) -> Router {
    setup_routes(registry.clone(), url, |_| Ok::<_, StatusCode>("ada".to_owned()))
}

/// Begins a setup; returns the answer and the `state` of the address that is opened.
async fn begun(routes: &Router) -> (Answer, String) {
    let begun = post(routes, "/setups", &json!({ "kind": LOGIN.as_str(), "again": true }).to_string()).await;
    assert_eq!(begun.status, 201, "{begun:?}");
    let id = begun.json()["id"].as_str().unwrap().to_owned();
    let shown: Value = get(routes, &format!("/setups/{id}")).await.json();
    assert_eq!(shown["type"], "redirect", "{shown}");
    let state = shown["open"].as_str().unwrap().split_once("state=").unwrap().1.to_owned();
    (begun, state)
}

/// S4, S15, T14
#[tokio::test]
async fn a_callback_from_another_browser_is_refused_and_the_right_one_is_good_later() {
    let world = World::new().await;
    let registry = world.public().await;
    let setups = setups(&registry, public());
    let routes = callbacks(&registry);
    let (one, state) = begun(&setups).await;
    let (other, _) = begun(&setups).await;
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
    assert!(world.provider.asked().is_empty());
    let cookies = format!("theme=dark; {}; {}", other.cookie(), one.cookie());
    let taken = get_with(&routes, &path, &cookies).await;
    let told = get_with(&routes, behind_proxy(taken.location()), &cookies).await;
    assert!(told.body.contains("Connected"), "{}", told.body);
    let cleared = told.header("set-cookie");
    let (name, _) = one.cookie().split_once('=').unwrap();
    assert!(cleared.starts_with(&format!("{name}=; Max-Age=0; Path=/; Secure")), "{cleared}");
    assert_eq!(labels(&registry.owner("ada").unwrap()).await, ["ada"]);
}

/// A browser sends the cookies of many old setups first, and still finishes the setup that it has just begun.
#[tokio::test]
async fn cookies_of_old_setups_do_not_hide_the_newest() {
    let world = World::new().await;
    let registry = world.public().await;
    let (one, state) = begun(&setups(&registry, public())).await;
    let old = (0..200).map(|n| format!("__Host-connection-setup-{n}=x; ")).collect::<String>();
    let path = format!("/callback/login?code=the-code&state={state}");
    let taken = get_with(&callbacks(&registry), &path, &format!("{old}{}", one.cookie())).await;
    assert_eq!(taken.status, 303, "{taken:?}");
    let (one, state) = begun(&setups(&registry, public())).await;
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
    let (one, _) = begun(&setups(&registry, public())).await;
    let (name, rest) = one.header("set-cookie").split_once('=').unwrap();
    assert_eq!(name, format!("__Host-connection-setup-{}", one.json()["id"].as_str().unwrap()));
    let (value, attributes) = rest.split_once("; ").unwrap();
    assert!(value.len() >= 43, "256 bits: {value}");
    assert_eq!(attributes, "Max-Age=86400; Path=/; Secure; HttpOnly; SameSite=Lax");
    assert!(!one.body.contains(value));
    // Without TLS, as on loopback, the cookie has no such name.
    let routes = setups(&registry, "http://127.0.0.1:8777".parse().unwrap());
    let request = axum::http::Request::post("/setups").header("host", "127.0.0.1:8777");
    let request = request.header("content-type", "application/json");
    let body = json!({ "kind": LOGIN.as_str(), "again": true }).to_string();
    let one = crate::requests::send(&routes, request.body(body.into()).unwrap()).await;
    let cookie = one.header("set-cookie");
    assert!(cookie.starts_with("connection-setup-"), "{cookie}");
    assert!(cookie.ends_with("; Max-Age=86400; Path=/; HttpOnly; SameSite=Lax"), "{cookie}");
}

#[tokio::test]
async fn a_setup_that_is_cancelled_takes_its_cookie_back() {
    let world = World::new().await;
    let registry = world.public().await;
    let routes = setups(&registry, public());
    let (one, state) = begun(&routes).await;
    let id = one.json()["id"].as_str().unwrap().to_owned();
    let request = axum::http::Request::delete(format!("/setups/{id}")).body(axum::body::Body::empty()).unwrap();
    let cancelled = crate::requests::send(&routes, request).await;
    assert_eq!(cancelled.status, 204);
    assert!(cancelled.header("set-cookie").contains("=; Max-Age=0; "));
    assert_eq!(get(&routes, &format!("/setups/{id}")).await.json()["type"], "cancelled");
    let late = get_with(&callbacks(&registry), &format!("/callback/login?code=x&state={state}"), one.cookie()).await;
    assert_eq!(late.status, 410);
}
