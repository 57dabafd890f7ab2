//! The requests of files that revoke a credential, and what their answers confirm.

use connection_contract::prelude::*;
use connection_manifest::{Catalogue, FileKind, KindFile};
use connection_oauth2::{CLIENT_KEY, client_value};
use connection_testkit::{Expected, FakeHost, Input, Reply};

const KEY: &str = "key-canary-4f2a91c0d7";
const ID: &str = "client-canary-77aa";
const SECRET: &str = "secret-canary-88bb";
const ACCESS: &str = "access-canary-11cc22dd";
const REFRESH: &str = "refresh-canary-33ee44ff";
const CALLBACK: &str = "https://host.example/callback/acme";

const ACME: &str = "format = 1\nid = \"acme\"\nname = \"Acme\"\nmechanism = \"api_key\"\n[[fields]]\nname = \"apiKey\"\n\
    label = \"API key\"\nsecret = true\n[request]\nbase = \"https://api.acme.com\"\nheaders = { X-Key = \"${secret.apiKey}\" }\n\
    [verify]\npath = \"/me\"\n[account]\nid = \"/id\"\n[revoke]\nmethod = \"DELETE\"\npath = \"/keys/self\"\n\
    error_if = [{ pointer = \"/ok\", equals = false }]\n";

fn kind(text: &str) -> FileKind {
    KindFile::parse("acme.toml", text).unwrap_or_else(|problems| panic!("{problems}")).definition()
}

/// Returns the outcome as a word: the code of the reason if the credential was not revoked.
fn word(outcome: Teardown) -> String {
    match outcome {
        Teardown::NothingToRevoke => "nothing to revoke".to_owned(),
        Teardown::NotRevoked(why) => why.code.to_string(),
        Teardown::Revoked => "revoked".to_owned(),
        other => panic!("{other:?}"),
    }
}

