//! A setup belongs to the browser of whoever began it: every other browser that comes to its start address is asked who
//! is to receive the account, and nothing but the button of that page, in that browser, leads it on.

use axum::{
    Router,
    body::Body,
    http::{Request, header},
};
use connection_core::{ConnectionRegistry, SetupSession, SetupStep};
use connection_faults::user_agent::question;
use connection_inbound::{LoopbackOptions, LoopbackServer, PublicEndpoint, setup_cookie};
use tokio::runtime::Handle;

use crate::{
    login::LOGIN,
    requests::{Answer, agree, behind_proxy, get, get_with, post, send},
    test_host::{World, callbacks, end, public, sent_to},
};

/// The origin of the host in these tests.
const OURS: &str = "https://host.example";

/// A setup that mallory began, and what she knows about it.
struct Setup {
    session: SetupSession,
    routes: Router,
    /// The path of the start address.
    start: String,
    /// The address of the provider.
    link: String,
}

async fn begun(registry: &ConnectionRegistry) -> Setup {
    let mallory = registry.owner("mallory").unwrap();
    let session = mallory.setups().begin(&LOGIN).again().use_start_address().confirm_account().await.unwrap();
    let link = sent_to(&session).await;
    let start = behind_proxy(&session.start_address().await.unwrap().unwrap()).to_owned();
    Setup { session, routes: callbacks(registry), start, link }
}

impl Setup {
    fn callback(&self) -> String {
        format!("/callback/login?code=the-code&state={}", self.link.split_once("state=").unwrap().1)
    }

    /// Asserts that an answer asks, and gives the browser nothing with which a callback is accepted.
    #[track_caller]
    fn asks(&self, answer: &Answer, what: &str) {
        assert_eq!((answer.status, answer.header("location"), answer.header("refresh")), (200, "", ""), "{what}");
        assert!(question(&answer.body).is_some() && answer.body.contains("mallory"), "{what}: {}", answer.body);
        let cookies: Vec<_> = answer.headers.get_all(header::SET_COOKIE).iter().collect();
        let name = format!("__Host-connection-question-{}=", self.session.id());
        assert!(cookies.len() == 1 && cookies[0].to_str().unwrap().starts_with(&name), "{what}: {cookies:?}");
        assert!(matches!(self.session.current_step(), Some((_, SetupStep::Redirect { .. }))), "{what}");
    }
}

fn visit(start: &str, headers: &[(&str, &str)]) -> Request<Body> {
    let request = headers.iter().fold(Request::get(start), |request, (name, value)| request.header(*name, *value));
    request.body(Body::empty()).unwrap()
}

/// A link in a mail, a link on another site, an address that was typed: a navigation proves nothing.
#[tokio::test]
async fn every_browser_is_asked_who_receives_the_account_the_first_one_included() {
    let world = World::new().await;
    let registry = world.public().await;
    let setup = begun(&registry).await;
    let document = [("sec-fetch-dest", "document"), ("sec-fetch-mode", "navigate")];
    for site in ["none", "cross-site", "same-site", "same-origin"] {
        let headers = [&document[..], &[("sec-fetch-site", site), ("referer", "https://app.example/")]].concat();
        setup.asks(&send(&setup.routes, visit(&setup.start, &headers)).await, site);
    }
    let asked = get(&setup.routes, &setup.start).await;
    setup.asks(&asked, "a browser that says nothing");
    assert!(asked.body.contains("Login &#38; Co") && asked.body.contains("login.example"), "{}", asked.body);
    assert!(!asked.body.contains("state"), "it names neither the state nor the address: {}", asked.body);
    let policy = asked.header("content-security-policy");
    assert!(policy.contains("frame-ancestors 'none'") && policy.contains("form-action 'self' https:;"), "{policy}");
    assert_eq!(asked.header("x-frame-options"), "DENY");
    let attributes = asked.header("set-cookie").split_once("; ").unwrap().1;
    assert_eq!(attributes, "Max-Age=3600; Path=/; Secure; HttpOnly; SameSite=Strict");
    // A callback of a browser that was asked, and has not agreed, is refused.
    assert_eq!(get_with(&setup.routes, &setup.callback(), asked.cookie()).await.status, 403);
    assert!(world.provider.request_bodies().is_empty());
    // The control: the person agrees, and the callback is accepted.
    let led = agree(&setup.routes, &setup.start).await;
    assert_eq!(led.location(), setup.link);
    assert_eq!(get_with(&setup.routes, &setup.callback(), led.cookie()).await.status, 303);
    let (no, step) = setup.session.next_step().await.unwrap().unwrap();
    assert!(matches!(step, SetupStep::Confirm { .. }), "whoever began it sees the account: {step:?}");
    setup.session.advance(no, &[]).await.unwrap();
    assert_eq!(end(&setup.session).await, "done ada");
}

