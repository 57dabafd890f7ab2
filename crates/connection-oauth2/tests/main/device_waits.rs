//! A device's code that is polled for after a pause, and the reason why there is none while the browser remains.

use connection_contract::prelude::*;
use connection_oauth2::Endpoint;
use connection_testkit::{FakeHost, Input, Reply};

use crate::{
    NOW, acme,
    device::{DEVICE, ask, codes, error, poll, tv},
    host, kind, me, redeem, tokens,
};

/// A pause that an answer asks for delays the next poll alone, and never brings it forward.
#[test]
fn a_poll_that_is_asked_to_wait_is_followed_by_one_after_the_pause() {
    let wait = |reply: Reply, seconds: &str| reply.header("retry-after", seconds);
    for (reply, seconds) in [
        (wait(Reply::status(429), "12"), 5 + 12),
        (wait(error("slow_down"), "31"), 5 + 31),
        // The control: the interval is longer.
        (wait(Reply::status(429), "2"), 5 + 10),
    ] {
        let case = format!("{reply:?}");
        let host = FakeHost::new(kind(tv()))
            .expect(ask().answer(codes("")))
            .expect(poll().answer(reply))
            .expect(poll().answer(tokens()))
            .expect(me());
        host.setup([Input::Elapsed, Input::Elapsed]).run().unwrap();
        assert_eq!(host.now().seconds() - NOW, seconds, "{case}");
    }
}

/// A person who chose the code is told why there is none while the browser remains.
#[test]
fn the_reason_why_there_is_no_code_is_a_notice() {
    for (reply, code, message) in [
        (
            Reply::json(401, r#"{"error": "invalid_client", "error_description": "no"}"#),
            "acme_client_refused",
            "id.acme.example answered 401 Unauthorized (invalid_client)",
        ),
        (Reply::status(429), reason::RATE_LIMITED, "id.acme.example answered 429 Too Many Requests and asks to wait"),
        (Reply::status(503), reason::PROVIDER_ERROR, "id.acme.example answered 503 Service Unavailable"),
        (Reply::status(404), reason::PROVIDER_ERROR, "id.acme.example answered 404 Not Found"),
        (Reply::text(400, "<html>no</html>"), reason::PROVIDER_ERROR, "id.acme.example answered 400 Bad Request"),
    ] {
        let host = host(acme().endpoint(Endpoint::Device, DEVICE))
            .expect(ask().answer(reply))
            .expect(redeem().answer(tokens()))
            .expect(me());
        let run = host.setup([crate::back()]).trace();
        run.result.unwrap();
        let why = run.steps[0].notices.iter().find_map(|notice| notice.reason.as_ref()).unwrap();
        assert_eq!(&*why.code, code, "{message}");
        assert!(why.message.as_str().ends_with(message), "{}", why.message);
    }
    for (refusal, code) in [("invalid_grant", "acme_code_refused"), ("expired_token", "acme_code_expired")] {
        let host = host(acme().endpoint(Endpoint::Device, DEVICE))
            .expect(ask().answer(codes("")))
            .expect(poll().answer(error(refusal)))
            .expect(redeem().answer(tokens()))
            .expect(me());
        let run = host.setup([Input::Elapsed, crate::back()]).trace();
        run.result.unwrap();
        let why = run.steps.last().unwrap().notices.iter().find_map(|notice| notice.reason.as_ref()).unwrap();
        assert_eq!(&*why.code, code);
    }
}
