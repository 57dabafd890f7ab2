//! The end of a token: the page on which a person deletes it, and the request that revokes it.

use connection_contract::prelude::*;
use connection_plugin_github::GitHub;
use connection_testkit::{Expected, FakeHost, Input, Reply};

use crate::{TOKEN, get_user, host, octocat, token};

const FINE_GRAINED: &str = "github_pat_canary11AA0b2c3d4e5f";

/// Returns the request that revokes the token, which carries no credential.
pub(crate) fn revoke() -> Expected {
    Expected::post("https://api.github.com/credentials/revoke")
        .json(&format!(r#"{{"credentials":["{TOKEN}"]}}"#))
        .answer(Reply::status(202))
}

/// Returns the page for a token of this form on a server.
#[track_caller]
fn page(token: &str, api: Option<&str>) -> Option<String> {
    let user = format!("{}/user", api.unwrap_or("https://api.github.com"));
    let host = host().expect(Expected::get(&user).answer(octocat()));
    let mut answers = vec![("accessToken", token)];
    answers.extend(api.map(|api| ("apiBaseUrl", api)));
    let made = host.setup([Input::answers(&answers)]).run().ok()?;
    let page = GitHub.credential_page(Some(&made.credential), &host.connection(&made));
    page.map(|page| page.to_string())
}

#[test]
fn the_page_depends_on_the_form_of_the_token_and_on_the_server() {
    assert_eq!(page(TOKEN, None).as_deref(), Some("https://github.com/settings/tokens"));
    assert_eq!(page(FINE_GRAINED, None).as_deref(), Some("https://github.com/settings/personal-access-tokens"));
    let server = Some("https://github.acme.example/api/v3");
    assert_eq!(page(TOKEN, server).as_deref(), Some("https://github.acme.example/settings/tokens"));
    assert_eq!(
        page(FINE_GRAINED, server).as_deref(),
        Some("https://github.acme.example/settings/personal-access-tokens")
    );
    assert_eq!(page(TOKEN, Some("https://api.acme.ghe.com")).as_deref(), Some("https://acme.ghe.com/settings/tokens"));
}

#[test]
fn a_removal_leaves_a_token_that_a_person_entered() {
    let host = host().expect(get_user().answer(octocat()));
    let made = host.setup([token()]).run().unwrap();
    let outcome = host.teardown(&made.credential, &host.connection(&made)).unwrap();
    let Teardown::NotRevoked(why) = outcome else { panic!("{outcome:?}") };
    assert_eq!(why.code, reason::REVOCATION_NOT_REQUESTED);
    host.finish();
}

#[test]
fn a_token_counts_as_revoked_when_github_no_longer_accepts_it() {
    let check = |after: Reply| {
        let host: FakeHost<_> = host().expect(get_user().answer(octocat()));
        let made = host.setup([token()]).run().unwrap();
        let host = host.expect(revoke()).expect(get_user().answer(after));
        let outcome = host.revoke(&made.credential, &host.connection(&made)).unwrap();
        host.finish();
        outcome
    };
    assert_eq!(check(Reply::status(401)), Teardown::Revoked);
    for works in [octocat(), Reply::status(503)] {
        let outcome = check(works);
        let Teardown::NotRevoked(why) = outcome else { panic!("{outcome:?}") };
        assert_eq!(why.code, reason::REVOCATION_UNCONFIRMED);
    }
}

#[test]
fn an_enterprise_server_is_not_asked_to_revoke() {
    let api = "https://github.acme.example/api/v3";
    let host = host().expect(Expected::get("https://github.acme.example/api/v3/user").answer(octocat()));
    let made = host.setup([Input::answers(&[("accessToken", TOKEN), ("apiBaseUrl", api)])]).run().unwrap();
    let outcome = host.revoke(&made.credential, &host.connection(&made)).unwrap();
    let Teardown::NotRevoked(why) = outcome else { panic!("{outcome:?}") };
    assert_eq!(why.code, reason::NO_REVOCATION);
    host.finish();
}
