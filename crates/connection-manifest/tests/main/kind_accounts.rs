//! The id of an account: names that can change, e-mail addresses, numbers, and the subject of an ID token.

use connection_contract::{encode, prelude::*};
use connection_manifest::{Catalogue, FileCredential, FileKind, KindFile};
use connection_testkit::{Expected, FakeHost, Input, Reply};

const CALLBACK: &str = "https://host.example/callback/acme";
const CLIENT: &str = "client-canary-0a1b";

fn with_account(account: &str) -> String {
    format!(
        "format = 1\nid = \"acme\"\nname = \"Acme\"\nmechanism = \"api_key\"\n[[fields]]\nname = \"apiKey\"\nlabel = \"Key\"\n\
         secret = true\n[request]\nbase = \"https://api.acme.com\"\nheaders = {{ X-Key = \"${{secret.apiKey}}\" }}\n\
         [verify]\npath = \"/me\"\n[account]\n{account}\n"
    )
}

fn parsed(text: &str) -> FileKind {
    match KindFile::parse("acme.toml", text) {
        Ok(file) => file.definition(),
        Err(problems) => panic!("{problems}"),
    }
}

fn account(account: &str, answer: &str) -> Identity {
    let me = Expected::get("https://api.acme.com/me").answer(Reply::json(200, answer));
    let host = FakeHost::new(parsed(&with_account(account))).expect(me);
    host.setup([Input::answers(&[("apiKey", "key-canary-81d0c4f7a2")])]).run().unwrap().identity
}

