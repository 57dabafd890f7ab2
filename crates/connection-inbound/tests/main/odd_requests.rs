//! Requests that no browser sends: each is answered, none ends a setup, and the right callback is accepted afterwards.

use axum::{
    Router,
    body::Body,
    http::{Method, Request},
};
use connection_core::SetupStep;

use crate::{
    login::LOGIN,
    requests::{get, send},
    test_host::{World, begun, callbacks, end},
};

async fn status(routes: &Router, method: &str, path: &str) -> u16 {
    let method: Method = method.parse().unwrap();
    let Ok(request) = Request::builder().method(method).uri(path).body(Body::from("code=x")) else { return 0 };
    let answer = send(routes, request).await;
    assert!(answer.headers.get("location").is_none() && answer.headers.get("set-cookie").is_none(), "{path}");
    answer.status
}

/// R-INSEAM-086, Q35, T16, T27
#[tokio::test]
async fn an_odd_request_is_refused_and_ends_no_setup() {
    let world = World::new().await;
    let registry = world.public().await;
    let routes = callbacks(&registry);
    let (session, state) = begun(&registry, &LOGIN).await;
    let long = "x".repeat(33 << 10);
    let many = "&a".repeat(1001);
    let table = [
        ("HEAD", format!("/callback/login?code=x&state={state}"), 405),
        ("POST", format!("/callback/login?code=x&state={state}"), 405),
        ("PUT", format!("/callback/login?code=x&state={state}"), 405),
        ("DELETE", format!("/callback/login?code=x&state={state}"), 405),
        ("OPTIONS", format!("/callback/login?code=x&state={state}"), 405),
        ("PROPFIND", format!("/callback/login?code=x&state={state}"), 405),
        ("HEAD", "/callback/login/done".to_owned(), 405),
        ("GET", "/callback/login".to_owned(), 404),
        ("GET", "/callback/login?".to_owned(), 404),
        ("GET", "/callback/login?state".to_owned(), 404),
        ("GET", "/callback/login?code=x&state=".to_owned(), 404),
        ("GET", format!("/callback/login?code=x&state={}", state.to_ascii_uppercase()), 404),
        ("GET", format!("/callback/login?code=x&state={state}x"), 404),
        ("GET", format!("/callback/login?code=x&state=+{state}"), 404),
        ("GET", format!("/callback/login?code=x&STATE={state}"), 404),
        ("GET", format!("/callback/login?code=x&state[]={state}"), 404),
        ("GET", format!("/callback/login?code=a&code=b&state={state}"), 400),
        ("GET", format!("/callback/login?code=a&%63ode=b&state={state}"), 400),
        ("GET", format!("/callback/login?code=x&state={state}&state=%ff"), 400),
        ("GET", format!("/callback/login?state=forged&code=x&state={state}"), 400),
        ("GET", format!("/callback/login?code={long}&state={state}"), 400),
        ("GET", format!("/callback/login?state={state}{many}"), 400),
        ("GET", format!("/callback/Login?code=x&state={state}"), 404),
        ("GET", format!("/callback/lo%67in%00?code=x&state={state}"), 404),
        ("GET", format!("/callback/%ff?code=x&state={state}"), 404),
        ("GET", "/callback/%ff/done?ref=x".to_owned(), 404),
        ("GET", format!("/callback/%2e%2e?code=x&state={state}"), 404),
        ("GET", format!("/callback/{}?code=x&state={state}", "k".repeat(65)), 404),
        ("GET", format!("/callback/unknown?code=x&state={state}"), 404),
        ("GET", format!("/callback/?code=x&state={state}"), 404),
        ("GET", format!("/callback/login/?code=x&state={state}"), 404),
        ("GET", format!("/callback/login/more?code=x&state={state}"), 404),
        ("GET", format!("/callback?code=x&state={state}"), 404),
        ("GET", format!("//callback/login?code=x&state={state}"), 404),
        ("GET", "/favicon.ico".to_owned(), 404),
        ("GET", "/callback/-/proof?challenge=".to_owned(), 404),
        ("GET", "/callback/-/proof?challenge=a%20b".to_owned(), 404),
        ("GET", format!("/callback/-/proof?challenge={}", "c".repeat(65)), 404),
        ("POST", "/callback/-/proof?challenge=c".to_owned(), 404),
    ];
    for (method, path, expected) in table {
        assert_eq!(status(&routes, method, &path).await, expected, "{method} {path}");
        assert!(matches!(session.current_step(), Some((_, SetupStep::Redirect { .. }))), "{method} {path}");
    }
    assert!(world.provider.request_bodies().is_empty());
    // T16: the same holds for any number of them.
    for number in 0..1000 {
        assert_eq!(status(&routes, "GET", &format!("/callback/login?error=no&state={number}")).await, 404);
    }
    let taken = get(&routes, &format!("/callback/login?code=the+code%21&state={state}&scope=a%20b&iss=")).await;
    assert_eq!(taken.status, 303, "the control");
    assert_eq!(end(&session).await, "done ada");
    assert_eq!(world.provider.request_bodies(), ["code=the%20code%21"]);
}

/// A provider may add what it likes to a callback, in any encoding.
#[tokio::test]
async fn a_parameter_that_nothing_reads_may_be_anything() {
    let many = "a=1&".repeat(120);
    for odd in [
        "user_name=Jos%E9",
        "promo=100%",
        "x=%zz",
        "x=%00",
        "%ff=x",
        "&&",
        "code=x",
        "iss=a&iss=a",
        "a=%ff&a=%fe",
        many.as_str(),
    ] {
        let world = World::new().await;
        let registry = world.public().await;
        let (session, state) = begun(&registry, &LOGIN).await;
        let path = format!("/callback/login?code=x&{odd}&state={state}&state={state}");
        assert_eq!(get(&callbacks(&registry), &path).await.status, 303, "{odd}");
        assert_eq!(end(&session).await, "done ada", "{odd}");
        assert_eq!(world.provider.request_bodies(), ["code=x"], "{odd}");
    }
}

/// The setup is told of a refusal, whatever the encoding of its words.
#[tokio::test]
async fn a_refusal_in_another_encoding_ends_its_setup() {
    let world = World::new().await;
    let registry = world.public().await;
    let (session, state) = begun(&registry, &LOGIN).await;
    let path = format!("/callback/login?error=access_denied&error_description=f%FCr&state={state}");
    assert_eq!(get(&callbacks(&registry), &path).await.status, 303);
    assert_eq!(end(&session).await, "access_denied");
}
