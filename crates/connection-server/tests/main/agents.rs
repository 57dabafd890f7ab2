//! Agents over the API: a person creates one, grants it a connection within rules, sees what a change permits, and
//! takes everything back.

use std::collections::BTreeSet;

use connection_core::{Audience, Role};
use secrecy::SecretString;
use serde_json::{Value, json};

use crate::{extensions::extension_token, http::Request, once::keyed, test_host::World};

/// Rules about the issues of one project, with a budget.
fn issues() -> Value {
    json!({
        "budget": { "requests": 500, "per": "1h" },
        "rule": [{ "name": "read", "methods": ["GET"], "path": "/projects/{project}/issues/**", "effect": "allow" }],
    })
}

async fn created(world: &World, token: &str) -> (String, String) {
    world.post(token, "/agents", json!({ "name": "deploy" })).await.ok(201);
    let id = world.connected(token, "octocat").await;
    let path = format!("/agents/deploy/grants/{id}");
    (id, path)
}

async fn is_accepted(world: &World, text: &str, audience: Audience) -> bool {
    let text = SecretString::from(text.to_owned());
    world.registry.authenticate_agent(&text, audience).await.unwrap().is_some()
}

#[tokio::test]
async fn a_person_creates_an_agent_grants_it_a_connection_and_takes_everything_back() {
    let world = World::new().await;
    let ada = world.token(Role::Manage, Some("ada")).await;
    let agent = world.post(&ada, "/agents", json!({ "name": "deploy" })).await.ok(201);
    assert_eq!((&agent["name"], &agent["grants"]), (&json!("deploy"), &json!([])));
    assert_eq!(agent["createdAt"], "2027-01-15T08:00:00Z");
    let id = world.connected(&ada, "octocat").await;
    let path = format!("/agents/deploy/grants/{id}");

    let grant = world.put(&ada, &path, json!({})).await.ok(200);
    assert_eq!((&grant["preset"], &grant["state"]), (&json!("ask"), &json!("active")));
    assert_eq!(grant["words"], json!(["is asked about before GET or HEAD", "nothing else"]));
    assert_eq!(
        (&grant["kind"], &grant["label"], &grant["connection"]),
        (&json!("acme"), &json!("octocat"), &json!(id))
    );
    assert_eq!((&grant["budget"], &grant["expiresAt"]), (&Value::Null, &json!("2027-01-16T08:00:00Z")));
    let grant = world.put(&ada, &path, json!({ "rules": "read", "expires": "8h" })).await.ok(200);
    assert_eq!((&grant["preset"], &grant["expiresAt"]), (&json!("read"), &json!("2027-01-15T16:00:00Z")));
    let grant = world.put(&ada, &path, json!({ "rules": issues() })).await.ok(200);
    assert_eq!((&grant["preset"], &grant["rules"]), (&Value::Null, &issues()));
    assert_eq!(grant["words"][2], "at most 500 requests in 1h");
    assert_eq!(grant["budget"], json!({ "requests": 500, "per": "1h", "left": 500, "until": "2027-01-15T09:00:00Z" }));
    let everything = world.put(&ada, &path, json!({ "rules": "everything" })).await.ok(200);
    assert_eq!(
        (&everything["preset"], &everything["words"]),
        (&json!("everything"), &json!(["may send every request"]))
    );

    let issued = world.post(&ada, "/agents/deploy/tokens", json!({ "audience": "doors", "lifetime": "7d" })).await;
    let issued = issued.ok(201);
    let text = issued["token"].as_str().unwrap();
    assert_eq!((&issued["name"], &issued["expiresAt"]), (&json!("deploy"), &json!("2027-01-22T08:00:00Z")));
    assert!(is_accepted(&world, text, Audience::Doors).await && !is_accepted(&world, text, Audience::Mcp).await);
    let shown = world.get(&ada, "/agents/deploy").await;
    assert!(!shown.body.contains(&text[3..]));
    let shown = shown.ok(200);
    assert_eq!((shown["tokens"][0]["id"].clone(), shown["grants"][0].clone()), (issued["id"].clone(), everything));
    assert_eq!(world.get(&ada, "/agents").await.ok(200)["items"][0]["grants"], shown["grants"]);

    for _ in 0..2 {
        assert_eq!(world.delete(&ada, &path).await.status, 204);
    }
    let shown = world.get(&ada, "/agents/deploy").await.ok(200);
    assert_eq!(
        (&shown["grants"][0]["state"], &shown["grants"][0]["revokedAt"]),
        (&json!("revoked"), &agent["createdAt"])
    );
    let token = format!("/agents/deploy/tokens/{}", issued["id"].as_str().unwrap());
    for _ in 0..2 {
        assert_eq!(world.delete(&ada, &token).await.status, 204);
        assert!(!is_accepted(&world, text, Audience::Doors).await);
    }
    world.put(&ada, &path, json!({})).await.ok(200);
    let removed = world.delete(&ada, "/agents/deploy").await.ok(200);
    assert_eq!(removed, json!({ "name": "deploy", "revoked": 1, "remaining": [] }));
    for path in ["/agents/deploy", &path, &token] {
        assert_eq!(world.delete(&ada, path).await.refusal(), (404, "unknown_agent".into()), "{path}");
    }
    assert_eq!(world.get(&ada, "/agents").await.ok(200)["items"], json!([]));
    world.get(&ada, &format!("/connections/{id}")).await.ok(200);
    world.check_answers();
}

