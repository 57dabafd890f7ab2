//! Connecting a mailbox: the request to Google, the lifetime of the authorization, and rate limits.

use connection_contract::prelude::*;
use connection_plugin_gmail::gmail;
use connection_testkit::{FakeHost, Input, Reply};

use crate::{ID, SCOPE, SECRET, back, host, profile, redeem, renew, tokens};

#[test]
fn a_mailbox_without_a_subject_is_its_address() {
    let host = host().expect(redeem().answer(tokens(""))).expect(profile());
    let run = host.setup([back()]).trace();
    let made = run.result.unwrap();
    assert_eq!(made.identity, Identity::new("ada@example.com", "ada@example.com").email().mutable());
    assert_eq!(made.valid_until, Some(host.now().after(3599)));
    assert_eq!((made.renew_at, made.authorized_until), (None, None));
    let link = run.steps[0].open.clone().unwrap();
    for part in ["openid", "access_type=offline", "prompt=consent", "code_challenge_method=S256", "gmail.readonly"] {
        assert!(link.as_str().contains(part), "{part}");
    }
}

/// Returns Google's answer to a code with an ID token, whose signature nobody reads.
fn with_subject(audience: &str) -> Reply {
    let part = |text: &str| encode::base64url(text.as_bytes());
    let claims =
        format!(r#"{{"iss": "https://accounts.google.com", "aud": "{audience}", "sub": "10769150350006150715"}}"#);
    let token = format!("{}.{}.c2ln", part(r#"{"alg": "RS256"}"#), part(&claims));
    let answer = format!(
        r#"{{"access_token": "{}", "expires_in": 3599, "scope": "openid {SCOPE}", "id_token": "{token}"}}"#,
        crate::ACCESS
    );
    Reply::json(200, &answer)
}

#[test]
fn a_mailbox_that_is_renamed_stays_the_same_account() {
    let host = host().expect(redeem().answer(with_subject(ID))).expect(profile());
    let made = host.setup([back()]).run().unwrap();
    let expected = Identity::new("10769150350006150715", "ada@example.com").formerly("ada@example.com");
    assert_eq!(made.identity, expected);
    assert!(made.identity.has_id("Ada@Example.com"), "it replaces the credential of an earlier connection");
    let connection = host.connection(&made);
    let renamed = Reply::json(200, r#"{"emailAddress": "lovelace@example.com"}"#);
    let host = host.expect(profile().answer(renamed));
    let found = host.verify(&made.credential, &connection).unwrap();
    assert_eq!((found.liveness, found.identity), (Liveness::Live, None));
}

/// A connection of before has no scope for a subject, and its address is a name that can change.
#[test]
fn a_renamed_mailbox_without_a_subject_has_another_address() {
    let host = host().expect(redeem().answer(tokens(""))).expect(profile());
    let made = host.setup([back()]).run().unwrap();
    let connection = host.connection(&made);
    let renamed = Reply::json(200, r#"{"emailAddress": "lovelace@example.com"}"#);
    let host = host.expect(profile().answer(renamed));
    let found = host.verify(&made.credential, &connection).unwrap();
    let expected = Identity::new("lovelace@example.com", "lovelace@example.com").email().mutable();
    assert_eq!((found.liveness, found.identity), (Liveness::Live, Some(expected)));
}

/// An ID token for another application says nothing about this account.
#[test]
fn a_subject_for_another_application_is_not_taken() {
    let host = host().expect(redeem().answer(with_subject("another-application"))).expect(profile());
    let made = host.setup([back()]).run().unwrap();
    assert_eq!(made.identity.account_id.as_str(), "ada@example.com");
}

/// While the application is in testing, Google's refresh tokens live for seven days, and its answer says so.
#[test]
fn an_application_in_testing_ends_after_seven_days() {
    let host = host().expect(redeem().answer(tokens(r#", "refresh_token_expires_in": 604799"#))).expect(profile());
    let made = host.setup([back()]).run().unwrap();
    assert_eq!(made.authorized_until, Some(host.now().after(604_799)));
    let host =
        host.expect(renew().answer(Reply::json(400, r#"{"error": "invalid_grant", "error_description": "expired"}"#)));
    let Err(ConnectionError::NotLive(found)) = host.refresh(&made.credential, &host.connection(&made)) else {
        panic!("it is not live")
    };
    assert_eq!(found.reason.code, reason::NEEDS_REAUTHORIZATION);
}

/// The first setup asks for the application.
#[test]
fn the_first_setup_asks_for_the_application() {
    let host = FakeHost::new(gmail()).inbound_http(crate::CALLBACK).key_value();
    let host = host.expect(redeem().answer(tokens(""))).expect(profile());
    let application = Input::answers(&[("clientId", ID), ("clientSecret", SECRET)]);
    host.setup([application, back()]).run().unwrap();
}

/// The person has deselected the scope on Google's page.
#[test]
fn mail_that_was_not_granted_is_named() {
    let answer = format!(r#"{{"access_token": "{}", "expires_in": 3599, "scope": "openid"}}"#, crate::ACCESS);
    let host = host().expect(redeem().answer(Reply::json(200, &answer)));
    let failure = host.setup([back()]).run().unwrap_err();
    assert_eq!(failure.code, reason::SCOPE_MISSING);
    assert!(failure.message.as_str().contains(SCOPE));
}

/// Without a browser on this machine, a person uses one elsewhere: Google has no device codes for mail, and the guide
/// explains that.
#[test]
fn no_device_code_is_offered_and_the_guide_says_what_instead() {
    let descriptor = gmail().descriptor();
    let names: Vec<_> = descriptor.fields.iter().map(|field| &*field.name).collect();
    assert_eq!(names, ["clientId", "clientSecret", "callbackUrl"]);
    let says = |words: &str| {
        descriptor.guide.iter().any(|part| matches!(part, Guide::Text(text) if text.as_str().contains(words)))
    };
    assert!(says("no device codes for mail") && says("paste the address") && says("seven days"));
}

#[test]
fn a_limit_is_no_lost_authorization() {
    for (reply, liveness, code) in [
        (limit("rateLimitExceeded"), Liveness::Offline, reason::RATE_LIMITED),
        (limit("userRateLimitExceeded"), Liveness::Offline, reason::RATE_LIMITED),
        (limit("dailyLimitExceeded"), Liveness::Offline, reason::RATE_LIMITED),
        (limit("forbidden"), Liveness::Failing, reason::UNAUTHORIZED),
        (limit("quotaExceeded"), Liveness::Offline, reason::RATE_LIMITED),
        (
            Reply::json(403, r#"{"error": {"code": 403, "details": [{"reason": "RATE_LIMIT_EXCEEDED"}]}}"#),
            Liveness::Offline,
            reason::RATE_LIMITED,
        ),
        (Reply::status(429), Liveness::Offline, reason::RATE_LIMITED),
        (
            Reply::json(401, r#"{"error": {"code": 401, "status": "UNAUTHENTICATED"}}"#),
            Liveness::Failing,
            reason::UNAUTHORIZED,
        ),
    ] {
        let host = host().expect(redeem().answer(tokens(""))).expect(profile()).expect(profile().answer(reply));
        let made = host.setup([back()]).run().unwrap();
        let found = host.verify(&made.credential, &host.connection(&made)).unwrap();
        assert_eq!((found.liveness, &*found.reason.unwrap().code), (liveness, code));
    }
}

/// The project of the application has to enable the API, and no new authorization helps.
#[test]
fn an_api_that_is_not_enabled_is_a_fault_of_the_application_and_names_the_page_that_enables_it() {
    let reply = Reply::json(
        403,
        r#"{"error": {"code": 403, "status": "PERMISSION_DENIED", "errors": [{"reason": "forbidden"}], "details": [
            {"@type": "type.googleapis.com/google.rpc.Help", "links": [{"url": "https://elsewhere.example/"}]},
            {"@type": "type.googleapis.com/google.rpc.ErrorInfo", "reason": "SERVICE_DISABLED", "metadata":
                {"consumer": "projects/71", "service": "gmail.googleapis.com"}}]}}"#,
    );
    for (reply, project, page) in
        [(reply, " 71", "/gmail.googleapis.com?project=71 "), (limit("accessNotConfigured"), "", " ")]
    {
        let host = host().expect(redeem().answer(tokens(""))).expect(profile()).expect(profile().answer(reply));
        let made = host.setup([back()]).run().unwrap();
        let found = host.verify(&made.credential, &host.connection(&made)).unwrap();
        let why = found.reason.unwrap();
        assert_eq!((found.liveness, &*why.code), (Liveness::Failing, "gmail_client_refused"));
        let message = why.message.as_str();
        assert!(message.ends_with(&format!("is not enabled in the application's project{project}")), "{message}");
        let remedy = why.remedy.unwrap();
        let link = format!("https://console.cloud.google.com/apis/library{page}");
        assert!(remedy.as_str().contains(&link), "{}", remedy.as_str());
    }
}

fn limit(reason: &str) -> Reply {
    let body =
        format!(r#"{{"error": {{"code": 403, "errors": [{{"domain": "usageLimits", "reason": "{reason}"}}]}}}}"#);
    Reply::json(403, &body)
}

/// The kinds of Google in the catalogue name the account by the same address.
#[test]
fn the_grant_that_a_revocation_ends_is_named_by_the_address() {
    let host = host().expect(redeem().answer(tokens(""))).expect(profile());
    let made = host.setup([back()]).run().unwrap();
    let host = host.expect(profile());
    let connection = host.connection(&made);
    let found = host.verify(&made.credential, &connection).unwrap();
    let expected = Some(ProviderGrant::new(ID, "ada@example.com"));
    assert_eq!(found.grant, expected);
    assert_eq!(made.measured.and_then(|measured| measured.grant), expected);
    let page = gmail().credential_page(None, &connection);
    assert_eq!(page.as_deref(), Some("https://myaccount.google.com/permissions"));
}
