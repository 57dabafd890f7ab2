//! S19: tokens are revoked, and a provider that refuses does not keep a connection from being removed here.

use connection_contract::prelude::*;
use connection_oauth2::{Client, Endpoint, OAuth2Builder};
use connection_testkit::{Expected, Reply};

use crate::{ACCESS, ID, REFRESH, SECRET, acme, connected, tokens};

const REVOKE: &str = "https://id.acme.example/revoke";

fn builder() -> OAuth2Builder {
    acme().endpoint(Endpoint::Revocation, REVOKE)
}

fn revocation(token: &str, hint: Option<&str>) -> Expected {
    let mut form = vec![("token", token), ("client_id", ID), ("client_secret", SECRET)];
    form.extend(hint.map(|hint| ("token_type_hint", hint)));
    Expected::post(REVOKE).no_redirect().form(&form)
}

fn refresh() -> Expected {
    revocation(REFRESH, Some("refresh_token"))
}

fn access() -> Expected {
    revocation(ACCESS, Some("access_token"))
}

/// S19, first and second case: refresh tokens first, with a hint and authentication; an unknown token counts as
/// revoked.
#[test]
fn tokens_are_given_back_refresh_tokens_first() {
    check(vec![refresh(), access()], None);
}

/// S19, third case: after a 503 the request is sent once more.
#[test]
fn a_provider_that_is_busy_is_asked_once_more() {
    let busy = || Reply::status(503).header("retry-after", "1");
    check(vec![refresh().answer(busy()), refresh(), access()], None);
    check(
        vec![refresh().answer(busy()), refresh().answer(busy()), access()],
        Some((Liveness::Offline, reason::PROVIDER_ERROR)),
    );
}

/// S19: revoking a refresh token ends its access tokens, and some providers answer with an error for those instead of
/// 200.
#[test]
fn a_token_that_is_dead_already_is_given_back() {
    for code in ["invalid_token", "invalid_grant"] {
        let dead = || Reply::json(400, &format!(r#"{{"error": "{code}"}}"#));
        check(vec![refresh(), access().answer(dead())], None);
        check(vec![refresh().answer(dead()), access()], None);
    }
}

/// S19, fourth case: an unsupported type is tried without the hint.
#[test]
fn an_unsupported_type_is_tried_without_a_hint() {
    let unsupported = || Reply::json(400, r#"{"error": "unsupported_token_type"}"#);
    check(vec![refresh().answer(unsupported()), revocation(REFRESH, None), access()], None);
    check(vec![refresh(), access().answer(unsupported()), revocation(ACCESS, None).answer(unsupported())], None);
}

/// S19, fifth case: a failure is reported, and the other tokens are revoked all the same. The host decides about the
/// row.
#[test]
fn a_failure_is_told_and_stops_nothing() {
    let refused = Reply::json(401, r#"{"error": "invalid_client"}"#);
    check(vec![refresh().answer(refused), access()], Some((Liveness::Failing, "acme_client_refused")));
    check(vec![refresh().answer(Reply::status(307)), access()], Some((Liveness::Failing, "acme_redirected")));
}

/// R-INSEAM-075
#[test]
fn without_an_endpoint_nothing_is_sent() {
    let (host, made) = connected(acme(), tokens());
    host.teardown(&made.credential, &host.connection(&made)).unwrap();
    // The same holds if the application is gone or another one, because there is nothing to revoke.
    for client in [Client::Configured { id: "another".to_owned(), secret: None }, Client::Prompted] {
        let host = crate::host(acme().client(client));
        host.teardown(&made.credential, &host.connection(&made)).unwrap();
    }
    let without = crate::host(builder().client(Client::Prompted));
    assert!(without.teardown(&made.credential, &without.connection(&made)).is_err(), "here something is");
}

#[track_caller]
fn check(requests: Vec<Expected>, expected: Option<(Liveness, &str)>) {
    let (host, made) = connected(builder(), tokens());
    let host = requests.into_iter().fold(host, connection_testkit::FakeHost::expect);
    let outcome = host.teardown(&made.credential, &host.connection(&made));
    let found = outcome.err().map(|error| match error {
        ConnectionError::NotLive(found) => (found.liveness, found.reason.code),
        error => panic!("{error:?}"),
    });
    assert_eq!(found.as_ref().map(|(liveness, code)| (*liveness, &**code)), expected);
    host.finish();
}
