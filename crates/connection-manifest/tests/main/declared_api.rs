//! A declaration that describes the requests of its provider's API, in the form of a kind file.

use connection_contract::prelude::*;
use connection_manifest::DeclaredKind;
use connection_testkit::{Expected, FakeHost, Input, Reply, conformance::Suite};
use serde_json::{Value, json};

use crate::{parse, set, with_oauth};

const KEY: &str = "key-canary-81d0c4f7a2";
const ACCESS: &str = "access-canary-11aa22bb";
const CALLBACK: &str = "https://host.example/callback/issues.tracker";

fn of(document: &Value) -> Result<DeclaredKind, Reason> {
    DeclaredKind::of(parse(document).declaration())
}

/// Adds requests to a declaration.
fn with_requests(document: Value) -> Value {
    let document = set(document, "/connection/verify", json!({ "path": "/me" }));
    set(document, "/connection/account", json!({ "id": "/user/id", "label": "/user/name" }))
}

fn with_key() -> Value {
    let request = json!({
        "base": "https://api.tracker.example/v1",
        "headers": { "Authorization": "Bearer ${secret.apiKey}", "Tracker-Version": "3" },
        "query": { "api_key": "${secret.apiKey}" },
    });
    with_requests(json!({
        "name": "issues",
        "connection": {
            "id": "default",
            "provider": "tracker",
            "title": "Tracker",
            "auth": { "type": "apiKey", "secretNames": ["apiKey"] },
            "request": request,
        },
    }))
}

fn with_endpoints() -> Value {
    let request = json!({
        "base": "https://api.acme.example",
        "headers": { "Authorization": "Bearer ${token.access}" },
    });
    with_requests(set(with_oauth("/clientId", json!("authors-application")), "/connection/request", request))
}

fn agreed() -> Input {
    Input::answers(&[("confirmation", "true")])
}

