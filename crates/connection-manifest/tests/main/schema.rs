//! The published schemas accept the same manifests as the parser, as far as a schema can, and describe the shapes of a
//! host's answers.

use std::{collections::BTreeSet, fs};

use connection_manifest::ExtensionFile;
use jsonschema::Validator;
use proptest::prelude::*;
use serde_json::{Value, json};

use crate::{cases, examples, manifest, oauth, places, repository, with};

fn validator(name: &str) -> Validator {
    let schema: Value = serde_json::from_slice(&fs::read(repository("docs/spec").join(name)).unwrap()).unwrap();
    assert_eq!(schema["$schema"], "https://json-schema.org/draft/2020-12/schema");
    jsonschema::meta::validate(&schema).unwrap();
    jsonschema::options().with_draft(jsonschema::Draft::Draft202012).build(&schema).unwrap()
}

#[test]
fn every_example_fits_the_schema() {
    let schema = validator("extension.schema.json");
    for (name, text) in examples() {
        let document = serde_json::from_str(&text).unwrap();
        assert!(schema.is_valid(&document), "{name}: {:?}", schema.iter_errors(&document).next());
    }
    assert!(schema.is_valid(&manifest()));
}

#[test]
fn what_is_refused_for_its_shape_does_not_fit_the_schema() {
    let schema = validator("extension.schema.json");
    for case in cases::all() {
        let refuses = !schema.is_valid(&case.document);
        assert_eq!(refuses, case.says == cases::Says::Schema, "{}", case.what);
    }
}

/// The schema has the names as they are spelled; only the parser finds other letters and separators.
#[test]
fn the_names_that_a_manifest_may_not_hold_are_those_of_the_page_for_the_schema_and_for_the_parser() {
    let page = fs::read_to_string(repository("docs/spec/requirements.md")).unwrap();
    let names = |from: &str, to: &str| -> BTreeSet<String> {
        let (_, rest) = page.split_once(from).unwrap();
        rest.split_once(to).unwrap().0.split('`').skip(1).step_by(2).map(str::to_owned).collect()
    };
    let below = names("there is no member called", ", in whatever case");
    let beside = names("beside it there is no", ".\n");
    let text = fs::read(repository("docs/spec/extension.schema.json")).unwrap();
    let text: Value = serde_json::from_slice(&text).unwrap();
    let schema = validator("extension.schema.json");
    for (place, names, at) in [("/connection/", below, "/$defs/namesOnly"), ("/", beside, "")] {
        let said = text.pointer(&format!("{at}/propertyNames/not/enum")).unwrap();
        let said: BTreeSet<String> = serde_json::from_value(said.clone()).unwrap();
        assert_eq!(said, names, "{place}");
        for name in names {
            let document = with(&format!("{place}{name}"), json!(true));
            assert!(!schema.is_valid(&document), "{place}{name}");
            assert!(ExtensionFile::parse(document.to_string().as_bytes()).is_err(), "{place}{name}");
        }
    }
}

#[test]
fn a_resolved_connection_has_its_schema() {
    let schema = validator("resolved-connection.schema.json");
    let resolved = json!({
        "connectionId": "default",
        "extensionName": "issues",
        "provider": "acme",
        "publicConfig": { "apiBaseUrl": "https://api.acme.example" },
        "missingSecretNames": ["accessToken"],
        "status": "missing",
    });
    let error = |error: Value| crate::set(resolved.clone(), "/error", error);
    check(
        &schema,
        &[
            (resolved.clone(), true),
            (error(json!({ "code": "refused", "message": "no" })), true),
            (error(json!({ "code": "refused", "message": "no", "remedy": "connect again" })), true),
            (error(json!({ "code": "refused" })), false),
            (error(json!("refused")), false),
            (crate::set(resolved.clone(), "/status", json!("unsupported")), true),
            (crate::set(resolved.clone(), "/status", json!("live")), false),
            // A connected requirement has no missing secrets.
            (crate::set(resolved.clone(), "/status", json!("connected")), false),
            // R-JINGLE-032: a public answer has no such member at all.
            (crate::set(resolved.clone(), "/secrets", json!({})), false),
            (crate::without(resolved.clone(), "/publicConfig"), false),
        ],
    );
}

