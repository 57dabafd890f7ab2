//! Where a registry keeps what its store cannot take just now.

use std::{io, path::PathBuf};

use connection_contract::encode;

use super::{ConnectionRegistry, OpenError, Shared};
use crate::{exchange::StateDirectory, seal::Sealer, store::Store};

/// Where a process keeps an answer that a provider gives once, until the store has it.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum AnswerRoom {
    /// In room on the disk of this machine that was taken when the registry was opened: neither a store that hangs nor a
    /// disk that is full loses an answer, nor does the end of the process.
    Reserved {
        /// The state directory.
        directory: PathBuf,
    },
    /// In files of the state directory that are made when they are needed: where the disk has no room for one, the answer is
    /// in memory alone.
    Unreserved {
        /// The state directory.
        directory: PathBuf,
        /// Why no room could be taken.
        why: String,
    },
    /// In memory alone, since the registry has no [state directory](crate::RegistryBuilder::state_directory): the end of
    /// the process loses the answer.
    Memory,
}

impl Shared {
    fn answer_room(&self) -> AnswerRoom {
        let Some(state) = &self.state else { return AnswerRoom::Memory };
        let directory = state.path().to_owned();
        match state.lacks_places() {
            None => AnswerRoom::Reserved { directory },
            Some(why) => AnswerRoom::Unreserved { directory, why: why.to_owned() },
        }
    }

    /// Tells once what a host lacks for that no answer is lost.
    pub(super) fn warn_of_answer_room(&self) {
        match self.answer_room() {
            AnswerRoom::Reserved { .. } => {}
            AnswerRoom::Unreserved { directory, why } => tracing::warn!(
                directory = %directory.display(),
                why,
                "no room could be taken for answers of providers; on a full disk they are kept in memory alone"
            ),
            AnswerRoom::Memory => tracing::warn!(
                "there is no state directory; an answer of a provider that the store cannot take is lost with its process"
            ),
        }
    }
}

impl ConnectionRegistry {
    /// Where this process keeps an answer that its store cannot take just now.
    pub fn answer_room(&self) -> AnswerRoom {
        self.shared.answer_room()
    }
}

/// Opens the directory of this node, for a process of that name.
pub(super) async fn open_state(
    path: PathBuf,
    store: &Store,
    sealer: &Sealer,
    process: String,
) -> Result<StateDirectory, OpenError> {
    let [a, b, c, d, ..] = sealer.mac("connections/state-directory/v1", b"");
    let (tag, directory) = (encode::hex(&[a, b, c, d]), path.clone());
    let failed = |source| OpenError::StateDirectory { path, source };
    let opened = match waiting(move || StateDirectory::open(directory, tag, &process)).await {
        Ok(opened) => opened,
        Err(source) => return Err(failed(source)),
    };
    let named = store.reader().await?.exchange_processes().await?;
    waiting(move || opened.tidy(&named)).await.map_err(failed)
}

/// On a thread that may wait.
async fn waiting<T: Send + 'static>(work: impl FnOnce() -> io::Result<T> + Send + 'static) -> io::Result<T> {
    tokio::task::spawn_blocking(work).await.unwrap_or_else(|_| Err(io::ErrorKind::Interrupted.into()))
}
