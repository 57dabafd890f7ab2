//! Authorization with a device code.

use connection_contract::prelude::*;
use connection_oauth2::{ClientAuth, Endpoint, Grant, OAuth2, OAuth2Builder, Response};
use connection_testkit::{Expected, FakeHost, Input, Reply};

use crate::{ACCESS, CALLBACK, CODE, ID, NOW, SECRET, TOKEN, acme, host, kind, me, redeem, tokens};

pub(crate) const DEVICE: &str = "https://id.acme.example/device";

pub(crate) fn tv() -> OAuth2Builder {
    acme().grant(Grant::DeviceCode).endpoint(Endpoint::Device, DEVICE)
}

pub(crate) fn ask() -> Expected {
    Expected::post(DEVICE).form(&[("scope", "read"), ("client_id", ID), ("client_secret", SECRET)])
}

pub(crate) fn codes(more: &str) -> Reply {
    Reply::json(
        200,
        &format!(
            r#"{{"device_code": "device-canary-12", "user_code": "WDJB-MJHT", "verification_uri": "https://id.acme.example/activate", "expires_in": 900{more}}}"#
        ),
    )
}

pub(crate) fn poll() -> Expected {
    Expected::post(TOKEN).form(&[
        ("grant_type", "urn:ietf:params:oauth:grant-type:device_code"),
        ("device_code", "device-canary-12"),
        ("client_id", ID),
        ("client_secret", SECRET),
    ])
}

