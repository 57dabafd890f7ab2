//! Files of extensions: accepted files, refused files with their messages, and members that are kept.

#![expect(clippy::unwrap_used, reason = "what fails here fails the test")]

mod bytes;
mod canary;
mod cases;
mod declared;
mod declared_api;
mod examples;
mod foreign;
mod kind_accounts;
mod kind_answers;
mod kind_bad_input;
mod kind_catalogue;
mod kind_conformance;
mod kind_guide;
mod kind_helpers;
mod kind_hosts;
mod kind_lifetimes;
mod kind_logins;
mod kind_own_name;
mod kind_problems;
mod kind_removal;
mod kind_rendering;
mod kind_revocation;
mod kind_rules;
mod kind_seats;
mod kind_signature;
mod kind_terms;
mod nango;
mod refusals;
mod round_trip;
mod schema;

use std::{fs, path::PathBuf};

use connection_manifest::ExtensionFile;
use serde_json::{Value, json};

/// Returns the path of a file in the repository.
fn repository(path: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../..").join(path)
}

/// Compares a text with the file in `tests/snapshots`, or writes the file if a person asks for it.
#[track_caller]
fn snapshot(name: &str, text: &str) {
    let file = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/snapshots").join(name);
    #[expect(clippy::disallowed_methods, reason = "a person asks for the file to be written")]
    let write = std::env::var_os("CONNECTIONS_TEST_WRITE_SNAPSHOTS").is_some();
    if write {
        fs::write(&file, text).unwrap();
    }
    assert_eq!(fs::read_to_string(&file).unwrap(), text, "set CONNECTIONS_TEST_WRITE_SNAPSHOTS to write it anew");
}

/// Returns every example manifest: its name and its text.
fn examples() -> Vec<(String, String)> {
    let mut examples = Vec::new();
    for entry in fs::read_dir(repository("docs/examples/extensions")).unwrap() {
        let path = entry.unwrap().path();
        examples.push((path.file_name().unwrap().to_string_lossy().into_owned(), fs::read_to_string(&path).unwrap()));
    }
    examples.sort();
    assert!(examples.len() >= 5, "{}", examples.len());
    examples
}

/// Returns a manifest with one of everything.
fn manifest() -> Value {
    json!({
        "name": "issues",
        "platforms": ["darwin", "linux"],
        "preferences": [
            { "name": "apiBaseUrl", "type": "textfield" },
            { "name": "open", "type": "dropdown", "data": [{ "title": "Browser", "value": "browser" }] },
        ],
        "commands": [{ "name": "search", "preferences": [{ "name": "mine", "type": "checkbox" }] }],
        "connection": {
            "id": "default",
            "provider": "acme",
            "title": "Acme",
            "auth": { "type": "personalAccessToken", "secretNames": ["accessToken"] },
            "publicPreferenceNames": ["apiBaseUrl"],
            "connectGuide": "Ask an owner.",
        },
    })
}

/// Returns the members for OAuth, with a redirect.
fn oauth(redirect: &Value) -> Value {
    json!({
        "type": "oauth",
        "authorizationUrl": "https://id.acme.example/authorize",
        "tokenUrl": "https://id.acme.example/token",
        "clientId": "client",
        "scopes": ["read"],
        "redirect": redirect,
        "secretNames": ["accessToken"],
    })
}

/// Returns the manifest with another value at a pointer; a missing member is added.
fn with(pointer: &str, value: Value) -> Value {
    set(manifest(), pointer, value)
}

/// Returns the manifest for OAuth with another value at a pointer below `auth`.
fn with_oauth(pointer: &str, value: Value) -> Value {
    let redirect = json!({ "type": "web", "redirectUrl": "https://acme.example/back" });
    set(with("/connection/auth", oauth(&redirect)), &format!("/connection/auth{pointer}"), value)
}

fn set(mut document: Value, pointer: &str, value: Value) -> Value {
    let (parent, name) = pointer.rsplit_once('/').unwrap();
    match document.pointer_mut(parent).unwrap() {
        Value::Object(members) => drop(members.insert(name.to_owned(), value)),
        Value::Array(items) if name == "-" => items.push(value),
        Value::Array(items) => items[name.parse::<usize>().unwrap()] = value,
        _ => panic!("{pointer} is in nothing"),
    }
    document
}

/// Returns a document without a member.
fn without(mut document: Value, pointer: &str) -> Value {
    let (parent, name) = pointer.rsplit_once('/').unwrap();
    document.pointer_mut(parent).unwrap().as_object_mut().unwrap().remove(name).unwrap();
    document
}

#[track_caller]
fn parse(document: &Value) -> ExtensionFile {
    ExtensionFile::parse(document.to_string().as_bytes()).unwrap()
}

/// Returns pointers to every value of a document, the deeper ones first.
fn places(document: &Value) -> Vec<String> {
    fn walk(at: &str, value: &Value, found: &mut Vec<String>) {
        let children: Vec<(String, &Value)> = match value {
            Value::Object(members) => members.iter().map(|(name, value)| (name.clone(), value)).collect(),
            Value::Array(items) => items.iter().enumerate().map(|(at, value)| (at.to_string(), value)).collect(),
            _ => Vec::new(),
        };
        for (name, value) in children {
            let at = format!("{at}/{name}");
            walk(&at, value, found);
            found.push(at);
        }
    }
    let mut found = Vec::new();
    walk("", document, &mut found);
    found
}
