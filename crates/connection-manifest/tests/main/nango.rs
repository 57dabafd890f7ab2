//! Conversion of a file in the documented format of Nango's `providers.yaml`. The file of the tests describes fictional
//! providers.

use std::fmt::Write as _;

use connection_manifest::{KindSet, NangoEntry, NangoImport, NangoOutcome};
use proptest::prelude::*;

use crate::snapshot;

const PROVIDERS: &str = include_str!("../providers.yaml");

fn read(text: &str) -> NangoImport {
    NangoImport::read("providers.yaml", text.as_bytes()).unwrap_or_else(|problem| panic!("{problem}"))
}

/// Asserts that each converted file passes every check, together with those that it extends.
#[track_caller]
fn check(import: &NangoImport) {
    let mut set = KindSet::new();
    let mut count = 0;
    for NangoEntry { id, outcome, .. } in &import.entries {
        if let NangoOutcome::Converted { text, .. } = outcome {
            set = set.file(format!("{id}.toml"), text);
            count += 1;
        }
    }
    let (kinds, problems) = set.read();
    assert!(problems.is_empty(), "{problems:?}");
    assert_eq!(kinds.len(), count);
    for kind in kinds {
        kind.definition().rendering().unwrap_or_else(|failure| panic!("{}: {failure}", kind.id()));
    }
}

#[test]
fn every_mode_and_every_quirk_is_converted_lost_or_refused() {
    let import = read(PROVIDERS);
    check(&import);
    let mut text = String::new();
    for NangoEntry { name, id, outcome, .. } in &import.entries {
        match outcome {
            NangoOutcome::Converted { text: file, lost, .. } => {
                writeln!(text, "# {name} is {id}.toml; lost: {lost:?}\n{file}").unwrap();
            }
            NangoOutcome::Refused { reasons } => {
                writeln!(text, "# {name} is refused: {}\n", reasons.join("; ")).unwrap()
            }
        }
    }
    snapshot("nango.out", &text);
}

#[test]
fn the_documentation_of_the_provider_is_the_page_on_which_a_person_deletes_the_credential() {
    let entry = |mode: &str, docs: &str| {
        let proxy = "proxy: {base_url: https://api.acme.com, headers: {x-key: \"${apiKey}\"}}";
        format!("acme: {{display_name: Acme, auth_mode: {mode}, {docs}, {proxy}}}")
    };
    let removal = |text: &str| match &read(text).entries[0].outcome {
        NangoOutcome::Converted { text, removal, .. } => {
            assert_eq!(text.contains("[removal]"), removal.is_some(), "{text}");
            removal.clone()
        }
        NangoOutcome::Refused { reasons } => panic!("{reasons:?}"),
    };
    let docs = "docs: https://acme.com/docs/keys";
    assert_eq!(removal(&entry("API_KEY", docs)).as_deref(), Some("https://acme.com/docs/keys"));
    for other in ["docs: http://acme.com/docs", "docs: https://10.0.0.1/docs", "categories: [other]"] {
        assert_eq!(removal(&entry("API_KEY", other)), None, "{other}");
    }
    let none = "acme: {display_name: Acme, auth_mode: NONE, docs: https://acme.com/docs, proxy: {base_url: https://api.acme.com}}";
    assert_eq!(removal(none), None, "there is no credential to delete");
}

#[test]
fn a_file_that_is_no_such_list_is_refused_with_a_sentence_and_its_line() {
    let deep = format!("a: {}{}", "[".repeat(40), "]".repeat(40));
    let giant = "a".repeat(NangoImport::MAX_BYTES + 1);
    let laughs = "a: &a [x, x]\nb: &b [*a, *a]\nc: [*b, *b]\n";
    for (text, expected) in [
        (
            "- a\n",
            "providers.yaml: the file is a mapping of names to entries; name the file providers.yaml of your copy",
        ),
        ("", "providers.yaml: the file is a mapping of names to entries; name the file providers.yaml of your copy"),
        ("a: {}\nb: [\n", "providers.yaml:3: this is not YAML: "),
        ("a: {}\na: {}\n", "providers.yaml:2: this key occurs twice; remove one of the two"),
        ("? [a]\n: b\n", "providers.yaml:1: a key is a text; write one"),
        ("a: {}\n---\nb: {}\n", "providers.yaml:2: the file has a second document; keep one of them"),
        (laughs, "providers.yaml:2: an alias is not followed; write the value itself"),
        (&deep, "providers.yaml:1: a document may have at most 32 levels; nest it less deeply"),
        (&giant, "providers.yaml: a file may have at most 8 MiB; split it"),
    ] {
        let problem = NangoImport::read("providers.yaml", text.as_bytes()).unwrap_err().to_string();
        assert!(problem.starts_with(expected), "{problem}");
    }
    let bytes = NangoImport::read("providers.yaml", b"a: \xff").unwrap_err().to_string();
    assert_eq!(bytes, "providers.yaml: this is not text in UTF-8; save the file in this encoding");
    let many = format!("a: [{}]", "x,".repeat(500_001));
    let many = NangoImport::read("providers.yaml", many.as_bytes()).unwrap_err().to_string();
    assert_eq!(many, "providers.yaml:1: the file has more than 500,000 values; split it");
}

