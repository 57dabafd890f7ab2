//! Measures the cost of a decision with 50 rules, of reading a head, and of comparing two rule sets:
//! `cargo bench -p connection-rules`.
//!
//! A decision takes at most 2 µs on a machine of our continuous integration.

#![expect(clippy::unwrap_used, reason = "what fails here fails the run")]

use connection_rules::{Decision, Diff, Profile, Request, RequestHead, RequestParts, Rules};
use divan::{Bencher, black_box};
use serde_json::json;

fn main() {
    divan::main();
}

/// Returns 50 rules with the same beginning, of which the last one allows the request.
fn fifty(name: &str, last: &str) -> Rules {
    let rules = (0..50).map(|index| {
        let resource = if index == 49 { "issues".to_owned() } else { format!("resource-{index}") };
        let effect = if index == 49 { last } else { ["allow", "ask", "deny"][index % 3] };
        json!({
            "name": format!("{name} {index}"),
            "methods": ["GET", "HEAD"],
            "path": format!("/repos/acme/{{repo}}/{resource}/**"),
            "effect": effect,
        })
    });
    Rules::from_value(&json!({ "rule": rules.collect::<Vec<_>>() })).unwrap()
}

fn parts() -> RequestParts {
    RequestParts::new("GET", "/repos/acme/site/issues/7/comments?per_page=100&sort=created")
        .header("accept", "application/json")
        .header("user-agent", "octokit/22")
        .header("x-request-id", "5a1f")
}

fn request() -> Request {
    RequestHead::read(parts(), &Profile::strict()).unwrap().streamed().unwrap()
}

#[divan::bench]
fn decide_with_50_rules(bencher: Bencher<'_, '_>) {
    let (rules, request) = (fifty("rule", "allow"), request());
    assert!(matches!(rules.decide(&request), Decision::Allow { .. }));
    bencher.bench(|| black_box(&rules).decide(black_box(&request)).effect());
}

#[divan::bench]
fn read_a_head(bencher: Bencher<'_, '_>) {
    let profile = Profile::strict();
    bencher.with_inputs(parts).bench_values(|parts| RequestHead::read(parts, &profile).unwrap());
}

#[divan::bench]
fn read_and_decide_a_graphql_document(bencher: Bencher<'_, '_>) {
    let rule = json!({ "name": "queries", "path": "/graphql", "graphql": ["query"], "effect": "allow" });
    let rules = Rules::from_value(&json!({ "rule": [rule] })).unwrap();
    let body = json!({ "query": "query Q($a: Int!) { viewer { repositories(first: $a) { nodes { name url } } } }" });
    let body = body.to_string().into_bytes();
    bencher.bench(|| {
        let parts = RequestParts::new("POST", "/graphql")
            .header("content-type", "application/json")
            .body_length(Some(body.len() as u64));
        let request = RequestHead::read(parts, &Profile::strict()).unwrap().with_body(body.clone()).unwrap();
        assert!(rules.decide(&request).is_allowed());
    });
}

#[divan::bench]
fn compare_two_sets_of_50_rules(bencher: Bencher<'_, '_>) {
    let (before, after) = (fifty("before", "allow"), fifty("after", "allow"));
    assert!(matches!(before.diff(&after), Diff::None));
    bencher.bench(|| black_box(&before).diff(black_box(&after)));
}
