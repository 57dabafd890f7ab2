//! Answers that could not be recorded.

use std::{fs, path::PathBuf, time::Duration};

use connection_contract::{HttpError, RefreshSemantics::Strict};

use super::{World, connection, refresh, remove, row, spend, spends, stopped, told, until_stopped};
use crate::services::test_server::Reply;

const ANSWER: &str = "fresh-token-that-nobody-may-read";

fn files(world: &World) -> Vec<PathBuf> {
    let files = fs::read_dir(world.state()).unwrap().map(|entry| entry.unwrap().path());
    files.filter(|path| path.extension().is_some_and(|extension| extension == "rescue")).collect()
}

/// A process that got an answer which it could not record, and is gone.
async fn lost(world: &World, token: &str) -> crate::ConnectionId {
    let registry = world.open().await;
    let id = connection(&registry.shared).await;
    world.refuse("UPDATE", "WHEN (NEW.state = 'answered')").await;
    assert_eq!(stopped(&registry.shared, id, token).await.code(), "store_failed");
    world.mend().await;
    world.clock.until_asleep(1).await;
    id
}

#[tokio::test]
async fn an_answer_that_cannot_be_recorded_is_kept_and_recorded_later() {
    for world in World::each(|_| Reply::ok(ANSWER)).await {
        let registry = world.open().await;
        let shared = &registry.shared;
        let id = connection(shared).await;
        world.refuse("UPDATE", "WHEN (NEW.state = 'answered')").await;
        assert_eq!(stopped(shared, id, "old").await.code(), "store_failed");
        assert_eq!(stopped(shared, id, "old").await.code(), "store_failed", "it is kept still");
        assert_eq!(files(&world).len(), 1);
        world.mend().await;
        while row(shared, id, "old").await.unwrap().sealed.is_none() || !files(&world).is_empty() {
            world.clock.advance(Duration::from_secs(1));
            tokio::task::yield_now().await;
        }
        // The file goes a moment before who asks hears of it.
        let seen = loop {
            let spends = spends(shared, id, Strict);
            tokio::select! {
                seen = spend(&spends, "old") => break seen.map(|answer| told(&answer)),
                () = until_stopped(&spends) => tokio::task::yield_now().await,
            }
        };
        assert_eq!(seen, Ok(format!("200 {ANSWER}")));
        assert_eq!(world.times_asked(), 1);
    }
}

#[cfg(unix)]
#[tokio::test]
async fn a_file_with_an_answer_is_closed_to_others_and_tells_nothing() {
    use std::os::unix::fs::PermissionsExt as _;
    let world = World::on(None, |_| Reply::ok(ANSWER)).await;
    lost(&world, "spent-token-that-nobody-may-read").await;
    let file = files(&world).remove(0);
    assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o7777, 0o600);
    for entry in fs::read_dir(world.state()).unwrap() {
        let bytes = fs::read(entry.unwrap().path()).unwrap();
        assert!(!bytes.windows(14).any(|piece| piece == b"nobody-may-rea"), "in the clear");
    }
    // The control: a token in the clear would be found.
    assert!(ANSWER.as_bytes().windows(14).any(|piece| piece == b"nobody-may-rea"));
}

#[tokio::test]
async fn the_next_process_of_the_node_records_what_is_in_the_file() {
    for world in World::each(|_| Reply::ok(ANSWER)).await {
        let id = lost(&world, "old").await;
        let registry = world.open().await;
        assert!(row(&registry.shared, id, "old").await.unwrap().sealed.is_some(), "by opening");
        assert!(files(&world).is_empty());
        assert_eq!(refresh(&registry.shared, id, Strict, "old").await.0, Ok(format!("200 {ANSWER}")));
        assert_eq!(world.times_asked(), 1);
    }
}

#[tokio::test]
async fn a_file_is_read_before_anything_is_sent_even_when_nothing_is_noted() {
    for world in World::each(|_| Reply::ok(ANSWER)).await {
        let id = lost(&world, "old").await;
        world.sql("DELETE FROM connection_exchange", "DELETE FROM connection_exchange").await;
        let registry = world.open().await;
        assert_eq!(refresh(&registry.shared, id, Strict, "old").await.0, Ok(format!("200 {ANSWER}")));
        assert_eq!((world.times_asked(), files(&world).len()), (1, 0));
    }
}

