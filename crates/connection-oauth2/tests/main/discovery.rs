//! The discovery of endpoints in the metadata of an issuer.

use connection_contract::prelude::*;
use connection_oauth2::{Account, Client, OAuth2Builder, OAuth2Config};
use connection_testkit::{Expected, FakeHost, Input, Reply};

use crate::{API, CALLBACK, CODE, ID, SECRET, kind, me, opened, redeem, renew, state, tokens};

const ISSUER: &str = "https://id.acme.example";
const AT: &str = "https://id.acme.example/.well-known/oauth-authorization-server";
const OPENID: &str = "https://id.acme.example/.well-known/openid-configuration";

fn found(issuer: &str) -> OAuth2Builder {
    OAuth2Config::builder(Kind::from_static("acme"), "Acme")
        .api(API)
        .discover(issuer)
        .client(Client::Configured { id: ID.to_owned(), secret: Some(SECRET.into()) })
        .account(Account::probe("/me", "/id", "/name"))
}

fn host() -> FakeHost<connection_oauth2::OAuth2> {
    FakeHost::new(kind(found(ISSUER))).inbound_http(CALLBACK)
}

fn metadata(issuer: &str, more: &str) -> Reply {
    let endpoints = r#""authorization_endpoint": "https://id.acme.example/authorize", "token_endpoint": "https://id.acme.example/token""#;
    Reply::json(200, &format!(r#"{{"issuer": "{issuer}", {endpoints}{more}}}"#))
}

/// S9, S20: the addresses come from the issuer and are stored with the credential: a refresh does not discover them
/// again.
#[test]
fn addresses_come_from_the_issuer() {
    let host = host()
        .expect(Expected::get(AT).answer(metadata(ISSUER, "")))
        .expect(redeem().answer(tokens()))
        .expect(me())
        .expect(renew().answer(tokens()));
    let made = host.setup([crate::back()]).run().unwrap();
    host.refresh(&made.credential, &host.connection(&made)).unwrap();
    assert_eq!(made.reach.origins.iter().map(ToString::to_string).collect::<Vec<_>>(), [ISSUER]);
}

/// S21: an address that a user typed never receives the secret of the host's application, whatever the issuer says.
#[test]
fn an_issuer_does_not_lead_the_hosts_secret_to_what_a_user_typed() {
    let issuer = r#"{"issuer": "https://id.acme.example", "authorization_endpoint": "https://id.acme.example/authorize", "token_endpoint": "https://typed.example/token"}"#;
    let host = FakeHost::new(kind(found(ISSUER).field(Field::url("site", "Site"))))
        .inbound_http(CALLBACK)
        .expect(Expected::get(AT).answer(Reply::json(200, issuer)));
    let typed = Input::answers(&[("site", "https://typed.example")]);
    assert_eq!(host.setup([typed, crate::back()]).run().unwrap_err().code, reason::DENIED);
}

/// S20: RFC 8414 inserts the well-known path before the tenant's path, and OpenID Connect appends it.
#[test]
fn a_tenants_path_is_inserted_and_then_appended() {
    let tenant = "https://id.acme.example/t1";
    let inserted = Expected::get("https://id.acme.example/.well-known/oauth-authorization-server/t1");
    let of_openid = Expected::get("https://id.acme.example/.well-known/openid-configuration/t1");
    let appended = Expected::get("https://id.acme.example/t1/.well-known/openid-configuration");
    let host = FakeHost::new(kind(found(tenant)))
        .inbound_http(CALLBACK)
        .expect(inserted.answer(Reply::status(404)))
        .expect(of_openid.answer(Reply::status(404)))
        .expect(appended.answer(metadata(tenant, "")))
        .expect(redeem().answer(tokens()))
        .expect(me());
    host.setup([crate::back()]).run().unwrap();
}

/// Returns answers that are no metadata of the issuer, each with its description.
fn no_metadata() -> [(Reply, &'static str); 5] {
    let page = "<!doctype html><div id=app></div>";
    [
        (metadata("https://evil.example", ""), "the metadata names another issuer"),
        (metadata("https://id.acme.example/", ""), "the metadata names another issuer"),
        (Reply::text(200, page).header("content-type", "text/html"), "the metadata is not JSON"),
        (Reply::status(204), "the metadata is not JSON"),
        (Reply::text(200, &" ".repeat(300 * 1024)), "the metadata is larger than 256 KiB"),
    ]
}

#[track_caller]
fn check_unusable(failure: &SetupFailure, why: &str) {
    assert_eq!(failure.code, "acme_bad_discovery");
    let start = format!("the provider's metadata cannot be used: {why} (id.acme.example answered 20");
    assert!(failure.message.as_str().starts_with(&start), "{failure}");
}

/// S20: a server may answer every address with the page of an application, so that the other address is asked.
#[test]
fn an_address_without_metadata_leaves_the_other() {
    for (reply, why) in no_metadata() {
        let host = host()
            .expect(Expected::get(AT).answer(reply))
            .expect(Expected::get(OPENID).answer(metadata(ISSUER, "")))
            .expect(redeem().answer(tokens()))
            .expect(me());
        host.setup([crate::back()]).run().unwrap_or_else(|failure| panic!("{why}: {failure}"));
    }
}

/// S20: metadata must name exactly the issuer that was asked. S5: there is no silent downgrade, and no plain HTTP.
#[test]
fn what_does_not_fit_is_not_believed() {
    for (reply, why) in [
        (
            metadata(ISSUER, r#", "code_challenge_methods_supported": ["plain"]"#),
            "the provider does not support PKCE with S256",
        ),
        (
            metadata(ISSUER, r#", "revocation_endpoint": "http://id.acme.example/revoke""#),
            "one of the endpoints is not https",
        ),
    ] {
        let failure = host().expect(Expected::get(AT).answer(reply)).setup([]).run().unwrap_err();
        check_unusable(&failure, why);
    }
    for (reply, why) in no_metadata() {
        let alone =
            host().expect(Expected::get(AT).answer(reply)).expect(Expected::get(OPENID).answer(Reply::status(404)));
        check_unusable(&alone.setup([]).run().unwrap_err(), why);
    }
    let nowhere = host()
        .expect(Expected::get(AT).answer(Reply::status(404)))
        .expect(Expected::get(OPENID).answer(Reply::status(404)));
    assert!(nowhere.setup([]).run().unwrap_err().message.as_str().contains("no metadata"));
}

/// S12, S20: a redirect is not followed. If the first address answers with one, or with an error, the other address is
/// asked; if both do, the setup reports why.
#[test]
fn an_address_that_does_not_answer_leaves_the_other() {
    let elsewhere = || Reply::status(302).header("location", "https://evil.example");
    for reply in
        [elsewhere(), Reply::status(500), Reply::status(503), Reply::status(404), Reply::error(HttpError::Timeout)]
    {
        let host = host()
            .expect(Expected::get(AT).answer(reply))
            .expect(Expected::get(OPENID).answer(metadata(ISSUER, "")))
            .expect(redeem().answer(tokens()))
            .expect(me());
        host.setup([crate::back()]).run().unwrap();
    }
    let both = |first: Reply, second: Reply| {
        let host = host().expect(Expected::get(AT).answer(first)).expect(Expected::get(OPENID).answer(second));
        host.setup([]).run().unwrap_err()
    };
    assert_eq!(both(elsewhere(), elsewhere()).code, "acme_redirected");
    assert!(connection_testkit::offline(&both(Reply::status(503), Reply::status(404))).is_some(), "it may pass");
    assert!(connection_testkit::offline(&both(Reply::status(404), Reply::status(503))).is_some(), "it may pass");
}

/// S20, S21: an endpoint at an undeclared origin receives nothing, not even the browser.
#[test]
fn an_endpoint_elsewhere_gets_nothing() {
    for endpoints in [
        r#""authorization_endpoint": "https://evil.example/a", "token_endpoint": "https://id.acme.example/token""#,
        r#""authorization_endpoint": "https://id.acme.example/a", "token_endpoint": "https://evil.example/token""#,
    ] {
        let reply = Reply::json(200, &format!(r#"{{"issuer": "{ISSUER}", {endpoints}}}"#));
        let host = host().expect(Expected::get(AT).answer(reply));
        let inputs = if endpoints.contains("evil.example/a") { vec![] } else { vec![crate::back()] };
        assert_eq!(host.setup(inputs).run().unwrap_err().code, reason::DENIED);
    }
}

/// S2: an issuer that advertises that it always sends `iss` must send it.
#[test]
fn an_advertised_issuer_is_required() {
    let advertised = || metadata(ISSUER, r#", "authorization_response_iss_parameter_supported": true"#);
    let failure = host().expect(Expected::get(AT).answer(advertised())).setup([crate::back()]).run().unwrap_err();
    assert_eq!(failure.code, "acme_issuer_mismatch");
    let named = Input::callback(&[("code", CODE), ("iss", ISSUER)]);
    let host = host().expect(Expected::get(AT).answer(advertised())).expect(redeem().answer(tokens())).expect(me());
    host.setup([named]).run().unwrap();
}

/// RFC 9126: the request is pushed if the issuer's metadata has an endpoint for that.
#[test]
fn a_request_is_pushed_where_the_issuer_says_so() {
    let more = r#", "pushed_authorization_request_endpoint": "https://id.acme.example/par""#;
    let host = host()
        .expect(Expected::get(AT).answer(metadata(ISSUER, more)))
        .expect(Expected::post("https://id.acme.example/par").answer(Reply::json(201, r#"{"request_uri": "urn:r"}"#)))
        .expect(redeem().answer(tokens()))
        .expect(me());
    let pairs = opened(&host, vec![crate::back()]);
    assert!(pairs.iter().all(|(_, value)| *value != state()));
}