pub(crate) fn error(code: &str) -> Reply {
    Reply::json(400, &format!(r#"{{"error": "{code}"}}"#))
}

/// S18: the interval is five seconds, and five more after every `slow_down`: polls at 5, 10, 20 and 30.
#[test]
fn the_schedule_is_the_standards() {
    let host = FakeHost::new(kind(tv()))
        .expect(ask().answer(codes("")))
        .expect(poll().answer(error("authorization_pending")))
        .expect(poll().answer(error("slow_down")))
        .expect(poll().answer(error("authorization_pending")))
        .expect(poll().answer(tokens()))
        .expect(me());
    let run = host.setup([Input::Elapsed, Input::Elapsed, Input::Elapsed, Input::Elapsed]).trace();
    run.result.unwrap();
    assert_eq!(host.now().seconds() - NOW, 30);
    assert_eq!(run.steps.len(), 1, "a poll is the same step");
}

/// S18: the larger of the two intervals is used, whichever response states it. Q12: an interval may be text.
#[test]
fn an_interval_that_the_provider_names_is_kept() {
    for interval in ["40", r#""40""#] {
        let slow = Reply::json(400, &format!(r#"{{"error": "slow_down", "interval": {interval}}}"#));
        let host = FakeHost::new(kind(tv()))
            .expect(ask().answer(codes(r#", "interval": "7""#)))
            .expect(poll().answer(slow))
            .expect(poll().answer(tokens()))
            .expect(me());
        host.setup([Input::Elapsed, Input::Elapsed]).run().unwrap();
        assert_eq!(host.now().seconds() - NOW, 47, "{interval}");
    }
}

/// S18: each poll uses effects of a setup, whose number is limited. A code with a long lifetime is therefore polled
/// less often than the provider allows.
#[test]
fn a_code_that_lives_long_is_polled_for_less_often() {
    for (life, interval, expected) in [(1800, 1, 5), (900, 1, 3), (300, 1, 1), (1800, 7, 7), (999_999, 1, 5)] {
        let codes = Reply::json(
            200,
            &format!(
                r#"{{"device_code": "device-canary-12", "user_code": "W", "verification_uri": "https://id.acme.example/a", "expires_in": {life}, "interval": {interval}}}"#
            ),
        );
        let host = FakeHost::new(kind(tv())).expect(ask().answer(codes)).expect(poll().answer(tokens())).expect(me());
        host.setup([Input::Elapsed]).run().unwrap();
        assert_eq!(host.now().seconds() - NOW, expected, "{life} {interval}");
    }
}

/// If the provider refuses to issue a code, the browser remains; without a browser the setup ends.
#[test]
fn a_refused_request_for_a_code_leaves_the_browser() {
    for reply in [error("unauthorized_client"), Reply::status(404), Reply::status(503)] {
        let host = host(acme().endpoint(Endpoint::Device, DEVICE))
            .expect(ask().answer(reply))
            .expect(redeem().answer(tokens()))
            .expect(me());
        let run = host.setup([crate::back()]).trace();
        run.result.unwrap();
        assert!(run.steps[0].open.is_some());
        assert_eq!(host.log().first().unwrap().name, "device_code_refused");
    }
    let alone = FakeHost::new(kind(tv())).expect(ask().answer(error("unauthorized_client")));
    assert_eq!(alone.setup([]).run().unwrap_err().code, "acme_refused");
}

/// RFC 8628, section 3.2: with 401, the application did not authenticate, as Keycloak answers for a wrong secret. A person
/// who is asked may refuse access with any status.
#[test]
fn an_application_that_does_not_authenticate_for_a_device_is_refused() {
    let unauthorized = |code: &str| Reply::json(401, &format!(r#"{{"error": "{code}"}}"#));
    let failed = |host: FakeHost<OAuth2>, inputs: Vec<Input>| host.setup(inputs).run().unwrap_err().code;
    let asked = || FakeHost::new(kind(tv()));
    let polled = || asked().expect(ask().answer(codes("")));
    for code in ["unauthorized_client", "access_denied"] {
        assert_eq!(failed(asked().expect(ask().answer(unauthorized(code))), Vec::new()), "acme_client_refused");
    }
    let elapsed = || vec![Input::Elapsed];
    let poll_of = |code: &str| polled().expect(poll().answer(unauthorized(code)));
    assert_eq!(failed(poll_of("unauthorized_client"), elapsed()), "acme_client_refused");
    assert_eq!(failed(poll_of("access_denied"), elapsed()), "acme_access_denied");
}

/// S18: a missing response doubles the interval and ends nothing.
#[test]
fn a_poll_without_an_answer_is_followed_by_a_later_one() {
    let host = FakeHost::new(kind(tv()))
        .expect(ask().answer(codes("")))
        .expect(poll().answer(Reply::error(HttpError::Timeout)))
        .expect(poll().answer(Reply::status(503)))
        .expect(poll().answer(tokens()))
        .expect(me());
    host.setup([Input::Elapsed, Input::Elapsed, Input::Elapsed]).run().unwrap();
    assert_eq!(host.now().seconds() - NOW, 5 + 10 + 20);
}

/// Returns answers in place of that of the endpoint: from a sign-in, a portal or a page about maintenance in front of it.
fn from_something_else() -> Vec<Reply> {
    let html = |status: u16, body: &str| Reply::text(status, body).header("content-type", "text/html");
    let redirect = |status: u16| Reply::status(status).header("location", "https://wall.example/login");
    vec![
        html(200, "<!doctype html><title>Sign in</title>"),
        html(200, "Back soon"),
        html(403, "<html>Blocked</html>"),
        Reply::status(200),
        Reply::status(204),
        Reply::json(200, " "),
        Reply::json(200, "{}"),
        Reply::json(200, "null"),
        redirect(302),
        redirect(307),
        Reply::status(304),
    ]
}

/// An answer that says nothing about the code ends neither the code nor another way to authorize.
#[test]
fn a_poll_that_something_else_answers_is_followed_by_a_later_one() {
    for reply in from_something_else() {
        let case = format!("{reply:?}");
        let alone = FakeHost::new(kind(tv()))
            .expect(ask().answer(codes("")))
            .expect(poll().answer(reply))
            .expect(poll().answer(tokens()))
            .expect(me());
        alone.setup([Input::Elapsed, Input::Elapsed]).run().unwrap_or_else(|failure| panic!("{case}: {failure}"));
        assert_eq!(alone.now().seconds() - NOW, 5 + 10, "{case}");
    }
    for reply in from_something_else() {
        let case = format!("{reply:?}");
        let beside = host(acme().endpoint(Endpoint::Device, DEVICE))
            .expect(ask().answer(codes("")))
            .expect(poll().answer(reply))
            .expect(redeem().answer(tokens()))
            .expect(me());
        beside.setup([Input::Elapsed, crate::back()]).run().unwrap_or_else(|failure| panic!("{case}: {failure}"));
    }
}

/// If something else answered the last poll, the setup does not claim that nobody confirmed the code.
#[test]
fn a_code_whose_last_poll_something_else_answered_ends_with_that_answer() {
    let short = || {
        let answer = r#"{"device_code": "device-canary-12", "user_code": "W", "verification_uri": "https://id.acme.example/a", "expires_in": 7}"#;
        ask().answer(Reply::json(200, answer))
    };
    for (reply, code, message) in [
        (Reply::status(302), "acme_redirected", "id.acme.example answered 302 Found"),
        (Reply::status(200), reason::PROVIDER_ERROR, "id.acme.example answered 200 OK and no token"),
        (Reply::status(503), "acme_code_expired", "nobody confirmed the code in time"),
    ] {
        let host = FakeHost::new(kind(tv())).expect(short()).expect(poll().answer(reply));
        let failure = host.setup([Input::Elapsed, Input::Elapsed]).run().unwrap_err();
        assert_eq!(failure.code, code);
        assert!(failure.message.as_str().starts_with(message), "{}", failure.message);
    }
}

/// A success that cannot be read may hold the tokens, and the code is used up: it is not polled for again, and the host keeps
/// the answer.
#[test]
fn a_poll_whose_success_cannot_be_read_waits_with_its_answer() {
    let json = |members: &str| Reply::json(200, &format!("{{{members}}}"));
    let form = |body: &str| Reply::text(200, body).header("content-type", "application/x-www-form-urlencoded");
    let access = format!(r#""access_token": "{ACCESS}""#);
    let replies = || {
        [
            (Reply::text(200, "\u{b}\u{2}\u{80}packed").header("content-encoding", "br"), reason::NOT_JSON),
            (json(&format!(r#"{access}, "scope": "read \ud83d""#)), reason::NOT_JSON),
            (json(&format!(r#"{access}, "refresh_token": "rt\ud83d""#)), reason::NOT_JSON),
            (json(&format!(r#"{access}, "refresh_token": {{"token": "rt-1"}}"#)), reason::NOT_JSON),
            (form(&format!("access_token={ACCESS}&scope=read+%E9")), reason::NOT_JSON),
            (Reply::text(200, &format!(")]}}',{{{access}}}")), reason::PROVIDER_ERROR),
            (json(r#""token_of_another_name": "at-1""#), reason::PROVIDER_ERROR),
            (
                Reply::text(200, &format!("<br>Notice\n{{{access}}}")).header("content-type", "text/html"),
                reason::PROVIDER_ERROR,
            ),
        ]
    };
    for (reply, code) in replies() {
        let case = format!("{reply:?}");
        let host = FakeHost::new(kind(tv())).expect(ask().answer(codes(""))).expect(poll().answer(reply));
        let failure = host.setup([Input::Elapsed]).run().unwrap_err();
        assert_eq!(failure.code, code, "{case}");
        assert!(connection_testkit::offline(&failure).is_some(), "{case}: the setup waits");
    }
    for (reply, code) in replies() {
        let case = format!("{reply:?}");
        let beside = host(acme().endpoint(Endpoint::Device, DEVICE))
            .expect(ask().answer(codes("")))
            .expect(poll().answer(reply));
        assert_eq!(beside.setup([Input::Elapsed]).run().unwrap_err().code, code, "{case}");
    }
}

/// A refusal that cannot be read says nothing about the code, and has no tokens.
#[test]
fn a_poll_whose_refusal_cannot_be_read_is_followed_by_a_later_one() {
    let packed = Reply::text(400, "\u{b}\u{2}\u{80}packed").header("content-encoding", "br");
    let host = FakeHost::new(kind(tv()))
        .expect(ask().answer(codes("")))
        .expect(poll().answer(packed))
        .expect(poll().answer(tokens()))
        .expect(me());
    host.setup([Input::Elapsed, Input::Elapsed]).run().unwrap();
}

/// S18: polling stops when the code expires, and at a final response.
#[test]
fn a_final_refusal_ends_the_connection() {
    for (reply, code) in [
        (error("expired_token"), "acme_code_expired"),
        (error("access_denied"), "acme_access_denied"),
        // Nothing says that the time was over.
        (error("invalid_grant"), "acme_code_refused"),
        (error("INVALID_GRANT"), "acme_code_refused"),
        (error("Invalid Grant"), "acme_code_refused"),
        (error("bad_verification_code"), "acme_code_refused"),
        (error("code_expired"), "acme_code_expired"),
        (Reply::text(400, "expired_token"), "acme_code_expired"),
    ] {
        let host = FakeHost::new(kind(tv())).expect(ask().answer(codes(""))).expect(poll().answer(reply));
        assert_eq!(host.setup([Input::Elapsed]).run().unwrap_err().code, code);
    }
    let short = Reply::json(
        200,
        r#"{"device_code": "device-canary-12", "user_code": "W", "verification_uri": "https://id.acme.example/a", "expires_in": 7}"#,
    );
    let host =
        FakeHost::new(kind(tv())).expect(ask().answer(short)).expect(poll().answer(error("authorization_pending")));
    assert_eq!(host.setup([Input::Elapsed, Input::Elapsed]).run().unwrap_err().code, "acme_code_expired");
}

/// A setup waits for a code for half an hour at most, whatever the provider says.
#[test]
fn a_code_is_not_waited_for_without_end() {
    let long = Reply::json(
        200,
        r#"{"device_code": "device-canary-12", "user_code": "W", "verification_uri": "https://id.acme.example/a", "expires_in": 999999, "interval": 1000}"#,
    );
    let host =
        FakeHost::new(kind(tv())).expect(ask().answer(long)).expect(poll().answer(error("authorization_pending")));
    assert_eq!(host.setup([Input::Elapsed, Input::Elapsed]).run().unwrap_err().code, "acme_code_expired");
    assert_eq!(host.now().seconds() - NOW, 1800);
}

/// S18 (RFC 8628, sections 3.3.1 and 5.4): the code is shown even if the address contains it, with a warning.
#[test]
fn the_code_is_shown_with_a_warning() {
    let more = r#", "verification_uri_complete": "https://id.acme.example/activate?user_code=WDJB-MJHT""#;
    let host = FakeHost::new(kind(tv())).expect(ask().answer(codes(more))).expect(poll().answer(tokens())).expect(me());
    let run = host.setup([Input::Elapsed]).trace();
    let notices = &run.steps[0].notices;
    assert!(notices.iter().any(|notice| notice.message.as_str().contains("only if you began this yourself")));
    let shown = notices.iter().find(|notice| notice.user_code.is_some()).unwrap();
    assert_eq!(shown.user_code.as_ref().unwrap().as_str(), "WDJB-MJHT");
    assert_eq!(shown.link.as_ref().unwrap().as_str(), "https://id.acme.example/activate?user_code=WDJB-MJHT");
}

/// Providers leave out the lifetime, use the names of the draft beside those of the standard, and write the code that a
/// person types as a number.
#[test]
fn the_codes_of_a_device_are_read_leniently() {
    let page = "https://id.acme.example/activate";
    for (members, user_code, life) in [
        (format!(r#""user_code": "W", "verification_uri": "{page}""#), "W", 900),
        (format!(r#""user_code": "W", "verification_uri": "{page}", "expires_in": null"#), "W", 900),
        (format!(r#""user_code": "W", "verification_url": "{page}", "expires_in": 60"#), "W", 60),
        (
            format!(
                r#""user_code": "W", "verification_uri": "{page}", "verification_url": "{page}", "expires_in": "60""#
            ),
            "W",
            60,
        ),
        (
            format!(r#""user_code": 123456, "verification_uri": "{page}", "expires_in": 60, "interval": null"#),
            "123456",
            60,
        ),
    ] {
        let answer = Reply::json(200, &format!(r#"{{"device_code": "device-canary-12", {members}}}"#));
        let host = FakeHost::new(kind(tv())).expect(ask().answer(answer)).expect(poll().answer(tokens())).expect(me());
        let run = host.setup([Input::Elapsed]).trace();
        run.result.unwrap_or_else(|failure| panic!("{members}: {failure}"));
        let shown = run.steps[0].notices.iter().find(|notice| notice.user_code.is_some()).unwrap();
        assert_eq!(shown.user_code.as_ref().unwrap().as_str(), user_code);
        assert_eq!(shown.link.as_ref().unwrap().as_str(), page);
        assert_eq!(host.now().seconds() - NOW, 5, "the interval of the standard");
        if !members.contains("interval") {
            // With a long interval, the end of the code is what comes first.
            let answer =
                Reply::json(200, &format!(r#"{{"device_code": "device-canary-12", "interval": 3600, {members}}}"#));
            let host = FakeHost::new(kind(tv())).expect(ask().answer(answer));
            assert_eq!(host.setup([Input::Elapsed]).run().unwrap_err().code, "acme_code_expired");
            assert_eq!(host.now().seconds() - NOW, life, "{members}");
        }
    }
    for (answer, what) in [
        (r#"{"user_code": "W", "verification_uri": "https://id.acme.example/a"}"#, "device code"),
        (r#"{"device_code": "d", "verification_uri": "https://id.acme.example/a"}"#, "code that a person types"),
        (r#"{"device_code": "d", "user_code": "W"}"#, "address at which a person types the code"),
    ] {
        let host = FakeHost::new(kind(tv())).expect(ask().answer(Reply::json(200, answer)));
        let message = format!("id.acme.example answered 200 OK and no {what}");
        assert_eq!(host.setup([]).run().unwrap_err().message.as_str(), message);
    }
}

/// The lifetime of a device's code has the forms of that of a token.
#[test]
fn the_life_of_a_device_code_is_read_as_that_of_a_token() {
    let milliseconds = || tv().response(Response::new().milliseconds());
    for (builder, members) in [
        (milliseconds(), r#""expires_in": 60000"#.to_owned()),
        (tv(), r#""expires_in": 60000, "expires_in_sec": 60"#.to_owned()),
        (tv(), r#""expires_in_sec": "60""#.to_owned()),
        (tv(), r#""expires_in": 0.6e2"#.to_owned()),
        (tv(), format!(r#""expires_in": {}"#, NOW + 60)),
        (tv(), format!(r#""expires_in": "{}000""#, NOW + 60)),
    ] {
        let answer = format!(
            r#"{{"device_code": "device-canary-12", "user_code": "W", "verification_uri": "https://id.acme.example/a", "interval": 3600, {members}}}"#
        );
        let host = FakeHost::new(kind(builder)).expect(ask().answer(Reply::json(200, &answer)));
        assert_eq!(host.setup([Input::Elapsed]).run().unwrap_err().code, "acme_code_expired");
        assert_eq!(host.now().seconds() - NOW, 60, "{members}");
    }
}

/// The codes of RFC 8628, section 3.5, in any case and at the places that providers use.
#[test]
fn the_errors_of_a_poll_are_read_in_any_case() {
    let nested = Reply::json(400, r#"{"error": {"code": "Authorization_Pending"}}"#);
    let host = FakeHost::new(kind(tv()))
        .expect(ask().answer(codes("")))
        .expect(poll().answer(error("AUTHORIZATION_PENDING")))
        .expect(poll().answer(nested))
        .expect(poll().answer(error("SLOW_DOWN")))
        .expect(poll().answer(error("authorizationPending")))
        .expect(poll().answer(error("Authorization Pending")))
        .expect(poll().answer(Reply::text(400, "authorization_pending")))
        .expect(poll().answer(tokens()))
        .expect(me());
    host.setup((0..7).map(|_| Input::Elapsed)).run().unwrap();
    assert_eq!(host.now().seconds() - NOW, 5 + 5 + 5 + 10 + 10 + 10 + 10);
    // Twitch writes its codes as messages, and FastAPI as details.
    for (member, code, seconds) in [("message", "authorization_pending", 10), ("detail", "slow_down", 15)] {
        let host = FakeHost::new(kind(tv()))
            .expect(ask().answer(codes("")))
            .expect(poll().answer(Reply::json(400, &format!(r#"{{"status": 400, "{member}": "{code}"}}"#))))
            .expect(poll().answer(tokens()))
            .expect(me());
        host.setup([Input::Elapsed, Input::Elapsed]).run().unwrap();
        assert_eq!(host.now().seconds() - NOW, seconds, "{member}");
    }
    for (code, expected) in [("EXPIRED_TOKEN", "acme_code_expired"), ("ACCESS_DENIED", "acme_access_denied")] {
        let host = FakeHost::new(kind(tv())).expect(ask().answer(codes(""))).expect(poll().answer(error(code)));
        assert_eq!(host.setup([Input::Elapsed]).run().unwrap_err().code, expected);
    }
}

/// Only an https address is shown.
#[test]
fn an_address_in_the_clear_is_not_shown() {
    let odd = Reply::json(
        200,
        r#"{"device_code": "d", "user_code": "W", "verification_uri": "http://evil.example/a", "expires_in": 7}"#,
    );
    let host = FakeHost::new(kind(tv())).expect(ask().answer(odd));
    assert_eq!(host.setup([]).run().unwrap_err().code, reason::DENIED);
}

/// The first valid result wins: a callback while a code waits, a paste between polls, the code if the browser never
/// returns.
#[test]
fn a_code_races_the_browser() {
    let race = || acme().endpoint(Endpoint::Device, DEVICE);
    let begun = || host(race()).expect(ask().answer(codes("")));
    begun().expect(redeem().answer(tokens())).expect(me()).setup([crate::back()]).run().unwrap();
    let pasted = Input::answers(&[("callbackUrl", CODE)]);
    let between =
        begun().expect(poll().answer(error("authorization_pending"))).expect(redeem().answer(tokens())).expect(me());
    between.setup([Input::Elapsed, pasted]).run().unwrap();
    let run = begun().expect(poll().answer(tokens())).expect(me()).setup([Input::Elapsed]).trace();
    run.result.unwrap();
    assert!(run.steps[0].open.is_some() && run.steps[0].prompt.is_some());
    assert!(run.steps[0].notices.iter().any(|notice| notice.user_code.is_some()));
}

/// An expired code leaves the other methods available.
#[test]
fn a_dead_code_leaves_the_browser_open() {
    for (input, dead) in [(crate::back(), "expired_token"), (Input::answers(&[("callbackUrl", CODE)]), "invalid_grant")]
    {
        let host = host(acme().endpoint(Endpoint::Device, DEVICE))
            .expect(ask().answer(codes("")))
            .expect(poll().answer(error(dead)))
            .expect(redeem().answer(tokens()))
            .expect(me());
        let run = host.setup([Input::Elapsed, input]).trace();
        run.result.unwrap();
        let last = run.steps.last().unwrap();
        assert!(last.open.is_some() && last.notices.iter().all(|notice| notice.user_code.is_none()), "{dead}");
    }
}

/// An invalid paste between two polls does not cause an earlier poll.
#[test]
fn an_answer_brings_no_poll_forward() {
    let host = host(acme().endpoint(Endpoint::Device, DEVICE))
        .expect(ask().answer(codes("")))
        .expect(poll().answer(tokens()))
        .expect(me());
    let wrong = Input::answers(&[("callbackUrl", "two words")]);
    host.setup([wrong, Input::Elapsed]).run().unwrap();
    assert_eq!(host.now().seconds() - NOW, 5);
}

/// A host without callbacks can still use the code.
#[test]
fn a_host_without_callbacks_still_has_the_code() {
    let builder = acme()
        .endpoint(Endpoint::Device, DEVICE)
        .methods([connection_oauth2::Method::Browser, connection_oauth2::Method::Device]);
    let host =
        FakeHost::new(kind(builder)).expect(ask().answer(codes(""))).expect(poll().answer(tokens())).expect(me());
    let run = host.setup([Input::Elapsed]).trace();
    run.result.unwrap();
    assert!(run.steps[0].open.is_none());
}

/// Q31: a public client polls with its id alone.
#[test]
fn a_public_client_polls_with_its_id() {
    let public = Expected::post(DEVICE).form(&[("scope", "read"), ("client_id", ID)]);
    let host = FakeHost::new(kind(tv().client_auth(ClientAuth::None)))
        .inbound_http(CALLBACK)
        .expect(public.answer(codes("")))
        .expect(
            Expected::post(TOKEN)
                .form(&[
                    ("grant_type", "urn:ietf:params:oauth:grant-type:device_code"),
                    ("device_code", "device-canary-12"),
                    ("client_id", ID),
                ])
                .answer(tokens()),
        )
        .expect(me());
    host.setup([Input::Elapsed]).run().unwrap();
}