#[tokio::test]
async fn a_grant_ends_when_its_time_has_passed() {
    let world = World::new().await;
    let ada = world.token(Role::Manage, Some("ada")).await;
    let (_, path) = created(&world, &ada).await;
    world.put(&ada, &path, json!({ "expires": "2h" })).await.ok(200);
    world.clock.advance(std::time::Duration::from_hours(2));
    assert_eq!(world.get(&ada, "/agents/deploy").await.ok(200)["grants"][0]["state"], "ended");
    let preview = world.post(&ada, &format!("{path}/preview"), json!({ "rules": "read" })).await.ok(200);
    assert_eq!(preview["before"], Value::Null);
    assert_eq!(world.delete(&ada, "/agents/deploy").await.ok(200)["revoked"], 0);
}

#[tokio::test]
async fn a_preview_says_what_new_rules_permit_and_what_they_withdraw() {
    let world = World::new().await;
    let ada = world.token(Role::Manage, Some("ada")).await;
    let (_, path) = created(&world, &ada).await;
    let preview = async |new: Value| world.post(&ada, &format!("{path}/preview"), new).await.ok(200);
    // Without a grant, everything is new.
    let first = preview(json!({ "rules": "read", "expires": "8h" })).await;
    assert_eq!((&first["before"], &first["widens"], &first["preset"]), (&Value::Null, &json!(true), &json!("read")));
    assert_eq!((&first["added"], &first["words"]), (&first["words"], &json!(["may send GET or HEAD", "nothing else"])));
    assert_eq!(first["expiresAt"], "2027-01-15T16:00:00Z");
    assert_eq!(first["permits"]["message"], "GET / is denied before and allowed after");
    assert_eq!(first["withdraws"]["differs"], false);
    assert_eq!(world.get(&ada, "/agents/deploy").await.ok(200)["grants"], json!([]), "nothing was granted");

    let granted = world.put(&ada, &path, json!({ "rules": issues() })).await.ok(200);
    let wider = preview(json!({ "rules": "read" })).await;
    assert_eq!((&wider["before"], &wider["widens"]), (&granted, &json!(true)));
    assert_eq!(wider["added"], json!(["may send GET or HEAD"]));
    assert_eq!(wider["removed"], json!(["may send GET /projects/{project}/issues/**", "at most 500 requests in 1h"]));
    let permits = &wider["permits"];
    assert_eq!(
        (&permits["differs"], &permits["before"], &permits["after"]),
        (&json!(true), &json!("deny"), &json!("allow"))
    );
    assert_eq!(wider["withdraws"]["message"], "the new rules permit everything that was permitted before");

    let narrower = preview(json!({ "rules": "ask" })).await;
    let withdraws = &narrower["withdraws"];
    assert_eq!((&withdraws["before"], &withdraws["after"]), (&json!("allow"), &json!("ask")));
    assert!(withdraws["message"].as_str().unwrap().ends_with("is allowed before and asked about after"), "{withdraws}");
    // Elsewhere, a person is asked about what was denied.
    assert_eq!((&narrower["permits"]["before"], &narrower["widens"]), (&json!("deny"), &json!(true)));

    let same = preview(json!({ "rules": issues() })).await;
    assert_eq!((&same["added"], &same["removed"], &same["widens"]), (&json!([]), &json!([]), &json!(false)));
    assert_eq!((&same["permits"]["differs"], &same["withdraws"]["differs"]), (&json!(false), &json!(false)));
}

