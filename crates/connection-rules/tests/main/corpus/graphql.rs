//! GraphQL requests of the corpus.

use serde_json::json;

use super::Entry;
use crate::common::{Sent, sent};

const QUERIES: &str = r#"{"rule":[{"name":"queries","path":"/graphql","graphql":["query"],"effect":"allow"}]}"#;
const GATED: &str = r#"{"rule":[
    {"name":"changes","path":"/graphql","graphql":["mutation","subscription"],"effect":"ask"},
    {"name":"rest","path":"/graphql","effect":"allow"}]}"#;

fn document(text: &str) -> Sent {
    sent("POST /graphql").json(&json!({ "query": text }).to_string())
}

fn value(value: &serde_json::Value) -> Sent {
    sent("POST /graphql").json(&value.to_string())
}

pub(super) fn allowed() -> Vec<Entry> {
    let named = json!({ "query": "query A { a } mutation B { b }", "operationName": "A" });
    let stored = json!({ "query": "{ a }", "extensions": { "persistedQuery": { "sha256Hash": "a" } } });
    vec![
        (246, QUERIES, document("{ viewer { login } }"), "allow: queries"),
        (247, QUERIES, document("query Q($a: Int = 1) @x { a(b: $a) }"), "allow: queries"),
        (248, QUERIES, document("mutation { addStar(id: 1) { id } }"), "deny"),
        (249, QUERIES, document("subscription { added { id } }"), "deny"),
        (250, QUERIES, value(&named), "deny"),
        (251, QUERIES, document("fragment F on A { b } mutation M { ...F }"), "deny"),
        (252, QUERIES, document("query Q { ...F } fragment F on Query { mutation }"), "allow: queries"),
        (253, QUERIES, document("fragment F on Mutation { b }"), "deny"),
        (254, QUERIES, document("# { a }\rmutation { b }"), "deny"),
        (255, QUERIES, document("{ a(t: \"\"\" \\\"\"\" mutation { b } \"\"\") }"), "allow: queries"),
        (256, QUERIES, document("\u{feff}mutation { b }"), "deny"),
        (257, QUERIES, document(",,,mutation{b}"), "deny"),
        (258, QUERIES, document("{ a } mutation { b"), "deny"),
        (259, QUERIES, document("{ a } extend type Query { b: Int }"), "deny"),
        (260, QUERIES, value(&json!([{ "query": "{ a }" }, { "query": "mutation { b }" }])), "deny"),
        (261, QUERIES, value(&json!([{ "query": "{ a }" }])), "deny"),
        (262, QUERIES, value(&stored), "deny"),
        (263, QUERIES, value(&json!({ "extensions": { "persistedQuery": {} } })), "deny"),
        (264, QUERIES, value(&json!({ "query": "{ a }", "doc_id": "7" })), "deny"),
        (265, QUERIES, value(&json!({ "query": "{ a }", "Query": "mutation { b }" })), "deny"),
        (266, QUERIES, value(&json!({ "query": ["{ a }"] })), "deny"),
        (
            267,
            QUERIES,
            value(&json!({ "query": "{ a }", "variables": { "x": 1 }, "operationName": null })),
            "allow: queries",
        ),
        (268, QUERIES, sent("GET /graphql?query=mutation%7Bb%7D"), "deny"),
        (269, QUERIES, sent("POST /graphql?query=mutation%7Bb%7D").json("{\"query\":\"{a}\"}"), "deny"),
        (270, QUERIES, sent("POST /graphql").body("application/graphql", "{ a }"), "deny"),
        (271, QUERIES, document(&format!("{}a{}", "{ a ".repeat(2000), "}".repeat(2000))), "deny"),
    ]
}

pub(super) fn gated() -> Vec<Entry> {
    let gzip = sent("POST /graphql").json("{\"query\":\"{a}\"}").header("content-encoding", "gzip");
    vec![
        (272, GATED, document("{ a }"), "allow: rest"),
        (273, GATED, document("mutation { b }"), "ask: changes"),
        (274, GATED, document("query A { a } mutation B { b }"), "ask: changes"),
        (275, GATED, value(&json!([{ "query": "mutation { b }" }])), "deny: changes"),
        (276, GATED, sent("GET /graphql?query=mutation%7Bb%7D"), "deny: changes"),
        (277, GATED, sent("GET /graphql?Query=mutation%7Bb%7D"), "deny: changes"),
        (278, GATED, sent("POST /graphql").body("text/plain", "{\"query\":\"mutation{b}\"}"), "deny: changes"),
        (279, GATED, gzip, "deny: changes"),
        (280, GATED, sent("POST /graphql").json("{\"query\":\"{a}\",\"query\":\"mutation{b}\"}"), "deny: changes"),
        (281, GATED, value(&json!({ "id": "7" })), "deny: changes"),
        (282, GATED, sent("POST /GraphQL/").json("{\"query\":\"mutation{b}\"}"), "ask: changes"),
        (283, GATED, sent("GET /graphql"), "allow: rest"),
    ]
}
