//! The OpenAPI document says what the routes are.

use std::collections::BTreeSet;

use connection_core::Role;
use serde_json::Value;

use crate::{conformance::resolved, test_host::World};

/// Every operation of the API.
const OPERATIONS: &[&str] = &[
    "DELETE /agents/{name}",
    "DELETE /agents/{name}/grants/{connection}",
    "DELETE /agents/{name}/tokens/{id}",
    "DELETE /connections/{id}",
    "DELETE /connections/{id}/webhook",
    "DELETE /extensions/{name}",
    "DELETE /extensions/{name}/grants/{connection}",
    "DELETE /freezes/{what}",
    "DELETE /kinds/{kind}/client",
    "DELETE /profiles/{id}",
    "DELETE /setups/{id}",
    "DELETE /tokens/{id}",
    "GET /agents",
    "GET /agents/{name}",
    "GET /appearance",
    "GET /connections",
    "GET /connections/{id}",
    "GET /connections/{id}/events",
    "GET /connections/{id}/files",
    "GET /connections/{id}/files/content",
    "GET /connections/{id}/health",
    "GET /connections/{id}/removal",
    "GET /connections/{id}/usage",
    "GET /connections/{id}/webhook",
    "GET /connections/{id}/webhook/deliveries",
    "GET /deliveries",
    "GET /events",
    "GET /extensions",
    "GET /extensions/{name}",
    "GET /extensions/{name}/hand-off/{ticket}",
    "GET /extensions/{name}/preferences",
    "GET /extensions/{name}/resolved",
    "GET /approvals",
    "GET /approvals/{id}",
    "GET /freezes",
    "GET /kinds",
    "GET /kinds/{kind}",
    "GET /kinds/{kind}/accept",
    "GET /live",
    "GET /me",
    "GET /owner",
    "GET /profiles",
    "GET /profiles/{id}",
    "GET /setups",
    "GET /setups/{id}",
    "GET /system",
    "GET /tokens",
    "GET /usage",
    "GET /uses",
    "GET /uses/{id}",
    "PATCH /connections/{id}",
    "PATCH /profiles/{id}",
    "POST /agents",
    "GET /agents/{name}/grants/{connection}/learned",
    "POST /agents/{name}/grants/{connection}/explain",
    "POST /agents/{name}/grants/{connection}/preview",
    "POST /agents/{name}/tokens",
    "POST /connections/{id}/default",
    "POST /connections/{id}/reauthorize",
    "POST /connections/{id}/refresh",
    "POST /connections/{id}/rollback",
    "POST /connections/{id}/send",
    "POST /connections/{id}/usage",
    "POST /connections/{id}/verify",
    "POST /connections/{id}/webhook",
    "POST /connections/{id}/webhook/end-grace",
    "POST /connections/{id}/webhook/handshake",
    "POST /connections/{id}/webhook/key",
    "POST /connections/{id}/webhook/reveal",
    "POST /connections/{id}/webhook/test",
    "POST /consents",
    "POST /consents/read",
    "POST /consents/refuse",
    "POST /deliveries/{id}/retry",
    "POST /doctor",
    "POST /extensions",
    "POST /extensions/{name}/connections/{requirement}/send",
    "POST /extensions/{name}/grants",
    "POST /extensions/{name}/hand-off",
    "POST /approvals/{id}/approve",
    "POST /approvals/{id}/refuse",
    "POST /freezes",
    "POST /imports",
    "POST /kinds/{kind}/accept",
    "POST /page-tokens",
    "POST /profiles",
    "POST /profiles/{id}/slots",
    "POST /setup-links",
    "POST /setups",
    "POST /setups/{id}/answers",
    "POST /setups/{id}/confirm",
    "POST /setups/{id}/resume",
    "POST /tokens",
    "POST /uses/erase",
    "PUT /agents/{name}/grants/{connection}",
    "PUT /connections/{id}/tags",
    "PUT /extensions/{name}/choice",
    "PUT /extensions/{name}/preferences",
    "PUT /owner",
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
        let path = path.replace("{name}", "issues").replace("{connection}", "x").replace("{ticket}", "x");
        let path = path.replace("{requirement}", "default");
        // Without a token, a route that exists refuses the caller, and one that does not exist is not found.
        let request = world.request(method, &path).json(&serde_json::json!({}));
        let status = world.send(&request).await.status;
        let expected = match &*path {
            "/appearance" => 200,
            "/page-tokens" => 422,
            _ => 401,
        };
        assert_eq!(status, expected, "{operation}");
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
            let responses = operation["responses"].as_object().unwrap();
            let refusals: Vec<_> = responses.iter().filter(|(status, _)| !status.starts_with('2')).collect();
            for (status, refusal) in &refusals {
                let refusal = resolved(&document, refusal);
                let schema = &refusal["content"]["application/problem+json"]["schema"];
                assert_eq!(schema["$ref"], "#/components/schemas/Problem", "{method} {path} {status}");
            }
            let has = |status: &str| responses.contains_key(status);
            let is_open = ["/api/v1/appearance", "/api/v1/page-tokens"].contains(&&**path);
            assert_eq!(operation["security"][0].get("token").is_none(), is_open, "{method} {path}");
            assert_eq!((has("401"), has("429")), (!is_open, !is_open), "{method} {path}");
            assert_eq!(has("415"), method != "get", "{method} {path}");
            assert!(["403", "413", "421", "500", "503"].into_iter().all(has), "{method} {path}");
            assert!(!has("default"), "{method} {path} says nothing about its statuses");
        }
    }
}

