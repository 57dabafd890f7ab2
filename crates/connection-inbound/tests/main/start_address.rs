//! A browser is led to the provider by a start address, and a callback is accepted only from that browser, even if
//! another browser knows the `state`.

use std::net::{Ipv4Addr, SocketAddr};

use connection_core::{ConnectionRegistry, SetupSession, SetupStep};
use connection_faults::user_agent::question;
use connection_inbound::{LoopbackOptions, LoopbackServer};
use tokio::runtime::Handle;

use crate::{
    login::LOGIN,
    loopback::{get, get_with, sent},
    requests::{self, behind_proxy},
    test_host::{World, callbacks, end, labels, sent_to},
};

fn server() -> LoopbackServer {
    LoopbackServer::new(Handle::current(), LoopbackOptions::new())
}

/// Returns a test host whose provider assigns the code `evil` to another person's account.
async fn world() -> World {
    let world = World::new().await;
    world.provider.answers_as(|body| match body.contains("evil") {
        true => (200, r#"{"id":"666","name":"mallory"}"#.to_owned()),
        false => (200, r#"{"id":"1","name":"ada"}"#.to_owned()),
    });
    world
}

/// The provider's address to which a setup sends the browser, which every user of the machine may read, and the parts
/// of it that matter to an attacker.
struct Known {
    link: String,
    port: u16,
    state: String,
}

async fn known(session: &SetupSession) -> Known {
    let link = sent_to(session).await;
    let (uri, state) = link.split_once("redirect_uri=").unwrap().1.split_once("&state=").unwrap();
    let uri = connection_contract::encode::from_percent(uri).unwrap();
    let port = uri.strip_prefix("http://127.0.0.1:").unwrap().strip_suffix("/callback/login").unwrap();
    Known { port: port.parse().unwrap(), state: state.to_owned(), link }
}

impl Known {
    fn callback(&self, code: &str) -> String {
        format!("/callback/login?code={code}&state={}", self.state)
    }
}

/// Returns the path of the start address.
async fn lead(session: &SetupSession, port: u16) -> String {
    let address = session.start_address().await.unwrap().unwrap();
    address.strip_prefix(&format!("http://127.0.0.1:{port}")).unwrap().to_owned()
}

/// Opens a start address as a person who agrees to continue; returns the answer to the button.
async fn agree(port: u16, go: &str) -> (u16, String) {
    let (_, asked) = get(port, go).await;
    let query = question(&asked).unwrap_or_else(|| panic!("it does not ask: {asked}"));
    let headers = format!("Host: 127.0.0.1:{port}\r\nOrigin: http://127.0.0.1:{port}\r\nCookie: {}", cookie(&asked));
    sent((Ipv4Addr::LOCALHOST, port).into(), format!("POST {go}{query} HTTP/1.1\r\n{headers}\r\nContent-Length: 0\r\n\r\n")).await
}

fn header<'a>(answer: &'a str, name: &str) -> Option<&'a str> {
    answer.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(": "))
}

/// Returns the cookie of an answer, as a browser sends it back.
fn cookie(answer: &str) -> &str {
    header(answer, "set-cookie").unwrap().split(';').next().unwrap()
}

async fn begun(registry: &ConnectionRegistry) -> SetupSession {
    registry.setups().begin(&LOGIN).again().use_start_address().await.unwrap()
}

/// RFC 9700, section 4.7
#[tokio::test]
async fn a_code_of_somebody_else_is_not_taken_though_its_state_is_right() {
    let world = world().await;
    let registry = world.with(server()).await;
    let session = begun(&registry).await;
    let known = known(&session).await;
    let port = known.port;
    let forged = format!("connection-setup-{}=x", session.id());
    // The attack is tried before a browser has opened the start address, and afterwards.
    let attacked = async || {
        let empty = format!("connection-setup-{}=", session.id());
        for cookie in ["a=b", forged.as_str(), empty.as_str()] {
            let (status, page) = get_with(port, &known.callback("evil"), cookie).await;
            assert_eq!(status, 403, "{cookie}: {page}");
            assert!(page.contains("did not come from the browser") && !page.contains(&known.state), "{page}");
        }
        let (status, page) = get(port, &known.callback("evil")).await;
        assert_eq!(status, 403, "{page}");
        let path = header(&page, "refresh").unwrap().rsplit_once(&format!(":{port}")).unwrap().1.to_owned();
        let (status, page) = get(port, &path).await;
        assert_eq!(status, 403);
        assert!(page.contains("did not come from the browser"), "{page}");
    };
    attacked().await;
    let go = lead(&session, port).await;
    let (status, led) = agree(port, &go).await;
    assert_eq!((status, header(&led, "location")), (303, Some(known.link.as_str())), "{led}");
    attacked().await;
    assert!(world.provider.request_bodies().is_empty(), "the plugin saw nothing");
    assert!(matches!(session.current_step(), Some((_, SetupStep::Redirect { .. }))), "it waits");
    let (status, answer) = get_with(port, &known.callback("mine"), cookie(&led)).await;
    assert_eq!(status, 303, "{answer}");
    assert_eq!(end(&session).await, "done ada");
    assert_eq!(labels(&registry).await, ["ada"]);
    assert_eq!(world.provider.request_bodies().len(), 1);
}

