//! A file that is moved, deleted or replaced under an open store is noticed, and nothing is stored in it any longer.
#![cfg(unix)]

use std::{fs, os::unix::fs::symlink, path::Path};

use sqlx::{ConnectOptions as _, Connection as _, sqlite::SqliteConnectOptions};

use super::{Database, add, labels};
use crate::store::{Store, StoreError, sqlite::sibling_path};

/// What happens to a file.
#[derive(Clone, Copy, Debug)]
enum Deed {
    Moved,
    Deleted,
    Replaced,
    Linked,
    /// Nobody can examine what is at the path, as in a directory that only another user may search.
    Unexaminable,
}

impl Deed {
    const ALL: [Self; 5] = [Self::Moved, Self::Deleted, Self::Replaced, Self::Linked, Self::Unexaminable];

    fn happens_to(self, file: &Path) {
        let other = sibling_path(file, "-other");
        match self {
            Self::Moved => fs::rename(file, &other).unwrap(),
            Self::Deleted => fs::remove_file(file).unwrap(),
            Self::Replaced => {
                fs::write(&other, b"another file").unwrap();
                fs::rename(&other, file).unwrap();
            }
            Self::Linked => {
                fs::write(&other, b"another file").unwrap();
                fs::remove_file(file).unwrap();
                symlink(&other, file).unwrap();
            }
            // A link to itself leads nowhere (ELOOP), also for a superuser, who has every right.
            Self::Unexaminable => {
                fs::rename(file, &other).unwrap();
                symlink(file, file).unwrap();
            }
        }
    }
}

fn displaced(database: &Database) -> Result<(), StoreError> {
    Err(StoreError::Displaced { place: database.path().display().to_string() })
}

#[tokio::test]
async fn the_commit_after_a_file_was_moved_deleted_or_replaced_is_uncertain_and_the_last_one() {
    for deed in Deed::ALL {
        for suffix in ["", "-wal"] {
            let database = Database::new();
            let store = database.open().await;
            add(&store, &database.account("a")).await.unwrap();
            assert!(store.health().await, "the control");
            deed.happens_to(&sibling_path(&database.path(), suffix));
            let what = format!("{deed:?} {suffix}");
            assert_eq!(add(&store, &database.account("b")).await, displaced(&database), "{what}");
            assert_eq!(store.refuse_displaced(), displaced(&database), "{what}");
            assert_eq!(add(&store, &database.account("c")).await, displaced(&database), "{what}");
            let relaxed = store.write_relaxed(|_| Box::pin(async { Ok(()) }));
            assert_eq!(relaxed.await, displaced(&database), "{what}");
            assert!(!store.health().await, "{what}");
            // Lists show what the former file has, also two at once.
            let (one, other) = tokio::join!(labels(&store), labels(&store));
            assert_eq!(one, ["a", "b"], "{what}");
            assert_eq!(other, ["a", "b"], "{what}");
            store.close().await;
        }
    }
}

#[tokio::test]
async fn jobs_of_one_batch_are_all_uncertain() {
    let database = Database::new();
    let store = database.open().await;
    let rows = ["a", "b", "c"].map(|label| database.account(label));
    Deed::Moved.happens_to(&database.path());
    let [one, two, three] = rows.each_ref().map(|row| add(&store, row));
    let (one, two, three) = tokio::join!(one, two, three);
    assert_eq!([one, two, three], [0; 3].map(|_| displaced(&database)));
}

