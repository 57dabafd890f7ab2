//! Modes and owners on Unix.

use std::{
    fs::{self, DirBuilder, File, Metadata, OpenOptions, Permissions},
    io,
    os::unix::fs::{DirBuilderExt as _, FileExt as _, MetadataExt as _, OpenOptionsExt as _, PermissionsExt as _},
    path::Path,
};

use super::{FileContent, NotPrivate};

pub(super) fn create_dir(path: &Path) -> io::Result<()> {
    // A loop of our own: the recursive builder gives the mode to the last part only on some versions of the library.
    if let Some(parent) = path.parent().filter(|parent| !parent.as_os_str().is_empty() && !parent.is_dir()) {
        create_dir(parent)?;
    }
    match DirBuilder::new().mode(0o700).create(path) {
        // Another process was faster: it made the same.
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists && path.is_dir() => Ok(()),
        Err(error) => Err(error),
        Ok(()) => {
            fs::set_permissions(path, Permissions::from_mode(0o700))?;
            super::steps::made_dir(path);
            // A key must not vanish with its directory when the power fails, and leave a sealed database behind.
            super::sync_parent(path)
        }
    }
}

pub(super) fn private(options: &mut OpenOptions) {
    options.mode(0o600);
}

pub(super) fn make_private(file: &File) -> io::Result<()> {
    file.set_permissions(Permissions::from_mode(0o600))
}

pub(super) fn check_writable(path: &Path) -> io::Result<()> {
    Ok(rustix::fs::access(path, rustix::fs::Access::WRITE_OK)?)
}

pub(super) fn check_private(path: &Path, metadata: &Metadata) -> Result<(), NotPrivate> {
    if metadata.uid() != rustix::process::geteuid().as_raw() {
        return Err(NotPrivate::Owner(path.to_owned()));
    }
    let mode = metadata.mode() & 0o7777;
    if mode & 0o077 == 0 { Ok(()) } else { Err(NotPrivate::Permissions { path: path.to_owned(), mode }) }
}

pub(super) fn check_guarded(path: &Path, metadata: &Metadata, content: FileContent) -> Result<(), NotPrivate> {
    let me = rustix::process::geteuid().as_raw();
    let (path, mode) = (|| path.to_owned(), metadata.mode() & 0o7777);
    match file_fault(metadata.uid(), mode, me, content) {
        None => Ok(()),
        Some(Fault::Owner) => Err(NotPrivate::Owner(path())),
        Some(Fault::Read) => Err(NotPrivate::Permissions { path: path(), mode }),
        Some(Fault::Write) => Err(NotPrivate::Writable { path: path(), mode }),
    }
}

pub(super) fn check_directory(path: &Path) -> Result<(), NotPrivate> {
    let me = rustix::process::geteuid().as_raw();
    // What cannot be seen is told by whoever opens something in it.
    let Ok(metadata) = fs::metadata(path) else { return Ok(()) };
    let mode = metadata.mode() & 0o7777;
    match directory_fault(metadata.uid(), mode, me) {
        // Nobody writes there, whatever the mode says: a ConfigMap of Kubernetes is mounted so.
        Some(_) if is_read_only(path) => Ok(()),
        None => Ok(()),
        Some(Fault::Owner) => Err(NotPrivate::Owner(path.to_owned())),
        Some(_) => Err(NotPrivate::Directory { path: path.to_owned(), mode }),
    }
}

fn is_read_only(path: &Path) -> bool {
    use rustix::fs::{StatVfsMountFlags, statvfs};
    statvfs(path).is_ok_and(|system| system.f_flag.contains(StatVfsMountFlags::RDONLY))
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fault {
    Owner,
    Read,
    Write,
}

/// What is wrong with a file of that owner and mode, for a process of the user `me`.
pub(super) fn file_fault(owner: u32, mode: u32, me: u32, content: FileContent) -> Option<Fault> {
    // Whom root lets read a file of its own by way of a group, it has chosen.
    let secret = if owner == 0 { 0o037 } else { 0o077 };
    match content {
        _ if owner != me && owner != 0 => Some(Fault::Owner),
        FileContent::Secrets if mode & secret != 0 => Some(Fault::Read),
        FileContent::Settings if mode & 0o022 != 0 => Some(Fault::Write),
        _ => None,
    }
}

/// What is wrong with a directory of that owner and mode. In one with the sticky bit, as `/tmp`, nobody removes or
/// renames files of others. Root may be lent a directory, as a container's is from the host.
pub(super) fn directory_fault(owner: u32, mode: u32, me: u32) -> Option<Fault> {
    let others = if owner == 0 { 0o002 } else { 0o022 };
    match mode {
        _ if owner != me && owner != 0 && me != 0 => Some(Fault::Owner),
        mode if mode & 0o1000 == 0 && mode & others != 0 => Some(Fault::Write),
        _ => None,
    }
}

pub(super) fn same_file(one: &Metadata, other: &Metadata) -> bool {
    one.dev() == other.dev() && one.ino() == other.ino()
}

pub(super) fn read_at(file: &File, bytes: &mut [u8], offset: u64) -> io::Result<usize> {
    file.read_at(bytes, offset)
}

pub(super) fn write_at(file: &File, bytes: &[u8], offset: u64) -> io::Result<usize> {
    file.write_at(bytes, offset)
}

pub(super) fn sync_dir(path: &Path) -> io::Result<()> {
    File::open(path)?.sync_all()
}

pub(super) fn kill_group(leader: u32) {
    use rustix::process::{Pid, Signal, kill_process_group};
    if let Some(group) = i32::try_from(leader).ok().and_then(Pid::from_raw) {
        // Gone by itself is as good.
        kill_process_group(group, Signal::KILL).unwrap_or_default();
    }
}
