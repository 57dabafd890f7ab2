//! Writes a backup of a database in a file.

use std::path::PathBuf;

use super::{Backup, BackupError};
use crate::{OpenError, RegistryBuilder, StoreError, contain::Runtimes, store};

pub(super) async fn back_up(mut builder: RegistryBuilder, to: PathBuf) -> Result<Backup, BackupError> {
    let source = builder.store.take().ok_or(OpenError::NoStore)?;
    let database = source.file().ok_or(BackupError::NotAFile)?;
    let runtimes = Runtimes::new().map_err(OpenError::Runtime)?;
    let task = runtimes.spawn(async move {
        if !database.exists() {
            return Err(BackupError::Missing { file: database });
        }
        if to.exists() {
            return Err(BackupError::Exists { file: to });
        }
        let Some(copy) = store::back_up(&database, &to).await? else {
            return Err(BackupError::NotOurs { file: database });
        };
        let keys = copy.keyset.wrapped().key_ids().collect();
        Ok(Backup { file: to, version: copy.version, keys, connections: copy.connections })
    });
    task.await.map_err(|_| StoreError::Panicked)?
}
