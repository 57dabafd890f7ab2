//! S23: no secret and no provider's words in an error, a `Debug`, a log, a step or a URL.

use connection_contract::prelude::*;
use connection_oauth2::{Client, OAuth2Error};
use connection_testkit::{Expected, Reply};

use crate::{
    ACCESS, CODE, ID, REFRESH, SECRET, TOKEN, acme, back, connected, drawn, host, me, redeem, renew, state, tokens,
};

/// S23: the application's secret, the code, the verifier and the tokens, in all that is shown.
#[test]
fn no_secret_is_shown() {
    let (kept, made) = connected(acme(), tokens());
    let debug = format!("{:?} {:?} {:?} {:?}", made, kept.definition(), kept.connection(&made), kept.log());
    silent(&debug);
    for reply in [
        Reply::json(400, &format!(r#"{{"error": "{ACCESS}", "error_description": "{REFRESH} {SECRET}"}}"#)),
        Reply::json(200, &format!(r#"{{"token": "{ACCESS}"}}"#)),
        Reply::text(200, ACCESS),
        Reply::text(500, ACCESS),
    ] {
        let host = host(acme()).expect(redeem().answer(reply));
        let run = host.setup([back()]).trace();
        silent(&format!("{:?} {:?} {:?}", run.result, run.steps, host.log()));
    }
    let echo = Reply::json(400, &format!(r#"{{"error": "invalid_grant", "error_description": "{REFRESH}"}}"#));
    let kept = kept.expect(renew().answer(echo));
    silent(&format!("{:?}", kept.refresh(&made.credential, &kept.connection(&made))));
}

/// S23: an error of the crate itself, in both forms.
#[test]
fn errors_name_the_way_out_and_no_secret() {
    for error in [
        OAuth2Error::Dead,
        OAuth2Error::InvalidClient,
        OAuth2Error::Refused { code: "invalid_scope".into() },
        OAuth2Error::Redirected,
    ] {
        assert!(!error.remedy().is_empty());
        silent(&format!("{error} {error:?}"));
    }
}

/// The application's secret is asked as a secret and shows in no step.
#[test]
fn an_application_that_is_asked_for_shows_nowhere() {
    let host = host(acme().client(Client::Asked)).expect(redeem().answer(tokens())).expect(me());
    let asked = connection_testkit::Input::answers(&[("clientId", ID), ("clientSecret", SECRET)]);
    let run = host.setup([asked, back()]).trace();
    silent(&format!("{:?} {:?}", run.steps, run.result));
}

/// RFC 7636, appendix B (R-INSEAM-079), through the request itself: what the fake host draws is the verifier, and the
/// vector shows that the hash is the standard's.
#[test]
fn the_challenge_is_that_of_the_standard() {
    let verifier = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
    let challenge = encode::base64url(&connection_testkit::sha256(verifier.as_bytes()));
    assert_eq!(challenge, "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM");
    let exchange = Expected::post(TOKEN).answer(tokens());
    let run = host(acme()).expect(exchange).expect(me()).setup([back()]).trace();
    let link = run.steps[0].open.clone().unwrap();
    let sent = encode::base64url(&connection_testkit::sha256(drawn(0).as_bytes()));
    assert!(link.as_str().contains(&format!("code_challenge={sent}")));
}

#[track_caller]
fn silent(text: &str) {
    for secret in [ACCESS, REFRESH, CODE, SECRET, &drawn(0), &state()] {
        assert!(!text.contains(secret), "{secret} in {text}");
    }
}
