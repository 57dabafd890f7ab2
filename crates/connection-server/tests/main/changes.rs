//! Changes of a connection by a person.

use connection_core::Role;
use connection_faults::sql;
use serde_json::json;

use crate::{extensions::manifest, test_host::World};

#[tokio::test]
async fn a_connection_is_renamed_unless_it_changed_since_it_was_read() {
    let world = World::new().await;
    let token = world.token(Role::Manage, None).await;
    let id = world.connected(&token, "octocat").await;
    let path = format!("/connections/{id}");
    let read = world.get(&token, &path).await;
    let tag = read.header("etag").to_owned();
    let rename = |label: &str| world.request("PATCH", &path).bearer(&token).json(&json!({ "label": label }));
    let renamed = world.send(&rename("work").with("if-match", &tag)).await.ok(200);
    assert_eq!(renamed["label"], "work");
    // The tag of the answer is good for the next change.
    let answer = world.send(&rename("home")).await;
    let tag_after = answer.header("etag").to_owned();
    assert_eq!(world.get(&token, &path).await.header("etag"), tag_after);
    world.send(&rename("work").with("if-match", &tag_after)).await.ok(200);
    let refused = world.send(&rename("play").with("if-match", &tag)).await;
    assert_eq!(refused.refusal(), (412, "revision_changed".into()));
    assert_eq!(world.get(&token, &path).await.ok(200)["label"], "work");
    world.send(&rename("play")).await.ok(200);
    assert_eq!(world.send(&rename("  ")).await.refusal(), (422, "invalid_label".into()));
    world.connected(&token, "hubot").await;
    assert_eq!(world.send(&rename("hubot")).await.refusal(), (409, "label_taken".into()));
}

/// The tag is sent with every change that accepts it, first an old one and then that of the state as it is.
#[tokio::test]
async fn a_change_of_what_another_has_changed_is_refused() {
    let world = World::new().await;
    let token = world.token(Role::Manage, Some("local")).await;
    let id = world.connected(&token, "octocat").await;
    // With two connections and no default, the extension uses none until one is chosen.
    world.connected(&token, "hubot").await;
    world.post(&token, "/extensions", json!({ "manifest": manifest("issues") })).await.ok(201);
    let new = json!({ "kind": "tool", "label": "work", "directory": "/profiles/work" });
    let made = world.post(&token, "/profiles", new).await.ok(201);
    let connection = format!("/connections/{id}");
    let profile = format!("/profiles/{}", made["id"].as_str().unwrap());
    let extension = "/extensions/issues";
    for (method, read, below, body, status) in [
        ("POST", connection.as_str(), "/default", json!({ "default": false }), 200),
        // There is no previous credential, which is found out after the tag.
        ("POST", &connection, "/rollback", json!({}), 409),
        ("PATCH", &connection, "", json!({ "label": "work" }), 200),
        ("PUT", extension, "/choice", json!({ "connection": id }), 200),
        ("PATCH", &profile, "", json!({ "label": "home" }), 200),
        ("POST", &profile, "/slots", json!({ "slot": "a" }), 200),
        ("POST", &profile, "/slots", json!({ "slot": "a", "uses": false }), 200),
        ("DELETE", &profile, "", json!({}), 200),
        ("DELETE", &connection, "", json!({}), 200),
    ] {
        let path = format!("{read}{below}");
        let change = world.request(method, &path).bearer(&token).json(&body);
        let before = world.get(&token, read).await;
        let refused = world.send(&change.clone().with("if-match", "\"0123456789abcdef\"")).await;
        assert_eq!(refused.refusal(), (412, "revision_changed".into()), "{method} {path}");
        assert_eq!(world.get(&token, read).await.body, before.body, "{method} {path}");
        let changed = world.send(&change.with("if-match", before.header("etag"))).await;
        assert_eq!(changed.status, status, "{method} {path}: {changed:?}");
        if status == 200 && method != "DELETE" {
            assert_ne!(changed.header("etag"), before.header("etag"), "{method} {path}");
            assert_eq!(world.get(&token, read).await.header("etag"), changed.header("etag"), "{method} {path}");
        }
    }
    world.check_answers();
}

