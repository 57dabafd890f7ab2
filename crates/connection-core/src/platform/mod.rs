//! The differences between operating systems: file permissions, and locks that the kernel releases.
//!
//! On Unix, our directories have mode 0700 and our files 0600, whatever the umask is. A secret file of another
//! owner, or one that other users can read, is rejected. On Windows, for which the code was not run yet, files get
//! the protection of their directory.

#[cfg(all(test, unix))]
mod durable_tests;
mod guard;
#[cfg(feature = "keyring")]
pub(crate) mod keyring;
mod steps;
#[cfg(test)]
mod tests;
#[cfg(unix)]
mod unix;
#[cfg(not(unix))]
mod windows;

#[cfg(unix)]
use unix as system;
#[cfg(not(unix))]
use windows as system;

use std::{
    ffi::OsString,
    fs::{self, File, OpenOptions},
    io::{self, Read as _},
    path::{Path, PathBuf},
    time::Duration,
};

use connection_contract::{Platform, encode};

pub use guard::{FileContent, GuardedFile};
pub(crate) use guard::{check_file, read_secret};
#[cfg(test)]
pub(crate) use steps::recorded;

/// The maximum number of attempts to open a file that another process keeps replacing.
const MOST_LOOKS: usize = 20;

/// Returns the platform of this process, by the name that extensions use; `None` if there is no such name.
pub(crate) const fn here() -> Option<Platform> {
    if cfg!(target_os = "macos") {
        Some(Platform::Darwin)
    } else if cfg!(target_os = "linux") {
        Some(Platform::Linux)
    } else if cfg!(windows) {
        Some(Platform::Win32)
    } else {
        None
    }
}

/// The reason why a private file is not trusted.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum NotPrivate {
    /// The path is not a regular file: following a link may lead anywhere.
    #[error("{} is not a regular file", .0.display())]
    NotRegular(PathBuf),
    /// Other users can replace the file in this directory.
    #[error("the directory {} can be changed by other users (mode {mode:04o})", path.display())]
    Directory {
        /// The path of the directory.
        path: PathBuf,
        /// The permission bits of the directory.
        mode: u32,
    },
    /// Another user owns the file.
    #[error("{} belongs to another user", .0.display())]
    Owner(PathBuf),
    /// Other users can read or write the file.
    #[error("{} can be read or changed by other users (mode {mode:04o})", path.display())]
    Permissions {
        /// The path of the file.
        path: PathBuf,
        /// The permission bits of the file.
        mode: u32,
    },
    /// Other users can write the file, although they may only read it.
    #[error("{} can be changed by other users (mode {mode:04o})", path.display())]
    Writable {
        /// The path of the file.
        path: PathBuf,
        /// The permission bits of the file.
        mode: u32,
    },
}

impl NotPrivate {
    /// Returns what a person can do about the error.
    pub fn remedy(&self) -> String {
        match self {
            Self::NotRegular(path) => format!("put the file itself at {}, not a link to it", path.display()),
            Self::Owner(path) => format!("change the owner of {} to the user who runs this", path.display()),
            Self::Permissions { path, .. } => format!("chmod 600 {}", quoted(path)),
            Self::Directory { path, .. } | Self::Writable { path, .. } => format!("chmod go-w {}", quoted(path)),
        }
    }
}

/// Returns a path with the quotes that a shell needs.
fn quoted(path: &Path) -> String {
    let text = path.display().to_string();
    let plain = |c: char| c.is_ascii_alphanumeric() || "/._-+:@%,=".contains(c);
    if text.chars().all(plain) { text } else { format!("'{}'", text.replace('\'', r"'\''")) }
}

/// The reason why a private file was not read.
#[derive(Debug)]
pub(crate) enum Unreadable {
    /// The file is not private, so its content is not trusted.
    Exposed(NotPrivate),
    /// The system could not read the file.
    Io(io::Error),
}

/// Kills a process that leads a group, together with its group. Errors are ignored.
pub(crate) fn kill_group(leader: Option<u32>) {
    if let Some(leader) = leader {
        system::kill_group(leader);
    }
}

/// Returns the user id and group id of this process, on platforms that have them.
pub(crate) fn user() -> Option<(u32, u32)> {
    system::user()
}

