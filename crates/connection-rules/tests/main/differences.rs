//! The difference of two rule sets.

use connection_rules::{Diff, Effect, Rules};
use proptest::{collection::vec, prelude::*};

use crate::{
    common::rules,
    generated::{any_request, any_rules, rounds, rule_pair},
};

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(rounds(300, 10_000)) })]

    /// In the long form a million requests are compared.
    #[test]
    fn a_difference_agrees_with_random_requests_in_both_directions(
        (before, after) in rule_pair(), asked in vec(any_request(), rounds(20, 100) as usize)
    ) {
        for (before, after) in [(&before, &after), (&after, &before)] {
            let diff = before.diff(after);
            prop_assert!(!matches!(diff, Diff::Unknown));
            if let Diff::Found(difference) = &diff {
                // What was found is decided as it says.
                prop_assert!(difference.before() < difference.after());
                prop_assert_eq!(before.decide(difference.request()).effect(), difference.before());
                prop_assert_eq!(after.decide(difference.request()).effect(), difference.after());
                continue;
            }
            for asked in &asked {
                prop_assert!(asked.effect(after) <= asked.effect(before), "{:?}", asked);
            }
        }
    }

    #[test]
    fn a_rule_set_does_not_differ_from_itself_with_other_names(rules in any_rules()) {
        let mut value = rules.to_value();
        for rule in value["rule"].as_array_mut().unwrap() {
            rule["name"] = serde_json::json!(format!("renamed {}", rule["name"].as_str().unwrap()));
        }
        let renamed = Rules::from_value(&value).unwrap();
        prop_assert!(matches!(rules.diff(&renamed), Diff::None));
        prop_assert!(renamed.narrows(&rules));
    }
}

#[track_caller]
fn check(before: &str, after: &str, expected: Option<&str>) {
    let diff = rules(before).diff(&rules(after));
    assert!(!matches!(diff, Diff::Unknown));
    assert_eq!(diff.found().map(|difference| difference.to_string()).as_deref(), expected);
}

const READ: &str = r#"{"rule":[{"name":"r","methods":["GET"],"path":"/repos/{r}","effect":"allow"}]}"#;

#[test]
fn a_wider_pattern_is_found_with_its_path() {
    let wide = r#"{"rule":[{"name":"r","methods":["GET"],"path":"/repos/**","effect":"allow"}]}"#;
    check(READ, wide, Some("GET /repos is denied before and allowed after"));
    check(wide, READ, None);
}

#[test]
fn a_method_that_only_one_rule_set_names_is_found() {
    let wide = r#"{"rule":[{"name":"r","path":"/repos/{r}","effect":"allow"}]}"#;
    check(READ, wide, Some("POST /repos/other is denied before and allowed after"));
}

#[test]
fn a_question_is_stricter_than_a_permission() {
    let ask = READ.replace("allow", "ask");
    check(&ask, READ, Some("GET /repos/other is asked about before and allowed after"));
    // A rule that asks also matches other spellings of a path.
    check(READ, &ask, Some("GET /repos/other/ is denied before and asked about after"));
    let all = |effect: &str| format!(r#"{{"rule":[{{"name":"r","methods":["GET"],"effect":"{effect}"}}]}}"#);
    check(&all("allow"), &all("ask"), None);
    check(&all("ask"), &all("allow"), Some("GET / is asked about before and allowed after"));
}

#[test]
fn two_rules_that_cover_a_third_one_together_leave_no_difference() {
    let parts = r#"{"rule":[
        {"name":"a","query":{"only":{"q":["1"]}},"effect":"allow"},
        {"name":"b","query":{"only":{"q":["2"]}},"effect":"allow"}]}"#;
    let whole = r#"{"rule":[{"name":"c","query":{"only":{"q":["2","1"]}},"effect":"allow"}]}"#;
    check(parts, whole, None);
    check(whole, parts, None);
    let more = r#"{"rule":[{"name":"c","query":{"only":{"q":["2","1","3"]}},"effect":"allow"}]}"#;
    check(parts, more, Some("GET /?q=3 is denied before and allowed after"));
}

#[test]
fn a_denying_rule_after_an_allowing_one_has_no_effect() {
    let dead = r#"{"rule":[
        {"name":"r","methods":["GET"],"path":"/repos/{r}","effect":"allow"},
        {"name":"d","methods":["GET"],"path":"/repos/a","effect":"deny"}]}"#;
    let live = r#"{"rule":[
        {"name":"d","methods":["GET"],"path":"/repos/a","effect":"deny"},
        {"name":"r","methods":["GET"],"path":"/repos/{r}","effect":"allow"}]}"#;
    check(READ, dead, None);
    check(dead, READ, None);
    check(READ, live, None);
    check(live, READ, Some("GET /repos/a is denied before and allowed after"));
}

