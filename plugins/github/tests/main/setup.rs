//! Setup: the fields, the stored values, and the repeated questions.

use connection_contract::prelude::*;
use connection_plugin_github::GitHub;
use connection_testkit::{Expected, Input, Reply, offline};

use crate::{TOKEN, get_user, host, octocat, token};

#[test]
fn a_token_becomes_a_connection_of_its_account() {
    let host = host().expect(get_user().answer(octocat()));
    let made = host.setup([token()]).run().unwrap();
    assert_eq!(made.identity, Identity::new("583231", "octocat"));
    assert_eq!(made.granted_scopes, Some(vec!["read:user".to_owned(), "repo".to_owned()]));
    assert_eq!(made.valid_until, Timestamp::parse("2026-02-05T10:20:30Z"));
    assert_eq!(made.reach, Reach::declared());
    assert_eq!(host.connection(&made).config("apiBaseUrl"), Some("https://api.github.com"));
    assert_eq!(made.measured.unwrap().liveness, Liveness::Live, "one request connects");
    host.finish();
}

#[test]
fn a_fine_grained_token_has_unknown_scopes_and_no_end() {
    let host = host().expect(get_user().answer(Reply::json(200, crate::USER)));
    let made = host.setup([token()]).run().unwrap();
    assert_eq!((made.granted_scopes, made.valid_until), (None, None));
}

#[test]
fn an_enterprise_server_is_the_only_address_in_reach() {
    let api = "https://github.acme.example/api/v3";
    let user = Expected::get(&format!("{api}/user")).header("authorization", &format!("Bearer {TOKEN}"));
    let again = Expected::get(&format!("{api}/user")).answer(octocat());
    let host = host().expect(user.answer(octocat())).expect(again);
    let made = host.setup([Input::answers(&[("accessToken", TOKEN), ("apiBaseUrl", api)])]).run().unwrap();
    assert_eq!(made.reach, Reach::base(host.base_url(api)));
    let connection = host.connection(&made);
    assert_eq!(connection.config("apiBaseUrl"), Some(api));
    assert_eq!(host.verify(&made.credential, &connection).unwrap().liveness, Liveness::Live);
}

#[test]
fn a_refused_token_is_asked_again_with_the_reason() {
    let refused = || get_user().answer(Reply::json(401, r#"{"message": "Bad credentials"}"#));
    let host = host().expect(refused()).expect(get_user().answer(octocat()));
    let run = host.setup([token(), token()]).trace();
    assert_eq!(run.result.unwrap().identity.label.as_str(), "octocat");
    let problems: Vec<_> = run.steps.iter().map(|step| step.prompt.as_ref().unwrap().problem.clone()).collect();
    assert_eq!(problems, [None, Some("GitHub does not accept this token".into())]);
}

#[test]
fn a_token_that_is_refused_three_times_ends_the_setup() {
    let refused = || get_user().answer(Reply::status(401));
    let host = host().expect(refused()).expect(refused()).expect(refused());
    let failure = host.setup([token(), token(), token()]).run().unwrap_err();
    assert_eq!(failure.code, reason::UNAUTHORIZED);
    assert!(offline(&failure).is_none());
}

#[test]
fn a_rate_limit_does_not_end_the_setup() {
    let limited = Reply::json(403, r#"{"message": "API rate limit exceeded"}"#).header("x-ratelimit-remaining", "0");
    let failure = host().expect(get_user().answer(limited)).setup([token()]).run().unwrap_err();
    assert_eq!(offline(&failure).unwrap().reason.code, reason::RATE_LIMITED);
}

#[test]
fn the_guide_leads_to_a_token_page_with_the_scopes_preselected() {
    let link = |part| if let Guide::Link(_, url) = part { Some(url) } else { None };
    let links: Vec<_> = GitHub.descriptor().guide.into_iter().filter_map(link).collect();
    let classic = "https://github.com/settings/tokens/new?scopes=repo,read:user&description=Connections";
    assert_eq!(links, [classic, "https://github.com/settings/personal-access-tokens/new"]);
}
