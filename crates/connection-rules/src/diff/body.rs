//! One request of each class of methods, places, upgrades and bodies.

use std::collections::HashSet;

use serde_json::{Value, json};

use crate::{
    decision::is_listed,
    diff::member::other_case,
    graphql::Operation,
    json_rpc::{RESPONSE, TOOL_CALL, message},
    media::{FORM, MULTIPART_FORM, is_json},
    rules::{FORM_LIMIT, Rule, Rules},
};

/// The parts of a request that are chosen before the path, the parameters and the members of a body.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Skeleton {
    pub(super) method: String,
    pub(super) is_outside: bool,
    pub(super) upgrade: Option<String>,
    /// `true` if the address has a GraphQL document.
    pub(super) has_document: bool,
    pub(super) body: Body,
}

/// A class of bodies.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Body {
    None,
    /// A form, which is always read. A length stands for one that is longer than its fields.
    Form {
        length: Option<u64>,
    },
    /// JSON that was read. A length stands for one that is longer than its value.
    Json {
        media: String,
        value: Value,
        length: Option<u64>,
    },
    /// A body that was not read, with its length if it is known.
    Streamed {
        media: String,
        length: Option<u64>,
    },
}

/// A length below every limit that a rule can name.
pub(super) const SHORT: u64 = 100;

/// Returns one skeleton of each class that the rules tell apart.
pub(super) fn skeletons(sets: [&Rules; 2]) -> Vec<Skeleton> {
    let rules: Vec<&Rule> = sets.iter().flat_map(|set| set.rules()).collect();
    let places = if rules.iter().any(|rule| rule.is_from_origin) { &[false, true][..] } else { &[false] };
    let has_upgrade = rules.iter().any(|rule| rule.upgrade.is_some()) || sets.iter().any(|set| set.is_everything());
    let upgrades = if has_upgrade { &[None, Some("websocket")][..] } else { &[None] };
    let has_graphql = rules.iter().any(|rule| rule.graphql.is_some());
    let documents = if has_graphql { &[false, true][..] } else { &[false] };
    let bodies = bodies(&rules);
    let mut skeletons = Vec::new();
    for method in methods(&rules) {
        for is_outside in places.iter().copied() {
            for upgrade in upgrades.iter().map(|upgrade| upgrade.map(str::to_owned)) {
                for has_document in documents.iter().copied() {
                    skeletons.extend(bodies.iter().map(|body| Skeleton {
                        method: method.clone(),
                        is_outside,
                        upgrade: upgrade.clone(),
                        has_document,
                        body: body.clone(),
                    }));
                }
            }
        }
    }
    skeletons
}

/// Returns the methods that rules name, and one that no rule names.
fn methods(rules: &[&Rule]) -> Vec<String> {
    let mut named: Vec<String> = rules.iter().filter_map(|rule| rule.methods.clone()).flatten().collect();
    named.sort_unstable();
    named.dedup();
    let known = ["GET", "POST", "DELETE", "PUT", "PATCH"].map(str::to_owned);
    let numbered = (0..).map(|number| format!("METHOD-{number}"));
    let other = known.into_iter().chain(numbered).find(|method| !named.contains(method));
    named.extend(other);
    classes(named, |method| {
        rules.iter().map(|rule| rule.methods.as_ref().is_some_and(|methods| methods.contains(method))).collect()
    })
}

/// Returns the first item of each class. Items belong to one class if they have the same signature.
fn classes<T>(items: Vec<T>, signature: impl Fn(&T) -> Vec<bool>) -> Vec<T> {
    let mut seen = HashSet::new();
    items.into_iter().filter(|item| seen.insert(signature(item))).collect()
}