/// The control: without a start address, the same code is accepted.
#[tokio::test]
async fn without_a_led_browser_a_code_of_somebody_else_is_taken() {
    let world = world().await;
    let registry = world.with(server()).await;
    let session = registry.setups().begin(&LOGIN).await.unwrap();
    let known = known(&session).await;
    assert_eq!(session.start_address().await.unwrap(), None);
    assert_eq!(get(known.port, &known.callback("evil")).await.0, 303);
    assert_eq!(end(&session).await, "done mallory");
}

#[tokio::test]
async fn a_browser_that_was_led_may_reload_and_every_other_one_is_told_so() {
    let world = world().await;
    let registry = world.with(server()).await;
    let session = begun(&registry).await;
    let known = known(&session).await;
    let port = known.port;
    let go = lead(&session, port).await;
    assert_eq!(lead(&session, port).await, go, "it stays the same");
    // A HEAD, another method or a POST that answers no question does not use the address up.
    let local: SocketAddr = (Ipv4Addr::LOCALHOST, port).into();
    for (method, status) in [("HEAD", 405), ("PUT", 405), ("POST", 200)] {
        let request = format!("{method} {go} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nContent-Length: 0\r\n\r\n");
        assert_eq!(sent(local, request).await.0, status, "{method}");
    }
    let other_host = format!("GET {go} HTTP/1.1\r\nHost: evil.example\r\n\r\n");
    assert_eq!(sent(local, other_host).await.0, 421);
    let (_, led) = agree(port, &go).await;
    let attributes = header(&led, "set-cookie").unwrap().split_once("; ").unwrap().1;
    assert_eq!(attributes, "Max-Age=86400; Path=/callback/login; HttpOnly; SameSite=Lax");
    assert!(cookie(&led).starts_with(&format!("connection-setup-{}=", session.id())));
    assert_eq!(
        (header(&led, "referrer-policy"), header(&led, "cache-control")),
        (Some("no-referrer"), Some("no-store"))
    );
    let (status, again) = get_with(port, &go, cookie(&led)).await;
    assert_eq!((status, header(&again, "location")), (303, Some(known.link.as_str())));
    assert_eq!(header(&again, "set-cookie"), None, "it has the cookie");
    for foreign in ["a=b".to_owned(), format!("connection-setup-{}=x", session.id())] {
        let (status, page) = get_with(port, &go, &foreign).await;
        assert_eq!(status, 403);
        assert!(page.contains("Another browser has already opened this address"), "{page}");
        assert!(!page.contains(&known.state) && !page.contains("authorize"), "{page}");
        assert_eq!((header(&page, "location"), header(&page, "set-cookie")), (None, None));
    }
    let (status, answer) = get_with(port, &known.callback("mine"), cookie(&led)).await;
    assert_eq!(status, 303, "{answer}");
    assert_eq!(end(&session).await, "done ada");
    // A browser removes the cookie only with the path that it was set for.
    let done = header(&answer, "location").unwrap().rsplit_once(&format!(":{port}")).unwrap().1.to_owned();
    let (_, page) = get_with(port, &done, cookie(&led)).await;
    assert!(page.contains("Connected") && page.contains("=; Max-Age=0; Path=/callback/login; HttpOnly"), "{page}");
    assert_eq!(get_with(port, &go, cookie(&led)).await.0, 404, "it has ended");
}

