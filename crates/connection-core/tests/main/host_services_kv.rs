//! The values that a kind stores through its handle: they belong to the owner who registered the kind, public or
//! sealed. In a setup they belong to the person who connects, and are as durable as its other effects.

use connection_contract::Kind;
use connection_core::ConnectionRegistry;

use crate::{
    service_kind::{Act, Borrower, LENT, begin_setup, named},
    sql,
    test_host::{World, code},
};

const CANARY: &str = "canary-of-the-handle";

async fn open(world: &World, plugin: &Borrower) -> ConnectionRegistry {
    let registry = world.open(plugin.clone()).await;
    plugin.until_activated(1).await;
    registry
}

fn none() -> (String, String) {
    ("Ok(None)".into(), "Ok(None)".into())
}

/// R-JACK-032
#[tokio::test]
async fn values_belong_to_the_kind_and_to_the_owner_who_registered_it() {
    let world = World::new().await;
    let plugin = Borrower::new([]);
    let theirs = Borrower::new([]);
    let registry = open(&world, &plugin).await;
    assert_eq!(plugin.act(Act::Put("a", "mine")).await, "Ok(())");
    assert_eq!(plugin.act(Act::Get("a")).await, "Ok(Some(\"mine\"))");
    // Some databases cannot store such text.
    assert_eq!(plugin.act(Act::Put("a\0b", "mine")).await, "Err(Denied)");
    assert_eq!(plugin.act(Act::PutSecret("a\0b", "mine")).await, "Err(Denied)");
    assert_eq!((plugin.act(Act::Get("a\0b")).await, plugin.act(Act::GetSecret("a\0b")).await), none());
    registry.kinds().unregister(&LENT);
    let other = registry.owner("other").unwrap();
    other.kinds().register(theirs.clone()).unwrap();
    theirs.until_activated(1).await;
    assert_eq!(theirs.act(Act::Get("a")).await, "Ok(None)");
    // In a setup, the value belongs to the person who connects.
    theirs.act(Act::Put("a", "theirs")).await;
    theirs.does([Act::Get("a"), Act::ContextGet("a")]);
    begin_setup(&registry).await;
    assert_eq!(theirs.seen(), ["Ok(Some(\"mine\")), Ok(Some(\"mine\"))"]);
}

/// R-INSEAM-093: the host knows the kind of a value from the handle that it created; the plugin never names it.
#[tokio::test]
async fn two_kinds_have_handles_of_their_own_and_neither_reaches_what_the_other_keeps() {
    let world = World::new().await;
    let one = Borrower::new([]);
    let two = Borrower::of(Kind::from_static("lent-two"));
    let registry = open(&world, &one).await;
    registry.kinds().register(two.clone()).unwrap();
    two.until_activated(1).await;
    for (plugin, value) in [(&one, "of one"), (&two, "of two")] {
        assert_eq!((plugin.act(Act::Get("a")).await, plugin.act(Act::GetSecret("a")).await), none(), "{value}");
        assert_eq!(plugin.act(Act::Put("a", value)).await, "Ok(())");
        plugin.act(Act::PutSecret("s", value)).await;
    }
    for (plugin, value) in [(&one, "of one"), (&two, "of two")] {
        let expected = format!("Ok(Some({value:?}))");
        assert_eq!(
            (plugin.act(Act::Get("a")).await, plugin.act(Act::GetSecret("s")).await),
            (expected.clone(), expected)
        );
    }
    // A key that looks like the namespace of the other kind does not reach its values either.
    for key in ["lent-two/a", "../lent-two/a", "lent-two:a"] {
        assert_eq!(one.act(Act::Get(key)).await, "Ok(None)");
    }
}

#[tokio::test]
async fn a_setup_records_the_value_and_a_replay_sees_no_later_change() {
    let world = World::new().await;
    let plugin = Borrower::new([]);
    let registry = open(&world, &plugin).await;
    plugin.act(Act::Put("a", "before")).await;
    plugin.does([Act::Get("a"), Act::Put("b", "set up"), Act::PutSecret("c", CANARY), Act::GetSecret("c")]);
    let session = begin_setup(&registry).await;
    let id = session.id();
    plugin.act(Act::Put("a", "after")).await;
    plugin.act(Act::Put("b", "after")).await;
    drop(session);
    registry.close().await;
    let registry = open(&world, &plugin.clone()).await;
    let session = registry.setups().resume(id).await.unwrap();
    crate::test_host::step(&session).await;
    assert_eq!(code(&named(&session, "ada").await), "done Live");
    let seen = plugin.seen();
    assert!(seen.len() > 1 && seen.iter().all(|seen| *seen == seen_once()), "{seen:?}");
    let everything = sql::everything(&world.database()).await;
    assert!(!everything.windows(CANARY.len()).any(|window| window == CANARY.as_bytes()));
}

fn seen_once() -> String {
    format!("Ok(Some(\"before\")), Ok(()), Ok(()), Ok(Some(\"{CANARY}\"))")
}

/// R-JACK-033
#[tokio::test]
async fn a_secret_that_does_not_open_is_not_there_and_can_be_written_again() {
    let world = World::new().await;
    let plugin = Borrower::new([]);
    let _registry = open(&world, &plugin).await;
    plugin.act(Act::PutSecret("a", CANARY)).await;
    plugin.act(Act::PutSecret("b", "another")).await;
    let swap = "UPDATE connection_kv SET sealed = (SELECT sealed FROM connection_kv WHERE key = 'b') WHERE key = 'a'";
    sql::run(&world.database(), swap).await;
    assert_eq!(plugin.act(Act::GetSecret("a")).await, "Ok(None)");
    assert_eq!(plugin.act(Act::PutSecret("a", CANARY)).await, "Ok(())");
    assert_eq!(plugin.act(Act::GetSecret("a")).await, format!("Ok(Some(\"{CANARY}\"))"));
}

/// R-JACK-032
#[tokio::test]
async fn a_store_that_cannot_write_keeps_nothing_and_says_so() {
    let world = World::new().await;
    let plugin = Borrower::new([]);
    let registry = open(&world, &plugin).await;
    registry.close().await;
    assert_eq!(plugin.act(Act::PutSecret("a", CANARY)).await, "Err(Unavailable)");
}
