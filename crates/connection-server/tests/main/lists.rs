//! Lists of connections, tokens and kinds.

use std::{collections::BTreeSet, time::Duration};

use connection_contract::{NotLive, Reason, RefreshSemantics, reason};
use connection_core::Role;
use serde_json::{Value, json};

use crate::{doors::stored, extensions::manifest, imports::row, kinds::acme_with, test_host::World};

#[tokio::test]
async fn connections_are_listed_page_by_page_in_the_order_of_their_labels() {
    let world = World::new().await;
    let token = world.token(Role::Manage, None).await;
    for name in ["mallory", "eve", "bob", "carol", "ada", "dave", "frank"] {
        world.connected(&token, name).await;
    }
    let mut labels = Vec::new();
    let mut after = String::new();
    loop {
        let page = world.get(&token, &format!("/connections?limit=3{after}")).await.ok(200);
        let items = page["items"].as_array().unwrap();
        assert!(items.len() <= 3);
        labels.extend(items.iter().map(|item| item["label"].as_str().unwrap().to_owned()));
        // Only the first page counts.
        assert_eq!(page["counts"].is_null(), !after.is_empty());
        let Some(next) = page["next"].as_str() else { break };
        after = format!("&after={next}");
    }
    assert_eq!(labels, ["ada", "bob", "carol", "dave", "eve", "frank", "mallory"]);
    let found = async |query: &str| {
        let page = world.get(&token, &format!("/connections?{query}")).await.ok(200);
        page["items"].as_array().unwrap().len()
    };
    assert_eq!(found("search=AR").await, 1);
    assert_eq!(found("search=acme+da").await, 2);
    assert_eq!((found("kind=acme").await, found("kind=login").await), (7, 0));
    assert_eq!((found("state=live").await, found("state=attention").await), (7, 0));
    assert_eq!(found("extension=issues").await, 0);
    for query in
        ["limit=0", "limit=x", "limit=501", "limit=", "limit=1&limit=2", "state=x", "state=", "kind=X%20Y"]
    {
        let answer = world.get(&token, &format!("/connections?{query}")).await;
        assert_eq!(answer.refusal(), (422, "invalid_body".into()), "{query}");
    }
    let paths = ["/connections", "/events", "/uses", "/usage", "/kinds", "/agents", "/extensions", "/setups", "/profiles"];
    for path in paths {
        for after in ["x", ""] {
            let answer = world.get(&token, &format!("{path}?after={after}")).await;
            assert_eq!(answer.refusal(), (422, "invalid_cursor".into()), "{path}?after={after}");
            assert_eq!(answer.json()["field"], "after");
        }
    }
}

#[tokio::test]
async fn connections_that_need_attention_come_first_on_every_page() {
    let world = World::new().await;
    let token = world.token(Role::Manage, None).await;
    world.registry.kinds().replace(acme_with("sends to https://a.example")).unwrap();
    for name in ["mallory", "eve"] {
        world.connected(&token, name).await;
    }
    // Both were connected under other terms than those that the kind states now.
    world.registry.kinds().replace(acme_with("sends to https://b.example")).unwrap();
    for name in ["ada", "bob"] {
        world.connected(&token, name).await;
    }
    let mut found = Vec::new();
    let mut after = String::new();
    loop {
        let page = world.get(&token, &format!("/connections?limit=1{after}")).await.ok(200);
        if after.is_empty() {
            assert_eq!(
                page["counts"],
                json!({
                    "all": 4, "attention": 2, "live": 2, "offline": 0, "failing": 2, "unknown": 0, "limit": 10000,
                })
            );
        }
        for item in page["items"].as_array().unwrap() {
            found.push((item["label"].as_str().unwrap().to_owned(), item["needsAttention"] == true));
        }
        let Some(next) = page["next"].as_str() else { break };
        after = format!("&after={next}");
    }
    let expected = [("eve", true), ("mallory", true), ("ada", false), ("bob", false)];
    assert_eq!(found, expected.map(|(label, needs_attention)| (label.to_owned(), needs_attention)));
    let attention = world.get(&token, "/connections?state=attention").await.ok(200);
    assert_eq!(attention["items"].as_array().unwrap().len(), 2);
    assert_eq!(attention["items"][0]["remedyAction"], "accept");
}

