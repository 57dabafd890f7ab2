//! A process is ready while it can read the database, its tables are those of the program, and its keys open it.

use connection_core::NotReady;

use crate::{sql, test_host::World};

#[tokio::test]
async fn a_process_is_ready_until_the_tables_or_the_keys_are_others_or_the_store_is_gone() {
    let world = World::new().await;
    let registry = world.acme().await;
    let database = world.database();
    let store = registry.store();
    assert_eq!(store.ready().await, Ok(()));
    // Another process rotates the keys, and this one reads them with its key source.
    let other = world.acme().await;
    other.keys().rotate().await.unwrap();
    assert_eq!(store.ready().await, Ok(()));

    sql::run(&database, "UPDATE connection_migrations SET version = 9999 WHERE version = 1").await;
    assert_eq!(store.ready().await, Err(NotReady::Tables));
    sql::run(&database, "UPDATE connection_migrations SET version = 1 WHERE version = 9999").await;
    assert_eq!(store.ready().await, Ok(()), "the control");

    // The keys of the next revision are sealed with a key that this source does not have.
    let damaged = sql::literal(b"what no source opens");
    sql::run(
        &database,
        format!("UPDATE connection_keyset SET keys_revision = keys_revision + 1, slot_a = {damaged}, slot_b = NULL"),
    )
    .await;
    assert_eq!(store.ready().await, Err(NotReady::Keys));
    sql::run(&database, "DELETE FROM connection_keyset").await;
    assert_eq!(store.ready().await, Err(NotReady::Keys));
    registry.close().await;
    assert_eq!(store.ready().await, Err(NotReady::Store));
    let codes = [NotReady::Store, NotReady::Tables, NotReady::Keys].map(NotReady::code);
    assert_eq!(codes, ["store_unavailable", "tables_differ", "keys_unavailable"]);
}
