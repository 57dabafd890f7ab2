//! Attacks on the sign-in of clients of the door for models.

use std::time::Duration;

use connection_core::Audience;
use serde_json::json;

use crate::sign_in::{CALLBACK, Client, VERIFIER, code, error};

fn is(status: u16, error: &str) -> (u16, String) {
    (status, error.to_owned())
}

/// Returns a new code of a client.
async fn new_code(client: &Client, id: &str, name: &str) -> String {
    let request = client.request(id).await;
    code(&client.consented(json!({ "request": request, "name": name })).await)
}

#[tokio::test]
async fn attack_115_the_code_of_another_client() {
    let client = Client::new().await;
    let (id, other) = (client.registered().await, client.registered().await);
    assert_eq!(client.exchanged(&id, &new_code(&client, &id, "control").await).await.status, 200);
    let code = new_code(&client, &id, "cli").await;
    assert_eq!(error(&client.exchanged(&other, &code).await), is(400, "invalid_grant"));
    assert_eq!(error(&client.exchanged(&id, &code).await), is(400, "invalid_grant"));
}

#[tokio::test]
async fn attack_116_a_code_without_its_verifier() {
    let client = Client::new().await;
    let id = client.registered().await;
    let exchange = async |code: &str, verifier: &str| {
        let of_code = [("grant_type", "authorization_code"), ("client_id", &*id), ("code", code)];
        let further = [("code_verifier", verifier), ("redirect_uri", CALLBACK)];
        client.tokens(&[&of_code[..], &further].concat()).await
    };
    assert_eq!(exchange(&new_code(&client, &id, "control").await, VERIFIER).await.status, 200);
    let code = new_code(&client, &id, "cli").await;
    let other = VERIFIER.replace('d', "e");
    assert_eq!(error(&exchange(&code, &other).await), is(400, "invalid_grant"));
    assert_eq!(error(&exchange(&code, VERIFIER).await), is(400, "invalid_grant"), "it is used up");
}

#[tokio::test]
async fn attack_117_a_code_that_was_used() {
    let client = Client::new().await;
    let id = client.registered().await;
    let code = new_code(&client, &id, "cli").await;
    let tokens = client.exchanged(&id, &code).await.ok(200);
    let access = tokens["access_token"].as_str().unwrap();
    assert_eq!(client.listed(access).await.status, 200, "the control");
    assert_eq!(error(&client.exchanged(&id, &code).await), is(400, "invalid_grant"));
    client.door.world.clock.advance(Duration::from_secs(1));
    assert_eq!(client.listed(access).await.status, 401);
    let renewed = client.renewed(&id, tokens["refresh_token"].as_str().unwrap()).await;
    assert_eq!(error(&renewed), is(400, "invalid_grant"));
}

#[tokio::test]
async fn attack_118_the_refresh_token_of_another_client() {
    let client = Client::new().await;
    let (id, other) = (client.registered().await, client.registered().await);
    let code = new_code(&client, &id, "cli").await;
    let tokens = client.exchanged(&id, &code).await.ok(200);
    let refresh = tokens["refresh_token"].as_str().unwrap();
    assert_eq!(error(&client.renewed(&other, refresh).await), is(400, "invalid_grant"));
    assert_eq!(client.renewed(&id, refresh).await.status, 200, "the control");
    client.door.world.clock.advance(Duration::from_secs(60));
    assert_eq!(error(&client.renewed(&id, refresh).await), is(400, "invalid_grant"), "a former one");
}

#[tokio::test]
async fn attack_119_an_address_that_the_client_did_not_state() {
    let client = Client::new().await;
    let id = client.registered().await;
    client.request(&id).await;
    for redirect in ["https://evil.example/callback", "http://127.0.0.1.evil.example/callback", "javascript:alert(1)"] {
        let mut parameters = client.parameters(&id);
        parameters.iter_mut().find(|(name, _)| *name == "redirect_uri").unwrap().1 = redirect.to_owned();
        let answer = client.asked(&parameters).await;
        assert_eq!((answer.status, answer.header("location")), (400, ""), "{redirect}");
    }
}

#[tokio::test]
async fn attack_120_a_client_that_consents_by_itself() {
    let client = Client::new().await;
    let id = client.registered().await;
    let request = client.request(&id).await;
    let body = json!({ "request": request, "name": "cli" });
    let of_agent = crate::doors::new_token(&client.door.agent, Audience::Mcp).await;
    for token in [&of_agent, &client.door.token] {
        let refused = client.door.world.post(token, "/consents", body.clone()).await;
        assert_eq!(refused.refusal(), is(401, "unauthenticated"));
    }
    client.consented(body).await;
}

#[tokio::test]
async fn attack_121_a_client_with_the_name_of_another_replaces_an_agent_of_a_person() {
    let client = Client::new().await;
    let id = client.registered().await;
    let request = client.request(&id).await;
    let replacing = |former: &str| json!({ "request": request, "name": "cli", "replaces": former });
    // `deploy` was created by a person, and for no client.
    assert_eq!(client.decide("/consents", replacing("deploy")).await.refusal(), is(404, "unknown_agent"));
    assert_eq!(client.door.world.get(&client.door.ada, "/agents/deploy").await.status, 200);
    client.consented(json!({ "request": request, "name": "cli" })).await;
    client.consented(replacing("cli")).await;
}

#[tokio::test]
async fn attack_122_a_client_whose_row_lives_longer() {
    let client = Client::new().await;
    let id = client.registered().await;
    let code = new_code(&client, &id, "cli").await;
    let tokens = client.exchanged(&id, &code).await.ok(200);
    let refresh = tokens["refresh_token"].as_str().unwrap();
    assert_eq!(client.renewed(&id, refresh).await.status, 200, "the control");
    client.door.world.change("UPDATE connection_access_token SET expires_at = expires_at + 1000000").await;
    assert_eq!(client.renewed(&id, refresh).await.refusal(), is(403, "row_changed"));
    assert_eq!(client.listed(tokens["access_token"].as_str().unwrap()).await.status, 401);
}

#[tokio::test]
async fn attack_123_a_client_that_renews_without_pause() {
    let client = Client::new().await;
    let id = client.registered().await;
    let code = new_code(&client, &id, "cli").await;
    let tokens = client.exchanged(&id, &code).await.ok(200);
    let refresh = tokens["refresh_token"].as_str().unwrap();
    for _ in 1..20 {
        assert_eq!(client.renewed(&id, refresh).await.status, 200, "the control");
    }
    let rows = client.door.world.rows().await.len();
    let refused = client.renewed(&id, refresh).await;
    assert_eq!((error(&refused), refused.header("retry-after")), (is(429, "temporarily_unavailable"), "60"));
    assert_eq!(client.door.world.rows().await.len(), rows);
    assert_eq!(client.listed(tokens["access_token"].as_str().unwrap()).await.status, 200);
}
