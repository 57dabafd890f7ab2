//! The file of a database is moved or replaced while a process uses it: no credential leaves, an answer that was out is
//! kept, lists answer, and no second database is made.
#![cfg(unix)]

use std::{
    fs,
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering::SeqCst},
    },
};

use connection_core::{Error, Filter, Limits, NotReady, OpenError, StoreError, is_database_missing_in_use};
use connection_faults::state_files;

use crate::{
    renewing::{LIFE, Renewals, send, token},
    restores::backed_up,
};

fn sibling(path: &Path, suffix: &str) -> PathBuf {
    format!("{}{suffix}", path.display()).into()
}

/// Moves the files of a database away.
fn move_away(database: &Path) {
    for suffix in ["", "-wal", "-shm"] {
        fs::rename(sibling(database, suffix), sibling(database, &format!("-away{suffix}"))).unwrap();
    }
}

fn is_displaced<T>(result: &Result<T, Error>) -> bool {
    matches!(result, Err(Error::Store(error)) if matches!(**error, StoreError::Displaced { .. }))
}

#[tokio::test]
async fn an_answer_that_was_out_when_a_backup_took_the_place_of_the_database_is_kept_and_used() {
    let it = Renewals::new().await;
    let backup = backed_up(&it.world).await;
    it.at(LIFE);
    let requests = Arc::new(AtomicUsize::new(0));
    let (issued, database, counted) = (it.provider.clone(), it.world.file(), requests.clone());
    it.world.provider(move |request| {
        if counted.fetch_add(1, SeqCst) == 0 {
            move_away(&database);
            fs::rename(&backup, &database).unwrap();
        }
        issued.answer(request)
    });
    let failed = it.send().await;
    assert!(is_displaced(&failed), "{failed:?}");
    assert_eq!(state_files::count(&it.world.state()), 1, "the answer is kept");

    let failed = it.send().await;
    assert!(is_displaced(&failed), "{failed:?}");
    it.connection.refresh().await.unwrap_err();
    it.connection.verify().await.unwrap_err();
    it.connection.rename("work").await.unwrap_err();
    assert_eq!((requests.load(SeqCst), it.provider.request_count()), (1, 1), "nothing more leaves");
    assert_eq!(it.registry.store().ready().await, Err(NotReady::Displaced));
    assert_eq!(NotReady::Displaced.code(), "store_displaced");
    let listed = it.registry.list_connections(Filter::new()).await.unwrap().items;
    assert_eq!(listed[0].label.as_str(), "ada");

    let Renewals { world, provider, plugin, registry, connection } = it;
    let id = connection.id();
    drop((registry, connection));
    let issued = provider.clone();
    world.provider(move |request| issued.answer(request));
    let next = world.open(plugin).await;
    let connection = next.connection(id).await.unwrap();
    assert_eq!(token(&connection).await.unwrap(), "access-2");
    assert_eq!(send(&connection).await.unwrap(), 200);
    let issuer = provider.lock().clone();
    assert_eq!((issuer.requests, issuer.is_revoked, issuer.number), (1, false, 2), "the token was spent once");
    next.close().await;
}

#[tokio::test]
async fn a_credential_in_memory_does_not_leave_and_no_second_database_is_made() {
    let it = Renewals::new().await;
    let registry = it.world.builder().limits(Limits::new()).kind(it.plugin.clone()).open().await.unwrap();
    let connection = registry.connection(it.connection.id()).await.unwrap();
    assert_eq!(send(&connection).await.unwrap(), 200, "the control");
    assert!(!registry.store().is_displaced() && !is_database_missing_in_use(&it.world.file()), "the control");
    let requests = Arc::new(AtomicUsize::new(0));
    let (issued, counted) = (it.provider.clone(), requests.clone());
    it.world.provider(move |request| {
        counted.fetch_add(1, SeqCst);
        issued.answer(request)
    });
    move_away(&it.world.file());
    assert!(!registry.store().health().await);
    let failed = send(&connection).await;
    assert!(is_displaced(&failed), "{failed:?}");
    assert_eq!(requests.load(SeqCst), 0);
    assert_eq!(registry.list_connections(Filter::new()).await.unwrap().items.len(), 1);

    assert!(is_database_missing_in_use(&it.world.file()));
    let error = it.world.builder().kind(it.plugin.clone()).open().await.unwrap_err();
    assert!(matches!(error, OpenError::Store(StoreError::MissingInUse { .. })), "{error:?}");
    assert!(!it.world.file().exists());
}
