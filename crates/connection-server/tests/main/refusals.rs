//! Every route that changes something refuses foreign requests, and changes nothing for them.

use std::{collections::BTreeSet, time::Duration};

use connection_core::Role;
use serde_json::{Value, json};

use crate::{
    document::{document, operations},
    extensions::manifest,
    http::Request,
    imports,
    test_host::{REQUESTS_PER_MINUTE, World},
};

/// A route that changes something, and a request to it that is allowed.
struct Route {
    operation: &'static str,
    body: Value,
    /// A role that is not enough.
    too_small: Role,
    /// The status of the allowed request.
    allowed: u16,
}

fn routes() -> Vec<Route> {
    let route =
        |operation: &'static str, body: Value, too_small, allowed| Route { operation, body, too_small, allowed };
    let nothing = || json!({});
    let send = || json!({ "method": "GET", "path": "/" });
    let grant = json!({ "connection": "{id}" });
    vec![
        // Those with a role that may answer find that there is no such approval.
        route("POST /approvals/{id}/approve", json!({ "digest": "x" }), Role::Use, 404),
        route("POST /approvals/{id}/refuse", nothing(), Role::Use, 404),
        // Whoever may consent learns that the request of the client is none.
        route("POST /consents", json!({ "request": "x", "name": "a" }), Role::Use, 410),
        route("POST /consents/read", json!({ "request": "x" }), Role::Use, 410),
        route("POST /consents/refuse", json!({ "request": "x" }), Role::Use, 410),
        route("POST /agents", json!({ "name": "other" }), Role::Use, 201),
        route("POST /agents/{name}/grants/{connection}/preview", nothing(), Role::Use, 200),
        route("POST /agents/{name}/tokens", json!({ "audience": "doors" }), Role::Use, 201),
        route("PUT /agents/{name}/grants/{connection}", nothing(), Role::Use, 200),
        route("POST /agents/{name}/grants/{connection}/explain", send(), Role::Use, 200),
        route("DELETE /agents/{name}/grants/{connection}", nothing(), Role::Use, 204),
        route("DELETE /agents/{name}/tokens/{id}", nothing(), Role::Use, 204),
        route("DELETE /agents/{name}", nothing(), Role::Use, 200),
        route("DELETE /freezes/{what}", nothing(), Role::Use, 200),
        route("POST /deliveries/{id}/retry", nothing(), Role::Use, 404),
        route("POST /doctor", nothing(), Role::Use, 200),
        route("POST /extensions", json!({ "manifest": manifest("other") }), Role::Use, 201),
        route("POST /extensions/{name}/grants", grant.clone(), Role::Use, 201),
        route("POST /extensions/{name}/hand-off", nothing(), Role::Read, 201),
        route("POST /extensions/{name}/connections/{requirement}/send", send(), Role::Read, 501),
        route("PUT /connections/{id}/tags", json!({ "tags": { "plan": "pro" } }), Role::Use, 200),
        route("PUT /extensions/{name}/choice", grant, Role::Use, 200),
        route("PUT /extensions/{name}/preferences", json!({ "values": { "open": false } }), Role::Use, 200),
        route("PUT /owner", json!({ "name": "Ada" }), Role::Manage, 200),
        route("DELETE /extensions/{name}/grants/{connection}", nothing(), Role::Use, 204),
        route("DELETE /extensions/{name}", nothing(), Role::Use, 200),
        route("POST /connections/{id}/send", send(), Role::Read, 501),
        route("POST /connections/{id}/webhook", nothing(), Role::Use, 501),
        route("POST /connections/{id}/webhook/end-grace", nothing(), Role::Use, 501),
        route("POST /connections/{id}/webhook/handshake", nothing(), Role::Use, 501),
        route("POST /connections/{id}/webhook/key", nothing(), Role::Use, 501),
        route("POST /connections/{id}/webhook/reveal", nothing(), Role::Use, 501),
        route("POST /connections/{id}/webhook/test", nothing(), Role::Use, 501),
        route("DELETE /connections/{id}/webhook", nothing(), Role::Use, 200),
        route(
            "POST /profiles",
            json!({ "kind": "tool", "label": "new", "directory": "/profiles/new" }),
            Role::Use,
            201,
        ),
        route("POST /profiles/{id}/slots", json!({ "slot": "a" }), Role::Use, 200),
        route("PATCH /profiles/{id}", json!({ "label": "other" }), Role::Use, 200),
        route("DELETE /profiles/{id}", nothing(), Role::Use, 409),
        route("DELETE /kinds/{kind}/client", nothing(), Role::Use, 200),
        route("POST /kinds/{kind}/accept", json!({ "seen": "{seen}" }), Role::Use, 200),
        route("POST /connections/{id}/usage", nothing(), Role::Read, 501),
        route("POST /connections/{id}/verify", nothing(), Role::Read, 200),
        route("POST /connections/{id}/refresh", nothing(), Role::Use, 501),
        route("POST /connections/{id}/rollback", nothing(), Role::Use, 409),
        route("POST /connections/{id}/default", json!({ "default": false }), Role::Use, 200),
        route("PATCH /connections/{id}", json!({ "label": "other" }), Role::Use, 200),
        route("POST /connections/{id}/reauthorize", nothing(), Role::Use, 201),
        route("DELETE /connections/{id}", nothing(), Role::Use, 200),
        route("POST /imports", json!({ "rows": [imports::row("1")] }), Role::Use, 200),
        route("POST /setups", json!({ "kind": "acme" }), Role::Use, 201),
        route("POST /setups/{id}/confirm", json!({ "step": 99 }), Role::Use, 409),
        route("POST /setups/{id}/resume", nothing(), Role::Use, 202),
        route("POST /setups/{id}/answers", json!({ "step": 99, "answers": {} }), Role::Use, 409),
        route("DELETE /setups/{id}", nothing(), Role::Use, 204),
        route("POST /setup-links", json!({ "kinds": ["acme"] }), Role::Use, 201),
        route("POST /tokens", json!({ "name": "a report", "role": "read" }), Role::Use, 201),
        route("POST /freezes", json!({ "what": "owner:ada" }), Role::Use, 200),
        route("POST /uses/erase", json!({ "before": "2027-01-15T08:00:00Z" }), Role::Manage, 200),
        route("DELETE /tokens/{id}", nothing(), Role::Use, 204),
    ]
}

