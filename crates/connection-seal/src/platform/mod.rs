//! What this crate needs of the operating system: files that only their owner may read, and locks that the kernel frees.
//!
//! On Unix, directories of ours are 0700 and files 0600 whatever the umask says, and a secret file of another owner, or
//! one that others can read, is refused. On Windows, which is written and not run, files take the protection of the
//! directory that they are in.

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
};

use connection_contract::encode;

pub use guard::{FileContent, GuardedFile, check_file, read_secret};
#[cfg(any(test, feature = "recorded-steps"))]
pub use steps::recorded;

/// How often a file is looked at that another process keeps replacing.
const MOST_LOOKS: usize = 20;

/// Why a private file is not trusted.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum NotPrivate {
    /// It is not a regular file: following a link may lead anywhere.
    #[error("{} is not a regular file", .0.display())]
    NotRegular(PathBuf),
    /// Other users may put another file in its place.
    #[error("the directory {} can be changed by other users (mode {mode:04o})", path.display())]
    Directory {
        /// The directory.
        path: PathBuf,
        /// Its permission bits.
        mode: u32,
    },
    /// Another user owns it.
    #[error("{} belongs to another user", .0.display())]
    Owner(PathBuf),
    /// Others may read or write it.
    #[error("{} can be read or changed by other users (mode {mode:04o})", path.display())]
    Permissions {
        /// The file.
        path: PathBuf,
        /// Its permission bits.
        mode: u32,
    },
    /// Others may write it, though they may read it.
    #[error("{} can be changed by other users (mode {mode:04o})", path.display())]
    Writable {
        /// The file.
        path: PathBuf,
        /// Its permission bits.
        mode: u32,
    },
}

impl NotPrivate {
    /// What a person does about it.
    pub fn remedy(&self) -> String {
        match self {
            Self::NotRegular(path) => format!("put the file itself at {}, not a link to it", path.display()),
            Self::Owner(path) => format!("change the owner of {} to the user who runs this", path.display()),
            Self::Permissions { path, .. } => format!("chmod 600 {}", quoted(path)),
            Self::Directory { path, .. } | Self::Writable { path, .. } => format!("chmod go-w {}", quoted(path)),
        }
    }
}

/// A path as a shell takes it.
fn quoted(path: &Path) -> String {
    let text = path.display().to_string();
    let plain = |c: char| c.is_ascii_alphanumeric() || "/._-+:@%,=".contains(c);
    if text.chars().all(plain) { text } else { format!("'{}'", text.replace('\'', r"'\''")) }
}

/// Why a private file was not read.
#[derive(Debug)]
#[expect(clippy::exhaustive_enums, reason = "it is one of the two")]
pub enum Unreadable {
    /// It is not private, so what it says is not trusted.
    Exposed(NotPrivate),
    /// The system could not read it.
    Io(io::Error),
}

/// Kills a process that leads a group, with its group; best effort.
pub fn kill_group(leader: Option<u32>) {
    if let Some(leader) = leader {
        system::kill_group(leader);
    }
}

/// Fails if this process may not write the file at that path, without opening it.
pub fn check_writable(path: &Path) -> io::Result<()> {
    system::check_writable(path)
}

/// Makes a directory, and those above it, for its owner only; one that is there is left as it is.
pub fn create_private_dir(path: &Path) -> io::Result<()> {
    if path.as_os_str().is_empty() || path.is_dir() {
        return Ok(());
    }
    system::create_dir(path)
}

/// Whether there is a directory itself and no link to one, ours, and closed to others.
pub fn check_private_dir(path: &Path) -> Result<(), Unreadable> {
    let metadata = fs::symlink_metadata(path).map_err(Unreadable::Io)?;
    if !metadata.file_type().is_dir() {
        return Err(Unreadable::Io(io::ErrorKind::NotADirectory.into()));
    }
    system::check_private(path, &metadata).map_err(Unreadable::Exposed)
}

/// Reads a private file of at most `limit` bytes; `None` when there is none, or none any more.
pub fn read_private(path: &Path, limit: u64) -> Result<Option<Vec<u8>>, Unreadable> {
    match checked(path, OpenOptions::new().read(true)).and_then(|file| read_most(file, limit).map_err(Unreadable::Io)) {
        // Another process may remove it at any moment.
        Err(Unreadable::Io(error)) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        read => read.map(Some),
    }
}