#[tokio::test]
async fn a_larger_budget_and_one_that_is_left_out_widen_a_grant() {
    let world = World::new().await;
    let ada = world.token(Role::Manage, Some("ada")).await;
    let (_, path) = created(&world, &ada).await;
    let rules = |budget: Value| {
        let mut rules = issues();
        rules["budget"] = budget;
        rules
    };
    world.put(&ada, &path, json!({ "rules": issues() })).await.ok(200);
    for (budget, widens) in [
        (json!({ "requests": 500, "per": "1h" }), false),
        (json!({ "requests": 499, "per": "1h" }), false),
        (json!({ "requests": 500, "per": "1d" }), false),
        (json!({ "requests": 501, "per": "1h" }), true),
        (json!({ "requests": 500, "per": "59m" }), true),
        (json!({ "requests": 501, "per": "1d" }), true),
    ] {
        let preview = world.post(&ada, &format!("{path}/preview"), json!({ "rules": rules(budget.clone()) })).await;
        assert_eq!(preview.ok(200)["widens"], widens, "{budget}");
    }
    let mut without = issues();
    without.as_object_mut().unwrap().remove("budget");
    let preview = world.post(&ada, &format!("{path}/preview"), json!({ "rules": without })).await.ok(200);
    assert_eq!((&preview["widens"], &preview["permits"]["differs"]), (&json!(true), &json!(false)));
    world.put(&ada, &path, json!({ "rules": without })).await.ok(200);
    let preview = world.post(&ada, &format!("{path}/preview"), json!({ "rules": issues() })).await.ok(200);
    assert_eq!(preview["widens"], false);
}

#[tokio::test]
async fn a_grant_that_was_changed_since_its_preview_is_not_replaced() {
    let world = World::new().await;
    let ada = world.token(Role::Manage, Some("ada")).await;
    let (_, path) = created(&world, &ada).await;
    let seen = async || {
        let preview = world.post(&ada, &format!("{path}/preview"), json!({ "rules": "read" })).await;
        preview.header("etag").to_owned()
    };
    let put = async |tag: &str| {
        let request = world.request("PUT", &path).bearer(&ada).json(&json!({ "rules": "read" }));
        world.send(&request.with("if-match", tag)).await
    };
    let without = seen().await;
    let first = put(&without).await;
    assert_eq!(first.header("etag"), seen().await);
    first.ok(200);
    assert_eq!(put(&without).await.refusal(), (412, "revision_changed".into()));
    put(&seen().await).await.ok(200);
    let before = seen().await;
    world.put(&ada, &path, json!({ "rules": issues() })).await.ok(200);
    assert_eq!(put(&before).await.refusal(), (412, "revision_changed".into()));
    put("*").await.ok(200);
}