/// The resources of an owner to which the requests go.
struct Resources {
    agent_token: String,
    connection: String,
    setup: String,
    token: String,
    profile: String,
    /// The text of the changes of a kind, as part of a JSON text.
    seen: String,
}

impl Resources {
    async fn new(world: &World, admin: &str) -> Self {
        let connection = world.connected(admin, "octocat").await;
        let setup = world.post(admin, "/setups", json!({ "kind": "acme" })).await.ok(201);
        let id = setup["id"].as_str().unwrap();
        world.until(admin, id, &setup, "prompt").await;
        world.post(admin, "/extensions", json!({ "manifest": manifest("issues") })).await.ok(201);
        world.post(admin, "/extensions/issues/grants", json!({ "connection": connection })).await.ok(201);
        // The agent has the name of the extension.
        world.post(admin, "/agents", json!({ "name": "issues" })).await.ok(201);
        let agent_token = world.post(admin, "/agents/issues/tokens", json!({ "audience": "mcp" })).await.ok(201);
        let agent_token = agent_token["id"].as_str().unwrap().to_owned();
        let made = world.post(admin, "/tokens", json!({ "name": "a report", "role": "read" })).await.ok(201);
        let profile = json!({ "kind": "tool", "label": "work", "directory": "/profiles/work" });
        let profile = world.post(admin, "/profiles", profile).await.ok(201)["id"].as_str().unwrap().to_owned();
        let seen = world.get(admin, "/kinds/acme/accept").await.ok(200)["seen"].as_str().unwrap().replace('"', "\\\"");
        let token = made["id"].as_str().unwrap().to_owned();
        Self { agent_token, connection, setup: id.to_owned(), token, profile, seen }
    }

    fn request(&self, world: &World, route: &Route) -> Request {
        let (method, path) = route.operation.split_once(' ').unwrap();
        let id = match path.split('/').nth(1).unwrap() {
            "agents" => &self.agent_token,
            "connections" => &self.connection,
            "setups" => &self.setup,
            "profiles" => &self.profile,
            _ => &self.token,
        };
        let path = path.replace("{kind}", "acme").replace("{name}", "issues").replace("{requirement}", "default");
        let path = path.replace("{what}", "owner:ada");
        let path = path.replace("{connection}", &self.connection).replace("{id}", id);
        let body = serde_json::from_str(
            &route.body.to_string().replace("{id}", &self.connection).replace("{seen}", &self.seen),
        )
        .unwrap();
        world.request(method, &path).with("origin", &world.origin()).json(&body)
    }
}

