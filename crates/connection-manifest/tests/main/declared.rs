//! A kind of an extension's own declaration: what it asks, what it tells a person, and what it refuses.

use connection_contract::{ExtensionDeclaration, prelude::*};
use connection_manifest::{DeclaredKind, ExtensionFile};
use connection_testkit::{Expected, FakeHost, Input, Reply, conformance::Suite};
use serde_json::{Value, json};

use crate::{examples, parse, set, with_oauth};

const KEY: &str = "key-canary-81d0c4f7a2";
const ACCESS: &str = "access-canary-11aa22bb";
const REFRESH: &str = "refresh-canary-33cc44dd";
const CLIENT: (&str, &str) = ("client_id", "client-canary-0a1b");
const CALLBACK: &str = "https://host.example/callback/issues.acme";
const TOKEN: &str = "https://id.acme.example/token";

fn of(document: &Value) -> Result<DeclaredKind, Reason> {
    DeclaredKind::of(parse(document).declaration())
}

/// An extension that needs an API key of a provider that no kind covers.
fn with_key() -> Value {
    json!({
        "name": "issues",
        "connection": {
            "id": "default",
            "provider": "tracker",
            "title": "Tracker",
            "auth": { "type": "apiKey", "secretNames": ["apiKey"] },
            "connectGuide": "Create a key in the settings of Tracker."
        }
    })
}

/// An extension that needs OAuth, with an application of its author's.
fn with_endpoints() -> Value {
    with_oauth("/clientId", json!("authors-application"))
}

fn agreed() -> Input {
    Input::answers(&[("confirmation", "true")])
}

#[test]
fn every_sentence_holds_for_a_declared_key() {
    let answers = Input::answers(&[("apiKey", KEY), ("accountName", "work")]);
    Suite::new(|| of(&with_key()).unwrap()).setup([agreed(), answers], []).verify([]).check();
}