#[tokio::test]
async fn rules_that_cannot_be_read_are_refused_with_their_place() {
    let world = World::new().await;
    let ada = world.token(Role::Manage, Some("ada")).await;
    let (_, path) = created(&world, &ada).await;
    let rule = |path: &str| json!({ "rule": [{ "name": "a", "path": path, "effect": "allow" }] });
    let no_request = "rule[0].path: matches no request, because a path is refused that ";
    for (rules, place) in [
        (rule("issues"), "rule[0].path: must begin with \"/\""),
        (json!({ "rules": [] }), "rules: has the unknown member \"rules\""),
        (json!({ "rule": [{ "name": "a", "effect": "permit" }] }), "rule[0].effect: must be"),
        (json!({ "budget": { "requests": 0, "per": "1h" } }), "budget.requests: must be"),
        (json!({ "expires": "soon" }), "expires: must be a duration"),
        (rule("/a%2Fb"), no_request),
        (rule("/a%252Fb"), no_request),
    ] {
        for (method, path) in [("PUT", path.clone()), ("POST", format!("{path}/preview"))] {
            let body = json!({ "rules": rules });
            let answer = world.send(&world.request(method, &path).bearer(&ada).json(&body)).await;
            assert_eq!(answer.refusal(), (422, "invalid_rules".into()), "{rules}");
            let problem = answer.json();
            assert!(problem["detail"].as_str().unwrap().starts_with(place), "{problem}");
            assert_eq!(problem["field"], "rules");
            assert!(problem["remedy"].as_str().unwrap().contains("correct the rules"), "{problem}");
        }
    }
    for rules in [json!(7), json!([]), json!(["read"])] {
        let answer = world.put(&ada, &path, json!({ "rules": rules })).await;
        assert_eq!((answer.refusal(), &answer.json()["field"]), ((422, "invalid_body".into()), &json!("rules")));
    }
    // The server reads no file, and knows the presets of the kind alone.
    for rules in ["write", "acme/read", "./read.toml", "/etc/passwd", "", "Read"] {
        let answer = world.put(&ada, &path, json!({ "rules": rules })).await;
        assert_eq!(answer.refusal(), (404, "unknown_preset".into()), "{rules}");
        assert_eq!(answer.json()["remedy"], "its presets are read, ask, everything");
    }
    assert_eq!(world.get(&ada, "/agents/deploy").await.ok(200)["grants"], json!([]));
}

#[tokio::test]
async fn grants_and_tokens_end_within_a_year() {
    let world = World::new().await;
    let ada = world.token(Role::Manage, Some("ada")).await;
    let (_, path) = created(&world, &ada).await;
    for expires in ["366d", "0h", "soon", "8", "8 hours", "-1h", "", "99999999999999999999d"] {
        let answer = world.put(&ada, &path, json!({ "expires": expires })).await;
        assert_eq!(answer.refusal(), (422, "invalid_expiry".into()), "{expires}");
        assert!(answer.json()["remedy"].is_string(), "{expires}");
    }
    let grant = world.put(&ada, &path, json!({ "expires": "365d" })).await.ok(200);
    assert_eq!(grant["expiresAt"], "2028-01-15T08:00:00Z");
    let token = async |lifetime: &str| {
        world.post(&ada, "/agents/deploy/tokens", json!({ "audience": "mcp", "lifetime": lifetime })).await
    };
    for lifetime in ["367d", "0s", "soon"] {
        assert_eq!(token(lifetime).await.refusal(), (422, "invalid_expiry".into()), "{lifetime}");
    }
    assert_eq!(token("366d").await.ok(201)["expiresAt"], "2028-01-16T08:00:00Z");
    let usual = world.post(&ada, "/agents/deploy/tokens", json!({ "audience": "mcp" })).await.ok(201);
    assert_eq!((&usual["expiresAt"], &usual["audience"]), (&json!("2027-04-15T08:00:00Z"), &json!("mcp")));
    let text = usual["token"].as_str().unwrap();
    assert!(is_accepted(&world, text, Audience::Mcp).await && !is_accepted(&world, text, Audience::Doors).await);
    for body in [json!({}), json!({ "audience": "api" }), json!({ "audience": "doors", "days": 7 })] {
        assert_eq!(world.post(&ada, "/agents/deploy/tokens", body.clone()).await.refusal().0, 422, "{body}");
    }
    let nameless = json!({ "audience": "doors", "name": "" });
    assert_eq!(world.post(&ada, "/agents/deploy/tokens", nameless).await.refusal().1, "invalid_token_name");
}

#[tokio::test]
async fn names_are_checked_and_taken_once() {
    let world = World::new().await;
    let ada = world.token(Role::Manage, Some("ada")).await;
    let create = async |name: &str| world.post(&ada, "/agents", json!({ "name": name })).await;
    for name in ["", "Deploy", "a b", "agent:x", &"a".repeat(65)] {
        assert_eq!(create(name).await.refusal(), (422, "invalid_agent_name".into()), "{name}");
    }
    create("b").await.ok(201);
    create("a").await.ok(201);
    assert_eq!(create("a").await.refusal(), (409, "agent_exists".into()));
    let page = world.get(&ada, "/agents?limit=1").await.ok(200);
    assert_eq!(page["items"][0]["name"], "a");
    let next = format!("/agents?limit=1&after={}", page["next"].as_str().unwrap());
    let page = world.get(&ada, &next).await.ok(200);
    assert_eq!((&page["items"][0]["name"], &page["next"]), (&json!("b"), &Value::Null));
}

