//! Private copies of configuration that a tool in a container may change without changing the user's files.
//!
//! Each run has a directory that only its user can read, and a lock file beside it. The kernel releases the lock
//! when the process ends, so the next start removes what a crash left. One lock for the whole directory keeps a
//! sweep away from a copy that is being created.

#[cfg(not(unix))]
#[path = "paths.rs"]
mod entries;
#[cfg(unix)]
#[path = "handles.rs"]
mod entries;

use std::{
    fs::{self, File, OpenOptions},
    io::{self, Read as _},
    path::{Path, PathBuf},
};

use connection_seal::platform::{self, NotPrivate, Unreadable};

use super::policy::CopyBounds;
use crate::SandboxError;

const LOCK_FILE: &str = "lock";
const MEBIBYTE: u64 = 1 << 20;

/// The directory of one run. It is removed when this value is dropped.
#[derive(Debug)]
pub(super) struct Scratch {
    directory: PathBuf,
    lock: PathBuf,
    /// The locked file, held as long as this value lives.
    _held: File,
}

impl Scratch {
    /// Creates a directory below `base`, after removing those of runs that have ended. Blocks.
    pub(super) fn new(base: &Path, name: &str) -> io::Result<Self> {
        check(base)?;
        let _whole = platform::lock_file(&base.join(LOCK_FILE))?;
        sweep(base)?;
        let directory = base.join(name);
        let lock = base.join(format!("{name}.lock"));
        let held = platform::lock_file(&lock)?;
        platform::create_private_dir(&directory)?;
        Ok(Self { directory, lock, _held: held })
    }

    /// Copies a file or a directory into a numbered subdirectory. Directories at one of the paths of `parts` are
    /// copied empty, since they are mounted separately. Blocks.
    pub(super) fn copy(
        &self,
        source: &Path,
        number: usize,
        parts: &[PathBuf],
        bounds: CopyBounds,
    ) -> Result<PathBuf, SandboxError> {
        let failed = |error: &io::Error| failed(source, error);
        let within = self.directory.join(number.to_string());
        platform::create_private_dir(&within).map_err(|error| failed(&error))?;
        let name = source.file_name().unwrap_or(source.as_os_str());
        let target = within.join(name);
        // The path that a person named may be a link. Links below it are copied as links.
        let real = source.canonicalize().map_err(|error| failed(&error))?;
        let mut left = Budget { entries: bounds.entries, bytes: bounds.bytes, is_exceeded: false, parts };
        entries::copy(&real, &target, &mut left).map_err(|error| match left.is_exceeded {
            true => too_large(&real, parts, bounds),
            false => error,
        })?;
        Ok(target)
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        // The next start removes what cannot be removed now, because its lock is free by then.
        if fs::remove_dir_all(&self.directory).is_ok() {
            fs::remove_file(&self.lock).unwrap_or_default();
        }
    }
}

/// Creates the directory for copies, and checks that no other user can replace anything in it.
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
        Err(Unreadable::Io(_)) => wrong("it is not itself a directory, or cannot be read".to_owned()),
    }
}

/// Removes the directories of runs whose processes have ended. The caller holds the lock of the whole directory.
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

/// The remaining budget of a copy.
#[derive(Debug)]
struct Budget<'a> {
    entries: u64,
    bytes: u64,
    is_exceeded: bool,
    /// The directories that are copied empty.
    parts: &'a [PathBuf],
}

impl Budget<'_> {
    /// Returns `true` for a directory that is copied empty.
    fn is_part(&self, source: &Path) -> bool {
        self.parts.iter().any(|part| part == source)
    }

    fn take(&mut self, entries: u64, bytes: u64) -> io::Result<()> {
        match (self.entries.checked_sub(entries), self.bytes.checked_sub(bytes)) {
            (Some(entries), Some(bytes)) => {
                (self.entries, self.bytes) = (entries, bytes);
                Ok(())
            }
            _ => {
                self.is_exceeded = true;
                Err(io::Error::other("the copy is larger than the host allows"))
            }
        }
    }
}

/// Copies an open file. Its bytes are counted while they are read, since the file may grow meanwhile.
fn copy_file(mut from: File, target: &Path, left: &mut Budget<'_>) -> io::Result<()> {
    let mut to = OpenOptions::new().write(true).create_new(true).open(target)?;
    let copied = io::copy(&mut io::Read::by_ref(&mut from).take(left.bytes.saturating_add(1)), &mut to)?;
    left.take(0, copied)?;
    to.set_permissions(from.metadata()?.permissions())
}

/// Returns an error that names the setting with the limit, and the size that was found.
fn too_large(source: &Path, parts: &[PathBuf], bounds: CopyBounds) -> SandboxError {
    let (entries, bytes) = measure(source, parts);
    let path = source.display().to_string();
    if entries > bounds.entries {
        let setting = "sandbox.copy_entries";
        let allowed = format!("{} entries", bounds.entries);
        let found = format!("{entries} entries");
        return SandboxError::CopyTooLarge { path, setting, allowed, found };
    }
    let setting = "sandbox.copy_size";
    let allowed = bounds.bytes.div_ceil(MEBIBYTE);
    let found = bytes.div_ceil(MEBIBYTE);
    SandboxError::CopyTooLarge { path, setting, allowed: format!("{allowed} MiB"), found: format!("{found} MiB") }
}

/// Counts the entries and bytes of a copy. Entries that cannot be read are not counted.
fn measure(source: &Path, parts: &[PathBuf]) -> (u64, u64) {
    let Ok(found) = fs::symlink_metadata(source) else { return (0, 0) };
    if !found.is_dir() || parts.iter().any(|part| part == source) {
        return (1, if found.is_file() { found.len() } else { 0 });
    }
    let listed = fs::read_dir(source).into_iter().flatten().flatten();
    listed.map(|entry| measure(&entry.path(), parts)).fold((1, 0), |all, one| (all.0 + one.0, all.1 + one.1))
}

/// Creates an error with the path of the entry that failed, because a directory may have thousands of entries.
fn failed(path: &Path, error: &io::Error) -> SandboxError {
    SandboxError::Copy { path: path.display().to_string(), problem: error.to_string() }
}

#[cfg(test)]
#[cfg(unix)]
mod tests;