#[test]
fn every_sentence_holds_for_declared_oauth() {
    let name = Input::answers(&[("accountName", "work")]);
    let application = Input::answers(&[("clientId", CLIENT.1)]);
    let back = Input::callback(&[("code", "code-canary-55ee66ff")]);
    let tokens = |access: &str| {
        let text = format!(r#"{{"access_token": "{access}", "refresh_token": "{REFRESH}", "expires_in": 3600}}"#);
        Reply::json(200, &text)
    };
    let token = || Expected::post(TOKEN).no_redirect();
    let refresh = [("grant_type", "refresh_token"), ("refresh_token", REFRESH), CLIENT];
    Suite::new(|| of(&with_endpoints()).unwrap())
        .host(|host| host.inbound_http(CALLBACK).key_value())
        .setup([agreed(), name, application, back], [token().answer(tokens(ACCESS))])
        .verify([])
        .refresh([token().form(&refresh).answer(tokens("fresh-canary-77gg88hh"))])
        .check();
}

#[test]
fn a_person_is_told_who_receives_the_secret_and_sees_every_declared_address() {
    let kind = of(&with_endpoints()).unwrap();
    let descriptor = kind.descriptor();
    assert_eq!(descriptor.kind.as_str(), "issues/acme");
    assert_eq!((descriptor.provider.as_str(), descriptor.extension.as_deref()), ("acme", Some("issues")));
    let confirmation = &descriptor.fields[0];
    assert_eq!(
        (&*confirmation.name, &confirmation.input, confirmation.required),
        ("confirmation", &connection_contract::Input::Bool, true)
    );
    assert_eq!(confirmation.default, None, "nothing is agreed to by default");
    let addresses = confirmation.help.clone().unwrap().to_string();
    for address in ["https://id.acme.example/authorize", TOKEN] {
        assert!(addresses.contains(address), "{addresses}");
    }
    assert!(kind.origins().iter().all(|origin| origin.as_str() == "https://id.acme.example"));
    // An address that is the default of a public preference is shown as well.
    let document = set(with_key(), "/preferences", json!([{ "name": "base", "default": "https://tracker.example" }]));
    let document = set(document, "/connection/publicPreferenceNames", json!(["base"]));
    let kind = of(&document).unwrap();
    let help = kind.descriptor().fields[0].help.clone().unwrap();
    assert_eq!(help.as_str(), "It declares these addresses: https://tracker.example");
    assert_eq!(kind.origins()[0].as_str(), "https://tracker.example");
    // The control.
    let help = of(&with_key()).unwrap().descriptor().fields[0].help.clone().unwrap();
    assert_eq!(help.as_str(), "It declares no addresses.");
}

/// The setup asks for two secrets, of which the extension receives one.
#[test]
fn a_setup_asks_for_the_declared_fields_and_the_extension_receives_the_declared_secrets() {
    let document = set(with_key(), "/connection/auth/setupFields", json!(["apiKey", "tenantKey"]));
    let kind = of(&document).unwrap();
    let descriptor = kind.descriptor();
    assert_eq!(descriptor.secret_names, ["apiKey"]);
    let names: Vec<_> = descriptor.fields.iter().map(|field| &*field.name).collect();
    assert_eq!(names, ["confirmation", "apiKey", "tenantKey", "accountName"]);
    let answers = [("apiKey", KEY), ("tenantKey", "tenant-canary-5b"), ("accountName", "work")];
    let host = FakeHost::new(kind);
    let made = host.setup([agreed(), Input::answers(&answers)]).run().unwrap();
    assert_eq!(host.secret(&made.credential, "apiKey").unwrap().expose_str(), Some(KEY));
    let secrets = host.definition().secrets().unwrap();
    assert!(secrets.secret(&made.credential, "tenantKey").is_none());
    // The control: without fields of its own, the setup asks for the secrets, under the same terms as ever.
    let names: Vec<_> = of(&with_key()).unwrap().descriptor().fields.iter().map(|field| field.name.clone()).collect();
    assert_eq!(names, ["confirmation", "apiKey", "accountName"]);
}

#[test]
fn a_person_is_told_that_the_extension_receives_a_secret_only_if_it_does() {
    let question = |document: &Value| of(document).unwrap().descriptor().fields[0].label.to_string();
    assert_eq!(question(&with_key()), "Give issues the secret, which it can send anywhere?");
    assert_eq!(question(&with_endpoints()), "Give issues the secret, which it can send anywhere?");
    let without = set(with_endpoints(), "/connection/auth/secretNames", json!([]));
    assert_eq!(question(&without), "Connect as issues describes it?");
    let descriptor = of(&without).unwrap().descriptor();
    assert_eq!(descriptor.secret_names, [""; 0]);
    // The addresses to which the application and the codes are sent are shown all the same.
    assert!(descriptor.fields[0].help.clone().unwrap().to_string().contains(TOKEN));
    let host = FakeHost::new(of(&without).unwrap()).inbound_http(CALLBACK).key_value();
    let failure = host.setup([Input::answers(&[("confirmation", "false")])]).run().unwrap_err();
    assert_eq!(failure.code, "declaration_declined");
    let message = "the connection that 'issues' describes was not confirmed, and nothing was stored";
    assert_eq!(failure.message.as_str(), message);
}

#[test]
fn without_consent_the_setup_ends_before_a_secret_is_asked() {
    let host = FakeHost::new(of(&with_key()).unwrap());
    let failure = host.setup([Input::answers(&[("confirmation", "false")])]).run().unwrap_err();
    assert_eq!(failure.code, "declaration_declined");
    assert_eq!(failure.message.as_str(), "'issues' was not given the secret, and nothing was stored");
}

#[test]
fn an_account_is_what_the_person_calls_it_and_nothing_verifies_it() {
    let host = FakeHost::new(of(&with_key()).unwrap());
    let made = host.setup([agreed(), Input::answers(&[("apiKey", KEY), ("accountName", " work ")])]).run().unwrap();
    assert_eq!((made.identity.account_id.as_str(), made.identity.label.as_str()), ("work", "work"));
    assert_eq!(host.secret(&made.credential, "apiKey").unwrap().expose_str(), Some(KEY));
    let measured = made.measured.as_ref().unwrap();
    let reason = measured.reason.as_ref().unwrap();
    assert_eq!((measured.liveness, &*reason.code), (Liveness::Unknown, "unverifiable"));
    assert_eq!(reason.message.as_str(), "the declaration of 'issues' says nothing that could verify the secret");
}

#[test]
fn an_extension_that_needs_no_sign_in_is_connected_at_once() {
    let document = set(set(with_key(), "/connection/auth", json!({ "type": "none" })), "/name", json!("local"));
    let host = FakeHost::new(of(&document).unwrap());
    let made = host.setup([]).run().unwrap();
    assert_eq!(made.measured.unwrap().liveness, Liveness::Live);
}

#[test]
fn an_application_registers_itself_where_the_declaration_says_so() {
    let address = "https://id.acme.example/register";
    let document = set(with_endpoints(), "/connection/auth/registrationUrl", json!(address));
    let register = Expected::post(address).answer(Reply::json(201, r#"{"client_id": "registered-0a1b"}"#));
    let token = Expected::post(TOKEN).form_field("client_id", "registered-0a1b");
    let token = token.answer(Reply::json(200, &format!(r#"{{"access_token": "{ACCESS}"}}"#)));
    let host = FakeHost::new(of(&document).unwrap()).inbound_http(CALLBACK).key_value();
    let host = [register, token].into_iter().fold(host, FakeHost::expect);
    let name = Input::answers(&[("accountName", "work")]);
    let made = host.setup([agreed(), name, Input::callback(&[("code", "code-canary-55ee66ff")])]).run().unwrap();
    assert_eq!(host.secret(&made.credential, "accessToken").unwrap().expose_str(), Some(ACCESS));
    host.finish();
}

/// The application that the manifest names belongs to the extension's author, and its redirect address is not ours.
#[test]
fn the_application_of_the_manifest_is_not_used() {
    let own = "authors-application";
    assert!(with_endpoints().to_string().contains(own), "the control");
    let descriptor = of(&with_endpoints()).unwrap().descriptor();
    assert!(descriptor.fields.iter().any(|field| field.name == "clientId" && field.kept.is_none()));
    assert!(!format!("{descriptor:?}").contains(own));
}

#[test]
fn the_terms_change_with_what_decides_where_a_secret_goes_and_with_nothing_else() {
    let terms = |document: &Value| of(document).unwrap().descriptor().terms.unwrap().to_string();
    let same = [
        ("/connection/title", json!("Another")),
        ("/connection/connectGuide", json!("Another guide.")),
        ("/connection/auth/scopes", json!(["another"])),
        ("/connection/auth/clientId", json!("another")),
    ];
    for (at, value) in same {
        assert_eq!(terms(&set(with_endpoints(), at, value)), terms(&with_endpoints()), "{at}");
    }
    let other = [
        ("/name", json!("another")),
        ("/connection/auth/secretNames", json!(["another"])),
        ("/connection/auth/secretNames", json!([])),
        ("/connection/auth/authorizationUrl", json!("https://another.example/authorize")),
        ("/connection/auth/tokenUrl", json!("https://another.example/token")),
        ("/connection/auth/registrationUrl", json!("https://another.example/register")),
    ];
    for (at, value) in other {
        assert_ne!(terms(&set(with_endpoints(), at, value)), terms(&with_endpoints()), "{at}");
    }
    assert_eq!(terms(&with_key()), "extension issues\nauth apiKey\nsecret apiKey");
    let fields = set(with_key(), "/connection/auth/setupFields", json!(["apiKey", "tenantKey"]));
    assert_eq!(terms(&fields), "extension issues\nauth apiKey\nsecret apiKey\nfield apiKey\nfield tenantKey");
    let token = set(with_key(), "/connection/auth/type", json!("personalAccessToken"));
    assert_ne!(terms(&token), terms(&with_key()));
}

#[test]
fn a_declaration_that_makes_no_kind_says_what_to_correct() {
    let long = format!("https://acme.example/{}", "authorize/".repeat(50));
    let token = |url: &str| set(with_endpoints(), "/connection/auth/tokenUrl", json!(url));
    for (document, why) in [
        (set(with_key(), "/name", json!("Issues of mine")), "cannot be a part of the name of a kind"),
        (set(with_key(), "/connection/auth/secretNames", json!(["accountName"])), "the name of another question"),
        (
            set(with_key(), "/connection/auth", json!({ "type": "apiKey", "setupFields": ["confirmation"] })),
            "another question",
        ),
        (set(with_key(), "/connection/auth/secretNames", json!([])), "declares no secret for which a setup could ask"),
        (
            set(with_key(), "/connection/auth", json!({ "type": "apiKey", "setupFields": ["apiKey"] })),
            "describes no request that uses it",
        ),
        (set(with_endpoints(), "/connection/auth/secretNames", json!(["a", "b"])), "gives only an access token"),
        (token("http://id.acme.example/token"), "is not an https address"),
        (token("https://user:canary@id.acme.example/token"), "is not an https address"),
        (token("https://${client.id}/token"), "is not an https address"),
        (token("https://id.acme.example/token#canary"), "cannot be used"),
        (token(&long), "cannot be shown in full"),
    ] {
        let reason = of(&document).unwrap_err();
        assert_eq!(reason.code, "declaration_unusable");
        assert!(reason.message.as_str().contains(why), "{}", reason.message);
        assert!(!reason.message.as_str().contains("canary"), "a value in the wrong place may be a secret");
        assert!(reason.remedy.is_some());
    }
}

/// The manifests of the documents, for a provider that no kind covers.
#[test]
fn each_example_makes_a_kind_of_itself() {
    for (name, text) in examples() {
        let mut declaration: ExtensionDeclaration = ExtensionFile::parse(text.as_bytes()).unwrap().into_declaration();
        declaration.requirement.provider = Kind::from_static("tracker");
        let kind = DeclaredKind::of(&declaration).unwrap_or_else(|reason| panic!("{name}: {}", reason.message));
        assert_eq!(kind.descriptor().kind.as_str(), format!("{}/tracker", declaration.name));
        assert_eq!(kind.descriptor().secret_names.len(), declaration.requirement.auth.secret_names.len(), "{name}");
    }
}
