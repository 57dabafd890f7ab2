//! Logins: what the answers to a repeated one say about the connection.

use std::time::Duration;

use connection_contract::prelude::*;
use connection_manifest::{FileKind, KindFile};
use connection_testkit::{Expected, FakeHost, Input, Reply};

const PASSWORD: &str = "canary-81d0c4f7a2";
const TOKEN: &str = r#"{"access_token": "access-canary-11aa22bb", "expires_in": 3600}"#;
const QUARTER: Duration = Duration::from_secs(900);

/// Returns the kind, with further lines about its requests.
fn kind(more: &str) -> FileKind {
    let text = format!(
        "format = 1\nid = \"acme\"\nname = \"Acme\"\nmechanism = \"token_exchange\"\n[[fields]]\nname = \"password\"\n\
         label = \"Password\"\nsecret = true\n[exchange]\nexpires_in = \"/expires_in\"\n\
         steps = [{{ url = \"https://id.acme.com/token\", form = {{ p = \"${{secret.password}}\" }} }}]\n\
         [request]\nbase = \"https://api.acme.com\"\nlimited_if = [{{ pointer = \"/error\", equals = \"Too fast\" }}]\n{more}"
    );
    match KindFile::parse("acme.toml", &text) {
        Ok(file) => file.definition(),
        Err(problems) => panic!("{problems}"),
    }
}

fn login() -> Expected {
    Expected::post("https://id.acme.com/token").no_redirect()
}

fn answers() -> Input {
    Input::answers(&[("password", PASSWORD)])
}

/// Returns what a repeated login with this answer reports.
#[track_caller]
fn repeated(more: &str, reply: Reply) -> NotLive {
    let host = FakeHost::new(kind(more)).expect(login().answer(Reply::json(200, TOKEN)));
    let made = host.setup([answers()]).run().unwrap();
    let connection = host.connection(&made);
    let host = host.expect(login().answer(reply)).expect(login().answer(Reply::json(200, TOKEN)));
    let found = match host.refresh(&made.credential, &connection) {
        Err(ConnectionError::NotLive(found)) => found,
        other => panic!("{other:?}"),
    };
    // The same login works afterwards, without a person.
    host.refresh(&made.credential, &connection).unwrap();
    found
}

fn json(status: u16, body: &str) -> Reply {
    Reply::json(status, body)
}

fn page(status: u16) -> Reply {
    Reply::text(status, "<html><body>Request blocked. CloudFront</body></html>").header("content-type", "text/html")
}