fn me() -> Expected {
    Expected::get("https://api.acme.com/me").header("x-key", KEY).answer(Reply::json(200, r#"{"id": 7}"#))
}

#[test]
fn a_key_that_a_person_entered_is_revoked_only_on_request() {
    let host = FakeHost::new(kind(ACME)).expect(me());
    let made = host.setup([Input::answers(&[("apiKey", KEY)])]).run().unwrap();
    let connection = host.connection(&made);
    let left = host.teardown(&made.credential, &connection).unwrap();
    assert_eq!(word(left), reason::REVOCATION_NOT_REQUESTED);
    let host = host.expect(Expected::delete("https://api.acme.com/keys/self").header("x-key", KEY));
    assert_eq!(host.revoke(&made.credential, &connection).unwrap(), Teardown::Revoked);
    host.finish();
}

#[test]
fn only_an_answer_that_confirms_it_counts_as_a_revocation() {
    for (answer, expected) in [
        (Reply::status(204), "revoked"),
        (Reply::json(200, r#"{"ok": true}"#), "revoked"),
        (Reply::status(401), "revoked"),
        (Reply::json(200, r#"{"ok": false}"#), reason::REVOCATION_UNCONFIRMED),
        (Reply::json(200, r#"{"success": false}"#), reason::REVOCATION_UNCONFIRMED),
        (Reply::json(200, r#"{"error": "unknown_key"}"#), reason::REVOCATION_UNCONFIRMED),
        (Reply::json(200, r#"{"errors": [{"message": "unknown key"}]}"#), reason::REVOCATION_UNCONFIRMED),
        (Reply::json(200, r#"[{"error": "x"}]"#), reason::REVOCATION_UNCONFIRMED),
        (Reply::json(200, r#"{"statusCode": 500}"#), reason::REVOCATION_UNCONFIRMED),
        (Reply::json(202, r#"{"status": "pending"}"#), reason::REVOCATION_UNCONFIRMED),
        (Reply::status(202), reason::REVOCATION_UNCONFIRMED),
        (Reply::text(200, "<html></html>"), reason::REVOCATION_UNCONFIRMED),
        (Reply::text(200, "\u{feff}<html></html>"), reason::REVOCATION_UNCONFIRMED),
        (Reply::text(200, "\u{1b}compressed").header("content-encoding", "br"), reason::REVOCATION_UNCONFIRMED),
        (Reply::status(404), reason::REVOCATION_UNCONFIRMED),
    ] {
        let host = FakeHost::new(kind(ACME)).expect(me());
        let made = host.setup([Input::answers(&[("apiKey", KEY)])]).run().unwrap();
        let host = host.expect(Expected::delete("https://api.acme.com/keys/self").answer(answer));
        assert_eq!(word(host.revoke(&made.credential, &host.connection(&made)).unwrap()), expected);
    }
    let proxy = Reply::text(401, "<html>Sign in</html>");
    let scope = Reply::status(401).header("www-authenticate", "Bearer error=\"insufficient_scope\", scope=\"keys\"");
    for refused in [Reply::status(403), proxy, scope] {
        let host = FakeHost::new(kind(ACME)).expect(me());
        let made = host.setup([Input::answers(&[("apiKey", KEY)])]).run().unwrap();
        let host = host.expect(Expected::delete("https://api.acme.com/keys/self").answer(refused));
        assert!(host.revoke(&made.credential, &host.connection(&made)).is_err(), "nothing says that the key is gone");
    }
}

#[test]
fn a_kind_without_a_credential_has_nothing_to_revoke() {
    let text = "format = 1\nid = \"acme\"\nname = \"Acme\"\nmechanism = \"none\"\n";
    let host = FakeHost::new(kind(text));
    let made = host.setup([]).run().unwrap();
    let outcome = host.teardown(&made.credential, &host.connection(&made)).unwrap();
    assert_eq!(outcome, Teardown::NothingToRevoke);
    assert!(kind(text).revoker().is_none());
}

const OAUTH: &str = "format = 1\nid = \"acme\"\nname = \"Acme\"\nmechanism = \"oauth2\"\n[request]\nbase = \"https://api.acme.com\"\n\
    [verify]\npath = \"/me\"\n[account]\nid = \"/id\"\n[oauth2]\nauthorize = \"https://acme.com/authorize\"\n\
    token = \"https://acme.com/token\"\n";

/// Connects an account of a kind with OAuth, and returns the outcome of its teardown.
#[track_caller]
fn torn_down(revoke: &str, expected: Expected) -> Teardown {
    let tokens = format!(r#"{{"access_token": "{ACCESS}", "refresh_token": "{REFRESH}", "expires_in": 3600}}"#);
    let definition = kind(&format!("{OAUTH}{revoke}"));
    assert!(definition.revoker().is_none(), "a setup obtained the tokens, and no person entered them");
    let host = FakeHost::new(definition)
        .inbound_http(CALLBACK)
        .secret_value(CLIENT_KEY, client_value(ID, Some(&SECRET.into())))
        .expect(Expected::post("https://acme.com/token").answer(Reply::json(200, &tokens)))
        .expect(Expected::get("https://api.acme.com/me").answer(Reply::json(200, r#"{"id": 7}"#)));
    let made = host.setup([Input::callback(&[("code", "code-canary-99aa00bb")])]).run().unwrap();
    let host = host.expect(expected);
    let outcome = host.teardown(&made.credential, &host.connection(&made)).unwrap();
    host.finish();
    outcome
}

#[test]
fn the_tokens_of_a_setup_are_revoked_with_the_request_of_the_file() {
    let attached = "[revoke]\nmethod = \"POST\"\npath = \"/token/revoke\"\n";
    let request =
        || Expected::post("https://api.acme.com/token/revoke").header("authorization", &format!("Bearer {ACCESS}"));
    assert_eq!(torn_down(attached, request()), Teardown::Revoked);
    let basic = "[revoke]\nmethod = \"DELETE\"\npath = \"/applications/${client.id}/token\"\n\
        json = { access_token = \"${token.access}\" }\nbasic = { user = \"${client.id}\", password = \"${client.secret}\" }\n";
    let request = Expected::delete(&format!("https://api.acme.com/applications/{ID}/token"))
        .basic(ID, SECRET)
        .json(&format!(r#"{{"access_token":"{ACCESS}"}}"#))
        .answer(Reply::status(204));
    assert_eq!(torn_down(basic, request), Teardown::Revoked);
    let body = "[revoke]\npath = \"https://acme.com/revoke\"\n\
        json = { id = \"${client.id}\", secret = \"${client.secret}\", token = \"${token.refresh}\" }\n";
    let request = Expected::post("https://acme.com/revoke")
        .json(&format!(r#"{{"id":"{ID}","secret":"{SECRET}","token":"{REFRESH}"}}"#));
    assert_eq!(torn_down(body, request), Teardown::Revoked);
}

/// The access token may have expired, while the refresh token still works.
#[test]
fn a_refused_access_token_does_not_show_that_the_refresh_token_ended() {
    let attached = "[revoke]\nmethod = \"POST\"\npath = \"/token/revoke\"\n";
    let tokens = format!(r#"{{"access_token": "{ACCESS}", "refresh_token": "{REFRESH}", "expires_in": 3600}}"#);
    let host = FakeHost::new(kind(&format!("{OAUTH}{attached}")))
        .inbound_http(CALLBACK)
        .secret_value(CLIENT_KEY, client_value(ID, Some(&SECRET.into())))
        .expect(Expected::post("https://acme.com/token").answer(Reply::json(200, &tokens)))
        .expect(Expected::get("https://api.acme.com/me").answer(Reply::json(200, r#"{"id": 7}"#)));
    let made = host.setup([Input::callback(&[("code", "code-canary-99aa00bb")])]).run().unwrap();
    let host = host.expect(Expected::post("https://api.acme.com/token/revoke").answer(Reply::status(401)));
    assert!(host.teardown(&made.credential, &host.connection(&made)).is_err());
}

#[test]
fn the_secret_of_an_application_is_in_no_other_request() {
    for place in ["[verify]\npath = \"/me/${client.secret}\"\n", "[verify]\npath = \"/me/${token.refresh}\"\n"] {
        let text = OAUTH.replace("[verify]\npath = \"/me\"\n", place);
        let problems = KindFile::parse("acme.toml", &text).unwrap_err();
        assert!(problems.iter().any(|problem| problem.sentence.contains("has no value here")), "{problems}");
    }
    let key = ACME.replace("path = \"/keys/self\"", "path = \"/keys/${client.secret}\"");
    assert!(KindFile::parse("acme.toml", &key).is_err(), "a key has no application");
}

/// A host uses a connection as before if only such lines of the terms differ.
#[test]
fn a_revocation_changes_only_the_lines_of_the_terms_that_are_about_revocation() {
    let of = |text: &str| {
        let descriptor = kind(text).descriptor();
        let terms = descriptor.terms.unwrap_or_default();
        let is_fact = |line: &&str| descriptor.revocation_facts.iter().any(|fact| line.starts_with(&**fact));
        let (facts, others): (Vec<_>, Vec<_>) =
            terms.lines().map(str::to_owned).partition(|line| is_fact(&line.as_str()));
        (others, facts.len())
    };
    let (without, none) = of(OAUTH);
    assert_eq!(none, 0);
    let attached =
        "[revoke]\nmethod = \"DELETE\"\npath = \"/t\"\nquery = { a = \"1\" }\nbasic = { user = \"${client.id}\" }\n";
    for more in ["revocation = \"https://acme.com/revoke\"\n", attached] {
        let (others, facts) = of(&format!("{OAUTH}{more}"));
        assert_eq!(others, without);
        assert!(facts > 0, "{more}");
    }
}

/// Returns the grant of an account that a kind of the catalogue connects, with this answer to its verification.
fn grant(id: &str, address: &str, answer: &str) -> ProviderGrant {
    let verify = || Expected::get(address).answer(Reply::json(200, answer));
    let definition = Catalogue::kind(id).unwrap().unwrap_or_else(|problems| panic!("{problems}")).definition();
    assert!(definition.descriptor().revocation_ends_grant, "{id}");
    let tokens = format!(r#"{{"access_token": "{ACCESS}", "refresh_token": "{REFRESH}", "expires_in": 3600}}"#);
    let host = FakeHost::new(definition)
        .inbound_http(CALLBACK)
        .secret_value(CLIENT_KEY, client_value(ID, Some(&SECRET.into())))
        .expect(Expected::post("https://oauth2.googleapis.com/token").answer(Reply::json(200, &tokens)))
        .expect(verify());
    let made = host.setup([Input::callback(&[("code", "code-canary-99aa00bb")])]).run().unwrap();
    let host = host.expect(verify());
    let found = host.verify(&made.credential, &host.connection(&made)).unwrap();
    let first = made.measured.and_then(|measured| measured.grant);
    assert_eq!(first, found.grant, "{id}: a setup and a verification name the same grant");
    found.grant.unwrap()
}

/// Google ends everything that an account granted to an application, so that all its kinds name the account alike.
#[test]
fn the_kinds_of_google_name_the_same_account_for_the_same_person() {
    let drive = r#"{"user": {"permissionId": "0123", "emailAddress": "Ada@Example.com", "displayName": "Ada"}}"#;
    let expected = ProviderGrant::new(ID, "ada@example.com");
    for (id, address, answer) in [
        ("google-calendar", "https://www.googleapis.com/calendar/v3/calendars/primary", r#"{"id": "ada@example.com"}"#),
        ("google-drive", "https://www.googleapis.com/drive/v3/about?fields=user", drive),
        (
            "google-gmail",
            "https://gmail.googleapis.com/gmail/v1/users/me/profile",
            r#"{"emailAddress": "ada@example.com"}"#,
        ),
    ] {
        assert_eq!(grant(id, address, answer), expected, "{id}");
    }
}

#[test]
fn a_kind_whose_provider_ends_single_tokens_names_no_grant() {
    let ends = Catalogue::ids().filter(|id| {
        let kind = Catalogue::kind(id).unwrap().unwrap_or_else(|problems| panic!("{problems}"));
        kind.definition().descriptor().revocation_ends_grant
    });
    let ends: Vec<&str> = ends.collect();
    assert_eq!(
        ends,
        [
            "discord",
            "google-calendar",
            "google-drive",
            "google-gmail",
            "pipedrive-oauth",
            "supabase-oauth",
            "xero-oauth"
        ]
    );
}
