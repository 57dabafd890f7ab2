//! An extension whose provider no kind covers is connected through its own declaration.

use std::sync::Arc;

use connection_contract::{Kind, Liveness};
use connection_core::{ConnectionRegistry, HttpPolicy, KeyFile, Outcome, SetupStep};
use connection_manifest::ExtensionFile;
use connection_server::declared::DeclaredKinds;
use serde_json::json;

use crate::{
    extensions::{ISSUES, QUICK_CAPTURE, RELEASE_NOTES},
    program::{Machine, check},
    provider::Provider,
};

pub(crate) const KEY: &str = "key-canary-tracker-81d0c4f7a2";

/// An extension that needs an API key of a provider that no kind covers.
pub(crate) const TRACKER: &str = r#"{
  "name": "sprints",
  "preferences": [{ "name": "apiBaseUrl", "type": "textfield", "default": "https://api.tracker.example" }],
  "connection": {
    "id": "default",
    "provider": "tracker",
    "title": "Tracker",
    "auth": { "type": "apiKey", "secretNames": ["apiKey"] },
    "publicPreferenceNames": ["apiBaseUrl"],
    "connectGuide": "Create a key in the settings of Tracker."
  }
}"#;

/// Returns the manifest with another address.
pub(crate) fn with(address: &str) -> String {
    TRACKER.replace("https://api.tracker.example", address)
}

/// The connection of an extension of the Jingle project.
const FIGMA_FILES: &str = r#"{
  "name": "figma-files",
  "connection": {
    "id": "default",
    "provider": "figma",
    "title": "Figma",
    "connectGuide": "Connect Figma in the settings, which open the page of the provider.",
    "auth": {
      "type": "oauth",
      "authorizationUrl": "https://jingle.cool/oauth/figma/start",
      "tokenUrl": "https://jingle.cool/oauth/figma/token",
      "clientId": "jingle-desktop",
      "redirect": { "method": "app-scheme", "scheme": "jingle", "callbackPath": "/oauth/callback" },
      "scopes": ["current_user:read", "projects:read", "file_metadata:read", "file_content:read"],
      "secretNames": ["accessToken"]
    }
  }
}"#;

fn machine() -> Machine {
    let mut machine = Machine::new();
    for (name, value) in [("KEY", KEY), ("YES", "true"), ("NO", "false"), ("WORK", "work"), ("HOME_ACCOUNT", "home")] {
        machine.set(name, value);
    }
    machine.write("tracker.json", TRACKER.as_bytes());
    machine
}

const GIVEN: [&str; 4] = ["--from-env", "confirmation=YES", "--from-env", "apiKey=KEY"];

#[test]
fn a_declared_key_is_connected_and_reaches_its_extension_alone() {
    let machine = machine();
    // A manifest that was not added can be resolved, and nothing is stored.
    let resolved = machine.run(&["resolve", "tracker.json"]).exits(0).says("connections extensions add tracker.json");
    resolved.says("connections open-settings sprints");
    let added = machine.run(&["extensions", "add", "tracker.json"]).exits(0).says("missing");
    added.says("connections open-settings sprints");
    let shown = machine.run(&["open-settings", "sprints"]).exits(0).says("Create a key in the settings of Tracker.");
    let shown = shown.says("sprints itself receives the secret, and can send it anywhere.");
    shown.says("https://api.tracker.example").says("--from-env confirmation=VARIABLE --from-env apiKey=VARIABLE");
    let kinds = machine.run(&["kinds", "--json"]).exits(0).json();
    let kind = kinds.as_array().unwrap().iter().find(|kind| kind["kind"] == "sprints/tracker").unwrap().clone();
    check(&kind, "kind");
    assert_eq!((&kind["provider"], &kind["extension"]), (&json!("tracker"), &json!("sprints")));
    let open = [&["open-settings", "sprints"], &GIVEN[..]].concat();
    let connected = machine.run(&open).exits(0).says("sprints/tracker:Tracker").says("unknown").says("granted");
    connected.says("the declaration of 'sprints' says nothing that could verify the secret");
    machine.run(&["exec", "sprints", "--", "/bin/sh", "-c", "test \"$API_KEY\" = \"$KEY\""]).exits(0);
    // Another extension with the same provider is connected through a declaration of its own.
    machine.write("other.json", TRACKER.replace("sprints", "boards").as_bytes());
    machine.run(&["extensions", "add", "other.json"]).exits(0).says("missing");
    machine.run(&["exec", "boards", "--", "true"]).exits(5);
    let refused = machine.run(&["extensions", "grant", "boards", "sprints/tracker"]).exits(6);
    refused.warns("connections of 'sprints/tracker' are for the extension 'sprints' alone");
    machine.run(&["extensions", "use", "boards", "sprints/tracker"]).exits(6).warns("alone");
    machine.run(&["default", "sprints/tracker"]).exits(6).warns("alone");
    machine.run(&["open-settings", "boards", "--kind", "sprints/tracker"]).exits(6);
}