#[tokio::test]
async fn of_concurrent_changes_with_the_same_tag_one_is_made() {
    let world = World::new().await;
    let token = world.token(Role::Manage, None).await;
    let id = world.connected(&token, "octocat").await;
    let path = format!("/connections/{id}");
    let tag = world.get(&token, &path).await.header("etag").to_owned();
    let rename = async |label: &str| {
        let request = world.request("PATCH", &path).bearer(&token).json(&json!({ "label": label }));
        world.send(&request.with("if-match", &tag)).await.status
    };
    let statuses = tokio::join!(rename("one"), rename("two"), rename("three"), rename("four"));
    let mut statuses = <[u16; 4]>::from(statuses);
    statuses.sort_unstable();
    assert_eq!(statuses, [200, 412, 412, 412]);
}

#[tokio::test]
async fn a_connection_is_verified_made_the_default_and_removed() {
    let world = World::new().await;
    let token = world.token(Role::Manage, None).await;
    let id = world.connected(&token, "octocat").await;
    let path = format!("/connections/{id}");
    let shown = world.get(&token, &path).await.ok(200);
    // The kind reaches no origin and no directory.
    let expected = json!(["2027-01-15T08:00:00Z", "2027-01-15T08:00:00Z", []]);
    assert_eq!(json!([shown["createdAt"], shown["updatedAt"], shown["reach"]]), expected);
    assert_eq!(world.post(&token, &format!("{path}/verify"), json!({})).await.ok(200)["liveness"], "live");
    for default in [false, true, false] {
        let answer = world.post(&token, &format!("{path}/default"), json!({ "default": default })).await;
        assert_eq!(answer.ok(200)["isDefault"], json!(default));
    }
    let refused = world.post(&token, &format!("{path}/refresh"), json!({})).await;
    assert_eq!(refused.refusal(), (501, "not_supported".into()));
    let refused = world.post(&token, &format!("{path}/rollback"), json!({})).await;
    assert_eq!(refused.refusal(), (409, "no_previous".into()));
    let removal = world.get(&token, &format!("{path}/removal")).await.ok(200);
    assert_eq!(removal, json!({ "agents": [], "canRevoke": false, "extensions": [], "webhooks": false }));
    let removed = world.send(&world.request("DELETE", &path).bearer(&token)).await.ok(200);
    assert_eq!((&removed["id"], &removed["label"]), (&json!(id), &json!("octocat")));
    assert_eq!(world.get(&token, &path).await.refusal(), (404, "not_found".into()));
    // The events stay.
    let events = world.get(&token, &format!("{path}/events")).await.ok(200);
    assert_eq!(events["items"].as_array().unwrap().first().unwrap()["event"], "removed");
    world.check_answers();
}

/// The tag needs a read after the commit, whose failure does not undo the change.
#[tokio::test]
async fn a_change_that_was_stored_is_reported_although_the_store_fails_after_it() {
    let world = World::new().await;
    let token = world.token(Role::Manage, None).await;
    let id = world.connected(&token, "octocat").await;
    let path = format!("/connections/{id}");
    let tags = world.request("PUT", &format!("{path}/tags")).bearer(&token).json(&json!({ "tags": { "plan": "pro" } }));
    let rename = world.request("PATCH", &path).bearer(&token).json(&json!({ "label": "work" }));
    let database = world.database();
    sql::script(&database, "ALTER TABLE connection_extension_grant RENAME TO connection_absent").await;
    assert!(world.get(&token, &path).await.status >= 500, "the read fails, as a control");
    let answer = world.send(&rename).await;
    let tag = answer.header("etag").to_owned();
    assert_eq!(answer.ok(200)["label"], "work");
    assert_eq!(world.send(&tags).await.ok(200)["tags"], json!({ "plan": "pro" }));
    sql::script(&database, "ALTER TABLE connection_absent RENAME TO connection_extension_grant").await;
    assert_eq!(world.send(&rename.with("if-match", &tag)).await.refusal(), (412, "revision_changed".into()));
    let shown = world.get(&token, &path).await.ok(200);
    assert_eq!((&shown["label"], &shown["tags"]), (&json!("work"), &json!({ "plan": "pro" })));
}