/// Each role sends each request; the control is that the last ones may.
#[tokio::test]
async fn a_person_with_the_role_manage_decides_and_others_read_at_most() {
    let world = World::new().await;
    let ada = world.token(Role::Manage, Some("ada")).await;
    let (id, path) = created(&world, &ada).await;
    let token = world.post(&ada, "/agents/deploy/tokens", json!({ "audience": "doors" })).await.ok(201);
    let own = token["token"].as_str().unwrap().to_owned();
    let requests = |token: &str| -> Vec<(bool, Request)> {
        let send = |method: &str, path: &str, body: Value| {
            let request = world.request(method, path).bearer(token);
            (method == "GET", if method == "GET" { request } else { request.json(&body) })
        };
        vec![
            send("GET", "/agents", json!({})),
            send("GET", "/agents/deploy", json!({})),
            send("POST", "/agents", json!({ "name": format!("of-{}", token.len()) })),
            send("POST", &format!("{path}/preview"), json!({})),
            send("PUT", &path, json!({})),
            send("DELETE", &path, json!({})),
            send("POST", "/agents/deploy/tokens", json!({ "audience": "doors" })),
            send("DELETE", "/agents/deploy/tokens/018f3b9e-7d2a-7c31-9f43-0123456789ab", json!({})),
            send("DELETE", "/agents/other", json!({})),
        ]
    };
    let link = world.post(&ada, "/setup-links", json!({ "connection": id })).await.ok(201);
    let code = link["address"].as_str().unwrap().split_once("#link=").unwrap().1.to_owned();
    let exchange = json!({ "code": code, "link": true });
    let exchange = world.request("POST", "/page-tokens").with("origin", &world.origin()).json(&exchange);
    let visitor = world.send(&exchange).await.ok(201)["token"].as_str().unwrap().to_owned();
    let extension = extension_token(&world.registry, "ada", "issues").await;
    let reader = world.token(Role::Read, Some("ada")).await;
    let user = world.token(Role::Use, Some("ada")).await;
    for (token, status, reads) in
        [(&reader, 403, true), (&user, 403, true), (&extension, 403, false), (&visitor, 403, false), (&own, 401, false)]
    {
        for (is_read, request) in requests(token) {
            let answer = world.send(&request).await;
            let expected = if is_read && reads { 200 } else { status };
            assert_eq!(answer.status, expected, "{request:?}: {answer:?}");
        }
    }
    assert_eq!(world.get(&ada, "/agents").await.ok(200)["items"].as_array().unwrap().len(), 1);
    let admin = world.token(Role::Admin, None).await;
    for (_, request) in requests(&admin).into_iter().map(|(is_read, request)| (is_read, request.query("owner=ada"))) {
        let answer = world.send(&request).await;
        assert!([200, 201, 204].contains(&answer.status) || answer.refusal().0 == 404, "{request:?}: {answer:?}");
    }
    let statuses: Vec<u16> = {
        let mut statuses = Vec::new();
        for (_, request) in requests(&ada) {
            statuses.push(world.send(&request).await.status);
        }
        statuses
    };
    assert_eq!(statuses, [200, 200, 409, 200, 200, 204, 201, 404, 404]);
    world.check_answers();
}

