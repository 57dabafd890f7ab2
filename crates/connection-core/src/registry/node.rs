//! The state directory of a node, where a registry keeps answers that its store cannot take at the moment.

use std::{
    io,
    path::{Path, PathBuf},
};

use connection_contract::encode;

use super::{OpenError, Systems};
use crate::{
    StoreError, StoreSource,
    exchange::{StateDirectory, Users},
    keys::Sealer,
    store::{Store, state_beside},
};

/// The place where a process keeps an answer that a provider gives only once, until the store has it.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum AnswerRoom {
    /// Disk space that was reserved when the registry was opened. Neither a store that hangs, nor a full disk, nor the
    /// end of the process loses an answer.
    Reserved {
        /// The path of the state directory.
        directory: PathBuf,
    },
    /// Files in the state directory that are created when they are needed. If the disk has no room for such a file, the
    /// answer is only in memory.
    Unreserved {
        /// The path of the state directory.
        directory: PathBuf,
        /// The reason why no space could be reserved.
        why: String,
    },
    /// Memory only, because the registry has no [state directory](crate::RegistryBuilder::state_directory). The end of
    /// the process loses the answer.
    Memory,
}

impl Systems {
    pub(super) fn answer_room(&self) -> AnswerRoom {
        let Some(state) = &self.exchange.state else { return AnswerRoom::Memory };
        let directory = state.path().to_owned();
        match state.missing_slots_reason() {
            None => AnswerRoom::Reserved { directory },
            Some(why) => AnswerRoom::Unreserved { directory, why: why.to_owned() },
        }
    }

    /// Logs once what this host lacks to keep answers safe.
    pub(super) fn warn_of_answer_room(&self) {
        match self.answer_room() {
            AnswerRoom::Reserved { .. } => {}
            AnswerRoom::Unreserved { directory, why } => tracing::warn!(
                directory = %directory.display(),
                why,
                "no space could be reserved for answers of providers; on a full disk they are kept only in memory"
            ),
            AnswerRoom::Memory => tracing::warn!(
                "there is no state directory; a provider's answer that the store cannot take is lost when its \
                 process ends"
            ),
        }
    }
}

/// Returns `true` if there is no such database file, although a process that uses it is running: its lock is in the
/// default state directory of the file. Opening a registry creates no database then.
///
/// # Examples
///
/// ```
/// let directory = tempfile::tempdir().unwrap();
/// assert!(!connection_core::is_database_missing_in_use(&directory.path().join("connections.db")));
/// ```
pub fn is_database_missing_in_use(database: &Path) -> bool {
    // In this order, because a process creates the file before its lock.
    StateDirectory::users(&state_beside(database), None).is_ok_and(|users| users != Users::None)
        && matches!(database.try_exists(), Ok(false))
}

/// Refuses to create a database in the place of a file that a process has open.
pub(super) fn refuse_second_database(source: &StoreSource) -> Result<(), StoreError> {
    match source.file() {
        Some(file) if is_database_missing_in_use(&file) => {
            Err(StoreError::MissingInUse { place: file.display().to_string() })
        }
        _ => Ok(()),
    }
}

/// Returns the name of the store in a state directory, which several stores may share.
pub(super) fn store_tag(sealer: &Sealer) -> String {
    let [a, b, c, d, ..] = sealer.mac("connections/state-directory/v1", b"");
    encode::hex(&[a, b, c, d])
}

/// Opens the state directory of this node for the process with this name.
pub(super) async fn open_state(
    path: PathBuf,
    store: &Store,
    sealer: &Sealer,
    process: String,
) -> Result<StateDirectory, OpenError> {
    let tag = store_tag(sealer);
    let directory = path.clone();
    let failed = |source| OpenError::StateDirectory { path, source };
    let opened = match waiting(move || StateDirectory::open(directory, tag, &process)).await {
        Ok(opened) => opened,
        Err(source) => return Err(failed(source)),
    };
    let named = store.reader().await?.named_processes().await?;
    waiting(move || opened.tidy(&named)).await.map_err(failed)
}

/// Runs `work` on a thread that may block.
async fn waiting<T: Send + 'static>(work: impl FnOnce() -> io::Result<T> + Send + 'static) -> io::Result<T> {
    tokio::task::spawn_blocking(work).await.unwrap_or_else(|_| Err(io::ErrorKind::Interrupted.into()))
}
