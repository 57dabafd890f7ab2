//! Private copies of what a tool in a container may change, without changing the user's own.
//!
//! A run has a directory of its owner only, and a lock beside it that the kernel frees when the process is gone: whoever
//! starts next removes what a crash left. One lock for the whole keeps a sweep from what is just being made.

use std::{
    fs::{self, File},
    io,
    path::{Path, PathBuf},
};

use super::SandboxError;
use crate::platform::{self, NotPrivate, Unreadable};

const WHOLE: &str = "lock";
const MOST_ENTRIES: u64 = 100_000;
const MOST_BYTES: u64 = 1 << 30;

/// The directory of one run, which goes with this value.
#[derive(Debug)]
pub(super) struct Scratch {
    directory: PathBuf,
    lock: PathBuf,
    /// Held as long as it lives.
    _held: File,
}

impl Scratch {
    /// A fresh directory below `base`, after what others left was removed. Blocks.
    pub(super) fn new(base: &Path, name: &str) -> io::Result<Self> {
        check(base)?;
        let _whole = platform::lock_file(&base.join(WHOLE))?;
        sweep(base)?;
        let (directory, lock) = (base.join(name), base.join(format!("{name}.lock")));
        let held = platform::lock_file(&lock)?;
        platform::create_private_dir(&directory)?;
        Ok(Self { directory, lock, _held: held })
    }

    /// Copies a file or a directory into it, under a number. Blocks.
    pub(super) fn copy(&self, source: &Path, number: usize) -> Result<PathBuf, SandboxError> {
        let failed =
            |error: &io::Error| SandboxError::Copy { path: source.display().to_string(), problem: error.to_string() };
        let within = self.directory.join(number.to_string());
        platform::create_private_dir(&within).map_err(|error| failed(&error))?;
        let name = source.file_name().unwrap_or(source.as_os_str());
        let target = within.join(name);
        // What a person named may be a link; what is below it is copied as it is.
        let real = source.canonicalize().map_err(|error| failed(&error))?;
        let mut left = (MOST_ENTRIES, MOST_BYTES);
        let metadata = fs::metadata(&real).map_err(|error| failed(&error))?;
        if !metadata.is_file() && !metadata.is_dir() {
            return Err(failed(&io::Error::other("it is neither a file nor a directory")));
        }
        copy(&real, &target, &mut left).map_err(|error| failed(&error))?;
        Ok(target)
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        // What cannot be removed now is removed by the next start: its lock is free by then.
        if fs::remove_dir_all(&self.directory).is_ok() {
            fs::remove_file(&self.lock).unwrap_or_default();
        }
    }
}

/// Where copies are made, nobody else may put anything in their place.
fn check(base: &Path) -> io::Result<()> {
    let wrong = |problem: String| Err(io::Error::other(format!("{}: {problem}", base.display())));
    if !base.is_absolute() {
        return wrong("the place for copies is not an absolute path".to_owned());
    }
    platform::create_private_dir(base)?;
    match platform::check_private_dir(base) {
        Ok(()) => Ok(()),
        Err(Unreadable::Exposed(NotPrivate::Permissions { mode, .. })) => {
            wrong(format!("it is open to other users (mode {mode:04o}); make it private with chmod 700"))
        }
        Err(Unreadable::Exposed(error)) => wrong(error.to_string()),
        Err(Unreadable::Io(_)) => wrong("it is not a directory itself, or cannot be looked at".to_owned()),
    }
}

/// Removes what runs left whose processes are gone, under the lock of the whole.
fn sweep(base: &Path) -> io::Result<()> {
    for entry in fs::read_dir(base)? {
        let path = entry?.path();
        if path.extension().is_none_or(|extension| extension != "lock") {
            continue;
        }
        let lock = platform::open_private(&path)?;
        if lock.try_lock().is_ok() {
            let directory = path.with_extension("");
            if !directory.exists() || fs::remove_dir_all(&directory).is_ok() {
                fs::remove_file(&path).unwrap_or_default();
            }
        }
    }
    Ok(())
}

fn copy(source: &Path, target: &Path, left: &mut (u64, u64)) -> io::Result<()> {
    let metadata = fs::symlink_metadata(source)?;
    let (kind, size) = (metadata.file_type(), if metadata.is_file() { metadata.len() } else { 0 });
    *left = match (left.0.checked_sub(1), left.1.checked_sub(size)) {
        (Some(entries), Some(bytes)) => (entries, bytes),
        _ => return Err(io::Error::other("it is larger than 1 GiB, or has more than 100,000 entries")),
    };
    if kind.is_dir() {
        platform::create_private_dir(target)?;
        for entry in fs::read_dir(source)? {
            let entry = entry?;
            copy(&entry.path(), &target.join(entry.file_name()), left)?;
        }
        return Ok(());
    }
    if kind.is_file() {
        return fs::copy(source, target).map(drop);
    }
    // In the container it leads to what is there, and never out of it.
    #[cfg(unix)]
    if kind.is_symlink() {
        return std::os::unix::fs::symlink(fs::read_link(source)?, target);
    }
    // Pipes, sockets and devices are of the processes that made them.
    Ok(())
}
