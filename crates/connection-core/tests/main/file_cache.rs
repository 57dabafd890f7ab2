//! Results that a plugin computes from files of its connection are computed once, for all contexts and setups.

use std::{
    fs,
    sync::atomic::{AtomicUsize, Ordering::SeqCst},
};

use connection_contract::prelude::*;
use connection_core::{ConnectionRegistry, Outcome};
use connection_faults::scripted::{Scripted, identity, live};

use crate::{
    service_kind,
    test_host::{World, answers, code, step},
};

const KIND: Kind = Kind::from_static("digests");

#[derive(Default)]
struct Digests {
    computed: AtomicUsize,
}

/// Computes the first line of `a` in the granted directory; `error` is an error, and `none` means no result.
async fn look(it: &Scripted<Digests>, cache: &dyn FileCache, root: &GrantedDirectory) {
    let compute = |content: &Secret| {
        it.computed.fetch_add(1, SeqCst);
        match content.expose_str().unwrap_or_default() {
            "error" => Err(ServiceError::Unavailable),
            "none" => Ok(None),
            text => Ok(Some(text.to_owned())),
        }
    };
    let made = cache.cached(root, "a", 1, 1_000_000, Box::new(compute)).await;
    let made = made.map(|made| made.map(|made| made.len().min(9)));
    it.saw(format!("{made:?}"));
}

/// A plugin that computes something from a file of its connection.
fn digests() -> Scripted<Digests> {
    let descriptor = Descriptor::new(KIND, "Digests", AuthType::None)
        .needs(Need::Files)
        .field(Field::directory("root", "Directory"))
        .field(Field::text("name", "Name"));
    Scripted::with(Digests::default(), descriptor)
        .setup(|it, ctx| {
            Box::pin(async move {
                let root = ctx.prompt(Prompt::new("Where?").field("root")).await.directory("root")?.clone();
                let cache = ctx.file_cache().ok_or_else(|| SetupFailure::new("none", "no cache"))?;
                look(it, cache, &root).await;
                let name = ctx.prompt(Prompt::new("Name").field("name")).await.text("name")?.to_owned();
                Ok(live("key", identity(name)).reach(Reach::declared().root(root)))
            })
        })
        .verify(|it, _, ctx| {
            Box::pin(async move {
                let cache = ctx.file_cache().ok_or(ConnectionError::Bug("no cache".into()))?;
                for root in ctx.connection().roots() {
                    look(it, cache, root).await;
                }
                Ok(VerifyResult::live())
            })
        })
}

async fn begun(world: &World, registry: &ConnectionRegistry) -> connection_core::SetupSession {
    let session = registry.setups().begin(&KIND).await.unwrap();
    let (no, _) = step(&session).await;
    let root = world.directory.path().join("files");
    session.advance(no, &answers(&[("root", root.to_str().unwrap())])).await.unwrap();
    step(&session).await;
    session
}

fn write(world: &World, content: &str) {
    let directory = world.directory.path().join("files");
    fs::create_dir_all(&directory).unwrap();
    fs::write(directory.join("a"), content).unwrap();
}

/// R-JACK-036
#[tokio::test]
async fn a_file_that_stays_is_read_once_by_all_contexts_and_nothing_wrong_is_kept() {
    let world = World::new().await;
    let plugin = digests();
    write(&world, "first");
    let registry = world.open(plugin.clone()).await;
    let session = begun(&world, &registry).await;
    let Outcome::Done(done) = service_kind::named(&session, "ada").await else { panic!("not connected") };
    let connection = registry.connection(done.connection).await.unwrap();
    plugin.seen();
    for (content, seen, computed) in [
        ("first", "Ok(Some(5))", 0),
        ("none", "Ok(None)", 1),
        ("error", "Err(Unavailable)", 2),
        (&*"x".repeat(65 * 1024), "Ok(Some(9))", 2),
    ] {
        let before = plugin.computed.load(SeqCst);
        if content != "first" {
            write(&world, content);
        }
        connection.verify().await.unwrap();
        connection.verify().await.unwrap();
        assert_eq!(plugin.seen(), [seen, seen]);
        assert_eq!(plugin.computed.load(SeqCst) - before, computed, "{seen}");
    }
    fs::remove_file(world.directory.path().join("files/a")).unwrap();
    let before = plugin.computed.load(SeqCst);
    connection.verify().await.unwrap();
    assert_eq!((plugin.seen(), plugin.computed.load(SeqCst)), (vec!["Ok(None)".to_owned()], before));
}

#[tokio::test]
async fn a_replay_in_another_process_returns_the_result_computed_from_the_old_file() {
    let world = World::new().await;
    let plugin = digests();
    write(&world, "first");
    let registry = world.open(plugin.clone()).await;
    let id = begun(&world, &registry).await.id();
    registry.close().await;
    write(&world, "another text");
    let registry = world.open(plugin.clone()).await;
    let session = registry.setups().resume(id).await.unwrap();
    step(&session).await;
    assert_eq!(code(&service_kind::named(&session, "ada").await), "done Live");
    let seen = plugin.seen();
    assert!(seen.len() > 1 && seen.iter().all(|seen| *seen == "Ok(Some(5))"), "{seen:?}");
    assert_eq!(plugin.computed.load(SeqCst), 1);
}
