//! Rules that are learned from the record.

use std::time::Duration;

use connection_contract::Timestamp;
use connection_core::{Error, LearnFrom, LearnedRules, RecordedPaths};
use connection_rules::Rules;
use serde_json::json;

use crate::{
    acme::Acme,
    test_host::World,
    uses_kit::{Agents, all},
};

async fn learned(agents: &Agents, from: LearnFrom) -> Result<LearnedRules, Error> {
    agents.registry.uses().learn(&agents.agent, agents.connection.id(), from).await
}

async fn words(agents: &Agents, from: LearnFrom) -> Vec<String> {
    learned(agents, from).await.unwrap().rules.words()
}

#[tokio::test]
async fn rules_are_narrowed_to_what_the_record_shows() {
    let agents = Agents::new(100).await;
    let nothing = learned(&agents, LearnFrom::new()).await.unwrap();
    assert_eq!((nothing.requests, nothing.refused, nothing.rules.rules().len()), (0, 0, 2));
    for number in [7, 8, 8] {
        agents.ask("GET", &format!("/issues/{number}?page=2")).await.unwrap();
    }
    agents.ask("PATCH", "/issues/7").await.unwrap_err();
    agents.ask("DELETE", "/issues/7").await.unwrap_err();
    agents.ask("GET", "/issues/..").await.unwrap_err();
    // What others do with the connection is not learned.
    agents.connection.send(agents.connection.request("GET", "/me").await.unwrap()).await.unwrap();
    let of_sent = learned(&agents, LearnFrom::new()).await.unwrap();
    assert_eq!((of_sent.requests, of_sent.refused), (3, 2));
    let expected =
        ["may send GET /issues/{number}", "is asked about before PATCH /issues/7", "nothing else", "at most 100 requests in 1h"];
    assert_eq!(of_sent.rules.words(), expected);
    let of_all = words(&agents, LearnFrom::new().refused(true)).await;
    assert_eq!(of_all[2], "is asked about before DELETE /issues/7");
    let later = Timestamp::from_seconds(agents.world.now() + 1);
    assert_eq!(learned(&agents, LearnFrom::new().since(later)).await.unwrap().requests, 0);
}

#[tokio::test]
async fn the_path_of_a_rule_is_learned_where_paths_are_not_recorded() {
    let world = World::new().await;
    let builder = world.builder().kind(Acme::default()).recorded_paths(RecordedPaths::Templates);
    let registry = builder.open().await.unwrap();
    let agents = Agents::of(world, registry, 100).await;
    agents.ask("GET", "/issues/7").await.unwrap();
    assert_eq!(words(&agents, LearnFrom::new()).await[0], "may send GET /issues/{number}");
}

/// What was allowed by another grant is neither covered nor counted.
#[tokio::test]
async fn requests_that_the_present_rules_do_not_allow_are_not_counted() {
    let agents = Agents::new(100).await;
    agents.ask("GET", "/issues/7").await.unwrap();
    let other = json!({ "rule": [{ "name": "user", "methods": ["GET"], "path": "/user", "effect": "allow" }] });
    let other = Rules::from_value(&other).unwrap();
    agents.agent.grant(agents.connection.id()).rules(other.clone()).await.unwrap();
    let learned = learned(&agents, LearnFrom::new()).await.unwrap();
    assert_eq!((learned.requests, learned.rules), (0, other));
}

#[tokio::test]
async fn nothing_is_learned_without_a_grant_in_force() {
    let agents = Agents::new(100).await;
    agents.ask("GET", "/issues/7").await.unwrap();
    agents.world.clock.advance(Duration::from_secs(25 * 3600));
    assert_eq!(learned(&agents, LearnFrom::new()).await.unwrap_err().code(), "not_granted");
    agents.agent.revoke(agents.connection.id()).await.unwrap();
    assert_eq!(learned(&agents, LearnFrom::new()).await.unwrap_err().code(), "not_granted");
    assert_eq!(all(&agents.registry).await.len(), 1);
}
