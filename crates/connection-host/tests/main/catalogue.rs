//! Kinds of the catalogue: they are found by name, connected like any other kind, and known again by later commands.

use connection_contract::{ConnectionDefinition as _, Field, Guide, Prompt};
use connection_core::SetupStep;
use connection_manifest::Catalogue;
use serde_json::json;

use crate::{
    program::{Machine, Ran, check},
    provider::{NOTION_KEY, TOKEN},
    serve::{Serving, machine as machine_of_server},
};

const LINEAR: &str = "https://api.linear.app";

/// The example of the guide.
const ACME: &str = include_str!("../../../connection-manifest/examples/acme.toml");

fn machine() -> Machine {
    let machine = Machine::new();
    machine.configure(&format!("[http.endpoints]\n\"{LINEAR}\" = \"{}\"\n", machine.provider.origin));
    machine.provider.tell(200, "", r#"{"data":{"viewer":{"id":"u-1","name":"Ada","email":"ada@acme.example"}}}"#);
    machine
}

fn add(machine: &Machine) {
    let key = machine.write("key", NOTION_KEY.as_bytes());
    let field = format!("apiKey=@{key}");
    let added = machine.run(&["add", "linear", "--field", &field, "--json"]).exits(0).json();
    assert_eq!((&added["kind"], &added["account"]["id"]), (&json!("linear"), &json!("u-1")));
    assert_eq!((&added["label"], &added["liveness"]), (&json!("Ada"), &json!("live")));
}

#[test]
fn a_kind_of_the_catalogue_is_connected_and_used_by_name() {
    let machine = machine();
    add(&machine);
    let request = machine.provider.seen().pop().unwrap();
    assert_eq!((request.method.as_str(), request.path.as_str()), ("POST", "/graphql"));
    // These commands do not name the kind: they learn of it from the database.
    let listed = machine.run(&["list", "--json"]).exits(0).json();
    assert_eq!(listed[0]["kind"], "linear");
    assert_eq!(machine.run(&["verify", "--all", "--json"]).exits(0).json()[0]["liveness"], "live");
    let id = listed[0]["id"].as_str().unwrap();
    machine.run(&["send", id, "GET", "/graphql"]).exits(0).says("ada@acme.example");
    machine.run(&["remove", id, "--yes"]).exits(0);
    assert_eq!(machine.run(&["list", "--json"]).exits(0).json(), json!([]));
}

#[test]
fn tables_of_tools_take_the_kinds_of_the_catalogue_and_no_unknown_one() {
    let machine = machine_of_server();
    machine.configure("[usage]\ncache_ttl.anthropic = 300\n");
    machine.run(&["list", "--json"]).exits(0);
    drop(Serving::start(&machine));
    machine.configure("[usage]\ncache_ttl.anthropik = 300\n");
    for command in [&["list"] as &[&str], &["serve"]] {
        let refused = machine.run(command).exits(2);
        refused.warns("usage.cache_ttl.anthropik: unknown kind 'anthropik'").warns("`connections kinds --all` lists more");
    }
}

#[test]
fn every_kind_with_a_secret_names_the_page_on_which_a_person_deletes_its_credential() {
    let machine = Machine::new();
    let kinds = machine.run(&["kinds", "--all", "--json"]).exits(0).json();
    let kinds = kinds.as_array().unwrap();
    assert!(kinds.len() > 120, "{}", kinds.len());
    let (with, without): (Vec<_>, Vec<_>) = kinds.iter().partition(|kind| kind["credentialPage"].is_string());
    let names: Vec<_> = without.iter().map(|kind| &kind["kind"]).collect();
    // Each MCP server has its own page, which it does not name.
    assert_eq!(names, ["filesystem", "mcp"]);
    for kind in with {
        assert!(kind["credentialPage"].as_str().unwrap().starts_with("https://"), "{kind}");
    }
}

/// Nothing of the provider is connected, and the manifest names its secret as the kind does, or in its own way.
#[test]
fn what_an_extension_needs_is_found_in_the_catalogue_by_every_command() {
    let machine = machine();
    for (name, provider, secret) in [("search", "linear", "apiKey"), ("ask", "anthropic", "anthropicApiKey")] {
        let manifest = json!({ "name": name, "connection": {
            "id": "default", "provider": provider, "title": "The provider",
            "auth": { "type": "apiKey", "secretNames": [secret] },
        }});
        let file = machine.write(&format!("{name}.json"), manifest.to_string().as_bytes());
        machine.run(&["extensions", "add", &file]).exits(0);
        let settings = format!("connections open-settings {name}");
        let refused = machine.run(&["exec", name, "--", "true"]).exits(5).warns(&settings);
        assert!(!refused.err.contains("has no kind"), "{}", refused.err);
        machine.run(&["resolve", &file]).exits(0).says(&settings);
        let resolved = machine.run(&["resolve", &file, "--json"]).exits(0).json();
        assert_eq!((&resolved["status"], &resolved["error"]), (&json!("missing"), &json!(null)));
        assert_eq!(machine.run(&["open-settings", name, "--json"]).exits(0).json()["required"]["action"], "connect");
    }
    // The control: after the connection, the program runs.
    add(&machine);
    machine.run(&["extensions", "grant", "search", "linear"]).exits(0);
    machine.run(&["exec", "search", "--", "true"]).exits(0);
}

#[test]
fn a_credential_that_the_provider_refuses_is_not_connected() {
    let machine = machine();
    let refusal = r#"{"errors":[{"extensions":{"type":"authentication error"}}]}"#;
    machine.provider.tell(400, "", refusal);
    let key = machine.write("key", NOTION_KEY.as_bytes());
    machine.run(&["add", "linear", "--field", &format!("apiKey=@{key}")]).exits(3);
    assert_eq!(machine.run(&["list", "--json"]).exits(0).json(), json!([]));
}

#[test]
fn the_catalogue_is_listed_on_demand_and_searched_for_a_typo() {
    let machine = Machine::new();
    let all = machine.run(&["kinds", "--all", "--json"]).exits(0).json();
    let names: Vec<_> = all.as_array().unwrap().iter().map(|kind| kind["kind"].as_str().unwrap().to_owned()).collect();
    assert!(names.len() > 100 && names.is_sorted(), "{names:?}");
    for name in ["github", "linear", "slack", "telegram"] {
        assert!(names.iter().any(|known| known == name), "{name}");
    }
    check(&machine.run(&["kinds", "show", "linear", "--json"]).exits(0).json(), "kind");
    machine.run(&["kinds", "show", "lineer"]).exits(5).warns("Did you mean 'linear'?");
}

#[test]
fn a_kind_is_found_whatever_the_letter_case_and_the_separators_of_its_name() {
    let machine = Machine::new();
    for typed in ["Google_Drive", "GOOGLE.DRIVE", "google drive", "google-drive"] {
        machine.run(&["kinds", "show", typed]).exits(0).says("(google-drive)");
        machine.run(&["add", typed]).exits(2).warns("of 'google-drive'");
    }
    let key = machine.write("token", TOKEN.as_bytes());
    machine.run(&["add", "GitHub", "--field", &format!("accessToken=@{key}")]).exits(0).says("github:octocat");
    machine.run(&["list", "--kind", "GITHUB"]).exits(0).says("github:octocat");
    // A control: a name that is another one in every spelling is not found.
    machine.run(&["kinds", "show", "GoogleDrives_"]).exits(5).warns("unknown kind 'googledrives-'");
}

/// A person who signs in through an application that is registered already has no address to register.
#[test]
fn a_redirect_address_is_spoken_of_only_where_an_application_is_asked_for() {
    let asking = |fields: Vec<Field>| SetupStep::Prompt {
        prompt: Prompt::new("Connect"),
        fields,
        open: None,
        beside: Vec::new(),
    };
    let speaks = |part: &Guide| match part {
        Guide::Text(text) => ["redirect", "callback"].iter().any(|word| text.as_str().contains(word)),
        _ => false,
    };
    let mut speaking = 0;
    for id in Catalogue::ids() {
        let kind = Catalogue::kind(id).unwrap().unwrap_or_else(|problems| panic!("{problems}"));
        let descriptor = kind.definition().descriptor();
        if !descriptor.guide.iter().any(speaks) {
            continue;
        }
        speaking += 1;
        assert!(asking(descriptor.fields.clone()).guide(&descriptor).iter().any(speaks), "{id}");
        let others = descriptor.fields.iter().filter(|field| !["clientId", "clientSecret"].contains(&&*field.name));
        // An application of one connection is asked for in each setup, and so is its guide.
        let is_asked_for_each_time =
            descriptor.fields.iter().any(|field| field.name == "clientId" && field.kept.is_none());
        let is_told = asking(others.cloned().collect()).guide(&descriptor).iter().any(speaks);
        assert_eq!(is_told, is_asked_for_each_time, "{id}");
    }
    assert!(speaking > 30, "{speaking} guides speak of the redirect address");
}

/// The directory is beside the configuration file. A file that others can change, or that has a problem, is left out.
#[cfg(unix)]
#[test]
fn a_file_of_the_users_own_describes_a_kind() {
    use std::os::unix::fs::PermissionsExt as _;

    let machine = Machine::new();
    machine.configure(&format!("[http.endpoints]\n\"https://api.acme.example\" = \"{}\"\n", machine.provider.origin));
    machine.provider.tell(200, "", r#"{"id":7,"name":"Ada"}"#);
    machine.write("configuration/kinds/acme.toml", ACME.as_bytes());
    machine.write("configuration/kinds/broken.toml", b"format = 1\nid = \"broken\"\n");
    let key = machine.write("key", NOTION_KEY.as_bytes());
    let field = format!("apiKey=@{key}");
    let added = machine.run(&["add", "acme", "--field", &field]).exits(0).warns("broken.toml");
    assert!(added.err.contains("warning: "), "{}", added.err);
    let id = machine.run(&["list", "--json"]).exits(0).json()[0]["id"].as_str().unwrap().to_owned();
    machine.run(&["send", &id, "GET", "/me"]).exits(0).says("Ada");
    let request = machine.provider.seen().pop().unwrap();
    assert_eq!(request.headers["authorization"], format!("Bearer {NOTION_KEY}"));

    let file = machine.path("configuration/kinds/acme.toml");
    std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o666)).unwrap();
    machine.run(&["kinds", "show", "acme"]).exits(5).warns("acme.toml is not used: ");
}