fn me() -> Expected {
    Expected::get(&format!("https://api.tracker.example/v1/me?api_key={KEY}"))
        .header("authorization", &format!("Bearer {KEY}"))
        .header("tracker-version", "3")
        .answer(Reply::json(200, r#"{"user": {"id": 42, "name": "Ada"}}"#))
}

#[test]
fn every_sentence_holds_for_declared_requests_with_a_key() {
    let answers = Input::answers(&[("apiKey", KEY)]);
    Suite::new(|| of(&with_key()).unwrap())
        .secret_in_address()
        .setup([agreed(), answers], [me()])
        .verify([me()])
        .check();
}

#[test]
fn a_declared_key_is_verified_and_names_its_account() {
    let host = FakeHost::new(of(&with_key()).unwrap()).expect(me());
    let made = host.setup([agreed(), Input::answers(&[("apiKey", KEY)])]).run().unwrap();
    assert_eq!((made.identity.account_id.as_str(), made.identity.label.as_str()), ("42", "Ada"));
    assert_eq!(made.measured.unwrap().liveness, Liveness::Live);
    assert_eq!(host.secret(&made.credential, "apiKey").unwrap().expose_str(), Some(KEY));
    host.finish();
    // Without the requests, which is the control, nothing is sent for the extension.
    let plain = json!({ "id": "default", "provider": "tracker", "title": "Tracker",
        "auth": { "type": "apiKey", "secretNames": ["apiKey"] } });
    assert!(of(&set(with_key(), "/connection", plain)).unwrap().authorizer().is_none());
    assert!(of(&with_key()).unwrap().authorizer().is_some());
}

#[test]
fn declared_oauth_sends_requests_with_its_token_and_reads_the_account() {
    let token = Expected::post("https://id.acme.example/token").no_redirect();
    let token = token.answer(Reply::json(200, &format!(r#"{{"access_token": "{ACCESS}", "expires_in": 3600}}"#)));
    let me = Expected::get("https://api.acme.example/me")
        .header("authorization", &format!("Bearer {ACCESS}"))
        .answer(Reply::json(200, r#"{"user": {"id": "a-1"}}"#));
    let host = FakeHost::new(of(&with_endpoints()).unwrap()).inbound_http(CALLBACK).key_value();
    let host = [token, me].into_iter().fold(host, FakeHost::expect);
    let application = Input::answers(&[("clientId", "my-application")]);
    let back = Input::callback(&[("code", "code-canary-55ee66ff")]);
    let made = host.setup([agreed(), application, back]).run().unwrap();
    assert_eq!(made.identity.account_id.as_str(), "a-1");
    assert_eq!(host.secret(&made.credential, "accessToken").unwrap().expose_str(), Some(ACCESS));
    host.finish();
    let descriptor = of(&with_endpoints()).unwrap().descriptor();
    assert_eq!(descriptor.kind.as_str(), "issues/acme");
    assert!(!format!("{descriptor:?}").contains("authors-application"));
}

#[test]
fn a_person_sees_every_place_of_the_secret_before_confirming_and_agrees_to_it() {
    let kind = of(&with_key()).unwrap();
    let descriptor = kind.descriptor();
    let terms = descriptor.terms.clone().unwrap();
    assert_eq!(
        &*terms,
        "extension issues\nauth apiKey\nsecret apiKey\naddress https://api.tracker.example/v1\n\
         request.base = \"https://api.tracker.example/v1\"\n\
         request.headers.Authorization = \"Bearer ${secret.apiKey}\"\nrequest.headers.Tracker-Version = \"3\"\n\
         request.query.api_key = \"${secret.apiKey}\"\nverify.method = \"GET\"\nverify.path = \"/me\""
    );
    let guide = format!("{:?}", descriptor.guide);
    for line in ["request.headers.Authorization", "request.query.api_key", "verify.path"] {
        assert!(guide.contains(line), "{guide}");
    }
    assert!(descriptor.fields[0].help.clone().unwrap().as_str().contains("https://api.tracker.example/v1"));
    assert!(kind.origins().iter().any(|origin| origin.as_str() == "https://api.tracker.example"));
    // What decides where the secret goes changes the terms; what only reads an answer does not.
    let terms_of = |document: &Value| of(document).unwrap().descriptor().terms.unwrap();
    let elsewhere = set(with_key(), "/connection/request/base", json!("https://eu.tracker.example"));
    assert_ne!(terms_of(&elsewhere), terms);
    let account = set(with_key(), "/connection/account/label", json!("/user/login"));
    assert_eq!(terms_of(&account), terms);
}

#[test]
fn requests_are_checked_as_those_of_a_kind_file() {
    let request = |member: &str, value: Value| set(with_key(), &format!("/connection/request/{member}"), value);
    for (document, at) in [
        (request("base", json!("http://api.tracker.example")), "request.base"),
        (request("base", json!("https://${config.site}.example")), "request.base"),
        (request("base", json!("https://${secret.apiKey}.example")), "request.base"),
        (request("base", json!("https://10.0.0.1")), "request.base"),
        (request("headers", json!({ "Host": "${secret.apiKey}" })), "request.headers"),
        (request("headers", json!({ "X-Key": "${secret.other}" })), "request.headers"),
        (request("headers", json!({ "X-Key": "${env.HOME}" })), "request.headers"),
        (request("command", json!("curl")), "request.command"),
        (set(with_key(), "/connection/verify/path", json!("https://${secret.apiKey}.example/me")), "verify.path"),
        (set(with_key(), "/connection/account/from", json!("client")), "account"),
    ] {
        let reason = of(&document).unwrap_err();
        assert_eq!(reason.code, "declaration_unusable");
        assert!(reason.message.as_str().contains(at), "{at}: {}", reason.message);
    }
    // A request that a person could not read in full is refused.
    let many: Value =
        (0..50).map(|number| (format!("X-{number}"), json!("1"))).collect::<serde_json::Map<_, _>>().into();
    let reason = of(&request("headers", many)).unwrap_err();
    assert!(reason.message.as_str().contains("cannot be shown in full"), "{}", reason.message);
}

/// A file names the secret by a template, and never holds it.
#[test]
fn a_request_holds_no_secret() {
    let held = set(with_key(), "/connection/request/query/api_key", json!("sk-canary"));
    let error = connection_manifest::ExtensionFile::parse(held.to_string().as_bytes()).unwrap_err().to_string();
    assert!(error.contains("must not contain a secret") && !error.contains("sk-canary"), "{error}");
}

#[test]
fn declared_requests_are_written_as_they_were_read() {
    let file = parse(&with_key());
    let written = connection_manifest::ExtensionFile::of(file.declaration()).unwrap();
    assert_eq!(written.declaration(), file.declaration());
    assert!(file.unknown().is_empty());
}

#[test]
fn a_declaration_that_adds_members_to_bodies_says_that_it_reads_them() {
    let adds = set(with_key(), "/connection/request/json", json!({ "key": "${secret.apiKey}" }));
    for (document, reads) in [(adds, true), (with_key(), false)] {
        let kind = of(&document).unwrap();
        assert_eq!(kind.authorizer().unwrap().reads_body(), reads);
    }
}
