//! A plugin that panics, hangs or spins while it verifies makes its connection failing, as data, and affects
//! nothing else.

use std::time::Duration;

use connection_contract::{Kind, Liveness};
use connection_core::{Connection, ConnectionInfo};
use tokio::runtime::Handle;

use crate::{
    fake::{Deed, Fake, Stop, StopOnDrop, set},
    test_host::{World, outlasted},
};

fn code(info: &ConnectionInfo) -> &str {
    info.reason.as_ref().map_or("-", |reason| &*reason.code)
}

/// Verifies, and moves the clock to the plugin's deadline; the core's own comes a second later.
async fn out_of_time(world: &World, fake: &Fake, connection: &Connection, probes: usize) -> ConnectionInfo {
    let connection = connection.clone();
    let probe = Handle::current().spawn(async move { connection.verify().await.unwrap() });
    fake.until_began(probes).await;
    world.clock.advance(Duration::from_secs(60));
    probe.await.unwrap()
}

#[tokio::test]
async fn a_plugin_that_panics_is_failing_and_works_again_when_it_does() {
    let world = World::new().await;
    let fake = Fake::new();
    let registry = world.open(fake.clone()).await;
    let connection = fake.connected(&registry, "ada").await;
    set(&fake.verify, Deed::Panics);
    let info = connection.verify().await.unwrap();
    assert_eq!((info.liveness, code(&info)), (Liveness::Failing, "plugin_panicked"));
    set(&fake.verify, Deed::Well);
    assert_eq!(connection.verify().await.unwrap().liveness, Liveness::Live);
}

#[tokio::test]
async fn a_plugin_that_never_ends_is_failing_when_its_time_is_over() {
    let world = World::new().await;
    let fake = Fake::new();
    let registry = world.open(fake.clone()).await;
    let connection = fake.connected(&registry, "ada").await;
    set(&fake.verify, Deed::Hangs);
    let info = out_of_time(&world, &fake, &connection, 1).await;
    assert_eq!((info.liveness, code(&info)), (Liveness::Failing, "plugin_timeout"));
    set(&fake.verify, Deed::PanicsInDrop);
    let info = out_of_time(&world, &fake, &connection, 2).await;
    assert_eq!((info.liveness, code(&info)), (Liveness::Failing, "plugin_panicked"));
}

#[tokio::test]
async fn a_plugin_that_spins_is_failing_and_other_kinds_go_on() {
    let world = World::new().await;
    let fake = Fake::new();
    let well = Fake::of(Kind::from_static("well"));
    let registry = world.builder().kind(fake.clone()).kind(well.clone()).open().await.unwrap();
    let connection = fake.connected(&registry, "ada").await;
    let other = well.connected(&registry, "bob").await;
    let stop = Stop::default();
    let _stop = StopOnDrop(stop.clone());
    set(&fake.verify, Deed::Spins(stop));
    let spinning = Handle::current().spawn({
        let connection = connection.clone();
        async move { connection.verify().await.unwrap() }
    });
    fake.until_began(1).await;
    for _ in 0..20 {
        assert_eq!(other.verify().await.unwrap().liveness, Liveness::Live);
    }
    let info = outlasted(&world, spinning).await;
    assert_eq!((info.liveness, code(&info)), (Liveness::Failing, "plugin_timeout"));
    assert_eq!(other.verify().await.unwrap().liveness, Liveness::Live);
}

#[tokio::test]
async fn however_many_probes_of_one_kind_spin_other_kinds_go_on() {
    let world = World::new().await;
    let fake = Fake::new();
    let well = Fake::of(Kind::from_static("well"));
    let registry = world.builder().kind(fake.clone()).kind(well.clone()).open().await.unwrap();
    let other = well.connected(&registry, "bob").await;
    let stop = Stop::default();
    let mut connections = Vec::new();
    for name in 0..20 {
        connections.push(fake.connected(&registry, &name.to_string()).await);
    }
    let _stop = StopOnDrop(stop.clone());
    set(&fake.verify, Deed::Spins(stop));
    let probe = |connection: Connection| Handle::current().spawn(async move { connection.verify().await.unwrap() });
    let spinning: Vec<_> = connections.into_iter().map(probe).collect();
    fake.until_began(20).await;
    assert_eq!(other.verify().await.unwrap().liveness, Liveness::Live);
    for spinning in spinning {
        assert_eq!(code(&outlasted(&world, spinning).await), "plugin_timeout");
    }
}