#[tokio::test]
async fn a_path_refuses_the_methods_that_the_document_does_not_name() {
    let world = World::new().await;
    let document = document(&world).await;
    let token = world.token(Role::Admin, None).await;
    let mut refused = 0;
    for (path, item) in document["paths"].as_object().unwrap() {
        for method in ["GET", "POST", "PUT", "PATCH", "DELETE"] {
            if item.get(method.to_lowercase()).is_some() {
                continue;
            }
            let path = path.strip_prefix("/api/v1").unwrap().replace(['{', '}'], "");
            let request = world.request(method, &path).bearer(&token).json(&serde_json::json!({}));
            let answer = world.send(&request).await;
            assert_eq!(answer.refusal(), (405, "method_not_allowed".into()), "{method} {path}: {answer:?}");
            let allowed: BTreeSet<_> = answer.header("allow").split(',').map(str::to_lowercase).collect();
            let mut named: BTreeSet<_> = item.as_object().unwrap().keys().cloned().collect();
            if named.contains("get") {
                named.insert("head".to_owned());
            }
            assert_eq!(allowed, named, "{method} {path}");
            refused += 1;
        }
    }
    assert!(refused > 100, "{refused}");
    let answer = world.send(&world.request("DELETE", "/openapi.json")).await;
    assert_eq!((answer.header("allow"), answer.refusal().0), ("GET,HEAD", 405));
}

#[tokio::test]
async fn a_path_that_no_route_has_is_refused_with_a_problem() {
    let world = World::new().await;
    let token = world.token(Role::Admin, None).await;
    for path in
        ["", "/", "/nothing", "/setups/", "/setups/x/more", "//setups", "/connections/x/y/z", "/openapi", "/%ff"]
    {
        for method in ["GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"] {
            let request = world.request(method, path).bearer(&token).json(&serde_json::json!({}));
            assert_eq!(world.send(&request).await.refusal(), (404, "route_not_found".into()), "{method} {path}");
        }
    }
    let answer = world.send(&world.request("GET", "/nothing")).await;
    assert_eq!(answer.header("cache-control"), "no-store");
    assert!(answer.json()["remedy"].as_str().unwrap().contains("/api/v1/openapi.json"), "{answer:?}");
    assert_eq!(world.send(&world.request("POST", "/nothing").text("x")).await.refusal().0, 415);
    // Other paths of the server are not those of the API.
    let request = crate::http::Request::new("GET", "/api/v2/setups").with("host", &format!("127.0.0.1:{}", world.port));
    assert_eq!((request.send(world.port).await.status, request.send(world.port).await.body.as_str()), (404, ""));
}

/// Returns the names of the schemas to which a part of the document leads.
fn reached(document: &Value, part: &Value, found: &mut BTreeSet<String>) {
    for reference in part.to_string().split("\"#/components/schemas/").skip(1) {
        let name = reference.split('"').next().unwrap();
        if found.insert(name.to_owned()) {
            reached(document, &document["components"]["schemas"][name], found);
        }
    }
}

