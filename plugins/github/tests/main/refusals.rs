//! Every way in which GitHub rejects a request. A rate limit is never reported as a lost authorization.

use connection_contract::prelude::*;
use connection_testkit::Reply;

use crate::{get_user, host, octocat, token};

/// 2026-01-31T10:20:30Z, the start of the fake host's clock.
const NOW: i64 = 1_769_854_830;

#[test]
fn a_spent_primary_limit_is_offline_until_its_reset() {
    for status in [403, 429] {
        let reset = (NOW + 90).to_string();
        let reply = Reply::json(status, r#"{"message": "API rate limit exceeded for user ID 1."}"#)
            .header("x-ratelimit-remaining", "0")
            .header("x-ratelimit-reset", &reset);
        check(reply, Liveness::Offline, reason::RATE_LIMITED, Some(90));
    }
}

#[test]
fn a_reset_in_the_past_means_the_least_pause() {
    let reply = Reply::status(403).header("x-ratelimit-remaining", "0").header("x-ratelimit-reset", "1");
    check(reply, Liveness::Offline, reason::RATE_LIMITED, Some(60));
}

#[test]
fn a_secondary_limit_is_offline_for_as_long_as_it_says() {
    for status in [403, 429] {
        let reply = Reply::json(status, r#"{"message": "You have exceeded a secondary rate limit."}"#);
        check(reply.header("retry-after", "30"), Liveness::Offline, reason::RATE_LIMITED, Some(30));
    }
}

#[test]
fn a_403_that_says_when_to_retry_is_a_limit_whatever_its_words() {
    let reply = Reply::json(403, r#"{"message": "Slow down."}"#).header("retry-after", "30");
    check(reply, Liveness::Offline, reason::RATE_LIMITED, Some(30));
}

#[test]
fn a_secondary_limit_without_a_time_is_offline_for_a_minute() {
    for message in ["You have exceeded a secondary rate limit.", "You have triggered an abuse detection mechanism."] {
        let reply = Reply::json(403, &format!(r#"{{"message": "{message}"}}"#)).header("x-ratelimit-remaining", "4999");
        check(reply, Liveness::Offline, reason::RATE_LIMITED, Some(60));
    }
}

#[test]
fn a_403_that_is_no_limit_is_forbidden() {
    let reply = Reply::json(403, r#"{"message": "Sorry. Your account was suspended."}"#);
    check(reply.header("x-ratelimit-remaining", "4999"), Liveness::Failing, reason::FORBIDDEN, None);
}

#[test]
fn a_403_for_lack_of_a_scope_names_the_scope() {
    let challenge = r#"Bearer error="insufficient_scope", scope="repo""#;
    let reply = Reply::json(403, "{}").header("www-authenticate", challenge);
    check(reply, Liveness::Failing, reason::SCOPE_MISSING, None);
}

#[test]
fn a_401_is_unauthorized() {
    let reply = Reply::json(401, r#"{"message": "Bad credentials"}"#);
    check(reply, Liveness::Failing, reason::UNAUTHORIZED, None);
}

#[test]
fn an_error_of_the_server_is_offline() {
    check(Reply::text(502, "<html>unicorn</html>"), Liveness::Offline, reason::PROVIDER_ERROR, None);
}

#[test]
fn an_answer_without_an_id_is_offline() {
    check(Reply::json(200, r#"{"login": "octocat"}"#), Liveness::Offline, reason::NOT_JSON, None);
}

#[track_caller]
fn check(reply: Reply, liveness: Liveness, code: &str, recheck_after: Option<u64>) {
    let host = host().expect(get_user().answer(octocat())).expect(get_user().answer(reply));
    let made = host.setup([token()]).run().expect("the first answer is good");
    let found = host.verify(&made.credential, &host.connection(&made)).expect("not live is data");
    assert_eq!((found.liveness, &*found.reason.as_ref().expect("it is not live").code), (liveness, code));
    assert_eq!(found.recheck_after, recheck_after.map(Duration::from_secs));
}
