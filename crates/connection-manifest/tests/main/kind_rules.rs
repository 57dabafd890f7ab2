//! Presets of rules in kind files, and what a file says about paths.

use connection_contract::{ConnectionDefinition, Descriptor};
use connection_manifest::{KindFile, KindSet, Problem};
use connection_rules::{Preset, Profile};

const ACME: &str = "format = 1\nid = \"acme\"\nname = \"Acme\"\nmechanism = \"api_key\"\n[[fields]]\nname = \"apiKey\"\n\
    label = \"API key\"\nsecret = true\n";

/// Returns the file of a kind with these lines in `[request]`, and after it.
fn file(request: &str, rest: &str) -> String {
    let base = "[request]\nbase = \"https://api.acme.com\"\nheaders = { X-Key = \"${secret.apiKey}\" }\n";
    format!("{ACME}{base}{request}\n{rest}\n")
}

fn descriptor(request: &str, rest: &str) -> Descriptor {
    let text = file(request, rest);
    KindFile::parse("acme.toml", &text).unwrap_or_else(|problems| panic!("{problems}")).definition().descriptor()
}

fn words(descriptor: &Descriptor) -> Vec<(String, Vec<String>)> {
    let presets = Preset::of_kind(descriptor).unwrap();
    presets.iter().map(|preset| (preset.name().to_owned(), preset.rules().words())).collect()
}

#[track_caller]
fn refused(request: &str, rest: &str, line: u32, field: &str, expected: &str) {
    let problems = KindFile::parse("acme.toml", &file(request, rest)).unwrap_err();
    let is_it = |problem: &Problem| {
        problem.field.as_str() == field && problem.sentence.contains(expected) && problem.line == Some(line)
    };
    assert!(problems.iter().any(is_it), "{line}: {field}: {expected}:\n{problems}");
}

const ASK: [&str; 2] = ["is asked about before GET or HEAD", "nothing else"];

#[test]
fn a_file_states_presets_with_the_members_of_a_file_of_rules() {
    let rules = "[rules.issues]\nexpires = \"8h\"\nbudget = { requests = 500, per = \"1h\" }\n[[rules.issues.rule]]\n\
        name = \"read\"\nmethods = [\"GET\"]\npath = \"/issues/**\"\neffect = \"allow\"\n[[rules.issues.rule]]\n\
        name = \"comment\"\nmethods = [\"POST\"]\npath = \"/issues/{number}/comments\"\nbody = { max = \"16 KiB\", \
        media = [\"application/json\"], deny = [\"/labels\"] }\nquery = { deny = [\"silent\"] }\neffect = \"ask\"";
    let words = words(&descriptor("", rules));
    let comment = "is asked about before POST /issues/{number}/comments with no parameter silent, a body of type \
                   application/json, at most 16 KiB of body, nothing at /labels of the body";
    let lines = ["may send GET /issues/**", comment, "nothing else", "at most 500 requests in 1h"];
    assert_eq!(words[0].0, "issues");
    assert_eq!(words[0].1[..4], lines);
    assert_eq!(words[1], ("ask".to_owned(), ASK.map(str::to_owned).to_vec()));
}

#[test]
fn a_kind_whose_gets_read_has_the_preset_read_after_its_own_rules() {
    let gets = "[rules]\ngets = \"read\"\nsource = \"https://acme.com/docs\"\n";
    assert_eq!(words(&descriptor("", gets))[0].1, ["may send GET or HEAD", "nothing else"]);
    let listed = "[[rules.read.rule]]\nname = \"search\"\nmethods = [\"POST\"]\npath = \"/search\"\neffect = \"allow\"";
    let read = ["may send POST /search", "may send GET or HEAD", "nothing else"];
    assert_eq!(words(&descriptor("", &format!("{gets}{listed}")))[0].1, read);
}

#[test]
fn a_file_that_says_nothing_of_rules_has_the_preset_ask_alone() {
    let descriptor = descriptor("", "");
    assert_eq!(words(&descriptor), [("ask".to_owned(), ASK.map(str::to_owned).to_vec())]);
    assert_eq!(Profile::of_kind(&descriptor, []), Profile::strict());
}

