//! Extensions that share a connection: added, granted, refused and removed.

use connection_contract::SecretName;
use connection_core::{ConnectionRegistry, KeyFile};
use connection_plugin_github::GitHub;
use serde_json::Value;

use crate::{
    program::{Machine, Ran, check},
    provider::{NOTION_KEY, TOKEN},
};

pub(crate) const ISSUES: &[u8] = include_bytes!("../../../../docs/examples/extensions/issues.json");
pub(crate) const RELEASE_NOTES: &[u8] = include_bytes!("../../../../docs/examples/extensions/release-notes.json");
pub(crate) const QUICK_CAPTURE: &[u8] = include_bytes!("../../../../docs/examples/extensions/quick-capture.json");
const REMINDERS: &[u8] = include_bytes!("../../../../docs/examples/extensions/reminders.json");
pub(crate) const FOREIGN: &[u8] = include_bytes!("../../../../docs/examples/extensions/foreign.json");

/// Returns a machine with the manifests of the documentation, and with a GitHub token and a Notion key in variables.
pub(crate) fn machine() -> Machine {
    let mut machine = Machine::new();
    machine.set("GITHUB", TOKEN);
    machine.set("NOTION", NOTION_KEY);
    let manifests = [
        ("issues", ISSUES),
        ("release-notes", RELEASE_NOTES),
        ("quick-capture", QUICK_CAPTURE),
        ("reminders", REMINDERS),
        ("foreign", FOREIGN),
    ];
    for (name, manifest) in manifests {
        machine.write(&format!("{name}.json"), manifest);
    }
    machine
}

/// Returns a machine with a connection that was made for `issues`.
pub(crate) fn connected() -> Machine {
    let machine = machine();
    machine.run(&["extensions", "add", "issues.json"]).exits(0);
    machine.run(&["open-settings", "issues", "--from-env", "accessToken=GITHUB"]).exits(0);
    machine
}

fn status(machine: &Machine, file: &str) -> Value {
    machine.run(&["resolve", file, "--json"]).exits(0).json()
}

/// Runs a program for the extension, which fails unless the extension gets what it declared.
fn exec(machine: &Machine, extension: &str) -> Ran {
    machine.run(&["exec", extension, "--", "/bin/sh", "-c", "exit 0"])
}

#[test]
fn two_extensions_share_a_connection_while_a_person_lets_them() {
    let machine = machine();
    let missing = status(&machine, "issues.json");
    assert_eq!((&missing["status"], &missing["missingSecretNames"]), (&"missing".into(), &vec!["accessToken"].into()));
    let added = machine.run(&["extensions", "add", "issues.json"]).exits(0).says("missing").says("lacks");
    added.says("Create a GitHub personal access token").says("connections open-settings issues");
    exec(&machine, "issues").exits(5).warns("connections open-settings issues");
    machine
        .run(&["open-settings", "issues", "--from-env", "accessToken=GITHUB"])
        .exits(0)
        .says("Connected octocat (github:octocat) · live")
        .says("status        connected")
        .says("granted       yes");
    let resolved = status(&machine, "issues.json");
    assert_eq!((&resolved["status"], &resolved["missingSecretNames"]), (&"connected".into(), &Value::Array(vec![])));
    assert_eq!(resolved["publicConfig"], serde_json::json!({ "apiBaseUrl": "https://api.github.com" }));
    exec(&machine, "issues").exits(0);

    machine
        .run(&["extensions", "add", "release-notes.json"])
        .exits(0)
        .says("status        connected")
        .says("granted       no")
        .says("connections extensions grant release-notes github:octocat");
    exec(&machine, "release-notes").exits(6).warns("connections extensions grant release-notes github:octocat");
    machine
        .run(&["extensions", "grant", "release-notes", "github"])
        .exits(0)
        .says("release-notes may use github:octocat, with accessToken");
    exec(&machine, "release-notes").exits(0);
    let list = machine.run(&["extensions"]).exits(0).says("EXTENSION");
    assert_eq!(list.out.matches("github:octocat (accessToken)").count(), 2, "{}", list.out);

    machine
        .run(&["extensions", "revoke", "release-notes", "github:octocat"])
        .exits(0)
        .says("release-notes may no longer use github:octocat");
    exec(&machine, "release-notes").exits(6);
    exec(&machine, "issues").exits(0);
    let events = machine.run(&["events", "github", "--json"]).exits(0).json();
    let names: Vec<_> =
        events["events"].as_array().unwrap().iter().filter_map(|event| event["event"].as_str()).collect();
    for (name, count) in [("extension_granted", 2), ("extension_revoked", 1), ("secret_released", 3)] {
        assert_eq!(names.iter().filter(|other| **other == name).count(), count, "{name}: {names:?}");
    }
    assert_eq!(events["chain"], "whole");
    let uses = machine.run(&["uses", "github", "--json"]).exits(0).json();
    let by: Vec<_> = uses.as_array().unwrap().iter().map(|of| &of["extension"]).collect();
    assert_eq!(by, ["issues", "release-notes", "issues"], "newest first");
    assert_eq!(machine.provider.seen().len(), 1, "resolving and granting ask nobody");
}

