//! The checks of the doctor over the API.

use std::collections::BTreeSet;

use connection_core::Role;
use serde_json::{Value, json};

use crate::{document::document, kinds::acme_with, test_host::World};

async fn checks(world: &World, token: &str) -> (bool, Vec<Value>) {
    let report = world.post(token, "/doctor", json!({})).await.ok(200);
    (report["ok"].as_bool().unwrap(), report["checks"].as_array().unwrap().clone())
}

fn of<'c>(checks: &'c [Value], name: &str) -> Vec<&'c Value> {
    checks.iter().filter(|check| check["check"] == name).collect()
}

#[tokio::test]
async fn the_doctor_names_the_connection_that_does_not_work_to_its_owner_alone() {
    let world = World::new().await;
    let ada = world.token(Role::Manage, Some("ada")).await;
    let bob = world.token(Role::Manage, Some("bob")).await;
    world.registry.kinds().replace(acme_with("sends to https://a.example")).unwrap();
    world.connected(&ada, "octocat").await;
    let (_, sound) = checks(&world, &ada).await;
    for name in ["database", "clock", "callback", "connections"] {
        assert!(of(&sound, name).iter().all(|check| check["ok"] == true), "{sound:?}");
        assert_eq!(of(&sound, name).len(), 1, "{name}");
    }
    world.registry.kinds().replace(acme_with("sends to https://b.example")).unwrap();
    let (is_sound, broken) = checks(&world, &ada).await;
    assert!(!is_sound);
    let broken = of(&broken, "connection");
    assert!(broken[0]["message"].as_str().unwrap().starts_with("acme:octocat is failing"), "{broken:?}");
    assert!(broken[0]["remedy"].is_string(), "{broken:?}");
    let (_, theirs) = checks(&world, &bob).await;
    assert!(!format!("{theirs:?}").contains("octocat"));
    world.check_answers();
}

#[tokio::test]
async fn the_doctor_lists_the_addresses_to_register() {
    let world = World::new().await;
    let ada = world.token(Role::Manage, Some("ada")).await;
    let report = world.post(&ada, "/doctor", json!({})).await.ok(200);
    let uris = report["redirectUris"].as_array().unwrap();
    assert_eq!(uris.len(), 1, "{uris:?}");
    assert_eq!(uris[0]["kind"], "login");
    assert!(uris[0]["redirectUri"].as_str().unwrap().starts_with(&world.origin()), "{uris:?}");
}

#[tokio::test]
async fn the_page_has_a_name_for_each_check_and_for_no_other() {
    let world = World::new().await;
    let ada = world.token(Role::Manage, Some("ada")).await;
    let document = document(&world).await;
    let description = document["components"]["schemas"]["Doctor"]["description"].as_str().unwrap();
    let described: BTreeSet<_> = description.split('`').skip(1).step_by(2).collect();
    let texts = include_str!("../../page/texts.js");
    let (_, names) = texts.split_once("    checks: {\n").unwrap();
    let (names, _) = names.split_once("    },\n").unwrap();
    let names: BTreeSet<_> = names.split('\'').step_by(2).map(|key| key.trim_matches([',', ':', ' ', '\n'])).collect();
    let names: BTreeSet<_> = names.into_iter().filter(|key| !key.is_empty()).collect();
    assert_eq!(names, described);
    let (_, found) = checks(&world, &ada).await;
    assert!(found.iter().all(|check| names.contains(check["check"].as_str().unwrap())), "{found:?}");
}

#[tokio::test]
async fn the_server_names_its_database_and_the_source_of_its_key_to_its_own_owner_alone() {
    let world = World::new().await;
    let status = world.registry.keys().status().await.unwrap();
    let key = json!({ "source": status.source, "wrappedBy": status.wrapped_by.to_string() });
    for owner in [Some("local"), None] {
        let token = world.token(Role::Manage, owner).await;
        let system = world.get(&token, "/system").await.ok(200);
        let (_, checks) = checks(&world, &token).await;
        let database = system["database"].as_str().unwrap();
        assert!(database.starts_with(['/', 'P']) && !database.contains("the database"), "{system}");
        assert_eq!(of(&checks, "database")[0]["message"], database);
        assert_eq!(system["key"], key);
        assert_eq!(world.get(&token, "/system").await.ok(200)["key"], key);
        assert_eq!((of(&checks, "state_directory").len(), of(&checks, "key").len()), (1, 1));
    }
    let ada = world.token(Role::Manage, Some("ada")).await;
    let system = world.get(&ada, "/system").await.ok(200);
    let (_, checks) = checks(&world, &ada).await;
    assert_eq!((&system["database"], &system["key"], &system["healthy"]), (&json!(null), &json!(null), &json!(true)));
    assert_eq!(of(&checks, "database")[0]["message"], "it answers");
    let shown = format!("{system} {checks:?}");
    let places = [status.source.as_str(), world.directory.path().to_str().unwrap()];
    assert!(!places.iter().any(|place| shown.contains(place)), "{shown}");
}