#[test]
fn files_are_checked_with_every_problem_at_once() {
    let machine = Machine::new();
    let checked = machine.run(&["kinds", "check", "--json"]).exits(0).json();
    check(&checked, "checked");
    assert_eq!((&checked["refused"], &checked["sources"]), (&json!([]), &json!(null)));
    let with_sources = machine.run(&["kinds", "check", "--sources", "--json"]).exits(0).json();
    assert_eq!(with_sources["sources"].as_object().unwrap().len(), checked["ok"].as_u64().unwrap() as usize);

    let file = machine.write("acme.toml", b"format = 1\nid = \"acme\"\nnmae = \"Acme\"\nmechanism = \"api_key\"\n");
    let refused = machine.run(&["kinds", "check", &file, "--json"]).exits(2).json();
    check(&refused, "checked");
    check(&refused["refused"][0], "refused");
    assert_eq!((&refused["checked"], &refused["ok"]), (&json!(1), &json!(0)));
    let reasons = refused["refused"][0]["reasons"].as_array().unwrap();
    assert!(reasons.len() > 1, "{reasons:?}");
    machine
        .run(&["kinds", "check", &file])
        .exits(2)
        .says("acme.toml:3: nmae: this key is unknown; did you mean `name`?");
    machine.run(&["kinds", "check", "missing.toml"]).exits(5);
    let schema = machine.run(&["kinds", "schema"]).exits(0).json();
    assert_eq!(
        schema,
        serde_json::from_str::<serde_json::Value>(include_str!("../../../../docs/spec/kind.schema.json")).unwrap()
    );
}

/// The arguments after `--` belong to another program, so they need not be text and name no kind.
#[cfg(unix)]
#[test]
fn arguments_that_are_no_text_are_passed_over() {
    use std::os::unix::ffi::OsStrExt as _;

    let machine = Machine::new();
    let mut command = machine.command();
    command.args(["exec", "nobody", "--", "true"]).arg(std::ffi::OsStr::from_bytes(b"\xff"));
    Ran::of(&["exec"], command.output().unwrap()).exits(5).warns("nobody");
}
