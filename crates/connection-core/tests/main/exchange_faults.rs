//! A full disk, or a file that another program writes, at the moment at which a provider has answered. The answer
//! is kept until it can be stored, and survives its process.

use std::{
    sync::{Arc, Mutex, mpsc},
    thread::{self, JoinHandle},
    time::Duration,
};

use connection_contract::RefreshSemantics;
use connection_core::{AnswerRoom, Connection, Error, StoreError};
use connection_faults::state_files;
use sqlx::{ConnectOptions as _, Connection as _, sqlite::SqliteConnectOptions};
use tokio::runtime::Builder;

use crate::{
    refresh_processes::start,
    renewing::{LIFE, Renewals, Renewing, send},
    sql,
    store_faults::Disk,
    test_host::World,
};

async fn exchanges(it: &Renewals) -> Option<i64> {
    sql::number(&it.world.database(), "SELECT COUNT(*) FROM connection_exchange").await
}

/// Uses the connection until that works. The lease could not be released, and expires meanwhile.
async fn persist(it: &Renewals, connection: &Connection) {
    it.edit("UPDATE connection_liveness SET lease_until = 1000").await;
    for _ in 0..20 {
        if let Ok(status) = send(connection).await {
            assert_eq!((status, it.provider.request_count(), exchanges(it).await), (200, 1, Some(0)));
            return assert_eq!(crate::renewing::token(connection).await.unwrap(), "access-2");
        }
        it.world.clock.advance(Duration::from_secs(2));
    }
    panic!("it does not come to work again");
}

fn is_full(failed: &Result<u16, Error>) -> bool {
    matches!(failed, Err(Error::Store(error)) if matches!(**error, StoreError::Full { .. }))
}

#[tokio::test]
async fn an_answer_for_which_the_disk_has_no_room_is_kept_until_it_has() {
    let world = World::new().await;
    let Some(disk) = Disk::mount(world.file().parent().unwrap()) else { return };
    let it = Renewals::on(world, Renewing::new()).await;
    let disk = fills(&it, disk, LONG);
    it.at(LIFE);
    let failed = it.send().await;
    assert!(is_full(&failed), "{failed:?}");
    disk.make_room();
    persist(&it, &it.connection).await;
}

#[tokio::test]
async fn an_answer_for_which_the_disk_has_no_room_outlives_its_process_on_another_disk() {
    let world = World::new().await;
    let Some(disk) = Disk::mount(world.file().parent().unwrap()) else { return };
    let it = Renewals::on(world, Renewing::new()).await;
    let disk = fills(&it, disk, LONG);
    let process = async || {
        let builder = it.world.builder().state_directory(it.world.directory.path().join("state"));
        builder.kind(it.plugin.clone()).open().await.unwrap()
    };
    let gone = process().await;
    it.at(LIFE);
    let failed = send(&gone.connection(it.connection.id()).await.unwrap()).await;
    assert!(is_full(&failed), "{failed:?}");
    drop(gone);
    disk.make_room();
    let next = process().await;
    persist(&it, &next.connection(it.connection.id()).await.unwrap()).await;
}

/// A length above the size that is reserved for an answer.
const LONG: usize = 300_000;
/// Fits into the reserved size, but not into the rest of the log.
const SHORT: usize = 20_000;

