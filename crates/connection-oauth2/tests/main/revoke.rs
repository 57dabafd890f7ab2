//! S19: tokens are given back, and a provider that does not take them keeps no connection here.

use connection_contract::prelude::*;
use connection_oauth2::{Client, Endpoint, OAuth2Builder};
use connection_testkit::{Expected, Reply};

use crate::{ACCESS, ID, REFRESH, SECRET, acme, connected, tokens};

const REVOKE: &str = "https://id.acme.example/revoke";

fn builder() -> OAuth2Builder {
    acme().endpoint(Endpoint::Revocation, REVOKE)
}

fn asked(token: &str, hint: Option<&str>) -> Expected {
    let mut form = vec![("token", token), ("client_id", ID), ("client_secret", SECRET)];
    form.extend(hint.map(|hint| ("token_type_hint", hint)));
    Expected::post(REVOKE).no_redirect().form(&form)
}

fn refresh() -> Expected {
    asked(REFRESH, Some("refresh_token"))
}

fn access() -> Expected {
    asked(ACCESS, Some("access_token"))
}

/// S19, first and second case: the refresh token first, with a hint and who asks; a token that nobody knows is a success.
#[test]
fn tokens_are_given_back_refresh_tokens_first() {
    check(vec![refresh(), access()], None);
}

/// S19, third case: 503 is tried once more.
#[test]
fn a_provider_that_is_busy_is_asked_once_more() {
    let busy = || Reply::status(503).header("retry-after", "1");
    check(vec![refresh().answer(busy()), refresh(), access()], None);
    check(
        vec![refresh().answer(busy()), refresh().answer(busy()), access()],
        Some((Liveness::Offline, reason::PROVIDER_ERROR)),
    );
}

/// S19: a refresh token takes its access tokens along, and some say of those that they are no good instead of 200.
#[test]
fn a_token_that_is_dead_already_is_given_back() {
    for code in ["invalid_token", "invalid_grant"] {
        let dead = || Reply::json(400, &format!(r#"{{"error": "{code}"}}"#));
        check(vec![refresh(), access().answer(dead())], None);
        check(vec![refresh().answer(dead()), access()], None);
    }
}

/// S19, fourth case: a type that is not supported is tried without the hint.
#[test]
fn an_unsupported_type_is_tried_without_a_hint() {
    let unsupported = || Reply::json(400, r#"{"error": "unsupported_token_type"}"#);
    check(vec![refresh().answer(unsupported()), asked(REFRESH, None), access()], None);
    check(vec![refresh(), access().answer(unsupported()), asked(ACCESS, None).answer(unsupported())], None);
}

/// S19, fifth case: a failure is told, and the other tokens are given back all the same. The row goes by the host's rule.
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
    // Also where the application is gone, or another one: nothing is to be given back.
    for client in [Client::Configured { id: "another".to_owned(), secret: None }, Client::Asked] {
        let host = crate::host(acme().client(client));
        host.teardown(&made.credential, &host.connection(&made)).unwrap();
    }
    let without = crate::host(builder().client(Client::Asked));
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
