//! Codes with a sentence after them, that of an unknown application, and those of a server that cannot answer now.

use connection_contract::prelude::*;
use connection_oauth2::{ErrorIf, LoginAnswer, Response, login_answer};
use connection_testkit::Reply;

use crate::{acme, refresh::fails, refused};

/// Returns what a login says that is answered so.
fn login(status: u16, body: &str) -> LoginAnswer {
    login_answer(&HttpResponse::new(status, Vec::new(), body, Timestamp::from_seconds(0)))
}

/// Dropbox writes a sentence after the code and a colon.
#[test]
fn a_code_before_a_sentence_is_a_known_one_and_the_sentence_is_not_shown() {
    let dropbox = r#"{"error": "invalid_client: Invalid client_id or client_secret"}"#;
    for (status, answer, code) in [
        (400, dropbox, "acme_client_refused"),
        (400, r#"{"error": "INVALID_GRANT : no such token"}"#, reason::NEEDS_REAUTHORIZATION),
        (
            400,
            r#"{"detail": {"error": "invalid_grant", "error_description": "invalid_grant: it has expired"}}"#,
            reason::NEEDS_REAUTHORIZATION,
        ),
        (400, r#"{"message": "temporarily_unavailable: try later"}"#, reason::RATE_LIMITED),
        // The controls: a known code after other words is none, and neither is one that only begins as one.
        (400, r#"{"error": "maintenance: invalid_client"}"#, reason::PROVIDER_ERROR),
        (400, r#"{"error": "invalid_clients: two of them"}"#, reason::PROVIDER_ERROR),
    ] {
        let found = fails(acme(), Reply::json(status, answer));
        assert_eq!(found.reason.code, code, "{answer}: {found:?}");
    }
    let message = fails(acme(), Reply::json(400, dropbox)).reason.message;
    assert!(message.as_str().ends_with("id.acme.example answered 400 Bad Request (invalid_client)"), "{message}");
    assert_eq!(refused(acme(), Reply::json(400, dropbox)).code, "acme_client_refused");
    assert_eq!(login(400, dropbox), LoginAnswer::Refused("invalid_client".to_owned()));
    let request = login(400, r#"{"error": "invalid_request: the password of ada"}"#);
    assert_eq!(request, LoginAnswer::Refused("invalid_request".to_owned()));
}

#[test]
fn an_application_that_hubspot_does_not_know_is_told_as_that() {
    for answer in [
        r#"{"status": "BAD_CLIENT_ID", "message": "missing or unknown client id"}"#,
        r#"{"status": "BAD_CLIENT_ID", "message": "missing or unknown client id", "error": "invalid_request"}"#,
    ] {
        let found = fails(acme(), Reply::json(400, answer));
        assert_eq!((found.liveness, &*found.reason.code), (Liveness::Failing, "acme_client_refused"), "{answer}");
        assert_eq!(refused(acme(), Reply::json(400, answer)).code, "acme_client_refused", "{answer}");
    }
}

/// Slack states these with the status 200.
#[test]
fn a_server_that_cannot_answer_now_refuses_nothing() {
    let slack = || acme().response(Response::new().error_if(ErrorIf::equals("/ok", false)));
    for code in [
        "fatal_error",
        "internal_error",
        "internal_server_error",
        "request_timeout",
        "service_unavailable",
        "team_added_to_org",
    ] {
        let answer = format!(r#"{{"ok": false, "error": "{code}"}}"#);
        for status in [200, 400, 401] {
            let found = fails(slack(), Reply::json(status, &answer));
            assert_eq!((found.liveness, &*found.reason.code), (Liveness::Offline, reason::RATE_LIMITED), "{code}");
            assert_eq!(login(status, &answer), LoginAnswer::Outage(code.to_owned()), "{status}");
        }
    }
    let words = fails(acme(), Reply::json(400, r#"{"error": "Internal Error"}"#));
    assert_eq!(words.reason.code, reason::RATE_LIMITED);
    // The control: another code of Slack's refuses.
    assert_eq!(
        fails(slack(), Reply::json(200, r#"{"ok": false, "error": "bad_redirect_uri"}"#)).liveness,
        Liveness::Failing
    );
}

/// Some token endpoints state their codes in a text, in XML, or in a form without its type.
#[test]
fn a_known_code_in_a_short_text_counts() {
    let typed = |status, body: &str, kind: &str| Reply::text(status, body).header("content-type", kind);
    for reply in [
        typed(400, "invalid_grant", "text/plain"),
        typed(400, "Error: invalid_grant\n", "text/plain"),
        typed(400, "Invalid Grant", "text/html"),
        Reply::text(401, "\u{feff} refresh_token_expired "),
        typed(400, "<?xml version=\"1.0\"?><OAuth><error>invalid_grant</error></OAuth>", "application/xml"),
        Reply::text(400, "<error>invalid_grant</error>"),
        typed(400, "<r:Error><Code>INVALID_GRANT</Code></r:Error>", "text/xml"),
        Reply::text(400, "error=invalid_grant&error_description=it+has+ended"),
        Reply::json(400, r#"{"error": "Invalid Grant"}"#),
        Reply::json(400, r#"{"message": "invalid grant"}"#),
    ] {
        let case = format!("{reply:?}");
        let found = fails(acme(), reply);
        assert_eq!((found.liveness, &*found.reason.code), (Liveness::Failing, reason::NEEDS_REAUTHORIZATION), "{case}");
        assert!(found.reason.message.as_str().contains("id.acme.example answered"), "{case}");
    }
    assert_eq!(fails(acme(), Reply::text(400, "invalid_client")).reason.code, "acme_client_refused");
    assert_eq!(fails(acme(), Reply::text(400, "slow_down")).reason.code, reason::RATE_LIMITED);
    assert_eq!(login(400, "invalid_grant"), LoginAnswer::Refused("invalid_grant".to_owned()));
    // The controls: a page, a long text, several codes, an unknown one, and an outage.
    for reply in [
        Reply::text(400, "<html><code>invalid_grant</code></html>"),
        Reply::text(400, &format!("invalid_grant {}", "word ".repeat(300))),
        Reply::text(400, "one of invalid_grant, invalid_client"),
        Reply::text(400, "no such thing"),
    ] {
        let case = format!("{reply:?}");
        assert_eq!(fails(acme(), reply).reason.code, reason::PROVIDER_ERROR, "{case}");
    }
    assert_eq!(fails(acme(), Reply::text(503, "invalid_grant")).reason.code, reason::REFRESH_OUTCOME_UNKNOWN);
}
