//! Rules as data: what is refused, with the place of the problem.

use connection_contract::{AuthType, Descriptor, Kind};
use connection_rules::{PathPattern, Preset, Profile, Rules};
use serde_json::{Value, json};

use crate::common::rules;

#[track_caller]
fn check(value: &Value, expected: &str) {
    assert_eq!(Rules::from_value(value).unwrap_err().to_string(), expected);
}

/// Checks the message about one member of a rule that is otherwise valid.
#[track_caller]
fn check_member(name: &str, value: Value, expected: &str) {
    let mut rule = json!({ "name": "r", "effect": "allow" });
    rule[name] = value;
    let good = json!({ "name": "good", "effect": "deny" });
    check(&json!({ "rule": [good, rule] }), &format!("rule[1]{expected}"));
}

#[test]
fn the_example_of_the_design_is_read() {
    let rules = rules(
        r#"{"expires":"8h","budget":{"requests":500,"per":"1h"},"rule":[
        {"name":"read issues","methods":["GET","HEAD"],"path":"/repos/acme/{repo}/issues/**","effect":"allow"},
        {"name":"comment","methods":["POST"],"path":"/repos/acme/{repo}/issues/{number}/comments",
         "body":{"media":["application/json"],"max":"16 KiB","deny":["/labels"]},"effect":"ask"},
        {"name":"queries","path":"/graphql","graphql":["query"],"effect":"allow"},
        {"name":"list instances","query":{"only":{"Action":["DescribeInstances"]}},"effect":"allow"}]}"#,
    );
    assert_eq!(rules.rules().len(), 4);
    assert_eq!(rules.expires().unwrap().as_secs(), 8 * 3600);
    assert_eq!(Rules::from_value(&rules.to_value()), Ok(rules));
}

#[test]
fn a_member_that_is_not_known_is_refused() {
    check(&json!({ "rules": [] }), "rules: has the unknown member \"rules\"; known are expires, budget, release, rule");
    let known = "name, methods, path, from, query, form, body, graphql, json_rpc, upgrade, effect";
    check_member("method", json!("GET"), &format!(": has the unknown member \"method\"; known are {known}"));
    check_member("body", json!({ "size": 1 }), ".body: has the unknown member \"size\"; known are media, max, deny");
    check_member("query", json!({ "allow": {} }), ".query: has the unknown member \"allow\"; known are only, deny");
    check(&json!([]), "rules: must be a table");
}

#[test]
fn the_limits_of_a_grant_are_checked() {
    let span = "must be a duration of at most 365 days, such as \"8h\"";
    for expires in [json!("366d"), json!("8"), json!(8), json!("0h"), json!("")] {
        check(&json!({ "expires": expires }), &format!("expires: {span}"));
    }
    let number = "must be a number from 1 to 1000000000";
    check(&json!({ "budget": { "requests": 0, "per": "1h" } }), &format!("budget.requests: {number}"));
    check(&json!({ "budget": { "requests": 1 } }), &format!("budget.per: {span}"));
    let many: Vec<Value> = (0..65).map(|n| json!({ "name": n.to_string(), "effect": "deny" })).collect();
    check(&json!({ "rule": many }), "rule: has more than 64 rules");
    assert!(Rules::from_value(&json!({ "rule": many[1..] })).is_ok());
}

#[test]
fn the_release_of_a_secret_is_stated_and_is_more_than_a_request() {
    check(&json!({ "release": "yes" }), "release: must be true or false");
    let releasing = Rules::from_value(&json!({ "release": true, "rule": [] })).unwrap();
    assert_eq!(Rules::from_value(&releasing.to_value()), Ok(releasing.clone()));
    assert_eq!(Rules::from_value(&json!({ "release": false, "rule": [] })).unwrap(), Rules::nothing());
    assert!(Rules::nothing().narrows(&releasing) && !releasing.narrows(&Rules::nothing()));
    assert!(!releasing.narrows(&Rules::everything()));
    let preset = r#"{ "release": true, "rule": [] }"#;
    let kind = Descriptor::new(Kind::from_static("acme"), "Acme", AuthType::ApiKey).rule_preset("git", preset);
    let refused = Preset::of_kind(&kind).unwrap_err().to_string();
    assert_eq!(refused, "the preset \"git\": release: must not be in a preset");
}

#[test]
fn a_rule_has_a_unique_name_and_an_effect() {
    check_member("effect", json!("permit"), ".effect: must be \"allow\", \"ask\" or \"deny\"");
    check_member("name", json!("good"), ".name: is the name of an earlier rule, too");
    check_member("name", json!(""), ".name: must be a text");
    check_member("name", json!("a".repeat(65)), ".name: must be 1 to 64 characters, without spaces around it");
    check(&json!({ "rule": [{ "effect": "allow" }] }), "rule[0].name: must be a text");
    check(&json!({ "rule": [{ "name": "a" }] }), "rule[0].effect: must be a text");
}

