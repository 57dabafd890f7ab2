//! Removal of all connections of a kind before the kind is unregistered.

use std::time::Duration;

use connection_contract::Kind;
use connection_core::{Filter, Teardown};

use crate::{
    acme::Acme,
    fake::{FAKE, Fake, count},
    log,
    test_host::{World, connected},
};

/// R-INSEAM-062
#[tokio::test]
async fn all_connections_of_a_kind_are_torn_down_before_it_is_unregistered() {
    let world = World::new().await;
    let fake = Fake::new();
    let registry = world.builder().kind(fake.clone()).kind(Acme::default()).open().await.unwrap();
    let other = connected(&registry, "key-1").await;
    for name in 0..20 {
        fake.connected(&registry, &format!("account-{name}")).await;
    }
    let theirs = registry.owner("u42").unwrap();
    fake.connected(&theirs, "eve").await;
    let removal = registry.kinds().remove(&FAKE).await.unwrap();
    assert_eq!((removal.removed.len(), removal.left), (20, 1));
    assert!(removal.removed.iter().all(|(_, removal)| removal.teardown == Teardown::Revoked));
    assert_eq!(count(&fake.torn), 20);
    assert!(registry.kinds().get(&FAKE).is_some(), "another owner's connection could not be torn down without it");
    assert_eq!(registry.count_connections(Some(&FAKE)).await.unwrap(), 0);
    assert_eq!(registry.all_owners().count_connections(Some(&FAKE)).await.unwrap(), 1);
    let removal = theirs.kinds().remove(&FAKE).await.unwrap();
    assert_eq!((removal.removed.len(), removal.left, count(&fake.torn)), (1, 0, 21));
    assert!(registry.kinds().get(&FAKE).is_none());
    let page = registry.list_connections(Filter::new().all_owners()).await.unwrap();
    assert_eq!(page.items.iter().map(|info| info.id).collect::<Vec<_>>(), [other.id()]);
    assert_eq!(
        (registry.count_connections(None).await.unwrap(), registry.all_owners().count_connections(None).await.unwrap()),
        (1, 1)
    );
    let again = registry.kinds().remove(&FAKE).await.unwrap();
    assert_eq!((again.removed.len(), again.left), (0, 0));
}

/// R-INSEAM-062
#[tokio::test]
async fn a_kind_that_is_unregistered_with_connections_left_is_told() {
    const LEFT: Kind = Kind::from_static("left-behind");
    log::begin();
    let world = World::new().await;
    let fake = Fake::of_provider(LEFT, FAKE);
    let registry = world.open(fake.clone()).await;
    let connection = fake.connected(&registry, "ada").await;
    assert!(registry.kinds().unregister(&LEFT));
    let logged = async {
        while !log::lines_with("left-behind")
            .iter()
            .any(|line| line.contains("was unregistered") && line.contains("left=1"))
        {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(60), logged).await.unwrap();
    let removal = registry.kinds().remove(&LEFT).await.unwrap();
    let [(id, removal)] = &removal.removed[..] else { panic!("one is removed") };
    assert_eq!((*id, removal.teardown), (connection.id(), Teardown::NotRevoked));
}
