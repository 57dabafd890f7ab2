//! Applications that register themselves (RFC 7591), each for one endpoint and one redirect address.

use connection_contract::prelude::*;
use connection_oauth2::{Account, CLIENT_KEY, Client, Endpoint, Grant, OAuth2, OAuth2Builder, OAuth2Config};
use connection_testkit::{Expected, FakeHost, Input, Reply};

use crate::{CALLBACK, ID, SECRET, acme, back, client::block_on, fields, form, host, kind, me, redeem, renew, tokens};

const REGISTER: &str = "https://id.acme.example/register";

fn builder() -> OAuth2Builder {
    acme().client(Client::Registered).endpoint(Endpoint::Registration, REGISTER)
}

fn register() -> Expected {
    Expected::post(REGISTER).no_redirect()
}

fn made(id: &str, secret: &str, more: &str) -> Reply {
    Reply::json(201, &format!(r#"{{"client_id": "{id}", "client_secret": "{secret}"{more}}}"#))
}

fn invalid_client() -> Reply {
    Reply::json(401, r#"{"error": "invalid_client"}"#)
}

fn is_kept(host: &FakeHost<OAuth2>) -> bool {
    let kept = host.kv().expect("a store").get_secret(CLIENT_KEY);
    block_on(kept).expect("it can be read").is_some()
}

/// An application registers itself once for each redirect address.
#[test]
fn an_application_registers_itself_once() {
    let registration = register().json(&format!(
        r#"{{"application_type": "web", "client_name": "Connections", "redirect_uris": ["{CALLBACK}"], "grant_types": ["authorization_code", "refresh_token"], "response_types": ["code"], "token_endpoint_auth_method": "client_secret_post", "scope": "read"}}"#
    ));
    let host = host(builder())
        .expect(registration.answer(made(ID, SECRET, "")))
        .expect(redeem().form(&fields(&form())).answer(tokens()))
        .expect(me())
        .expect(redeem().form(&fields(&form())).answer(tokens()))
        .expect(me());
    host.setup([back()]).run().expect("a connection");
    host.setup([back()]).run().expect("a connection");
}

/// An application registers only for what it will use: servers refuse response types without their grant.
#[test]
fn an_application_registers_for_the_ways_that_are_offered() {
    let device = "urn:ietf:params:oauth:grant-type:device_code";
    let registration = |at: &str, grants: &str, responses: &str| {
        let form = if at.starts_with("http:") { "native" } else { "web" };
        register().json(&format!(
            r#"{{"application_type": "{form}", "client_name": "Connections", "redirect_uris": ["{at}"], "grant_types": [{grants}, "refresh_token"], "response_types": [{responses}], "token_endpoint_auth_method": "client_secret_post", "scope": "read"}}"#
        ))
    };
    let codes = Reply::json(
        200,
        r#"{"device_code": "d", "user_code": "W", "verification_uri": "https://id.acme.example/a", "expires_in": 60}"#,
    );
    let at = "https://id.acme.example/device";
    let both = host(builder().endpoint(Endpoint::Device, at))
        .expect(
            registration(CALLBACK, &format!(r#""authorization_code", "{device}""#), r#""code""#)
                .answer(made(ID, SECRET, "")),
        )
        .expect(Expected::post(at).answer(codes))
        .expect(redeem().answer(tokens()))
        .expect(me());
    both.setup([back()]).run().expect("a connection");
    let alone = host(builder().grant(Grant::DeviceCode).endpoint(Endpoint::Device, at));
    let refused = Reply::json(400, r#"{"error": "invalid_client_metadata"}"#);
    let alone = alone.expect(registration("http://127.0.0.1/callback", &format!(r#""{device}""#), "").answer(refused));
    assert_eq!(alone.setup([]).run().expect_err("refused").code, "acme_refused");
}

/// At another redirect address the application registers again; an older connection is refreshed with its own
/// registration.
#[test]
fn a_connection_keeps_the_application_that_registered_for_it() {
    let first =
        host(builder()).expect(register().answer(made(ID, SECRET, ""))).expect(redeem().answer(tokens())).expect(me());
    let old = first.setup([back()]).run().expect("a connection");
    let other = FakeHost::new(kind(builder())).inbound_http("http://127.0.0.1:5/callback/acme").key_value();
    let other = other.expect(register().answer(made("second", "second-secret-99", "")));
    let other = other.expect(redeem().answer(tokens())).expect(me());
    other.setup([back()]).run().expect("a connection");
    let other = other.expect(renew().answer(tokens()));
    other.refresh(&old.credential, &other.connection(&old)).expect("it is renewed");
}

/// An application that one server registered is never sent to another: neither its id nor its secret.
#[test]
fn an_application_is_used_where_it_registered_and_nowhere_else() {
    let builder = OAuth2Config::builder(Kind::from_static("desk"), "Desk")
        .api("https://${config.site}.desk.example")
        .endpoint(Endpoint::Authorize, "https://${config.site}.desk.example/authorize")
        .endpoint(Endpoint::Token, "https://${config.site}.desk.example/token")
        .endpoint(Endpoint::Registration, "https://${config.site}.desk.example/register")
        .field(Field::text("site", "Site"))
        .client(Client::Registered)
        .account(Account::probe("/me", "/id", "/name"));
    let host = host(builder);
    let at = |site: &str, path: &str| format!("https://{site}.desk.example/{path}");
    let connect = |host: FakeHost<OAuth2>, site: &str, id: &str, registers: bool| {
        let host = match registers {
            true => host.expect(Expected::post(&at(site, "register")).answer(made(id, SECRET, ""))),
            false => host,
        };
        let mut form = form();
        form.retain(|(name, _)| *name != "client_id");
        form.push(("client_id", id.to_owned()));
        let host = host.expect(Expected::post(&at(site, "token")).form(&fields(&form)).answer(tokens()));
        let me = Reply::json(200, r#"{"id": "42", "name": "Ada"}"#);
        let host = host.expect(Expected::get(&at(site, "me")).answer(me));
        host.setup([Input::answers(&[("site", site)]), back()]).run().expect("a connection");
        host
    };
    let host = connect(host, "one", "id-of-one", true);
    let host = connect(host, "two", "id-of-two", true);
    connect(host, "two", "id-of-two", false);
}

/// RFC 7591, section 3.2.1: a secret is not used after it expires; zero means that it does not expire.
#[test]
fn an_application_whose_secret_has_lapsed_is_registered_anew() {
    for (end, registers) in [(60, true), (100_000, false), (i64::MIN, false)] {
        let at = if end == i64::MIN { 0 } else { crate::NOW + end };
        let answer = made(ID, SECRET, &format!(r#", "client_secret_expires_at": {at}"#));
        let host = host(builder()).expect(register().answer(answer)).expect(redeem().answer(tokens())).expect(me());
        host.setup([back()]).run().expect("a connection");
        let later = host.now().after(3600);
        let host = host.at(later);
        let host = if registers { host.expect(register().answer(made(ID, SECRET, ""))) } else { host };
        let host = host.expect(redeem().answer(tokens())).expect(me());
        host.setup([back()]).run().expect("a connection");
    }
}

/// A page from a proxy says nothing about the application: it is kept, and the refresh is tried again.
#[test]
fn a_bare_refusal_forgets_no_application() {
    let bare = || renew().answer(Reply::text(401, "<html>no</html>"));
    let host = host(builder()).expect(register().answer(made(ID, SECRET, "")));
    let host = host.expect(redeem().answer(tokens())).expect(me()).expect(bare()).expect(renew().answer(tokens()));
    let made = host.setup([back()]).run().expect("a connection");
    let Err(ConnectionError::NotLive(found)) = host.refresh(&made.credential, &host.connection(&made)) else {
        panic!("it is not live")
    };
    assert_eq!((found.liveness, &*found.reason.code), (Liveness::Offline, reason::PROVIDER_ERROR));
    assert!(is_kept(&host));
    host.refresh(&made.credential, &host.connection(&made)).expect("it renews");
}

/// If the provider forgets an application, the next setup registers another one, and existing connections need the
/// user.
#[test]
fn an_application_that_the_provider_forgot_is_registered_anew() {
    let refused = || host(builder()).expect(register().answer(made(ID, SECRET, "")));
    let host = refused().expect(redeem().answer(invalid_client()));
    assert_eq!(host.setup([back()]).run().expect_err("refused").code, "acme_client_refused");
    assert!(!is_kept(&host));

    let host = refused().expect(redeem().answer(tokens())).expect(me()).expect(renew().answer(invalid_client()));
    let made = host.setup([back()]).run().expect("a connection");
    assert!(is_kept(&host), "the control");
    let Err(ConnectionError::NotLive(found)) = host.refresh(&made.credential, &host.connection(&made)) else {
        panic!("it is not live")
    };
    assert_eq!((found.liveness, &*found.reason.code), (Liveness::Failing, reason::NEEDS_REAUTHORIZATION));
    assert!(!is_kept(&host));
}