#[test]
fn each_condition_is_checked() {
    check_member("methods", json!([]), ".methods: must be a list of 1 to 128 texts");
    check_member("methods", json!(["GET", "get"]), ".methods[1]: must be a method in capital letters");
    check_member("methods", json!(["GET", "GET"]), ".methods[1]: is in the list twice");
    check_member("from", json!("base"), ".from: must be \"origin\"");
    check_member("upgrade", json!("h2c"), ".upgrade: must be \"websocket\"");
    let asks = json!({ "rule": [{ "name": "live", "upgrade": "websocket", "effect": "ask" }] });
    let refused = Rules::from_value(&asks).unwrap_err().to_string();
    assert!(
        refused.ends_with(".upgrade: cannot stand in a rule that asks, which nobody is about a WebSocket"),
        "{refused}"
    );
    check_member("query", json!({ "only": {} }), ".query.only: must be a table of 1 to 128 parameters");
    check_member("query", json!({ "only": { "a": "b" } }), ".query.only.a: must be a list of 1 to 128 texts");
    let twice = "names a parameter twice; letter case, \"-\", \".\" and \"_\" make no difference";
    check_member("query", json!({ "only": { "a": ["b"] }, "deny": ["A"] }), &format!(".query: {twice}"));
    check_member("form", json!({ "deny": ["a-b", "a_b"] }), &format!(".form: {twice}"));
    check_member("body", json!({}), ".body: must have \"media\", \"max\" or \"deny\"");
    check_member("body", json!({ "max": "1 B" }), ".body.max: must be a size from \"1 KiB\" to \"16 MiB\"");
    check_member("body", json!({ "max": "17 MiB" }), ".body.max: must be a size from \"1 KiB\" to \"16 MiB\"");
    check_member("body", json!({ "deny": ["labels"] }), ".body.deny[0]: must be a JSON pointer");
    check_member("body", json!({ "deny": ["/a~2"] }), ".body.deny[0]: must be a JSON pointer");
    let media = "must be a media type in small letters, such as application/json";
    check_member("body", json!({ "media": ["*/*"] }), &format!(".body.media[0]: {media}"));
    let json = "must be types of JSON, because the rule looks at members of the body";
    check_member("body", json!({ "media": ["text/plain"], "deny": ["/a"] }), &format!(".body.media: {json}"));
    check_member("graphql", json!(["read"]), ".graphql[0]: must be \"query\", \"mutation\" or \"subscription\"");
    check_member("json_rpc", json!({}), ".json_rpc: must have \"methods\" or \"tools\"");
    let call = "has \"tools/call\", which \"tools\" already stands for";
    let messages = json!({ "methods": ["tools/call"], "tools": ["a"] });
    check_member("json_rpc", messages, &format!(".json_rpc.methods: {call}"));
}

#[test]
fn conditions_that_no_request_meets_together_are_refused() {
    let rule = |members: Value| {
        let mut rule = json!({ "name": "r", "effect": "allow" });
        members.as_object().unwrap().iter().for_each(|(name, value)| rule[name] = value.clone());
        json!({ "rule": [rule] })
    };
    let both = json!({ "graphql": ["query"], "json_rpc": { "tools": ["a"] } });
    check(&rule(both), "rule[0].graphql: cannot stand beside \"json_rpc\"");
    let form = json!({ "form": {}, "body": { "max": "1 KiB" } });
    check(&rule(form), "rule[0].form: cannot stand beside \"body\", \"graphql\" or \"json_rpc\"");
}

#[test]
fn a_pattern_has_no_expressions() {
    let problem = |text: &str| PathPattern::read(text).unwrap_err();
    assert_eq!(problem("a"), "must begin with \"/\"");
    assert_eq!(problem("//a"), "has an empty segment");
    assert_eq!(problem("/a/../b"), "has a segment \".\" or \"..\", which no request has");
    assert_eq!(problem("/{a}/{a}"), "has the same name in two places");
    assert_eq!(problem("/a/%"), "has an escape that is incomplete or not UTF-8");
    assert_eq!(problem("/a%0A"), "has a control character");
    assert_eq!(problem(&"/a".repeat(33)), "has more than 32 segments");
    assert_eq!(problem(&format!("/{}", "a".repeat(1024))), "is longer than 1024 bytes");
    for text in ["/**/a", "/a*", "/*", "/***"] {
        assert!(problem(text).starts_with("has a \"*\""), "{text}");
    }
    for text in ["/a{b}", "/{a}b", "/}", "/{a"] {
        assert!(problem(text).starts_with("has a brace"), "{text}");
    }
    for text in ["/{}", "/{a b}", "/{a.b}"] {
        assert!(problem(text).starts_with("has a name in braces"), "{text}");
    }
    for text in ["/a?b", "/a#b", "/a b"] {
        assert!(problem(text).starts_with("has a character"), "{text}");
    }
}

#[test]
fn a_rule_about_a_path_that_no_request_of_the_kind_has_is_named() {
    let of = |path: &str| {
        let rules = json!([{ "name": "a", "effect": "deny" }, { "name": "b", "path": path, "effect": "allow" }]);
        Rules::from_value(&json!({ "rule": rules })).unwrap()
    };
    let (strict, slashes) = (Profile::strict(), Profile::strict().encoded_slash_is_data());
    for path in ["/", "/**", "/repos/acme/{repo}/**", "/a%20b/c/", "/search%2525"] {
        assert_eq!(of(path).check_paths(&strict), Ok(()), "{path}");
    }
    for (path, problem) in [
        ("/projects/a%2Fb/{issue}", "has an encoded \"/\""),
        ("/a%5Cb", "has an encoded \"/\""),
        ("/a%252Fb/**", "is encoded twice"),
        ("/..;a/b", "has a segment that is \".\" or \"..\""),
    ] {
        let invalid = of(path).check_paths(&strict).unwrap_err();
        assert_eq!(invalid.place(), "rule[1].path");
        let expected = format!("matches no request, because a path is refused that {problem}");
        assert!(invalid.problem().starts_with(&expected), "{path}: {invalid}");
    }
    assert_eq!(of("/projects/a%2Fb/{issue}").check_paths(&slashes), Ok(()));
    assert!(of("/projects/..%2Fb").check_paths(&slashes).is_err());
}
