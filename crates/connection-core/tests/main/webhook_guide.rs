//! A host that receives webhooks, as shown in the guide.

use connection_contract::{Secret, SigningKey};
use connection_core::{Connection, ConnectionRegistry, Error, ReceivedEvent};

use crate::{
    hooks::{Hooks, KIND, signed},
    test_host::{World, connected_as},
};

// region: address
/// Returns the address that the user enters at the provider.
async fn give_an_address(connection: &Connection) -> Result<String, Error> {
    let webhook = connection.webhooks().enable().await?;
    Ok(format!("https://host.example/webhooks/{}", webhook.path_token))
}
// end: address

// region: answer
/// Returns the status with which the host answers a request to `https://host.example/webhooks/TOKEN`.
async fn answer(
    registry: &ConnectionRegistry,
    token: &str,
    query: &str,
    headers: Vec<(String, String)>,
    body: Secret,
) -> u16 {
    // The address comes from the host's configuration, and not from the request's `Host` header.
    let url = format!("https://host.example/webhooks/{token}{query}");
    match registry.webhooks().receive(token, "POST", &url, headers, body).await {
        Ok(_) => 200,
        Err(error) => error.status(),
    }
}
// end: answer

// region: take
/// Handles events until the registry is closed.
async fn deal_with_all(registry: &ConnectionRegistry, deal: impl AsyncFn(&ReceivedEvent) -> bool) -> Result<(), Error> {
    let mut deliveries = registry.webhooks().deliveries().await?;
    while let Some(event) = deliveries.next().await {
        let event = event?;
        if deal(&event).await {
            event.acknowledge().await?;
        }
    }
    Ok(())
}
// end: take

#[tokio::test]
async fn a_host_as_the_guide_has_it_receives_events_and_deals_with_them() {
    let world = World::new().await;
    let registry = world.open(Hooks::new(SigningKey::Generated)).await;
    let connection = connected_as(&registry, &KIND, &[("key", "ada")]).await;
    let address = give_an_address(&connection).await.unwrap();
    let token = address.strip_prefix("https://host.example/webhooks/").unwrap();
    for (body, query) in [("1", ""), ("2", "?a=b")] {
        let headers = signed(&connection, body).await;
        assert_eq!(answer(&registry, token, query, headers, Secret::from(body)).await, 200);
    }
    assert_eq!(answer(&registry, token, "", Vec::new(), Secret::from("3")).await, 401);
    assert_eq!(answer(&registry, "unknown", "", Vec::new(), Secret::from("3")).await, 404);
    let seen = std::sync::Mutex::new(Vec::new());
    let ended = deal_with_all(&registry, async |event| {
        seen.lock().unwrap().push((event.number(), event.query().expose().to_vec()));
        if event.number() == 2 {
            registry.close().await;
        }
        event.number() == 1
    });
    assert!(matches!(ended.await, Err(Error::Closed)), "it was closed");
    assert_eq!(*seen.lock().unwrap(), [(1, Vec::new()), (2, b"a=b".to_vec())]);
}