/// Opens a private file to read and change parts of it; `None` when there is none, or none any more.
pub fn open_existing_private(path: &Path) -> Result<Option<File>, Unreadable> {
    match checked(path, OpenOptions::new().read(true).write(true)) {
        Err(Unreadable::Io(error)) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        opened => opened.map(Some),
    }
}

/// Fills `bytes` from that offset of a file, as far as the file goes; returns how many bytes there were.
pub fn read_at(file: &File, bytes: &mut [u8], offset: u64) -> io::Result<usize> {
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
pub fn write_at(file: &File, path: &Path, bytes: &[u8], offset: u64) -> io::Result<()> {
    write_all_at(file, bytes, offset)?;
    steps::written(path);
    Ok(())
}

/// Returns when what was written into the file at `path` is on the disk.
pub fn sync_data(file: &File, path: &Path) -> io::Result<()> {
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

/// Returns `true` if the file at that path is the one that is open.
pub fn is_at(file: &File, path: &Path) -> io::Result<bool> {
    match fs::symlink_metadata(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
        named => Ok(system::same_file(&named?, &file.metadata()?)),
    }
}

fn checked(path: &Path, options: &OpenOptions) -> Result<File, Unreadable> {
    // Another process may put the next one in its place; a link that is put there is seen when it is looked at again.
    for _ in 0..MOST_LOOKS {
        let named = fs::symlink_metadata(path).map_err(Unreadable::Io)?;
        if !named.file_type().is_file() {
            break;
        }
        // Before it is opened, too: what may not be opened is refused by what it is.
        system::check_private(path, &named).map_err(Unreadable::Exposed)?;
        let file = options.open(path).map_err(Unreadable::Io)?;
        // What was opened must be what was checked: a link put in its place in between leads elsewhere.
        let opened = file.metadata().map_err(Unreadable::Io)?;
        if system::same_file(&named, &opened) {
            system::check_private(path, &opened).map_err(Unreadable::Exposed)?;
            return Ok(file);
        }
    }
    Err(Unreadable::Exposed(NotPrivate::NotRegular(path.to_owned())))
}

/// One byte more than allowed, so that the caller sees a file that is too long as such. No growing: no copies.
fn read_most(file: File, limit: u64) -> io::Result<Vec<u8>> {
    let most = limit.saturating_add(1);
    let size = usize::try_from(file.metadata()?.len().min(most)).unwrap_or(0);
    let mut bytes = Vec::with_capacity(size.saturating_add(1));
    file.take(most).read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// Writes a file that must not exist yet, for its owner only, and returns when it is on the disk.
///
/// Of two that write at once, one gets [`io::ErrorKind::AlreadyExists`], and finds the whole file of the other. A crash
/// leaves the whole file or none (and perhaps one with `.new` in its name, which nobody reads).
pub fn write_new_private(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let draft = draft(path)?;
    let linked = write_exclusively(&draft, bytes).map(|()| steps::link(&draft, path));
    let removed = fs::remove_file(&draft);
    match linked? {
        Ok(()) => removed?,
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => return Err(error),
        // Where there are no hard links, what remains is that nothing is written over.
        Err(_) => write_exclusively(path, bytes)?,
    }
    sync_parent(path)
}

/// Writes a file for its owner only in the place of the one that may be there, and returns when it is on the disk. A crash
/// leaves the one before or this one, whole.
pub fn replace_private(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let draft = draft(path)?;
    let written = write_exclusively(&draft, bytes).and_then(|()| steps::rename(&draft, path));
    if written.is_err() {
        // It may not even be there.
        fs::remove_file(&draft).unwrap_or_default();
    }
    written?;
    sync_parent(path)
}

/// A name beside it, of each writer its own, also within a process.
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

/// Makes an empty file for its owner only, or opens the one that is there, to write and lock.
pub fn open_private(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.read(true).write(true).create(true).truncate(false);
    system::private(&mut options);
    options.open(path)
}

/// Waits for the lock on a file next to what it guards; it is free when the returned file is closed, also by a crash.
///
/// Blocks: call it on a thread that may wait.
pub fn lock_file(path: &Path) -> io::Result<File> {
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
