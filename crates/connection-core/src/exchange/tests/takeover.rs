//! Tests of attempts that an ended process left unfinished.

use std::{fs, time::Duration};

use connection_contract::{HttpError, RefreshSemantics::Strict, Timestamp};
use connection_faults::server::Reply;

use super::{World, connection, now, refresh, row};
use crate::{ConnectionId, ConnectionRegistry};

const UNMARKED: &str = "UPDATE connection_exchange SET concluded_at = NULL";

/// Simulates an attempt of a process that died before the end of the attempt. Returns the process, too.
async fn sent(world: &World) -> (ConnectionRegistry, ConnectionId) {
    let registry = world.open().await;
    let id = connection(&registry.systems).await;
    assert_eq!(refresh(&registry.systems, id, Strict, "old").await.0, Err(HttpError::Uncertain));
    world.sql(UNMARKED).await;
    (registry, id)
}

/// Refreshes until long after every quarantine, and returns how often the request was sent in all.
async fn asks_on(world: &World, registry: &ConnectionRegistry, id: ConnectionId) -> usize {
    for _ in 0..5 {
        drop(refresh(&registry.systems, id, Strict, "old").await);
        world.passes(61).await;
    }
    world.times_asked()
}

#[tokio::test]
async fn the_request_of_a_gone_process_is_sent_again_after_a_quarantine() {
    for world in World::each(|_| Reply::whole(503, "", "down")).await {
        let (gone, id) = sent(&world).await;
        drop(gone);
        world.passes(3600).await;
        let registry = world.open().await;
        let (_, uncertain) = refresh(&registry.systems, id, Strict, "old").await;
        let left = uncertain.unwrap().replay_at.unwrap().seconds() - now(&world);
        assert!((60..90).contains(&left), "{left}: from when it was known, and not from when it was sent");
        world.passes(20).await;
        drop(refresh(&registry.systems, id, Strict, "old").await);
        assert_eq!(world.times_asked(), 1);
        world.passes(40).await;
        assert_eq!(asks_on(&world, &registry, id).await, 6, "once after each quarantine");
        drop(registry);
        assert_eq!(asks_on(&world, &world.open().await, id).await, 11, "also by the next process");
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
                    world.open().await
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
        let id = connection(&registry.systems).await;
        drop(refresh(&registry.systems, id, Strict, "old").await);
        let other = world.open_without_state().await;
        drop(refresh(&other.systems, id, Strict, "old").await);
        assert_eq!(world.times_asked(), 1);
        assert_eq!(asks_on(&world, &other, id).await, 5);
    }
}

/// A quarantine is measured by the time since a boot, so no clock of a process lengthens or shortens it.
#[tokio::test]
async fn no_clock_of_a_process_ends_a_quarantine_or_makes_one_last() {
    for hours in [-1, 1] {
        for world in World::each(|_| Reply::whole(503, "", "down")).await {
            let registry = world.open().await;
            let id = connection(&registry.systems).await;
            drop(refresh(&registry.systems, id, Strict, "old").await);
            world.clock.jump_to(Timestamp::from_seconds(super::START + hours * 3600));
            // Another process, which has measured nothing yet.
            let other = world.open().await;
            for systems in [&registry.systems, &other.systems] {
                drop(refresh(systems, id, Strict, "old").await);
                assert_eq!(world.times_asked(), 1, "{hours}");
            }
            world.clock.advance(Duration::from_secs(60));
            drop(refresh(&other.systems, id, Strict, "old").await);
            assert_eq!(world.times_asked(), 2, "{hours}");
        }
    }
}

/// The other node may come back and record the end, or have the answer in a file.
#[tokio::test]
async fn the_request_of_another_node_is_sent_again_after_a_day_of_silence() {
    for world in World::each(|_| Reply::whole(503, "", "down")).await {
        let (gone, id) = sent(&world).await;
        drop(gone);
        let registry = world.open_without_state().await;
        // After a day, the sign is observed for a quarantine, and then the quarantine of the attempt begins.
        for (seconds, is_over) in [(3600_i64, false), (22 * 3600, false), (2 * 3600, false), (59, false), (1, true)] {
            match seconds {
                // The observed sign stays the same.
                ..60 => world.clock.advance(Duration::from_secs(seconds.unsigned_abs())),
                _ => world.passes(seconds).await,
            }
            let (answer, uncertain) = refresh(&registry.systems, id, Strict, "old").await;
            assert_eq!(answer, Err(HttpError::Uncertain));
            let left = uncertain.unwrap().replay_at.map(|at| at.seconds() - now(&world));
            assert_eq!(left, Some(60), "{seconds}");
            assert_eq!(
                row(&registry.systems, id, "old").await.unwrap().sent.concluded_at.is_some(),
                is_over,
                "{seconds}"
            );
        }
        assert_eq!(world.times_asked(), 1);
        world.passes(60).await;
        drop(refresh(&registry.systems, id, Strict, "old").await);
        assert_eq!(world.times_asked(), 2);
    }
}

/// Setting the clock makes a sign of life look old, but a node that is alive gives another one.
#[tokio::test]
async fn a_clock_that_is_set_does_not_prove_that_a_node_is_gone() {
    for world in World::each(|_| Reply::whole(503, "", "down")).await {
        let (_alive, id) = sent(&world).await;
        let registry = world.open_without_state().await;
        // There is another sign each time.
        for days in 2..6 {
            world.ages(days * 86_400).await;
            drop(refresh(&registry.systems, id, Strict, "old").await);
            world.sql(&format!("UPDATE connection_exchange SET seen_at = {}", world.time_of_database())).await;
            world.clock.advance(Duration::from_secs(61));
            drop(refresh(&registry.systems, id, Strict, "old").await);
            assert!(row(&registry.systems, id, "old").await.unwrap().sent.concluded_at.is_none());
        }
        assert_eq!(world.times_asked(), 1);
    }
}

#[tokio::test]
async fn a_replay_that_the_provider_turned_away_leaves_what_was_there_before() {
    let requests = std::sync::Arc::new(std::sync::atomic::AtomicUsize::new(0));
    let reply = move |_: &str| match requests.fetch_add(1, std::sync::atomic::Ordering::SeqCst) % 3 {
        0 => Reply::whole(503, "", "down"),
        1 => Reply::whole(429, "", "later"),
        _ => Reply::ok("fresh"),
    };
    for world in World::each(reply).await {
        let registry = world.open().await;
        let systems = &registry.systems;
        let id = connection(systems).await;
        drop(refresh(systems, id, Strict, "old").await);
        let before = row(systems, id, "old").await.unwrap();
        world.passes(60).await;
        assert_eq!(refresh(systems, id, Strict, "old").await.0, Ok("429 later".into()));
        let after = row(systems, id, "old").await.unwrap();
        assert_eq!((after.sent.at, after.sent.replays), (before.sent.at - 60, 0));
        assert_eq!(after.sent.concluded_at, before.sent.concluded_at.map(|at| at - 60));
        assert_eq!(refresh(systems, id, Strict, "old").await.0, Ok("200 fresh".into()), "the one is left");
        assert_eq!(world.times_asked(), 3);
    }
}
