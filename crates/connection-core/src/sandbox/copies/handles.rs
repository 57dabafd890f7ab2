//! Copies a directory by handles: each entry is opened in the handle of its directory, and no link is followed.
//!
//! Others may write to the directory meanwhile. What an entry is, the opened handle says and not its name, so that a file
//! that is replaced by a link between the look and the copy is never read through that link.

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

use super::{Left, copy_file, failed};
use crate::{platform, sandbox::SandboxError};

/// A pipe without a writer does not hold the thread, and a terminal does not become that of this process.
const OPENED: OFlags =
    OFlags::RDONLY.union(OFlags::NOFOLLOW).union(OFlags::NONBLOCK).union(OFlags::NOCTTY).union(OFlags::CLOEXEC);

/// Copies a file or a directory whose path has no link in it.
pub(super) fn copy(real: &Path, target: &Path, left: &mut Left<'_>) -> Result<(), SandboxError> {
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

/// Copies what is open: `source` is its name for people.
fn copy_opened(opened: File, source: &Path, target: &Path, left: &mut Left<'_>) -> Result<(), SandboxError> {
    let failed = |error: io::Error| failed(source, &error);
    left.take(1, 0).map_err(failed)?;
    match FileType::from_raw_mode(fstat(&opened).map_err(|error| failed(error.into()))?.st_mode) {
        FileType::Directory => copy_directory(&opened, source, target, left),
        FileType::RegularFile => copy_file(opened, target, left).map_err(failed),
        // Pipes, sockets and devices are of the processes that made them.
        _ => Ok(()),
    }
}

fn copy_directory(opened: &File, source: &Path, target: &Path, left: &mut Left<'_>) -> Result<(), SandboxError> {
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

/// Copies an entry of a directory. One that is gone since the directory was read is no part of it any more: a tool that
/// works there writes beside a file and renames, all the time.
pub(super) fn below(
    directory: &File,
    name: &OsStr,
    source: &Path,
    target: &Path,
    left: &mut Left<'_>,
) -> Result<(), SandboxError> {
    let (source, target) = (source.join(name), target.join(name));
    match look(directory, name) {
        Ok(looked) => copy_looked(directory, name, looked, (&source, &target), left),
        Err(Errno::NOENT) => Ok(()),
        Err(error) => Err(failed(&source, &error.into())),
    }
}

/// What an entry was a moment ago.
pub(super) fn look(directory: impl AsFd, name: &OsStr) -> Result<FileType, Errno> {
    Ok(FileType::from_raw_mode(statat(directory, name, AtFlags::SYMLINK_NOFOLLOW)?.st_mode))
}

/// Copies an entry that was this a moment ago, and may be something else by now.
pub(super) fn copy_looked(
    directory: &File,
    name: &OsStr,
    looked: FileType,
    (source, target): (&Path, &Path),
    left: &mut Left<'_>,
) -> Result<(), SandboxError> {
    let failed = |error: io::Error| failed(source, &error);
    match looked {
        FileType::Symlink => copy_link(directory, name, target, left).map_err(failed),
        FileType::Directory | FileType::RegularFile => match openat(directory, name, OPENED, Mode::empty()) {
            Ok(opened) => copy_opened(File::from(opened), source, target, left),
            Err(Errno::NOENT) => Ok(()),
            // It has become a link.
            Err(Errno::LOOP | Errno::MLINK) => copy_link(directory, name, target, left).map_err(failed),
            Err(error) => Err(failed(error.into())),
        },
        _ => Ok(()),
    }
}

/// Copies a link as it is: in the container it leads to what is there, and never out of it.
fn copy_link(directory: &File, name: &OsStr, target: &Path, left: &mut Left<'_>) -> io::Result<()> {
    left.take(1, 0)?;
    match readlinkat(directory, name, Vec::new()) {
        Ok(to) => std::os::unix::fs::symlink(OsStr::from_bytes(to.as_bytes()), target),
        Err(Errno::NOENT) => Ok(()),
        Err(error) => Err(error.into()),
    }
}
