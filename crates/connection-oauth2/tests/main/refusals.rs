//! What refusals of a token endpoint say: about the refresh token, the application, the time to ask again, or nothing.

use connection_contract::prelude::*;
use connection_oauth2::{
    CLIENT_KEY, Client, ClientAuth, ErrorIf, OAuth2Builder, RequestKind, Response, client_value, client_value_at,
};
use connection_testkit::{Expected, Input, Reply};

use crate::{
    ACCESS, ID, REFRESH, SECRET, TOKEN, acme, back, connected, me, redeem, refresh::fails, refused, renew, tokens,
};

/// RFC 6749, section 5.2, and what several providers write instead, in any case and at the places that they use.
#[test]
fn a_dead_refresh_token_is_told_in_the_words_of_providers() {
    for (status, answer) in [
        (400, r#"{"error": "INVALID_GRANT"}"#),
        (400, r#"{"error": "Invalid-Grant"}"#),
        (403, r#"{"error": "invalid_grant"}"#),
        (400, r#"{"error": {"type": "invalid_grant", "message": "no"}}"#),
        (400, r#"{"error": {"status": "INVALID_GRANT", "code": 400}}"#),
        (400, r#"{"error": ["invalid_grant"]}"#),
        (400, r#"{"errors": [{"errorType": "invalid_grant", "message": "no"}], "success": false}"#),
        (401, r#"{"errors": [{"errorType": "expired_token"}]}"#),
        (400, r#"{"errors": [{"code": "invalidGrant"}]}"#),
        (400, r#"{"errors": ["invalid_grant"]}"#),
        (400, r#"{"status": "BAD_REFRESH_TOKEN", "message": "missing or invalid refresh token"}"#),
        (200, r#"{"error": "bad_refresh_token", "error_description": "no"}"#),
        (200, r#"{"ok": false, "error": "invalid_refresh_token"}"#),
        (400, r#"{"error_code": "refresh_token_not_found", "code": 400, "msg": "no"}"#),
        (400, r#"{"errorCode": "REFRESH_TOKEN_EXPIRED"}"#),
        (401, r#"{"error": {"code": "refresh_token_reused", "type": "invalid_request_error"}}"#),
        (401, r#"{"statusCode": 401, "code": "FST_JWT_AUTHORIZATION_TOKEN_EXPIRED", "error": "Unauthorized"}"#),
        (401, r#"{"error": "invalid_token", "error_description": "Invalid refresh token (expired): tok-9"}"#),
        (400, r#"{"error": "token_expired"}"#),
        (401, r#"{"code": "token_revoked"}"#),
    ] {
        let found = fails(acme(), Reply::json(status, answer));
        assert_eq!(
            (found.liveness, &*found.reason.code),
            (Liveness::Failing, reason::NEEDS_REAUTHORIZATION),
            "{status} {answer}: {found:?}"
        );
        assert_eq!(found.reason.remedy.unwrap().as_str(), reason::AUTHORIZE_AGAIN);
        assert!(found.reason.message.as_str().contains("id.acme.example answered"), "{answer}");
    }
    let form = Reply::text(400, "error=Invalid_Grant").header("content-type", "application/x-www-form-urlencoded");
    assert_eq!(fails(acme(), form).reason.code, reason::NEEDS_REAUTHORIZATION);
}

/// A word of a single provider is data of its configuration, which can read it at any place.
#[test]
fn a_configuration_names_the_words_of_one_provider() {
    let rule = |pointer: &str, value: &str| ErrorIf::equals(pointer, value);
    for (response, status, answer) in [
        (Response::new().dead_code("invalid_code"), 200, r#"{"error": "INVALID_CODE"}"#),
        (
            Response::new().error_if(rule("/errors/0/resource", "refreshtoken")).dead_code("RefreshToken"),
            400,
            r#"{"message": "Bad Request", "errors": [{"resource": "RefreshToken", "field": "refresh_token", "code": "invalid"}]}"#,
        ),
        (
            Response::new()
                .error_if(rule("/error_description", "refresh_token is invalid"))
                .dead_code("refresh_token is invalid"),
            403,
            r#"{"error": "unauthorized_client", "error_description": "refresh_token is invalid"}"#,
        ),
        (
            Response::new()
                .error_if(ErrorIf::contains("/error_description", "Token is invalid"))
                .dead_code("token is INVALID"),
            403,
            r#"{"error": "unauthorized_client", "error_description": "This token is invalid or expired"}"#,
        ),
        (
            Response::new().error_if(rule("/status", "GONE_TOKEN")).dead_code("gone_token"),
            400,
            r#"{"status": "GONE_TOKEN"}"#,
        ),
    ] {
        let found = fails(acme().response(response), Reply::json(status, answer));
        assert_eq!(found.reason.code, reason::NEEDS_REAUTHORIZATION, "{answer}");
        let found = fails(acme(), Reply::json(status, answer));
        assert_ne!(found.reason.code, reason::NEEDS_REAUTHORIZATION, "the control: {answer}");
    }
    // In the exchange of a code, the same word may be about the application.
    let builder = acme().response(Response::new().dead_code("unauthorized_client"));
    let failure = refused(builder, Reply::json(403, r#"{"error": "unauthorized_client"}"#));
    assert_eq!(&*failure.code, "acme_refused");
}

/// Servers wrap the error of their authorization in that of their framework.
#[test]
fn a_known_code_is_found_wherever_an_answer_states_its_error() {
    for (status, answer) in [
        (400, r#"{"error": " Invalid_Grant\n"}"#),
        (400, r#"{"Error": "invalid_grant"}"#),
        (400, r#"{"statusCode": 400, "message": "invalid_grant", "error": "Bad Request"}"#),
        (400, r#"{"detail": {"error": "invalid_grant", "error_description": "no"}}"#),
        (400, r#"[{"errorCode": "INVALID_GRANT", "message": "no"}]"#),
        (400, r#"{"errors": [["invalid_request"], ["refresh_token_expired"]]}"#),
        (401, r#"{"error": {"code": 401, "errors": [{"domain": "global", "reason": "token_revoked"}]}}"#),
        (200, r#"{"error": {"cause": {"code": "bad_refresh_token"}}}"#),
        (400, r#"{"body": {"oauth_error": "invalid_grant"}}"#),
        (400, r#"{"message": "no", "errors": {"refresh_token": ["invalid_refresh_token"]}}"#),
    ] {
        let found = fails(acme(), Reply::json(status, answer));
        assert_eq!(found.reason.code, reason::NEEDS_REAUTHORIZATION, "{answer}: {found:?}");
    }
    for (status, answer, code) in [
        (400, r#"{"fault": {"detail": {"errorcode": "rate_limit_exceeded"}}}"#, reason::RATE_LIMITED),
        (401, r#"{"detail": {"error": "invalid_client"}}"#, "acme_client_refused"),
        // One at its usual place counts first.
        (400, r#"{"error": "invalid_client", "hint": "invalid_grant"}"#, "acme_client_refused"),
        // Neither a sentence with a code in it nor the words of a gateway are one.
        (400, r#"{"error": "invalid_request", "error_description": "invalid_grant or not"}"#, "acme_refused"),
        (403, r#"{"__type": "AccessDenied"}"#, reason::PROVIDER_ERROR),
        // Neither are the codes of another request, of a former error, and of a list of all errors.
        (400, r#"{"error": "maintenance", "request": {"code": "invalid_grant"}}"#, "acme_refused"),
        (400, r#"{"error": "maintenance", "last_error": "token_expired"}"#, "acme_refused"),
        (403, r#"{"message": "blocked", "session": "session_expired"}"#, reason::PROVIDER_ERROR),
        (400, r#"{"message": "no", "jobs": [{"status": "invalid_token"}]}"#, reason::PROVIDER_ERROR),
        (
            404,
            r#"{"details": {"codes": ["invalid_request", "invalid_client", "invalid_grant"]}}"#,
            reason::PROVIDER_ERROR,
        ),
    ] {
        assert_eq!(fails(acme(), Reply::json(status, answer)).reason.code, code, "{answer}");
    }
}

/// A success is never taken for an error, whatever its members are called.
#[test]
fn a_success_with_such_members_is_one() {
    for more in [
        r#""status": "BAD_REFRESH_TOKEN""#,
        r#""code": "invalid_grant", "type": "slow_down", "name": "invalid_client""#,
        r#""errors": [{"code": "invalid_grant"}], "error_codes": [7000222], "error_code": 5"#,
        r#""error": null, "error_code": "token_revoked""#,
        r#""data": {"error": "invalid_grant"}"#,
        r#""error": "", "success": true"#,
        r#""error": [], "errorCode": "invalid_grant""#,
        r#""error": {"code": 0}"#,
        r#""error": {"code": "ok", "message": ""}"#,
        r#""error": "none""#,
    ] {
        let answer = format!(r#"{{"access_token": "{ACCESS}", "refresh_token": "{REFRESH}", {more}}}"#);
        let (host, made) = connected(acme(), tokens());
        let host = host.expect(renew().answer(Reply::json(200, &answer)));
        host.refresh(&made.credential, &host.connection(&made)).unwrap_or_else(|error| panic!("{more}: {error}"));
    }
}

/// A limit is a pause in any words and at any status, and never a refusal.
#[test]
fn a_limit_is_a_pause_in_any_words() {
    let access_denied = ErrorIf::equals("/error", "Access Denied");
    let zoho = || acme().response(Response::new().limited_if(access_denied.clone()));
    let zoho_answer =
        r#"{"error": "Access Denied", "error_description": "You have made too many requests continuously."}"#;
    for (builder, reply, pause) in [
        (acme(), Reply::json(400, r#"{"error": "slow_down"}"#), None),
        (acme(), Reply::json(403, r#"{"error": "rate_limit_exceeded"}"#).header("retry-after", "30"), Some(30)),
        (acme(), Reply::json(400, r#"{"error": "too_many_requests"}"#).header("retry-after", "7"), Some(7)),
        (acme(), Reply::json(400, r#"{"error": "TEMPORARILY_UNAVAILABLE"}"#), None),
        (acme(), Reply::json(401, r#"{"error": "server_error"}"#), None),
        (acme(), Reply::json(200, r#"{"ok": false, "error": "ratelimited"}"#), None),
        (acme(), Reply::json(200, r#"{"status": 601, "error": "Too Many Requests"}"#), None),
        (acme(), Reply::json(400, r#"{"error": {"code": "rateLimitExceeded"}}"#), None),
        (acme(), Reply::json(403, r#"{"error": "access_denied"}"#).header("retry-after", "9"), Some(9)),
        (acme(), Reply::text(403, "<html>wait</html>").header("retry-after", "11"), Some(11)),
        (acme(), exhausted(Reply::json(403, "{}")), Some(30)),
        (acme(), exhausted(Reply::json(403, r#"{"error": "unauthorized_client"}"#)), Some(30)),
        (acme(), Reply::json(429, r#"{"error": "access_denied"}"#).header("retry-after", "12"), Some(12)),
        (zoho(), Reply::json(400, zoho_answer), None),
        (zoho(), Reply::json(400, zoho_answer).header("retry-after", "600"), Some(600)),
    ] {
        let found = fails(builder, reply);
        assert_eq!((found.liveness, &*found.reason.code), (Liveness::Offline, reason::RATE_LIMITED), "{found:?}");
        assert_eq!(found.recheck_after, pause.map(Duration::from_secs), "{found:?}");
    }
    // Neither a pause nor a counter excuses a refused application or a token that no longer works.
    for (reply, code) in [
        (Reply::json(403, r#"{"error": "invalid_grant"}"#), reason::NEEDS_REAUTHORIZATION),
        (Reply::json(403, r#"{"error": "bad_refresh_token"}"#), reason::NEEDS_REAUTHORIZATION),
        (Reply::json(403, r#"{"status": "BAD_REFRESH_TOKEN"}"#), reason::NEEDS_REAUTHORIZATION),
        (Reply::json(403, r#"{"error": "invalid_client"}"#), "acme_client_refused"),
        (Reply::json(401, r#"{"error": "bad_credentials"}"#), "acme_refused"),
        (Reply::json(401, "{}"), "acme_unauthorized_request"),
    ] {
        let found = fails(acme(), exhausted(reply).header("retry-after", "30"));
        assert_eq!((found.liveness, &*found.reason.code), (Liveness::Failing, code));
    }
    // Jira's words, which its configuration names.
    let jira = r#"{"error": "unauthorized_client", "error_description": "refresh_token is invalid"}"#;
    let rule = ErrorIf::equals("/error_description", "refresh_token is invalid");
    let response = Response::new().error_if(rule).dead_code("refresh_token is invalid");
    let found = fails(acme().response(response), Reply::json(403, jira).header("retry-after", "30"));
    assert_eq!(found.reason.code, reason::NEEDS_REAUTHORIZATION);
}

/// Adds a counter of requests that is exhausted for 30 seconds.
fn exhausted(reply: Reply) -> Reply {
    reply.header("x-ratelimit-remaining", "0").header("x-ratelimit-reset", "30")
}

/// A 401 may be about the application, about the token, or the words of a proxy: it says nothing more.
#[test]
fn a_401_without_a_known_code_does_not_blame_the_application() {
    for answer in [
        r#"{"message": "Unauthenticated."}"#,
        r#"{"error": "Unauthorized"}"#,
        r#"{"message": "Authorization Error", "errors": [{"resource": "Application", "field": "", "code": "invalid"}]}"#,
    ] {
        let found = fails(acme(), Reply::json(401, answer));
        assert_eq!((found.liveness, &*found.reason.code), (Liveness::Failing, "acme_unauthorized_request"), "{answer}");
        let message = found.reason.message.as_str();
        assert!(message.starts_with("id.acme.example answered 401 Unauthorized"), "{message}");
        assert!(!message.contains("application"), "{message}");
    }
    for answer in [
        Reply::text(401, "Unauthorized"),
        Reply::text(401, "no such client").header("content-type", "text/plain"),
        Reply::text(401, "Unauthorized").header("content-type", "text/html"),
    ] {
        let found = fails(acme(), answer);
        assert_eq!((found.liveness, &*found.reason.code), (Liveness::Failing, "acme_unauthorized_request"));
        assert_eq!(found.reason.message.as_str(), "id.acme.example answered 401 Unauthorized and no token");
    }
    let page = fails(acme(), Reply::text(401, "<html>Unauthorized</html>").header("content-type", "text/plain"));
    assert_eq!((page.liveness, &*page.reason.code), (Liveness::Offline, reason::PROVIDER_ERROR));
    let empty = fails(acme(), Reply::status(401));
    assert_eq!((empty.liveness, &*empty.reason.code), (Liveness::Offline, reason::PROVIDER_ERROR));
    let challenged = fails(acme(), Reply::status(401).header("www-authenticate", "Basic"));
    assert_eq!(challenged.reason.code, "acme_unauthorized_request");
}

/// A page says nothing about the token or the application, unless it comes with 401 and a challenge.
#[test]
fn a_page_says_nothing() {
    for (status, words) in [
        (400, "400 Bad Request"),
        (401, "401 Unauthorized"),
        (403, "403 Forbidden"),
        (404, "404 Not Found"),
        (405, "405 Method Not Allowed"),
        (415, "415 Unsupported Media Type"),
        (422, "422 Unprocessable"),
    ] {
        let found = fails(acme(), Reply::text(status, "<!doctype html><title>Request blocked</title>"));
        assert_eq!((found.liveness, &*found.reason.code), (Liveness::Offline, reason::PROVIDER_ERROR));
        let message = found.reason.message.as_str();
        assert!(message.starts_with(&format!("id.acme.example answered {words}")), "{message}");
        assert!(message.ends_with(" and no token"), "{message}");
    }
    // So do texts that only repeat the status, and codes that no rule knows at places that hold other things, too.
    for (status, answer) in [
        (404, r#"{"status": 404, "error": "Not Found", "path": "/oauth2/token"}"#),
        (400, r#"{"message": "Bad Request", "error": 400}"#),
        (400, r#"{"error": "Bad Request"}"#),
        (403, r#"{"error": "Forbidden", "code": 403}"#),
        (400, r#"{"status": "error", "category": "VALIDATION"}"#),
    ] {
        let found = fails(acme(), Reply::json(status, answer));
        assert_eq!((found.liveness, &*found.reason.code), (Liveness::Offline, reason::PROVIDER_ERROR), "{answer}");
    }
    let unknown = fails(acme(), Reply::json(400, r#"{"status": "PORTAL_MISSING"}"#));
    let message = "id.acme.example answered 400 Bad Request (PORTAL_MISSING) and no token";
    assert_eq!((unknown.liveness, unknown.reason.message.as_str()), (Liveness::Offline, message));
    let challenged = Reply::text(401, "<html>no</html>").header("www-authenticate", "Basic realm=\"token\"");
    let found = fails(acme(), challenged);
    assert_eq!((found.liveness, &*found.reason.code), (Liveness::Failing, "acme_unauthorized_request"));
    assert!(!found.reason.message.as_str().contains("does not accept the application"), "{found:?}");
}

/// The words with which providers refuse the application, and its expired secret.
#[test]
fn a_refused_application_is_told_apart_from_a_refused_token() {
    let expired =
        r#"{"error": "invalid_client", "error_description": "AADSTS7000222: expired", "error_codes": [7000222]}"#;
    let wrong = r#"{"error": "invalid_client", "error_codes": [7000215]}"#;
    for (status, answer, code) in [
        (401, expired, "acme_client_expired"),
        (400, expired, "acme_client_expired"),
        (401, wrong, "acme_client_refused"),
        (401, r#"{"error": "access_denied", "error_description": "Unauthorized"}"#, "acme_client_refused"),
        (200, r#"{"error": "incorrect_client_credentials"}"#, "acme_client_refused"),
        (200, r#"{"ok": false, "error": "bad_client_secret"}"#, "acme_client_refused"),
        (200, r#"{"ok": false, "error": "invalid_client_id"}"#, "acme_client_refused"),
        (200, r#"{"error": "invalid_client_secret"}"#, "acme_client_refused"),
        (400, r#"{"error": "incorrect_application_credentials"}"#, "acme_client_refused"),
        (400, r#"{"error": "invalid_client_credentials"}"#, "acme_client_refused"),
        (400, r#"{"error": "INVALID_CLIENT"}"#, "acme_client_refused"),
        (401, r#"{"errors": [{"errorType": "invalid_client"}]}"#, "acme_client_refused"),
        // Keycloak's and Google's words.
        (
            401,
            r#"{"error": "unauthorized_client", "error_description": "Invalid client or Invalid client credentials"}"#,
            "acme_client_refused",
        ),
        (
            401,
            r#"{"error": "deleted_client", "error_description": "The OAuth client was deleted."}"#,
            "acme_client_refused",
        ),
        (401, r#"{"error": "disabled_client"}"#, "acme_client_refused"),
        (400, r#"{"error": "access_denied"}"#, "acme_access_denied"),
        (403, r#"{"error": "unauthorized_client"}"#, "acme_refused"),
    ] {
        let found = fails(acme(), Reply::json(status, answer));
        assert_eq!((found.liveness, &*found.reason.code), (Liveness::Failing, code), "{answer}");
        let failure = refused(acme(), Reply::json(status, answer));
        assert_eq!(failure.code, code, "at the exchange of a code: {answer}");
    }
    let message = fails(acme(), Reply::json(401, expired)).reason.message;
    assert!(message.as_str().starts_with("the secret of the application has expired at the provider: id.acme.example"));
}

/// The remedy names the place in which the secret is, and a command only for an application that is stored.
#[test]
fn the_remedy_names_the_place_of_the_secret() {
    const PLACE: &str = "kinds.acme.client_secret in /etc/acme/config.toml";
    let expired = || Reply::json(401, r#"{"error": "invalid_client", "error_codes": [7000222]}"#);
    let secret = SECRET.into();
    for (value, expected) in [
        (client_value_at(ID, Some(&secret), PLACE), PLACE),
        (client_value(ID, Some(&secret)), "where it is configured"),
    ] {
        let host = crate::host(acme().client(Client::Prompted)).secret_value(CLIENT_KEY, value);
        let host = host.expect(redeem().answer(tokens())).expect(me()).expect(renew().answer(expired()));
        let made = host.setup([back()]).run().unwrap();
        let Err(ConnectionError::NotLive(found)) = host.refresh(&made.credential, &host.connection(&made)) else {
            panic!("it is refused")
        };
        let remedy = found.reason.remedy.unwrap();
        assert!(remedy.as_str().contains(expected) && !remedy.as_str().contains("forget-client"), "{remedy}");
        let host = host.expect(redeem().answer(expired()));
        let remedy = host.setup([back()]).run().unwrap_err().remedy.unwrap();
        assert!(remedy.as_str().contains(expected) && !remedy.as_str().contains("forget-client"), "{remedy}");
    }
}

/// The exchange of a code that is refused ends nothing but that setup.
#[test]
fn a_first_setup_whose_code_was_refused_says_so() {
    for (status, code) in [
        (400, "invalid_grant"),
        (200, "bad_verification_code"),
        (400, "INVALID_GRANT"),
        (200, "invalid_code"),
        (400, "bad_authorization_code"),
    ] {
        let failure = refused(acme(), Reply::json(status, &format!(r#"{{"error": "{code}"}}"#)));
        assert_eq!((&*failure.code, failure.remedy.unwrap().as_str()), ("acme_code_refused", "begin again"));
        let message = failure.message.as_str();
        assert!(
            message.starts_with("the provider refused the code of this authorization: id.acme.example"),
            "{message}"
        );
        assert!(message.ends_with(&format!("({code})")), "{message}");
    }
}

/// A code of a refresh token that expired is not a device code that nobody confirmed.
#[test]
fn an_expired_refresh_token_is_not_a_code_that_nobody_confirmed() {
    let found = fails(acme(), Reply::json(400, r#"{"error": "expired_token"}"#));
    assert_eq!(found.reason.code, reason::NEEDS_REAUTHORIZATION);
    assert!(!found.reason.message.as_str().contains("nobody"));
}

/// A code is shown as it came if it looks like one. What was sent, and what may be a secret, is not shown.
#[test]
fn a_code_is_shown_as_it_came_and_no_secret_is() {
    for (code, is_shown) in [
        ("invalid_scope", true),
        ("INVALID_SCOPE", true),
        ("InvalidScope", true),
        ("oauth2.bad-scope", true),
        ("AADSTS70011", true),
        ("FST_JWT_BAD_REQUEST", true),
        ("bad scope", false),
        ("9f8e7d6c5b4a", false),
        ("tok_9f8e7d6c", false),
        ("12345678901234567890", false),
        (REFRESH, false),
        (SECRET, false),
        (ID, false),
    ] {
        let found = fails(acme(), Reply::json(400, &format!(r#"{{"error": "{code}"}}"#)));
        assert_eq!(found.reason.message.as_str().contains(code), is_shown, "{found:?}");
        assert!(found.reason.message.as_str().starts_with("id.acme.example answered 400 Bad Request"), "{found:?}");
    }
    // The words of a secret that was sent are no code, either.
    let words = || acme().client(Client::Configured { id: ID.into(), secret: Some("correct_horse_battery".into()) });
    let header = || acme().header(RequestKind::Refresh, "x-team", "correct_horse_battery");
    for (builder, code) in [
        (words(), "horse_battery"),
        (words(), "HORSE_BATTERY"),
        (words(), "not_correct_horse_battery"),
        (words().client_auth(ClientAuth::Basic), "correct_horse_battery"),
        (words().client_auth(ClientAuth::BasicRaw), "Horse_Battery"),
        (header(), "correct_horse_battery"),
    ] {
        let (host, made) = connected(builder, tokens());
        let answer = Reply::json(400, &format!(r#"{{"error": "{code}"}}"#));
        let host = host.expect(Expected::post(TOKEN).answer(answer));
        let Err(ConnectionError::NotLive(found)) = host.refresh(&made.credential, &host.connection(&made)) else {
            panic!("it is refused")
        };
        assert!(!found.reason.message.as_str().to_lowercase().contains("horse"), "{found:?}");
    }
    // The type of the grant is sent, too, and is a word of many codes.
    let found = fails(acme(), Reply::json(400, r#"{"error": "unknown_refresh_token"}"#));
    assert!(found.reason.message.as_str().contains("(unknown_refresh_token)"), "{found:?}");
    let long = "a".repeat(65);
    let found = fails(acme(), Reply::json(400, &format!(r#"{{"error": "{long}"}}"#)));
    assert!(!found.reason.message.as_str().contains(&long));
}

/// A redirect, an answer without a token, and a refused request each name the host and the status.
#[test]
fn every_sentence_names_the_host_and_the_status() {
    let redirect = Reply::status(307).header("location", "https://evil.example/");
    for (reply, expected) in [
        (Reply::json(200, "{}"), "id.acme.example answered 200 OK and no token"),
        (Reply::json(201, r#"{"token": 1}"#), "id.acme.example answered 201 Created and no token"),
        (
            redirect,
            "id.acme.example answered 307 Temporary Redirect, but a request that contains a secret follows no redirect",
        ),
        (Reply::json(400, r#"{"error": "invalid_scope"}"#), "id.acme.example answered 400 Bad Request (invalid_scope)"),
        (Reply::json(401, r#"{"message": "no"}"#), "id.acme.example answered 401 Unauthorized and no token"),
    ] {
        assert_eq!(refused(acme(), reply).message.as_str(), expected);
    }
}

/// Servers put a line break or a blank at the end of a token. One inside of a token would end the header.
#[test]
fn a_token_is_trimmed_and_refused_if_no_header_can_hold_it() {
    let answer = format!(r#"{{"access_token": " {ACCESS}\r\n", "refresh_token": "{REFRESH}\n", "expires_in": 60}}"#);
    let (host, made) = connected(acme(), Reply::json(200, &answer));
    let host = host.expect(renew().answer(Reply::json(200, &answer)));
    host.refresh(&made.credential, &host.connection(&made)).expect("the trimmed token is sent");
    for inside in [r"\n", r"\u0000", r"\r\n", r"\u007f"] {
        let failure = refused(acme(), Reply::json(200, &format!(r#"{{"access_token": "a{inside}b"}}"#)));
        let message = "id.acme.example answered 200 OK and no token that a request can contain";
        assert_eq!((&*failure.code, failure.message.as_str()), ("provider_error", message));
    }
}

/// The application that a person has just typed is stored nowhere.
#[test]
fn an_application_that_was_just_typed_is_corrected_by_typing_it_again() {
    let application = || Input::answers(&[("clientId", ID), ("clientSecret", SECRET)]);
    let per_connection = |builder: OAuth2Builder| builder.client(Client::PerConnection);
    for builder in [acme().client(Client::Prompted), per_connection(acme())] {
        let host = crate::host(builder).expect(redeem().answer(Reply::json(401, r#"{"error": "invalid_client"}"#)));
        let failure = host.setup([application(), back()]).run().unwrap_err();
        assert_eq!(failure.remedy.unwrap().as_str(), "check the client's id and secret");
    }
}

/// The application of one connection is stored with it, so that only a new authorization replaces its secret.
#[test]
fn the_refused_application_of_one_connection_is_told_with_this_connection() {
    let expired = r#"{"error": "invalid_client", "error_codes": [7000222]}"#;
    for (answer, code, remedy) in [
        (
            r#"{"error": "invalid_client"}"#,
            "acme_secret_refused",
            "authorize this connection again, with the application's right id and secret",
        ),
        (
            expired,
            "acme_secret_expired",
            "make a new secret at the provider, and authorize this connection again with it",
        ),
    ] {
        let application = Input::answers(&[("clientId", ID), ("clientSecret", SECRET)]);
        let host = crate::host(acme().client(Client::PerConnection))
            .expect(redeem().answer(tokens()))
            .expect(me())
            .expect(renew().answer(Reply::json(401, answer)));
        let made = host.setup([application, back()]).run().unwrap();
        let Err(ConnectionError::NotLive(found)) = host.refresh(&made.credential, &host.connection(&made)) else {
            panic!("it is refused")
        };
        assert_eq!((found.liveness, &*found.reason.code), (Liveness::Failing, code));
        assert!(!reason::is_application_refused(code), "it concerns no other connection");
        assert_eq!(found.reason.remedy.unwrap().as_str(), remedy);
    }
}
