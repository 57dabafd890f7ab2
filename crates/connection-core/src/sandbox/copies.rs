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
        let failed = |error: &io::Error| failed(source, error);
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
        copy(&real, &target, &mut left)?;
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

/// Copies what is there. Others may work in the directory meanwhile.
fn copy(source: &Path, target: &Path, left: &mut (u64, u64)) -> Result<(), SandboxError> {
    let failed = |error: io::Error| failed(source, &error);
    let metadata = fs::symlink_metadata(source).map_err(failed)?;
    let (kind, size) = (metadata.file_type(), if metadata.is_file() { metadata.len() } else { 0 });
    *left = match (left.0.checked_sub(1), left.1.checked_sub(size)) {
        (Some(entries), Some(bytes)) => (entries, bytes),
        _ => return Err(failed(io::Error::other("up to here it is more than 1 GiB, or more than 100,000 entries"))),
    };
    if kind.is_dir() {
        platform::create_private_dir(target).map_err(failed)?;
        for entry in fs::read_dir(source).map_err(failed)? {
            let entry = entry.map_err(failed)?;
            below(&entry.path(), &target.join(entry.file_name()), left)?;
        }
        return Ok(());
    }
    if kind.is_file() {
        return fs::copy(source, target).map(drop).map_err(failed);
    }
    // In the container it leads to what is there, and never out of it.
    #[cfg(unix)]
    if kind.is_symlink() {
        let to = fs::read_link(source).map_err(failed)?;
        return std::os::unix::fs::symlink(to, target).map_err(failed);
    }
    // Pipes, sockets and devices are of the processes that made them.
    Ok(())
}

/// Copies an entry of a directory. One that is gone since the directory was read is no part of it any more: a tool that
/// works there writes beside a file and renames, all the time.
fn below(source: &Path, target: &Path, left: &mut (u64, u64)) -> Result<(), SandboxError> {
    let copied = copy(source, target, left);
    match fs::symlink_metadata(source) {
        Err(gone) if gone.kind() == io::ErrorKind::NotFound => Ok(()),
        _ => copied,
    }
}

/// By its own name: a directory has thousands of entries, of which one is in the way.
fn failed(path: &Path, error: &io::Error) -> SandboxError {
    SandboxError::Copy { path: path.display().to_string(), problem: error.to_string() }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::{Path, SandboxError, below};

    /// As if it had been named by the directory just before.
    #[test]
    fn an_entry_that_is_gone_is_no_part_of_the_copy_and_another_that_fails_is_named() {
        let directory = tempfile::tempdir().unwrap();
        let at = |name: &str| directory.path().join(name);
        let mut left = (100, 100);
        assert_eq!(below(&at("settings.json.tmp"), &at("copy"), &mut left), Ok(()));
        assert!(!at("copy").exists());
        fs::create_dir(at("sessions")).unwrap();
        fs::write(at("sessions/one"), "1").unwrap();
        let (one, nowhere) = (at("sessions/one"), at("nowhere"));
        let named = |result, entry: &Path| match result {
            Err(SandboxError::Copy { path, .. }) => assert_eq!(path, entry.display().to_string()),
            other => panic!("{other:?}"),
        };
        // There is no place for the copy.
        named(below(&one, &nowhere.join("one"), &mut left), &one);
        fs::write(at("sessions/large"), [0; 200]).unwrap();
        named(below(&at("sessions"), &at("copy"), &mut left), &at("sessions/large"));
        assert_eq!(below(&one, &at("single"), &mut left), Ok(()));
        assert_eq!(fs::read_to_string(at("single")).unwrap(), "1", "the control");
    }
}