#[test]
fn conditions_on_bodies_are_compared() {
    let rule = |members: &str| format!(r#"{{"rule":[{{"name":"r",{members},"effect":"allow"}}]}}"#);
    let small = rule(r#""body":{"media":["application/json"],"max":"1 KiB","deny":["/a","/b"]}"#);
    let large = rule(r#""body":{"media":["application/json"],"max":"2 KiB","deny":["/a","/b"]}"#);
    let fewer = rule(r#""body":{"media":["application/json"],"max":"1 KiB","deny":["/a"]}"#);
    let found = "with a body of type application/json and 1025 bytes is denied before and allowed after";
    check(&small, &large, Some(&format!("GET / {found}")));
    check(&large, &small, None);
    check(
        &small,
        &fewer,
        Some("GET / with a body of type application/json: {\"b\":true}, is denied before and allowed after"),
    );
    check(&fewer, &small, None);
    let queries = rule(r#""graphql":["query"]"#);
    let changes = rule(r#""graphql":["query","mutation"]"#);
    check(
        &queries,
        &changes,
        Some(
            "GET / with a body of type application/json: {\"query\":\"mutation Q1 { a }\"}, is denied before and allowed \
             after",
        ),
    );
    check(&changes, &queries, None);
    let search = rule(r#""json_rpc":{"tools":["search"]}"#);
    let any = rule(r#""json_rpc":{"methods":["tools/call"]}"#);
    check(&any, &search, None);
    assert!(matches!(rules(&search).diff(&rules(&any)), Diff::Found(_)));
}

#[test]
fn a_member_in_another_letter_case_is_another_class() {
    let before = r#"{"rule":[{"name":"a","body":{"deny":["/l"]},"effect":"allow"}]}"#;
    let after = r#"{"rule":[{"name":"a","body":{"deny":["/l"]},"effect":"allow"},
        {"name":"b","body":{"media":["application/json"],"deny":["/l"]},"effect":"ask"}]}"#;
    let body = "with a body of type application/json: {\"L\":true},";
    check(before, after, Some(&format!("GET / {body} is denied before and asked about after")));
}

#[test]
fn a_member_below_another_one_implies_it() {
    let after = r#"{"rule":[{"name":"a","body":{"deny":["/m/n"]},"effect":"deny"},
        {"name":"b","body":{"deny":["/m"]},"effect":"allow"}]}"#;
    check(r#"{"rule":[]}"#, after, None);
    check(
        r#"{"rule":[]}"#,
        &after.replace("\"/m\"", "\"/o\""),
        Some("GET / with a body of type application/json: {\"m\":{\"n\":true}}, is denied before and allowed after"),
    );
}

#[test]
fn an_address_outside_the_base_is_another_class() {
    let after = r#"{"rule":[{"name":"a","path":"/a","from":"origin","effect":"allow"}]}"#;
    check(READ, after, Some("GET /a outside the base address is denied before and allowed after"));
    check(after, READ, Some("GET /repos/other is denied before and allowed after"));
}

#[test]
fn an_upgrade_is_another_class() {
    let rule = |upgrade: &str| format!(r#"{{"rule":[{{"name":"a","path":"/a"{upgrade},"effect":"allow"}}]}}"#);
    let (plain, live) = (rule(""), rule(r#","upgrade":"websocket""#));
    check(&plain, &live, Some("GET /a with an upgrade to websocket is denied before and allowed after"));
    check(&live, &plain, Some("GET /a is denied before and allowed after"));
}

#[test]
fn a_long_form_is_another_class() {
    let media = r#"["application/x-www-form-urlencoded"]"#;
    let rule = |max: &str| format!(r#"{{"rule":[{{"name":"a","body":{{"media":{media}{max}}},"effect":"allow"}}]}}"#);
    let (short, any) = (rule(r#","max":"2 KiB""#), rule(""));
    let body = "with a body of type application/x-www-form-urlencoded and 2049 bytes";
    check(&short, &any, Some(&format!("GET / {body} is denied before and allowed after")));
    check(&any, &short, None);
}

#[test]
fn everything_is_wider_than_all_other_rules() {
    let read = rules(READ);
    assert!(read.narrows(&Rules::everything()) && Rules::ask().narrows(&Rules::everything()));
    assert!(!Rules::everything().narrows(&read));
    let without_upgrades =
        rules(r#"{"rule":[{"name":"d","path":"/a","effect":"deny"},{"name":"r","effect":"allow"}]}"#);
    let difference = without_upgrades.diff(&Rules::everything()).found().unwrap();
    assert_eq!(difference.before(), Effect::Deny);
}

#[test]
fn a_search_with_too_many_combinations_is_given_up() {
    let many = |effect: &str| {
        let rule = |index: usize| {
            // Each rule leaves out one of two values of each of three parameters.
            let deny: Vec<String> = (0..3).map(|n| format!("\"p{}\"", (index * 7 + n * 11) % 40)).collect();
            format!(r#"{{"name":"{index}","query":{{"deny":[{}]}},"effect":"deny"}}"#, deny.join(","))
        };
        let list: Vec<String> = (0..60).map(rule).collect();
        rules(&format!(r#"{{"rule":[{},{{"name":"x","effect":"{effect}"}}]}}"#, list.join(",")))
    };
    // The search ends, whatever it finds.
    assert!(!matches!(many("ask").diff(&many("allow")), Diff::None));
    assert!(matches!(many("allow").diff(&many("allow")), Diff::None));
}

#[test]
fn large_rule_sets_are_compared() {
    let many = |name: &str, effect: &str| {
        let rule = |index: usize| {
            let methods: Vec<String> = (0..20).map(|n| format!("\"m{}\"", index * 15 + n)).collect();
            let values: Vec<String> = (0..20).map(|n| format!("\"v{}\"", n + index % 3)).collect();
            let effect = if index == 63 { effect } else { ["allow", "ask", "deny"][index % 3] };
            format!(
                r#"{{"name":"{name} {index}","methods":["POST"],"path":"/a/{index}/{{x}}","query":{{"only":{{"q":[{}]}}}},
                "json_rpc":{{"methods":[{}],"tools":["t{index}"]}},"effect":"{effect}"}}"#,
                values.join(","),
                methods.join(",")
            )
        };
        rules(&format!(r#"{{"rule":[{}]}}"#, (0..64).map(rule).collect::<Vec<_>>().join(",")))
    };
    assert!(matches!(many("a", "allow").diff(&many("b", "allow")), Diff::None));
    let difference = many("a", "ask").diff(&many("b", "allow")).found().unwrap();
    assert_eq!(difference.request().head().segments().nth(1), Some("63"));
}
