//! The OpenAPI document says what the routes are.

use std::collections::BTreeSet;

use connection_core::Role;
use serde_json::Value;

use crate::test_host::World;

/// Every operation of the API.
const OPERATIONS: &[&str] = &[
    "DELETE /connections/{id}",
    "DELETE /setups/{id}",
    "DELETE /tokens/{id}",
    "GET /connections",
    "GET /connections/{id}",
    "GET /connections/{id}/events",
    "GET /connections/{id}/removal",
    "GET /events",
    "GET /kinds",
    "GET /kinds/{kind}",
    "GET /live",
    "GET /me",
    "GET /setups",
    "GET /setups/{id}",
    "GET /system",
    "GET /tokens",
    "PATCH /connections/{id}",
    "POST /connections/{id}/default",
    "POST /connections/{id}/reauthorize",
    "POST /connections/{id}/refresh",
    "POST /connections/{id}/rollback",
    "POST /connections/{id}/verify",
    "POST /page-tokens",
    "POST /setups",
    "POST /setups/{id}/answers",
    "POST /setups/{id}/confirm",
    "POST /setups/{id}/resume",
    "POST /tokens",
];

pub(crate) async fn document(world: &World) -> Value {
    world.send(&world.request("GET", "/openapi.json")).await.ok(200)
}

/// Returns the operations of a document, as `METHOD /path` below the base.
pub(crate) fn operations(document: &Value) -> BTreeSet<String> {
    let paths = document["paths"].as_object().unwrap().iter();
    let of_path = |(path, item): (&String, &Value)| {
        let path = path.strip_prefix("/api/v1").unwrap().to_owned();
        let methods = item.as_object().unwrap().keys().cloned().collect::<Vec<_>>();
        methods.into_iter().map(move |method| format!("{} {path}", method.to_uppercase()))
    };
    paths.flat_map(of_path).collect()
}

#[tokio::test]
async fn the_document_lists_the_operations_of_the_routes_and_no_others() {
    let world = World::new().await;
    let document = document(&world).await;
    assert_eq!(document["openapi"], "3.1.0");
    let listed = operations(&document);
    assert_eq!(listed, OPERATIONS.iter().map(|operation| (*operation).to_owned()).collect());
    let token = world.token(Role::Admin, None).await;
    for operation in &listed {
        let (method, path) = operation.split_once(' ').unwrap();
        if path == "/live" {
            continue;
        }
        let path = path.replace("{id}", "00000000-0000-0000-0000-000000000000").replace("{kind}", "acme");
        // Without a token, a route that exists refuses the caller, and one that does not exist is not found.
        let request = world.request(method, &path).json(&serde_json::json!({}));
        let status = world.send(&request).await.status;
        let refuses = if path == "/page-tokens" { 422 } else { 401 };
        assert_eq!(status, refuses, "{operation}");
        assert_ne!(world.send(&request.bearer(&token)).await.status, 405, "{operation}");
    }
    assert_eq!(world.get(&token, "/nothing").await.status, 404);
}

#[tokio::test]
async fn every_reference_in_the_document_leads_to_a_schema_and_every_operation_says_how_it_refuses() {
    let world = World::new().await;
    let document = document(&world).await;
    let text = document.to_string();
    let references = text.split("\"$ref\":\"#/components/schemas/").skip(1);
    let mut found = 0;
    for reference in references {
        let name = reference.split('"').next().unwrap();
        assert!(document["components"]["schemas"].get(name).is_some(), "{name}");
        found += 1;
    }
    assert!(found > 20, "{found}");
    for (path, item) in document["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap() {
            let problem = &operation["responses"]["default"]["content"]["application/problem+json"];
            assert!(problem["schema"].is_object(), "{method} {path}");
            let is_open = path == "/api/v1/page-tokens";
            assert_eq!(operation["security"][0].get("token").is_none(), is_open, "{method} {path}");
        }
    }
}
