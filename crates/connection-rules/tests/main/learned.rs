//! Rules that are learned from requests that were made.

use connection_rules::{MadeRequest, PathPattern, Profile, RequestHead, RequestParts, Rules};
use proptest::{collection::vec, prelude::*, sample::select};
use serde_json::{Value, json};

use crate::generated::{any_rules, rounds};

fn rules(list: &Value) -> Rules {
    Rules::from_value(&json!({ "rule": list })).unwrap()
}

fn made(method: &str, path: &str) -> MadeRequest {
    MadeRequest::read(method, path, &Profile::strict()).unwrap()
}

fn words(rules: &Rules) -> Vec<String> {
    rules.words()
}

#[test]
fn each_rule_is_narrowed_to_the_methods_and_paths_that_were_used() {
    let before = rules(&json!([
        { "name": "secrets", "path": "/repos/{owner}/{repo}/actions/secrets/**", "effect": "deny" },
        { "name": "comment", "methods": ["POST"], "path": "/repos/{owner}/{repo}/issues/{number}/comments",
          "body": { "media": ["application/json"], "max": "16 KiB" }, "effect": "ask" },
        { "name": "all", "path": "/repos/**", "effect": "allow" },
        { "name": "me", "methods": ["GET"], "path": "/user", "effect": "allow" },
    ]));
    let comment = made("POST", "/repos/acme/site/issues/7/comments").refused(true).by(Some("comment".to_owned()));
    let made = [
        made("GET", "/repos/acme/site/issues"),
        made("GET", "/repos/acme/site/issues/7").by(Some("all".to_owned())),
        made("GET", "/repos/acme/site/issues/12"),
        made("HEAD", "/repos/acme/site/issues/12"),
        made("PATCH", "/repos/acme/docs/issues/3"),
        comment,
    ];
    let learned = before.learn(&made, false);
    let expected = [
        "may not send any method /repos/{owner}/{repo}/actions/secrets/**",
        "is asked about before POST /repos/acme/site/issues/7/comments with a body of type application/json, at most \
         16 KiB of body",
        "may send PATCH /repos/acme/docs/issues/3",
        "may send GET /repos/acme/site/issues",
        "may send HEAD /repos/acme/site/issues/12",
        "may send GET /repos/acme/site/issues/{number}",
        "nothing else",
    ];
    assert_eq!(words(&learned), expected);
    let names: Vec<&str> = learned.rules().iter().map(connection_rules::Rule::name).collect();
    assert_eq!(names, ["secrets", "comment", "all", "all 2", "all 3", "all 4"]);
    assert!(learned.narrows(&before));
    assert_eq!(Rules::from_value(&learned.to_value()).unwrap(), learned);
    assert_eq!(learned.learn(&made, false), learned, "nothing more is learned from the same requests");
}

#[test]
fn ids_and_names_of_which_four_are_seen_have_a_name() {
    let learned = |paths: &[&str]| {
        let made: Vec<_> = paths.iter().map(|path| made("GET", path)).collect();
        words(&Rules::everything().learn(&made, false))
    };
    let one = |pattern: &str| vec![format!("may send GET {pattern}"), "nothing else".to_owned()];
    assert_eq!(learned(&["/v1/customers/cus_NffrFeUfNV2Hib"]), one("/v1/customers/cus_NffrFeUfNV2Hib"));
    assert_eq!(
        learned(&["/v1/customers/cus_NffrFeUfNV2Hib", "/v1/customers/cus_9s6XKzkNRiz8i3"]),
        one("/v1/customers/{name}")
    );
    assert_eq!(learned(&["/a/site", "/a/docs", "/a/api"]).len(), 4);
    assert_eq!(learned(&["/a/site", "/a/docs", "/a/api", "/a/web"]), one("/a/{name}"));
    let of_two = ["/r/a/1", "/r/a/2", "/r/b/1", "/r/b/3", "/r/c/1", "/r/c/4", "/r/d/1", "/r/d/2"];
    assert_eq!(learned(&of_two), one("/r/{name}/{number}"));
    assert_eq!(learned(&["/a%2Ab%25", "/"]), ["may send GET /", "may send GET /a%2Ab%25", "nothing else"]);
}

#[test]
fn a_rule_with_too_many_paths_is_narrowed_to_its_methods() {
    let before = rules(&json!([{ "name": "read", "path": "/files/**", "effect": "allow" }]));
    let paths = (0..30).map(|depth| format!("/files{}", "/a".repeat(depth)));
    let made: Vec<_> = paths.map(|path| made("GET", &path)).collect();
    assert_eq!(words(&before.learn(&made, false)), ["may send GET /files/**", "nothing else"]);
}

