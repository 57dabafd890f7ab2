//! Creates and checks files by modes and owners on Unix.

use std::{
    fs::{self, DirBuilder, File, Metadata, OpenOptions, Permissions},
    io,
    os::unix::fs::{DirBuilderExt as _, FileExt as _, MetadataExt as _, OpenOptionsExt as _, PermissionsExt as _},
    path::Path,
};

use super::{FileContent, NotPrivate};

pub(super) fn create_dir(path: &Path) -> io::Result<()> {
    // On some versions of the library, the recursive builder sets the mode of the last part only.
    if let Some(parent) = path.parent().filter(|parent| !parent.as_os_str().is_empty() && !parent.is_dir()) {
        create_dir(parent)?;
    }
    match DirBuilder::new().mode(0o700).create(path) {
        // Another process has just created the same directory.
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists && path.is_dir() => Ok(()),
        Err(error) => Err(error),
        Ok(()) => {
            fs::set_permissions(path, Permissions::from_mode(0o700))?;
            super::steps::made_dir(path);
            // Without this sync, a power failure could remove the directory of a key and leave a sealed database.
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
    let path = || path.to_owned();
    let mode = metadata.mode() & 0o7777;
    match file_fault(metadata.uid(), mode, me, content) {
        None => Ok(()),
        Some(Fault::Read) if is_of_container(&path(), metadata) => Ok(()),
        Some(Fault::Owner) => Err(NotPrivate::Owner(path())),
        Some(Fault::Read) => Err(NotPrivate::Permissions { path: path(), mode }),
        Some(Fault::Write) => Err(NotPrivate::Writable { path: path(), mode }),
    }
}

pub(super) fn check_directory(path: &Path) -> Result<(), NotPrivate> {
    let me = rustix::process::geteuid().as_raw();
    // If the directory cannot be read, opening a file in it reports the error.
    let Ok(metadata) = fs::metadata(path) else { return Ok(()) };
    let mode = metadata.mode() & 0o7777;
    match directory_fault(metadata.uid(), mode, me) {
        // No user can write to a read-only mount, whatever the mode is. Kubernetes mounts a ConfigMap in this way.
        Some(_) if is_read_only(path) => Ok(()),
        None => Ok(()),
        Some(Fault::Owner) => Err(NotPrivate::Owner(path.to_owned())),
        Some(_) => Err(NotPrivate::Directory { path: path.to_owned(), mode }),
    }
}

/// Returns `true` for a file of root that nobody may write, on a read-only file system in memory. Containers get their
/// secrets in such files, with modes that let every user read them.
fn is_of_container(path: &Path, metadata: &Metadata) -> bool {
    metadata.uid() == 0 && metadata.mode() & 0o022 == 0 && is_read_only(path) && is_in_memory(path)
}

#[cfg(target_os = "linux")]
fn is_in_memory(path: &Path) -> bool {
    // The number of `tmpfs` in the kernel's `linux/magic.h`.
    rustix::fs::statfs(path).is_ok_and(|system| system.f_type == 0x0102_1994)
}

#[cfg(not(target_os = "linux"))]
fn is_in_memory(_: &Path) -> bool {
    false
}

pub(super) fn is_open_secret(path: &Path) -> bool {
    fs::metadata(path).is_ok_and(|metadata| metadata.mode() & 0o007 != 0 && is_of_container(path, &metadata))
}

/// Returns `true` if the file exists and belongs to another user.
pub(super) fn is_of_another_user(path: &Path) -> bool {
    fs::metadata(path).is_ok_and(|metadata| metadata.uid() != rustix::process::geteuid().as_raw())
}

/// Returns the remedy for a file that this process cannot change because an orchestrator has mounted it.
pub(super) fn remedy_of_mount(path: &Path) -> Option<String> {
    let is_mounted = is_read_only(path) || is_in_memory(path) && is_of_another_user(path);
    if !is_mounted && !path.starts_with("/run/secrets") {
        return None;
    }
    let user = rustix::process::geteuid().as_raw();
    Some(format!(
        "give the file to the user of this program alone: `uid={user},mode=0400` for a secret of Swarm or Podman, \
         `defaultMode: 0440` with `fsGroup` in Kubernetes; Compose ignores both, so run `chown {user}` and `chmod 400` \
         with its file on the host"
    ))
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

/// Returns what is wrong with a file of this owner and mode, for a process of the user `me`.
pub(super) fn file_fault(owner: u32, mode: u32, me: u32, content: FileContent) -> Option<Fault> {
    // If root lets a group read its file, an administrator has decided so.
    let secret = if owner == 0 { 0o037 } else { 0o077 };
    match content {
        _ if owner != me && owner != 0 => Some(Fault::Owner),
        FileContent::Secrets if mode & secret != 0 => Some(Fault::Read),
        FileContent::Settings if mode & 0o022 != 0 => Some(Fault::Write),
        _ => None,
    }
}

/// Returns what is wrong with a directory of this owner and mode, for a process of the user `me`.
///
/// In a directory with the sticky bit, such as `/tmp`, other users cannot remove or rename a file. Root may use the
/// directory of another user, such as one of the host in a container.
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
        // The group may have ended by itself, so this error is ignored.
        kill_process_group(group, Signal::KILL).unwrap_or_default();
    }
}

#[cfg(target_os = "linux")]
/// Returns the number of the process that locked an open file, if it is running.
pub(super) fn lock_holder(file: &File) -> Option<u32> {
    use rustix::fs::{major, minor};
    let metadata = file.metadata().ok()?;
    let place = format!("{:02x}:{:02x}:{}", major(metadata.dev()), minor(metadata.dev()), metadata.ino());
    let locks = fs::read_to_string("/proc/locks").ok()?;
    let holder = locks.lines().find_map(|lock| match lock.split_whitespace().collect::<Vec<_>>()[..] {
        [_, "FLOCK", _, _, process, of, ..] if of == place => process.parse::<u32>().ok(),
        _ => None,
    });
    // A child may have inherited the lock of a process that has ended.
    holder.filter(|process| process_name(*process).is_some())
}

#[cfg(not(target_os = "linux"))]
/// Returns `None`, because the system does not report who locked a file.
pub(super) fn lock_holder(_file: &File) -> Option<u32> {
    None
}

/// Returns the name of the program of a process, if the system reports it.
pub(super) fn process_name(process: u32) -> Option<String> {
    let name = fs::read_to_string(format!("/proc/{process}/comm")).ok()?;
    let name: String = name.trim().chars().filter(|character| !character.is_control()).collect();
    Some(name).filter(|name| !name.is_empty())
}

/// Returns `true` if the system reports that a signal or a debugger has stopped the process.
pub(super) fn is_stopped(process: u32) -> bool {
    let state = fs::read_to_string(format!("/proc/{process}/stat")).unwrap_or_default();
    // The name of the program, which precedes the state, may contain any character.
    state.rsplit_once(')').is_some_and(|(_, rest)| rest.trim_start().starts_with(['T', 't']))
}
