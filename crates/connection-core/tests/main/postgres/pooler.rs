//! A pooler in transaction mode between the program and the server. `CONNECTIONS_TEST_POOLER=1` runs the whole
//! suite through one; the tests here do so without it.

use std::sync::Arc;

use connection_core::{ConnectionRegistry, KeyFile, OpenError, RegistryBuilder, StoreError, StoreSource};
use connection_faults::postgres::{Database, Pooler, pooler};
use sqlx::postgres::PgPoolOptions;

use crate::{acme::Acme, pools::whole_life, test_host::World};

fn builder(world: &World, store: impl Into<StoreSource>) -> RegistryBuilder {
    let builder = ConnectionRegistry::builder().store(store).key(KeyFile::at(world.key())).http(world.policy());
    builder.kind(Acme::default())
}

/// More tasks than connections to the server, so that each statement may get another one.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn behind_a_pooler_everything_works_for_many_at_once() {
    let Some(pooler) = pooler() else { return };
    let world = Arc::new(World::new().await);
    crate::pools::accounts_by_key(&world);
    let database = Database::empty().await;
    let pool = PgPoolOptions::new().max_connections(3).connect_with(pooler.options(&database)).await.unwrap();
    let by_address =
        builder(&world, StoreSource::from(pooler.url(&database)).direct(database.url())).open().await.unwrap();
    let by_pool = builder(&world, StoreSource::from(pool.clone()).direct(database.url())).open().await.unwrap();
    let tasks: Vec<_> = (0..8)
        .map(|n| {
            let registry = if n % 2 == 0 { &by_address } else { &by_pool };
            let world = world.clone();
            let registry = registry.owner(format!("u{n}")).unwrap();
            let key = format!("key-{n}");
            tokio::runtime::Handle::current().spawn(async move { whole_life(&world, &registry, &key).await })
        })
        .collect();
    for task in tasks {
        task.await.unwrap();
    }
    by_address.close().await;
    by_pool.close().await;
    sqlx::raw_sql("SELECT 1").execute(&pool).await.unwrap();
}

#[tokio::test]
async fn a_pooler_that_was_not_said_is_refused_with_the_way_out() {
    let Some(usual) = pooler() else { return };
    // One pooler rejects the parameter that identifies the server, and the other one drops it.
    let silent = Pooler::start_with("ignore_startup_parameters = extra_float_digits, options").unwrap();
    for pooler in [usual, &silent] {
        let world = World::new().await;
        let database = Database::empty().await;
        let error = builder(&world, pooler.url(&database)).open().await.unwrap_err();
        assert!(matches!(error, OpenError::Store(StoreError::Pooled { .. })), "{error:?}");
        assert!(error.remedy().unwrap().contains("database_direct_url"), "{:?}", error.remedy());
        assert!(error.remedy().unwrap().contains("change the mode of the pooler"), "{:?}", error.remedy());
        let error = connection_core::migrate(pooler.url(&database)).await.unwrap_err();
        assert!(matches!(error, StoreError::Pooled { .. }), "{error:?}");
        let registry =
            builder(&world, StoreSource::from(pooler.url(&database)).direct(database.url())).open().await.unwrap();
        assert!(registry.store().health().await);
        registry.close().await;
    }
}

/// PgBouncer accepts few parameters unless its settings name more.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_pooler_in_session_mode_is_a_direct_address_and_the_only_one_on_its_defaults() {
    let Some(transactions) = pooler() else { return };
    let sessions = Pooler::start_with("pool_mode = session\ndefault_pool_size = 20").unwrap();
    let world = World::new().await;
    crate::pools::accounts_by_key(&world);
    for first in [transactions, &sessions] {
        let database = Database::empty().await;
        let source = StoreSource::from(first.url(&database)).direct(sessions.url(&database));
        let registry = builder(&world, source).open().await.unwrap();
        whole_life(&world, &registry, "key-1").await;
        registry.close().await;
    }
}

#[tokio::test]
async fn a_pooler_of_another_database_than_the_direct_address_is_refused_with_both_settings() {
    let Some(pooler) = pooler() else { return };
    let world = World::new().await;
    let (pooled, direct) = (Database::empty().await, Database::empty().await);
    let pool = PgPoolOptions::new().max_connections(3).connect_with(pooler.options(&pooled)).await.unwrap();
    for source in [StoreSource::from(pooler.url(&pooled)), StoreSource::from(pool)] {
        let error = builder(&world, source.direct(direct.url())).open().await.unwrap_err();
        assert!(matches!(error, OpenError::Store(StoreError::Unprepared { .. })), "{error:?}");
        assert!(error.to_string().contains("lead to different databases"), "{error}");
        let remedy = error.remedy().unwrap();
        assert!(remedy.contains("`database_url`") && remedy.contains("`database_direct_url`"), "{remedy}");
    }
}

#[tokio::test]
async fn a_pooler_in_statement_mode_is_named_with_the_modes_that_work() {
    if pooler().is_none() {
        return;
    }
    let statements = Pooler::start_with("pool_mode = statement").unwrap();
    let world = World::new().await;
    let database = Database::empty().await;
    let source = StoreSource::from(statements.url(&database)).direct(statements.url(&database));
    let error = builder(&world, source).open().await.unwrap_err();
    assert!(error.to_string().contains("statement mode"), "{error}");
    assert!(error.remedy().unwrap().contains("pool_mode = session"), "{error:?}");
}

#[tokio::test]
async fn a_direct_address_of_a_file_is_refused() {
    let world = World::new().await;
    let database = Database::empty().await;
    let error =
        builder(&world, StoreSource::from(database.url()).direct("/tmp/connections.db")).open().await.unwrap_err();
    assert!(matches!(error, OpenError::Store(StoreError::InvalidAddress { .. })), "{error:?}");
}