#[test]
fn a_refused_login_is_failing_and_asked_again_after_a_quarter_of_an_hour() {
    for reply in [
        Reply::status(401),
        json(401, r#"{"message": "bad password"}"#),
        Reply::text(401, "Unauthorized"),
        page(401).header("www-authenticate", "Basic realm=\"acme\""),
        json(403, r#"{"error": "account_disabled"}"#),
        json(422, r#"{"errors": {"password": ["is invalid"]}}"#),
        json(400, r#"{"error": "invalid_grant"}"#),
        json(400, r#"{"error": "INVALID_CLIENT"}"#),
        json(400, r#"{"error": {"type": "unauthorized_client"}}"#),
        json(200, r#"{"error": "invalid_client"}"#),
        json(400, r#"{"error": "INVALID-GRANT"}"#),
        json(400, r#"{"errors": [{"code": "invalid_grant"}]}"#),
        json(400, r#"{"statusCode": 400, "message": "invalid_grant", "error": "Bad Request"}"#),
    ] {
        let shown = format!("{reply:?}");
        let found = repeated("", reply);
        assert_eq!((found.liveness, &*found.reason.code), (Liveness::Failing, reason::UNAUTHORIZED), "{shown}");
        assert_eq!(found.recheck_after, Some(QUARTER), "{shown}");
        assert!(found.reason.message.as_str().contains("id.acme.com"), "{}", found.reason.message);
    }
}

/// Some endpoints answer with a form, as those of OAuth do, and not all of them state its type.
#[test]
fn a_login_may_be_answered_with_a_form() {
    for media_type in ["application/x-www-form-urlencoded", "text/plain"] {
        let form = "access_token=access-canary-11aa22bb&expires_in=3600";
        let form = Reply::text(200, form).header("content-type", media_type);
        let host = FakeHost::new(kind("")).expect(login().answer(form));
        let made = host.setup([answers()]).run().unwrap();
        assert_eq!(made.valid_until, Some(host.now().after(3600)), "{media_type}");
    }
}

/// A token may be in an answer whose coding cannot be read, so that it is not said to lack one.
#[test]
fn a_login_whose_answer_is_in_an_unreadable_coding_says_so() {
    for coding in ["br", "gzip"] {
        let packed = Reply::text(200, "\u{b}\u{2}\u{80}packed").header("content-encoding", coding);
        let found = repeated("", packed);
        assert_eq!(found, NotLive::from(JsonError::Coding), "{coding}");
    }
}

#[test]
fn an_answer_that_is_no_refusal_leaves_a_login_offline() {
    for (reply, says) in [
        (page(401), "id.acme.com answered 401 with a page"),
        (page(403), "id.acme.com answered 403 with a page"),
        (page(404), "id.acme.com answered 404 with a page"),
        (page(422), "id.acme.com answered 422 with a page"),
        (json(403, r#"{"cloudflare_error": true, "error_code": 1010}"#), "id.acme.com answered 403 with a page"),
        (Reply::text(403, " \n<!DOCTYPE html><title>Wait</title>"), "id.acme.com answered 403 with a page"),
        (json(404, r#"{"status": 404, "error": "Not Found"}"#), "answered with an error"),
        (json(400, r#"{"status": 400, "error": "Bad Request"}"#), "answered with an error"),
        (Reply::status(400), "answered with an error"),
        (Reply::status(302).header("location", "https://id.acme.com/login"), "answered with an error"),
        (Reply::status(503), "answered with an error"),
        (json(400, r#"{"error": "temporarily_unavailable"}"#), "id.acme.com answered 400 (temporarily_unavailable)"),
        (json(401, r#"{"error": "SERVER_ERROR"}"#), "id.acme.com answered 401 (server_error)"),
        (page(200), "id.acme.com answered 200"),
        (Reply::error(HttpError::Timeout), "did not answer in time"),
    ] {
        let found = repeated("", reply);
        assert_eq!(found.liveness, Liveness::Offline, "{says}: {}", found.reason.message);
        assert!(found.reason.message.as_str().contains(says), "{says}: {}", found.reason.message);
    }
}

#[test]
fn a_page_refuses_a_login_where_the_file_says_so() {
    for status in [401, 403] {
        let found = repeated("pages = \"refusal\"\n", page(status));
        assert_eq!((found.liveness, &*found.reason.code), (Liveness::Failing, reason::UNAUTHORIZED), "{status}");
        assert_eq!(found.recheck_after, Some(QUARTER), "{status}");
        assert_eq!(repeated("", page(status)).liveness, Liveness::Offline, "the control: {status}");
    }
}

#[test]
fn a_limit_of_logins_is_a_pause() {
    for (reply, pause) in [
        (json(403, r#"{"error": "rate_limit_exceeded"}"#).header("retry-after", "70"), Some(70)),
        (json(400, r#"{"error": "slow_down"}"#), None),
        (json(400, r#"{"code": "slow_down"}"#), None),
        (json(400, r#"{"detail": {"error": "slow_down"}}"#), None),
        (json(401, r#"{"error": "quota_exceeded"}"#).header("retry-after", "8"), Some(8)),
        (json(200, r#"{"error": "ratelimited"}"#), None),
        (json(403, r#"{"error": {"errors": [], "code": "userRateLimitExceeded"}}"#), None),
        (json(400, r#"{"error": "Too fast"}"#).header("retry-after", "7"), Some(7)),
        (Reply::status(429).header("retry-after", "9"), Some(9)),
    ] {
        let found = repeated("", reply);
        assert_eq!((found.liveness, &*found.reason.code), (Liveness::Offline, reason::RATE_LIMITED));
        assert_eq!(found.recheck_after, pause.map(Duration::from_secs));
    }
}

#[test]
fn a_clock_that_differs_is_named() {
    let now = FakeHost::new(kind("")).now();
    // The fake host's clock shows 2026-01-31T10:20:30Z.
    assert_eq!(now.to_rfc3339(), "2026-01-31T10:20:30Z");
    let refused = || json(400, r#"{"error": "invalid_grant", "error_description": "Invalid JWT"}"#);
    for (date, says) in [
        ("Sat, 31 Jan 2026 07:20:30 GMT", Some("180 minutes ahead of the provider's")),
        ("Sat, 31 Jan 2026 10:31:00 GMT", Some("10 minutes behind the provider's")),
        ("Sat, 31 Jan 2026 10:24:00 GMT", None),
        ("yesterday", None),
        ("Thu, 01 Jan 1970 00:00:00 GMT", None),
    ] {
        let found = repeated("", refused().header("date", date));
        let message = found.reason.message.as_str();
        assert_eq!(message.contains("the clock of this machine"), says.is_some(), "{message}");
        assert!(message.contains(says.unwrap_or_default()), "{message}");
        let remedy = found.reason.remedy.unwrap();
        assert_eq!(remedy.as_str().starts_with("correct the clock"), says.is_some(), "{remedy}");
        let credential = format!("{} with a valid credential", reason::AUTHORIZE_AGAIN);
        assert!(remedy.as_str().ends_with(&credential), "the credential may be wrong, too: {remedy}");
        assert_eq!(reason::is_mended_elsewhere(&found.reason.code), says.is_some(), "{}", found.reason.code);
    }
    let cached = refused().header("date", "Sat, 31 Jan 2026 07:20:30 GMT").header("age", "10800");
    assert!(!repeated("", cached).reason.message.as_str().contains("clock"), "the date is that of a kept answer");
    let late = json(503, "{}").header("date", "Sat, 31 Jan 2026 07:20:30 GMT");
    assert!(!repeated("", late).reason.message.as_str().contains("clock"), "an outage has another cause");
}

#[test]
fn a_person_corrects_a_login_that_was_refused_at_a_setup() {
    for reply in [
        Reply::status(401),
        page(401),
        json(404, "{}"),
        json(400, "{}"),
        json(422, "{}"),
        json(400, r#"{"error": "invalid_grant"}"#).header("date", "Sat, 31 Jan 2026 07:20:30 GMT"),
    ] {
        let host =
            FakeHost::new(kind("")).expect(login().answer(reply)).expect(login().answer(Reply::json(200, TOKEN)));
        host.setup([answers(), answers()]).run().unwrap();
    }
}

/// The last sentence of a setup says what to do about the clock.
#[test]
fn a_setup_that_the_clock_made_impossible_says_so() {
    let refused = || json(401, "{}").header("date", "Sat, 31 Jan 2026 11:20:30 GMT");
    let host = (0..3).fold(FakeHost::new(kind("")), |host, _| host.expect(login().answer(refused())));
    let failure = host.setup([answers(), answers(), answers()]).run().unwrap_err();
    assert!(failure.message.as_str().contains("60 minutes behind the provider's"), "{}", failure.message);
}

/// RFC 9110, section 5.5.
#[test]
fn a_token_of_a_login_is_trimmed_and_refused_if_no_header_can_hold_it() {
    let token = |text: &str| Reply::json(200, &format!(r#"{{"access_token": "{text}", "expires_in": 3600}}"#));
    let text = "format = 1\nid = \"acme\"\nname = \"Acme\"\nmechanism = \"token_exchange\"\n[[fields]]\n\
         name = \"password\"\nlabel = \"Password\"\nsecret = true\n[[exchange.steps]]\nurl = \"https://id.acme.com/session\"\n\
         form = { p = \"${secret.password}\" }\ncapture = { ticket = \"/ticket\" }\n[[exchange.steps]]\n\
         url = \"https://id.acme.com/token\"\nform = { t = \"${step.ticket}\" }\n[request]\n\
         base = \"https://api.acme.com\"\n[verify]\npath = \"/me\"\n[account]\nid = \"/id\"\n";
    let session = Expected::post("https://id.acme.com/session").no_redirect();
    let trimmed = login().form(&[("t", "t-1")]).answer(token(r" access-canary-11aa22bb\n"));
    let me = Expected::get("https://api.acme.com/me").header("authorization", "Bearer access-canary-11aa22bb");
    let host = FakeHost::new(KindFile::parse("acme.toml", text).unwrap().definition())
        .expect(session.answer(json(200, r#"{"ticket": "t-1\r\n"}"#)))
        .expect(trimmed)
        .expect(me.answer(json(200, r#"{"id": 7}"#)));
    host.setup([answers()]).run().unwrap();

    let found = repeated("", token(r"access\ncanary"));
    assert_eq!(found.liveness, Liveness::Offline);
    assert_eq!(found.reason.message.as_str(), "id.acme.com answered 200 without a token that a request can contain");
}

#[test]
fn a_value_that_an_earlier_answer_lacks_leaves_the_login_offline() {
    let steps = "[[exchange.steps]]\nurl = \"https://id.acme.com/session\"\nform = { p = \"${secret.password}\" }\n\
                 capture = { ticket = \"/ticket\" }\n[[exchange.steps]]\nurl = \"https://id.acme.com/token\"\n\
                 form = { t = \"${step.ticket}\" }\n";
    let text = format!(
        "format = 1\nid = \"acme\"\nname = \"Acme\"\nmechanism = \"token_exchange\"\n[[fields]]\nname = \"password\"\n\
         label = \"Password\"\nsecret = true\n{steps}[request]\nbase = \"https://api.acme.com\"\n"
    );
    let kind = KindFile::parse("acme.toml", &text).unwrap().definition();
    let session = || Expected::post("https://id.acme.com/session").no_redirect();
    let host = FakeHost::new(kind)
        .expect(session().answer(json(200, r#"{"ticket": "t-1"}"#)))
        .expect(login().answer(Reply::json(200, TOKEN)));
    let made = host.setup([answers()]).run().unwrap();
    let host = host.expect(session().answer(json(200, "{}")));
    let found = host.refresh(&made.credential, &host.connection(&made)).map(drop);
    let Err(ConnectionError::NotLive(found)) = found else { panic!("{found:?}") };
    assert_eq!(found.liveness, Liveness::Offline);
    assert_eq!(found.reason.message.as_str(), "id.acme.com answered 200 without a value at /ticket");
}
