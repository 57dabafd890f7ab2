//! The directory for the files of the tests, in memory where this machine offers that.
//!
//! Tests make thousands of databases, and on a disk every commit of each would wait for the disk. A process that is
//! killed leaves the same files in memory as on a disk. Only a crash of the machine would lose them, and no test
//! crashes the machine.

use std::fs;
use std::path::Path;

use tempfile::TempDir;

use crate::process;

/// Directory in which Linux keeps files in memory.
const MEMORY: &str = "/dev/shm";
/// Prefix of a directory's name; the id of the process that made it follows.
const PREFIX: &str = "connections-tests-";
/// Free room in KiB below which the tests use the disk. A container may have only a few MiB there.
const ROOM: u64 = 4 << 20;

/// A directory for `TMPDIR`, deleted with this value.
#[derive(Debug)]
pub(super) struct Files(TempDir);

impl Files {
    /// Makes the directory. Returns `None` if this machine has no such place, or if the place has little room or
    /// cannot run programs.
    pub(super) fn in_memory() -> Option<Self> {
        Self::below(Path::new(MEMORY))
    }

    pub(super) fn below(memory: &Path) -> Option<Self> {
        sweep(memory);
        let prefix = format!("{PREFIX}{}-", std::process::id());
        let files = Self(tempfile::Builder::new().prefix(&prefix).tempdir_in(memory).ok()?);
        (opens_to_all(files.path()) && room(files.path())? >= ROOM && runs_programs(files.path())).then_some(files)
    }

    pub(super) fn path(&self) -> &Path {
        self.0.path()
    }
}

/// Deletes the directories of interrupted runs.
fn sweep(memory: &Path) {
    for entry in fs::read_dir(memory).into_iter().flatten().flatten() {
        let name = entry.file_name();
        let Some(rest) = name.to_str().and_then(|name| name.strip_prefix(PREFIX)) else { continue };
        let process = rest.split('-').next().unwrap_or_default();
        if !Path::new("/proc").join(process).exists() {
            // A directory of another user cannot be deleted and stays.
            fs::remove_dir_all(entry.path()).unwrap_or_default();
        }
    }
}

/// Gives the directory the mode of `/tmp`, because some tests run a server as another user. Returns `true` on success.
#[cfg(unix)]
fn opens_to_all(directory: &Path) -> bool {
    let mode = std::os::unix::fs::PermissionsExt::from_mode(0o1777);
    fs::set_permissions(directory, mode).is_ok()
}

#[cfg(not(unix))]
fn opens_to_all(_: &Path) -> bool {
    false
}

/// Returns the free room in KiB.
fn room(directory: &Path) -> Option<u64> {
    let output = process::output(&mut process::tool(directory, "df", &["-Pk", "."])).ok()?;
    output.lines().nth(1)?.split_whitespace().nth(3)?.parse().ok()
}

/// Returns `true` if a script in the directory can be run. Tests run scripts that they write, and the file system may
/// be mounted with `noexec`.
fn runs_programs(directory: &Path) -> bool {
    let script = directory.join("runs");
    let written = fs::write(&script, "#!/bin/sh\n").is_ok();
    #[cfg(unix)]
    let written = written && fs::set_permissions(&script, std::os::unix::fs::PermissionsExt::from_mode(0o700)).is_ok();
    written && process::answers(&mut process::program(&script, directory))
}

#[cfg(all(test, unix))]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    #[test]
    fn files_are_kept_in_memory_and_those_of_an_interrupted_run_are_deleted() {
        let memory = Path::new("/dev/shm");
        // The directory of a process that is gone. No process has this id.
        let left = memory.join("connections-tests-4194305-left");
        if !memory.is_dir() || fs::create_dir_all(left.join("store")).is_err() {
            return;
        }
        let files = Files::in_memory();
        assert!(!left.exists());
        if let Some(files) = files {
            let path = files.path().to_owned();
            assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o7777, 0o1777);
            fs::write(path.join("of a test"), "").unwrap();
            drop(files);
            assert!(!path.exists());
        }
    }
}
