//! The profiles that tools are running with, for all processes of this machine.
//!
//! A process that runs a tool holds a lock on a file, which is released when the process ends, also by a crash. If no
//! file can be written or locked, no process waits, and no profile is kept from being removed.

use std::{
    fs::{File, OpenOptions, TryLockError, remove_file},
    io,
    path::{Path, PathBuf},
};

use connection_core::ProfileId;

use crate::{platform, program::Program};

/// The lock of one profile, until it is dropped.
#[derive(Debug)]
pub(in crate::commands) struct InUse {
    path: PathBuf,
    _file: Option<File>,
}

impl InUse {
    /// Locks the profile for a tool; several tools may hold the lock at once.
    ///
    /// It waits while the profile is being removed, so look the profile up again afterwards.
    pub(in crate::commands) async fn by_a_tool(program: &Program, profile: ProfileId) -> Self {
        let path = path(program, profile);
        let opened = open(&path);
        let lock = move || opened.and_then(|file| file.lock_shared().map(|()| file)).ok();
        Self { path, _file: tokio::task::spawn_blocking(lock).await.unwrap_or_default() }
    }

    /// Locks the profile for its removal; `None` while a tool is running with it.
    pub(super) fn by_nobody(program: &Program, profile: ProfileId) -> Option<Self> {
        let path = path(program, profile);
        let file = open(&path).ok();
        match file.as_ref().map(File::try_lock) {
            Some(Err(TryLockError::WouldBlock)) => None,
            _ => Some(Self { path, _file: file }),
        }
    }

    /// Removes the file of a removed profile. A process that waits for the lock finds no profile afterwards.
    pub(super) fn forget(self) {
        remove_file(&self.path).unwrap_or_default();
    }
}

/// Returns 1 if a tool runs with the profile, and 0 if none does. `running` is the directory of the locks.
pub(in crate::commands) fn in_use(running: &Path, profile: ProfileId) -> usize {
    // A file that does not exist is locked by nobody.
    let file = OpenOptions::new().read(true).write(true).open(lock(running, profile)).ok();
    let is_locked = |file: &File| matches!(file.try_lock(), Err(TryLockError::WouldBlock));
    usize::from(file.as_ref().is_some_and(is_locked))
}

fn lock(running: &Path, profile: ProfileId) -> PathBuf {
    running.join(format!("{profile}.lock"))
}

fn path(program: &Program, profile: ProfileId) -> PathBuf {
    lock(&program.settings.running(), profile)
}

fn open(path: &Path) -> io::Result<File> {
    if let Some(directory) = path.parent() {
        platform::create_private_dir(directory)?;
    }
    OpenOptions::new().read(true).write(true).create(true).truncate(false).open(path)
}
