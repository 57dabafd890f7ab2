//! Tests that an answer in the state directory is on the disk before it counts as kept.

use connection_faults::{server::Reply, test_database::TestDatabase};

use super::{World, connection, stopped};
use connection_seal::platform::recorded::below;
#[tokio::test]
async fn a_file_with_an_answer_is_on_the_disk_before_its_exchange_goes_on() {
    let world = World::on(TestDatabase::in_file(), |_| Reply::ok("fresh")).await;
    let registry = world.open().await;
    let id = connection(&registry.systems).await;
    drop(below(&world.state()));
    world.refuse("UPDATE", "WHEN (NEW.state = 'answered')").await;
    assert_eq!(stopped(&registry.systems, id, "old").await.code(), "store_failed");
    // The content is written before the record that says that it is complete.
    let steps = below(&world.state());
    let words = |step: &String| step.split(' ').next().unwrap_or_default().to_owned();
    assert_eq!(steps.iter().map(words).collect::<Vec<_>>(), ["write", "sync", "write", "sync"], "{steps:?}");
    assert!(steps.iter().all(|step| step.ends_with(".places")), "{steps:?}");
}

/// The id of the node proves that its processes are gone.
#[tokio::test]
async fn the_directory_of_a_node_and_its_name_are_on_the_disk_when_the_registry_is_open() {
    let world = World::on(TestDatabase::in_file(), |_| Reply::ok("")).await;
    let registry = world.open().await;
    let steps = below(&world.state());
    let of = |name: &str| {
        let first = steps.iter().position(|step| step.contains(name)).unwrap_or(steps.len());
        let shown =
            |step: &String| step.split_once(name).map_or(step.clone(), |(before, after)| format!("{before}*{after}"));
        steps.iter().skip(first).take(4).map(shown).collect::<Vec<_>>()
    };
    assert_eq!(of("node"), ["write *.new-*", "sync *.new-*", "link *", "sync directory ."], "{steps:?}");
    let places = of("answers-").into_iter().map(|step| step.split(' ').next().unwrap_or_default().to_owned());
    assert_eq!(places.collect::<Vec<_>>(), ["write", "sync", "link", "sync"], "{steps:?}");
    registry.close().await;
}
