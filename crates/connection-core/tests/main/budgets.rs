//! Budgets of grants: how many requests each window permits, over several processes, and what a killed one loses.

use std::time::Duration;

use connection_core::{Agent, AgentGrant, ConnectionId, ConnectionRegistry, Error, Permit, RuleError};
use connection_rules::Rules;
use serde_json::json;

use crate::test_host::{START, World, connected};

const SECOND: Duration = Duration::from_secs(1);

fn budget(requests: u64, per: &str) -> Rules {
    Rules::from_value(&json!({ "budget": { "requests": requests, "per": per }, "rule": [] })).unwrap()
}

/// An agent in one process.
struct Process {
    registry: ConnectionRegistry,
    agent: Agent,
    connection: ConnectionId,
}

impl Process {
    async fn first(world: &World) -> Self {
        let registry = world.acme().await;
        let connection = connected(&registry, "key-1").await.id();
        let agent = registry.agents().create("deploy").await.unwrap();
        Self { registry, agent, connection }
    }

    /// Opens another process with the same store and clock.
    async fn another(&self, world: &World) -> Self {
        let registry = world.acme().await;
        let agent = registry.agents().get("deploy").await.unwrap();
        Self { registry, agent, connection: self.connection }
    }

    async fn permit(&self) -> Permit {
        self.agent.granted(self.connection).await.unwrap()
    }

    async fn take(&self) -> Result<(), Error> {
        self.permit().await.take().await
    }

    /// Takes requests until one is refused, and returns their number.
    async fn spend(&self) -> u64 {
        let permit = self.permit().await;
        let mut taken = 0;
        while permit.take().await.is_ok() {
            taken += 1;
        }
        taken
    }

    async fn grant(&self) -> AgentGrant {
        self.agent.grants().await.unwrap().remove(0)
    }

    /// Returns what is left, and the seconds from the first grant to the next window.
    async fn left(&self) -> (u64, i64) {
        let left = self.grant().await.left.unwrap();
        (left.requests, left.until.seconds() - START)
    }
}

#[tokio::test]
async fn a_window_permits_as_many_requests_as_the_budget_says() {
    let world = World::new().await;
    let process = Process::first(&world).await;
    let granted = process.agent.grant(process.connection).rules(budget(100, "1h")).await.unwrap();
    assert_eq!(granted, process.grant().await);
    assert_eq!(process.left().await, (100, 3600));
    assert_eq!(process.spend().await, 100);
    assert_eq!(process.left().await, (0, 3600));
    let error = process.take().await.unwrap_err();
    let until = START + 3600;
    assert!(matches!(&error, Error::Rules(RuleError::BudgetSpent { until: at, .. }) if at.seconds() == until));
    assert_eq!((error.code(), error.remedy().is_some()), ("budget_spent", true));
    // A window begins with the grant, and not with the first request of it.
    world.clock.advance(3599 * SECOND);
    assert_eq!(process.take().await.unwrap_err().code(), "budget_spent");
    world.clock.advance(SECOND);
    assert_eq!(process.left().await, (100, 7200));
    assert_eq!(process.spend().await, 100);
    // What was not used in a window is lost.
    world.clock.advance(10 * 3600 * SECOND);
    assert_eq!(process.spend().await, 100);
    process.registry.close().await;
}

#[tokio::test]
async fn a_grant_without_a_budget_permits_any_number() {
    let world = World::new().await;
    let process = Process::first(&world).await;
    assert_eq!(process.agent.grant(process.connection).await.unwrap().left, None);
    for _ in 0..100 {
        process.take().await.unwrap();
    }
    assert_eq!(process.grant().await.left, None);
    process.registry.close().await;
}

