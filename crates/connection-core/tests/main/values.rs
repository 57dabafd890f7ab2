//! The values that a plugin stores: by owner and kind, secrets sealed, and in a setup as durable as its other
//! effects.

use std::sync::{
    Arc, Mutex,
    atomic::{AtomicBool, Ordering::SeqCst},
};

use connection_contract::prelude::*;
use connection_core::{ConnectionRegistry, HostSecret, Outcome, SetupStep};
use connection_faults::scripted::{Scripted, identity};

use crate::{
    sql,
    test_host::{World, answers, code, step},
};

const KEEPER: Kind = Kind::from_static("keeper");
const OTHER: Kind = Kind::from_static("other");
const CANARY: &str = "canary-of-the-client";

#[derive(Default)]
struct Keeper {
    large: AtomicBool,
    /// If set, it asks and writes although there is a value.
    stubborn: AtomicBool,
}

fn text(value: Option<Secret>) -> String {
    value.map_or_else(|| "none".to_owned(), |value| value.expose_str().unwrap().to_owned())
}

/// A plugin that asks for a client once, stores it, and records what each run saw.
fn keeper_of(kind: Kind) -> Scripted<Keeper> {
    let descriptor = Descriptor::new(kind, "Keeper", AuthType::Custom)
        .field(Field::secret("client", "Client"))
        .field(Field::text("name", "Name"));
    Scripted::with(Keeper::default(), descriptor)
        .setup(|it, ctx| {
            Box::pin(async move {
                let values = ctx.kv().ok_or_else(|| SetupFailure::new("none", "no values"))?;
                let failed = |error: ServiceError| SetupFailure::new("values", format!("{error}"));
                let kept = values.get_secret("client").await.map_err(failed)?;
                if kept.is_none() || it.stubborn.load(SeqCst) {
                    let client = ctx.prompt(Prompt::new("Client").field("client")).await.secret("client")?;
                    let client = if it.large.load(SeqCst) { Secret::from("x".repeat(65_537)) } else { client };
                    values.put_secret("client", Some(client)).await.map_err(failed)?;
                    values.put("client", Some("asked".into())).await.map_err(failed)?;
                }
                let name = ctx.prompt(Prompt::new("Name").field("name")).await.text("name")?.to_owned();
                let kept =
                    (values.get_secret("client").await.map_err(failed)?, values.get("client").await.map_err(failed)?);
                it.saw(format!("{} {:?}", text(kept.0), kept.1));
                Ok(SetupResult::new("key".into(), identity(name)))
            })
        })
        .verify(|it, _, ctx| {
            Box::pin(async move {
                let values = ctx.kv().ok_or(ConnectionError::Bug("no values".into()))?;
                it.saw(format!("verify {}", text(values.get_secret("client").await?)));
                Ok(VerifyResult::live())
            })
        })
}

async fn open(world: &World, keeper: &Scripted<Keeper>) -> ConnectionRegistry {
    world.open(keeper.clone()).await
}

/// Answers each prompt with the given values.
async fn connect(registry: &ConnectionRegistry, kind: &Kind, given: &[(&str, &str)]) -> Outcome {
    let session = registry.setups().begin(kind).await.unwrap();
    while let Some((no, shown)) = session.next_step().await.unwrap() {
        let SetupStep::Prompt { fields, .. } = shown else { continue };
        let is_requested = |(name, _): &&(&str, &str)| fields.iter().any(|field| *field.name == **name);
        let fitting: Vec<_> = given.iter().filter(is_requested).copied().collect();
        session.advance(no, &answers(&fitting)).await.unwrap();
    }
    session.terminal().await.unwrap()
}

const FIRST: [(&str, &str); 2] = [("client", CANARY), ("name", "ada")];

#[tokio::test]
async fn later_setups_and_verifications_find_the_stored_value() {
    let world = World::new().await;
    let keeper = keeper_of(KEEPER);
    let registry = open(&world, &keeper).await;
    let Outcome::Done(done) = connect(&registry, &KEEPER, &FIRST).await else { panic!("not connected") };
    assert_eq!(keeper.seen(), [format!("{CANARY} Some(\"asked\")"), format!("verify {CANARY}")]);
    registry.connection(done.connection).await.unwrap().verify().await.unwrap();
    assert_eq!(keeper.seen(), [format!("verify {CANARY}")]);
    registry.close().await;
    // Another start asks only for the name.
    let registry = open(&world, &keeper).await;
    assert!(matches!(connect(&registry, &KEEPER, &[("name", "bob")]).await, Outcome::Done(_)));
    assert_eq!(keeper.seen()[0], format!("{CANARY} Some(\"asked\")"));
}

#[tokio::test]
async fn another_owner_and_another_kind_find_nothing() {
    let world = World::new().await;
    let keeper = keeper_of(KEEPER);
    let other = keeper_of(OTHER);
    let registry = world.builder().kind(keeper.clone()).kind(other.clone()).open().await.unwrap();
    assert!(matches!(connect(&registry, &KEEPER, &FIRST).await, Outcome::Done(_)));
    let yours = registry.owner("another").unwrap();
    for (registry, kind) in [(&yours, KEEPER), (&registry, OTHER)] {
        let session = registry.setups().begin(&kind).await.unwrap();
        let (_, shown) = step(&session).await;
        assert!(format!("{shown:?}").contains("client"), "it asks: {shown:?}");
        session.cancel().await.unwrap();
    }
}