/// Returns the time since this machine started; `None` if the system does not tell.
///
/// The time does not pass while the machine sleeps. Data that its kernel has not sent yet is not sent meanwhile
/// either.
pub(crate) fn since_boot() -> Option<Duration> {
    system::since_boot()
}

/// Returns an identifier of the current boot of the machine, if the system has one.
pub(crate) fn boot_id() -> Option<String> {
    if !cfg!(target_os = "linux") {
        return None;
    }
    let boot = fs::read_to_string("/proc/sys/kernel/random/boot_id").ok()?;
    // A container may have its own clock offsets (time_namespaces(7)). The link is missing if the kernel does not
    // support them.
    let namespace = fs::read_link("/proc/self/ns/time").unwrap_or_default();
    Some(format!("{} {}", boot.trim(), namespace.display()))
}

/// Returns the file names under which a program can be found in a directory.
pub(crate) fn program_names(name: &str) -> Vec<String> {
    system::program_names(name)
}

/// Returns `true` if this user may run the file at that path.
pub(crate) fn is_program(path: &Path) -> bool {
    fs::metadata(path).is_ok_and(|metadata| metadata.is_file() && system::may_run(&metadata))
}

/// Checks that this process may write the file at that path, without opening it.
pub(crate) fn check_writable(path: &Path) -> io::Result<()> {
    system::check_writable(path)
}

/// Creates a directory and its missing parents, accessible only to their owner. An existing directory stays as it
/// is.
pub(crate) fn create_private_dir(path: &Path) -> io::Result<()> {
    if path.as_os_str().is_empty() || path.is_dir() {
        return Ok(());
    }
    system::create_dir(path)
}

/// Checks that the path is a directory and not a link, belongs to this user, and is closed to others.
pub(crate) fn check_private_dir(path: &Path) -> Result<(), Unreadable> {
    let metadata = fs::symlink_metadata(path).map_err(Unreadable::Io)?;
    if !metadata.file_type().is_dir() {
        return Err(Unreadable::Io(io::ErrorKind::NotADirectory.into()));
    }
    system::check_private(path, &metadata).map_err(Unreadable::Exposed)
}

/// Reads a private file of at most `limit` bytes; returns `None` if it does not exist or was removed meanwhile.
pub(crate) fn read_private(path: &Path, limit: u64) -> Result<Option<Vec<u8>>, Unreadable> {
    match checked(path, OpenOptions::new().read(true)).and_then(|file| read_most(file, limit).map_err(Unreadable::Io)) {
        // Another process may remove the file at any moment.
        Err(Unreadable::Io(error)) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        read => read.map(Some),
    }
}

/// Opens a private file for reading and writing; returns `None` if it does not exist or was removed meanwhile.
pub(crate) fn open_existing_private(path: &Path) -> Result<Option<File>, Unreadable> {
    match checked(path, OpenOptions::new().read(true).write(true)) {
        Err(Unreadable::Io(error)) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        opened => opened.map(Some),
    }
}

