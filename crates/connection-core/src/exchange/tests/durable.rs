//! An answer that is kept in a file is on the disk, with its name, before anybody is told that it is kept.

use super::{World, connection, stopped};
use crate::{platform::recorded::below, services::test_server::Reply};

#[tokio::test]
async fn a_file_with_an_answer_is_on_the_disk_before_its_exchange_goes_on() {
    let world = World::on(None, |_| Reply::ok("fresh")).await;
    let registry = world.open().await;
    let id = connection(&registry.shared).await;
    drop(below(&world.state()));
    world.refuse("UPDATE", "WHEN (NEW.state = 'answered')").await;
    assert_eq!(stopped(&registry.shared, id, "old").await.code(), "store_failed");
    let steps = below(&world.state());
    let words = |step: &String| step.split("answer-").next().unwrap_or_default().trim_end().to_owned();
    let expected = ["write", "sync", "rename", "sync directory ."];
    assert_eq!(steps.iter().map(words).collect::<Vec<_>>(), expected, "{steps:?}");
    assert!(steps[..3].iter().all(|step| step.contains(".rescue")), "{steps:?}");
}

/// The name of the node is what proves that its processes are gone.
#[tokio::test]
async fn the_directory_of_a_node_and_its_name_are_on_the_disk_when_the_registry_is_open() {
    let world = World::on(None, |_| Reply::ok("")).await;
    let registry = world.open().await;
    let steps = below(&world.state());
    let node: Vec<_> = steps.iter().filter(|step| step.contains("node") || *step == "sync directory .").collect();
    assert_eq!(node, ["write node.new-*", "sync node.new-*", "link node", "sync directory ."], "{steps:?}");
    registry.close().await;
}
