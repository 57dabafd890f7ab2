//! Notion's error codes, one by one.

use connection_contract::prelude::*;
use connection_testkit::Reply;

use crate::{get_me, host, token};

#[test]
fn each_documented_code_has_its_meaning() {
    use Liveness::{Failing, Offline};
    for (status, code, liveness, expected) in [
        (400, "invalid_json", Offline, reason::PROVIDER_ERROR),
        (400, "invalid_request_url", Offline, reason::PROVIDER_ERROR),
        (400, "invalid_request", Offline, reason::PROVIDER_ERROR),
        (400, "invalid_grant", Offline, reason::PROVIDER_ERROR),
        (400, "validation_error", Offline, reason::PROVIDER_ERROR),
        (400, "missing_version", Offline, reason::PROVIDER_ERROR),
        (401, "unauthorized", Failing, reason::UNAUTHORIZED),
        (403, "restricted_resource", Failing, reason::FORBIDDEN),
        (404, "object_not_found", Offline, reason::PROVIDER_ERROR),
        (409, "conflict_error", Offline, reason::PROVIDER_ERROR),
        (429, "rate_limited", Offline, reason::RATE_LIMITED),
        (500, "internal_server_error", Offline, reason::PROVIDER_ERROR),
        (502, "bad_gateway", Offline, reason::PROVIDER_ERROR),
        (503, "service_unavailable", Offline, reason::PROVIDER_ERROR),
        (503, "database_connection_unavailable", Offline, reason::PROVIDER_ERROR),
        (504, "gateway_timeout", Offline, reason::PROVIDER_ERROR),
        // The status decides for a code that is not documented.
        (403, "something_new", Failing, reason::UNAUTHORIZED),
        (503, "something_new", Offline, reason::PROVIDER_ERROR),
    ] {
        let body = format!(r#"{{"object": "error", "status": {status}, "code": "{code}", "message": "…"}}"#);
        check(Reply::json(status, &body), liveness, expected, None);
    }
}

#[test]
fn a_code_outranks_the_status() {
    let body = r#"{"object": "error", "code": "rate_limited"}"#;
    check(Reply::json(403, body), Liveness::Offline, reason::RATE_LIMITED, None);
}

#[test]
fn a_pause_that_notion_asks_for_is_kept() {
    for (status, code, expected) in
        [(429, "rate_limited", reason::RATE_LIMITED), (503, "service_unavailable", reason::PROVIDER_ERROR)]
    {
        let reply = Reply::json(status, &format!(r#"{{"code": "{code}"}}"#)).header("retry-after", "12");
        check(reply, Liveness::Offline, expected, Some(12));
    }
}

#[test]
fn a_refusal_that_is_not_json_is_classified_by_its_status() {
    check(Reply::text(401, "denied"), Liveness::Failing, reason::UNAUTHORIZED, None);
    // A page is the answer of a proxy, and not of Notion.
    check(Reply::text(401, "<html>"), Liveness::Offline, reason::PROVIDER_ERROR, None);
    check(Reply::text(530, "<html>"), Liveness::Offline, reason::PROVIDER_ERROR, None);
}

#[track_caller]
fn check(reply: Reply, liveness: Liveness, code: &str, recheck_after: Option<u64>) {
    let host = host().expect(get_me()).expect(get_me().answer(reply));
    let made = host.setup([token()]).run().expect("the first answer is good");
    let found = host.verify(&made.credential, &host.connection(&made)).expect("not live is data");
    assert_eq!((found.liveness, &*found.reason.as_ref().expect("it is not live").code), (liveness, code));
    assert_eq!(found.recheck_after, recheck_after.map(Duration::from_secs));
}
