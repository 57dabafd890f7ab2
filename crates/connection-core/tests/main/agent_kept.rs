//! The tokens and grants of agents are read once in half a second.

use std::time::Duration;

use connection_core::{AgentCaller, Audience, Connection, ConnectionRegistry, Limits, NewAgentToken};
use connection_rules::Rules;
use secrecy::SecretString;
use serde_json::json;

use crate::{
    acme::Acme,
    agents::issued,
    extension_statements::Counted,
    test_host::{World, connected},
};

const BOUND: Duration = Duration::from_millis(500);

async fn keeping(world: &World) -> ConnectionRegistry {
    world.builder().limits(Limits::new().hot_rows(BOUND)).kind(Acme::default()).open().await.unwrap()
}

fn rules(path: &str) -> Rules {
    let rule = json!({ "name": "read", "methods": ["GET"], "path": path, "effect": "allow" });
    Rules::from_value(&json!({ "rule": [rule] })).unwrap()
}

async fn caller(registry: &ConnectionRegistry, text: &SecretString) -> Option<AgentCaller> {
    registry.authenticate_agent(text, Audience::Doors).await.unwrap()
}

/// Returns the words of the grant by which a token may use a connection, or the code of the refusal.
async fn permitted(registry: &ConnectionRegistry, text: &SecretString, connection: &Connection) -> String {
    let Some(caller) = caller(registry, text).await else { return "no such token".to_owned() };
    match caller.granted(connection.id()).await {
        Ok(permit) => permit.rules().words()[0].clone(),
        Err(error) => error.code().to_owned(),
    }
}

#[tokio::test]
async fn requests_within_half_a_second_read_nothing() {
    let on = Counted::new().await;
    let connection = connected(&on.registry, "key-1").await;
    let agent = on.registry.agents().create("deploy").await.unwrap();
    agent.grant(connection.id()).rules(rules("/a")).await.unwrap();
    let text = issued(&agent).await;
    let used = async || permitted(&on.registry, &text, &connection).await;
    assert_eq!(used().await, "may send GET /a");
    assert_eq!(on.takes(used).await, (0, "may send GET /a".to_owned()));
    let later = async || {
        on.world.clock.advance(BOUND);
        used().await
    };
    assert_eq!(on.takes(later).await.0, 3, "the token, the agent, and the grant with both");
}

#[tokio::test]
async fn what_this_process_changes_is_seen_at_once() {
    let world = World::new().await;
    let registry = keeping(&world).await;
    let connection = connected(&registry, "key-1").await;
    let agent = registry.agents().create("deploy").await.unwrap();
    let text = issued(&agent).await;
    let used = async || permitted(&registry, &text, &connection).await;
    assert_eq!(used().await, "not_granted");
    agent.grant(connection.id()).rules(rules("/a")).await.unwrap();
    assert_eq!(used().await, "may send GET /a");
    agent.grant(connection.id()).rules(rules("/b")).await.unwrap();
    assert_eq!(used().await, "may send GET /b");
    agent.revoke(connection.id()).await.unwrap();
    assert_eq!(used().await, "not_granted");
    agent.grant(connection.id()).rules(rules("/a")).await.unwrap();
    assert_eq!(used().await, "may send GET /a");
    let held = caller(&registry, &text).await.unwrap();
    assert!(agent.revoke_token(held.token().unwrap().id).await.unwrap().was_there);
    assert_eq!(used().await, "no such token");
    assert_eq!(held.granted(connection.id()).await.unwrap_err().code(), "token_ended");
    let text = issued(&agent).await;
    assert_eq!(permitted(&registry, &text, &connection).await, "may send GET /a");
    let held = caller(&registry, &text).await.unwrap();
    registry.remove(connection.id()).await.unwrap();
    assert_eq!(permitted(&registry, &text, &connection).await, "not_granted");
    assert!(registry.agents().remove("deploy").await.unwrap().was_there);
    assert_eq!(permitted(&registry, &text, &connection).await, "no such token");
    assert!(held.granted(connection.id()).await.is_err());
}

#[tokio::test]
async fn what_another_process_changes_is_seen_within_half_a_second() {
    let world = World::new().await;
    let [registry, other] = [keeping(&world).await, keeping(&world).await];
    let connection = connected(&registry, "key-1").await;
    let agent = registry.agents().create("deploy").await.unwrap();
    agent.grant(connection.id()).rules(rules("/a")).await.unwrap();
    let text = issued(&agent).await;
    let used = async || permitted(&registry, &text, &connection).await;
    assert_eq!(used().await, "may send GET /a");
    let elsewhere = other.agents().get("deploy").await.unwrap();
    elsewhere.grant(connection.id()).rules(rules("/b")).await.unwrap();
    world.clock.advance(BOUND);
    assert_eq!(used().await, "may send GET /b");
    let token = elsewhere.tokens().await.unwrap()[0].id;
    assert!(elsewhere.revoke_token(token).await.unwrap().was_there);
    world.clock.advance(BOUND);
    assert_eq!(used().await, "no such token");
}

/// The end of a grant and that of a token are compared with the clock for each request.
#[tokio::test]
async fn a_grant_and_a_token_end_in_time_although_they_are_kept() {
    let world = World::new().await;
    let registry = keeping(&world).await;
    let connection = connected(&registry, "key-1").await;
    let agent = registry.agents().create("deploy").await.unwrap();
    agent.grant(connection.id()).rules(rules("/a")).expires(Duration::from_secs(1)).await.unwrap();
    let text = issued(&agent).await;
    world.clock.advance(Duration::from_millis(700));
    let used = async || permitted(&registry, &text, &connection).await;
    assert_eq!(used().await, "may send GET /a");
    world.clock.advance(Duration::from_millis(400));
    assert_eq!(used().await, "grant_ended");

    agent.grant(connection.id()).rules(rules("/a")).await.unwrap();
    let short = NewAgentToken::new("short", Audience::Doors).lifetime(Duration::from_secs(1));
    let text = agent.new_token(short).await.unwrap().text;
    world.clock.advance(Duration::from_millis(700));
    let held = caller(&registry, &text).await.unwrap();
    held.granted(connection.id()).await.unwrap();
    world.clock.advance(Duration::from_millis(400));
    assert!(caller(&registry, &text).await.is_none());
    assert_eq!(held.granted(connection.id()).await.unwrap_err().code(), "token_ended");
}