#[test]
fn what_was_refused_is_covered_on_request_alone() {
    let before = rules(&json!([
        { "name": "keys", "path": "/user/keys", "effect": "deny" },
        { "name": "queries", "methods": ["POST"], "path": "/graphql", "graphql": ["query"], "effect": "allow" },
        { "name": "read", "methods": ["GET"], "path": "/issues/**", "effect": "allow" },
    ]));
    let refused = |method, path| made(method, path).refused(true);
    let made = [
        made("GET", "/issues/7"),
        refused("GET", "/user"),
        refused("DELETE", "/issues/7"),
        refused("GET", "/assets").from_origin(true),
        // One rule denies this, and another one is about queries and not about mutations.
        refused("POST", "/user/keys"),
        refused("POST", "/graphql"),
    ];
    let without = before.learn(&made, false);
    assert_eq!(words(&without), ["may not send any method /user/keys", "may send GET /issues/7", "nothing else"]);
    let with = before.learn(&made, true);
    let expected = [
        "may not send any method /user/keys",
        "may send GET /issues/7",
        "may send GET /user",
        "may send GET /assets outside the base address",
        "is asked about before DELETE /issues/7",
        "nothing else",
    ];
    assert_eq!(words(&with), expected);
}

/// Without the rule that asks, the pattern of the later rule would allow what a person was asked about.
#[test]
fn a_rule_that_asks_stays_where_a_narrowed_one_would_allow_what_it_is_about() {
    let before = rules(&json!([
        { "name": "careful", "path": "/issues/7", "effect": "ask" },
        { "name": "all", "path": "/issues/**", "effect": "allow" },
    ]));
    let learned = before.learn(&[made("GET", "/issues/8"), made("GET", "/issues/9")], false);
    assert_eq!(words(&learned)[0], "is asked about before any method /issues/7");
    assert!(learned.narrows(&before));
}

#[test]
fn the_budget_the_end_and_the_release_stay() {
    let value = json!({ "expires": "8h", "budget": { "requests": 5, "per": "1h" }, "release": true, "rule": [
        { "name": "all", "effect": "allow" }
    ] });
    let before = Rules::from_value(&value).unwrap();
    let learned = before.learn(&[made("GET", "/a")], false);
    assert_eq!((learned.expires(), learned.budget()), (before.expires(), before.budget()));
    assert!(learned.releases() && learned != before);
}

#[test]
fn what_can_be_read_in_two_ways_is_no_request() {
    for (method, path) in [("GET", "/a/../b"), ("GET", "/a//b"), ("get", "/a"), ("GET", "/{a}"), ("GET", "/a b")] {
        assert_eq!(MadeRequest::read(method, path, &Profile::strict()), None, "{method} {path}");
    }
}

/// A program that may send everything sends the text of a pattern, so that much stays permitted.
#[test]
fn a_path_that_looks_like_a_pattern_is_none() {
    let learned = Rules::everything().learn(&[made("GET", "/**"), made("GET", "/a/*")], false);
    assert_eq!(words(&learned), ["may send GET /%2A%2A", "may send GET /a/%2A", "nothing else"]);
}

#[test]
fn the_path_of_a_rule_is_taken_for_a_pattern_where_the_record_has_it() {
    let before = rules(&json!([{ "name": "all", "path": "/issues/**", "effect": "allow" }]));
    let pattern = PathPattern::read("/issues/**").unwrap();
    let made = MadeRequest::of_pattern("GET", pattern).unwrap().by(Some("all".to_owned()));
    assert_eq!(words(&before.learn(&[made], false)), ["may send GET /issues/**", "nothing else"]);
}

#[test]
fn without_anything_to_cover_the_rules_stay() {
    let before = rules(&json!([{ "name": "all", "path": "/issues/**", "effect": "allow" }]));
    assert_eq!(before.learn(&[], true), before);
    // The rules were others when this request was sent.
    let former = made("GET", "/user");
    assert!(!before.covers(&former));
    assert_eq!(before.learn(&[former], true), before);
}

fn requests() -> impl Strategy<Value = Vec<(&'static str, String, bool)>> {
    let segment = select(vec!["a", "b", "B", "7", "8", "12", "cus_00000001", "cus_00000002", "d", "e", "f", "%7Bc%7D"]);
    let path = vec(segment, 0..4).prop_map(|segments| format!("/{}", segments.join("/")));
    vec((select(vec!["GET", "HEAD", "POST", "DELETE"]), path, any::<bool>()), 0..40)
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(rounds(128, 10_000)) })]

    /// Learned rules permit nothing new, and what the rules allowed is still allowed.
    #[test]
    fn learned_rules_are_narrower_and_cover_what_was_made(rules in any_rules(), requests in requests()) {
        let requests: Vec<_> = requests
            .iter()
            .filter_map(|(method, path, _)| {
                let head = RequestHead::read(RequestParts::new(*method, path), &Profile::strict()).ok()?;
                let request = head.streamed().ok()?;
                let decision = rules.decide(&request);
                let is_allowed = decision.is_allowed();
                let made = made(method, path).by(decision.rule().map(|rule| rule.name().to_owned()));
                Some((request, made.refused(!is_allowed), is_allowed))
            })
            .collect();
        let made: Vec<_> = requests.iter().map(|(_, made, _)| made.clone()).collect();
        let learned = rules.learn(&made, false);
        prop_assert!(learned.to_value() == Rules::from_value(&learned.to_value()).unwrap().to_value());
        if let Some(difference) = rules.diff(&learned).found() {
            prop_assert!(false, "{difference}: {:?} {:?}", rules.words(), learned.words());
        }
        for (request, _, is_allowed) in &requests {
            prop_assert!(!is_allowed || learned.decide(request).is_allowed(), "{:?} {:?}", request.head().target(), learned.words());
        }
    }
}
