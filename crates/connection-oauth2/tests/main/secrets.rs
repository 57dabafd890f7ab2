//! S23: no secret and no text of a provider is in an error, a `Debug`, a log, a step or a URL.

use connection_contract::prelude::*;
use connection_oauth2::{Assertion, Client, ClientAuth, Endpoint, Grant, OAuth2Error, Response};
use connection_testkit::{Expected, Input, Reply, canary};

use crate::{
    ACCESS, CODE, ID, REFRESH, SECRET, TOKEN, acme, back, connected, drawn, host, me, redeem, renew, state, tokens,
};

/// R-INSEAM-088, S23: the application's secret, the code, the verifier and the tokens are in nothing that is shown.
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

/// S23: nor are the other secrets: a device code, the tokens of a further set, an `id_token`, a private key and its
/// signature, a password, and pasted text.
#[test]
fn nothing_else_that_is_secret_is_shown() {
    const OTHERS: [&str; 7] = [
        "device-canary-12",
        "user-canary-77",
        "user-refresh-77",
        "id-token-canary-8",
        "key-canary-0123456789",
        "password-canary-9f8e",
        "pasted-canary-4d",
    ];
    let shown = |text: &str| {
        silent(text);
        for secret in OTHERS {
            assert_eq!(canary::found(text.as_bytes(), secret.as_bytes()), None, "{secret} in {text}");
        }
    };
    let answer = format!(
        r#"{{"access_token": "{ACCESS}", "refresh_token": "{REFRESH}", "id_token": "id-token-canary-8", "authed_user": {{"access_token": "user-canary-77", "refresh_token": "user-refresh-77"}}}}"#
    );
    let device = "https://id.acme.example/device";
    let codes = r#"{"device_code": "device-canary-12", "user_code": "W", "verification_uri": "https://id.acme.example/a", "expires_in": 900}"#;
    let sets = || acme().response(Response::new().extra_tokens("user", "/authed_user"));
    let pasted = |text: &str| Input::answers(&[("callbackUrl", text)]);
    for (is_good, answered, inputs) in [
        (true, Reply::json(200, &answer), vec![Input::Elapsed]),
        (false, Reply::json(400, r#"{"error": "device-canary-12 user-canary-77"}"#), vec![Input::Elapsed]),
        (false, Reply::json(400, r#"{"error": "pasted-canary-4d"}"#), vec![pasted("pasted-canary-4d")]),
        (false, Reply::json(400, r#"{"error": "x"}"#), vec![pasted("two pasted-canary-4d"), back()]),
    ] {
        let host = host(sets().endpoint(Endpoint::Device, device))
            .expect(Expected::post(device).answer(Reply::json(200, codes)))
            .expect(Expected::post(TOKEN).answer(answered));
        let host = if is_good { host.expect(me()) } else { host };
        let run = host.setup(inputs).trace();
        shown(&format!("{:?} {:?} {:?}", run.result, run.steps, host.log()));
        if let Ok(made) = run.result {
            shown(&format!("{:?}", host.connection(&made)));
            let dead = Reply::json(400, r#"{"error": "invalid_grant", "error_description": "user-refresh-77"}"#);
            let host = host
                .expect(renew().answer(Reply::json(200, &answer.replace("authed_user", "nobody"))))
                .expect(Expected::post(TOKEN).answer(dead));
            shown(&format!("{:?} {:?}", host.refresh(&made.credential, &host.connection(&made)), host.log()));
        }
    }
    let key = "-----BEGIN PRIVATE KEY-----\nkey-canary-0123456789\n-----END PRIVATE KEY-----\n";
    let signs = acme()
        .client(Client::Configured { id: ID.into(), secret: Some(key.into()) })
        .client_auth(ClientAuth::PrivateKeyJwt(Assertion::new(SignatureAlgorithm::Es256)));
    let host = host(signs).expect(redeem().answer(Reply::json(400, r#"{"error": "key-canary-0123456789"}"#)));
    let run = host.setup([back()]).trace();
    shown(&format!("{:?} {:?} {:?} {:?}", run.result, run.steps, host.log(), host.definition()));
    let asks = acme().grant(Grant::Password).unsafe_password_grant();
    let host = crate::host(asks).expect(redeem().answer(Reply::json(400, r#"{"error": "password-canary-9f8e"}"#)));
    let run = host.setup([Input::answers(&[("username", "ada"), ("password", "password-canary-9f8e")])]).trace();
    shown(&format!("{:?} {:?} {:?}", run.result, run.steps, host.log()));
}

/// R-INSEAM-077, S23: nor are they in an error of the crate itself, in both forms.
#[test]
fn errors_name_the_way_out_and_no_secret() {
    for error in [OAuth2Error::ClientMissing, OAuth2Error::Expired, OAuth2Error::NothingToRenew, OAuth2Error::NoCode] {
        assert!(!error.remedy().as_str().is_empty());
        silent(&format!("{error} {error:?}"));
    }
}

/// The application's secret is asked for as a secret and appears in no step.
#[test]
fn an_application_that_is_asked_for_shows_nowhere() {
    let host = host(acme().client(Client::Prompted)).expect(redeem().answer(tokens())).expect(me());
    let application = Input::answers(&[("clientId", ID), ("clientSecret", SECRET)]);
    let run = host.setup([application, back()]).trace();
    silent(&format!("{:?} {:?}", run.steps, run.result));
}

/// S5, R-INSEAM-079: RFC 7636, appendix B, through the request itself: the fake host's random bytes are the verifier,
/// and the test vector shows that the hash is the standard's.
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
        assert_eq!(canary::found(text.as_bytes(), secret.as_bytes()), None, "{secret} in {text}");
    }
}
