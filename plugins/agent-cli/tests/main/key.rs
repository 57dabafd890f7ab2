//! API keys: how setup asks for a key, checks it, names its account and attaches it.

use connection_contract::prelude::*;
use connection_testkit::{FakeHost, Input, Reply, header, offline, sha256};

use crate::{ADMIN, KEY, kinds, models};

fn given() -> [Input; 2] {
    [Input::answers(&[("how", "apiKey")]), Input::answers(&[("apiKey", KEY)])]
}

#[test]
fn a_key_becomes_an_account_that_is_named_by_its_hash() {
    let hash = encode::hex(&sha256(KEY.as_bytes()));
    for (kind, make) in kinds() {
        let host = FakeHost::new(make()).expect(models(kind));
        let made = host.setup(given()).run().unwrap();
        assert_eq!(made.identity.account_id.as_str(), format!("key:{}", &hash[..16]));
        assert!(made.identity.label.as_str().ends_with(&hash[..6]), "{}", made.identity.label);
        let shown = format!("{} {}", made.identity.account_id, made.identity.label);
        assert!(KEY.as_bytes().windows(6).all(|part| !shown.contains(str::from_utf8(part).unwrap())));
    }
}

#[test]
fn a_key_is_handed_out_by_its_name_and_an_admin_key_is_not() {
    let host = FakeHost::new(kinds()[0].1()).expect(models("claude"));
    let inputs = [Input::answers(&[("how", "apiKey")]), Input::answers(&[("apiKey", KEY), ("adminKey", ADMIN)])];
    let made = host.setup(inputs).run().unwrap();
    assert_eq!(host.secret(&made.credential, "apiKey").unwrap().expose_str(), Some(KEY));
    assert_eq!(host.definition().descriptor().secret_names, ["apiKey"]);
}

#[test]
fn a_request_carries_the_key_and_what_the_provider_wants_beside_it() {
    for (kind, make) in kinds() {
        let host = FakeHost::new(make()).expect(models(kind));
        let made = host.setup(given()).run().unwrap();
        let origin = host.definition().descriptor().origins[0].clone();
        let request = HttpRequest::get(&host.base_url(&origin), "/v1/x");
        let request = host.authorize(&made.credential, request).unwrap();
        let (name, value) = match kind {
            "claude" => ("x-api-key", KEY.to_owned()),
            "codex" => ("authorization", format!("Bearer {KEY}")),
            _ => ("x-goog-api-key", KEY.to_owned()),
        };
        assert_eq!(header(&request, name), Some(&*value));
    }
}

#[test]
fn a_key_that_is_refused_is_asked_again_at_most_three_times() {
    for (kind, make) in kinds() {
        let refused = || models(kind).answer(refusal(kind));
        let host = FakeHost::new(make()).expect(refused()).expect(models(kind));
        let [how, key] = given();
        let run = host.setup([how, key, Input::answers(&[("apiKey", KEY)])]).trace();
        assert!(run.result.is_ok());
        let problem = run.steps.last().unwrap().prompt.as_ref().unwrap().problem.clone().unwrap();
        assert!(problem.as_str().contains("does not accept this key: make another key at https://"), "{problem}");

        let host = FakeHost::new(make()).expect(refused()).expect(refused()).expect(refused());
        let inputs = given().into_iter().chain((0..2).map(|_| Input::answers(&[("apiKey", KEY)])));
        let failure = host.setup(inputs).run().unwrap_err();
        assert_eq!(failure.code, reason::UNAUTHORIZED);
        assert!(offline(&failure).is_none());
    }
}

#[test]
fn a_key_that_google_does_not_know_is_refused_and_another_bad_request_is_not() {
    let make = kinds()[2].1;
    for (reply, liveness) in [
        (refusal("gemini"), Liveness::Failing),
        (Reply::json(400, r#"{"error": {"details": [{"reason": "OTHER"}]}}"#), Liveness::Offline),
        (Reply::text(400, "<html>"), Liveness::Offline),
    ] {
        let host = FakeHost::new(make()).expect(models("gemini")).expect(models("gemini").answer(reply));
        let made = host.setup(given()).run().unwrap();
        assert_eq!(host.verify(&made.credential, &host.connection(&made)).unwrap().liveness, liveness);
    }
}

#[test]
fn a_key_that_is_known_and_may_not_list_models_is_told_apart_with_what_to_do() {
    for (kind, make) in kinds() {
        let forbidden = || models(kind).answer(Reply::json(403, r#"{"error": {"type": "permission_error"}}"#));
        let host = FakeHost::new(make()).expect(models(kind)).expect(forbidden());
        let made = host.setup(given()).run().unwrap();
        let found = host.verify(&made.credential, &host.connection(&made)).unwrap();
        let why = found.reason.unwrap();
        assert_eq!((found.liveness, &*why.code), (Liveness::Failing, reason::FORBIDDEN));
        assert!(!why.message.as_str().contains("not accept") && why.remedy.unwrap().as_str().contains("permissions"));

        let host = FakeHost::new(make()).expect(forbidden()).expect(forbidden()).expect(forbidden());
        let inputs = given().into_iter().chain((0..2).map(|_| Input::answers(&[("apiKey", KEY)])));
        assert_eq!(host.setup(inputs).run().unwrap_err().code, reason::FORBIDDEN);
    }
}

fn refusal(kind: &str) -> Reply {
    match kind {
        "gemini" => Reply::json(
            400,
            r#"{"error": {"code": 400, "status": "INVALID_ARGUMENT", "details": [{"@type": "type.googleapis.com/google.rpc.ErrorInfo", "reason": "API_KEY_INVALID", "domain": "googleapis.com"}]}}"#,
        ),
        _ => Reply::json(401, r#"{"error": {"type": "authentication_error"}}"#),
    }
}
