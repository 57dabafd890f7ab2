//! A pool of the host: used as it is, shared with the host, and never closed.

use connection_contract::Liveness;
use connection_core::{ConnectionRegistry, Error, Filter, KeyFile, Outcome, Teardown};
use connection_faults::host_pool::Pool;

use crate::{
    acme::{Acme, KIND},
    test_host::{World, answers, connect, connected, me, step},
};

/// Performs every operation of a connection once.
pub(crate) async fn whole_life(world: &World, registry: &ConnectionRegistry, key: &str) {
    let Outcome::Done(done) = connect(registry, &KIND, &[("accessToken", key)]).await else { panic!("{key}") };
    let connection = registry.connection(done.connection).await.unwrap();
    assert_eq!(connection.verify().await.unwrap().liveness, Liveness::Live);
    let request = connection.request("GET", "/things").await.unwrap();
    assert_eq!(connection.send(request).await.unwrap().status(), 200);
    let listed = registry.list_connections(Filter::new()).await.unwrap();
    assert!(listed.items.iter().any(|info| info.id == done.connection));
    let session = registry.setups().begin(&KIND).await.unwrap();
    let (no, _) = step(&session).await;
    assert!(session.advance(no, &answers(&[("accessToken", "one\ntwo")])).await.is_err());
    session.cancel().await.unwrap();
    assert!(registry.setups().list().await.unwrap().is_empty());
    assert!(registry.keys().status().await.is_ok());
    assert!(registry.preflight([done.connection]).next().await.is_some());
    assert_eq!(registry.remove(done.connection).await.unwrap().teardown, Teardown::Revoked);
    assert!(registry.store().health().await, "{}", world.place());
}

/// Lets the provider treat each key as an account.
pub(crate) fn accounts_by_key(world: &World) {
    world.provider(|request| {
        let key = request.split("Bearer ").nth(1).and_then(|rest| rest.lines().next()).unwrap_or("0").trim();
        me(key, "ada")
    });
}

async fn open_on(world: &World, pool: &Pool) -> ConnectionRegistry {
    let builder = ConnectionRegistry::builder().store(pool.lend()).key(KeyFile::at(world.key()));
    let builder = builder.http(world.policy()).clock(std::sync::Arc::new(world.clock.clone()));
    builder.kind(Acme::default()).open().await.unwrap()
}

#[tokio::test]
async fn a_pool_that_the_host_lends_serves_a_whole_life_and_stays_open() {
    for connections in [1, 4] {
        let world = World::new().await;
        let pool = Pool::of(&world.database(), connections).await;
        let registry = open_on(&world, &pool).await;
        whole_life(&world, &registry, "key-1").await;
        registry.close().await;
        assert!(!registry.store().health().await);
        let refused = registry.list_connections(Filter::new()).await.unwrap_err();
        assert!(matches!(&refused, Error::Closed), "{refused:?}");
        pool.run("SELECT 1").await;

        let again = open_on(&world, &pool).await;
        connected(&again, "key-1").await;
        drop(again);
        pool.run("SELECT 1").await;
        pool.run("DELETE FROM connection_account").await;
    }
}

/// A reader that is held while a write is awaited would block this test forever, and so would one that is held while
/// another reader is awaited.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_connection_serves_many_registries_and_tasks_at_once() {
    let world = std::sync::Arc::new(World::new().await);
    accounts_by_key(&world);
    let pool = Pool::of(&world.database(), 1).await;
    let registries = [open_on(&world, &pool).await, open_on(&world, &pool).await, open_on(&world, &pool).await];
    let tasks: Vec<_> = (0..12)
        .map(|n| {
            let world = world.clone();
            let registry = registries[n % 3].clone();
            let registry = registry.owner(format!("u{n}")).unwrap();
            let key = format!("key-{n}");
            tokio::runtime::Handle::current().spawn(async move { whole_life(&world, &registry, &key).await })
        })
        .collect();
    for task in tasks {
        task.await.unwrap();
    }
    for registry in registries {
        registry.close().await;
    }
    pool.run("SELECT 1").await;
}
