//! The decision: order, letters, and bodies that must be read.

use connection_rules::{Decision, Effect, Profile, RequestHead, RequestParts, Rules};

use crate::common::{rules, sent};

#[test]
fn the_first_rule_that_matches_decides() {
    let rules = rules(
        r#"{"rule":[
            {"name":"one","methods":["GET"],"path":"/a/{x}","effect":"ask"},
            {"name":"two","path":"/a/**","effect":"allow"},
            {"name":"three","path":"/a/b","effect":"deny"}]}"#,
    );
    assert_eq!(sent("GET /a/b").outcome(&rules), "ask: one");
    assert_eq!(sent("PUT /a/b").outcome(&rules), "allow: two");
    assert_eq!(sent("GET /a/b/c").outcome(&rules), "allow: two");
    assert_eq!(sent("GET /b").outcome(&rules), "deny");
}

#[test]
fn no_rules_deny_everything() {
    let none = rules(r#"{"rule":[]}"#);
    assert_eq!(sent("GET /").outcome(&none), "deny");
    assert_eq!(none.words(), ["may send nothing"]);
}

#[test]
fn a_name_matches_one_segment_and_stars_match_the_rest() {
    let check = |pattern: &str, path: &str, is_met: bool| {
        let text = format!(r#"{{"rule":[{{"name":"r","path":"{pattern}","effect":"allow"}}]}}"#);
        let expected = if is_met { "allow: r" } else { "deny" };
        assert_eq!(sent(&format!("GET {path}")).outcome(&rules(&text)), expected, "{pattern} {path}");
    };
    for (pattern, path, is_met) in [
        ("/", "/", true),
        ("/", "/a", false),
        ("/**", "/", true),
        ("/**", "/a/b/", true),
        ("/a", "/a", true),
        ("/a", "/a/", false),
        ("/a/", "/a/", true),
        ("/a/", "/a", false),
        ("/{x}", "/", false),
        ("/{x}", "/a", true),
        ("/{x}", "/a/b", false),
        ("/a/{x}/c", "/a/b/c", true),
        ("/a/{x}/c", "/a/b/d", false),
        ("/a/**", "/a", true),
        ("/a/**", "/a/b/c", true),
        ("/a/**", "/ab", false),
        ("/%7Bx%7D", "/%7bx%7d", true),
        ("/%7Bx%7D", "/a", false),
        ("/a%2Ab", "/a*b", true),
    ] {
        check(pattern, path, is_met);
    }
}

#[test]
fn a_body_is_wanted_only_if_a_rule_that_can_match_looks_at_it() {
    let rules = rules(
        r#"{"rule":[
            {"name":"files","path":"/files/**","effect":"allow"},
            {"name":"small","path":"/a/**","body":{"max":"4 KiB","deny":["/x"]},"effect":"allow"},
            {"name":"large","path":"/a/b","body":{"max":"8 KiB","deny":["/x"]},"effect":"ask"},
            {"name":"third","path":"/a/b","body":{"max":"2 KiB","deny":["/x"]},"effect":"ask"},
            {"name":"length","path":"/c","body":{"max":"2 KiB"},"effect":"allow"},
            {"name":"text","path":"/d","body":{"media":["text/plain"],"max":"2 KiB"},"effect":"allow"}]}"#,
    );
    let wanted = |path: &str, media: &str, length: Option<u64>| {
        let parts = RequestParts::new("POST", path).header("content-type", media).body_length(length);
        rules.wants_body(&RequestHead::read(parts, &Profile::strict()).unwrap())
    };
    let json = "application/json";
    assert_eq!(wanted("/files/a", json, None), None);
    assert_eq!(wanted("/a/c", json, None), Some(4 << 10));
    assert_eq!(wanted("/a/b", json, None), Some(8 << 10));
    assert_eq!(wanted("/a/b", json, Some(8 << 10)), Some(8 << 10));
    assert_eq!(wanted("/a/b", json, Some((8 << 10) + 1)), None);
    assert_eq!(wanted("/a/b", json, Some(0)), None);
    assert_eq!(wanted("/c", json, Some(1)), None);
    assert_eq!(wanted("/c", json, None), Some(2 << 10));
    assert_eq!(wanted("/d", json, None), None);
    assert_eq!(wanted("/e", json, None), None);
    assert_eq!(wanted("/e", "application/x-www-form-urlencoded", None), Some(1 << 20));
}

#[test]
fn a_body_that_is_too_long_for_one_rule_can_match_a_later_one() {
    let rules = rules(
        r#"{"rule":[
            {"name":"small","body":{"media":["application/json"],"max":"1 KiB"},"effect":"allow"},
            {"name":"large","body":{"media":["application/json"],"max":"2 KiB"},"effect":"ask"}]}"#,
    );
    let post = |length: usize| sent("POST /").json(&" ".repeat(length));
    assert_eq!(post(1024).outcome(&rules), "allow: small");
    assert_eq!(post(1025).outcome(&rules), "ask: large");
    assert_eq!(post(2049).outcome(&rules), "deny");
}

