//! The responses of token endpoints, in all their forms.

use connection_contract::prelude::*;
use connection_oauth2::{ErrorIf, Part, Response};
use connection_testkit::{Expected, Input, Reply};

use crate::{
    ACCESS, CODE, NOW, REFRESH, SECRET, TOKEN, acme, back, connected, fields, form, host, me, redeem, refresh::fails,
    refused, secret_text, tokens,
};

/// R-INSEAM-082, Q1: an error is an error whatever its status, and a token beside it is ignored.
#[test]
fn an_error_with_200_is_an_error() {
    let failure = refused(acme(), Reply::json(200, r#"{"error": "unsupported_grant_type"}"#));
    assert_eq!(
        (&*failure.code, failure.message.as_str()),
        ("acme_refused", "id.acme.example answered 200 OK (unsupported_grant_type)")
    );
    let slack = || acme().response(Response::new().error_if(ErrorIf::equals("/ok", false)));
    refused(slack(), Reply::json(200, &format!(r#"{{"ok": false, "access_token": "{ACCESS}"}}"#)));
    let coros = acme().response(Response::new().error_if(ErrorIf::differs("/result", "0000")));
    assert_eq!(
        refused(coros, Reply::json(200, r#"{"result": "5002"}"#)).message.as_str(),
        "id.acme.example answered 200 OK (5002)"
    );
    // WeChat (overtrue/laravel-wechat, issue 406) and QQ state an error by its number alone.
    for (answer, code) in [
        (r#"{"errcode": 61023, "errmsg": "refresh_token is invalid"}"#, "61023"),
        (r#"{"error": 100016, "error_description": "no"}"#, "100016"),
        (r#"{"error_code": 110}"#, "110"),
        (r#"{"errcode": "61023"}"#, "61023"),
        (r#"{"errorCode": "10001", "error": "0"}"#, "10001"),
    ] {
        let message = format!("id.acme.example answered 200 OK ({code})");
        assert_eq!(refused(acme(), Reply::json(200, answer)).message.as_str(), message);
        let found = fails(acme(), Reply::json(200, answer));
        assert_eq!((found.liveness, &*found.reason.code), (Liveness::Failing, "acme_refused"), "{answer}");
    }
    // Zero says that there is no error, and a number that repeats the status says nothing.
    for answer in [
        r#"{"error": 0}"#,
        r#"{"errcode": 0, "errmsg": "ok"}"#,
        r#"{"error_code": 200}"#,
        r#"{"error_code": "0", "error": "0"}"#,
        r#"{"error": "None"}"#,
    ] {
        assert_eq!(fails(acme(), Reply::json(200, answer)).reason.code, reason::PROVIDER_ERROR, "{answer}");
    }
    let meta =
        refused(acme(), Reply::json(400, r#"{"error": {"message": "tok-1", "type": "OAuthException", "code": 190}}"#));
    assert_eq!(meta.message.as_str(), "id.acme.example answered 400 Bad Request (190)");
}

/// A limit in the words of a dead token is not the end of a refresh token, but that of a code.
#[test]
fn a_limit_in_the_words_of_a_dead_token_ends_an_attempt_and_no_connection() {
    let limit = ErrorIf::contains("/error_description", "too often");
    let builder = || acme().response(Response::new().limited_if(limit.clone()));
    let body = r#"{"error": "invalid_grant", "error_description": "You asked too often"}"#;
    let found = fails(builder(), Reply::json(400, body));
    assert_eq!((found.liveness, &*found.reason.code), (Liveness::Offline, reason::RATE_LIMITED));
    let message = "id.acme.example answered 400 Bad Request (invalid_grant) and is asked again later";
    assert_eq!(found.reason.message.as_str(), message);
    assert_eq!(refused(builder(), Reply::json(400, body)).code, "acme_code_refused");
    assert_eq!(fails(acme(), Reply::json(400, body)).reason.code, reason::NEEDS_REAUTHORIZATION, "the control");
}

/// Salesforce answers so from an address that an organization does not allow, and outside a person's login hours.
#[test]
fn a_refused_address_is_no_limit_and_ends_no_connection() {
    let rule = ErrorIf::contains("/error_description", "ip restricted");
    let builder = || acme().response(Response::new().address_refused_if(rule.clone()));
    let body = r#"{"error": "invalid_grant", "error_description": "IP restricted or invalid login hours"}"#;
    for status in [400, 200] {
        let found = fails(builder(), Reply::json(status, body));
        assert_eq!((found.liveness, &*found.reason.code), (Liveness::Offline, "acme_policy_refused"), "{status}");
        let message = found.reason.message.as_str();
        let says = "the provider does not allow requests from the address of this host, or not at this time: \
                    id.acme.example answered ";
        assert!(message.starts_with(says) && message.ends_with("(invalid_grant)"), "{message}");
        let remedy = found.reason.remedy.unwrap().to_string();
        assert!(remedy.contains("the address of this host") && remedy.contains("by itself"), "{remedy}");
    }
    assert_eq!(refused(builder(), Reply::json(400, body)).code, "acme_code_refused");
}

/// Q21: an envelope is opened: everything is read beside the token, and the envelope's own error counts.
#[test]
fn an_envelope_is_opened() {
    let tiktok = || {
        let code = ErrorIf::differs("/code", 0);
        acme().response(Response::new().access_token("/data/access_token").error_if(code))
    };
    let (host, made) = connected(
        tiktok(),
        Reply::json(200, &format!(r#"{{"code": 0, "data": {{"access_token": "{ACCESS}", "expires_in": 60}}}}"#)),
    );
    assert_eq!(made.valid_until, Some(host.now().after(60)));
    assert_eq!(
        refused(tiktok(), Reply::json(200, r#"{"code": 40105, "data": {}}"#)).message.as_str(),
        "id.acme.example answered 200 OK (40105)"
    );
}

/// Q2 (a): everything is read from the branch that holds the token, and nothing from another one.
#[test]
fn all_is_read_from_the_branch_of_the_token() {
    let builder =
        acme().response(Response::new().access_token("/access_token").access_token("/authed_user/access_token"));
    let answer = format!(
        r#"{{"ok": true, "refresh_token": "not-mine", "expires_in": 1, "authed_user": {{"access_token": "{ACCESS}", "refresh_token": "{REFRESH}", "expires_in": 600}}}}"#
    );
    let (host, made) = connected(builder, Reply::json(200, &answer));
    assert_eq!(made.valid_until, Some(host.now().after(600)));
    let renewed = Expected::post(TOKEN).form(&[
        ("grant_type", "refresh_token"),
        ("refresh_token", REFRESH),
        ("client_id", crate::ID),
        ("client_secret", SECRET),
    ]);
    let host = host.expect(renewed.answer(tokens()));
    host.refresh(&made.credential, &host.connection(&made)).unwrap();
}

/// R-INSEAM-082, Q11: scopes come with commas, as an array, with spaces, or not at all, which means "as requested".
#[test]
fn scopes_come_in_every_form() {
    for (scope, expected) in [
        (r#""repo,user:email""#, vec!["repo", "user:email"]),
        (r#"["a", "b"]"#, vec!["a", "b"]),
        (r#""a b""#, vec!["a", "b"]),
        (r#""""#, vec!["read"]),
        ("null", vec!["read"]),
    ] {
        let (_host, made) =
            connected(acme(), Reply::json(200, &format!(r#"{{"access_token": "{ACCESS}", "scope": {scope}}}"#)));
        assert_eq!(made.granted_scopes.unwrap(), expected, "{scope}");
    }
}

/// R-INSEAM-082, Q12: a lifetime as text, a fraction, negative, missing, not a number, or in milliseconds.
#[test]
fn a_life_is_read_leniently() {
    for (life, expected) in [
        (r#""3600""#, Some(3600)),
        ("3600", Some(3600)),
        ("3599.9", Some(3599)),
        ("-1", None),
        ("0", None),
        (r#""abc""#, None),
        ("1e400", None),
    ] {
        check(Response::new(), &format!(r#""expires_in": {life}"#), expected.map(|seconds| NOW + seconds));
    }
    check(Response::new().milliseconds(), r#""expires_in": 90000"#, Some(NOW + 90));
}

/// Q14: an end in seconds, in milliseconds, as a date, or as the time that is left.
#[test]
fn a_moment_is_read_in_every_form() {
    for (at, expected) in [
        ("1798761600", 1_798_761_600),
        ("1798761600000", 1_798_761_600),
        (r#""2027-01-01T00:00:00Z""#, 1_798_761_600),
        (r#""1798761600""#, 1_798_761_600),
        (r#""1:02:03""#, NOW + 86_400 + 7200 + 180),
    ] {
        check(Response::new(), &format!(r#""expires_at": {at}"#), Some(expected));
    }
    check(Response::new().part(Part::ExpiresAt, "expiresOn"), r#""expiresOn": 1798761600"#, Some(1_798_761_600));
}

/// R-INSEAM-082, Q13: without a lifetime, the configured one is used, or the claim of the token itself, as a hint.
#[test]
fn a_missing_life_is_looked_for_elsewhere() {
    check(Response::new().default_life(Duration::from_secs(7200)), r#""x": 1"#, Some(NOW + 7200));
    // A claim that has passed is ignored, because the token has just been issued.
    for (exp, expected) in [(NOW + 500, Some(NOW + 500)), (NOW - 500, None)] {
        let claims = encode::base64url(format!(r#"{{"exp": {exp}}}"#).as_bytes());
        let token = format!("e30.{claims}.c2ln");
        let answer = Reply::json(200, &format!(r#"{{"access_token": "{token}"}}"#));
        let host = host(acme()).expect(redeem().answer(answer)).expect(crate::with_token(&token));
        let made = host.setup([back()]).run().unwrap();
        assert_eq!(made.valid_until, expected.map(Timestamp::from_seconds));
    }
}

/// R-INSEAM-082, Q15: whatever the type is called, the token is attached as the configuration says.
#[test]
fn the_type_of_a_token_is_never_echoed() {
    for kind in [
        "",
        r#", "token_type": "bearer""#,
        r#", "token_type": "BearerToken""#,
        r#", "token_type": "bot""#,
        r#", "token_type": "x\r\ny""#,
    ] {
        let (host, made) = connected(acme(), Reply::json(200, &format!(r#"{{"access_token": "{ACCESS}"{kind}}}"#)));
        let request = HttpRequest::get(&host.base_url(crate::API), "/x");
        let sent = host.authorize(&made.credential, request).unwrap();
        assert_eq!(connection_testkit::header(&sent, "authorization"), Some(format!("Bearer {ACCESS}").as_str()));
    }
}

/// RFC 6749, section 7.1: a client does not use a token whose type it does not understand. Sent as a bearer token, the key
/// of a request would be in the request.
#[test]
fn a_token_that_needs_a_proof_is_not_used() {
    for kind in ["mac", "MAC", " pop", "DPoP"] {
        let answer = format!(r#"{{"access_token": "{ACCESS}", "token_type": "{kind}"}}"#);
        let host = host(acme()).expect(redeem().answer(Reply::json(200, &answer)));
        let failure = host.setup([back()]).run().unwrap_err();
        assert_eq!(failure.code, "acme_token_type", "{kind}");
    }
}

/// Q16: a response is a form, or JSON under another content type; the request asks for JSON.
#[test]
fn answers_come_under_every_type() {
    let form = format!("access_token={ACCESS}&scope=read%2Cwrite&token_type=bearer");
    let json = format!(r#"{{"access_token": "{ACCESS}", "scope": "read,write"}}"#);
    for reply in [
        Reply::text(200, &form).header("content-type", "application/x-www-form-urlencoded; charset=utf-8"),
        Reply::text(200, &form).header("content-type", "text/plain"),
        Reply::text(200, &json).header("content-type", "text/html"),
        Reply::text(200, &json),
    ] {
        let (_host, made) = connected(acme(), reply);
        assert_eq!(made.granted_scopes.unwrap(), ["read", "write"]);
    }
    let error =
        Reply::text(200, "error=unsupported_grant_type").header("content-type", "application/x-www-form-urlencoded");
    assert_eq!(refused(acme(), error).code, "acme_refused");
}

/// R-INSEAM-082, R-JINGLE-066: a response without a token is not a success, also for a refresh.
#[test]
fn an_answer_without_a_token_is_refused() {
    for answer in
        ["{}", r#"{"access_token": ""}"#, r#"{"access_token": " \t"}"#, r#"{"access_token": 5}"#, "[]", "<html>"]
    {
        assert_eq!(refused(acme(), Reply::text(200, answer)).code, "provider_error", "{answer}");
        let (host, made) = connected(acme(), tokens());
        let host = host.expect(crate::renew().answer(Reply::text(200, answer)));
        host.refresh(&made.credential, &host.connection(&made)).expect_err("nothing came that could be stored");
    }
}

/// A damaged refresh token is not replaced by the former one, which a strict provider has used up.
#[test]
fn a_token_or_a_scope_that_is_not_unicode_is_refused_and_a_name_is_not() {
    let json = |members: &str| Reply::json(200, &format!("{{{members}}}"));
    let form = |body: &str| Reply::text(200, body).header("content-type", "application/x-www-form-urlencoded");
    for (reply, name) in [
        (json(r#""access_token": "at\udc00""#), "access_token"),
        (json(r#""access_token": "at-2", "refresh_token": "rt\ud83d""#), "refresh_token"),
        (json(r#""access_token": "at-2", "scope": "read \ud83d""#), "scope"),
        (json(r#""access_token": "at-2", "scope": ["read", "\ud83d"]"#), "scope"),
        (form("access_token=at%ff"), "access_token"),
        (form("access_token=at-2&refresh_token=rt%C3"), "refresh_token"),
        (form("access_token=at-2&refresh_token=rt-2&scope=read+%E9"), "scope"),
    ] {
        let case = format!("{reply:?}");
        let (host, made) = connected(acme(), tokens());
        let host = host.expect(crate::renew().answer(reply));
        let failed = host.refresh(&made.credential, &host.connection(&made)).expect_err("a part is damaged");
        let ConnectionError::NotLive(found) = failed else { panic!("{failed}") };
        assert_eq!((found.liveness, &*found.reason.code), (Liveness::Offline, reason::NOT_JSON), "{case}");
        let sentence = format!("the field '{name}' of the provider's answer contains bytes that are not valid UTF-8");
        assert_eq!(found.reason.message.as_str(), sentence);
    }
    let body = r#"{"access_token": "at-2", "refresh_token": "rt-2", "user": {"name": "ada \ud83d"}}"#;
    let named =
        [Reply::json(200, &format!("\u{feff}{body}")), form("access_token=at-2&refresh_token=rt-2&name=Jos%E9")];
    for reply in named {
        let (host, made) = connected(acme(), tokens());
        let host = host.expect(crate::renew().answer(reply));
        assert!(host.refresh(&made.credential, &host.connection(&made)).is_ok());
    }
}

/// A captured value may be a part of an address.
#[test]
fn a_captured_value_that_is_not_unicode_is_refused() {
    let captures = || acme().response(Response::new().capture("instance", "/instance"));
    for (instance, is_read) in [(r"eu\ud83d", false), ("eu", true)] {
        let members = format!(r#""access_token": "at-2", "refresh_token": "rt-2", "instance": "{instance}""#);
        let (host, made) = connected(captures(), tokens());
        let host = host.expect(crate::renew().answer(Reply::json(200, &format!("{{{members}}}"))));
        match host.refresh(&made.credential, &host.connection(&made)) {
            Err(ConnectionError::NotLive(found)) if !is_read => {
                assert_eq!((found.liveness, &*found.reason.code), (Liveness::Offline, reason::NOT_JSON));
                assert!(found.reason.message.as_str().contains("'instance'"), "{}", found.reason.message);
            }
            renewed => assert!(is_read && renewed.is_ok(), "{instance}"),
        }
    }
}

/// A refresh token that is no text is not replaced by the former one, either: a number is read, and another value is refused.
#[test]
fn a_refresh_token_of_another_type_is_read_or_refused() {
    let renewed = |value: &str| Reply::json(200, &format!(r#"{{"access_token": "at-2", "refresh_token": {value}}}"#));
    for value in [r#"["rt-2"]"#, r#"{"token": "rt-2"}"#] {
        let (host, made) = connected(acme(), tokens());
        let host = host.expect(crate::renew().answer(renewed(value)));
        let Err(ConnectionError::NotLive(found)) = host.refresh(&made.credential, &host.connection(&made)) else {
            panic!("{value} is no token")
        };
        assert_eq!((found.liveness, &*found.reason.code), (Liveness::Offline, reason::NOT_JSON), "{value}");
        assert_eq!(found.reason.message.as_str(), "the field 'refresh_token' of the provider's answer is no text");
    }
    let (host, made) = connected(acme(), tokens());
    let host = host.expect(crate::renew().answer(renewed("700123456")));
    let connection = host.connection(&made);
    let fresh = host.refresh(&made.credential, &connection).unwrap();
    let host = host.expect(crate::renew_by("700123456").answer(tokens()));
    host.refresh(&fresh.credential, &connection).unwrap();
}

/// Q33, S12: a request that holds a secret follows no redirect.
#[test]
fn a_redirect_is_refused() {
    for status in [301, 302, 303, 307, 308] {
        let reply = Reply::status(status).header("location", "https://evil.example/token");
        assert_eq!(refused(acme(), reply).code, "acme_redirected");
    }
}

/// Q24: an application that the provider does not know is its operator's mistake, never the user's.
#[test]
fn a_refused_application_is_an_operators_mistake() {
    for reply in [Reply::json(401, r#"{"error": "invalid_client"}"#), Reply::json(401, r#"{"error": "access_denied"}"#)]
    {
        let failure = refused(acme(), reply);
        assert_eq!(&*failure.code, "acme_client_refused");
        assert!(failure.remedy.unwrap().as_str().contains("id and secret"));
    }
}

/// Q22: the short-lived token is exchanged for the one that is kept.
#[test]
fn a_step_after_the_tokens_gives_the_ones_to_keep() {
    use connection_oauth2::{Renewal, Step};
    let step = || {
        Step::get("https://graph.acme.example/token")
            .parameter("grant_type", "fb_exchange_token")
            .parameter("client_id", "${client.id}")
            .parameter("client_secret", "${client.secret}")
            .parameter("fb_exchange_token", "${token.access}")
    };
    let url = |token: &str| {
        let id = crate::ID;
        format!(
            "https://graph.acme.example/token?grant_type=fb_exchange_token&client_id={id}&client_secret={SECRET}&fb_exchange_token={token}"
        )
    };
    let long = |token: &str| Reply::json(200, &format!(r#"{{"access_token": "{token}", "expires_in": 5184000}}"#));
    let host = host(acme().then(step()).renewal(Renewal::Step(step())))
        .expect(redeem().form(&fields(&form())).answer(Reply::json(200, r#"{"access_token": "short-canary-1"}"#)))
        .expect(Expected::get(&url("short-canary-1")).answer(long(ACCESS)))
        .expect(me());
    let made = host.setup([Input::callback(&[("code", CODE)])]).run().unwrap();
    assert_eq!(made.valid_until, Some(host.now().after(5_184_000)));
    let host = host.expect(Expected::get(&url(ACCESS)).answer(long("longer-canary-2")));
    let fresh = host.refresh(&made.credential, &host.connection(&made)).unwrap();
    assert_eq!(secret_text(host.secret(&fresh.credential, "accessToken")).unwrap(), "longer-canary-2");
}

#[track_caller]
fn check(response: Response, field: &str, expected: Option<i64>) {
    let reply = Reply::json(200, &format!(r#"{{"access_token": "{ACCESS}", {field}}}"#));
    let (_host, made) = connected(acme().response(response), reply);
    assert_eq!(made.valid_until.map(Timestamp::seconds), expected, "{field}");
}