#[tokio::test]
async fn an_address_that_was_not_given_out_leads_nowhere() {
    let world = world().await;
    let registry = world.with(server()).await;
    let session = begun(&registry).await;
    let other = begun(&registry).await;
    let known = known(&session).await;
    // The second setup may be given another port.
    let port_of_other = self::known(&other).await.port;
    let port = known.port;
    let go = lead(&session, port).await;
    let (kind, token) = go.rsplit_once('/').unwrap();
    let of_other = lead(&other, port_of_other).await;
    let of_other = of_other.rsplit_once('/').unwrap().1;
    // The id of one session is combined with the secret of the other.
    let mixed = format!("{}{}", &token[..22], &of_other[22..]);
    let changed = format!("{}{}", &token[..42], if token.ends_with('A') { "E" } else { "A" });
    for token in ["", "x", &token[..42], &mixed, &changed, &format!("{token}A"), &session.id().to_string()] {
        assert_eq!(get(port, &format!("{kind}/{token}")).await.0, 404, "{token}");
    }
    assert_eq!(get(port, &go.replace("login", "other-login")).await.0, 404);
    assert_eq!(agree(port, &go).await.0, 303, "the control");
}

#[tokio::test]
async fn a_browser_is_led_and_known_in_another_process() {
    let world = world().await;
    let registry = world.public().await;
    let other = world.public().await;
    let session = begun(&registry).await;
    let link = sent_to(&session).await;
    let state = link.split_once("&state=").unwrap().1;
    let address = session.start_address().await.unwrap().unwrap();
    let routes = callbacks(&registry);
    let elsewhere = callbacks(&other);
    let led = requests::agree(&elsewhere, behind_proxy(&address)).await;
    assert_eq!(led.location(), link);
    let set = led.header("set-cookie").to_owned();
    assert!(set.starts_with(&format!("__Host-connection-setup-{}=", session.id())), "{set}");
    assert!(set.ends_with("; Max-Age=86400; Path=/; Secure; HttpOnly; SameSite=Lax"), "{set}");
    assert_eq!(requests::get(&routes, behind_proxy(&address)).await.status, 403, "one browser in all processes");
    let path = format!("/callback/login?code=mine&state={state}");
    let foreign = path.replace("mine", "evil");
    assert_eq!(requests::get(&routes, &foreign).await.status, 403);
    assert_eq!(requests::get_with(&routes, &path, led.cookie()).await.status, 303);
    assert_eq!(end(&session).await, "done ada");
}

/// A re-authorization uses a start address, and so does a setup for which only the resuming command requests one.
#[tokio::test]
async fn a_reauthorization_and_a_resumed_setup_are_led_as_well() {
    let world = world().await;
    let registry = world.with(server()).await;
    let session = registry.setups().begin(&LOGIN).await.unwrap();
    let first = known(&session).await;
    session.use_start_address().await.unwrap();
    assert_eq!(get(first.port, &first.callback("evil")).await.0, 403);
    let (_, led) = agree(first.port, &lead(&session, first.port).await).await;
    assert_eq!(get_with(first.port, &first.callback("mine"), cookie(&led)).await.0, 303);
    assert_eq!(end(&session).await, "done ada");
    let connection = registry.list_connections(connection_core::Filter::new()).await.unwrap().items[0].id;
    let connection = registry.connection(connection).await.unwrap();
    let again = connection.reauthorize().another_account().use_start_address().await.unwrap();
    let second = known(&again).await;
    assert_eq!(get_with(second.port, &second.callback("evil"), cookie(&led)).await.0, 403, "a cookie of another setup");
    let (_, led) = agree(second.port, &lead(&again, second.port).await).await;
    assert_eq!(get_with(second.port, &second.callback("mine"), cookie(&led)).await.0, 303);
    assert_eq!(end(&again).await, "done ada");
    // A setup of a page stays bound to the page's browser.
    let bound = registry.setups().begin(&LOGIN).again().browser("page".into()).use_start_address().await.unwrap();
    known(&bound).await;
    bound.use_start_address().await.unwrap();
    assert_eq!(bound.start_address().await.unwrap(), None);
}

#[tokio::test]
async fn a_page_tells_that_an_account_is_to_be_confirmed() {
    let world = world().await;
    let registry = world.public().await;
    let session = registry.setups().begin(&LOGIN).confirm_account().await.unwrap();
    let state = crate::test_host::state(&session).await;
    let routes = callbacks(&registry);
    let taken = requests::get(&routes, &format!("/callback/login?code=mine&state={state}")).await;
    let page = requests::get(&routes, behind_proxy(taken.location())).await;
    assert!(page.body.contains("One more step") && page.body.contains("Login &#38; Co: ada"), "{}", page.body);
    assert_eq!(page.header("refresh"), "", "nothing more comes here");
    let (no, step) = session.next_step().await.unwrap().unwrap();
    assert!(matches!(&step, SetupStep::Confirm { identity } if identity.label.as_str() == "ada"), "{step:?}");
    assert!(labels(&registry).await.is_empty());
    session.advance(no, &[]).await.unwrap();
    assert_eq!(end(&session).await, "done ada");
}