/// Fills `bytes` from that offset of a file, up to the end of the file. Returns the number of bytes that were read.
pub(crate) fn read_at(file: &File, bytes: &mut [u8], offset: u64) -> io::Result<usize> {
    let mut filled = 0;
    while let Some(rest) = bytes.get_mut(filled..).filter(|rest| !rest.is_empty()) {
        match system::read_at(file, rest, offset.saturating_add(filled as u64)) {
            Ok(0) => break,
            Ok(read) => filled = filled.saturating_add(read),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(filled)
}

/// Writes all of `bytes` at that offset of the file at `path`.
pub(crate) fn write_at(file: &File, path: &Path, bytes: &[u8], offset: u64) -> io::Result<()> {
    write_all_at(file, bytes, offset)?;
    steps::written(path);
    Ok(())
}

/// Syncs the file at `path`, so that its data is on the disk when this returns.
pub(crate) fn sync_data(file: &File, path: &Path) -> io::Result<()> {
    steps::sync_data(file, path)
}

fn write_all_at(file: &File, bytes: &[u8], offset: u64) -> io::Result<()> {
    let mut written = 0;
    while let Some(rest) = bytes.get(written..).filter(|rest| !rest.is_empty()) {
        match system::write_at(file, rest, offset.saturating_add(written as u64)) {
            Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
            Ok(more) => written = written.saturating_add(more),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

/// Returns `true` if the open file is the one at that path.
pub(crate) fn is_at(file: &File, path: &Path) -> io::Result<bool> {
    match fs::symlink_metadata(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
        named => Ok(system::same_file(&named?, &file.metadata()?)),
    }
}

fn checked(path: &Path, options: &OpenOptions) -> Result<File, Unreadable> {
    // Another process may replace the file meanwhile. A link that takes its place is found by the next attempt.
    for _ in 0..MOST_LOOKS {
        let named = fs::symlink_metadata(path).map_err(Unreadable::Io)?;
        if !named.file_type().is_file() {
            break;
        }
        // Checked before the file is opened, too, so that the error for a file that may not be opened names what is
        // wrong.
        system::check_private(path, &named).map_err(Unreadable::Exposed)?;
        let file = options.open(path).map_err(Unreadable::Io)?;
        // The opened file must be the one that was checked: a link that replaced it in between leads elsewhere.
        let opened = file.metadata().map_err(Unreadable::Io)?;
        if system::same_file(&named, &opened) {
            system::check_private(path, &opened).map_err(Unreadable::Exposed)?;
            return Ok(file);
        }
    }
    Err(Unreadable::Exposed(NotPrivate::NotRegular(path.to_owned())))
}

/// Reads at most one byte more than the limit, so that the caller can detect a file that is too long. The buffer is
/// allocated once, so no copies of a secret remain.
fn read_most(file: File, limit: u64) -> io::Result<Vec<u8>> {
    let most = limit.saturating_add(1);
    let size = usize::try_from(file.metadata()?.len().min(most)).unwrap_or(0);
    let mut bytes = Vec::with_capacity(size.saturating_add(1));
    file.take(most).read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// Creates a file for its owner only, and returns when it is on the disk. The file must not exist yet.
///
/// If two callers write at once, one of them gets [`io::ErrorKind::AlreadyExists`] and can read the whole file of
/// the other. A crash leaves the whole file or none (and perhaps one with `.new` in its name, which nobody reads).
pub(crate) fn write_new_private(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let draft = draft(path)?;
    let linked = write_exclusively(&draft, bytes).map(|()| steps::link(&draft, path));
    let removed = fs::remove_file(&draft);
    match linked? {
        Ok(()) => removed?,
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => return Err(error),
        // Without hard links, creating the file exclusively still never overwrites another one.
        Err(_) => write_exclusively(path, bytes)?,
    }
    sync_parent(path)
}

/// Writes a file for its owner only, replacing an existing one, and returns when it is on the disk. A crash leaves
/// either the old file or the new one, whole.
pub(crate) fn replace_private(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let draft = draft(path)?;
    let written = write_exclusively(&draft, bytes).and_then(|()| steps::rename(&draft, path));
    if written.is_err() {
        // The file may not exist.
        fs::remove_file(&draft).unwrap_or_default();
    }
    written?;
    sync_parent(path)
}

/// Returns a file name beside the path that is unique for each writer, also within a process.
fn draft(path: &Path) -> io::Result<PathBuf> {
    let mut draft = OsString::from(path.as_os_str());
    let mut unique = [0; 8];
    aws_lc_rs::rand::fill(&mut unique).map_err(|_| io::Error::from(io::ErrorKind::Unsupported))?;
    draft.push(format!(".new-{}", encode::hex(&unique)));
    Ok(PathBuf::from(draft))
}

fn write_exclusively(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    system::private(&mut options);
    let mut file = options.open(path)?;
    system::make_private(&file)?;
    steps::write(&mut file, path, bytes)?;
    steps::sync(&file, path)
}

/// Opens a file for writing and locking. If it does not exist, creates it empty for its owner only.
pub(crate) fn open_private(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.read(true).write(true).create(true).truncate(false);
    system::private(&mut options);
    options.open(path)
}

/// Waits for the lock on a file beside the one that it protects. The lock is released when the returned file is
/// closed, also by a crash.
///
/// Blocks, so it must be called on a thread that may wait.
pub(crate) fn lock_file(path: &Path) -> io::Result<File> {
    let file = open_private(path)?;
    file.lock()?;
    Ok(file)
}

fn sync_parent(path: &Path) -> io::Result<()> {
    match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => steps::sync_dir(parent),
        _ => steps::sync_dir(Path::new(".")),
    }
}
