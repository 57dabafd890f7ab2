//! A disk that is full, and a file that another program writes, at the moment at which a provider has answered: the answer
//! is kept until it can be stored.

use std::{
    sync::{Arc, Mutex, mpsc},
    thread::{self, JoinHandle},
    time::Duration,
};

use connection_core::{Connection, Error, StoreError};
use sqlx::{ConnectOptions as _, Connection as _, sqlite::SqliteConnectOptions};
use tokio::runtime::Builder;

use crate::{
    raw,
    renewing::{LIFE, Renewals, Renewing, send},
    store_faults::Disk,
    world::World,
};

async fn exchanges(it: &Renewals) -> Option<i64> {
    raw::number(&it.world.database(), "SELECT COUNT(*) FROM connection_exchange").await
}

/// Uses the connection until that works. The lease could not be given back, and is over meanwhile.
async fn persist(it: &Renewals, connection: &Connection) {
    it.edit("UPDATE connection_liveness SET lease_until = 1000").await;
    for _ in 0..20 {
        if let Ok(status) = send(connection).await {
            assert_eq!((status, it.provider.asked(), exchanges(it).await), (200, 1, Some(0)));
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
    let disk = fills(&it, disk);
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
    let disk = fills(&it, disk);
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

/// The disk is full when the provider has taken the token, and its answer is longer than what the log has room for.
fn fills(it: &Renewals, disk: Disk) -> Arc<Disk> {
    let (issued, disk) = (it.provider.clone(), Arc::new(disk));
    issued.lock().more = format!(r#","pad":"{}""#, "x".repeat(300_000));
    let filled = disk.clone();
    it.world.provider(move |request| {
        if request.starts_with("POST /token") {
            filled.fill();
        }
        issued.answer(request)
    });
    disk
}

/// Another program that writes, until it is told to stop.
struct Writing(mpsc::Sender<()>, JoinHandle<()>);

impl Writing {
    fn begin(options: SqliteConnectOptions) -> Self {
        let ((stop, stopped), (begins, begun)) = (mpsc::channel::<()>(), mpsc::channel());
        let writing = thread::spawn(move || {
            Builder::new_current_thread().enable_all().build().unwrap().block_on(async {
                let mut other = options.connect().await.unwrap();
                sqlx::query("BEGIN IMMEDIATE").execute(&mut other).await.unwrap();
                begins.send(()).unwrap();
                // Its end is the sender's.
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
    let (issued, writing) = (it.provider.clone(), Arc::new(Mutex::new(None)));
    let (begun, file) = (writing.clone(), it.world.file());
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
