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
    check(vec![refresh(), access()], &Ok("revoked"));
}

/// S19, third case: after a 503 the request is sent once more.
#[test]
fn a_provider_that_is_busy_is_asked_once_more() {
    let busy = || Reply::status(503).header("retry-after", "1");
    check(vec![refresh().answer(busy()), refresh(), access()], &Ok("revoked"));
    check(
        vec![refresh().answer(busy()), refresh().answer(busy()), access()],
        &Err((Liveness::Offline, reason::RATE_LIMITED)),
    );
}

/// S19: revoking a refresh token ends its access tokens, and some providers answer with an error for those instead of
/// 200.
#[test]
fn a_token_that_is_dead_already_is_given_back() {
    for code in ["invalid_token", "invalid_grant"] {
        let dead = || Reply::json(400, &format!(r#"{{"error": "{code}"}}"#));
        check(vec![refresh(), access().answer(dead())], &Ok("revoked"));
        check(vec![refresh().answer(dead()), access()], &Ok("revoked"));
    }
}

/// Linear answers 400 for an access token that ended with its refresh token, and 401 if the token does not authenticate.
/// Nothing follows from such an answer alone.
#[test]
fn a_refusal_of_the_access_token_counts_as_its_end_only_after_that_of_the_refresh_token() {
    for status in [400, 401] {
        let refused = || Reply::json(status, r#"{"error": "invalid_request"}"#);
        check(vec![refresh(), access().answer(refused())], &Ok("revoked"));
        check(vec![refresh().answer(refused()), access()], &Err((Liveness::Failing, "acme_refused")));
        let both = vec![refresh().answer(refused()), access().answer(refused())];
        check(both, &Err((Liveness::Failing, "acme_refused")));
        // The control: nothing was revoked before.
        let (host, made) = connected(builder(), Reply::json(200, &format!(r#"{{"access_token": "{ACCESS}"}}"#)));
        let host = host.expect(access().answer(refused()));
        assert!(host.teardown(&made.credential, &host.connection(&made)).is_err());
    }
}

/// S19, fourth case: an unsupported type is tried without the hint, and does not count as revoked.
#[test]
fn an_unsupported_type_is_tried_without_a_hint_and_is_not_reported_as_revoked() {
    let unsupported = || Reply::json(400, r#"{"error": "unsupported_token_type"}"#);
    check(vec![refresh().answer(unsupported()), revocation(REFRESH, None), access()], &Ok("revoked"));
    let access = [access().answer(unsupported()), revocation(ACCESS, None).answer(unsupported())];
    check([refresh()].into_iter().chain(access).collect(), &Ok(reason::NO_REVOCATION));
}

/// S19, fifth case: a failure is reported, and the other tokens are revoked all the same. The host decides about the
/// row.
#[test]
fn a_failure_is_told_and_stops_nothing() {
    let refused = Reply::json(401, r#"{"error": "invalid_client"}"#);
    check(vec![refresh().answer(refused), access()], &Err((Liveness::Failing, "acme_client_refused")));
    let refused = Reply::json(401, r#"{"error": "unauthorized_client"}"#);
    check(vec![refresh().answer(refused), access()], &Err((Liveness::Failing, "acme_client_refused")));
    check(vec![refresh().answer(Reply::status(307)), access()], &Err((Liveness::Failing, "acme_redirected")));
}

/// The endpoint may be absent, as well as the token; and an error is one, whatever the status of its answer.
#[test]
fn an_answer_that_confirms_nothing_is_not_reported_as_revoked() {
    for status in [404, 410] {
        check(vec![refresh().answer(Reply::status(status)), access()], &Ok(reason::REVOCATION_UNCONFIRMED));
        check(vec![refresh(), access().answer(Reply::status(status))], &Ok(reason::REVOCATION_UNCONFIRMED));
    }
    for error in [r#"{"error": "not_allowed"}"#, r#"{"error_code": 5, "error_msg": "no such token"}"#] {
        let error = Reply::json(200, error);
        check(vec![refresh().answer(error), access()], &Err((Liveness::Failing, "acme_refused")));
    }
}

/// A website that answers every address with a page, and an answer that says that nothing was done, confirm nothing.
#[test]
fn a_success_that_is_a_page_or_says_no_confirms_nothing() {
    for body in [
        "<!doctype html><title>App</title>",
        "\n <html></html>",
        r#"{"success": false}"#,
        r#"{"success": "false"}"#,
        r#"{"success": 0}"#,
        r#"{"ok": false}"#,
        r#"{"error": true, "message": "no such token"}"#,
        r#"{"data": null, "errors": [{"message": "no such token"}]}"#,
        r#"{"status": "ERROR"}"#,
        r#"{"result": "failure"}"#,
        "false",
        r#"{"result": false}"#,
        r#"{"status": 400, "message": "Bad Request"}"#,
        r#"{"errorCode": "INVALID_TOKEN"}"#,
        r#"{"errcode": "INVALID_TOKEN"}"#,
        r#"{"success": "0"}"#,
        r#"{"statusCode": 401, "message": "Unauthorized"}"#,
        r#"{"code": 20014, "msg": "token invalid"}"#,
        r#"[{"error": "x"}]"#,
        r#"[{"message": "Session expired or invalid", "errorCode": "INVALID_SESSION_ID"}]"#,
        r#"{"result": "false"}"#,
        r#"{"revoked": "false"}"#,
        r#"{"code": 401, "message": "unauth"}"#,
        r#"{"statusCode": 500}"#,
        r#"{"errorMessage": "no token", "errorType": "Lookup"}"#,
        r#"{"error_description": "no"}"#,
        r#"{"fault": {}}"#,
        r#"{"fault": {"faultstring": "Invalid access token"}}"#,
        r#"{"Fault": "x"}"#,
        r#"{"message": "Unauthorized"}"#,
        r#"{"status": "pending"}"#,
        r#""not found""#,
        "Error: token not found",
        "<?xml version=\"1.0\"?><fault><code>7</code></fault>",
        "{\0\"\0s\0u\0c\0c\0e\0s\0s\0\"\0:\0f\0a\0l\0s\0e\0}\0",
    ] {
        check(vec![refresh().answer(Reply::text(200, body)), access()], &Ok(reason::REVOCATION_UNCONFIRMED));
    }
    let unread = Reply::text(200, "\u{1b}compressed").header("content-encoding", "br");
    for answer in [Reply::text(200, "\u{feff}<html></html>"), unread, Reply::status(202), Reply::json(202, "{}")] {
        check(vec![refresh().answer(answer), access()], &Ok(reason::REVOCATION_UNCONFIRMED));
    }
    for body in [
        "",
        "{}",
        "OK",
        r#"{"success": true}"#,
        r#"{"revoked": true}"#,
        r#"{"error": null, "errors": [], "status": "ok", "result": 1}"#,
        r#"{"error": false, "status": 200}"#,
        r#"{"error_code": 0, "errorCode": "", "result": 0}"#,
        r#"{"error_code": "0", "errcode": 200, "error": "null"}"#,
        r#"{"code": 0, "msg": "done"}"#,
        r#"{"code": "200", "message": "done", "statusCode": "200"}"#,
        r#"{"message": "The token was revoked"}"#,
        r#"{"errorMessage": null, "fault": null, "exception": ""}"#,
        "[]",
        "Token revoked",
    ] {
        check(vec![refresh().answer(Reply::text(200, body)), access()], &Ok("revoked"));
    }
    let page = || Reply::text(401, "<html>proxy</html>");
    let twice = vec![refresh().answer(page()), refresh().answer(page()), access()];
    check(twice, &Err((Liveness::Offline, reason::PROVIDER_ERROR)));
}

/// R-INSEAM-075
#[test]
fn without_an_endpoint_nothing_is_sent_and_nothing_is_reported_as_revoked() {
    let (host, made) = connected(acme(), tokens());
    assert_eq!(word(&host.teardown(&made.credential, &host.connection(&made)).unwrap()), reason::NO_REVOCATION);
    // The same holds if the application is gone or another one, because it is not needed.
    for client in [Client::Configured { id: "another".to_owned(), secret: None }, Client::Prompted] {
        let host = crate::host(acme().client(client));
        assert_eq!(word(&host.teardown(&made.credential, &host.connection(&made)).unwrap()), reason::NO_REVOCATION);
    }
    let without = crate::host(builder().client(Client::Prompted));
    assert!(without.teardown(&made.credential, &without.connection(&made)).is_err(), "here it is needed");
}

/// Returns the outcome as a word: the code of the reason if the credential was not revoked.
fn word(outcome: &Teardown) -> String {
    match outcome {
        Teardown::Revoked => "revoked".to_owned(),
        Teardown::NotRevoked(why) => why.code.to_string(),
        other => panic!("{other:?}"),
    }
}

#[track_caller]
fn check(requests: Vec<Expected>, expected: &Result<&str, (Liveness, &str)>) {
    let (host, made) = connected(builder(), tokens());
    let host = requests.into_iter().fold(host, connection_testkit::FakeHost::expect);
    let outcome = host.teardown(&made.credential, &host.connection(&made));
    let found = outcome.map(|outcome| word(&outcome)).map_err(|error| match error {
        ConnectionError::NotLive(found) => (found.liveness, found.reason.code),
        error => panic!("{error:?}"),
    });
    let found = found.as_deref().map_err(|(liveness, code)| (*liveness, &**code));
    assert_eq!(found, *expected);
    host.finish();
}
