//! Requests of agents that the provider refuses with 401: how often they refresh the credential.

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use connection_core::{AgentCaller, Audience, ConnectionRegistry, RequestBody};
use connection_rules::RequestParts;

use crate::{
    agents::issued,
    door::rules,
    freeze_streams::passing,
    renewing::{self, Renewals, process},
    test_server::Reply,
};

/// Lets the provider refuse every request, and returns the times at which a token was requested.
fn refusing(it: &Renewals) -> Arc<Mutex<Vec<i64>>> {
    let times = Arc::new(Mutex::new(Vec::new()));
    let (issued, noted, clock) = (it.provider.clone(), times.clone(), it.world.clock.clone());
    it.world.provider(move |request| match request.starts_with("POST /token") {
        true => {
            noted.lock().unwrap().push(connection_contract::Clock::now(&clock).seconds());
            issued.answer(request)
        }
        false => Reply::whole(401, "", "{}"),
    });
    times
}

/// An agent as two processes of the host know it.
async fn callers(it: &Renewals, other: &ConnectionRegistry) -> [AgentCaller; 2] {
    let agent = it.registry.agents().create("deploy").await.unwrap();
    agent.grant(it.connection.id()).rules(rules()).await.unwrap();
    let text = issued(&agent).await;
    let caller = async |registry: &ConnectionRegistry| {
        registry.authenticate_agent(&text, Audience::Doors).await.unwrap().unwrap()
    };
    [caller(&it.registry).await, caller(other).await]
}

async fn sent(it: &Renewals, registry: &ConnectionRegistry, caller: &AgentCaller) -> u16 {
    let get = RequestParts::new("GET", "/issues/7");
    let opened = registry.for_agent(caller).open(it.connection.id(), get, RequestBody::empty());
    // A request that is refused right after a refresh is sent once more, after a pause.
    passing(&it.world, opened).await.unwrap().status()
}

#[tokio::test]
async fn refused_requests_of_an_agent_refresh_the_credential_at_most_once_a_minute_in_all_processes() {
    let it = Renewals::new().await;
    let other = process(&it.world, &it.plugin, it.world.clock.clone()).await;
    let [here, there] = callers(&it, &other).await;
    it.at(100);
    let times = refusing(&it);
    let until = it.world.now() + 300;
    while it.world.now() < until {
        assert_eq!(sent(&it, &it.registry, &here).await, 401);
        assert_eq!(sent(&it, &other, &there).await, 401);
        it.world.clock.advance(Duration::from_secs(7));
    }
    let times = times.lock().unwrap().clone();
    assert!(times.windows(2).all(|pair| pair[1] - pair[0] >= 60), "{times:?}");
    assert!((4..=6).contains(&times.len()), "{times:?}");
    other.close().await;
}

#[tokio::test]
async fn a_request_of_the_host_refreshes_a_credential_that_an_agent_may_not() {
    let it = Renewals::new().await;
    let other = process(&it.world, &it.plugin, it.world.clock.clone()).await;
    let [here, _] = callers(&it, &other).await;
    it.at(100);
    let times = refusing(&it);
    assert_eq!(sent(&it, &it.registry, &here).await, 401);
    it.world.clock.advance(Duration::from_secs(40));
    assert_eq!(sent(&it, &it.registry, &here).await, 401);
    assert_eq!(times.lock().unwrap().len(), 1);
    assert_eq!(passing(&it.world, renewing::send(&it.connection)).await.unwrap(), 401);
    assert_eq!(times.lock().unwrap().len(), 2);
    other.close().await;
}

#[tokio::test]
async fn an_agent_gets_a_credential_that_was_refreshed_meanwhile() {
    let it = Renewals::new().await;
    let other = process(&it.world, &it.plugin, it.world.clock.clone()).await;
    let [here, there] = callers(&it, &other).await;
    it.at(100);
    let issued = it.provider.clone();
    it.world.provider(move |request| match request.to_lowercase().contains("bearer access-1\r\n") {
        true => Reply::whole(401, "", "{}"),
        false => issued.answer(request),
    });
    assert_eq!(sent(&it, &it.registry, &here).await, 200, "after a refresh");
    assert_eq!(sent(&it, &other, &there).await, 200);
    assert_eq!(it.provider.request_count(), 1);
    other.close().await;
}
