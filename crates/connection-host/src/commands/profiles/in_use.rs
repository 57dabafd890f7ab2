//! Which profiles tools run as just now, for every process of this machine: who runs one holds the lock of a file, which is
//! free again when that process ends, also by a crash.
//!
//! Where no file can be written or locked, nobody is held up, and nobody is kept from removing a profile.

use std::{
    fs::{File, OpenOptions, TryLockError, remove_file},
    io,
    path::{Path, PathBuf},
};

use connection_core::ProfileId;

use crate::{cli::Program, platform};

/// The lock of one profile, until it is dropped.
#[derive(Debug)]
pub(in crate::commands) struct InUse {
    path: PathBuf,
    _file: Option<File>,
}

impl InUse {
    /// For a tool that is run, which any number may be at once. Waits while the profile is being removed, so look for the
    /// profile afterwards.
    pub(in crate::commands) async fn by_a_tool(program: &Program, profile: ProfileId) -> Self {
        let path = path(program, profile);
        let opened = open(&path);
        let lock = move || opened.and_then(|file| file.lock_shared().map(|()| file)).ok();
        Self { path, _file: tokio::task::spawn_blocking(lock).await.unwrap_or_default() }
    }

    /// For whoever removes it; `None` while a tool is run as it.
    pub(super) fn by_nobody(program: &Program, profile: ProfileId) -> Option<Self> {
        let path = path(program, profile);
        let file = open(&path).ok();
        match file.as_ref().map(File::try_lock) {
            Some(Err(TryLockError::WouldBlock)) => None,
            _ => Some(Self { path, _file: file }),
        }
    }

    /// Of a profile that is gone nobody asks any more; who waits for the lock finds no profile.
    pub(super) fn forget(self) {
        remove_file(&self.path).unwrap_or_default();
    }
}

fn path(program: &Program, profile: ProfileId) -> PathBuf {
    program.settings.running().join(format!("{profile}.lock"))
}

fn open(path: &Path) -> io::Result<File> {
    if let Some(directory) = path.parent() {
        platform::create_private_dir(directory)?;
    }
    OpenOptions::new().read(true).write(true).create(true).truncate(false).open(path)
}
