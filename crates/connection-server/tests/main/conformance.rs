//! Checks every answer of the tests against the document: its status, its content type, and each member of its body.

use std::sync::OnceLock;

use connection_core::Role;
use jsonschema::Draft;
use serde_json::{Value, json};

use crate::{http::Answer, test_host::World};

/// The base of all paths of the document.
const BASE: &str = "/api/v1";

/// The document that the server shows, made strict: a member that it does not name fails the check.
static DOCUMENT: OnceLock<Value> = OnceLock::new();

/// Keeps the document for the checks of this process.
pub(crate) fn learn(document: &Value) {
    DOCUMENT.get_or_init(|| {
        let mut document = document.clone();
        for part in ["components", "paths"] {
            close(&mut document[part]);
        }
        document
    });
}

pub(crate) fn is_known() -> bool {
    DOCUMENT.get().is_some()
}

/// Refuses members without a name, wherever a schema describes a value. `unevaluatedProperties` sees through references
/// and through the parts of a composition, which must not have it themselves.
fn close(value: &mut Value) {
    match value {
        Value::Object(members) => {
            for (name, member) in members.iter_mut() {
                match (name.as_str(), &mut *member) {
                    ("properties", Value::Object(properties)) => properties.values_mut().for_each(closed),
                    ("items" | "schema", schema) => closed(schema),
                    _ => {}
                }
                close(member);
            }
        }
        Value::Array(items) => items.iter_mut().for_each(close),
        _ => {}
    }
}

/// Closes a schema, unless it is one for any object.
fn closed(schema: &mut Value) {
    let Some(members) = schema.as_object_mut() else { return };
    let is_composed = ["$ref", "allOf", "oneOf", "properties"].iter().any(|name| members.contains_key(*name));
    if is_composed {
        members.insert("unevaluatedProperties".to_owned(), false.into());
    }
}

/// Returns the operation of a request, with its path as the document writes it.
fn operation<'d>(document: &'d Value, method: &str, path: &str) -> Option<(&'d str, &'d Value)> {
    let path = path.split('?').next().unwrap();
    let fits = |pattern: &str| {
        let is_any = |part: &str| part.starts_with('{');
        pattern.split('/').count() == path.split('/').count()
            && pattern.split('/').zip(path.split('/')).all(|(part, given)| is_any(part) || part == given)
    };
    let (pattern, item) = document["paths"].as_object().unwrap().iter().find(|(pattern, _)| fits(pattern))?;
    Some((pattern, item.get(method.to_lowercase())?))
}

/// Returns the response to which a part of the document refers, or the part itself.
pub(crate) fn resolved<'d>(document: &'d Value, response: &'d Value) -> &'d Value {
    let reference = response["$ref"].as_str().and_then(|reference| reference.strip_prefix('#'));
    reference.map_or(response, |pointer| document.pointer(pointer).unwrap())
}

/// Checks an answer to a request of the API.
#[track_caller]
pub(crate) fn check(method: &str, path: &str, answer: &Answer) {
    let document = DOCUMENT.get().unwrap();
    let Some((pattern, operation)) = operation(document, method, path) else {
        // The document itself, and the refusals of what is not in it.
        let is_document = answer.status == 200 && path == "/api/v1/openapi.json";
        let is_refused = matches!(answer.status, 404 | 405 | 415 | 421)
            && answer.header("content-type") == "application/problem+json";
        assert!(!path.starts_with(BASE) || is_document || is_refused, "{method} {path}: {answer:?}");
        return;
    };
    let response = resolved(document, &operation["responses"][answer.status.to_string()]);
    assert!(
        response.is_object(),
        "{method} {pattern} is answered with a status that is not in the document: {answer:?}"
    );
    for (name, _) in response["headers"].as_object().into_iter().flatten() {
        assert_ne!(answer.header(&name.to_lowercase()), "", "{method} {pattern}: {name} is missing: {answer:?}");
    }
    for name in ["etag", "location", "retry-after", "www-authenticate"] {
        let named =
            response["headers"].as_object().into_iter().flatten().any(|(known, _)| known.to_lowercase() == name);
        assert_eq!(!answer.header(name).is_empty(), named, "{method} {pattern}: {name}: {answer:?}");
    }
    let Some(content) = response["content"].as_object() else {
        assert_eq!(answer.body, "", "{method} {pattern}");
        return;
    };
    let schema =
        &content.get(answer.header("content-type")).unwrap_or_else(|| panic!("{pattern}: {answer:?}"))["schema"];
    let schema = json!({ "allOf": [schema], "components": document["components"] });
    let validator = jsonschema::options().with_draft(Draft::Draft202012).build(&schema).unwrap();
    let body = answer.json();
    let faults: Vec<_> =
        validator.iter_errors(&body).map(|fault| format!("{}: {fault}", fault.instance_path())).collect();
    assert!(faults.is_empty(), "{method} {pattern} is answered with {body:#}\n{}", faults.join("\n"));
}

/// Returns `true` if the check accepts an answer to `GET /me`.
fn accepts(status: u16, body: &Value) -> bool {
    let head = format!("HTTP/1.1 {status} X\r\ncontent-type: application/json\r\n\r\n");
    let answer = Answer { status, head, body: body.to_string() };
    std::panic::catch_unwind(|| check("GET", "/api/v1/me?x=y", &answer)).is_ok()
}

/// Without this, the check above could accept everything.
#[tokio::test]
async fn an_answer_that_the_document_does_not_describe_fails() {
    let world = World::new().await;
    let token = world.token(Role::Read, None).await;
    let me = world.get(&token, "/me").await.ok(200);
    assert!(accepts(200, &me));
    assert!(!accepts(201, &me), "another status");
    let changed = |change: &dyn Fn(&mut Value)| {
        let mut body = me.clone();
        change(&mut body);
        body
    };
    assert!(!accepts(200, &changed(&|me| me["more"] = json!(1))), "an unknown member");
    assert!(!accepts(200, &changed(&|me| me["host"]["more"] = json!(1))), "an unknown member of a member");
    assert!(!accepts(200, &changed(&|me| me["role"] = json!("king"))), "an unknown word");
    assert!(!accepts(200, &changed(&|me| drop(me.as_object_mut().unwrap().remove("owner")))), "a member is missing");
}
