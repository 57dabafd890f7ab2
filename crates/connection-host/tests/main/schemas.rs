//! What the program prints of extensions fits the schemas that are published for hosts in other languages.

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
    let (schema, machine) = (schema(RESOLVED), connected());
    let mut seen = Vec::new();
    for file in ["issues.json", "release-notes.json", "quick-capture.json", "reminders.json", "foreign.json"] {
        let resolved = machine.run(&["resolve", file, "--json"]).exits(0).json();
        check(&schema, &resolved);
        seen.push(resolved["status"].as_str().expect("a word").to_owned());
    }
    seen.sort();
    seen.dedup();
    assert!(seen.len() >= 2, "{seen:?}");
    // The control: with a secret in it, it is none.
    let mut resolved = machine.run(&["resolve", "issues.json", "--json"]).exits(0).json();
    resolved["secrets"] = "canary".into();
    assert!(!schema.is_valid(&resolved));
}

#[test]
fn an_error_is_as_its_schema_says() {
    let (schema, machine) = (schema(ERROR), machine());
    machine.write("broken.json", b"{");
    for (arguments, exit) in [
        (["exec", "--json", "nobody", "--", "true"].as_slice(), 5),
        (&["resolve", "broken.json", "--json"], 2),
        (&["resolve", "gone.json", "--json"], 2),
        (&["show", "github", "--json"], 5),
    ] {
        check(&schema, &machine.run(arguments).exits(exit).error());
    }
}
