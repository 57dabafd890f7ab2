//! Setup and use of a connection.

use connection_contract::prelude::*;
use connection_testkit::{Reply, header, offline};

use crate::{TOKEN, get_me, host, token};

#[test]
fn a_token_becomes_a_connection_of_its_bot_in_its_workspace() {
    let host = host().expect(get_me()).expect(get_me());
    let made = host.setup([token()]).run().unwrap();
    assert_eq!(made.identity, Identity::new("4d7b4b7a-9f2a", "Acme"));
    assert_eq!(made.measured.as_ref().unwrap().liveness, Liveness::Live, "one request connects");
    let found = host.verify(&made.credential, &host.connection(&made)).unwrap();
    assert_eq!(found.identity, Some(made.identity));
}

#[test]
fn a_token_of_a_person_is_named_after_that_person() {
    let person = r#"{"object": "user", "id": "p-1", "type": "person", "name": "Ada", "person": {}}"#;
    let made = host().expect(get_me().answer(Reply::json(200, person))).setup([token()]).run().unwrap();
    assert_eq!(made.identity, Identity::new("p-1", "Ada"));
}

#[test]
fn only_an_error_has_an_error_code() {
    let coded = get_me().answer(Reply::json(200, r#"{"id": "b-1", "name": "Robot", "code": "unauthorized"}"#));
    assert!(host().expect(coded).setup([token()]).run().is_ok());
}

#[test]
fn a_refused_token_is_asked_again_and_at_most_three_times() {
    let refused = || get_me().answer(Reply::json(401, r#"{"object": "error", "code": "unauthorized"}"#));
    let host = host().expect(refused()).expect(refused()).expect(refused());
    let run = host.setup([token(), token(), token()]).trace();
    assert_eq!(run.result.unwrap_err().code, reason::UNAUTHORIZED);
    assert_eq!(run.steps.len(), 3);
    let problem = run.steps.last().unwrap().prompt.as_ref().unwrap().problem.as_ref().unwrap();
    assert_eq!(problem.as_str(), "Notion does not accept this token");
}

#[test]
fn a_capability_that_is_missing_ends_the_setup() {
    let refused = get_me().answer(Reply::json(403, r#"{"code": "restricted_resource"}"#));
    let failure = host().expect(refused).setup([token()]).run().unwrap_err();
    assert_eq!(failure.code, reason::FORBIDDEN);
    assert!(offline(&failure).is_none());
}

#[test]
fn a_request_carries_token_and_version_and_keeps_what_its_caller_set() {
    let host = host().expect(get_me());
    let made = host.setup([token()]).run().unwrap();
    let request = HttpRequest::get(&host.base_url("https://api.notion.com"), "/v1/search");
    let request = host.authorize(&made.credential, request.header("Notion-Version", "2022-06-28")).unwrap();
    assert_eq!(header(&request, "authorization"), Some(&*format!("Bearer {TOKEN}")));
    assert_eq!(header(&request, "notion-version"), Some("2022-06-28"));
    for name in ["accessToken", "apiKey"] {
        assert_eq!(host.secret(&made.credential, name).unwrap().expose_str(), Some(TOKEN), "{name}");
    }
}
