//! What a person is advised to do: at a setup, which is begun again, and at a refresh, which is tried again.

use connection_contract::prelude::*;
use connection_testkit::Reply;

use crate::{acme, refresh::fails, refused};

/// All remedies that advise a re-authorization have the phrase that a host replaces. A setup has no connection yet.
#[test]
fn a_remedy_advises_a_re_authorization_in_one_phrase_and_a_setup_is_begun_again() {
    for (answer, remedy) in [
        (Reply::json(400, r#"{"error": "access_denied"}"#), ", and accept"),
        (Reply::json(400, r#"{"error": "invalid_grant"}"#), ""),
        (Reply::json(401, r#"{"message": "no"}"#), "check the client's id and secret; if they are right, "),
        (
            Reply::json(400, r#"{"error": "invalid_scope"}"#),
            "check how the application is registered at the provider; if that is right, ",
        ),
        (
            Reply::json(400, r#"{"error": "unauthorized_client"}"#),
            "check how the application is registered at the provider; if that is right, ",
        ),
    ] {
        let found = fails(acme(), answer);
        let told = found.reason.remedy.unwrap().to_string();
        assert_eq!(told.replace(reason::AUTHORIZE_AGAIN, ""), remedy);
        assert!(told.contains(reason::AUTHORIZE_AGAIN), "{told}");
    }
    for (answer, remedy) in [
        (Reply::json(400, r#"{"error": "access_denied"}"#), "begin again, and accept"),
        (Reply::json(401, r#"{"message": "no"}"#), "check the client's id and secret; if they are right, begin again"),
    ] {
        assert_eq!(refused(acme(), answer).remedy.unwrap().as_str(), remedy);
    }
}

/// A code is used up by its exchange, so that a setup whose code is answered with a page ends, and says what can be done.
#[test]
fn a_code_that_is_answered_with_a_page_is_told_with_the_next_step() {
    let page =
        |status| Reply::text(status, "<!doctype html><title>Blocked</title>").header("content-type", "text/html");
    for (answer, step) in [
        (page(200), "a proxy or a firewall"),
        (page(403), "a proxy or a firewall"),
        (page(415), "a proxy or a firewall"),
        (Reply::json(404, r#"{"status": 404}"#), "report it to the author of the kind"),
        (Reply::json(200, "{}"), "report it to the author of the kind"),
    ] {
        let remedy = refused(acme(), answer).remedy.expect("a next step").to_string();
        assert!(remedy.starts_with("begin again") && remedy.contains(step), "{remedy}");
    }
}

/// Google's word for an administrator who restricts a service: nobody consents at a refresh, and it is tried again.
#[test]
fn a_policy_of_an_administrator_has_a_remedy_that_fits_a_refresh() {
    let answer = || Reply::json(400, r#"{"error": "admin_policy_enforced"}"#);
    let found = fails(acme(), answer());
    assert_eq!((found.liveness, &*found.reason.code), (Liveness::Failing, "acme_policy_refused"));
    assert!(found.reason.message.as_str().contains("id.acme.example answered 400"), "{found:?}");
    let remedy = found.reason.remedy.unwrap().to_string();
    assert!(remedy.contains("the administrator who sets this policy") && remedy.contains("by itself"), "{remedy}");
    let failure = refused(acme(), answer());
    assert_eq!(&*failure.code, "acme_consent_required");
    assert!(failure.remedy.unwrap().as_str().contains("begin again"));
}

/// A redirect in answer to a refresh says nothing about the token, and the remedy neither blames the person nor the kind.
#[test]
fn a_redirect_of_a_refresh_says_that_it_is_asked_again() {
    let found = fails(acme(), Reply::status(302).header("location", "https://login.example/"));
    assert_eq!((found.liveness, &*found.reason.code), (Liveness::Offline, reason::PROVIDER_ERROR));
    assert!(found.reason.message.as_str().starts_with("id.acme.example answered 302 Found"), "{found:?}");
    assert!(found.reason.remedy.unwrap().as_str().starts_with("the provider is asked again by itself"));
}
