//! Writes a backup of a database in a file.

use std::{
    convert::Infallible,
    path::PathBuf,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
        mpsc,
    },
    time::Duration,
};

use super::{Backup, BackupError};
use crate::{OpenError, RegistryBuilder, StoreError, contain::Runtimes, store};

/// The time in which a copy that is stopped removes its file. It only waits for the statement that it interrupts.
const MAX_STOP: Duration = Duration::from_secs(1);

/// A copy in progress. If this is dropped before the copy has ended, the copy is stopped and removes its file.
struct Copying {
    stopped: Arc<AtomicBool>,
    /// Its sender is dropped at the end of the copy.
    ended: mpsc::Receiver<Infallible>,
    runtimes: Runtimes,
}

impl Drop for Copying {
    fn drop(&mut self) {
        self.stopped.store(true, Ordering::Release);
        self.ended.recv_timeout(MAX_STOP).ok();
    }
}

pub(super) async fn back_up(mut builder: RegistryBuilder, to: PathBuf) -> Result<Backup, BackupError> {
    let source = builder.store.take().ok_or(OpenError::NoStore)?;
    let database = source.file().ok_or(BackupError::NotAFile)?;
    let (sender, ended) = mpsc::channel::<Infallible>();
    let runtimes = Runtimes::new().map_err(OpenError::Runtime)?;
    let copying = Copying { stopped: Arc::default(), ended, runtimes };
    let stopped = copying.stopped.clone();
    let task = copying.runtimes.spawn(async move {
        let _ended = sender;
        if !database.exists() {
            return Err(BackupError::Missing { file: database });
        }
        if store::is_name_of_database(&to, &database) {
            return Err(BackupError::NameOfDatabase { file: to });
        }
        if to.exists() {
            return Err(BackupError::Exists { file: to });
        }
        let Some(copy) = store::back_up(&database, &to, &stopped).await? else {
            return Err(BackupError::NotOurs { file: database });
        };
        let keys = copy.keyset.wrapped().key_ids().collect();
        Ok(Backup { file: to, version: copy.version, keys, connections: copy.connections })
    });
    task.await.map_err(|_| StoreError::Panicked)?
}