#[tokio::test]
async fn the_question_names_the_owner_as_the_operator_does() {
    let world = World::new().await;
    let registry = world.public().await;
    let setup = begun(&registry).await;
    let mallory = registry.owner("mallory").unwrap();
    mallory.set_display_name(Some("Mallory <Malone>".into())).await.unwrap();
    registry.owner("other").unwrap().set_display_name(Some("Somebody else".into())).await.unwrap();
    let page = get(&setup.routes, &setup.start).await.body;
    assert!(page.contains("Mallory &#60;Malone&#62;") && !page.contains("<strong>mallory"), "{page}");
    mallory.set_display_name(None).await.unwrap();
    setup.asks(&get(&setup.routes, &setup.start).await, "without a name");
    assert!(mallory.set_display_name(Some(" \u{200b}".into())).await.is_err());
}

#[tokio::test]
async fn no_other_site_and_no_other_browser_can_press_the_button() {
    let world = World::new().await;
    let registry = world.public().await;
    let setup = begun(&registry).await;
    let other = begun(&registry).await;
    let asked = get(&setup.routes, &setup.start).await;
    let own = asked.cookie().to_owned();
    let query = question(&asked.body).unwrap().to_owned();
    let path = format!("{}{query}", setup.start);
    let asked_of_other = get(&other.routes, &other.start).await;
    let foreign = asked_of_other.cookie().to_owned();
    let foreign_query = question(&asked_of_other.body).unwrap().to_owned();
    // The value of one question with the cookie of another one, under the name of this one.
    let mixed = format!("{}={}", own.split('=').next().unwrap(), foreign.split_once('=').unwrap().1);
    let table = [
        ("another origin", post(&path, "https://evil.example", &own)),
        ("a sibling", post(&path, "https://other.host.example", &own)),
        ("another scheme", post(&path, "http://host.example", &own)),
        ("no origin", post(&path, "null", &own)),
        ("no cookie", post(&path, OURS, "")),
        ("the cookie of another question", post(&path, OURS, &foreign)),
        ("a cookie that was changed", post(&path, OURS, &mixed)),
        ("no answer", post(&setup.start, OURS, &own)),
        ("an empty answer", post(&format!("{}?answer=", setup.start), OURS, &own)),
        ("the answer to another question", post(&format!("{}{foreign_query}", setup.start), OURS, &own)),
    ];
    for (what, request) in table {
        setup.asks(&send(&setup.routes, request).await, what);
    }
    let with = async |headers: &[(&'static str, &'static str)]| {
        let mut request = post(&path, OURS, &own);
        for (name, value) in headers {
            request.headers_mut().append(*name, value.parse().unwrap());
        }
        send(&setup.routes, request).await
    };
    let document = [("sec-fetch-dest", "document"), ("sec-fetch-mode", "navigate")];
    setup.asks(&with(&[&document[..], &[("sec-fetch-site", "cross-site")]].concat()).await, "a form of another site");
    setup.asks(&with(&[&document[..], &[("sec-fetch-site", "same-site")]].concat()).await, "a form of a sibling");
    setup.asks(&with(&[("sec-fetch-dest", "iframe"), ("sec-fetch-mode", "navigate")]).await, "in a frame");
    setup.asks(&with(&[("sec-fetch-dest", "empty"), ("sec-fetch-mode", "cors")]).await, "a script");
    setup.asks(&with(&[("origin", "https://evil.example")]).await, "two origins");
    let led = with(&[&document[..], &[("sec-fetch-site", "same-origin")]].concat()).await;
    assert_eq!(led.location(), setup.link, "the control");
    // Now the address belongs to that browser, and the answer leads no other one on.
    assert_eq!(get(&setup.routes, &setup.start).await.status, 403);
    assert_eq!(send(&setup.routes, post(&path, OURS, &own)).await.status, 403);
}

/// An image or a frame on a page of another site, in the browser of whoever began the setup or in any other one.
#[tokio::test]
async fn a_part_of_another_page_becomes_no_browser_of_a_setup() {
    let world = World::new().await;
    let registry = world.with(LoopbackServer::new(Handle::current(), LoopbackOptions::new())).await;
    let session = registry.setups().begin(&LOGIN).use_start_address().await.unwrap();
    sent_to(&session).await;
    let go = session.local_start_address().await.unwrap().unwrap();
    let rest = go.strip_prefix("http://127.0.0.1:").unwrap();
    let (port, path) = rest.split_once('/').unwrap();
    let port = port.parse().unwrap();
    let asked_as = async |dest: &str, mode: &str| {
        let headers = format!("Host: 127.0.0.1:{port}\r\nSec-Fetch-Dest: {dest}\r\nSec-Fetch-Mode: {mode}");
        let request = format!("GET /{path} HTTP/1.1\r\n{headers}\r\nSec-Fetch-Site: cross-site\r\n\r\n");
        crate::loopback::sent((std::net::Ipv4Addr::LOCALHOST, port).into(), request).await
    };
    for (dest, mode) in [("image", "no-cors"), ("iframe", "navigate"), ("empty", "cors"), ("object", "navigate")] {
        let (status, answer) = asked_as(dest, mode).await;
        assert!(status == 200 && question(&answer).is_some(), "{dest}: {answer}");
        assert!(!answer.contains("connection-setup-"), "{dest}: {answer}");
    }
    // The control: the address that this program opens in a browser of this machine leads on without a question.
    let (status, answer) = asked_as("document", "navigate").await;
    assert!(status == 303 && answer.contains("set-cookie: connection-setup-"), "{answer}");
    let (status, _) = asked_as("document", "navigate").await;
    assert_eq!(status, 403, "the first browser, and no other");
}