#[test]
fn a_file_says_with_a_source_that_an_encoded_slash_or_an_empty_segment_is_data() {
    let source = "path_source = \"https://acme.com/docs\"";
    let slash = descriptor(&format!("encoded_slash = \"data\"\n{source}"), "");
    assert_eq!(Profile::of_kind(&slash, []), Profile::strict().encoded_slash_is_data());
    let both = descriptor(&format!("encoded_slash = \"data\"\nempty_segments = \"data\"\n{source}"), "");
    assert_eq!(Profile::of_kind(&both, []), Profile::strict().encoded_slash_is_data().empty_segment_is_data());
}

#[test]
fn a_problem_of_a_rule_is_reported_at_its_line() {
    let rule = "[[rules.read.rule]]\nname = \"reads\"\n";
    let allow = "effect = \"allow\"";
    refused("", &format!("{rule}path = \"issues\"\n{allow}"), 15, "rules.read.rule[0].path", "must begin with");
    refused("", &format!("{rule}methods = [\"get\"]\n{allow}"), 15, "rules.read.rule[0].methods[0]", "capital letters");
    refused("", &format!("{rule}pth = \"/\"\n{allow}"), 15, "rules.read.rule[0].pth", "did you mean `path`?");
    refused("", rule, 13, "rules.read.rule[0].effect", "must be a text");
    refused("", "[rules.read]\nexpires = \"soon\"", 14, "rules.read.expires", "must be a duration");
    refused("", "[rules.read]\nbudget = { requests = 0, per = \"1h\" }", 14, "rules.read.budget.requests", "from 1");
    refused("", "[rules.Read]\nrule = []", 13, "rules.Read", "1 to 64 of a-z");
    refused("", "[rules.ask]\nrule = []", 13, "rules.ask", "every kind has this preset");
    let twice = "[rules]\ngets = \"read\"\nsource = \"https://acme.com\"\n";
    refused("", &format!("{twice}{rule}{allow}"), 16, "rules.read.rule[1].name", "the name of an earlier rule");
}

#[test]
fn what_a_file_says_of_a_provider_needs_a_public_source() {
    refused("", "[rules]\ngets = \"read\"", 14, "rules.gets", "add source");
    refused("", "[rules]\ngets = \"read\"\nsource = \"docs\"", 15, "rules.source", "a public page");
    refused("", "[rules]\ngets = \"all\"", 14, "rules.gets", "`read`");
    refused("encoded_slash = \"data\"", "", 12, "request.encoded_slash", "add path_source");
    refused("empty_segments = \"data\"", "", 12, "request.empty_segments", "add path_source");
    refused("path_source = \"https://acme.com\"", "", 12, "request.path_source", "add one of them");
    let http = "encoded_slash = \"data\"\npath_source = \"http://acme.com\"";
    refused(http, "", 13, "request.path_source", "a public page");
}

#[test]
fn a_file_takes_over_the_presets_of_the_one_that_it_extends() {
    let gets = "[rules]\ngets = \"read\"\nsource = \"https://acme.com/docs\"\n";
    let child = "id = \"child\"\nname = \"Child\"\nextends = \"acme\"\n[[rules.read.rule]]\nname = \"search\"\n\
        methods = [\"POST\"]\npath = \"/search\"\neffect = \"allow\"\n";
    let (kinds, problems) = KindSet::new().file("acme.toml", file("", gets)).file("child.toml", child).read();
    assert!(problems.is_empty(), "{problems:?}");
    let words = words(&kinds[1].definition().descriptor());
    assert_eq!(words[0].1, ["may send POST /search", "may send GET or HEAD", "nothing else"]);
}

#[test]
fn a_key_of_the_table_stands_once_in_json() {
    let text = r#"{ "format": 1, "id": "acme", "name": "Acme", "mechanism": "none",
        "rules": { "gets": "read", "gets": "read", "source": "https://acme.com" } }"#;
    let problems = KindFile::parse("acme.json", text).unwrap_err().to_string();
    assert!(problems.contains("this key occurs twice"), "{problems}");
    let list = r#"{ "format": 1, "id": "acme", "name": "Acme", "mechanism": "none", "rules": [] }"#;
    let problems = KindFile::parse("acme.json", list).unwrap_err().to_string();
    assert!(problems.contains("acme.json:1: rules: this is a list; write an object"), "{problems}");
}