#[tokio::test]
async fn the_agents_and_connections_of_another_owner_do_not_exist() {
    let world = World::new().await;
    let ada = world.token(Role::Manage, Some("ada")).await;
    let bob = world.token(Role::Manage, Some("bob")).await;
    let (_, path) = created(&world, &ada).await;
    world.put(&ada, &path, json!({})).await.ok(200);
    let unknown = (404, "unknown_agent".to_owned());
    assert_eq!(world.get(&bob, "/agents").await.ok(200)["items"], json!([]));
    assert_eq!(world.get(&bob, "/agents/deploy").await.refusal(), unknown);
    for (method, path, body) in [
        ("PUT", path.clone(), json!({})),
        ("POST", format!("{path}/preview"), json!({})),
        ("DELETE", path.clone(), json!({})),
        ("POST", "/agents/deploy/tokens".to_owned(), json!({ "audience": "doors" })),
        ("DELETE", "/agents/deploy".to_owned(), json!({})),
    ] {
        let answer = world.send(&world.request(method, &path).bearer(&bob).json(&body)).await;
        assert_eq!(answer.refusal(), unknown, "{method} {path}");
    }
    // Bob has an agent of that name, and the connection is still not his.
    world.post(&bob, "/agents", json!({ "name": "deploy" })).await.ok(201);
    for (method, path) in [("PUT", path.clone()), ("POST", format!("{path}/preview")), ("DELETE", path.clone())] {
        let answer = world.send(&world.request(method, &path).bearer(&bob).json(&json!({}))).await;
        assert_eq!(answer.refusal(), (404, "not_found".into()), "{method} {path}");
    }
    assert_eq!(world.put(&bob, "/agents/deploy/grants/x", json!({})).await.refusal(), (404, "not_found".into()));
    let shown = world.get(&ada, "/agents/deploy").await.ok(200);
    assert_eq!(shown["grants"][0]["state"], "active");
    assert_eq!(world.get(&bob, "/agents?owner=ada").await.refusal(), (403, "not_allowed".into()));
}

#[tokio::test]
async fn a_repeated_request_creates_one_agent_and_shows_a_token_once() {
    let world = World::new().await;
    let ada = world.token(Role::Manage, Some("ada")).await;
    let create = keyed(&world, &ada, "/agents", &json!({ "name": "deploy" }), "key-1");
    let first = world.send(&create).await.ok(201);
    assert_eq!(world.send(&create).await.ok(201), first);
    let other = keyed(&world, &ada, "/agents", &json!({ "name": "other" }), "key-1");
    assert_eq!(world.send(&other).await.refusal(), (422, "idempotency_key_reused".into()));
    let issue = keyed(&world, &ada, "/agents/deploy/tokens", &json!({ "audience": "doors" }), "key-2");
    let issued = world.send(&issue).await.ok(201);
    let again = world.send(&issue).await;
    assert_eq!(again.refusal(), (409, "already_created".into()));
    assert_eq!(again.json()["made"], issued["id"]);
    assert!(!again.body.contains(issued["token"].as_str().unwrap()));
    assert_eq!(world.get(&ada, "/agents/deploy").await.ok(200)["tokens"].as_array().unwrap().len(), 1);
    // After a removal, the request does not answer with a later agent of the name.
    world.delete(&ada, "/agents/deploy").await.ok(200);
    assert_eq!(world.send(&create).await.refusal(), (409, "already_created".into()));
    world.post(&ada, "/agents", json!({ "name": "deploy" })).await.ok(201);
    assert_eq!(world.send(&create).await.refusal(), (409, "already_created".into()));
}

#[tokio::test]
async fn only_tokens_of_the_agent_are_revoked_through_it() {
    let world = World::new().await;
    let ada = world.token(Role::Manage, Some("ada")).await;
    for name in ["deploy", "other"] {
        world.post(&ada, "/agents", json!({ "name": name })).await.ok(201);
    }
    let issued = world.post(&ada, "/agents/other/tokens", json!({ "audience": "doors", "name": "ci" })).await.ok(201);
    assert_eq!(issued["name"], "ci");
    let own = world.get(&ada, "/me").await.ok(200)["token"].as_str().unwrap().to_owned();
    let ids: BTreeSet<String> = [issued["id"].as_str().unwrap().to_owned(), own, "x".to_owned()].into();
    for id in ids {
        let answer = world.delete(&ada, &format!("/agents/deploy/tokens/{id}")).await;
        assert_eq!(answer.refusal(), (404, "token_not_found".into()), "{id}");
    }
    assert!(is_accepted(&world, issued["token"].as_str().unwrap(), Audience::Doors).await);
    // Nor is the token of an agent revoked as one of the API.
    let answer = world.delete(&ada, &format!("/tokens/{}", issued["id"].as_str().unwrap())).await;
    assert_eq!(answer.refusal(), (404, "token_not_found".into()));
}
