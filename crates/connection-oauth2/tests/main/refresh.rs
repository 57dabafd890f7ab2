//! Refresh: tokens that are spent once, values that are kept, and failures that are not a lost authorization.

use connection_contract::prelude::*;
use connection_oauth2::{Client, Grant, OAuth2Builder};
use connection_testkit::{Expected, Reply};

use crate::{ACCESS, ID, REFRESH, SECRET, TOKEN, acme, connected, host, kind, me, renew, secret_text, tokens};

/// R-INSEAM-082, Q4: a response without a refresh token keeps the current one, and so do an empty one, `null`, a word for a
/// missing value and one that is masked.
#[test]
fn a_refresh_token_that_is_not_replaced_stays() {
    for more in [
        "",
        r#", "refresh_token": """#,
        r#", "refresh_token": null"#,
        r#", "refresh_token": []"#,
        r#", "refresh_token": "null""#,
        r#", "refresh_token": "undefined""#,
        r#", "refresh_token": " None ""#,
        r#", "refresh_token": "NULL""#,
        r#", "refresh_token": " \u200b\ufeff""#,
        r#", "refresh_token": "********""#,
        r#", "refresh_token": "\u2022\u2022\u2022\u2022""#,
        r#", "refresh_token": "...""#,
    ] {
        let (host, made) = connected(acme(), tokens());
        let again = Reply::json(200, &format!(r#"{{"access_token": "second-canary-1"{more}}}"#));
        let host = host.expect(renew().answer(again)).expect(renew().answer(tokens()));
        let connection = host.connection(&made);
        let fresh = host.refresh(&made.credential, &connection).unwrap();
        assert_eq!(secret_text(host.secret(&fresh.credential, "accessToken")).unwrap(), "second-canary-1");
        host.refresh(&fresh.credential, &connection).unwrap();
    }
}

/// A word for a missing value is no access token either, so the former one stays.
#[test]
fn an_access_token_that_is_a_word_for_a_missing_value_is_none() {
    for word in ["null", "undefined", "None", ""] {
        let reply = Reply::json(200, &format!(r#"{{"access_token": "{word}", "refresh_token": "rotated-canary-2"}}"#));
        check(reply, Liveness::Offline, reason::PROVIDER_ERROR);
    }
}

/// Q5: the new refresh token replaces the old one. The core stores it before it hands out the access token.
#[test]
fn a_refresh_token_that_rotates_is_the_next_to_be_spent() {
    let (host, made) = connected(acme(), tokens());
    let rotated = Reply::json(
        200,
        r#"{"access_token": "second-canary-1", "refresh_token": "rotated-canary-2", "expires_in": 60}"#,
    );
    let next = Expected::post(TOKEN).form(&[
        ("grant_type", "refresh_token"),
        ("refresh_token", "rotated-canary-2"),
        ("client_id", ID),
        ("client_secret", SECRET),
    ]);
    let host = host.expect(renew().answer(rotated)).expect(next.answer(tokens()));
    let connection = host.connection(&made);
    let fresh = host.refresh(&made.credential, &connection).unwrap();
    assert_eq!(fresh.valid_until, Some(host.now().after(60)));
    host.refresh(&fresh.credential, &connection).unwrap();
}

/// Q6: the configuration says what a lost response means, and the host acts on it: nothing is sent again here.
#[test]
fn a_lost_answer_is_the_hosts_to_judge() {
    let semantics = |builder: OAuth2Builder| kind(builder).refresher().unwrap().semantics();
    assert_eq!(semantics(acme()), RefreshSemantics::Strict);
    let grace = RefreshSemantics::Grace(Duration::from_secs(600));
    assert_eq!(semantics(acme().semantics(grace)), grace);
    for reply in [Reply::status(502), Reply::error(HttpError::Timeout)] {
        check(reply, Liveness::Offline, reason::REFRESH_OUTCOME_UNKNOWN);
    }
}

/// A code is spent: after a lost response waiting would be useless, and the user begins again. A request that was not
/// sent, or was refused unprocessed, is sent when the setup continues.
#[test]
fn a_code_whose_answer_is_lost_is_not_sent_again() {
    for reply in [Reply::status(503), Reply::error(HttpError::Timeout)] {
        let failure = crate::refused(acme(), reply);
        assert_eq!((&*failure.code, failure.remedy.as_ref().unwrap().as_str()), ("acme_answer_lost", "begin again"));
        assert!(connection_testkit::offline(&failure).is_none());
    }
    for reply in [Reply::status(429), Reply::error(HttpError::Connect)] {
        assert!(connection_testkit::offline(&crate::refused(acme(), reply)).is_some());
    }
}

/// Q24: only a grant that has ended needs the user. Everything else concerns the operator, or is temporary.
#[test]
fn only_a_dead_grant_needs_the_user() {
    let error =
        |status, code: &str| Reply::json(status, &format!(r#"{{"error": "{code}", "error_description": "tok-9"}}"#));
    for (reply, liveness, code) in [
        (error(400, "invalid_grant"), Liveness::Failing, reason::NEEDS_REAUTHORIZATION),
        (error(200, "invalid_grant"), Liveness::Failing, reason::NEEDS_REAUTHORIZATION),
        (error(400, "interaction_required"), Liveness::Failing, reason::NEEDS_REAUTHORIZATION),
        (error(401, "invalid_client"), Liveness::Failing, "acme_client_refused"),
        (error(400, "invalid_client"), Liveness::Failing, "acme_client_refused"),
        (error(400, "unauthorized_client"), Liveness::Failing, "acme_refused"),
        (error(400, "temporarily_unavailable"), Liveness::Offline, reason::RATE_LIMITED),
        (Reply::status(302).header("location", "https://login.example/"), Liveness::Offline, reason::PROVIDER_ERROR),
        (Reply::status(429), Liveness::Offline, reason::RATE_LIMITED),
        (Reply::status(503), Liveness::Offline, reason::REFRESH_OUTCOME_UNKNOWN),
        // An outage refuses nothing, whatever it says: the answer is lost, and the token is sent again.
        (error(500, "invalid_grant"), Liveness::Offline, reason::REFRESH_OUTCOME_UNKNOWN),
        (error(503, "invalid_grant"), Liveness::Offline, reason::REFRESH_OUTCOME_UNKNOWN),
        (error(408, "invalid_client"), Liveness::Offline, reason::REFRESH_OUTCOME_UNKNOWN),
        (Reply::error(HttpError::Dns), Liveness::Offline, reason::DNS),
        (Reply::text(400, "<html>"), Liveness::Offline, reason::PROVIDER_ERROR),
        (Reply::text(200, "<html>"), Liveness::Offline, reason::PROVIDER_ERROR),
        (Reply::text(403, "<html>blocked</html>"), Liveness::Offline, reason::PROVIDER_ERROR),
    ] {
        check(reply, liveness, code);
    }
}

/// A policy of a directory refuses refreshes for as long as its condition lasts, and the refresh token stays.
#[test]
fn a_policy_that_refuses_a_refresh_ends_no_grant() {
    let answer = |more: &str| Reply::json(400, &format!(r#"{{"error": "invalid_grant", {more}}}"#));
    for more in [r#""error_codes": [53003]"#, r#""suberror": "message_only""#, r#""suberror": "additional_action""#] {
        check(answer(more), Liveness::Failing, "acme_policy_refused");
    }
    for more in [r#""error_codes": [50173]"#, r#""suberror": "bad_token""#, r#""suberror": null"#] {
        check(answer(more), Liveness::Failing, reason::NEEDS_REAUTHORIZATION);
    }
}

/// R-INSEAM-083: without a refresh token nobody is asked, and nothing is said about the access.
#[test]
fn without_a_refresh_token_there_is_nothing_to_renew() {
    for more in ["", r#", "expires_in": 3600"#, r#", "refresh_token": "", "expires_in": 60"#] {
        let answer = Reply::json(200, &format!(r#"{{"access_token": "{ACCESS}"{more}}}"#));
        let (host, made) = connected(acme(), answer);
        let Err(ConnectionError::NotLive(found)) = host.refresh(&made.credential, &host.connection(&made)) else {
            panic!("nothing is renewed")
        };
        assert_eq!((found.liveness, &*found.reason.code), (Liveness::Offline, reason::NOTHING_TO_RENEW), "{more}");
        let message = "this access is not renewed: the provider issued no refresh token for it";
        assert_eq!((found.reason.message.as_str(), found.recheck_after), (message, None));
        host.finish();
    }
}

/// A refresh that loses a required scope stores its tokens, and the next verification says what is missing.
#[test]
fn a_required_scope_that_a_refresh_loses_is_noticed() {
    let builder = || acme().required_scope("offline");
    let granted = r#"{"access_token": "second-canary-1", "refresh_token": "rotated-canary-2", "scope": "read"}"#;
    let all = format!(r#"{{"access_token": "{ACCESS}", "refresh_token": "{REFRESH}", "scope": "offline read"}}"#);
    let (host, made) = connected(builder(), Reply::json(200, &all));
    let connection = host.connection(&made);
    let host = host.expect(me());
    let control = host.verify(&made.credential, &connection).unwrap();
    assert_eq!(control.liveness, Liveness::Live, "all scopes are there");
    let host = host.expect(renew().answer(Reply::json(200, granted)));
    let fresh = host.refresh(&made.credential, &connection).expect("the tokens are not lost");
    assert_eq!(fresh.granted_scopes.as_deref().unwrap(), ["read"]);
    // Nobody is asked.
    let found = host.verify(&fresh.credential, &connection).unwrap();
    let reason = found.reason.expect("a scope is missing");
    assert_eq!((found.liveness, &*reason.code), (Liveness::Failing, reason::SCOPE_MISSING));
    assert!(reason.message.as_str().contains("'offline'"), "{reason:?}");
}

/// S13: a refresh requests no scopes, or those that were granted, and never more.
#[test]
fn a_renewal_asks_for_no_more_than_was_granted() {
    let granted =
        Reply::json(200, &format!(r#"{{"access_token": "{ACCESS}", "refresh_token": "{REFRESH}", "scope": "read"}}"#));
    let (host, made) = connected(acme().scope("write").refresh_with_scope(), granted);
    let renew = Expected::post(TOKEN).form(&[
        ("grant_type", "refresh_token"),
        ("refresh_token", REFRESH),
        ("scope", "read"),
        ("client_id", ID),
        ("client_secret", SECRET),
    ]);
    let host = host.expect(renew.answer(tokens()));
    let fresh = host.refresh(&made.credential, &host.connection(&made)).unwrap();
    assert_eq!(fresh.granted_scopes.unwrap(), ["read"], "absent means as before");
}

/// For the application's own tokens the grant is run again, and nothing is used up.
#[test]
fn client_credentials_run_their_grant_again() {
    let builder = acme().grant(Grant::ClientCredentials);
    let grant = || {
        Expected::post(TOKEN).form(&[
            ("grant_type", "client_credentials"),
            ("scope", "read"),
            ("client_id", ID),
            ("client_secret", SECRET),
        ])
    };
    let host = host(builder).expect(grant().answer(tokens())).expect(me());
    let made = host.setup([]).run().unwrap();
    assert_eq!(host.definition().refresher().unwrap().semantics(), RefreshSemantics::Stable);
    // After a temporary failure it can be sent again, because nothing was spent.
    drop(host);
    let host = crate::host(acme().grant(Grant::ClientCredentials)).expect(grant().answer(Reply::status(503)));
    let Err(ConnectionError::NotLive(found)) = host.refresh(&made.credential, &host.connection(&made)) else {
        panic!("it is not live")
    };
    assert_eq!((found.liveness, &*found.reason.code), (Liveness::Offline, reason::PROVIDER_ERROR));
}

/// A refresh uses the application as configured now: a rotated secret works at the next refresh. Q24: another
/// application is the operator's mistake or intent, not a lost authorization. With the right one the same credential
/// is refreshed again.
#[test]
fn the_application_of_today_renews() {
    let configured = |id: &str, secret: &str| Client::Configured { id: id.to_owned(), secret: Some(secret.into()) };
    let (host, made) = connected(acme(), tokens());
    let connection = host.connection(&made);
    let rotated = Expected::post(TOKEN).form(&[
        ("grant_type", "refresh_token"),
        ("refresh_token", REFRESH),
        ("client_id", ID),
        ("client_secret", "rotated-secret"),
    ]);
    let today = crate::host(acme().client(configured(ID, "rotated-secret"))).expect(rotated.answer(tokens()));
    today.refresh(&made.credential, &connection).unwrap();
    let other = crate::host(acme().client(configured("another", SECRET)));
    let Err(ConnectionError::NotLive(found)) = other.refresh(&made.credential, &connection) else {
        panic!("it is not live")
    };
    assert_eq!((found.liveness, &*found.reason.code), (Liveness::Failing, "acme_client_changed"));
    let remedy = found.reason.remedy.unwrap();
    assert!(remedy.as_str().contains("configure the application"), "{remedy}");
    let right = crate::host(acme()).expect(renew().answer(tokens()));
    right.refresh(&made.credential, &connection).unwrap();
}

#[track_caller]
pub(crate) fn fails(builder: OAuth2Builder, reply: Reply) -> NotLive {
    let (host, made) = connected(builder, tokens());
    let host = host.expect(renew().answer(reply));
    match host.refresh(&made.credential, &host.connection(&made)) {
        Err(ConnectionError::NotLive(found)) => found,
        other => panic!("{other:?}"),
    }
}

#[track_caller]
fn check(reply: Reply, liveness: Liveness, code: &str) {
    let found = fails(acme(), reply);
    assert_eq!((found.liveness, &*found.reason.code), (liveness, code));
    assert!(!format!("{found:?}").contains("tok-9"));
}

/// A provider may take a scope away. The new tokens are stored all the same, and both the refresh and the next probe say
/// what is lacking, without a request.
#[test]
fn a_required_scope_that_a_refresh_loses_is_named() {
    let granted = |scope: &str| {
        Reply::json(
            200,
            &format!(r#"{{"access_token": "{ACCESS}", "refresh_token": "{REFRESH}", "scope": "{scope}"}}"#),
        )
    };
    let builder = || acme().required_scope("write");
    let host = host(builder()).expect(crate::redeem().answer(granted("read write"))).expect(me());
    let made = host.setup([crate::back()]).run().unwrap();
    let host = host.expect(renew().answer(granted("read"))).expect(renew().answer(tokens()));
    let connection = host.connection(&made);
    let fresh = host.refresh(&made.credential, &connection).unwrap();
    assert_eq!(
        (&*fresh.missing_scopes, fresh.granted_scopes.as_deref()),
        (&["write".to_owned()][..], Some(&["read".to_owned()][..]))
    );
    let found = host.verify(&fresh.credential, &connection).unwrap();
    assert_eq!((found.liveness, &*found.reason.unwrap().code), (Liveness::Failing, reason::SCOPE_MISSING));
    // An answer without scopes means the same as before.
    let again = host.refresh(&fresh.credential, &connection).unwrap();
    assert_eq!(*again.missing_scopes, ["write".to_owned()]);
}

/// A text that may name the required scope in another form takes nothing away.
#[test]
fn scopes_that_cannot_be_compared_with_certainty_are_not_missing() {
    let granted = |scope: &str| {
        let scope = Value::from(scope);
        Reply::json(200, &format!(r#"{{"access_token": "{ACCESS}", "refresh_token": "{REFRESH}", "scope": {scope}}}"#))
    };
    for (text, scopes) in [
        ("read\r\nwrite", &["read", "write"][..]),
        ("read;write", &["read", "write"]),
        ("read\u{a0}write", &["read", "write"]),
        ("read, write", &["read", "write"]),
        ("[read, write]", &["read", "write"]),
        (r#"["read", "write"]"#, &["read", "write"]),
        ("READ WRITE", &["READ", "WRITE"]),
        // As before.
        ("*", &["read", "write"]),
        ("read+write", &["read", "write"]),
        ("read%20write", &["read", "write"]),
        (r#""read","write""#, &["read", "write"]),
    ] {
        let builder = acme().required_scope("write");
        let host = host(builder).expect(crate::redeem().answer(granted(text))).expect(me());
        let made = host.setup([crate::back()]).run().unwrap();
        assert_eq!(made.granted_scopes.as_deref().unwrap(), scopes, "{text}");
        let host = host.expect(renew().answer(granted(text))).expect(me());
        let connection = host.connection(&made);
        let fresh = host.refresh(&made.credential, &connection).unwrap();
        assert!(fresh.missing_scopes.is_empty(), "{text}");
        assert_eq!(host.verify(&fresh.credential, &connection).unwrap().liveness, Liveness::Live, "{text}");
    }
}

/// The answer came, and the new tokens are in it: the host keeps it, so the plugin must not call it a refusal.
#[test]
fn a_token_of_another_type_is_an_answer_that_cannot_be_read() {
    let found = fails(acme(), Reply::json(200, r#"{"access_token": "second-canary-1", "token_type": "mac"}"#));
    assert_eq!((found.liveness, &*found.reason.code), (Liveness::Offline, "acme_token_type"));
}
