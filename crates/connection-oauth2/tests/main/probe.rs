//! Probes of providers that need more than a plain GET to identify an account.

use connection_contract::{Value, prelude::*};
use connection_oauth2::{Account, Attach, ConfigError, ErrorIf};
use connection_testkit::{Expected, FakeHost, Reply};

use crate::{ACCESS, ID, REFRESH, acme, back, host, me, redeem, renew, tokens};

const QUERY: &str = "{ viewer { id name } }";

/// An account that is read with GraphQL, whose refusals and rate limits have the status 400.
fn graphql() -> Account {
    let code = |code: &'static str| ErrorIf::equals("/errors/0/extensions/code", code);
    Account::probe("/graphql", "/data/viewer/id", "/data/viewer/name")
        .header("X-Api-Version", "2026-01-01")
        .json(Value::object([("query", Value::from(QUERY))]))
        .error_if(code("AUTHENTICATION_ERROR"))
        .limited_if(code("RATELIMITED"))
}

fn account_request() -> Expected {
    Expected::post("https://api.acme.example/graphql")
        .header("x-api-version", "2026-01-01")
        .header("content-type", "application/json")
        .json(&format!(r#"{{"query": "{QUERY}"}}"#))
        .answer(Reply::json(200, r#"{"data": {"viewer": {"id": "u-1", "name": "Ada"}}}"#))
}

fn failed(status: u16, code: &str) -> Reply {
    Reply::json(status, &format!(r#"{{"data": null, "errors": [{{"extensions": {{"code": "{code}"}}}}]}}"#))
}

/// Returns the result of a verification with this response, after a successful setup.
fn found(reply: Reply) -> (Liveness, String, Option<Duration>) {
    let host = host(acme().account(graphql())).expect(redeem().answer(tokens())).expect(account_request());
    let made = host.setup([back()]).run().expect("a connection");
    assert_eq!(made.identity, Identity::new("u-1", "Ada"));
    let host: FakeHost<_> = host.expect(account_request().answer(reply));
    let found = host.verify(&made.credential, &host.connection(&made)).expect("an answer");
    let reason = found.reason.expect("a reason");
    (found.liveness, format!("{}: {}", reason.code, reason.message), found.recheck_after)
}

#[test]
fn an_account_is_asked_with_a_method_headers_and_a_json_body() {
    let (liveness, reason, _) = found(Reply::json(200, r#"{"data": {"viewer": {"name": "Ada"}}}"#));
    assert_eq!(liveness, Liveness::Offline);
    assert_eq!(reason, "not_json: the provider's answer does not name the account: it has nothing at /data/viewer/id");
}

/// Q1: the control is an error that no rule names. A temporary condition is never a lost authorization.
#[test]
fn a_refusal_is_found_at_any_status_but_those_that_will_pass() {
    for (status, code, liveness, reason) in [
        (200, "AUTHENTICATION_ERROR", Liveness::Failing, reason::UNAUTHORIZED),
        (400, "AUTHENTICATION_ERROR", Liveness::Failing, reason::UNAUTHORIZED),
        (404, "AUTHENTICATION_ERROR", Liveness::Failing, reason::UNAUTHORIZED),
        (400, "INTERNAL", Liveness::Offline, reason::PROVIDER_ERROR),
        (408, "AUTHENTICATION_ERROR", Liveness::Offline, reason::PROVIDER_ERROR),
        (429, "AUTHENTICATION_ERROR", Liveness::Offline, reason::RATE_LIMITED),
        (500, "AUTHENTICATION_ERROR", Liveness::Offline, reason::PROVIDER_ERROR),
        (503, "AUTHENTICATION_ERROR", Liveness::Offline, reason::PROVIDER_ERROR),
        (400, "RATELIMITED", Liveness::Offline, reason::RATE_LIMITED),
    ] {
        let (found, message, _) = found(failed(status, code));
        assert_eq!((found, message.split(':').next()), (liveness, Some(reason)), "{status} {code}");
    }
}

#[test]
fn an_answer_says_how_long_a_limit_lasts() {
    for reply in [failed(400, "RATELIMITED"), Reply::status(429), failed(503, "INTERNAL")] {
        assert_eq!(found(reply.header("retry-after", "7")).2, Some(Duration::from_secs(7)));
    }
}

#[test]
fn a_request_for_the_account_that_cannot_work_is_refused() {
    let refused = |account: Account| acme().account(account).build().unwrap_err();
    for name in ["Authorization", "cookie", "content-length", "x y", "", "x:y"] {
        assert_eq!(refused(graphql().header(name, "1")), ConfigError::Header { name: name.to_owned() });
    }
    assert_eq!(refused(graphql().header("x-a", "1\r\nx-b: 2")), ConfigError::Header { name: "x-a".to_owned() });
    for account in [graphql().method("GET"), graphql().method("post"), graphql().method("")] {
        assert!(matches!(refused(account), ConfigError::Contradiction(_)));
    }
    let attach = Attach::Header { name: "X-Api-Version".into(), prefix: String::new() };
    let shadowed = acme().attach(attach).account(graphql()).build().unwrap_err();
    assert_eq!(shadowed, ConfigError::Header { name: "X-Api-Version".to_owned() });
}

#[test]
fn a_kind_that_sends_its_own_request_connects_without_a_probe() {
    let account = || Account::probe("/", "/team/id", "/team/name").without_probe();
    let answer =
        Reply::json(200, r#"{"access_token": "access-canary-11aa22bb", "team": {"id": "t-1", "name": "Team"}}"#);
    let named = account().from(connection_oauth2::AccountFrom::TokenResponse);
    let host = host(acme().account(named)).expect(redeem().answer(answer));
    assert_eq!(host.setup([back()]).run().unwrap().identity, Identity::new("t-1", "Team"));
    assert!(matches!(acme().account(account()).build(), Err(ConfigError::Contradiction(_))));
}

/// Half of a surrogate pair, as servers in JavaScript write a name that they cut.
const DAMAGED: &str = "ada \\ud83d";

#[test]
fn a_name_that_is_not_unicode_is_a_label_and_an_id_is_refused_with_a_sentence() {
    let account = |id: &str, name: &str| {
        Reply::json(200, &format!(r#"{{"data": {{"viewer": {{"id": "{id}", "name": "{name}"}}}}}}"#))
    };
    let host = host(acme().account(graphql())).expect(redeem().answer(tokens()));
    let host = host.expect(account_request().answer(account("u-1", DAMAGED)));
    let made = host.setup([back()]).run().expect("a connection");
    assert_eq!(made.identity, Identity::new("u-1", "ada \u{fffd}"));
    let (liveness, reason, _) = found(account(DAMAGED, "Ada"));
    assert_eq!(liveness, Liveness::Offline);
    let expected =
        "not_json: the account's id in the provider's answer contains bytes that are not valid UTF-8: /data/viewer/id";
    assert_eq!(reason, expected);
}

#[test]
fn a_lacking_scope_is_named_and_a_page_says_nothing_about_the_account() {
    let lacking =
        Reply::json(403, "{}").header("www-authenticate", r#"Bearer error="insufficient_scope", scope="mail""#);
    let (liveness, reason, _) = found(lacking);
    assert_eq!((liveness, &*reason), (Liveness::Failing, "scope_missing: the credential lacks the scopes mail"));
    let (liveness, reason, _) = found(Reply::text(403, "<html>blocked</html>"));
    assert_eq!((liveness, reason.split(':').next()), (Liveness::Offline, Some(reason::PROVIDER_ERROR)));
}

/// Whether the subject of the ID token names the account is decided when it is authorized, and not by later scopes.
#[test]
fn an_account_that_is_named_by_its_subject_stays_so_whatever_a_refresh_grants() {
    let claims = encode::base64url(format!(r#"{{"aud": "{ID}", "sub": "sub-1"}}"#).as_bytes());
    let builder = || acme().scope("openid").account(Account::probe("/me", "/id", "/name").by_subject());
    let answer = |more: &str| {
        Reply::json(200, &format!(r#"{{"access_token": "{ACCESS}", "refresh_token": "{REFRESH}", {more}}}"#))
    };
    let signed = format!(r#""scope": "read openid", "id_token": "e30.{claims}.c2ln""#);
    for (first, later, named, verified) in [
        (signed.as_str(), r#""scope": "read""#, "sub-1", None),
        (r#""scope": "read""#, r#""scope": "read openid""#, "42", Some("42")),
        (r#""scope": "read openid""#, r#""scope": "read openid""#, "42", Some("42")),
    ] {
        let host = host(builder()).expect(redeem().answer(answer(first))).expect(me());
        let made = host.setup([back()]).run().expect("a connection");
        assert_eq!(made.identity.account_id.as_str(), named);
        let connection = host.connection(&made);
        let host = host.expect(renew().answer(answer(later)));
        let fresh = host.refresh(&made.credential, &connection).expect("it is renewed").credential;
        let stored = host.definition().serialize_credential(&fresh).expect("bytes");
        let read = host.definition().parse_credential(stored.expose()).expect("the same");
        let found = host.expect(me()).verify(&read, &connection).expect("an answer");
        let id = found.identity.map(|identity| identity.account_id.as_str().to_owned());
        assert_eq!(id.as_deref(), verified, "{first} {later}");
    }
}
