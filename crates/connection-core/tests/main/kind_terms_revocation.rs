//! A change of the revocation of a kind stops no use. Only a removal compares it, and revokes nothing until a person
//! accepted it.

use connection_core::{Connection, ConnectionRegistry, Teardown};

use crate::{
    acme::Acme,
    reauthorize::{answered, knows},
    test_host::{World, code, connected},
};

const BARE: &str = "request.base = \"https://api.acme.example\"\nrequest.path = \"/v1\"\n";
const FORMER: &str = "request.base = \"https://api.acme.example\"\noauth2.revocation = \"https://api.acme.example/old\"\n\
                      request.path = \"/v1\"\n";
const ADDED: &str = "request.base = \"https://api.acme.example\"\noauth2.revocation = \"https://api.acme.example/me\"\n\
                     request.path = \"/v1\"\n";
/// The revocation is the one of `ADDED`, but requests go elsewhere.
const MOVED: &str = "request.base = \"https://api.evil.example\"\noauth2.revocation = \"https://api.acme.example/me\"\n\
                     request.path = \"/v1\"\n";

async fn sends(registry: &ConnectionRegistry, connection: &Connection) {
    let connection = registry.connection(connection.id()).await.unwrap();
    assert!(!connection.info().kind_changed);
    connection.send(connection.request("GET", "/things").await.unwrap()).await.unwrap();
    connection.verify().await.unwrap();
}

#[tokio::test]
async fn connections_are_used_by_a_program_whose_kind_revokes_in_another_way() {
    for (before, now) in [(BARE, ADDED), (FORMER, ADDED), (ADDED, BARE)] {
        let world = World::new().await;
        let registry = world.open(Acme::under(before)).await;
        let connection = connected(&registry, "key-1").await;
        registry.close().await;

        let registry = world.open(Acme::under(now)).await;
        sends(&registry, &connection).await;
        let changes = registry.kinds().changed().await.unwrap();
        let [change] = changes.as_slice() else { panic!("{changes:?}") };
        assert_eq!((change.before.as_deref(), change.now.as_deref(), change.stops_use), (Some(before), Some(now), false));

        let requests = world.server.requests().len();
        let removal = registry.remove(connection.id()).await.unwrap();
        assert_eq!((removal.teardown, &*removal.reason.unwrap().code), (Teardown::NotRevoked, "revocation_changed"));
        assert_eq!(world.server.requests().len(), requests, "nothing was sent");
    }
}

#[tokio::test]
async fn an_accepted_revocation_is_used() {
    let world = World::new().await;
    let registry = world.open(Acme::under(BARE)).await;
    let connection = connected(&registry, "key-1").await;
    registry.kinds().replace(Acme::under(ADDED)).unwrap();
    sends(&registry, &connection).await;
    let change = registry.kinds().changed().await.unwrap().remove(0);
    assert_eq!(registry.kinds().accept(&change).await.unwrap(), 1);
    assert!(registry.kinds().changed().await.unwrap().is_empty());
    assert_eq!(registry.remove(connection.id()).await.unwrap().teardown, Teardown::Revoked);
}

/// The control: a connection is not used if anything else differs.
#[tokio::test]
async fn a_change_of_more_than_the_revocation_stops_the_use() {
    let world = World::new().await;
    for before in [BARE, FORMER, ADDED] {
        let registry = world.open(Acme::under(before)).await;
        let connection = connected(&registry, "key-1").await;
        registry.kinds().replace(Acme::under(MOVED)).unwrap();
        let connection = registry.connection(connection.id()).await.unwrap();
        assert!(connection.info().kind_changed);
        assert_eq!(connection.request("GET", "/things").await.unwrap_err().code(), "kind_changed");
        assert!(registry.kinds().changed().await.unwrap()[0].stops_use);
        let removal = registry.remove(connection.id()).await.unwrap();
        assert_eq!((removal.teardown, &*removal.reason.unwrap().code), (Teardown::NotRevoked, "kind_changed"));
        registry.close().await;
    }
}

/// A rollback restores a credential, and accepts nothing for the person.
#[tokio::test]
async fn a_rollback_accepts_no_revocation() {
    let world = World::new().await;
    world.provider(knows(&[("key-1", "1", "ada"), ("key-1b", "1", "ada")]));
    let registry = world.open(Acme::under(FORMER)).await;
    let connection = connected(&registry, "key-1").await;
    let session = answered(&connection, "key-1b").await;
    assert_eq!(code(&session.terminal().await.unwrap()), "done Live");
    registry.kinds().replace(Acme::under(ADDED)).unwrap();
    registry.connection(connection.id()).await.unwrap().rollback().await.unwrap();
    let removal = registry.remove(connection.id()).await.unwrap();
    let codes = [removal.reason, removal.previous_reason].map(|reason| reason.unwrap().code);
    assert_eq!(codes, ["revocation_changed"; 2]);
}
