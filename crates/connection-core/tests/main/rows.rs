//! The content of the database: only our tables, created once, with ids in the order of their creation.

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering::SeqCst},
};

use connection_contract::Liveness;
use connection_core::{Filter, IdGenerator};
use uuid::{Builder, Uuid};

use crate::{fake::Fake, sql, test_host::World};

/// R-INSEAM-044
#[tokio::test]
async fn tables_are_made_once_and_left_as_they_are_by_every_later_open() {
    let world = World::new().await;
    let fake = Fake::new();
    let done = "SELECT version || ' ' || success || ' ' || hex(checksum) FROM connection_migrations ORDER BY version";
    let registry = world.open(fake.clone()).await;
    let connection = fake.connected(&registry, "ada").await;
    registry.close().await;
    let tables = sql::columns(&world.database()).await;
    let migrations = sql::texts(&world.database(), done).await;
    let versions: Vec<u64> = migrations.iter().map(|m| m.split(' ').next().unwrap().parse().unwrap()).collect();
    assert!(versions.is_sorted() && versions.first() == Some(&1), "{versions:?}");
    for _ in 0..3 {
        let registry = world.open(fake.clone()).await;
        assert_eq!(sql::columns(&world.database()).await, tables);
        assert_eq!(sql::texts(&world.database(), done).await, migrations);
        let found = registry.connection(connection.id()).await.unwrap();
        assert_eq!(found.verify().await.unwrap().liveness, Liveness::Live);
        registry.close().await;
    }
}

/// R-INSEAM-007: a connection holds only access: no addresses of data, no permissions of people.
#[tokio::test]
async fn no_table_knows_of_sources_or_grants() {
    let world = World::new().await;
    let registry = world.acme().await;
    let columns = sql::columns(&world.database()).await;
    assert!(columns.iter().any(|column| column == "connection_account.owner"), "{columns:?}");
    // The address for webhooks is an address of this host, not of data. The grants of extensions and agents, the scopes
    // that they lacked, and the tokens of the host's callers are in separate tables, which no connection refers to. So
    // is the grant that a revocation would end at the provider, which says nothing about who may use the connection.
    let of_host = [
        "connection_lacking_scope.",
        "connection_provider_grant.",
        "connection_webhook_address.",
        "connection_extension.",
        "connection_extension_grant.",
        "connection_access_token.",
        "connection_access_token_request.",
        "connection_agent_grant.",
    ];
    for column in columns.iter().filter(|column| !of_host.iter().any(|table| column.starts_with(table))) {
        let words: Vec<_> = column.split(['.', '_']).collect();
        for word in ["source", "sources", "address", "grant", "grants", "permission", "role", "access", "acl", "scope"]
        {
            assert!(!words.contains(&word), "{column}");
        }
    }
    // `granted_scopes` is what the provider reported about the credential, and the only similar name.
    let near: Vec<_> = columns.iter().filter(|column| column.contains("scope")).collect();
    let near: Vec<_> = near.into_iter().filter(|column| !column.starts_with("connection_lacking_scope.")).collect();
    assert_eq!(near, ["connection_credential.granted_scopes"]);
    registry.close().await;
}

/// R-INSEAM-040: a plugin has no access to the store; what it returns is stored, sealed.
#[tokio::test]
async fn a_connection_is_stored_by_the_core_with_kind_id_blob_and_liveness() {
    let world = World::new().await;
    let fake = Fake::new();
    let registry = world.open(fake.clone()).await;
    *fake.blob.lock().unwrap() = b"plain-credential-bytes".to_vec();
    let connection = fake.connected(&registry, "ada").await;
    let row = "SELECT a.kind || ' ' || hex(a.id) || ' ' || l.liveness \
               FROM connection_account AS a JOIN connection_credential AS c ON c.connection_id = a.id \
               JOIN connection_liveness AS l ON l.connection_id = a.id";
    let id = connection.id().to_string().replace('-', "").to_uppercase();
    assert_eq!(sql::texts(&world.database(), row).await, [format!("fake {id} live")]);
    let sealed = sql::blob(&world.database(), "SELECT sealed FROM connection_credential").await;
    assert!(sealed.len() > 22 && !sealed.windows(5).any(|window| window == b"plain"));
    assert_eq!(connection.verify().await.unwrap().liveness, Liveness::Live);
    assert_eq!(fake.seen.lock().unwrap().last().unwrap(), b"plain-credential-bytes");
}

/// R-INSEAM-041
#[tokio::test]
async fn ids_are_version_7_and_sort_as_they_were_made() {
    let world = World::new().await;
    let fake = Fake::new();
    let registry = world.open(fake.clone()).await;
    let mut made = Vec::new();
    for name in 0..8 {
        made.push(fake.connected(&registry, &format!("account-{name}")).await.id().to_string());
    }
    for id in &made {
        let id: Uuid = id.parse().unwrap();
        assert_eq!((id.get_version_num(), id.get_variant()), (7, uuid::Variant::RFC4122));
    }
    assert!(made.is_sorted_by(|a, b| a < b), "{made:?}");
}

/// Counts, in the format of version 7.
#[derive(Default)]
struct Counting(AtomicU64);

impl IdGenerator for Counting {
    fn next(&self) -> Uuid {
        let number = self.0.fetch_add(1, SeqCst);
        Builder::from_unix_timestamp_millis(number, &[0; 10]).into_uuid()
    }
}

/// R-INSEAM-042
#[tokio::test]
async fn ids_come_from_the_generator_that_the_host_gave_and_times_from_its_clock() {
    let world = World::new().await;
    let fake = Fake::new();
    let ids = Arc::new(Counting::default());
    let registry = world.builder().ids(ids.clone()).kind(fake.clone()).open().await.unwrap();
    fake.connected(&registry, "ada").await;
    fake.connected(&registry, "bob").await;
    let drawn = ids.0.load(SeqCst);
    let infos = registry.list_connections(Filter::new()).await.unwrap().items;
    for info in &infos {
        let id: Uuid = info.id.to_string().parse().unwrap();
        let (seconds, nanoseconds) = id.get_timestamp().unwrap().to_unix();
        assert!(seconds == 0 && u64::from(nanoseconds / 1_000_000) < drawn, "{id}");
        assert_eq!((info.created_at.seconds(), info.updated_at.seconds()), (world.now(), world.now()));
    }
    let ours = "SELECT count(*) FROM connection_event WHERE hex(id) LIKE '00000000%'";
    assert_eq!((infos.len(), sql::number(&world.database(), ours).await), (2, Some(2)));
}