#[test]
fn a_rule_does_not_look_at_a_body_that_is_longer_than_its_limit() {
    let rules = rules(
        r#"{"rule":[
            {"name":"gate","body":{"max":"1 KiB","deny":["/x"]},"effect":"deny"},
            {"name":"rest","body":{"max":"4 KiB","deny":["/y"]},"effect":"allow"}]}"#,
    );
    let post = |length: usize| sent("POST /").json(&format!("{:<length$}", r#"{"x":1}"#));
    assert_eq!(post(100).outcome(&rules), "allow: rest");
    assert_eq!(post(2000).outcome(&rules), "deny: gate");
    let documents = self::rules(
        r#"{"rule":[
            {"name":"changes","graphql":["mutation"],"body":{"max":"1 KiB"},"effect":"ask"},
            {"name":"rest","body":{"max":"4 KiB","deny":["/y"]},"effect":"allow"}]}"#,
    );
    let query = |length: usize| sent("POST /").json(&format!("{:<length$}", r#"{"query":"{ a }"}"#));
    assert_eq!(query(100).outcome(&documents), "allow: rest");
    assert_eq!(query(2000).outcome(&documents), "deny: changes");
}

#[test]
fn a_rule_that_denies_matches_one_ending_of_a_segment() {
    let rules = rules(r#"{"rule":[{"name":"d","path":"/keys","effect":"deny"},{"name":"a","effect":"allow"}]}"#);
    for (path, expected) in [
        ("/keys.json", "deny: d"),
        ("/keys.", "deny: d"),
        ("/keys.delete", "deny: d"),
        ("/keys.list.all", "allow: a"),
        ("/keyss", "allow: a"),
        ("/%20keys%20;a=b", "deny: d"),
    ] {
        assert_eq!(sent(&format!("GET {path}")).outcome(&rules), expected, "{path}");
    }
}

#[test]
fn a_body_of_another_length_than_the_head_says_is_refused() {
    let parts = RequestParts::new("POST", "/").header("content-type", "application/json").body_length(Some(3));
    let head = RequestHead::read(parts, &Profile::strict()).unwrap();
    let refused = head.with_body(b"{}".to_vec()).unwrap_err();
    assert_eq!(refused.to_string(), "the body has another length than the head says; send it whole");
}

#[test]
fn everything_is_allowed_if_no_rule_before_denies_or_asks() {
    assert!(Rules::everything().is_everything());
    let after_deny = rules(r#"{"rule":[{"name":"a","path":"/a","effect":"deny"},{"name":"b","effect":"allow"}]}"#);
    assert!(!after_deny.is_everything());
    let after_allow = rules(r#"{"rule":[{"name":"a","path":"/a","effect":"allow"},{"name":"b","effect":"allow"}]}"#);
    assert!(after_allow.is_everything());
    let upgrade = || sent("GET /").header("upgrade", "websocket");
    assert_eq!(upgrade().outcome(&Rules::everything()), "allow: everything");
    assert_eq!(upgrade().outcome(&after_deny), "deny");
    assert_eq!(upgrade().outcome(&after_allow), "allow: b");
}

#[test]
fn the_preset_of_a_kind_that_says_nothing_asks_about_reads() {
    let ask = Rules::ask();
    assert_eq!(sent("GET /user").outcome(&ask), "ask: reads");
    assert_eq!(sent("HEAD /user").outcome(&ask), "ask: reads");
    assert_eq!(sent("POST /user").json("{}").outcome(&ask), "deny");
    assert!(!ask.is_everything());
}

#[test]
fn a_denial_says_what_can_be_done() {
    let remedy = |text: &str, sent: crate::common::Sent| {
        let head = RequestHead::read(sent.parts, &sent.profile).unwrap();
        let request = head.with_body(sent.body).unwrap();
        let rules = rules(text);
        let Decision::Deny { remedy, .. } = rules.decide(&request) else { panic!("the request is not denied") };
        remedy.to_string()
    };
    let gate = r#"{"rule":[{"name":"changes","graphql":["mutation"],"effect":"ask"}]}"#;
    assert_eq!(
        remedy(gate, sent("POST /").json("{\"query\":1,\"query\":2}")),
        "the rule \"changes\" may be about this request, and it cannot be compared because the body is not JSON in \
         UTF-8 without a key that occurs twice; send the request in a form that the rule can read"
    );
    let none = "no rule is about this request; ask for a rule that is";
    assert_eq!(remedy(gate, sent("POST /").json("{\"query\":\"{a}\"}")), none);
}

#[test]
fn effects_have_an_order() {
    let mut effects = [Effect::Allow, Effect::Deny, Effect::Ask];
    effects.sort_unstable();
    assert_eq!(effects.map(Effect::as_str), ["deny", "ask", "allow"]);
}