#[tokio::test]
async fn every_change_is_refused_to_strangers_and_changes_no_row() {
    let world = World::new().await;
    let admin = world.token(Role::Admin, Some("ada")).await;
    let stranger = world.token(Role::Admin, Some("bob")).await;
    let smaller = [
        (Role::Read, world.token(Role::Read, Some("ada")).await),
        (Role::Use, world.token(Role::Use, Some("ada")).await),
        (Role::Manage, world.token(Role::Manage, Some("ada")).await),
    ];
    let resources = Resources::new(&world, &admin).await;
    let before = world.rows().await;
    let mut refused = 0;
    for route in routes() {
        let request = resources.request(&world, &route);
        let known = request.clone().bearer(&admin);
        let too_small = &smaller.iter().find(|(role, _)| *role == route.too_small).unwrap().1;
        // A kind belongs to no owner, and the name of an owner is no resource.
        let of_none = ["{kind}", "{what}"].iter().any(|part| route.operation.contains(part));
        let has_resource = route.operation.contains('{') && !of_none;
        let of_stranger = request.clone().bearer(&stranger);
        let of_stranger = if has_resource { (of_stranger, 404) } else { (of_stranger.query("owner=ada"), 403) };
        let unknown = format!("cn_{}", "A".repeat(43));
        for (request, status) in [
            (known.clone().with("host", "evil.example"), 421),
            (known.clone().with("host", "localhost"), 421),
            (known.clone().without("host").with("host", &format!("127.0.0.1:{}", world.port + 1)), 421),
            (known.clone().with("origin", "http://evil.example"), 403),
            (known.clone().with("origin", "null"), 403),
            (known.clone().with("origin", &format!("https://127.0.0.1:{}", world.port)), 403),
            (known.clone().with("sec-fetch-site", "cross-site"), 403),
            (known.clone().with("sec-fetch-site", "same-site"), 403),
            (request.clone(), 401),
            (request.clone().with("authorization", "Basic YTpi"), 401),
            (request.clone().bearer(&unknown), 401),
            (request.clone().bearer(too_small), 403),
            of_stranger,
            (known.clone().with("content-type", "text/plain"), 415),
            (known.clone().with("content-type", "application/x-www-form-urlencoded"), 415),
            (known.clone().with("content-type", "application/json; charset=utf-16"), 415),
        ] {
            let answer = world.send(&request).await;
            assert_eq!(answer.refusal().0, status, "{request:?}: {answer:?}");
            refused += 1;
        }
        assert_eq!(world.rows().await, before, "{}", route.operation);
    }
    assert_eq!(refused, routes().len() * 16);
}

/// Without this, the test above would also pass if nothing worked at all.
#[tokio::test]
async fn the_same_changes_are_made_for_those_who_may() {
    let world = World::new().await;
    let admin = world.token(Role::Admin, Some("ada")).await;
    let resources = Resources::new(&world, &admin).await;
    let mut routes = routes();
    routes.sort_by_key(|route| route.operation.starts_with("DELETE"));
    for route in routes {
        let request = resources.request(&world, &route).bearer(&admin);
        let answer = world.send(&request).await;
        assert_eq!(answer.status, route.allowed, "{}: {answer:?}", route.operation);
    }
    world.check_answers();
}

#[tokio::test]
async fn no_route_that_changes_something_is_left_out_above() {
    let world = World::new().await;
    let listed = operations(&document(&world).await);
    let changing: BTreeSet<String> = listed.into_iter().filter(|operation| !operation.starts_with("GET ")).collect();
    let mut tried: BTreeSet<String> = routes().iter().map(|route| route.operation.to_owned()).collect();
    // It needs no token; `pages.rs` tries it.
    tried.insert("POST /page-tokens".into());
    assert_eq!(tried, changing);
}

/// T09: a page whose name resolves to this machine names its own host, whatever it requests.
#[tokio::test]
async fn a_request_names_this_host_and_no_other() {
    let world = World::new().await;
    let admin = world.token(Role::Admin, None).await;
    let ours = format!("127.0.0.1:{}", world.port);
    let others =
        ["evil.example", "127.0.0.1", &format!("localhost:{}", world.port), &format!("127.0.0.1:{}", world.port + 1)];
    for (method, path) in [("GET", "/setups"), ("GET", "/setups/x"), ("GET", "/openapi.json"), ("GET", "/nothing")] {
        let request = world.request(method, path).bearer(&admin);
        for host in others {
            assert_eq!(world.send(&request.clone().with("host", host)).await.refusal(), (421, "other_host".into()));
        }
        for odd in [
            request.clone().also("host", &ours),
            request.clone().also("host", "evil.example"),
            request.clone().at_origin("http://evil.example"),
        ] {
            assert_eq!(world.send(&odd).await.refusal(), (421, "other_host".into()), "{odd:?}");
        }
    }
    let request = world.request("GET", "/setups").bearer(&admin);
    world.send(&request.clone().at_origin(&world.origin())).await.ok(200);
    world.send(&request).await.ok(200);
}

