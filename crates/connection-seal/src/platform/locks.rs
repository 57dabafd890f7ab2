//! Locks on files, which the kernel releases when their process ends.
//!
//! A process that was stopped keeps its locks, so each wait has an end.

use std::{
    fs::{File, TryLockError},
    io,
    path::{Path, PathBuf},
    thread,
    time::Duration,
};

use super::{open_private, system};

/// The longest wait for a lock. Each lock is held for moments, unless its process was stopped.
const MAX_WAIT: Duration = Duration::from_secs(30);
/// The time between two looks at a lock.
const LOOK_AGAIN: Duration = Duration::from_millis(5);

/// The error of a lock that another process held for too long. It is inside an [`io::Error`] of the kind
/// [`WouldBlock`](io::ErrorKind::WouldBlock).
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the file {} is locked by {holder}", path.display())]
#[expect(clippy::exhaustive_structs, reason = "it is the file and its holder")]
pub struct LockHeld {
    /// The locked file.
    pub path: PathBuf,
    /// The process that holds the lock, as words for people, such as `process 4711 (connections), which is stopped`.
    pub holder: String,
}

impl LockHeld {
    /// Returns the error of the lock that is inside `error`, if there is one.
    pub fn of(error: &io::Error) -> Option<&Self> {
        error.get_ref()?.downcast_ref()
    }
}

/// Waits for the lock on the file at `path`, which is created if it does not exist.
///
/// The lock is released when the returned file is closed, also by a crash. Call this on a thread that may block.
///
/// # Errors
///
/// [`LockHeld`] after 30 seconds, and the errors of the file.
pub fn lock_file(path: &Path) -> io::Result<File> {
    lock_file_within(path, MAX_WAIT)
}

pub(super) fn lock_file_within(path: &Path, patience: Duration) -> io::Result<File> {
    let file = open_private(path)?;
    let mut waited = Duration::ZERO;
    loop {
        match file.try_lock() {
            Ok(()) => return Ok(file),
            Err(TryLockError::WouldBlock) if waited < patience => {
                thread::sleep(LOOK_AGAIN);
                waited = waited.saturating_add(LOOK_AGAIN);
            }
            Err(TryLockError::WouldBlock) => {
                let holder = system::lock_holder(&file).map(process_in_words);
                let holder = holder.unwrap_or_else(|| "another process".to_owned());
                return Err(io::Error::new(io::ErrorKind::WouldBlock, LockHeld { path: path.to_owned(), holder }));
            }
            Err(TryLockError::Error(error)) => return Err(error),
        }
    }
}

/// Returns words for a process: its number and, if the system reports it, the name of its program and that it is stopped.
pub fn process_in_words(process: u32) -> String {
    let name = system::process_name(process).map(|name| format!(" ({name})")).unwrap_or_default();
    let state = if system::is_stopped(process) { ", which is stopped" } else { "" };
    format!("process {process}{name}{state}")
}