#[tokio::test]
async fn connections_that_were_imported_and_never_checked_are_not_counted_as_working() {
    let world = World::new().await;
    let token = world.token(Role::Manage, None).await;
    world.connected(&token, "ada").await;
    let imported = world.post(&token, "/imports", json!({ "rows": [row("2"), row("3")] })).await.ok(200);
    assert_eq!(imported["imported"], 2, "{imported}");
    let page = world.get(&token, "/connections").await.ok(200);
    let expected =
        json!({ "all": 3, "attention": 0, "live": 1, "offline": 0, "failing": 0, "unknown": 2, "limit": 10000 });
    assert_eq!(page["counts"], expected);
    let failing = world.get(&token, "/connections?state=failing").await.ok(200);
    assert_eq!(failing["items"], json!([]));
}

/// A page begins after the last connection of the page before, whatever has become of it. A connection that is renamed
/// in between is at its new place.
#[tokio::test]
async fn the_pages_of_connections_follow_each_other_while_connections_are_renamed_and_removed() {
    let world = World::new().await;
    let token = world.token(Role::Manage, None).await;
    let mut ids = Vec::new();
    for name in ["ada", "bob", "carol", "dave", "eve"] {
        ids.push(world.connected(&token, name).await);
    }
    let page = async |after: &str| world.get(&token, &format!("/connections?limit=2{after}")).await.ok(200);
    let labels = |page: &Value| {
        let items = page["items"].as_array().unwrap().iter();
        items.map(|item| item["label"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    let first = page("").await;
    assert_eq!(labels(&first), ["ada", "bob"]);
    let rename = async |at: usize, label: &str| {
        let path = format!("/connections/{}", ids[at]);
        let rename = world.request("PATCH", &path).bearer(&token).json(&json!({ "label": label }));
        world.send(&rename).await.ok(200);
    };
    rename(4, "frank").await;
    rename(0, "zoe").await;
    for gone in [&ids[1], &ids[2]] {
        let path = format!("/connections/{gone}");
        world.send(&world.request("DELETE", &path).bearer(&token)).await.ok(200);
    }
    let rest = page(&format!("&after={}", first["next"].as_str().unwrap())).await;
    assert_eq!(labels(&rest), ["dave", "frank"]);
    // It was on the first page, too.
    let last = page(&format!("&after={}", rest["next"].as_str().unwrap())).await;
    assert_eq!((labels(&last), &last["next"]), (vec!["zoe".to_owned()], &Value::Null));
}

#[tokio::test]
async fn tokens_are_listed_page_by_page() {
    let world = World::new().await;
    let token = world.token(Role::Admin, Some("ada")).await;
    for _ in 0..4 {
        world.token(Role::Read, Some("ada")).await;
        world.token(Role::Read, Some("bob")).await;
    }
    let mut ids = BTreeSet::new();
    let mut after = String::new();
    loop {
        let page = world.get(&token, &format!("/tokens?limit=2{after}")).await.ok(200);
        for item in page["items"].as_array().unwrap() {
            assert_eq!(item["owner"], "ada");
            assert!(ids.insert(item["id"].to_string()), "{item} is listed twice");
        }
        let Some(next) = page["next"].as_str() else { break };
        after = format!("&after={next}");
    }
    assert_eq!(ids.len(), 5);
}

#[tokio::test]
async fn short_lists_are_whole_unless_a_page_is_asked_for() {
    let world = World::new().await;
    let token = world.token(Role::Manage, Some("local")).await;
    for name in ["one", "two", "three"] {
        world.post(&token, "/setups", json!({ "kind": "acme" })).await.ok(201);
        world.post(&token, "/extensions", json!({ "manifest": manifest(name) })).await.ok(201);
        let profile = json!({ "kind": "tool", "label": name, "directory": format!("/profiles/{name}") });
        world.post(&token, "/profiles", profile).await.ok(201);
    }
    for (path, fewest) in [("/kinds", 2), ("/setups", 3), ("/extensions", 3), ("/profiles", 3)] {
        let whole = world.get(&token, path).await.ok(200);
        assert!(whole["items"].as_array().unwrap().len() >= fewest && whole["next"].is_null(), "{whole}");
        let mut found = Vec::new();
        let mut after = String::new();
        loop {
            let page = world.get(&token, &format!("{path}?limit=1{after}")).await.ok(200);
            found.extend(page["items"].as_array().unwrap().iter().cloned());
            let Some(next) = page["next"].as_str() else { break };
            after = format!("&after={next}");
        }
        assert_eq!(json!(found), whole["items"], "{path}");
        for query in ["limit=0", "limit=501"] {
            assert_eq!(world.get(&token, &format!("{path}?{query}")).await.refusal().0, 422, "{path}?{query}");
        }
    }
    // An element that was removed since the page before does not hide the next one.
    let first = world.get(&token, "/setups?limit=1").await.ok(200);
    let ended = format!("/setups/{}", first["items"][0]["id"].as_str().unwrap());
    assert_eq!(world.delete(&token, &ended).await.status, 204);
    let after = first["next"].as_str().unwrap();
    let rest = world.get(&token, &format!("/setups?after={after}")).await.ok(200);
    assert_eq!(rest["items"].as_array().unwrap().len(), 2);
}

#[tokio::test]
async fn kinds_are_listed_by_title_with_the_number_of_connections() {
    let world = World::new().await;
    let token = world.token(Role::Manage, None).await;
    world.connected(&token, "octocat").await;
    let kinds = world.get(&token, "/kinds").await.ok(200);
    let listed = |at: usize| (kinds["items"][at]["kind"].clone(), kinds["items"][at]["connections"].clone());
    assert_eq!((listed(0), listed(1)), ((json!("acme"), json!(1)), (json!("login"), json!(0))));
    assert_eq!(kinds["items"][0]["auth"], "apiKey");
    let found = world.get(&token, "/kinds?search=SONS").await.ok(200);
    assert_eq!(found["items"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn a_kind_says_what_a_person_needs_to_connect_it() {
    let world = World::new().await;
    let token = world.token(Role::Read, None).await;
    let acme = world.get(&token, "/kinds/acme").await.ok(200);
    assert_eq!((&acme["title"], &acme["connections"]), (&json!("Acme & Sons"), &json!(0)));
    assert_eq!((&acme["fields"][1]["name"], &acme["fields"][1]["input"]), (&json!("apiKey"), &json!("secret")));
    assert_eq!((&acme["fields"][1]["offer"], &acme["fields"][1]["default"]), (&Value::Null, &Value::Null));
    assert_eq!(acme["redirectUri"], Value::Null);
    let login = world.get(&token, "/kinds/login").await.ok(200);
    assert_eq!(login["redirectUri"], format!("{}/callback/login", world.origin()));
    assert_eq!(world.get(&token, "/kinds/nothing").await.refusal(), (404, "unknown_kind".into()));
    assert_eq!(world.get(&token, "/kinds/..%2f").await.refusal(), (404, "unknown_kind".into()));
    assert_eq!(world.get(&token, "/kinds/%ff").await.refusal(), (422, "invalid_body".into()));
}

#[tokio::test]
async fn the_events_of_a_connection_are_listed_newest_first_and_checked() {
    let world = World::new().await;
    let token = world.token(Role::Manage, None).await;
    let id = world.connected(&token, "octocat").await;
    for _ in 0..3 {
        world.post(&token, &format!("/connections/{id}/verify"), json!({})).await.ok(200);
    }
    let path = format!("/connections/{id}/events");
    let all = world.get(&token, &format!("{path}?limit=500")).await.ok(200);
    assert_eq!((&all["chain"], &all["brokenAt"], &all["next"]), (&json!("whole"), &Value::Null, &Value::Null));
    let mut found = Vec::new();
    let mut after = String::new();
    loop {
        let page = world.get(&token, &format!("{path}?limit=1{after}")).await.ok(200);
        found.extend(page["items"].as_array().unwrap().iter().cloned());
        let Some(next) = page["next"].as_str() else { break };
        after = format!("&after={next}");
    }
    assert_eq!(json!(found), all["items"]);
    assert_eq!(found.last().unwrap()["event"], "connected");
    // Numbers of events have 63 bits.
    assert_eq!(world.get(&token, &format!("{path}?after=9223372036854775808")).await.refusal().0, 422);
    let connected = world.get(&token, &format!("{path}?event=connected,removed")).await.ok(200);
    assert_eq!(connected["items"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn the_events_of_all_connections_are_listed_from_either_end() {
    let world = World::new().await;
    let ada = world.token(Role::Manage, Some("ada")).await;
    let first = world.connected(&ada, "octocat").await;
    let second = world.connected(&ada, "hubot").await;
    let rename =
        world.request("PATCH", &format!("/connections/{first}")).bearer(&ada).json(&json!({ "label": "work" }));
    world.send(&rename).await.ok(200);
    let page = async |query: &str| {
        let page = world.get(&ada, &format!("/events?{query}")).await.ok(200);
        let items = page["items"].as_array().unwrap().iter();
        let names: Vec<String> = items.map(|event| event["event"].as_str().unwrap().to_owned()).collect();
        (names, page["next"].as_str().map(str::to_owned))
    };
    assert_eq!(page("").await, (vec!["connected".into(), "connected".into(), "renamed".into()], None));
    let (names, next) = page("order=newest&limit=2").await;
    assert_eq!(names, ["renamed", "connected"]);
    assert_eq!(page(&format!("order=newest&limit=2&after={}", next.unwrap())).await, (vec!["connected".into()], None));
    let (names, next) = page("limit=1").await;
    assert_eq!(names, ["connected"]);
    assert_eq!(page(&format!("after={}", next.unwrap())).await.0, ["connected", "renamed"]);
    // What is selected is found beyond the first events.
    assert_eq!(page(&format!("order=newest&limit=1&connection={second}")).await.0, ["connected"]);
    assert_eq!(page(&format!("limit=1&connection={first}&event=renamed")).await, (vec!["renamed".into()], None));
    assert_eq!(page("event=removed").await, (vec![], None));
    assert_eq!(world.get(&ada, "/events?order=sideways").await.refusal(), (422, "invalid_body".into()));
}

#[tokio::test]
async fn the_record_of_an_owner_is_checked_if_the_request_asks_for_it() {
    let world = World::new().await;
    let ada = world.token(Role::Manage, Some("ada")).await;
    let bob = world.token(Role::Manage, Some("bob")).await;
    let chain =
        async |token: &str, query: &str| world.get(token, &format!("/events?{query}")).await.ok(200)["chain"].clone();
    assert_eq!(chain(&ada, "check=true").await, "whole");
    let removed = world.connected(&ada, "octocat").await;
    world.connected(&ada, "hubot").await;
    world.connected(&bob, "octocat").await;
    let removal = world.request("DELETE", &format!("/connections/{removed}")).bearer(&ada);
    world.send(&removal).await.ok(200);
    for query in ["check=true", "check=true&limit=1&order=newest", "check=true&event=nothing"] {
        assert_eq!(chain(&ada, query).await, "whole", "{query}");
    }
    world.edit_event(&removed).await;
    // The edited event is on none of these pages.
    for query in ["check=true", "check=true&limit=1&order=newest", "check=true&event=nothing"] {
        assert_eq!(chain(&ada, query).await, "broken", "{query}");
    }
    assert_eq!((chain(&ada, "").await, chain(&ada, "check=false").await), (Value::Null, Value::Null));
    assert_eq!(chain(&bob, "check=true").await, "whole");
    assert_eq!(world.get(&ada, "/events?check=yes").await.refusal(), (422, "invalid_body".into()));
}

#[tokio::test]
async fn the_health_of_a_connection_is_told_for_each_day() {
    let world = World::new().await;
    let ada = world.token(Role::Manage, Some("ada")).await;
    let id = world.connected(&ada, "octocat").await;
    world.clock.advance(Duration::from_hours(1));
    let path = format!("/connections/{id}/health");
    let days = world.get(&ada, &format!("{path}?days=2")).await.ok(200)["days"].clone();
    let nothing = json!({ "day": "2027-01-14", "live": 0, "offline": 0, "failing": 0 });
    assert_eq!(days, json!([nothing, { "day": "2027-01-15", "live": 3600, "offline": 0, "failing": 0 }]));
    assert_eq!(world.get(&ada, &path).await.ok(200)["days"].as_array().unwrap().len(), 30);
    assert_eq!(world.get(&ada, &format!("{path}?days=91")).await.refusal().0, 422);
    let bob = world.token(Role::Manage, Some("bob")).await;
    assert_eq!(world.get(&bob, &path).await.refusal(), (404, "not_found".into()));
}

#[tokio::test]
async fn a_connection_without_a_refresh_token_has_none_that_is_accepted_once() {
    let nothing = || NotLive::offline(Reason::new(reason::NOTHING_TO_RENEW, "the provider issued no refresh token"));
    let kind = stored().refresh_semantics(RefreshSemantics::Strict);
    let kind = kind.refreshes(move |_, _, _| Box::pin(async move { Err(nothing().into()) }));
    let world = World::with(|registry| registry.kind(kind)).await;
    let token = world.token(Role::Manage, None).await;
    let path = format!("/connections/{}", world.connected_by_key(&token, "stored").await);
    let rotates = async || world.get(&token, &path).await.ok(200)["rotates"].clone();
    assert_eq!(rotates().await, true, "the control: nobody knows yet that there is no token");
    let refreshed = world.post(&token, &format!("{path}/refresh"), json!({})).await.ok(200);
    assert_eq!(refreshed["outcome"], "nothing_to_renew");
    assert_eq!(rotates().await, false);
}
