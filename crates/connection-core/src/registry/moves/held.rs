//! The lock on a database that is moved.

use std::path::PathBuf;

use super::MoveError;
use crate::{
    StoreError,
    store::{self, moving::MoveSource},
};

/// Locks the database against all other processes.
///
/// # Errors
///
/// [`MoveError::InUse`], [`MoveError::Missing`], and the errors of the store.
pub(super) async fn hold(database: PathBuf) -> Result<MoveSource, MoveError> {
    if store::is_restore_interrupted(&database) {
        return Err(StoreError::Interrupted { place: database.display().to_string() }.into());
    }
    if !database.exists() {
        return Err(MoveError::Missing { file: database });
    }
    match MoveSource::open(&database).await {
        Err(StoreError::Busy { place }) => Err(MoveError::InUse { place }),
        held => Ok(held?),
    }
}