/// The drill: the disk is full when the answer arrives, and the process is killed. The state directory is on that
/// disk, too.
#[tokio::test]
async fn an_answer_for_which_the_disk_has_no_room_outlives_a_process_that_is_killed() {
    for (semantics, word) in [
        (RefreshSemantics::Strict, ""),
        (RefreshSemantics::Grace(Duration::from_secs(60)), "grace"),
        (RefreshSemantics::Stable, "stable"),
    ] {
        let world = World::new().await;
        let Some(disk) = Disk::mount(world.file().parent().unwrap()) else { return };
        let it = Renewals::of_processes_on(world, Renewing::of(semantics)).await;
        assert_eq!(it.registry.store().answer_room(), AnswerRoom::Reserved { directory: it.world.state() });
        it.expire().await;
        let disk = fills(&it, disk, SHORT);
        let mut child = start(&it, 0, word);
        while state_files::count(&it.world.state()) == 0 {
            assert!(
                child.try_wait().unwrap().is_none() || state_files::count(&it.world.state()) > 0,
                "{word}: it is lost"
            );
            tokio::task::yield_now().await;
        }
        // The process may have ended with an error.
        drop(child.kill());
        child.wait().unwrap();
        assert_eq!(state_files::places(&it.world.state()).len(), 1, "{word}: there was no room for a file");
        let answered = "SELECT COUNT(*) FROM connection_exchange WHERE state = 'answered'";
        assert_eq!(sql::number(&it.world.database(), answered).await, Some(0), "{word}: nor in the database");
        disk.make_room();
        persist(&it, &it.connection).await;
        assert_eq!(state_files::count(&it.world.state()), 0, "{word}");
    }
}

/// On a disk that is full when the program starts, no space can be reserved. The program continues and reports
/// that.
#[tokio::test]
async fn a_registry_that_finds_no_room_for_answers_says_so() {
    let world = World::new().await;
    let Some(disk) = Disk::mount(&world.directory.path().join("state")) else { return };
    disk.fill_but(8 * 1024);
    let builder = world.builder().state_directory(world.directory.path().join("state"));
    let registry = builder.open().await.unwrap();
    let room = registry.store().answer_room();
    assert!(matches!(&room, AnswerRoom::Unreserved { why, .. } if !why.is_empty()), "{room:?}");
}

/// Fills the disk when the provider has taken the token. Its answer is longer than the space that is left for the
/// log.
fn fills(it: &Renewals, disk: Disk, length: usize) -> Arc<Disk> {
    let issued = it.provider.clone();
    let disk = Arc::new(disk);
    issued.lock().more = format!(r#","pad":"{}""#, "x".repeat(length));
    let filled = disk.clone();
    it.world.provider(move |request| {
        if request.starts_with("POST /token") {
            filled.fill();
        }
        issued.answer(request)
    });
    disk
}

/// Another program that writes until it is stopped.
struct Writing(mpsc::Sender<()>, JoinHandle<()>);

impl Writing {
    fn begin(options: SqliteConnectOptions) -> Self {
        let (stop, stopped) = mpsc::channel::<()>();
        let (begins, begun) = mpsc::channel();
        let writing = thread::spawn(move || {
            Builder::new_current_thread().enable_all().build().unwrap().block_on(async {
                let mut other = options.connect().await.unwrap();
                sqlx::query("BEGIN IMMEDIATE").execute(&mut other).await.unwrap();
                begins.send(()).unwrap();
                // It ends when the sender is dropped.
                stopped.recv().unwrap_or_default();
                sqlx::query("ROLLBACK").execute(&mut other).await.unwrap();
                other.close().await.unwrap();
            });
        });
        begun.recv_timeout(Duration::from_secs(60)).expect("it begins");
        Self(stop, writing)
    }

    fn end(self) {
        drop(self.0);
        self.1.join().unwrap();
    }
}

#[tokio::test]
async fn an_answer_that_comes_while_another_program_writes_is_kept_until_it_is_done() {
    let it = Renewals::new().await;
    let issued = it.provider.clone();
    let writing = Arc::new(Mutex::new(None));
    let begun = writing.clone();
    let file = it.world.file();
    it.world.provider(move |request| {
        if request.starts_with("POST /token") {
            begun.lock().unwrap().replace(Writing::begin(SqliteConnectOptions::new().filename(&file)));
        }
        issued.answer(request)
    });
    it.at(LIFE);
    let failed = it.send().await;
    let is_busy = matches!(&failed, Err(Error::Store(error)) if matches!(**error, StoreError::Busy { .. }));
    assert!(is_busy, "{failed:?}");
    let writing = writing.lock().unwrap().take();
    writing.expect("it was asked").end();
    persist(&it, &it.connection).await;
}
