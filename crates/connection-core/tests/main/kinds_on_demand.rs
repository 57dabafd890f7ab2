//! Kinds that a host names at its start are read when they are first used.

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use connection_contract::{AuthType, ConnectionError, Descriptor, Field, Kind, Seat, VerifyResult};
use connection_core::{Filter, OwnKind, RegisterError, RegistryBuilder};
use connection_faults::scripted::Scripted;

use crate::{
    acme::{API, Acme, KIND},
    extension_kit::{needs, of},
    own_kind_source::{self, Source},
    renewing::{LIFE, RENEWING, Renewing, refreshed, run},
    sql,
    test_host::{START, World, connected_as},
};

/// A kind of the provider `acme`.
const TWIN: Kind = Kind::from_static("acme-twin");
const OTHER: Kind = Kind::from_static("other");
/// The value that holds the private key of the store.
const STORE_KEY: &str = "client-signing-key";

fn descriptor(kind: &Kind) -> Descriptor {
    let provider = if *kind == TWIN { KIND } else { kind.clone() };
    Descriptor::new(kind.clone(), "A kind", AuthType::ApiKey)
        .provider(provider)
        .origin(API)
        .field(Field::secret("apiKey", "Key"))
}

/// The names of the kinds that were read, in the order of the reads.
#[derive(Clone, Default)]
struct Reads(Arc<Mutex<Vec<Kind>>>);

impl Reads {
    /// Returns the names since the last call.
    fn take(&self) -> Vec<Kind> {
        std::mem::take(&mut *self.0.lock().unwrap())
    }

    /// Returns a builder with the kinds `acme-twin` and `other` on demand.
    fn builder(&self, world: &World) -> RegistryBuilder {
        let reads = self.clone();
        world.builder().kinds_on_demand([(TWIN, KIND), (OTHER, OTHER)], move |kind| {
            reads.0.lock().unwrap().push(kind.clone());
            let seat = Seat::header(format!("x-{kind}"));
            Some(Scripted::new(descriptor(kind)).seat(seat).authorizes(|_, _, _| Ok(())))
        })
    }
}

#[tokio::test]
async fn a_kind_is_read_at_its_first_use_and_not_again() {
    let (world, reads) = (World::new().await, Reads::default());
    let registry = reads.builder(&world).kind(Acme::default()).open().await.unwrap();
    let names = async || -> Vec<_> {
        registry.kinds().in_use().await.unwrap().into_iter().map(|info| info.descriptor.kind).collect()
    };
    assert!(registry.list_connections(Filter::new()).await.unwrap().items.is_empty());
    assert_eq!((names().await, reads.take()), (vec![KIND], vec![]));
    connected_as(&registry, &OTHER, &[("apiKey", "key-1")]).await;
    assert_eq!(registry.kinds().get(&OTHER).unwrap().descriptor.kind, OTHER);
    assert_eq!((names().await, reads.take()), (vec![KIND, OTHER], vec![OTHER]));
    let all: Vec<_> = registry.kinds().list().into_iter().map(|info| info.descriptor.kind).collect();
    assert_eq!((all, reads.take()), (vec![KIND, TWIN, OTHER], vec![TWIN]));
    registry.close().await;

    // Another process reads a kind that has connections, and no other.
    let registry = reads.builder(&world).open().await.unwrap();
    assert_eq!(reads.take(), []);
    assert_eq!(registry.kinds().in_use().await.unwrap().len(), 1);
    let [connection] = &registry.list_connections(Filter::new()).await.unwrap().items[..] else { panic!() };
    assert_eq!((connection.registered, reads.take()), (true, vec![OTHER]));
    registry.close().await;
}

#[tokio::test]
async fn the_seats_of_a_kind_contain_those_of_kinds_of_its_provider_that_nobody_used() {
    let (world, reads) = (World::new().await, Reads::default());
    let registry = reads.builder(&world).kind(Acme::default()).open().await.unwrap();
    assert_eq!(registry.kinds().seats(&KIND).await.unwrap(), [Seat::bearer(), Seat::header("x-acme-twin")]);
    assert_eq!(reads.take(), [TWIN]);
    registry.close().await;
}

#[tokio::test]
async fn a_registered_kind_takes_the_place_of_one_that_was_not_read() {
    let (world, reads) = (World::new().await, Reads::default());
    let before = Scripted::new(descriptor(&TWIN));
    let registry = reads.builder(&world).kind(before.clone()).open().await.unwrap();
    registry.kinds().register(Scripted::new(descriptor(&OTHER))).unwrap();
    assert_eq!(registry.kinds().list().len(), 2);
    let taken = registry.kinds().register(Scripted::new(descriptor(&OTHER)));
    assert!(matches!(taken, Err(RegisterError::Taken { .. })), "{taken:?}");
    assert!(registry.kinds().unregister(&OTHER));
    assert!(registry.kinds().get(&OTHER).is_none(), "it does not come back");
    assert_eq!(reads.take(), []);
    registry.close().await;

    // The order in which the builder is told does not matter.
    let registry = world.builder().kind(before).kinds_on_demand([(TWIN, KIND)], |_| None::<Scripted>);
    let registry = registry.open().await.unwrap();
    assert!(registry.kinds().get(&TWIN).is_some());
    registry.close().await;
}

