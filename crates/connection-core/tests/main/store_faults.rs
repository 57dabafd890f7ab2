//! A file that another program holds, and a disk without space: stored rows stay, and the next attempt works.

use std::{
    fs::{self, File},
    io::Write as _,
    path::{Path, PathBuf},
    process::Command,
};

use connection_contract::{Liveness, Secret, VerifyResult};
use connection_core::{ConnectionRegistry, Error, Filter, NotReady, OpenError, StoreError};
use sqlx::{ConnectOptions as _, Connection as _, sqlite::SqliteConnectOptions};

use crate::{fake::Fake, test_host::World};

#[tokio::test]
async fn a_database_that_another_program_writes_for_long_is_busy_and_stays_as_it_was() {
    let world = World::new().await;
    let fake = Fake::new();
    let registry = world.open(fake.clone()).await;
    let connection = fake.connected(&registry, "ada").await;
    let mut other = SqliteConnectOptions::new().filename(world.file()).connect().await.unwrap();
    sqlx::query("BEGIN IMMEDIATE").execute(&mut other).await.unwrap();
    let error = connection.rename("work").await.unwrap_err();
    assert!(matches!(&error, Error::Store(error) if matches!(**error, StoreError::Busy { .. })), "{error:?}");
    assert!(error.remedy().unwrap().contains("try again"), "{error:?}");
    assert_eq!(registry.connection(connection.id()).await.unwrap().info().label.as_str(), "ada");
    sqlx::query("ROLLBACK").execute(&mut other).await.unwrap();
    other.close().await.unwrap();
    assert_eq!(connection.rename("work").await.unwrap().label.as_str(), "work");
}

#[tokio::test]
async fn a_full_disk_is_named_when_a_database_is_opened() {
    let world = World::new().await;
    let Some(disk) = Disk::mount(world.file().parent().unwrap()) else { return };
    let fake = Fake::new();
    world.open(fake.clone()).await.close().await;
    disk.fill();
    let error = world.builder().kind(fake.clone()).open().await.unwrap_err();
    assert!(matches!(&error, OpenError::Store(StoreError::Full { .. })), "{error:?}");
    disk.make_room();
    world.open(fake).await.close().await;
}

#[tokio::test]
async fn the_full_disk_of_a_backup_is_named_and_not_that_of_the_database() {
    let world = World::new().await;
    world.open(Fake::new()).await.close().await;
    let directory = tempfile::tempdir().unwrap();
    let place = directory.path().join("disk");
    let Some(disk) = Disk::mount(&place) else { return };
    disk.fill();
    let backup = ConnectionRegistry::builder().store(world.address()).back_up(place.join("backup")).await;
    let error = backup.unwrap_err().to_string();
    assert!(error.contains("no space left") && error.contains(&*place.to_string_lossy()), "{error}");
}

/// A small separate disk, removed when this is dropped.
pub(crate) struct Disk(PathBuf);

impl Disk {
    /// Returns `None`, and prints a message, if none can be mounted.
    pub(crate) fn mount(at: &Path) -> Option<Self> {
        fs::create_dir_all(at).unwrap();
        let mut mount = Command::new("mount");
        mount.args(["-t", "tmpfs", "-o", "size=6m,mode=0700", "connections-test"]).arg(at);
        let mounted = mount.output().is_ok_and(|done| done.status.success());
        if !mounted {
            #[expect(clippy::disallowed_methods, reason = "in CI nothing is left out")]
            let in_ci = std::env::var_os("CI").is_some();
            assert!(!in_ci, "no disk could be mounted");
            std::io::stderr().write_all(b"\nSKIPPED: a full disk, since none can be mounted here\n\n").unwrap();
        }
        mounted.then(|| Self(at.to_owned()))
    }

    /// Fills the rest of the disk.
    pub(crate) fn fill(&self) {
        let mut filler = File::create(self.0.join("filler")).unwrap();
        for size in [65_536, 4096, 1] {
            while filler.write_all(&vec![0; size]).is_ok() {}
        }
    }

    /// Fills the disk except for this number of bytes.
    pub(crate) fn fill_but(&self, bytes: usize) {
        fs::write(self.0.join("left"), vec![0; bytes]).unwrap();
        self.fill();
        fs::remove_file(self.0.join("left")).unwrap();
    }

    pub(crate) fn make_room(&self) {
        fs::remove_file(self.0.join("filler")).unwrap();
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        // Lazily, since a failed test leaves files open.
        drop(Command::new("umount").arg("-l").arg(&self.0).output());
    }
}

#[tokio::test]
async fn a_disk_without_space_is_told_and_what_was_stored_stays() {
    let world = World::new().await;
    let fake = Fake::new();
    let Some(disk) = Disk::mount(world.file().parent().unwrap()) else { return };
    let registry = world.open(fake.clone()).await;
    let connection = fake.connected(&registry, "ada").await;
    disk.fill();
    fake.finds(|_| VerifyResult::live().rotated(Secret::from("fresh")));
    // The log has room for a little more.
    let mut error = None;
    for number in 0..200 {
        if let Err(failed) = connection.rename(format!("name-{number}")).await {
            error = Some((number, failed));
            break;
        }
    }
    let (number, error) = error.expect("the disk is full");
    assert!(matches!(&error, Error::Store(error) if matches!(**error, StoreError::Full { .. })), "{error:?}");
    assert!(error.remedy().unwrap().contains("free space"), "{error:?}");
    // It can be read as before, and a credential that cannot be stored is not stored in part.
    let label = if number == 0 { "ada".to_owned() } else { format!("name-{}", number - 1) };
    let listed = registry.list_connections(Filter::new()).await.unwrap().items;
    assert_eq!(listed[0].label.as_str(), &*label);
    let error = connection.verify().await.unwrap_err();
    assert!(matches!(error, Error::Store(_)), "{error:?}");
    assert!(registry.setups().begin(&crate::fake::FAKE).await.is_err());
    assert_eq!(registry.store().ready().await, Err(NotReady::Full));
    disk.make_room();
    assert_eq!(registry.store().ready().await, Ok(()));
    assert_eq!(connection.verify().await.unwrap().liveness, Liveness::Live);
    assert_eq!(connection.rename("work").await.unwrap().label.as_str(), "work");
    registry.close().await;
    // After it is opened again, it is whole.
    let registry = world.open(fake.clone()).await;
    assert_eq!(registry.connection(connection.id()).await.unwrap().verify().await.unwrap().liveness, Liveness::Live);
    registry.close().await;
}
