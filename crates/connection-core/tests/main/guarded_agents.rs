//! What an editor of the database can do to agents, their grants and the counters of budgets.

use std::time::Duration;

use crate::{
    guarded_tables::{edit, is_row},
    test_host::{World, connected},
};

pub(crate) async fn agent(table: &str) {
    let world = World::new().await;
    let registry = world.acme().await;
    let connection = connected(&registry, "key-1").await.id();
    let agent = registry.agents().create("deploy").await.unwrap();
    agent.grant(connection).await.unwrap();
    assert!(agent.granted(connection).await.is_ok(), "the control");
    match table {
        "connection_agent" => edit(&world, "UPDATE connection_agent SET removed_at = NULL, made_at = 1").await,
        _ => edit(&world, "UPDATE connection_agent_grant SET expires_at = expires_at + 1").await,
    }
    let error = agent.granted(connection).await.unwrap_err();
    assert!(is_row(&error, table), "{error:?}");
}

pub(crate) async fn budget() {
    let world = World::new().await;
    let registry = world.acme().await;
    let connection = connected(&registry, "key-1").await.id();
    let agent = registry.agents().create("deploy").await.unwrap();
    let rules = serde_json::json!({ "budget": { "requests": 3, "per": "1h" }, "rule": [] });
    agent.grant(connection).rules(connection_rules::Rules::from_value(&rules).unwrap()).await.unwrap();
    let spend = async || {
        let permit = agent.granted(connection).await.unwrap();
        let mut taken = 0;
        while permit.take().await.is_ok() {
            taken += 1;
        }
        taken
    };
    assert_eq!(spend().await, 3, "the control");
    edit(&world, "UPDATE connection_budget SET taken = -1000000").await;
    world.clock.advance(Duration::from_secs(1));
    assert_eq!(agent.grants().await.unwrap()[0].left.unwrap().requests, 3, "no more than the grant says");
    assert_eq!(spend().await, 3, "no more than the grant says");
    edit(&world, "UPDATE connection_budget SET taken = 0").await;
    world.clock.advance(Duration::from_secs(1));
    assert_eq!(spend().await, 3, "a refilled budget");
    edit(&world, "DELETE FROM connection_budget").await;
    world.clock.advance(Duration::from_secs(1));
    assert_eq!(spend().await, 0, "a deleted counter");
}