#[test]
fn add_connects_it_by_its_name_for_the_extension_and_a_second_account_as_well() {
    let machine = machine();
    machine.run(&["add", "sprints/tracker"]).exits(5).warns("unknown kind 'sprints/tracker'");
    machine.run(&["extensions", "add", "tracker.json"]).exits(0);
    let add = [&["add", "sprints/tracker", "--from-env", "accountName=WORK"], &GIVEN[..]].concat();
    machine.run(&add).exits(0).says("sprints/tracker:work");
    machine.run(&["resolve", "tracker.json"]).exits(0).says("granted       yes");
    machine.run(&add).exits(6).warns("already connected as sprints/tracker:work");
    let second = [&["add", "sprints/tracker", "--from-env", "accountName=HOME_ACCOUNT"], &GIVEN[..]].concat();
    machine.run(&second).exits(0).says("sprints/tracker:home");
    machine.run(&["resolve", "tracker.json"]).exits(0).says("connections extensions use sprints CONNECTION");
    machine.run(&["extensions", "use", "sprints", "sprints/tracker:home"]).exits(0);
    machine.run(&["resolve", "tracker.json"]).exits(0).says("sprints/tracker:home");
}

#[test]
fn the_requests_that_a_declaration_describes_are_shown_before_the_confirmation() {
    let machine = machine();
    let request = r#""connectGuide": "Create a key in the settings of Tracker.",
    "request": { "base": "https://api.tracker.example", "headers": { "X-Key": "${secret.apiKey}" } }"#;
    let manifest = TRACKER.replace(r#""connectGuide": "Create a key in the settings of Tracker.""#, request);
    machine.write("requests.json", manifest.as_bytes());
    machine.run(&["extensions", "add", "requests.json"]).exits(0);
    let shown = machine.run(&["open-settings", "sprints"]).exits(0).says("It describes these requests: request.base");
    shown.says("request.headers.X-Key = \"${secret.apiKey}\"");
    machine.run(&["kinds", "show", "sprints/tracker"]).exits(0).says("request.headers.X-Key").says("can: send, secrets");
    // The control: a declaration without requests describes none.
    machine.run(&["extensions", "add", "tracker.json"]).exits(0);
    let shown = machine.run(&["open-settings", "sprints"]).exits(0);
    assert!(!shown.out.contains("describes"), "{}", shown.out);
}

#[test]
fn without_the_confirmation_nothing_is_stored() {
    let machine = machine();
    machine.run(&["extensions", "add", "tracker.json"]).exits(0);
    let no = ["open-settings", "sprints", "--from-env", "confirmation=NO", "--from-env", "apiKey=KEY"];
    machine.run(&no).exits(0).warns("'sprints' was not given the secret, and nothing was stored");
    // Nothing is agreed to by default.
    machine.run(&["open-settings", "sprints", "--from-env", "apiKey=KEY"]).exits(2).warns("confirmation");
    machine.run(&["list", "--json"]).exits(0).says("[]");
}

#[test]
fn a_declaration_with_the_name_or_an_address_of_a_known_kind_is_refused_and_that_kind_is_offered() {
    let machine = machine();
    for address in ["https://api.github.com", "https://API.GitHub.com/v3", "https://api.linear.app"] {
        machine.write("known.json", with(address).as_bytes());
        let refused = machine.run(&["extensions", "add", "known.json"]).exits(6);
        assert!(
            refused.err.contains("\"provider\": \"github\"") || refused.err.contains("\"linear\""),
            "{}",
            refused.err
        );
    }
    machine.run(&["resolve", "known.json"]).exits(0).warns("https://api.linear.app");
    // The name of a kind is refused as well, if its provider has another name.
    machine.write("known.json", TRACKER.replace("\"tracker\"", "\"asana-token\"").as_bytes());
    let refused = machine.run(&["extensions", "add", "known.json"]).exits(6).warns("'asana-token'");
    refused.warns("\"provider\": \"asana\"");
    machine.run(&["extensions"]).exits(0).says("No extension was added");
    // A provider that a kind covers is connected through that kind, whether it is compiled or of the catalogue.
    for (provider, kind) in [("github", "github"), ("linear", "linear")] {
        machine.write("known.json", TRACKER.replace("\"tracker\"", &format!("\"{provider}\"")).as_bytes());
        machine.run(&["extensions", "add", "known.json"]).exits(0);
        let required = machine.run(&["open-settings", "sprints", "--json"]).exits(0).json();
        assert_eq!(required["required"]["kinds"][0], kind, "{required}");
    }
    let listed = machine.run(&["kinds"]).exits(0);
    assert!(!listed.out.contains("sprints/"), "{}", listed.out);
}

/// Three extensions of the Jingle project: two need no account, and the catalogue covers the provider of the third.
#[test]
fn the_extensions_of_jingle_are_connected_at_once_or_offered_the_kinds_of_their_provider() {
    let machine = machine();
    for (name, title) in [("coffee", "Coffee"), ("translate", "Translate")] {
        let manifest = json!({
            "name": name,
            "connection": { "id": "default", "provider": name, "title": title, "auth": { "type": "none" } },
        });
        machine.write("jingle.json", manifest.to_string().as_bytes());
        machine.run(&["extensions", "add", "jingle.json"]).exits(0).says("connected");
        machine.run(&["exec", name, "--", "true"]).exits(0);
    }
    machine.write("jingle.json", FIGMA_FILES.as_bytes());
    machine.run(&["extensions", "add", "jingle.json"]).exits(0).says("missing");
    let required = machine.run(&["open-settings", "figma-files", "--json"]).exits(0).json();
    assert_eq!(required["required"]["kinds"][0], "figma-oauth", "{required}");
}

#[test]
fn an_extension_that_needs_no_sign_in_is_connected_at_once() {
    let machine = machine();
    let auth = r#"{ "type": "apiKey", "secretNames": ["apiKey"] }"#;
    machine.write("local.json", TRACKER.replace(auth, r#"{ "type": "none" }"#).as_bytes());
    machine.run(&["extensions", "add", "local.json"]).exits(0).says("connected");
    machine.run(&["exec", "sprints", "--", "true"]).exits(0);
}

#[test]
fn a_name_that_no_kind_can_have_is_explained() {
    let machine = machine();
    machine.write("named.json", TRACKER.replace("sprints", "mine.sprints").as_bytes());
    let added = machine.run(&["extensions", "add", "named.json"]).exits(0).says("missing");
    added.warns("the extension's name 'mine.sprints' cannot be a part of the name of a kind");
    // The settings give the same reason, and what to do.
    let because = "this host has no kind for 'tracker', and the declaration of the extension makes none: the extension's name \
                   'mine.sprints' cannot be a part of the name of a kind";
    let remedy = "name the extension with 1 to 64 of the characters a-z, 0-9 and '-', beginning with a letter, and add \
                  the extension again";
    machine.run(&["open-settings", "mine.sprints"]).exits(0).says(because).says(remedy);
    let opened = machine.run(&["open-settings", "mine.sprints", "--json"]).exits(0).json();
    let error = &opened["resolved"]["error"];
    assert_eq!((&error["message"], &error["remedy"]), (&json!(because), &json!(remedy)));
    let refused = machine.run(&["open-settings", "mine.sprints", "--from-env", "apiKey=KEY"]).exits(6);
    refused.warns(because).warns(remedy);
}

#[test]
fn a_provider_that_may_be_misspelled_is_told_with_the_one_that_may_be_meant() {
    let machine = machine();
    machine.write("githb.json", TRACKER.replace("\"tracker\"", "\"githb\"").as_bytes());
    let added = machine.run(&["extensions", "add", "githb.json"]).exits(0);
    added.warns("No kind connects githb").warns("If github is meant, correct \"provider\"").warns("`connections kinds`");
    // The control: this name is similar to none.
    let ran = machine.run(&["extensions", "add", "tracker.json"]).exits(0);
    assert!(!ran.err.contains("is meant"), "{}", ran.err);
}

/// A file of the person's own covers the provider later. The former connection serves until an account of the new kind
/// is connected.
#[test]
fn a_kind_that_arrives_later_takes_over() {
    let machine = machine();
    machine.run(&["extensions", "add", "tracker.json"]).exits(0);
    machine.run(&[&["open-settings", "sprints"], &GIVEN[..]].concat()).exits(0);
    let kind = "format = 1\nid = \"tracker\"\nname = \"Tracker\"\nmechanism = \"api_key\"\n[[fields]]\nname = \"apiKey\"\n\
                label = \"API key\"\nsecret = true\n[request]\nbase = \"https://api.tracker.example\"\n\
                headers = { Authorization = \"Bearer ${secret.apiKey}\" }\n";
    machine.write("configuration/kinds/tracker.toml", kind.as_bytes());
    machine.run(&["exec", "sprints", "--", "/bin/sh", "-c", "test \"$API_KEY\" = \"$KEY\""]).exits(0);
    machine.run(&["resolve", "tracker.json"]).exits(0).says("sprints/tracker:Tracker");
    machine.run(&["add", "tracker", "--from-env", "apiKey=KEY"]).exits(0);
    machine.run(&["resolve", "tracker.json"]).exits(0).says("tracker:").says("granted       no");
    machine.run(&["extensions", "grant", "sprints", "tracker"]).exits(0);
    machine.run(&["exec", "sprints", "--", "true"]).exits(0);
    machine.run(&["show", "sprints/tracker"]).exits(0);
}

/// The examples of the documents, for a provider that no kind covers.
#[test]
fn each_example_that_needs_a_secret_is_connected_from_its_own_manifest() {
    let machine = machine();
    let examples = [("issues", ISSUES), ("quick-capture", QUICK_CAPTURE), ("release-notes", RELEASE_NOTES)];
    for (name, manifest) in examples {
        let text = String::from_utf8(manifest.to_vec()).unwrap().replace("api.github.com", "api.tracker.example");
        let text = ["github", "notion"].iter().fold(text, |text, provider| {
            text.replace(&format!("\"provider\": \"{provider}\""), "\"provider\": \"tracker\"")
        });
        let secret = if name == "quick-capture" { "apiKey" } else { "accessToken" };
        machine.write("example.json", text.as_bytes());
        machine.run(&["extensions", "add", "example.json"]).exits(0).says("missing");
        let given = format!("{secret}=KEY");
        let open = ["open-settings", name, "--from-env", "confirmation=YES", "--from-env", &given];
        machine.run(&open).exits(0).says(&format!("{name}/tracker:")).says("granted       yes");
    }
}

/// R-JINGLE-004: an extension of the Jingle project, whose application and redirect are those of another host.
#[tokio::test]
async fn declared_oauth_uses_the_declared_endpoints_with_the_person_s_own_application() {
    let provider = Provider::start();
    let tokens = json!({ "access_token": "access-1", "refresh_token": "refresh-1", "expires_in": 3600 });
    provider.tell(200, "content-type: application/json\r\n", &tokens.to_string());
    let file = ExtensionFile::parse(FIGMA_FILES.as_bytes());
    let declaration = file.unwrap().into_declaration();
    let directory = tempfile::tempdir().unwrap();
    let registry = ConnectionRegistry::builder()
        .store(directory.path().join("connections.db").display().to_string())
        .key(KeyFile::at(directory.path().join("root.key")))
        .http(HttpPolicy::new().endpoint("https://jingle.cool", &provider.origin).unwrap())
        .own_kinds(Arc::new(DeclaredKinds::new()))
        .open()
        .await
        .unwrap();
    registry.extensions().add(&declaration, FIGMA_FILES).await.unwrap();
    let handle = registry.extensions().handle(declaration).unwrap();
    let kind = Kind::parse("figma-files/figma").unwrap();
    assert_eq!(handle.kinds_for_setup().first(), Some(&kind));
    let session = registry.setups().begin(&kind).extension(&handle).await.unwrap();
    for (name, value) in [("confirmation", "true"), ("accountName", "work"), ("clientId", "my-application")] {
        let number = loop {
            match session.next_step().await.unwrap().unwrap() {
                (number, SetupStep::Prompt { fields, .. }) if fields.iter().any(|field| field.name == name) => {
                    break number;
                }
                (_, SetupStep::Failed(failure)) => panic!("{failure}"),
                _ => {}
            }
        };
        session.advance(number, &[(name.to_owned(), value.into())]).await.unwrap();
    }
    let (number, shown) = session.next_step().await.unwrap().unwrap();
    let SetupStep::Prompt { open: Some(redirect), .. } = &shown else { panic!("it leads to the provider: {shown:?}") };
    let link = redirect.link.as_str();
    assert!(link.starts_with("https://jingle.cool/oauth/figma/start?"), "{link}");
    assert!(link.contains("client_id=my-application") && link.contains("code_challenge="), "{link}");
    assert!(link.contains("file_metadata%3Aread") && !link.contains("jingle-desktop"), "{link}");
    let state = link.split("state=").nth(1).unwrap().split('&').next().unwrap();
    let back = format!("http://127.0.0.1/callback?code=the-code&state={state}");
    session.advance(number, &[("callbackUrl".to_owned(), back.into())]).await.unwrap();
    let Outcome::Done(done) = session.terminal().await.unwrap() else { panic!("not connected") };
    assert_eq!((done.identity.account_id.as_str(), done.liveness), ("work", Liveness::Unknown));
    let sent = provider.seen();
    let sent = sent.last().unwrap();
    assert!(sent.path == "/oauth/figma/token" && sent.body.contains("client_id=my-application"), "{sent:?}");
    let token = handle.with_access_token(handle.requirement(), async |token| token.expose().to_vec()).await.unwrap();
    assert_eq!(token, b"access-1");
    registry.close().await;
}

#[test]
fn a_changed_declaration_is_shown_old_beside_new_and_used_once_it_is_accepted() {
    let machine = machine();
    machine.run(&["extensions", "add", "tracker.json"]).exits(0);
    machine.run(&[&["open-settings", "sprints"], &GIVEN[..]].concat()).exits(0);
    machine.write("tracker.json", with("https://eu.tracker.example").as_bytes());
    machine.run(&["extensions", "add", "tracker.json"]).exits(0);
    let exec = ["exec", "sprints", "--", "/bin/sh", "-c", "test \"$API_KEY\" = \"$KEY\""];
    machine.run(&exec).exits(4);
    machine.run(&["list"]).exits(0).says("failing").says("connections kinds accept sprints/tracker");
    let shown = machine.run(&["kinds", "accept", "sprints/tracker"]).exits(2).warns("--yes");
    let shown = shown.says("- address https://api.tracker.example");
    shown.says("+ address https://eu.tracker.example");
    machine.run(&["kinds", "accept", "sprints/tracker", "--yes"]).exits(0).says("Accepted for 1 account.");
    machine.run(&exec).exits(0);
    machine.run(&["kinds", "accept", "sprints/other", "--yes"]).exits(5).warns("unknown kind");
}

#[test]
fn an_endpoint_in_a_private_network_is_refused_before_anybody_is_asked() {
    let machine = machine();
    for host in ["10.0.0.1", "0x7f.1", "router.local", "localhost"] {
        let manifest = FIGMA_FILES.replace("https://jingle.cool/oauth/figma/token", &format!("https://{host}/token"));
        machine.write("figma.json", manifest.replace("figma", "drawings").as_bytes());
        let added = machine.run(&["extensions", "add", "figma.json"]).exits(0);
        added.warns("the tokenUrl that 'drawings-files' declares is not an address of the Internet");
        machine.run(&["extensions", "remove", "drawings-files", "--yes"]).exits(0);
    }
}