#[test]
fn a_number_is_one_id_however_it_is_written() {
    for (answer, id) in [
        (r#"{"id": 1.0}"#, "1"),
        (r#"{"id": 1}"#, "1"),
        (r#"{"id": "1"}"#, "1"),
        (r#"{"id": 1.2345678901E10}"#, "12345678901"),
        (r#"{"id": 12345678901}"#, "12345678901"),
        (r#"{"id": 120e-1}"#, "12"),
        (r#"{"id": 9007199254740993}"#, "9007199254740993"),
        (r#"{"id": 123456789012345678901234567890}"#, "123456789012345678901234567890"),
        (r#"{"id": -0.0}"#, "0"),
        (r#"{"id": 0.50}"#, "0.5"),
        (r#"{"id": 1e99999}"#, "1e99999"),
        (r#"{"id": " 1\u200b\n"}"#, "1"),
        // A text is no number.
        (r#"{"id": "1.0"}"#, "1.0"),
        (r#"{"id": "1e5"}"#, "1e5"),
    ] {
        assert_eq!(account("id = \"/id\"", answer).account_id.as_str(), id, "{answer}");
    }
}

#[test]
fn a_file_says_that_an_id_can_change_and_is_an_address() {
    let plain = account("id = \"/id\"", r#"{"id": "Ada@acme.com"}"#);
    assert!(!plain.is_mutable && !plain.is_email && !plain.has_id("ada@acme.com"));
    let named = account("id = \"/id\"\nmutable = true", r#"{"id": "ada"}"#);
    assert!(named.is_mutable && !named.has_id("ADA"));
    let address = account("id = \"/id\"\nmutable = true\nemail = true", r#"{"id": "Ada@acme.com"}"#);
    assert!(address.is_mutable && address.has_id("aDa@ACME.com") && !address.has_id("grace@acme.com"));
}

#[test]
fn a_place_in_a_list_is_no_name_that_changes() {
    for account in ["id = \"/users/0/id\"\nmutable = true", "id = [\"/id\", \"/0/name\"]\nmutable = true"] {
        let problems = KindFile::parse("acme.toml", &with_account(account)).unwrap_err();
        assert_eq!(problems.iter().next().unwrap().field.as_str(), "account.mutable");
    }
    parsed(&with_account("id = \"/users/0/id\""));
    parsed(&with_account("id = \"/user1/id\"\nmutable = true"));
}

/// The kinds whose provider names no id but one that can change.
#[test]
fn the_catalogue_says_which_ids_can_change() {
    let is_mutable = |id: &&str| Catalogue::text(id).unwrap().1.contains("\nmutable = true\n");
    let found: Vec<_> = Catalogue::ids().filter(is_mutable).collect();
    assert_eq!(found, ["google-calendar", "google-gmail", "huggingface", "render", "replicate", "typeform"]);
}

/// Returns an ID token whose signature nobody reads, because it came from the token endpoint.
fn id_token(subject: &str) -> String {
    let part = |text: &str| encode::base64url(text.as_bytes());
    let claims = format!(r#"{{"aud": "{CLIENT}", "sub": "{subject}"}}"#);
    format!("{}.{}.c2ln", part("{}"), part(&claims))
}

fn profile(address: &str) -> Expected {
    Expected::get("https://gmail.googleapis.com/gmail/v1/users/me/profile")
        .answer(Reply::json(200, &format!(r#"{{"emailAddress": "{address}"}}"#)))
}

/// Connects a mailbox; the token answer has these further members.
fn connected(more: &str) -> (FakeHost<FileKind>, SetupResult<FileCredential>) {
    connected_as("google-gmail", more, profile("Ada.Old@gmail.com"))
}

/// Connects an account of a kind of Google's, which this request names.
fn connected_as(id: &str, more: &str, me: Expected) -> (FakeHost<FileKind>, SetupResult<FileCredential>) {
    let answer = format!(r#"{{"access_token": "access-canary-11aa22bb", "refresh_token": "refresh-canary-1" {more}}}"#);
    let kind = Catalogue::kind(id).unwrap().unwrap().definition();
    let host = FakeHost::new(kind).inbound_http(CALLBACK).key_value();
    let host =
        host.expect(Expected::post("https://oauth2.googleapis.com/token").answer(Reply::json(200, &answer))).expect(me);
    let application = Input::answers(&[("clientId", CLIENT), ("clientSecret", "secret-canary-5e6f")]);
    let back = Input::callback(&[("code", "code-canary-55ee66ff"), ("iss", "https://accounts.google.com")]);
    let made = host.setup([application, back]).run().unwrap();
    (host, made)
}

#[test]
fn a_new_mailbox_is_its_subject_and_was_its_address() {
    let scope = "openid https://www.googleapis.com/auth/gmail.readonly";
    let (host, made) =
        connected(&format!(r#", "scope": "{scope}", "id_token": "{}""#, id_token("10769150350006150715")));
    let identity = &made.identity;
    assert_eq!((identity.account_id.as_str(), identity.label.as_str()), ("10769150350006150715", "Ada.Old@gmail.com"));
    assert!(!identity.is_mutable);
    // A connection of before keeps its generation, whatever the case of its address.
    assert!(identity.has_id("ada.old@gmail.com") && !identity.has_id("grace@gmail.com"));
    // The mailbox was renamed: the profile says nothing about the subject.
    let connection = host.connection(&made);
    let host = host.expect(profile("ada.new@gmail.com"));
    let found = host.verify(&made.credential, &connection).unwrap();
    assert_eq!((found.liveness, found.identity), (Liveness::Live, None));
    // The grant at Google is named by the address in all of its kinds.
    assert_eq!(found.grant, Some(ProviderGrant::new(CLIENT, "ada.new@gmail.com")));
}

#[test]
fn a_mailbox_without_the_scope_stays_its_address_which_can_change() {
    let scope = "https://www.googleapis.com/auth/gmail.readonly";
    let (host, made) = connected(&format!(r#", "scope": "{scope}""#));
    assert_eq!(made.identity, Identity::new("Ada.Old@gmail.com", "Ada.Old@gmail.com").mutable().email());
    let connection = host.connection(&made);
    let host = host.expect(profile("ada.new@gmail.com"));
    let found = host.verify(&made.credential, &connection).unwrap();
    assert_eq!(found.identity, Some(Identity::new("ada.new@gmail.com", "ada.new@gmail.com").mutable().email()));
}

/// An account that was connected before a kind asked for a scope is not stopped by it.
#[test]
fn a_further_scope_changes_no_terms() {
    for id in ["google-calendar", "google-gmail"] {
        let file = format!("{id}.toml");
        let terms = |text: &str| KindFile::parse(&file, text).unwrap().definition().descriptor().terms;
        let text = Catalogue::text(id).unwrap().1;
        let before = text.replace("scopes = [\"openid\", ", "scopes = [").replace("subject = true\n", "");
        assert_eq!(before.len(), text.len() - "\"openid\", ".len() - "subject = true\n".len());
        assert_eq!(terms(text), terms(&before));
    }
}

/// A revocation ends the grant of the application, which another kind of the provider may have, too.
#[test]
fn the_grant_at_google_has_one_name_in_all_of_its_kinds() {
    for (id, url, answer) in [
        (
            "google-gmail",
            "https://gmail.googleapis.com/gmail/v1/users/me/profile",
            r#"{"emailAddress": "Ada@gmail.com"}"#,
        ),
        ("google-calendar", "https://www.googleapis.com/calendar/v3/calendars/primary", r#"{"id": "ada@gmail.com"}"#),
        (
            "google-drive",
            "https://www.googleapis.com/drive/v3/about?fields=user",
            r#"{"user": {"permissionId": "7", "emailAddress": "ADA@gmail.com"}}"#,
        ),
    ] {
        let signed = format!(r#", "id_token": "{}""#, id_token("10769150350006150715"));
        let (_, made) = connected_as(id, &signed, Expected::get(url).answer(Reply::json(200, answer)));
        let expected = ProviderGrant::new(CLIENT, "ada@gmail.com");
        assert_eq!(made.measured.unwrap().grant, Some(expected), "{id}");
        let account = if id == "google-drive" { "7" } else { "10769150350006150715" };
        assert_eq!(made.identity.account_id.as_str(), account, "{id}");
    }
}

#[test]
fn a_subject_needs_its_scope_and_an_address() {
    let text = Catalogue::text("google-gmail").unwrap().1;
    for (was, is) in [("\"openid\", ", ""), ("email = true\n", "")] {
        let problems = KindFile::parse("google-gmail.toml", &text.replace(was, is)).unwrap_err();
        assert_eq!(problems.iter().next().unwrap().field.as_str(), "account.subject");
    }
}
