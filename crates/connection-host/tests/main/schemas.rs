//! The output about extensions matches the schemas that are published for hosts in other languages.

use jsonschema::{Draft, Validator};
use serde_json::Value;

use crate::extensions::{connected, machine};

const RESOLVED: &str = include_str!("../../../../docs/spec/resolved-connection.schema.json");
const ERROR: &str = include_str!("../../../../docs/spec/error.schema.json");

fn schema(text: &str) -> Validator {
    let schema: Value = serde_json::from_str(text).expect("the schema is JSON");
    jsonschema::options().with_draft(Draft::Draft202012).build(&schema).expect("it is a schema")
}

#[track_caller]
fn check(schema: &Validator, value: &Value) {
    let wrong: Vec<String> = schema.iter_errors(value).map(|error| error.to_string()).collect();
    assert!(wrong.is_empty(), "{wrong:?} in {value}");
}

#[test]
fn a_resolved_connection_is_as_its_schema_says_whatever_its_status() {
    let schema = schema(RESOLVED);
    let machine = connected();
    let mut seen = Vec::new();
    for file in ["issues.json", "release-notes.json", "quick-capture.json", "reminders.json", "foreign.json"] {
        let resolved = machine.run(&["resolve", file, "--json"]).exits(0).json();
        check(&schema, &resolved);
        seen.push(resolved["status"].as_str().expect("a word").to_owned());
    }
    seen.sort();
    seen.dedup();
    assert!(seen.len() >= 2, "{seen:?}");
    // The control: an object that contains a secret does not match.
    let mut resolved = machine.run(&["resolve", "issues.json", "--json"]).exits(0).json();
    resolved["secrets"] = "canary".into();
    assert!(!schema.is_valid(&resolved));
}

#[test]
fn an_error_is_as_its_schema_says() {
    let schema = schema(ERROR);
    let machine = machine();
    machine.write("broken.json", b"{");
    machine.run(&["extensions", "add", "issues.json"]).exits(0);
    for (arguments, exit, error) in [
        (
            ["exec", "--json", "nobody", "--", "true"].as_slice(),
            5,
            r#"{"error":{"code":"unknown_extension","message":"unknown extension 'nobody'","remedy":"see `connections extensions`, or add it with `connections extensions add FILE`"}}"#,
        ),
        (
            &["exec", "--json", "issues", "--", "true"],
            5,
            r#"{"error":{"code":"connection_missing","message":"'issues' has no working connection to 'github': Create a GitHub personal access token and save it in Settings.","remedy":"connect it with `connections open-settings issues`"}}"#,
        ),
        (
            &["resolve", "broken.json", "--json"],
            2,
            r#"{"error":{"code":"invalid_manifest","message":"broken.json: line 1, column 1 is not JSON (RFC 8259), which has no comments and no comma after the last member; correct it","remedy":null}}"#,
        ),
        (
            &["resolve", "gone.json", "--json"],
            2,
            r#"{"error":{"code":"input_unreadable","message":"the manifest: gone.json cannot be read: No such file or directory (os error 2)","remedy":null}}"#,
        ),
        (
            &["show", "github", "--json"],
            5,
            r#"{"error":{"code":"not_found","message":"no connection named 'github'","remedy":"connect one with `connections add github`, or see `connections list`"}}"#,
        ),
    ] {
        let output = machine.run(arguments).exits(exit).error();
        check(&schema, &output);
        assert_eq!(output.to_string(), error);
    }
}
