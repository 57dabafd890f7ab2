//! A removal over the API says what happened at the provider, and revokes an entered credential only on request.

use connection_contract::{AuthType, Descriptor, Field, Kind, Prompt, Teardown};
use connection_core::Role;
use connection_faults::scripted::{Scripted, identity, live};
use serde_json::json;

use crate::test_host::World;

/// Returns a kind with an entered key, which the provider revokes on request.
fn pasted() -> Scripted {
    let descriptor = Descriptor::new(Kind::from_static("pasted"), "Pasted", AuthType::ApiKey);
    Scripted::new(descriptor.field(Field::secret("apiKey", "API key")))
        .setup(|_, ctx| {
            Box::pin(async move {
                let key = ctx.prompt(Prompt::new("Connect Pasted").field("apiKey")).await.secret("apiKey")?;
                Ok(live(key, identity("ada")))
            })
        })
        .revokes(|_, _, _| Box::pin(async { Ok(Teardown::Revoked) }))
        .page(|_, _, _| Some("https://pasted.example/keys".into()))
}

#[tokio::test]
async fn an_entered_credential_is_revoked_over_the_api_only_on_request() {
    let world = World::with(|registry| registry.kind(pasted())).await;
    let token = world.token(Role::Manage, Some("ada")).await;
    for (query, teardown, page) in [
        ("", "not_revoked", json!("https://pasted.example/keys")),
        ("?revoke=false", "not_revoked", json!("https://pasted.example/keys")),
        ("?revoke=true", "revoked", json!(null)),
    ] {
        let id = world.connected_by_key(&token, "pasted").await;
        assert_eq!(world.get(&token, &format!("/connections/{id}/removal")).await.ok(200)["canRevoke"], true);
        let refused = world.request("DELETE", &format!("/connections/{id}?revoke=perhaps")).bearer(&token);
        assert_eq!(world.send(&refused).await.refusal(), (422, "invalid_body".into()));
        let remove = world.request("DELETE", &format!("/connections/{id}{query}")).bearer(&token);
        let removed = world.send(&remove).await.ok(200);
        assert_eq!((&removed["teardown"], &removed["credentialPage"]), (&json!(teardown), &page), "{query}");
        assert_eq!(removed["reason"].is_null(), teardown == "revoked");
    }
    // The control: a kind without such a request does not offer it.
    let id = world.connected(&token, "octocat").await;
    assert_eq!(world.get(&token, &format!("/connections/{id}/removal")).await.ok(200)["canRevoke"], false);
    world.check_answers();
}

#[tokio::test]
async fn a_removal_names_the_agents_that_lose_the_connection() {
    let world = World::new().await;
    let token = world.token(Role::Manage, Some("ada")).await;
    let id = world.connected(&token, "octocat").await;
    for name in ["deploy", "report"] {
        world.post(&token, "/agents", json!({ "name": name })).await.ok(201);
    }
    let named = async || world.get(&token, &format!("/connections/{id}/removal")).await.ok(200)["agents"].clone();
    assert_eq!(named().await, json!([]));
    let grant = format!("/agents/deploy/grants/{id}");
    world.send(&world.request("PUT", &grant).bearer(&token).json(&json!({}))).await.ok(200);
    assert_eq!(named().await, json!(["deploy"]));
    world.send(&world.request("DELETE", &grant).bearer(&token)).await.ok(204);
    assert_eq!(named().await, json!([]));
    world.check_answers();
}