#[tokio::test]
async fn many_requests_at_once_in_two_processes_never_exceed_a_budget() {
    for requests in [1, 5, 40] {
        let world = World::new().await;
        let process = Process::first(&world).await;
        process.agent.grant(process.connection).rules(budget(requests, "1h")).await.unwrap();
        let other = process.another(&world).await;
        let of = [process.permit().await, other.permit().await];
        let racing: Vec<_> = (0..64)
            .map(|number| {
                let permit = of[number % 2].clone();
                tokio::runtime::Handle::current().spawn(async move { permit.take().await.is_ok() })
            })
            .collect();
        let mut taken = 0;
        for racer in racing {
            taken += u64::from(racer.await.unwrap());
        }
        assert!((1..=requests).contains(&taken), "{taken} of {requests}");
        if requests < 32 {
            assert_eq!(taken, requests, "each request was taken on its own");
        }
        other.registry.close().await;
        process.registry.close().await;
    }
}

#[tokio::test]
async fn a_lease_that_is_not_used_for_two_seconds_is_put_back() {
    let world = World::new().await;
    let process = Process::first(&world).await;
    let other = process.another(&world).await;
    process.agent.grant(process.connection).rules(budget(160, "1h")).await.unwrap();
    process.take().await.unwrap();
    assert_eq!(process.left().await, (150, 3600), "a sixteenth was taken");
    assert_eq!(other.spend().await, 150, "another process has what is left");
    world.clock.advance(2 * SECOND);
    while process.left().await.0 != 9 {
        tokio::task::yield_now().await;
    }
    assert_eq!(other.spend().await, 9);
    world.clock.advance(SECOND);
    assert_eq!(process.spend().await, 0);
    other.registry.close().await;
    process.registry.close().await;
}

#[tokio::test]
async fn a_process_that_closes_puts_its_lease_back_and_one_that_is_killed_loses_it() {
    let world = World::new().await;
    let process = Process::first(&world).await;
    process.agent.grant(process.connection).rules(budget(160, "1h")).await.unwrap();
    let closing = process.another(&world).await;
    closing.take().await.unwrap();
    assert_eq!(process.left().await.0, 150);
    closing.registry.close().await;
    assert_eq!(process.left().await.0, 159);

    let killed = process.another(&world).await;
    killed.take().await.unwrap();
    assert_eq!(process.left().await.0, 150);
    drop(killed);
    assert_eq!(process.spend().await, 150);
    world.clock.advance(3600 * SECOND);
    assert_eq!(process.spend().await, 160, "the next window is whole");
    process.registry.close().await;
}

#[tokio::test]
async fn another_grant_begins_with_its_whole_budget_and_a_former_permit_takes_nothing_from_it() {
    let world = World::new().await;
    let process = Process::first(&world).await;
    let (agent, connection) = (&process.agent, process.connection);
    agent.grant(connection).rules(budget(3, "1h")).await.unwrap();
    let former = process.permit().await;
    assert_eq!(process.spend().await, 3);
    world.clock.advance(10 * SECOND);
    agent.grant(connection).rules(budget(2, "1h")).await.unwrap();
    assert_eq!(former.take().await.unwrap_err().code(), "budget_spent");
    assert_eq!(process.left().await, (2, 3610), "its windows begin with it");
    assert_eq!(process.spend().await, 2);
    let last = process.permit().await;
    assert!(agent.revoke(connection).await.unwrap().was_there);
    world.clock.advance(3600 * SECOND);
    assert_eq!(last.take().await.unwrap_err().code(), "budget_spent", "it was revoked");
    process.registry.close().await;
}

#[tokio::test]
async fn a_process_whose_clock_is_behind_counts_in_the_window_that_another_one_has_begun() {
    let world = World::new().await;
    let process = Process::first(&world).await;
    process.agent.grant(process.connection).rules(budget(4, "1h")).await.unwrap();
    let ahead = process.another(&world).await;
    world.clock.advance(3600 * SECOND);
    assert_eq!(ahead.spend().await, 4);
    world.clock.jump_to(connection_contract::Timestamp::from_seconds(START));
    assert_eq!(process.spend().await, 0);
    assert_eq!(process.left().await, (0, 7200));
    world.clock.advance(7200 * SECOND);
    assert_eq!(process.spend().await, 4);
    ahead.registry.close().await;
    process.registry.close().await;
}