fn bodies(rules: &[&Rule]) -> Vec<Body> {
    let mut limits: Vec<u64> = Vec::new();
    let mut media: Vec<String> = Vec::new();
    for rule in rules {
        if rule.reads_json() || rule.body.as_ref().is_some_and(|body| body.max.is_some()) {
            limits.push(rule.body_limit());
        }
        media.extend(rule.body.iter().filter_map(|body| body.media.clone()).flatten());
    }
    for other in ["application/json", MULTIPART_FORM, "application/octet-stream", "application/x-other"] {
        media.push(other.to_owned());
    }
    limits.sort_unstable();
    limits.dedup();
    media.sort_unstable();
    media.dedup();
    let lists: Vec<&Vec<String>> = rules.iter().filter_map(|rule| rule.body.as_ref()?.media.as_ref()).collect();
    let media = classes(media, |media| {
        let kinds = [media == FORM, is_json(media), media == MULTIPART_FORM];
        kinds.into_iter().chain(lists.iter().map(|list| list.contains(media))).collect()
    });
    let lengths: Vec<Option<u64>> =
        [Some(SHORT)].into_iter().chain(limits.iter().map(|limit| Some(limit + 1))).chain([None]).collect();
    let mut bodies = vec![Body::None, Body::Form { length: None }];
    let longer = limits.iter().map(|limit| limit + 1).filter(|length| *length <= FORM_LIMIT);
    bodies.extend(longer.map(|length| Body::Form { length: Some(length) }));
    for media in media.iter().filter(|media| *media != FORM) {
        bodies.extend(lengths.iter().map(|length| Body::Streamed { media: media.clone(), length: *length }));
        if !is_json(media) {
            continue;
        }
        for value in values(rules) {
            // A body that was read has a length that is known.
            let read = [None].into_iter().chain(limits.iter().map(|limit| Some(limit + 1)));
            bodies.extend(read.map(|length| Body::Json { media: media.clone(), value: value.clone(), length }));
        }
    }
    bodies
}

/// Returns one JSON value of each class, without the members that rules deny.
fn values(rules: &[&Rule]) -> Vec<Value> {
    if !rules.iter().any(|rule| rule.reads_json()) {
        return Vec::new();
    }
    let mut values = vec![json!({}), json!([])];
    if rules.iter().any(|rule| rule.graphql.is_some()) {
        values.extend((1..8_u8).map(|set| json!({ "query": document(set) })));
    }
    if rules.iter().any(|rule| rule.json_rpc.is_some()) {
        let messages = messages(rules);
        values.extend(messages.iter().cloned());
        values.extend(messages.into_iter().map(|message| json!([message])));
    }
    values
}

/// Returns a document with the operations whose bits are set.
fn document(set: u8) -> String {
    let is_set = |index: &usize| set & (1 << index) != 0;
    let operations = Operation::ALL.iter().enumerate().filter(|(index, _)| is_set(index));
    let texts: Vec<String> = operations.map(|(index, kind)| format!("{} Q{index} {{ a }}", kind.as_str())).collect();
    texts.join(" ")
}

fn messages(rules: &[&Rule]) -> Vec<Value> {
    let mut methods: Vec<String> = vec!["another/method".to_owned()];
    let mut tools: Vec<String> = vec!["another_tool".to_owned()];
    for condition in rules.iter().filter_map(|rule| rule.json_rpc.as_ref()) {
        methods.extend(condition.methods.iter().filter(|m| *m != TOOL_CALL && *m != RESPONSE).cloned());
        tools.extend(condition.tools.iter().flatten().cloned());
    }
    // A rule that denies or asks also matches another letter case.
    let with_case = |mut texts: Vec<String>| {
        texts.sort_unstable();
        texts.dedup();
        let others: Vec<String> = texts.iter().filter_map(|text| other_case(text, &texts)).collect();
        texts.extend(others);
        texts
    };
    let methods = with_case(methods).into_iter().filter(|method| method != TOOL_CALL && method != RESPONSE);
    let mut messages: Vec<Value> =
        methods.map(|method| json!({ "jsonrpc": "2.0", "method": method, "id": 1 })).collect();
    messages.extend(
        with_case(tools)
            .into_iter()
            .map(|tool| json!({ "jsonrpc": "2.0", "method": TOOL_CALL, "id": 1, "params": { "name": tool } })),
    );
    messages.push(json!({ "jsonrpc": "2.0", "id": 1, "result": {} }));
    classes(messages, |value| {
        let conditions = rules.iter().filter_map(|rule| Some((rule.json_rpc.as_ref()?, rule.is_loose())));
        let is_met = |(condition, is_loose)| message(value).is_some_and(|given| is_listed(condition, given, is_loose));
        conditions.map(is_met).collect()
    })
}
