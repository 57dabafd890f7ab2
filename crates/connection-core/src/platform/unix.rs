//! Modes and owners on Unix.

use std::{
    fs::{self, DirBuilder, File, Metadata, OpenOptions, Permissions},
    io,
    os::unix::fs::{DirBuilderExt as _, MetadataExt as _, OpenOptionsExt as _, PermissionsExt as _},
    path::Path,
    time::Duration,
};

use super::NotPrivate;

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

pub(super) fn check_private(path: &Path, metadata: &Metadata) -> Result<(), NotPrivate> {
    if metadata.uid() != rustix::process::geteuid().as_raw() {
        return Err(NotPrivate::Owner(path.to_owned()));
    }
    let mode = metadata.mode() & 0o7777;
    if mode & 0o077 == 0 { Ok(()) } else { Err(NotPrivate::Permissions { path: path.to_owned(), mode }) }
}

pub(super) fn same_file(one: &Metadata, other: &Metadata) -> bool {
    one.dev() == other.dev() && one.ino() == other.ino()
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

pub(super) fn user() -> Option<(u32, u32)> {
    Some((rustix::process::geteuid().as_raw(), rustix::process::getegid().as_raw()))
}

pub(super) fn program_names(name: &str) -> Vec<String> {
    vec![name.to_owned()]
}

/// By anybody: whether it may be this user, the system says when it is run.
pub(super) fn may_run(metadata: &Metadata) -> bool {
    metadata.mode() & 0o111 != 0
}

pub(super) fn since_boot() -> Option<Duration> {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::Monotonic);
    Some(Duration::new(u64::try_from(time.tv_sec).ok()?, u32::try_from(time.tv_nsec).ok()?))
}