/// The address without a question is for the browser of this machine alone.
#[tokio::test]
async fn an_address_that_other_machines_reach_always_asks() {
    let world = World::new().await;
    let registry = world.public().await;
    let setup = begun(&registry).await;
    let local = setup.session.local_start_address().await.unwrap();
    assert_eq!(local, setup.session.start_address().await.unwrap());
    let loopback = world.with(LoopbackServer::new(Handle::current(), LoopbackOptions::new())).await;
    let session = loopback.setups().begin(&LOGIN).use_start_address().await.unwrap();
    sent_to(&session).await;
    let (local, start) = (session.local_start_address().await.unwrap(), session.start_address().await.unwrap());
    assert_ne!(local, start, "the control");
}

#[tokio::test]
async fn a_browser_that_shows_the_setup_goes_on_and_takes_the_place_of_any_other() {
    let world = World::new().await;
    let registry = world.public().await;
    let setup = begun(&registry).await;
    let elsewhere = agree(&setup.routes, &setup.start).await;
    assert_eq!(get(&setup.routes, &setup.start).await.status, 403);
    let cookie = setup_cookie(&setup.session.read().await.unwrap().unwrap()).unwrap();
    let (proof, attributes) = cookie.to_str().unwrap().split_once("; ").unwrap();
    assert_eq!(attributes, "Max-Age=86400; Path=/; Secure; HttpOnly; SameSite=Lax");
    assert!(proof.starts_with(&format!("__Host-connection-setup-{}=", setup.session.id())), "{proof}");
    let framed = [("sec-fetch-dest", "iframe"), ("sec-fetch-mode", "navigate"), ("cookie", proof)];
    setup.asks(&send(&setup.routes, visit(&setup.start, &framed)).await, "in a frame");
    let led = get_with(&setup.routes, &setup.start, proof).await;
    assert_eq!((led.location(), led.header("set-cookie")), (&*setup.link, ""));
    assert_eq!(get_with(&setup.routes, &setup.callback(), elsewhere.cookie()).await.status, 403, "it was replaced");
    assert_eq!(get_with(&setup.routes, &setup.start, elsewhere.cookie()).await.status, 403);
    let other = begun(&registry).await;
    other.asks(&get_with(&other.routes, &other.start, proof).await, "the proof of another setup");
    assert_eq!(get_with(&setup.routes, &setup.callback(), proof).await.status, 303);
}

/// A page of the host begins setups for its own users. A link that somebody posted inside the host has the same origin
/// as that page, so a navigation by GET proves nothing.
#[tokio::test]
async fn a_hosts_own_user_comes_without_the_question_by_a_form_of_the_host_alone() {
    let world = World::new().await;
    let endpoint = PublicEndpoint::new(public()).return_address("https://app.example:8443/settings");
    let registry = world.with(endpoint).await;
    let setup = begun(&registry).await;
    let from = |origin: &str, dest: &str, mode: &str| {
        let mut request = post(&setup.start, origin, "");
        for (name, value) in [("sec-fetch-dest", dest), ("sec-fetch-mode", mode), ("sec-fetch-site", "cross-site")] {
            request.headers_mut().insert(name, value.parse().unwrap());
        }
        request
    };
    let host = "https://app.example:8443";
    let link = [("sec-fetch-dest", "document"), ("sec-fetch-mode", "navigate"), ("sec-fetch-site", "cross-site")];
    let link = [&link[..], &[("referer", "https://app.example:8443/settings"), ("origin", host)]].concat();
    for (what, request) in [
        ("a link inside the host", visit(&setup.start, &link)),
        ("another port", from("https://app.example", "document", "navigate")),
        ("another host", from("https://evil.example", "document", "navigate")),
        ("a hidden origin", from("null", "document", "navigate")),
        ("a frame of the host", from(host, "iframe", "navigate")),
        ("a script of the host", from(host, "empty", "cors")),
        ("a browser that does not say how", post(&setup.start, host, "")),
    ] {
        setup.asks(&send(&setup.routes, request).await, what);
    }
    let led = send(&setup.routes, from(host, "document", "navigate")).await;
    assert_eq!(led.location(), setup.link, "the control");
    assert_eq!(get_with(&setup.routes, &setup.callback(), led.cookie()).await.status, 303);
    // The control: a host that names no such address asks the users of all pages.
    let registry = world.public().await;
    let setup = begun(&registry).await;
    let mut request = post(&setup.start, host, "");
    request.headers_mut().insert("sec-fetch-dest", "document".parse().unwrap());
    request.headers_mut().insert("sec-fetch-mode", "navigate".parse().unwrap());
    setup.asks(&send(&setup.routes, request).await, "no address is configured");
}
