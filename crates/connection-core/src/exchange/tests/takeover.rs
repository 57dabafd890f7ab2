//! What a process left behind that is gone.

use std::{fs, time::Duration};

use connection_contract::{Clock as _, HttpError, RefreshSemantics::Strict, Timestamp};

use super::{World, connection, now, refresh, row};
use crate::{ConnectionId, ConnectionRegistry, services::test_server::Reply};

const UNMARKED: &str = "UPDATE connection_exchange SET concluded_at = NULL";

/// An attempt of a process, as if it had died before it knew the end; with the process.
async fn sent(world: &World) -> (ConnectionRegistry, ConnectionId) {
    let registry = world.open().await;
    let id = connection(&registry.shared).await;
    assert_eq!(refresh(&registry.shared, id, Strict, "old").await.0, Err(HttpError::Uncertain));
    world.sql(UNMARKED, UNMARKED).await;
    (registry, id)
}

/// Asks until long after every quarantine; how often it was sent in all.
async fn asks_on(world: &World, registry: &ConnectionRegistry, id: ConnectionId) -> usize {
    for _ in 0..5 {
        drop(refresh(&registry.shared, id, Strict, "old").await);
        world.clock.advance(Duration::from_secs(61));
    }
    world.times_asked()
}

#[tokio::test]
async fn what_a_process_sent_that_is_gone_is_sent_once_more_after_a_quarantine() {
    for world in World::each(|_| Reply::whole(503, "", "down")).await {
        let (gone, id) = sent(&world).await;
        drop(gone);
        world.clock.advance(Duration::from_secs(3600));
        let registry = world.open().await;
        let (_, uncertain) = refresh(&registry.shared, id, Strict, "old").await;
        let replay_at = uncertain.unwrap().replay_at.unwrap().seconds();
        assert_eq!(replay_at, now(&world) + 60, "from when it was known, and not from when it was sent");
        world.clock.advance(Duration::from_secs(59));
        drop(refresh(&registry.shared, id, Strict, "old").await);
        assert_eq!(world.times_asked(), 1);
        world.clock.advance(Duration::from_secs(1));
        assert_eq!(asks_on(&world, &registry, id).await, 2, "once");
        drop(registry);
        assert_eq!(asks_on(&world, &world.open().await, id).await, 2, "also for the next process");
    }
}

#[tokio::test]
async fn a_process_that_lives_is_waited_for() {
    for world in World::each(|_| Reply::whole(503, "", "down")).await {
        let (_alive, id) = sent(&world).await;
        assert_eq!(asks_on(&world, &world.open().await, id).await, 1);
    }
}

#[tokio::test]
async fn nothing_is_proven_on_another_node_or_without_a_lock_file() {
    for how in ["another node", "no directory", "no lock file", "another node's id"] {
        for world in World::each(|_| Reply::whole(503, "", "down")).await {
            let (gone, id) = sent(&world).await;
            drop(gone);
            let registry = match how {
                "another node" => world.open_without_state().await,
                "no directory" if world.postgres.is_some() => world.builder().open().await.unwrap(),
                _ => {
                    let registry = world.open().await;
                    for entry in fs::read_dir(world.state()).unwrap() {
                        let path = entry.unwrap().path();
                        let name = path.file_name().unwrap().to_str().unwrap();
                        match how {
                            "another node's id" if name == "node" => fs::write(&path, "00".repeat(16)).unwrap(),
                            "another node's id" => {}
                            _ if name.starts_with("process-") => fs::remove_file(&path).unwrap(),
                            _ => {}
                        }
                    }
                    registry
                }
            };
            assert_eq!(asks_on(&world, &registry, id).await, 1, "{how}");
        }
    }
}

#[tokio::test]
async fn a_process_that_knows_its_attempt_is_over_lets_another_node_go_on() {
    for world in World::each(|_| Reply::whole(503, "", "down")).await {
        let registry = world.open().await;
        let id = connection(&registry.shared).await;
        drop(refresh(&registry.shared, id, Strict, "old").await);
        let other = world.open_without_state().await;
        drop(refresh(&other.shared, id, Strict, "old").await);
        assert_eq!(world.times_asked(), 1);
        assert_eq!(asks_on(&world, &other, id).await, 2);
    }
}

#[tokio::test]
async fn a_clock_that_is_set_ends_no_quarantine() {
    for world in World::each(|_| Reply::whole(503, "", "down")).await {
        let registry = world.open().await;
        let id = connection(&registry.shared).await;
        drop(refresh(&registry.shared, id, Strict, "old").await);
        world.clock.jump_to(Timestamp::from_seconds(world.clock.now().seconds() + 3600));
        drop(refresh(&registry.shared, id, Strict, "old").await);
        assert_eq!(world.times_asked(), 1, "the wall clock alone");
        world.clock.jump_to(Timestamp::from_seconds(super::START - 3600));
        world.clock.advance(Duration::from_secs(60));
        drop(refresh(&registry.shared, id, Strict, "old").await);
        assert_eq!(world.times_asked(), 1, "what passed alone");
        world.clock.jump_to(Timestamp::from_seconds(super::START + 60));
        drop(refresh(&registry.shared, id, Strict, "old").await);
        assert_eq!(world.times_asked(), 2, "both");
    }
}

#[tokio::test]
async fn a_replay_that_the_provider_turned_away_leaves_what_was_there_before() {
    let told = std::sync::Arc::new(std::sync::atomic::AtomicUsize::new(0));
    let reply = move |_: &str| match told.fetch_add(1, std::sync::atomic::Ordering::SeqCst) % 3 {
        0 => Reply::whole(503, "", "down"),
        1 => Reply::whole(429, "", "later"),
        _ => Reply::ok("fresh"),
    };
    for world in World::each(reply).await {
        let registry = world.open().await;
        let shared = &registry.shared;
        let id = connection(shared).await;
        drop(refresh(shared, id, Strict, "old").await);
        let before = row(shared, id, "old").await.unwrap();
        world.clock.advance(Duration::from_secs(60));
        assert_eq!(refresh(shared, id, Strict, "old").await.0, Ok("429 later".into()));
        assert_eq!(row(shared, id, "old").await.unwrap(), before);
        assert_eq!(refresh(shared, id, Strict, "old").await.0, Ok("200 fresh".into()), "the one is left");
        assert_eq!(world.times_asked(), 3);
    }
}