#[tokio::test]
async fn a_value_that_was_read_or_written_before_a_restart_is_not_read_or_written_again() {
    let world = World::new().await;
    let keeper = keeper_of(KEEPER);
    let registry = open(&world, &keeper).await;
    let session = registry.setups().begin(&KEEPER).await.unwrap();
    let (no, _) = step(&session).await;
    session.advance(no, &answers(&FIRST[..1])).await.unwrap();
    let id = session.id();
    let (no, _) = step(&session).await;
    drop(session);
    registry.close().await;
    // Deleted directly: a run that wrote again would bring it back.
    sql::run(&world.database(), "DELETE FROM connection_kv").await;
    let registry = open(&world, &keeper).await;
    let session = registry.setups().resume(id).await.unwrap();
    session.advance(no, &answers(&FIRST[1..])).await.unwrap();
    assert!(matches!(session.terminal().await.unwrap(), Outcome::Done(_)));
    assert_eq!(keeper.seen(), ["none None", "verify none"]);
}

#[tokio::test]
async fn the_secret_half_is_sealed_and_opens_for_its_owner_and_key_alone() {
    let world = World::new().await;
    let keeper = keeper_of(KEEPER);
    let registry = open(&world, &keeper).await;
    assert!(matches!(connect(&registry, &KEEPER, &FIRST).await, Outcome::Done(_)));
    let plain = "SELECT value FROM connection_kv WHERE value IS NOT NULL AND owner <> ''";
    assert_eq!(sql::texts(&world.database(), plain).await, ["asked"]);
    let moved = "UPDATE connection_kv SET owner = 'another' WHERE sealed IS NOT NULL";
    sql::run(&world.database(), moved).await;
    let yours = registry.owner("another").unwrap();
    keeper.seen();
    // The value of another owner does not open, which counts as none: the person is asked for it.
    assert!(matches!(connect(&yours, &KEEPER, &[("client", "its own"), FIRST[1]]).await, Outcome::Done(_)));
    assert_eq!(keeper.seen(), ["its own Some(\"asked\")", "verify its own"]);
}

#[tokio::test]
async fn a_value_that_is_too_long_is_refused_and_not_kept() {
    let world = World::new().await;
    let keeper = keeper_of(KEEPER);
    keeper.large.store(true, SeqCst);
    let registry = open(&world, &keeper).await;
    assert_eq!(code(&connect(&registry, &KEEPER, &FIRST).await), "values");
    assert!(sql::texts(&world.database(), "SELECT key FROM connection_kv WHERE owner <> ''").await.is_empty());
}

#[tokio::test]
async fn what_is_forgotten_is_asked_for_again_and_of_this_owner_and_kind_alone() {
    let world = World::new().await;
    let keeper = keeper_of(KEEPER);
    let registry = open(&world, &keeper).await;
    let yours = registry.owner("another").unwrap();
    for registry in [&registry, &yours] {
        assert!(matches!(connect(registry, &KEEPER, &FIRST).await, Outcome::Done(_)));
    }
    assert_eq!(registry.kinds().forget_values(&OTHER).await.unwrap(), 0);
    assert_eq!(registry.kinds().forget_values(&KEEPER).await.unwrap(), 2);
    assert_eq!(registry.kinds().forget_values(&KEEPER).await.unwrap(), 0);
    assert_eq!(
        sql::texts(&world.database(), "SELECT DISTINCT owner FROM connection_kv WHERE owner <> ''").await,
        ["another"]
    );
    let again = [("client", "the-next-one"), ("name", "bob")];
    assert!(matches!(connect(&registry, &KEEPER, &again).await, Outcome::Done(_)));
    assert!(keeper.seen().iter().any(|line| line.starts_with("the-next-one")));
}

/// The value that the operator configured; `None` if it is not available.
#[derive(Debug, Default)]
struct FromHost(Mutex<Option<&'static str>>);

#[async_trait::async_trait]
impl HostSecret for FromHost {
    async fn read(&self) -> Result<Secret, Box<dyn std::error::Error + Send + Sync>> {
        self.0.lock().unwrap().map(Secret::from).ok_or_else(|| "the file is gone".into())
    }
}

#[tokio::test]
async fn a_value_of_the_host_stands_before_what_is_kept_and_is_read_at_each_use() {
    let world = World::new().await;
    let keeper = keeper_of(KEEPER);
    let registry = open(&world, &keeper).await;
    assert!(matches!(connect(&registry, &KEEPER, &FIRST).await, Outcome::Done(_)));
    registry.close().await;
    let given = Arc::new(FromHost(Mutex::new(Some("of-the-host"))));
    let builder = world.builder().kind(keeper.clone()).kind(keeper_of(OTHER));
    let registry = builder.secret_value(KEEPER, "client", given.clone()).open().await.unwrap();
    keeper.seen();
    // Another owner has no stored value, and is not asked either.
    for registry in [&registry, &registry.owner("another").unwrap()] {
        let outcome = connect(registry, &KEEPER, &[("name", "bob")]).await;
        let Outcome::Done(done) = outcome else { panic!("not connected: {outcome:?}") };
        assert!(keeper.seen()[0].starts_with("of-the-host"));
        *given.0.lock().unwrap() = Some("rotated");
        registry.connection(done.connection).await.unwrap().verify().await.unwrap();
        assert_eq!(keeper.seen(), ["verify rotated"]);
        *given.0.lock().unwrap() = Some("of-the-host");
    }
    // The control: another kind asks.
    let session = registry.setups().begin(&OTHER).await.unwrap();
    assert!(format!("{:?}", step(&session).await).contains("client"));
    session.cancel().await.unwrap();
    // A write by the kind is rejected, and a value that the host cannot provide is not taken from elsewhere.
    keeper.stubborn.store(true, SeqCst);
    assert_eq!(code(&connect(&registry, &KEEPER, &FIRST).await), "values");
    *given.0.lock().unwrap() = None;
    assert_eq!(code(&connect(&registry, &KEEPER, &[("name", "eve")]).await), "values");
    registry.close().await;
}