#[tokio::test]
async fn bodies_of_requests_are_closed_and_share_no_shape_with_answers_whose_members_are_all_there() {
    let world = World::new().await;
    let document = document(&world).await;
    let (mut requests, mut answered) = (BTreeSet::new(), BTreeSet::new());
    for operation in document["paths"].as_object().unwrap().values().flat_map(|item| item.as_object().unwrap().values())
    {
        reached(&document, &operation["requestBody"], &mut requests);
        reached(&document, &operation["responses"], &mut answered);
        reached(&document, &document["components"]["responses"], &mut answered);
    }
    let objects = |names: &BTreeSet<String>| -> BTreeSet<String> {
        let schema = |name: &String| &document["components"]["schemas"][name];
        names.iter().filter(|name| schema(name).get("properties").is_some()).cloned().collect()
    };
    let (requests, answered) = (objects(&requests), objects(&answered));
    assert!(requests.len() > 10 && answered.len() > 40, "{requests:?} {answered:?}");
    assert_eq!(requests.intersection(&answered).collect::<Vec<_>>(), Vec::<&String>::new());
    for name in &requests {
        assert_eq!(document["components"]["schemas"][name]["additionalProperties"], false, "{name}");
    }
    for name in &answered {
        let schema = &document["components"]["schemas"][name];
        let required: Vec<_> = schema["required"].as_array().into_iter().flatten().collect();
        for member in schema["properties"].as_object().unwrap().keys() {
            // These are absent where there is nothing to say.
            let of_resolved = ["error", "missingScopes"].contains(&member.as_str());
            let may_be_absent = member == "providerText" || name == "ResolvedConnection" && of_resolved;
            assert_ne!(required.contains(&&Value::from(member.as_str())), may_be_absent, "{name}.{member}");
        }
    }
}

#[tokio::test]
async fn every_route_that_acts_for_an_owner_says_so_and_refuses_a_name_that_no_owner_has() {
    let world = World::new().await;
    let document = document(&world).await;
    let token = world.token(Role::Admin, None).await;
    for operation in operations(&document) {
        let (method, path) = operation.split_once(' ').unwrap();
        let described = &document["paths"][format!("/api/v1{path}")][method.to_lowercase()]["parameters"];
        let names = |parameter: &Value| parameter["name"] == "owner" && parameter["in"] == "query";
        let is_named = described.as_array().into_iter().flatten().any(names);
        assert_eq!(is_named, !["/appearance", "/me", "/tokens/{id}", "/page-tokens"].contains(&path), "{operation}");
        if is_named {
            let path = path.replace(['{', '}'], "");
            let request = world.request(method, &path).query("owner=").bearer(&token).json(&serde_json::json!({}));
            assert_eq!(world.send(&request).await.refusal(), (422, "invalid_owner".into()), "{operation}");
        }
    }
}

#[test]
fn each_operation_is_in_the_specification() {
    let text = include_str!("../../../../docs/spec/api.md");
    let missing: Vec<_> = OPERATIONS.iter().filter(|operation| !text.contains(&format!("`{operation}`"))).collect();
    assert!(missing.is_empty(), "{missing:?}");
}

#[tokio::test]
async fn the_table_of_commands_names_each_route_and_no_other() {
    let world = World::new().await;
    let text = include_str!("../../../../docs/spec/api.md");
    let (_, table) = text.split_once("## Commands, routes and methods").unwrap();
    let (table, _) = table.split_once("\n#").unwrap();
    let rows = table.lines().filter(|line| line.starts_with('|')).skip(2);
    let cells = rows.map(|row| row.split(" | ").nth(1).unwrap());
    let named = cells.flat_map(|cell| cell.split('`').skip(1).step_by(2)).filter(|name| name.contains(' '));
    assert_eq!(named.map(str::to_owned).collect::<BTreeSet<_>>(), operations(&document(&world).await));
}

#[tokio::test]
async fn each_operation_has_an_id_of_its_own() {
    let world = World::new().await;
    let document = document(&world).await;
    let items = document["paths"].as_object().unwrap().values();
    let ids: Vec<_> = items
        .flat_map(|item| item.as_object().unwrap().values())
        .map(|operation| operation["operationId"].as_str().unwrap().to_owned())
        .collect();
    assert_eq!(ids.iter().collect::<BTreeSet<_>>().len(), OPERATIONS.len(), "{ids:?}");
    assert!(ids.contains(&"getConnectionsIdEvents".to_owned()), "{ids:?}");
}