#[test]
fn an_error_has_its_schema() {
    let error = |content: Value| json!({ "error": content });
    check(
        &validator("error.schema.json"),
        &[
            (error(json!({ "code": "not_found", "message": "there is no such connection", "remedy": null })), true),
            (error(json!({ "code": "ambiguous", "message": "it may be any of two", "remedy": "name one" })), true),
            (error(json!({ "code": "x", "message": "x", "remedy": null, "providerText": "No such user" })), true),
            (error(json!({ "code": "not_found", "message": "there is no such connection" })), false),
            (error(json!({ "code": "", "message": "there is no such connection", "remedy": null })), false),
            (json!({ "code": "not_found", "message": "there is no such connection", "remedy": null }), false),
        ],
    );
}

/// The page of words is compared with the output of the command, so the schema is compared with that page.
#[test]
fn the_schema_of_an_error_has_the_members_that_the_page_of_words_has() {
    let words = fs::read_to_string(repository("docs/spec/words.md")).unwrap();
    let row = words.lines().find(|line| line.starts_with("| `error` |")).unwrap();
    let members: Vec<_> = row.rsplit_once(" | `").unwrap().1.trim_end_matches("` |").split("` `").collect();
    let schema: Value = serde_json::from_slice(&fs::read(repository("docs/spec/error.schema.json")).unwrap()).unwrap();
    let error = &schema["properties"]["error"];
    // The words of a provider are there only if it said some.
    let (optional, required) = members.split_last().unwrap();
    assert_eq!((*optional, &error["required"]), ("providerText", &json!(required)));
    assert_eq!(members.len(), error["properties"].as_object().unwrap().len());
}

#[track_caller]
fn check(schema: &Validator, cases: &[(Value, bool)]) {
    for (value, fits) in cases {
        assert_eq!(schema.is_valid(value), *fits, "{value}");
    }
}

/// Generates a small value, often of the right type.
fn some() -> impl Strategy<Value = Value> {
    prop_oneof![
        Just(json!(null)),
        Just(json!(true)),
        Just(json!(1)),
        Just(json!("")),
        Just(json!(" ")),
        Just(json!([])),
        Just(json!({})),
        Just(json!(["linux"])),
        Just(json!({ "type": "none" })),
        Just(json!({ "type": "app-uri", "uriScheme": "app", "callbackPath": "/" })),
        Just(json!({ "method": "loopback" })),
        Just(json!({ "en_US": "", "zh_Hans": "标题" })),
        Just(json!([{ "name": "a" }, { "name": "b", "type": "file", "data": 7 }])),
        "[a-z]{1,4}".prop_map(Value::from),
        prop::sample::select(vec!["none", "apiKey", "oauth", "checkbox", "dropdown", "password", "web", "loopback"])
            .prop_map(Value::from),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1_000, failure_persistence: None, ..ProptestConfig::default() })]

    /// A host that checks with the schema first refuses no manifest that the parser accepts.
    #[test]
    fn what_is_taken_fits_the_schema(
        token in any::<bool>(),
        changes in prop::collection::vec((any::<prop::sample::Index>(), some()), 1..4),
    ) {
        thread_local!(static SCHEMA: Validator = validator("extension.schema.json"));
        let redirect = json!({ "type": "app-scheme", "scheme": "app", "callbackPath": "/back" });
        let mut document = if token { manifest() } else { with("/connection/auth", oauth(&redirect)) };
        for (place, value) in changes {
            let found = places(&document);
            let Some(pointer) = (!found.is_empty()).then(|| place.get(&found)) else { continue };
            document = crate::set(document, pointer, value);
        }
        if ExtensionFile::parse(document.to_string().as_bytes()).is_ok() {
            prop_assert!(SCHEMA.with(|schema| schema.is_valid(&document)), "{}", document);
        }
    }
}
