//! A standby is refused by that name, and a standby that was promoted spends no token until a person has said what it lacks.

use std::time::Duration;

use connection_contract::reason;
use connection_core::{
    Connection, ConnectionRegistry, Error, KeyFile, Limits, NotReady, OpenError, RegistryBuilder, StoreError,
};
use connection_faults::postgres::{Cluster, cluster};
use sqlx::{AssertSqlSafe, ConnectOptions as _};

use crate::{
    acme::Acme,
    postgres::commit_lost::Proxy,
    renewing::{Renewing, send},
    strict_issuer::Strict,
    test_host::{World, connected},
};

fn builder(world: &World, cluster: &Cluster, plugin: &Renewing) -> RegistryBuilder {
    let address = format!("postgres://postgres@127.0.0.1:{}/postgres?sslmode=disable", cluster.options().get_port());
    let builder = ConnectionRegistry::builder().store(address).key(KeyFile::at(world.key())).http(world.policy());
    builder.limits(Limits::new().hot_rows(Duration::ZERO)).kind(plugin.clone())
}

/// Waits until a standby has all commits of its primary.
async fn caught_up(primary: &Cluster, standby: &Cluster) {
    let mut asking = primary.options().connect().await.unwrap();
    let (end,): (String,) = sqlx::query_as("SELECT pg_current_wal_lsn()::text").fetch_one(&mut asking).await.unwrap();
    let mut looking = standby.options().connect().await.unwrap();
    let sql = format!("SELECT COALESCE(pg_last_wal_replay_lsn() >= '{end}'::pg_lsn, FALSE)");
    while !sqlx::query_as::<_, (bool,)>(AssertSqlSafe(sql.clone())).fetch_one(&mut looking).await.unwrap().0 {
        tokio::task::yield_now().await;
    }
}

/// Checks that an error of the store is this one.
#[track_caller]
fn check<T: std::fmt::Debug>(result: Result<T, Error>, is_expected: impl Fn(&StoreError) -> bool) {
    match result {
        Err(Error::Store(error)) if is_expected(&error) => {}
        other => panic!("{other:?}"),
    }
}

async fn refreshed(connection: &Connection) -> Result<(), Error> {
    connection.refresh().await.map(drop)
}

#[tokio::test]
async fn a_promoted_standby_spends_no_token_until_a_person_has_said_what_it_lacks() {
    let world = World::new().await;
    let provider = Strict::new();
    let answering = provider.clone();
    world.provider(move |request| answering.answer(request));
    let plugin = Renewing::new();
    let primary = cluster().unwrap();
    let former = builder(&world, &primary, &plugin).open().await.unwrap();
    let connection = plugin.connected(&former).await;
    let standby = primary.standby().unwrap();
    refreshed(&connection).await.unwrap();
    assert_eq!(former.store().ready().await, Ok(()));
    let error = builder(&world, &standby, &plugin).open().await.unwrap_err();
    assert!(matches!(error, OpenError::Store(StoreError::Standby { .. })), "{error:?}");
    caught_up(&primary, &standby).await;

    // The former primary becomes a standby. Its server accepts connections and reads.
    primary.control(&["-m", "fast", "stop"]).unwrap();
    standby.control(&["promote"]).unwrap();
    primary.keep("data/standby.signal", "").unwrap();
    primary.control(&["start"]).unwrap();
    check(connection.rename("work").await, |error| matches!(error, StoreError::Standby { .. }));
    assert_eq!(former.store().ready().await, Err(NotReady::Standby));
    assert_eq!(NotReady::Standby.code(), "store_standby");
    former.close().await;

    let promoted = builder(&world, &standby, &plugin).open().await.unwrap();
    let found = promoted.connection(connection.id()).await.unwrap();
    assert!(matches!(promoted.store().promotion().await.unwrap(), Some(StoreError::Promoted { .. })));
    assert_eq!(promoted.store().ready().await, Ok(()), "the other work goes on");
    assert_eq!(send(&found).await.unwrap(), 200, "what it has works");
    check(refreshed(&found).await, |error| matches!(error, StoreError::Promoted { .. }));
    assert_eq!(provider.request_count(), 1, "no token was sent");

    // The standby had everything.
    let accepted = builder(&world, &standby, &plugin).accept_failover().await.unwrap();
    assert!(accepted.connections.is_empty());
    assert_eq!(promoted.store().promotion().await.unwrap(), None);
    refreshed(&found).await.unwrap();
    assert_eq!(provider.request_count(), 2, "the control: an open registry goes on");

    // The standby may have lost something.
    let marked = builder(&world, &standby, &plugin).mark_failed_over().await.unwrap();
    assert_eq!(marked.connections.len(), 1);
    let Err(Error::NotRenewed { why, .. }) = refreshed(&found).await else { panic!("it is marked") };
    assert_eq!(&*why.reason.code, reason::RESTORED);
    assert!(why.reason.message.as_str().contains("failed over to timeline 2"), "{}", why.reason.message);
    assert_eq!((provider.request_count(), provider.lock().refused), (2, 0));
    promoted.close().await;
}

#[tokio::test]
async fn a_server_that_takes_no_writes_is_left_as_soon_as_the_address_leads_to_another() {
    let world = World::new().await;
    let primary = cluster().unwrap();
    let proxy = Proxy::to(&primary.options()).await;
    let address = format!("postgres://postgres@127.0.0.1:{}/postgres?sslmode=disable", proxy.port());
    let builder = ConnectionRegistry::builder().store(address).key(KeyFile::at(world.key())).http(world.policy());
    let registry = builder.kind(Acme::default()).open().await.unwrap();
    let connection = connected(&registry, "key-1").await;
    let standby = primary.standby().unwrap();
    caught_up(&primary, &standby).await;
    let to_standby = || {
        proxy.lead_to(&standby.options());
        // This ends the open connections.
        primary.control(&["-m", "fast", "restart"]).unwrap();
    };

    // A connection to the standby is kept, and found out by the first write, which is not lost.
    to_standby();
    assert!(registry.store().health().await);
    proxy.lead_to(&primary.options());
    assert_eq!(connection.rename("work").await.unwrap().label.as_str(), "work");

    // While the address leads to the standby, writes say so.
    to_standby();
    check(connection.rename("home").await, |error| matches!(error, StoreError::Standby { .. }));
    assert_eq!(registry.store().ready().await, Err(NotReady::Standby));
    proxy.lead_to(&primary.options());
    assert_eq!(registry.store().ready().await, Ok(()));
    assert_eq!(connection.rename("home").await.unwrap().label.as_str(), "home");
    registry.close().await;
}
