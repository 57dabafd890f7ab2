//! Copies a directory by handles: each entry is opened relative to the handle of its directory, and no link is
//! followed.
//!
//! Other processes may write to the directory meanwhile. The type of an entry is read from the opened handle, not
//! from its name. A file that is replaced by a link after it was looked at is therefore never read through that
//! link.

use std::{
    ffi::OsStr,
    fs::File,
    io,
    os::{fd::AsFd, unix::ffi::OsStrExt as _},
    path::Path,
};

use rustix::{
    fs::{AtFlags, Dir, FileType, Mode, OFlags, fstat, open, openat, readlinkat, statat},
    io::Errno,
};

use connection_seal::platform;

use super::{Budget, copy_file, failed};
use crate::SandboxError;

/// Flags for opening an entry: opening a pipe without a writer does not block the thread, and a terminal does not
/// become the controlling terminal of this process.
const OPENED: OFlags =
    OFlags::RDONLY.union(OFlags::NOFOLLOW).union(OFlags::NONBLOCK).union(OFlags::NOCTTY).union(OFlags::CLOEXEC);

/// Copies a file or a directory whose path contains no link.
pub(super) fn copy(real: &Path, target: &Path, left: &mut Budget<'_>) -> Result<(), SandboxError> {
    let opened = || -> io::Result<_> {
        let looked = rustix::fs::lstat(real)?;
        if !matches!(FileType::from_raw_mode(looked.st_mode), FileType::Directory | FileType::RegularFile) {
            return Err(io::Error::other("it is neither a file nor a directory"));
        }
        Ok(File::from(open(real, OPENED, Mode::empty())?))
    };
    let opened = opened().map_err(|error| failed(real, &error))?;
    copy_opened(opened, real, target, left)
}

/// Copies an open file or directory. `source` is its path for error messages.
fn copy_opened(opened: File, source: &Path, target: &Path, left: &mut Budget<'_>) -> Result<(), SandboxError> {
    let failed = |error: io::Error| failed(source, &error);
    left.take(1, 0).map_err(failed)?;
    match FileType::from_raw_mode(fstat(&opened).map_err(|error| failed(error.into()))?.st_mode) {
        FileType::Directory => copy_directory(&opened, source, target, left),
        FileType::RegularFile => copy_file(opened, target, left).map_err(failed),
        // Pipes, sockets and devices belong to the processes that created them.
        _ => Ok(()),
    }
}

fn copy_directory(opened: &File, source: &Path, target: &Path, left: &mut Budget<'_>) -> Result<(), SandboxError> {
    let failed = |error: io::Error| failed(source, &error);
    platform::create_private_dir(target).map_err(failed)?;
    if left.is_part(source) {
        return Ok(());
    }
    let entries = Dir::read_from(opened).map_err(|error| failed(error.into()))?;
    for entry in entries {
        let entry = entry.map_err(|error| failed(error.into()))?;
        let name = OsStr::from_bytes(entry.file_name().to_bytes());
        if name != "." && name != ".." {
            below(opened, name, source, target, left)?;
        }
    }
    Ok(())
}

/// Copies an entry of a directory. An entry that was removed after the directory was read is skipped: tools
/// constantly write a temporary file and rename it.
pub(super) fn below(
    directory: &File,
    name: &OsStr,
    source: &Path,
    target: &Path,
    left: &mut Budget<'_>,
) -> Result<(), SandboxError> {
    let source = source.join(name);
    let target = target.join(name);
    match file_type(directory, name) {
        Ok(looked) => copy_looked(directory, name, looked, &source, &target, left),
        Err(Errno::NOENT) => Ok(()),
        Err(error) => Err(failed(&source, &error.into())),
    }
}

/// Returns the type of an entry at this moment.
pub(super) fn file_type(directory: impl AsFd, name: &OsStr) -> Result<FileType, Errno> {
    Ok(FileType::from_raw_mode(statat(directory, name, AtFlags::SYMLINK_NOFOLLOW)?.st_mode))
}

/// Copies an entry that had the type `looked` a moment ago and may have another type now.
pub(super) fn copy_looked(
    directory: &File,
    name: &OsStr,
    looked: FileType,
    source: &Path,
    target: &Path,
    left: &mut Budget<'_>,
) -> Result<(), SandboxError> {
    let failed = |error: io::Error| failed(source, &error);
    match looked {
        FileType::Symlink => copy_link(directory, name, target, left).map_err(failed),
        FileType::Directory | FileType::RegularFile => match openat(directory, name, OPENED, Mode::empty()) {
            Ok(opened) => copy_opened(File::from(opened), source, target, left),
            Err(Errno::NOENT) => Ok(()),
            // The entry has become a link.
            Err(Errno::LOOP | Errno::MLINK) => copy_link(directory, name, target, left).map_err(failed),
            Err(error) => Err(failed(error.into())),
        },
        _ => Ok(()),
    }
}

/// Copies a link as it is. In the container it leads to a path in the container, and never out of it.
fn copy_link(directory: &File, name: &OsStr, target: &Path, left: &mut Budget<'_>) -> io::Result<()> {
    left.take(1, 0)?;
    match readlinkat(directory, name, Vec::new()) {
        Ok(to) => std::os::unix::fs::symlink(OsStr::from_bytes(to.as_bytes()), target),
        Err(Errno::NOENT) => Ok(()),
        Err(error) => Err(error.into()),
    }
}