/// T10: a request that a page of another site can send without a preflight is not read.
#[tokio::test]
async fn a_body_has_the_content_type_of_json_and_no_other() {
    let world = World::new().await;
    let admin = world.token(Role::Admin, None).await;
    let request = world.request("POST", "/setups").bearer(&admin).json(&json!({ "kind": "acme" }));
    for odd in [
        "",
        "multipart/form-data; boundary=x",
        "application/jsonx",
        "application/json, text/plain",
        "text/plain; application/json",
    ] {
        let answer = world.send(&request.clone().with("content-type", odd)).await;
        assert_eq!(answer.refusal(), (415, "not_json_type".into()), "{odd}");
    }
    for odd in [request.clone().also("content-type", "text/plain"), request.clone().without("content-type")] {
        assert_eq!(world.send(&odd).await.refusal(), (415, "not_json_type".into()), "{odd:?}");
    }
    assert_eq!(world.get(&admin, "/setups").await.ok(200)["items"], json!([]));
    world.send(&request.clone().with("content-type", "Application/JSON; charset=UTF-8")).await.ok(201);
    world.send(&request.with("sec-fetch-site", "none")).await.ok(201);
}

#[tokio::test]
async fn a_removal_needs_the_content_type_of_json_if_it_has_a_body() {
    let world = World::new().await;
    let admin = world.token(Role::Admin, Some("ada")).await;
    let made = world.post(&admin, "/tokens", json!({ "name": "a report", "role": "read" })).await.ok(201);
    let removal = world.request("DELETE", &format!("/tokens/{}", made["id"].as_str().unwrap())).bearer(&admin);
    for odd in [
        removal.clone().text("{}"),
        removal.clone().with("transfer-encoding", "chunked"),
        removal.clone().with("content-type", "text/plain"),
        removal.clone().json(&json!({})).with("content-type", "text/plain"),
    ] {
        assert_eq!(world.send(&odd).await.refusal(), (415, "not_json_type".into()), "{odd:?}");
    }
    let listed = world.get(&admin, "/tokens").await.ok(200);
    let is_revoked = |token: &Value| token["id"] == made["id"] && !token["revokedAt"].is_null();
    assert!(!listed["items"].as_array().unwrap().iter().any(is_revoked), "{listed}");
    world.send(&removal.clone().with("content-length", "0")).await.ok(204);
    world.send(&removal.json(&json!({}))).await.ok(204);
}

#[tokio::test]
async fn a_body_that_is_too_large_or_odd_is_refused() {
    let world = World::new().await;
    let admin = world.token(Role::Admin, None).await;
    let request = world.request("POST", "/setups").bearer(&admin).json(&json!({ "kind": "acme" }));
    // The length alone is enough: the body is not waited for.
    let large = request.clone().text("").with("content-length", "600000");
    assert_eq!(world.send(&large).await.refusal(), (413, "body_too_large".into()));
    // Each member of an array would be taken for the member of the same place.
    for odd in [
        "",
        "[]",
        "[\"acme\",null,null,false,null,false]",
        "{",
        "null",
        "{\"kind\":1}",
        "{\"kind\":\"acme\",\"kind\":\"acme\"}",
        "\u{0}",
    ] {
        let answer = world.send(&request.clone().text(odd)).await;
        assert_eq!(answer.refusal(), (422, "invalid_body".into()), "{odd}");
    }
}

#[tokio::test]
async fn a_token_that_sends_too_many_requests_waits_and_others_do_not() {
    let world = World::new().await;
    let busy = world.token(Role::Read, Some("ada")).await;
    let other = world.token(Role::Read, Some("ada")).await;
    for _ in 0..REQUESTS_PER_MINUTE {
        world.get(&busy, "/me").await.ok(200);
    }
    let answer = world.get(&busy, "/me").await;
    assert_eq!(answer.header("retry-after"), "1");
    assert_eq!(answer.refusal(), (429, "too_many_requests".into()));
    world.get(&other, "/me").await.ok(200);
    world.clock.advance(Duration::from_secs(1));
    world.get(&busy, "/me").await.ok(200);
}