#[tokio::test]
async fn a_kind_that_is_not_returned_or_is_wrong_is_left_out() {
    let (world, reads) = (World::new().await, Reads::default());
    let missing = Kind::from_static("missing");
    let renamed = Kind::from_static("renamed");
    let wrong = Kind::from_static("wrong");
    let panics = Kind::from_static("panics");
    let names = [&missing, &renamed, &wrong, &panics, &OTHER].map(|kind| (kind.clone(), kind.clone()));
    let names = names.into_iter().chain([(TWIN, OTHER)]);
    let seen = reads.clone();
    let builder = world.builder().kinds_on_demand(names, move |kind| {
        seen.0.lock().unwrap().push(kind.clone());
        match kind.as_str() {
            "missing" => None,
            "renamed" => Some(Scripted::new(descriptor(&TWIN))),
            "wrong" => Some(Scripted::new(descriptor(kind).origin("no origin"))),
            "panics" => panic!("told so"),
            _ => Some(Scripted::new(descriptor(kind))),
        }
    });
    let registry = builder.open().await.unwrap();
    for kind in [&missing, &renamed, &wrong, &panics, &TWIN, &missing] {
        assert!(registry.kinds().find(kind).await.unwrap().is_none(), "{kind}");
    }
    let all: Vec<_> = registry.kinds().list().into_iter().map(|info| info.descriptor.kind).collect();
    assert_eq!(all, [OTHER]);
    assert_eq!(reads.take(), [missing, renamed, wrong, panics, TWIN, OTHER]);
    registry.close().await;
}

/// The process of the scheduler has not read the kind when another process connects the account.
#[tokio::test]
async fn the_scheduler_refreshes_what_another_process_connected() {
    let (world, plugin) = (World::new().await, Renewing::new());
    let on_demand = plugin.clone();
    let names = [(RENEWING, RENEWING), (OTHER, OTHER)];
    let runs = world.builder().kinds_on_demand(names, move |kind| (*kind == RENEWING).then(|| on_demand.clone()));
    let runs = runs.open().await.unwrap();
    let _running = run(&runs);
    world.clock.until_asleep(1).await;

    world.provider(|_| crate::test_server::Reply::ok(r#"{"access":"access-2","refresh":"refresh-2","life":3600}"#));
    let connects = world.open(plugin.clone()).await;
    plugin.connected(&connects).await;
    connects.close().await;
    world.clock.advance(Duration::from_secs(u64::try_from(LIFE - 460).unwrap()));
    for _ in 0..600 {
        if refreshed(&plugin) == 1 {
            break;
        }
        sql::pass(&world.database(), &world.clock, 1).await;
    }
    assert_eq!(refreshed(&plugin), 1);
    assert!(world.now() < START + LIFE, "{}", world.now() - START);
    runs.close().await;
}

/// Records whether its code can read the private key of the store.
fn signer(descriptor: Descriptor) -> Scripted {
    Scripted::new(descriptor).verify(|it, _, ctx| {
        Box::pin(async move {
            let values = ctx.kv().ok_or(ConnectionError::Bug("no values".into()))?;
            let key = values.get_secret(STORE_KEY).await?;
            it.saw(key.map_or("none", |key| match key.expose_str() {
                Some(text) if text.starts_with("-----BEGIN PRIVATE KEY-----") => "the key",
                _ => "something else",
            }));
            let refused = values.put_secret(STORE_KEY, Some("mine".into())).await.is_err();
            it.saw(if refused { "it cannot be written" } else { "it was written" });
            Ok(VerifyResult::live())
        })
    })
}

#[tokio::test]
async fn a_kind_that_discovers_has_the_key_of_the_store_however_it_was_registered() {
    let world = World::new().await;
    let names = ["first", "later", "on-demand"].map(Kind::from_static);
    let [first, later, on_demand] = names.clone().map(|kind| signer(descriptor(&kind).discovers()));
    let read = on_demand.clone();
    let named = [(names[2].clone(), names[2].clone())];
    let builder = world.builder().kind(first.clone()).kinds_on_demand(named, move |_| Some(read.clone()));
    let registry = builder.open().await.unwrap();
    registry.kinds().register(later.clone()).unwrap();
    for (kind, plugin) in names.iter().zip([first, later, on_demand]) {
        let connection = connected_as(&registry, kind, &[("apiKey", "key-1")]).await;
        plugin.seen();
        connection.verify().await.unwrap();
        assert_eq!(plugin.seen(), ["the key", "it cannot be written"], "{kind}");
    }
    registry.close().await;
}

#[tokio::test]
async fn other_kinds_and_those_of_extensions_do_not_have_the_key_of_the_store() {
    let world = World::new().await;
    let own = Kind::of_extension("issues", &TWIN).unwrap();
    let owns = descriptor(&own).provider(TWIN).extension("issues");
    let (without, brought) = (signer(descriptor(&OTHER)), signer(owns.discovers()));
    let made = brought.clone();
    let source = Source::new(move |_, _| Some(OwnKind::new(made.clone())));
    let registry = own_kind_source::builder(&world, &source).kind(without.clone()).open().await.unwrap();
    registry.extensions().add(&of("issues", needs(TWIN, AuthType::ApiKey, &["apiKey"])), "text").await.unwrap();
    for (kind, plugin) in [(OTHER, without), (own, brought)] {
        let connection = connected_as(&registry, &kind, &[("apiKey", "key-1")]).await;
        plugin.seen();
        connection.verify().await.unwrap();
        assert_eq!(plugin.seen(), ["none", "it was written"], "{kind}");
    }
    registry.close().await;
}
