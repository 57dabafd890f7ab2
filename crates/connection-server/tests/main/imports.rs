//! Imports of connections that another program made.

use connection_core::Role;
use serde_json::{Value, json};

use crate::test_host::{KEY, World};

/// Returns a row with this account.
pub(crate) fn row(account: &str) -> Value {
    json!({ "kind": "acme", "identity": { "id": account, "label": "mona" }, "credential": KEY })
}

#[tokio::test]
async fn rows_are_imported_or_refused_one_by_one_and_no_answer_holds_a_secret() {
    let world = World::new().await;
    let ada = world.token(Role::Manage, Some("ada")).await;
    let mut labelled = row("2");
    labelled["label"] = json!("work");
    let mut late = row("3");
    late["validUntil"] = json!(KEY);
    let mut other = row("4");
    other["kind"] = json!("none");
    let mut bytes = row("5");
    bytes["credential"] = json!({ "base64": "a2V5" });
    let mut parts = row("6");
    parts["credential"] = json!({ "key": null });
    let rows = [row("1"), labelled, row("1"), late, other, bytes, parts];
    let result = world.post(&ada, "/imports", json!({ "rows": rows, "verify": true })).await.ok(200);
    let items = result["items"].as_array().unwrap();
    let codes: Vec<_> = items.iter().map(|item| item["error"]["code"].as_str().unwrap_or("-")).collect();
    assert_eq!(codes, ["-", "-", "account_connected", "invalid_input", "unknown_kind", "-", "invalid_input"]);
    let counts = (&result["imported"], &result["connected"], &result["refused"]);
    assert_eq!(counts, (&json!(3), &json!(1), &json!(3)));
    let first = json!({
        "row": 1, "id": items[0]["id"], "kind": "acme", "label": "mona", "liveness": "live", "error": null,
    });
    assert_eq!(items[0], first);
    assert_eq!((&items[1]["label"], &items[5]["label"]), (&json!("work"), &json!("mona-2")));
    assert_eq!((&items[3]["row"], &items[3]["id"]), (&json!(4), &json!(null)));
    let listed = world.get(&ada, "/connections").await.ok(200);
    assert_eq!(listed["counts"]["all"], 3);
    let shown = world.get(&ada, &format!("/connections/{}", items[1]["id"].as_str().unwrap())).await.ok(200);
    assert_eq!((&shown["label"], &shown["account"]["id"]), (&json!("work"), &json!("2")));
    // The same rows again change nothing, unless that is wanted.
    let again = world.post(&ada, "/imports", json!({ "rows": [row("1")] })).await.ok(200);
    assert_eq!((&again["imported"], &again["connected"]), (&json!(0), &json!(1)));
    let twice = world.post(&ada, "/imports", json!({ "rows": [row("1")], "again": true })).await.ok(200);
    assert_eq!((&twice["imported"], &twice["items"][0]["liveness"]), (&json!(1), &json!("unknown")));
    world.check_answers();
}

#[tokio::test]
async fn an_import_is_for_its_owner_and_carried_out_once_for_a_key() {
    let world = World::new().await;
    let ada = world.token(Role::Manage, Some("ada")).await;
    let bob = world.token(Role::Manage, Some("bob")).await;
    let body = json!({ "rows": [row("1"), row("2")], "again": true });
    let request = world.request("POST", "/imports").bearer(&ada).with("idempotency-key", "one").json(&body);
    let made = world.send(&request).await.ok(200);
    let ids: Vec<_> = made["items"].as_array().unwrap().iter().map(|item| item["id"].as_str().unwrap()).collect();
    let repeated = world.send(&request).await;
    assert_eq!(repeated.refusal(), (409, "already_created".into()));
    assert_eq!(repeated.json()["made"], ids.join(","));
    assert_eq!(world.get(&ada, "/connections").await.ok(200)["counts"]["all"], 2);
    assert_eq!(world.get(&bob, "/connections").await.ok(200)["counts"]["all"], 0);
    world.check_answers();
}

#[tokio::test]
async fn an_import_that_is_too_large_or_not_as_described_stores_nothing() {
    let world = World::new().await;
    let ada = world.token(Role::Manage, Some("ada")).await;
    let before = world.rows().await;
    let many: Vec<_> = (0..1001).map(|number| row(&number.to_string())).collect();
    let refused = world.post(&ada, "/imports", json!({ "rows": many })).await;
    assert_eq!((refused.refusal(), &refused.json()["field"]), ((422, "invalid_body".into()), &json!("rows")));
    let mut extra = row("1");
    extra["owner"] = json!("bob");
    let mut without = row("1");
    without.as_object_mut().unwrap().remove("credential");
    for body in [json!({}), json!({ "rows": row("1") }), json!({ "rows": [extra] }), json!({ "rows": [without] })] {
        let refused = world.post(&ada, "/imports", body.clone()).await;
        assert_eq!(refused.refusal(), (422, "invalid_body".into()), "{body}");
    }
    let mut large = row("1");
    large["credential"] = json!("x".repeat(513 << 10));
    let refused = world.post(&ada, "/imports", json!({ "rows": [row("2"), large] })).await;
    assert_eq!(refused.refusal(), (413, "body_too_large".into()));
    assert_eq!(world.rows().await, before);
    world.check_answers();
}