#[tokio::test]
async fn a_file_that_was_damaged_is_left_and_what_it_answers_is_not_sent_again() {
    for damage in ["flipped", "cut", "emptied"] {
        for world in World::each(|_| Reply::ok(ANSWER)).await {
            let id = lost(&world, "old").await;
            let file = files(&world).remove(0);
            let mut bytes = fs::read(&file).unwrap();
            match damage {
                "flipped" => *bytes.last_mut().unwrap() ^= 1,
                "cut" => bytes.truncate(40),
                _ => bytes.clear(),
            }
            fs::write(&file, &bytes).unwrap();
            let registry = world.open().await;
            assert!(row(&registry.shared, id, "old").await.unwrap().sealed.is_none(), "{damage}");
            assert_eq!(files(&world), [file], "{damage}: it is left");
            for _ in 0..2 {
                let (answer, uncertain) = refresh(&registry.shared, id, Strict, "old").await;
                assert_eq!(answer, Err(HttpError::Uncertain), "{damage}");
                assert_eq!(uncertain.unwrap().replay_at, None, "{damage}");
                world.clock.advance(Duration::from_secs(3600));
            }
            assert_eq!(world.times_asked(), 1, "{damage}");
        }
    }
}

#[tokio::test]
async fn a_file_of_a_connection_that_is_gone_goes_and_one_of_another_store_stays() {
    let (one, two) = (World::on(None, |_| Reply::ok(ANSWER)).await, World::on(None, |_| Reply::ok("x")).await);
    let id = lost(&one, "old").await;
    drop(two.builder().state_directory(one.state()).open().await.unwrap());
    assert_eq!(files(&one).len(), 1, "nobody else's business");
    let registry = one.open_without_state().await;
    remove(&registry.shared, id).await;
    drop(registry);
    drop(one.open().await);
    assert!(files(&one).is_empty());
}

#[tokio::test]
async fn a_file_opens_for_its_own_exchange_alone() {
    for world in World::each(|_| Reply::ok(ANSWER)).await {
        let id = lost(&world, "old").await;
        let file = files(&world).remove(0);
        let registry = world.open_without_state().await;
        let shared = &registry.shared;
        let (old, other) = (super::key(shared, id, "old"), super::key(shared, id, "other"));
        let moved = file.to_str().unwrap().replace(&old.to_hex(), &other.to_hex());
        fs::rename(&file, &moved).unwrap();
        drop(registry);
        let registry = world.open().await;
        assert_eq!(refresh(&registry.shared, id, Strict, "other").await.0, Err(HttpError::Uncertain));
        assert_eq!((world.times_asked(), files(&world)), (1, vec![moved.into()]));
    }
}

#[tokio::test]
async fn while_the_directory_cannot_be_read_nothing_is_sent_and_nothing_is_lost() {
    for world in World::each(|_| Reply::ok(ANSWER)).await {
        let id = lost(&world, "old").await;
        let registry = world.open_without_state().await;
        let (elsewhere, away) = (world.directory.path().join("elsewhere"), world.directory.path().join("away"));
        let name = files(&world).remove(0);
        fs::rename(&name, elsewhere.join(name.file_name().unwrap())).unwrap();
        // Neither a file nor none: the system refuses to look.
        fs::rename(&elsewhere, &away).unwrap();
        fs::write(&elsewhere, "").unwrap();
        for token in ["old", "other"] {
            assert_eq!(stopped(&registry.shared, id, token).await.code(), "store_failed", "{token}");
        }
        assert_eq!(world.times_asked(), 1);
        fs::remove_file(&elsewhere).unwrap();
        fs::rename(&away, &elsewhere).unwrap();
        assert_eq!(refresh(&registry.shared, id, Strict, "old").await.0, Ok(format!("200 {ANSWER}")));
        assert_eq!(world.times_asked(), 1);
    }
}
