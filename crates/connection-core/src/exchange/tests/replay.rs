//! Tests of whether a request without a clear answer is sent again.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering::SeqCst},
    },
    time::Duration,
};

use connection_contract::{
    HttpError,
    RefreshSemantics::{Grace, Stable, Strict},
};
use connection_faults::server::Reply;

use super::{World, connection, now, refresh, row, spend, spends};
#[tokio::test]
async fn a_reusable_token_is_sent_again_at_once() {
    for world in World::each(|_| Reply::whole(503, "", "down")).await {
        let registry = world.open().await;
        let id = connection(&registry.systems).await;
        for requests in 1..4 {
            assert_eq!(refresh(&registry.systems, id, Stable, "old").await.0, Err(HttpError::Uncertain));
            assert_eq!(world.times_asked(), requests);
        }
    }
}

/// Q6
#[tokio::test]
async fn within_its_grace_it_is_sent_again_at_once_and_then_after_quarantines() {
    for world in World::each(|_| Reply::whole(503, "", "down")).await {
        let registry = world.open().await;
        let id = connection(&registry.systems).await;
        let semantics = Grace(Duration::from_secs(130));
        drop(refresh(&registry.systems, id, semantics, "old").await);
        world.ages(100).await;
        let (answer, uncertain) = refresh(&registry.systems, id, semantics, "old").await;
        assert_eq!((answer, world.times_asked()), (Err(HttpError::Uncertain), 2));
        let left = uncertain.unwrap().replay_at.unwrap().seconds() - now(&world);
        assert_eq!(left, 60, "the window is of the first attempt");
        drop(refresh(&registry.systems, id, semantics, "old").await);
        assert_eq!(world.times_asked(), 2);
        for requests in 3..6 {
            world.passes(60).await;
            drop(refresh(&registry.systems, id, semantics, "old").await);
            assert_eq!(world.times_asked(), requests);
        }
    }
}

#[tokio::test]
async fn an_attempt_of_this_process_is_sent_again_after_each_quarantine() {
    for world in World::each(|_| Reply::whole(503, "", "down")).await {
        let registry = world.open().await;
        let id = connection(&registry.systems).await;
        let (_, uncertain) = refresh(&registry.systems, id, Strict, "old").await;
        let left = uncertain.unwrap().replay_at.unwrap().seconds() - now(&world);
        assert!((60..90).contains(&left), "{left}");
        world.passes(20).await;
        drop(refresh(&registry.systems, id, Strict, "old").await);
        assert_eq!(world.times_asked(), 1, "its bytes may be under way still");
        world.passes(40).await;
        let (_, uncertain) = refresh(&registry.systems, id, Strict, "old").await;
        let uncertain = uncertain.unwrap();
        assert_eq!((world.times_asked(), uncertain.attempts), (2, 2));
        assert_eq!(uncertain.replay_at.unwrap().seconds() - now(&world), 60);
        world.passes(59).await;
        drop(refresh(&registry.systems, id, Strict, "old").await);
        assert_eq!(world.times_asked(), 2);
        world.passes(1).await;
        drop(refresh(&registry.systems, id, Strict, "old").await);
        assert_eq!(world.times_asked(), 3);
    }
}

/// The provider's window began with its first answer. A token that comes after it would count as stolen.
#[tokio::test]
async fn a_window_of_grace_is_of_the_databases_clock() {
    for world in World::each(|_| Reply::whole(503, "", "down")).await {
        let registry = world.open().await;
        let id = connection(&registry.systems).await;
        let semantics = Grace(Duration::from_secs(60));
        drop(refresh(&registry.systems, id, semantics, "old").await);
        world.ages(70).await;
        world.sql(&format!("UPDATE connection_exchange SET concluded_at = {}", world.time_of_database())).await;
        // By the process's own clock, no time has passed.
        let (_, uncertain) = refresh(&registry.systems, id, semantics, "old").await;
        assert!(uncertain.unwrap().replay_at.is_some());
        assert_eq!(world.times_asked(), 1, "the window is over, and the quarantine is not");
    }
}

/// Both attempts have the same second, so only the mark distinguishes them.
#[tokio::test]
async fn an_attempt_that_was_not_sent_is_not_mixed_up_with_the_next_one() {
    let requests = Arc::new(AtomicUsize::new(0));
    let reply = move |_: &str| match requests.fetch_add(1, SeqCst) % 2 {
        0 => Reply::whole(429, "", "later"),
        _ => Reply::whole(503, "", "down"),
    };
    for world in World::each(reply).await {
        let registry = world.open().await;
        let systems = &registry.systems;
        let id = connection(systems).await;
        let late = spends(systems, id, Strict);
        world.clock.advance(Duration::from_secs(40));
        world.refuse("DELETE", "").await;
        assert_eq!(spend(&late, "old").await.map(drop), Err(HttpError::Timeout));
        world.mend().await;
        assert!(row(systems, id, "old").await.is_some(), "it could not be taken back");
        assert_eq!(refresh(systems, id, Strict, "old").await.0, Ok("429 later".into()));
        for _ in 0..2 {
            assert_eq!(refresh(systems, id, Strict, "old").await.0, Err(HttpError::Uncertain));
            assert_eq!(world.times_asked(), 2, "this one was sent");
        }
    }
}
