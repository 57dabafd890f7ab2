//! The calls that determine the state of a file after a power failure. Each call is one step.
//!
//! The content of a file is on the disk after the file was synced, and its name after its directory was synced. Tests
//! can check only the order of these steps, so they read it from a record, which exists only in tests.

use std::{
    fs::{self, File},
    io::{self, Write as _},
    path::Path,
};

use super::system;

pub(super) fn write(file: &mut File, path: &Path, bytes: &[u8]) -> io::Result<()> {
    file.write_all(bytes)?;
    done("write", path);
    Ok(())
}

/// Syncs a file, so that its content is on the disk when this returns.
pub(super) fn sync(file: &File, path: &Path) -> io::Result<()> {
    file.sync_all()?;
    done("sync", path);
    Ok(())
}

/// Records that a part of a file was written.
pub(super) fn written(path: &Path) {
    done("write", path);
}

/// Syncs the data of a file, so that it is on the disk when this returns. The file's times may be written later.
pub(super) fn sync_data(file: &File, path: &Path) -> io::Result<()> {
    file.sync_data()?;
    done("sync", path);
    Ok(())
}

/// Syncs a directory, so that the names in it are on the disk when this returns.
pub(super) fn sync_dir(path: &Path) -> io::Result<()> {
    system::sync_dir(path)?;
    done("sync directory", path);
    Ok(())
}

pub(super) fn rename(from: &Path, to: &Path) -> io::Result<()> {
    fs::rename(from, to)?;
    done("rename", to);
    Ok(())
}

pub(super) fn link(from: &Path, to: &Path) -> io::Result<()> {
    fs::hard_link(from, to)?;
    done("link", to);
    Ok(())
}

/// Records that a directory was created.
#[cfg(unix)]
pub(super) fn made_dir(path: &Path) {
    done("make directory", path);
}

#[cfg(not(any(test, feature = "recorded-steps")))]
const fn done(_: &'static str, _: &Path) {}

#[cfg(any(test, feature = "recorded-steps"))]
fn done(step: &'static str, path: &Path) {
    recorded::STEPS.lock().unwrap_or_else(std::sync::PoisonError::into_inner).push((step, path.to_owned()));
}

#[cfg(any(test, feature = "recorded-steps"))]
pub mod recorded {
    //! The steps of all tests of this process, in order. Each test reads the steps below its own directory.

    use std::{
        path::{Path, PathBuf},
        sync::{Mutex, PoisonError},
    };

    pub(super) static STEPS: Mutex<Vec<(&'static str, PathBuf)>> = Mutex::new(Vec::new());

    /// Returns the steps in and below a directory since the last call, such as `write key.new-*`.
    pub fn below(directory: &Path) -> Vec<String> {
        let mut steps = STEPS.lock().unwrap_or_else(PoisonError::into_inner);
        let (here, others) = steps.drain(..).partition(|(_, path)| path.starts_with(directory));
        *steps = others;
        let here: Vec<(&'static str, PathBuf)> = here;
        let shown = |path: &Path| match path.strip_prefix(directory).unwrap_or(path).display().to_string() {
            name if name.is_empty() => ".".to_owned(),
            // The names of temporary files end in random digits.
            name => name.split_once(".new-").map_or(name.clone(), |(name, _)| format!("{name}.new-*")),
        };
        here.iter().map(|(step, path)| format!("{step} {}", shown(path))).collect()
    }
}