/// Each of these files would take minutes if its parts were compared in pairs, or copied into each other.
#[test]
fn a_large_file_costs_its_size_and_not_its_square() {
    let keys: String = (0..200_000).map(|number| format!("k{number}: 1\n")).collect();
    let problem = NangoImport::read("providers.yaml", keys.as_bytes()).unwrap_err().to_string();
    assert_eq!(problem, "providers.yaml: the file has more than 5,000 entries; split it");
    let aliases: String = (0..4_000).map(|number| format!("k{number}: {{alias: base}}\n")).collect();
    let text = format!("base: {{auth_mode: NONE, x: [{}]}}\n{aliases}", "y,".repeat(400_000));
    let import = read(&text);
    assert!(import.entries.iter().all(|entry| matches!(entry.outcome, NangoOutcome::Refused { .. })));
}

/// A value in the wrong place may be a secret.
#[test]
fn no_reason_and_no_loss_repeats_a_value() {
    let canary = "canary5d0e17";
    let text = PROVIDERS.replace("https://", &format!("ftp://{canary}/")).replace("OAUTH2", "API_KEY")
        + "a: {auth_mode: canary5d0e17}\n";
    for entry in read(&text).entries {
        let shown = match entry.outcome {
            NangoOutcome::Converted { lost, .. } => lost.join("\n"),
            NangoOutcome::Refused { reasons } => reasons.join("\n"),
        };
        assert!(!shown.contains(canary), "{shown}");
    }
}

#[test]
fn templates_without_an_end_and_functions_in_functions_are_refused() {
    let deep = format!("{}x{}", "${base64(".repeat(2000), ")}".repeat(2000));
    for text in ["${apiKey", "${", "${base64(${base64(a)})}", "${}", "${credentials.a.b}", "$${apiKey}", &deep] {
        let file = format!(
            "a: {{auth_mode: API_KEY, proxy: {{base_url: 'https://a.example.com', headers: {{k: '{text}'}}}}}}"
        );
        let outcome = read(&file).entries.remove(0).outcome;
        assert!(matches!(outcome, NangoOutcome::Refused { .. }), "{text}: {outcome:?}");
    }
}

/// Returns a YAML value made of the keys and templates of the format, in any order.
fn value() -> impl Strategy<Value = String> {
    let scalar = prop::sample::select(vec![
        "${apiKey}",
        "${connectionConfig.host}",
        "https://${connectionConfig.host}",
        "https://api.example.com || ${connectionConfig.url}",
        "${base64(${username}:${password})}",
        "${step1.a.b}",
        "${accessToken}",
        "OAUTH2",
        "TWO_STEP",
        "JWT",
        "7",
        "true",
        "~",
        "a\"b\\u007f",
        "(",
    ]);
    let scalar = scalar.prop_map(|text| format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\"")));
    let key = prop::sample::select(vec![
        "auth_mode",
        "proxy",
        "base_url",
        "headers",
        "query",
        "verification",
        "endpoints",
        "data",
        "token",
        "token_url",
        "token_response",
        "token_params",
        "additional_steps",
        "connection_config",
        "credentials",
        "host",
        "enum",
        "pattern",
        "default_value",
        "hidden",
        "secret",
        "format",
        "alias",
        "redirect_uri_metadata",
        "token_response_metadata",
        "authorization_url_replacements",
        "payload",
        "header",
        "expires_in_ms",
        "retry",
        "after",
        "a",
        "b",
    ]);
    scalar.prop_recursive(5, 48, 6, move |inner| {
        let members = prop::collection::btree_map(key.clone(), inner.clone(), 0..6);
        let map = members.prop_map(|members| {
            let members: Vec<String> = members.iter().map(|(key, value)| format!("{key}: {value}")).collect();
            format!("{{{}}}", members.join(", "))
        });
        prop_oneof![map, prop::collection::vec(inner, 0..4).prop_map(|items| format!("[{}]", items.join(", ")))]
    })
}

proptest! {
    #[test]
    fn no_text_makes_the_conversion_panic(text in "[a-z:{}\\[\\] \n\t&*!|>'\"%@`#?,~0-9-]{0,200}") {
        if let Ok(import) = NangoImport::read("providers.yaml", text.as_bytes()) {
            check(&import);
        }
    }

    #[test]
    fn no_bytes_make_the_conversion_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        drop(NangoImport::read("providers.yaml", &bytes));
    }

    #[test]
    fn entries_of_any_shape_are_converted_to_valid_files_or_refused(a in value(), b in value(), mode in 0..8_usize) {
        let modes = ["API_KEY", "BASIC", "JWT", "NONE", "OAUTH2", "OAUTH2_CC", "TWO_STEP", "OAUTH1"];
        let text = format!(
            "a: {a}\nb: {b}\nc: {{auth_mode: {}, proxy: {b}, token: {a}, token_url: 'https://a.example.com/t', \
             connection_config: {a}, credentials: {b}, token_params: {a}, token_response: {{token: a}}}}\n\
             d: {{alias: c, proxy: {a}}}\n",
            modes[mode]
        );
        check(&read(&text));
    }
}