#[tokio::test]
async fn no_connection_is_opened_to_the_database_that_is_there_now() {
    let database = Database::new();
    let store = database.open().await;
    add(&store, &database.account("a")).await.unwrap();
    for suffix in ["", "-wal", "-shm"] {
        Deed::Moved.happens_to(&sibling_path(&database.path(), suffix));
    }
    let second = database.open().await;
    add(&second, &database.account("x")).await.unwrap();
    // Nothing was written since, so only the opening of a further connection can notice it.
    let (one, other) = tokio::join!(labels(&store), labels(&store));
    assert_eq!(one, ["a"]);
    assert_eq!(other, ["a"]);
    assert_eq!(store.refuse_displaced(), displaced(&database));
    assert_eq!(add(&store, &database.account("b")).await, displaced(&database));
    store.close().await;
    add(&second, &database.account("y")).await.unwrap();
    assert!(second.health().await);
    assert_eq!(labels(&second).await, ["x", "y"]);
}

#[tokio::test]
async fn a_link_that_leads_elsewhere_is_noticed_also_after_it_leads_back() {
    let directory = tempfile::tempdir().unwrap();
    let [one, two, link] = ["one", "two", "link"].map(|name| directory.path().join(name));
    for place in [&one, &two] {
        let address = format!("sqlite://{}", place.join("connections.db").display());
        Store::open(address.into()).await.unwrap().close().await;
    }
    // A link to the file, and one to its directory.
    for (target, other, file) in [
        (one.join("connections.db"), two.join("connections.db"), link.clone()),
        (one.clone(), two.clone(), link.join("connections.db")),
    ] {
        symlink(&target, &link).unwrap();
        let store = Store::open(format!("sqlite://{}", file.display()).into()).await.unwrap();
        assert!(store.health().await, "the control");
        fs::remove_file(&link).unwrap();
        symlink(&other, &link).unwrap();
        assert!(!store.health().await, "{}", file.display());
        fs::remove_file(&link).unwrap();
        symlink(&target, &link).unwrap();
        assert!(!store.health().await, "{}", file.display());
        store.close().await;
        fs::remove_file(&link).unwrap();
    }
}

/// The log of a database that is opened by a link is beside the file to which the link leads.
#[tokio::test]
async fn the_log_beside_the_file_of_a_link_is_compared() {
    let directory = tempfile::tempdir().unwrap();
    let [real, link] = ["real.db", "link.db"].map(|name| directory.path().join(name));
    Store::open(format!("sqlite://{}", real.display()).into()).await.unwrap().close().await;
    symlink(&real, &link).unwrap();
    let store = Store::open(format!("sqlite://{}", link.display()).into()).await.unwrap();
    assert!(store.health().await, "the control");
    Deed::Deleted.happens_to(&sibling_path(&real, "-wal"));
    assert!(!store.health().await);
}

/// The control: the directory that a link leads to may get another name.
#[tokio::test]
async fn a_directory_with_another_name_behind_a_link_holds_the_same_files() {
    let directory = tempfile::tempdir().unwrap();
    let [one, two, link] = ["one", "two", "link"].map(|name| directory.path().join(name));
    let address = |place: &Path| format!("sqlite://{}", place.join("connections.db").display());
    Store::open(address(&one).into()).await.unwrap().close().await;
    symlink(&one, &link).unwrap();
    let store = Store::open(address(&link).into()).await.unwrap();
    fs::rename(&one, &two).unwrap();
    fs::remove_file(&link).unwrap();
    symlink(&two, &link).unwrap();
    assert!(store.health().await);
    Deed::Deleted.happens_to(&two.join("connections.db-wal"));
    assert!(!store.health().await, "the log is still compared");
}

/// The control: what SQLite does to its own files is not taken for a change.
#[tokio::test]
async fn the_checkpoints_and_ends_of_other_processes_change_nothing() {
    let database = Database::new();
    let store = database.open().await;
    for number in 0..10 {
        add(&store, &database.account(&format!("label-{number}"))).await.unwrap();
        let mut other = SqliteConnectOptions::new().filename(database.path()).connect().await.unwrap();
        sqlx::query("PRAGMA wal_checkpoint(TRUNCATE)").execute(&mut other).await.unwrap();
        other.close().await.unwrap();
        database.open().await.close().await;
    }
    assert!(store.health().await);
    assert_eq!(labels(&store).await.len(), 10);
}