#[test]
fn what_was_added_is_listed_replaced_and_removed() {
    let machine = connected();
    machine.run(&["extensions", "add", "quick-capture.json"]).exits(0).says("missing");
    let list = machine.run(&["extensions", "list", "--json"]).exits(0).json();
    let names: Vec<_> = list.as_array().unwrap().iter().map(|body| body["name"].as_str().unwrap()).collect();
    assert_eq!(names, ["issues", "quick-capture"]);
    assert_eq!((&list[0]["status"], &list[0]["granted"]), (&"connected".into(), &true.into()));
    assert_eq!((&list[1]["status"], &list[1]["connection"]), (&"missing".into(), &Value::Null));
    machine.run(&["preferences", "set", "issues", "openBehavior", "list"]).exits(0);

    // Another declaration with the same name keeps the grants and the preferences.
    let other = String::from_utf8(ISSUES.to_vec()).unwrap().replace("\"create\"", "\"close\"");
    machine.write("other.json", other.as_bytes());
    let added = machine.run(&["extensions", "add", "other.json", "--json"]).exits(0).json();
    assert_eq!(added["commands"], serde_json::json!(["search", "close"]));
    assert_eq!((&added["addedAt"], &added["granted"]), (&list[0]["addedAt"], &true.into()));
    machine.run(&["preferences", "get", "issues", "openBehavior"]).exits(0).says("list");

    machine.run(&["extensions", "remove", "issues"]).exits(2).warns("--yes");
    machine
        .run(&["extensions", "remove", "issues", "--yes"])
        .exits(0)
        .says("Removed the extension issues; it may no longer use 1 connection");
    machine.run(&["extensions", "remove", "issues", "--yes"]).exits(5).warns("connections extensions");
    machine.run(&["list"]).exits(0).says("github:octocat");
    // An extension that was removed and added again has no grants and no preferences.
    machine.run(&["extensions", "add", "issues.json"]).exits(0).says("granted       no");
    machine.run(&["preferences", "get", "issues", "openBehavior"]).exits(0).says("browser");
    machine.run(&["extensions", "revoke", "issues"]).exits(0).says("had no such grant");
    machine.run(&["extensions", "revoke", "nobody"]).exits(5);
}

#[test]
fn a_grant_is_of_declared_names_and_of_the_provider_that_is_needed() {
    let machine = connected();
    machine.run(&["add", "notion", "--from-env", "apiKey=NOTION"]).exits(0);
    machine.run(&["extensions", "add", "release-notes.json"]).exits(0);
    let grant = |more: &[&str]| machine.run(&[&["extensions", "grant", "release-notes"], more].concat());
    grant(&["notion"]).exits(6).warns("needs a connection to 'github'").warns("connections add github");
    let refused = grant(&["github", "--name", "refreshToken"]).exits(2).warns("--name takes accessToken");
    assert!(!refused.err.contains("refreshToken"), "what is typed may be a secret: {}", refused.err);
    grant(&["github", "--name", "accessToken", "--no-secrets"]).exits(2);
    grant(&["nowhere"]).exits(5);
    machine.run(&["extensions", "grant", "nobody", "github"]).exits(5).warns("connections extensions add FILE");
    exec(&machine, "release-notes").exits(6);
    // Without secrets, the extension may send requests but cannot read a secret.
    grant(&["github", "--no-secrets"]).exits(0).says("without its secrets");
    exec(&machine, "release-notes").exits(6).warns("accessToken");
    grant(&["github", "--name", "accessToken"]).exits(0);
    exec(&machine, "release-notes").exits(0);
}

