//! The numbers of the store over all owners, which a host shows as metrics, and the durations of probes.

use std::sync::{Arc, Mutex};

use connection_contract::Liveness;
use connection_core::{Notification, StoreCounts};

use crate::{
    acme::{self, Acme},
    fake::{FAKE, Fake},
    renewing::{RENEWING, Renewals},
    sql,
    test_host::{World, connected},
};

#[tokio::test]
async fn connections_are_counted_by_kind_and_liveness_over_all_owners() {
    let world = World::new().await;
    let fake = Fake::new();
    let registry = world.builder().kind(fake.clone()).kind(Acme::default()).open().await.unwrap();
    assert_eq!(registry.store().counts().await.unwrap(), StoreCounts::default());
    let ada = registry.owner("ada").unwrap();
    for name in ["a", "b"] {
        fake.connected(&registry, name).await;
    }
    let failing = fake.connected(&ada, "a").await;
    connected(&ada, "key-1").await;
    fake.is(Liveness::Failing);
    failing.verify().await.unwrap();
    let counts = ada.store().counts().await.unwrap();
    let expected = [(acme::KIND, Liveness::Live, 1), (FAKE, Liveness::Failing, 1), (FAKE, Liveness::Live, 2)];
    assert_eq!(counts.connections, expected);
    // A word of another version of the program counts as unknown, together with a row that is missing.
    sql::run(&world.database(), "UPDATE connection_liveness SET liveness = 'better' WHERE liveness = 'failing'").await;
    sql::run(&world.database(), "DELETE FROM connection_liveness WHERE liveness = 'live'").await;
    let counts = registry.store().counts().await.unwrap();
    assert_eq!(counts.connections, [(acme::KIND, Liveness::Unknown, 1), (FAKE, Liveness::Unknown, 3)]);
}

#[tokio::test]
async fn what_waits_in_the_store_is_counted() {
    let it = Renewals::new().await;
    let database = it.world.database();
    let store = it.registry.store();
    let before = store.counts().await.unwrap();
    assert_eq!((before.setups_open, before.refreshes_due, before.probes_due), (0, 0, 0));
    assert_eq!((before.webhooks_waiting, before.exchanges_open), (0, 0));
    let setup = it.registry.setups().begin(&RENEWING).await.unwrap();
    sql::run(&database, "UPDATE connection_credential SET refresh_at = 1").await;
    sql::run(&database, "UPDATE connection_liveness SET next_check_at = 1").await;
    let counts = store.counts().await.unwrap();
    assert_eq!((counts.setups_open, counts.refreshes_due, counts.probes_due), (1, 1, 1));
    setup.cancel().await.unwrap();
    // Nobody refreshes or verifies connections of a kind that is not registered, so they do not wait.
    assert!(it.registry.kinds().unregister(&RENEWING));
    let counts = store.counts().await.unwrap();
    assert_eq!((counts.setups_open, counts.refreshes_due, counts.probes_due), (0, 0, 0));
    assert_eq!(counts.connections, before.connections);
}

#[tokio::test]
async fn a_listener_learns_how_long_each_probe_took() {
    let world = World::new().await;
    let fake = Fake::new();
    let registry = world.open(fake.clone()).await;
    let heard = Arc::new(Mutex::new(Vec::new()));
    let kept = heard.clone();
    let _listener = registry.events().listen(move |notification| {
        if let Notification::Probed(probed) = notification {
            kept.lock().unwrap().push((probed.kind.clone(), probed.duration));
        }
    });
    let connection = fake.connected(&registry, "ada").await;
    let at_setup = heard.lock().unwrap().len();
    fake.gate.close();
    let clock = world.clock.clone();
    let verify = connection.verify();
    let passes = async {
        fake.gate.until_inside(1).await;
        clock.advance(std::time::Duration::from_secs(2));
        fake.gate.open();
    };
    let (verified, ()) = tokio::join!(verify, passes);
    verified.unwrap();
    let heard = heard.lock().unwrap().clone();
    assert_eq!(heard[at_setup..], [(FAKE, std::time::Duration::from_secs(2))]);
}
