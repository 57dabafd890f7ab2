//! Tests that scripted HTTP is strict: unexpected and missing requests fail the test.

use connection_contract::prelude::*;
use connection_testkit::{Expected, Reply, offline};

use crate::{
    acme::{KEY, get_me, host, key},
    check,
    quirk::Quirk,
};

#[test]
fn a_request_that_was_not_expected_fails_the_test() {
    check("GET https://api.acme.example/me was not expected", || host(Quirk::None).setup([key()]).run());
}

#[test]
fn a_request_that_differs_fails_the_test_and_says_in_what() {
    let me = "https://api.acme.example/me";
    for (expected, message) in [
        (Expected::post(me), "is not the next one in the script; expected was POST"),
        (Expected::get("https://api.acme.example/you"), "expected was GET https://api.acme.example/you"),
        (Expected::get(me).header("Authorization", "Bearer other"), "its header 'Authorization' has another value"),
        (Expected::get(me).header("accept", "*/*"), "its header 'accept' is missing"),
        (Expected::get(me).without_header("authorization"), "its header 'authorization' should not be there"),
        (Expected::get(me).no_redirect(), "would follow a redirect"),
        (Expected::get(me).form(&[("a", "b")]), "its body differs"),
        (Expected::get(me).json("{}"), "its body differs"),
    ] {
        check(message, || host(Quirk::None).expect(expected).setup([key()]).run());
    }
}

#[test]
fn an_expectation_that_is_not_met_fails_at_the_end() {
    check("did not send GET https://api.acme.example/me (0 more after it)", || {
        host(Quirk::None).expect(get_me()).finish();
    });
    check("did not send GET https://api.acme.example/me (1 more after it)", || {
        drop(host(Quirk::None).expect(get_me()).expect(get_me()));
    });
}

#[test]
fn a_message_shows_no_secret_of_a_path_or_query() {
    let evil = Expected::get(&format!("https://api.acme.example/bot{KEY}/me?key={KEY}"));
    check("expected was GET https://api.acme.example/bot[secret]/me", || {
        host(Quirk::None).expect(evil).setup([key()]).run()
    });
}

#[test]
fn bodies_are_compared_by_meaning() {
    let base = host(Quirk::None).base_url("https://api.acme.example");
    let send = |expected: Expected, request: HttpRequest| {
        let plugin = Sender(std::sync::Mutex::new(Some(request)));
        connection_testkit::FakeHost::new(plugin).expect(expected).setup([]).run().is_err()
    };
    let url = "https://api.acme.example/a%20b";
    let form = HttpRequest::post(&base, "/a b").form("x", "1 2").form("y", "ä");
    assert!(send(Expected::post(url).form(&[("y", "ä"), ("x", "1 2")]), form));
    let json = HttpRequest::post(&base, "/a b").no_redirect().json(&Value::object([("a", 1.into())]));
    assert!(send(Expected::post(url).no_redirect().json(r#"{ "a" : 1 }"#), json));
}

#[test]
fn an_error_instead_of_an_answer_reaches_the_plugin() {
    let lost = get_me().answer(Reply::error(HttpError::Timeout));
    let failure = host(Quirk::None).expect(lost).setup([key()]).run().unwrap_err();
    assert_eq!(offline(&failure).unwrap().reason.code, reason::TIMEOUT);
}

/// A plugin that sends one request and ends.
struct Sender(std::sync::Mutex<Option<HttpRequest>>);

impl ConnectionDefinition for Sender {
    type Credential = Secret;
    fn descriptor(&self) -> Descriptor {
        Descriptor::new(Kind::from_static("sender"), "Sender", AuthType::None)
    }

    async fn setup(&self, ctx: &SetupContext<'_>) -> Result<SetupResult<Secret>, SetupFailure> {
        let request = {
            let mut request = self.0.lock().expect("one thread");
            let sent = request.take().expect("replays send the same");
            *request = Some(connection_contract::host::duplicate(&sent));
            sent
        };
        classify(ctx.send(request).await)?;
        Err(SetupFailure::new("sent", "that is all"))
    }

    fn serialize_credential(&self, secret: &Secret) -> Result<Secret, CredentialError> {
        Ok(secret.duplicate())
    }

    fn parse_credential(&self, bytes: &[u8]) -> Result<Secret, CredentialError> {
        Ok(Secret::new(bytes))
    }

    async fn verify(&self, _: &Secret, _: &VerifyContext<'_>) -> Result<VerifyResult<Secret>, ConnectionError> {
        Ok(VerifyResult::live())
    }
}