#[test]
fn a_grant_within_rules_says_what_they_allow_and_hands_out_no_secret() {
    let machine = connected();
    machine.run(&["extensions", "add", "release-notes.json"]).exits(0);
    let grant = |more: &[&str]| machine.run(&[&["extensions", "grant", "release-notes", "github"], more].concat());
    grant(&["--rules", "read", "--name", "accessToken"]).exits(2);
    grant(&["--rules", "write"]).exits(5).warns("its presets are read, ask");
    let granted = grant(&["--rules", "read"]).exits(0);
    granted.says("release-notes may use github:octocat without its secrets, within rules:").says("nothing else");
    exec(&machine, "release-notes").exits(6).warns("accessToken");
    machine.write("rules.toml", b"[[rule]]\nname = \"all\"\neffect = \"allow\"\n");
    let own = grant(&["--rules", "rules.toml", "--json"]).exits(0).json();
    assert_eq!((&own["secretNames"], &own["words"]), (&serde_json::json!([]), &serde_json::json!(["may send every request"])));
    assert!(grant(&["--no-secrets", "--json"]).exits(0).json()["words"].is_null());
}

#[test]
fn a_connection_that_is_refused_is_failed_and_what_runs_elsewhere_is_unsupported() {
    let machine = connected();
    machine.provider.tell(401, "content-type: application/json\r\n", r#"{"message":"Bad credentials"}"#);
    machine.run(&["verify", "github"]).exits(4);
    let failed = status(&machine, "issues.json");
    assert_eq!(failed["status"], "failed");
    check(&failed["error"], "error");
    assert_eq!(failed["error"]["code"], "unauthorized", "{failed}");
    machine.run(&["resolve", "issues.json"]).exits(0).says("failed").says("connections reauthorize github:octocat");
    exec(&machine, "issues").exits(4).warns("connections open-settings issues");
    if cfg!(target_os = "linux") {
        machine.run(&["resolve", "reminders.json"]).exits(0).says("unsupported").says("it runs only on darwin");
        machine.run(&["extensions", "add", "reminders.json"]).exits(0);
        exec(&machine, "reminders").exits(6).warns("it runs only on darwin");
        machine.run(&["open-settings", "reminders"]).exits(0).says("it runs only on darwin");
    }
}

#[test]
fn several_connections_are_missing_with_the_choice_as_the_remedy_until_one_is_chosen() {
    let machine = connected();
    let again = ["add", "github", "--label", "other", "--again", "--from-env", "accessToken=GITHUB"];
    machine.run(&again).exits(0);
    machine.run(&["default", "github:octocat", "--clear"]).exits(0);
    machine.run(&["resolve", "issues.json"]).exits(0).says("github:octocat").says("granted       yes");
    machine.run(&["extensions", "revoke", "issues"]).exits(0);
    let way = "connections extensions use issues CONNECTION";
    machine
        .run(&["resolve", "issues.json"])
        .exits(0)
        .says("missing")
        .says("github:octocat")
        .says("github:other")
        .says(way);
    let resolved = status(&machine, "issues.json");
    assert_eq!((&resolved["status"], &resolved["error"]["code"]), (&"missing".into(), &"ambiguous".into()));
    check(&resolved["error"], "error");
    exec(&machine, "issues").exits(5).warns("connections open-settings issues");
    machine.run(&["open-settings", "issues"]).exits(0).says(way).says("github:other");
    machine.run(&["extensions"]).exits(0).says("missing").says("several connections");
    machine.run(&["extensions", "add", "issues.json"]).exits(0).says(way);
    machine.run(&["default", "github:other"]).exits(0);
    machine.run(&["resolve", "issues.json"]).exits(0).says("github:other").says("granted       no");
    exec(&machine, "issues").exits(6);
    // Its only grant goes before the default.
    machine.run(&["extensions", "grant", "issues", "github:octocat"]).exits(0);
    exec(&machine, "issues").exits(0);
    machine.run(&["default", "github:octocat"]).exits(0);
    // Two extensions use two accounts.
    machine
        .run(&["extensions", "use", "issues", "github:other"])
        .exits(0)
        .says("github:other")
        .says("granted       no");
    exec(&machine, "issues").exits(6).warns("connections extensions grant issues github:other");
    machine.run(&["extensions", "grant", "issues", "github:other"]).exits(0);
    exec(&machine, "issues").exits(0);
    let body = machine.run(&["extensions", "use", "issues", "--default", "--json"]).exits(0).json();
    check(&body, "extension");
    assert_eq!(body["status"], "connected");
    machine.run(&["resolve", "issues.json"]).exits(0).says("github:octocat");
    machine.run(&["extensions", "use", "issues"]).exits(2);
    machine.run(&["extensions", "use", "gone", "github:other"]).exits(5);
}

#[test]
fn for_programs_too_it_is_told_what_of_a_manifest_is_not_read_unless_there_is_an_error() {
    let machine = connected();
    let warning = "this program does not read this; it is kept";
    for (command, shape) in [(&["resolve"][..], "resolved"), (&["extensions", "add"], "extension")] {
        let ran = machine.run(&[command, &["foreign.json", "--json", "--verbose"]].concat()).exits(0).warns(warning);
        check(&ran.json(), shape);
        // Without `--verbose`, the notes are one line.
        let ran = machine.run(&[command, &["foreign.json", "--json"]].concat()).exits(0).warns("--verbose lists them");
        assert_eq!(ran.err.lines().count(), 1, "{}", ran.err);
    }
    machine.write("data/key/root.key", b"no key");
    machine.run(&["resolve", "foreign.json"]).warns("--verbose lists them").warns("error: ");
    // A program that reads errors as JSON reads a single object.
    assert!(machine.run(&["resolve", "foreign.json", "--json"]).error()["error"]["code"].is_string());
}

#[test]
fn a_manifest_is_taken_from_a_file_or_from_standard_input_and_what_is_not_read_is_told() {
    let machine = machine();
    let ran = machine.run(&["resolve", "foreign.json", "--verbose"]).exits(0);
    let ran = ran.warns("this program does not read this; it is kept");
    assert!(!ran.out.contains("does not read this"), "{}", ran.out);
    let text = String::from_utf8(ISSUES.to_vec()).unwrap();
    machine.feed(&["extensions", "add", "-"], &text).exits(0).says("issues");
    machine.run(&["extensions"]).exits(0).says("issues");
    let wrong = text.replace("\"personalAccessToken\"", "\"none\"");
    machine.write("wrong.json", wrong.as_bytes());
    for command in [&["resolve"][..], &["extensions", "add"]] {
        let refused = machine.run(&[command, &["wrong.json"]].concat()).exits(2);
        refused.warns("wrong.json: extension 'issues', connection 'default', field '/connection/auth/secretNames'");
        machine.feed(&[command, &["-"]].concat(), "{").exits(2).warns("not JSON");
        machine.run(&[command, &["gone.json"]].concat()).exits(2).warns("gone.json cannot be read");
    }
    // A secret in a manifest is refused and not repeated. Each run searches its output for secrets.
    let secret = text.replace("\"id\": \"default\",", &format!("\"id\": \"default\", \"accessToken\": \"{TOKEN}\","));
    machine.write("secret.json", secret.as_bytes());
    machine.run(&["extensions", "add", "secret.json"]).exits(2).warns("a manifest must not contain a secret");
}

/// A host other than the command makes extension handles itself, and adds no manifest.
#[test]
fn grants_of_unadded_extensions_are_listed_and_revoked() {
    let machine = connected();
    let id = machine.run(&["list", "--json"]).exits(0).json()[0]["id"].as_str().unwrap().to_owned();
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    runtime.block_on(async {
        let builder = ConnectionRegistry::builder()
            .store(machine.address())
            .key(KeyFile::at(machine.data().join("key/root.key")))
            .state_directory(machine.state_directory())
            .kind(GitHub);
        let registry = builder.open().await.unwrap();
        let token = SecretName::parse("accessToken".to_owned()).unwrap();
        registry.extensions().grant("an agent", id.parse().unwrap(), &[token]).await.unwrap();
        registry.close().await;
    });
    let list = machine.run(&["extensions"]).exits(0).says("was not added").out;
    let row = list.lines().find(|line| line.starts_with("an agent")).unwrap();
    assert!(row.contains("unknown") && row.contains("github:octocat (accessToken)"), "{list}");
    let list = machine.run(&["extensions", "--json"]).exits(0).json();
    let other = &list[0];
    let added = &list[1];
    check(added, "extension");
    check(other, "extension");
    assert_eq!(
        (&added["name"], &added["error"], &added["provider"]),
        (&"issues".into(), &Value::Null, &"github".into())
    );
    assert_eq!((&other["name"], &other["error"]["code"]), (&"an agent".into(), &"unknown_extension".into()));
    assert_eq!((&other["status"], &other["provider"], &other["addedAt"]), (&Value::Null, &Value::Null, &Value::Null));
    assert_eq!(other["grants"][0]["connection"], *id);
    // The remedy works as it is written.
    let remedy = other["error"]["remedy"].as_str().unwrap();
    assert!(remedy.contains("`connections extensions revoke 'an agent'`"), "{remedy}");
    machine.run(&["extensions", "revoke", "an agent"]).exits(0).says("may no longer use github:octocat");
    assert_eq!(machine.run(&["extensions", "--json"]).exits(0).json().as_array().unwrap().len(), 1);
}

/// The commands of a remedy work as they are written.
#[test]
fn an_unknown_extension_is_added_first() {
    let machine = machine();
    let lines = |first: &str, then: &str| {
        format!(
            "fix with      connections {first}\nthen          connections \
                                                   {then}\n"
        )
    };
    let first = lines("extensions add issues.json", "open-settings issues");
    machine.run(&["resolve", "issues.json"]).exits(0).says(&first);
    machine.run(&["extensions", "add", "issues.json"]).exits(0).says("fix with      connections open-settings issues");
    let added =
        machine.run(&["resolve", "issues.json"]).exits(0).says("fix with      connections open-settings issues");
    assert!(!added.out.contains("extensions add"), "{}", added.out);
    // Another declaration has this name.
    let other = String::from_utf8(ISSUES.to_vec()).unwrap().replace("\"GitHub\"", "\"Git Hub\"");
    machine.write("an other.json", other.as_bytes());
    let again = lines("extensions add 'an other.json'", "open-settings issues");
    machine.run(&["resolve", "an other.json"]).exits(0).says(&again);
    machine.run(&["open-settings", "issues", "--from-env", "accessToken=GITHUB"]).exits(0);
    let grant = lines("extensions add release-notes.json", "extensions grant release-notes github:octocat");
    machine.run(&["resolve", "release-notes.json"]).exits(0).says(&grant);
    machine.run(&["extensions", "add", "release-notes.json"]).exits(0);
    machine.run(&["extensions", "grant", "release-notes", "github:octocat"]).exits(0);
    let ready = machine.run(&["resolve", "release-notes.json"]).exits(0);
    assert!(!ready.out.contains("fix with"), "{}", ready.out);
}

#[test]
fn extensions_are_of_one_owner() {
    let machine = connected();
    machine.run(&["--owner", "bob", "extensions"]).exits(0).says("No extension was added");
    machine.run(&["--owner", "bob", "exec", "issues", "--", "/bin/sh", "-c", "exit 0"]).exits(5);
    let resolved = machine.run(&["--owner", "bob", "resolve", "issues.json", "--json"]).exits(0).json();
    assert_eq!(resolved["status"], "missing");
}

/// The manifests have the form that hosts with their own settings, views and tools write.
#[test]
fn manifests_that_were_written_for_another_host_are_served_by_the_shipped_kinds() {
    let machine = machine();
    let texts = |en: &str| serde_json::json!({ "en_US": en, "zh_Hans": en });
    let token = serde_json::json!({ "type": "apiKey", "secretNames": ["accessToken"] });
    let pages = serde_json::json!({
        "name": "pages", "title": texts("Pages"), "icon": "icon.svg", "capabilities": ["navigation", "surface"],
        "aiCapability": { "id": "pages", "connectionId": "default", "toolNames": ["find", "append"] },
        "commands": [{
            "name": "capture", "title": texts("Capture"), "mode": "view", "keywords": ["note"], "runtime": {},
            "arguments": [{ "name": "text", "type": "text", "title": texts("Text"), "required": false }],
            "preferences": [{ "name": "heading", "type": "text", "title": texts("Heading"), "default": "Inbox" }],
        }],
        "connection": {
            "id": "default", "provider": "Notion", "title": texts("Notion"), "auth": token,
            "connectGuide": "Share pages with the integration.", "publicPreferenceNames": ["workspace"],
        },
        "preferences": [{ "name": "workspace", "type": "text", "title": texts("Workspace"), "required": false }],
        "supportedPlatforms": ["darwin", "linux", "win32"],
    });
    machine.write("pages.json", pages.to_string().as_bytes());
    let added = machine.run(&["extensions", "add", "pages.json"]).exits(0).says("missing");
    assert_eq!(added.err.lines().count(), 1, "{}", added.err);
    let ran = machine.run(&["resolve", "pages.json", "--verbose"]).exits(0);
    assert!(!ran.err.contains("this form of input"), "{}", ran.err);
    machine.run(&["open-settings", "pages", "--from-env", "apiKey=NOTION"]).exits(0).says("connected").says("yes");
    let token = machine.run(&[
        "exec",
        "pages",
        "--command",
        "capture",
        "--",
        "/bin/sh",
        "-c",
        "test \"$ACCESS_TOKEN\" = \"$NOTION\"",
    ]);
    token.exits(0);
    // If the manifest and the kind have one secret each, it is the same secret, whatever the names.
    let stars = serde_json::json!({ "name": "stars", "connection": {
        "id": "default", "provider": "github", "title": "GitHub",
        "auth": { "type": "apiKey", "secretNames": ["apiKey"] },
    } });
    machine.write("stars.json", stars.to_string().as_bytes());
    machine.run(&["extensions", "add", "stars.json"]).exits(0);
    machine.run(&["open-settings", "stars", "--from-env", "accessToken=GITHUB"]).exits(0).says("connected");
    machine.run(&["exec", "stars", "--", "/bin/sh", "-c", "test \"$API_KEY\" = \"$GITHUB\""]).exits(0);
}

#[test]
fn scopes_that_the_connection_lacks_are_a_note_with_its_remedy_and_stop_nothing() {
    let machine = connected();
    machine.run(&["extensions", "add", "foreign.json"]).exits(0);
    machine.run(&["extensions", "grant", "repositories", "github:octocat"]).exits(0);
    let quiet = |arguments: &[&str]| assert!(!machine.run(arguments).exits(0).out.contains("scopes"), "{arguments:?}");
    [&["resolve", "foreign.json"][..], &["extensions"], &["list"]].into_iter().for_each(quiet);
    let more = String::from_utf8(FOREIGN.to_vec()).unwrap();
    let more = more.replace(r#"["repo", "read:user"]"#, r#"["repo", "notifications"]"#);
    machine.write("foreign.json", more.as_bytes());
    let again = "connections reauthorize github:octocat";
    let added = machine.run(&["extensions", "add", "foreign.json"]).exits(0).says("connected").says(again);
    added.says("lacks scopes").says("notifications");
    assert_eq!(status(&machine, "foreign.json")["missingScopes"], serde_json::json!(["notifications"]));
    machine.run(&["extensions"]).exits(0).says("lacks the scopes notifications: connections reauthorize");
    machine.run(&["list"]).exits(0).says("lacks the scopes notifications that repositories needs").says(again);
    exec(&machine, "repositories").exits(0);
}
