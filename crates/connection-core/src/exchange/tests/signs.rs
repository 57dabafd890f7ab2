//! Tests of signs of life: an attempt with a fresh sign is not judged, and its process renews the sign.

use std::time::Duration;

use connection_contract::{HttpError, RefreshSemantics::Strict};
use connection_faults::server::Reply;

use super::{World, connection, now, refresh, row, spends};
use crate::{
    ConnectionId,
    exchange::{HeldHere, conclude_abandoned, silent},
    registry::Systems,
};

const OLDER: &str = "UPDATE connection_exchange SET seen_at = seen_at - 100";
const UNMARKED: &str = "UPDATE connection_exchange SET concluded_at = NULL";

/// Returns the age of the last sign, by the database's clock.
async fn age(systems: &std::sync::Arc<Systems>, id: ConnectionId) -> i64 {
    let mut reader = systems.ground.store.reader().await.unwrap();
    let now = reader.clock().await.unwrap();
    now - row(systems, id, "old").await.unwrap().sent.seen_at
}

#[tokio::test]
async fn a_process_gives_a_sign_of_life_every_second_while_it_is_at_it() {
    for world in World::each(|_| Reply::silence()).await {
        let registry = world.open().await;
        let systems = &registry.systems;
        let id = connection(systems).await;
        let spending = spends(systems, id, Strict);
        let signs = async {
            world.server.until_asked(1).await;
            world.sql(OLDER).await;
            world.clock.advance(Duration::from_millis(999));
            assert!(age(systems, id).await >= 100, "there was one when it was sent");
            world.clock.advance(Duration::from_millis(1));
            let renewed = async {
                while age(systems, id).await >= 100 {
                    tokio::task::yield_now().await;
                }
            };
            tokio::time::timeout(Duration::from_secs(60), renewed).await.expect("a sign is given");
            world.clock.advance(Duration::from_secs(30));
        };
        let (answer, ()) = tokio::join!(super::spend(&spending, "old"), signs);
        assert_eq!(answer.map(|answer| answer.status()), Err(HttpError::Uncertain));
        // The exchange has ended, so the process gives no further sign.
        world.sql(OLDER).await;
        world.clock.advance(Duration::from_secs(60));
        for _ in 0..50 {
            tokio::task::yield_now().await;
        }
        assert!(age(systems, id).await >= 100);
    }
}

#[tokio::test]
async fn an_attempt_is_left_alone_while_its_sign_is_fresh() {
    for world in World::each(|_| Reply::whole(503, "", "down")).await {
        let registry = world.open().await;
        let id = connection(&registry.systems).await;
        drop(refresh(&registry.systems, id, Strict, "old").await);
        world.sql(UNMARKED).await;
        let other = world.open_without_state().await;
        world.sql(&format!("UPDATE connection_exchange SET seen_at = {}", world.time_of_database())).await;
        let asks = async || {
            let (answer, uncertain) = refresh(&other.systems, id, Strict, "old").await;
            assert_eq!(answer, Err(HttpError::Uncertain));
            let uncertain = uncertain.unwrap();
            (uncertain.is_left, uncertain.is_silent, uncertain.replay_at.unwrap().seconds() - now(&world))
        };
        let (is_left, is_silent, seconds) = asks().await;
        assert!(is_left && !is_silent && (1..=3).contains(&seconds), "{seconds}");
        world.passes(3).await;
        let (is_left, is_silent, seconds) = asks().await;
        assert!(!is_left && is_silent && (1..=60).contains(&seconds), "{seconds}");
        assert_eq!(world.times_asked(), 1);
    }
}

/// Its process is stopped, or waits for a provider that does not answer.
#[tokio::test]
async fn a_sender_of_this_machine_that_has_not_ended_is_named_instead_of_the_machine() {
    for world in World::each(|_| Reply::whole(503, "", "down")).await {
        let registry = world.open().await;
        let id = connection(&registry.systems).await;
        drop(refresh(&registry.systems, id, Strict, "old").await);
        world.sql(UNMARKED).await;
        world.sql(OLDER).await;
        let other = world.open().await;
        let held = refresh(&other.systems, id, Strict, "old").await.1.unwrap().held;
        assert_eq!(held, Some(HeldHere { process: Some(std::process::id()) }));
        let sent = row(&other.systems, id, "old").await.unwrap().sent;
        let here = format!("on this machine, and its sender has not ended: process {}", std::process::id());
        let reason = silent(&sent, held);
        assert!(reason.message.as_str().contains(&here) && !reason.message.as_str().contains("sign of life"));
        // The control: another node knows nothing about the sender.
        let elsewhere = world.open_without_state().await;
        let uncertain = refresh(&elsewhere.systems, id, Strict, "old").await.1.unwrap();
        assert!(uncertain.is_silent && uncertain.held.is_none());
        assert!(silent(&sent, None).message.as_str().contains("no sign of life since"));
        assert_eq!(world.times_asked(), 1);
    }
}

/// The attempt has ended, but its process could not record that.
#[tokio::test]
async fn a_process_concludes_its_own_attempt_that_it_could_not_note_and_none_that_is_under_way() {
    for world in World::each(|_| Reply::silence()).await {
        let registry = world.open().await;
        let systems = &registry.systems;
        let id = connection(systems).await;
        let spending = spends(systems, id, Strict);
        let is_concluded = async || row(systems, id, "old").await.unwrap().sent.concluded_at.is_some();
        let looks = async {
            world.server.until_asked(1).await;
            conclude_abandoned(&systems.exchange).await.unwrap();
            assert!(!is_concluded().await, "it is under way");
            world.refuse("UPDATE", "WHEN (NEW.concluded_at IS NOT NULL)").await;
            world.clock.advance(Duration::from_secs(31));
        };
        drop(tokio::join!(super::spend(&spending, "old"), looks));
        assert!(!is_concluded().await);
        world.mend().await;
        conclude_abandoned(&systems.exchange).await.unwrap();
        assert!(is_concluded().await);
    }
}
