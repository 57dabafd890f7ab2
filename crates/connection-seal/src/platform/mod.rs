//! Files that only their owner may read, and locks that the kernel releases.
//!
//! On Unix, directories that we create have mode 0700 and files 0600, whatever the umask is. A secret file is rejected
//! if another user owns it or can read it, unless a container got it in memory. On Windows, which has not been tried,
//! files have the protection of their directory.

#[cfg(all(test, unix))]
mod durable_tests;
mod guard;
#[cfg(feature = "keyring")]
pub(crate) mod keyring;
mod locks;
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
pub use locks::{LockHeld, lock_file, process_in_words};
#[cfg(any(test, feature = "recorded-steps"))]
pub use steps::recorded;

/// The maximum number of times that a file is opened while another process replaces it again and again.
const MAX_LOOKS: usize = 20;

/// The reason why a private file is not trusted.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum NotPrivate {
    /// The path is not a regular file. A link is rejected because it may lead anywhere.
    #[error("{} is not a regular file", .0.display())]
    NotRegular(PathBuf),
    /// Other users may replace the file, because they can write to its directory.
    #[error("the directory {} can be changed by other users (mode {mode:04o})", path.display())]
    Directory {
        /// The directory that contains the file.
        path: PathBuf,
        /// The permission bits of the directory.
        mode: u32,
    },
    /// Another user owns the file or directory.
    #[error("{} belongs to another user", .0.display())]
    Owner(PathBuf),
    /// Other users may read or write the file.
    #[error("{} can be read or changed by other users (mode {mode:04o})", path.display())]
    Permissions {
        /// The file that others may access.
        path: PathBuf,
        /// The permission bits of the file.
        mode: u32,
    },
    /// Other users may write the file, which they are allowed to read.
    #[error("{} can be changed by other users (mode {mode:04o})", path.display())]
    Writable {
        /// The file that others may write.
        path: PathBuf,
        /// The permission bits of the file.
        mode: u32,
    },
}

impl NotPrivate {
    /// Returns what a person can do about it.
    pub fn remedy(&self) -> String {
        if let Self::Owner(path) | Self::Permissions { path, .. } = self
            && let Some(remedy) = system::remedy_of_mount(path)
        {
            return remedy;
        }
        match self {
            Self::NotRegular(path) => format!("put the file itself at {}, not a link to it", path.display()),
            Self::Owner(path) => format!("change the owner of {} to the user who runs this program", path.display()),
            // Only its owner could read the file after a change of its mode.
            Self::Permissions { path, .. } if system::is_of_another_user(path) => {
                format!("make the user who runs this program the owner of {}, with the mode 0600", path.display())
            }
            Self::Permissions { path, .. } => format!("chmod 600 {}", quoted(path)),
            Self::Directory { path, .. } | Self::Writable { path, .. } => format!("chmod go-w {}", quoted(path)),
        }
    }
}

/// Returns how a secret is closed to other users that is accepted although every user may read it: one of root, on a
/// read-only file system in memory. Returns `None` for any other file.
pub fn remedy_of_open_secret(path: &Path) -> Option<String> {
    if system::is_open_secret(path) { system::remedy_of_mount(path) } else { None }
}

/// Quotes a path for a shell.
fn quoted(path: &Path) -> String {
    let text = path.display().to_string();
    let plain = |c: char| c.is_ascii_alphanumeric() || "/._-+:@%,=".contains(c);
    if text.chars().all(plain) { text } else { format!("'{}'", text.replace('\'', r"'\''")) }
}

/// The reason why a private file was not read.
#[derive(Debug)]
#[expect(clippy::exhaustive_enums, reason = "it is one of the two")]
pub enum Unreadable {
    /// The file is not private, so its content is not trusted.
    Exposed(NotPrivate),
    /// The system could not read the file.
    Io(io::Error),
}

/// Kills a process group by the id of its leader. Errors are ignored.
pub fn kill_group(leader: Option<u32>) {
    if let Some(leader) = leader {
        system::kill_group(leader);
    }
}

/// Returns an error if this process may not write the file at `path`. The file is not opened.
pub fn check_writable(path: &Path) -> io::Result<()> {
    system::check_writable(path)
}

/// Creates a directory and its missing parents, for their owner only. An existing directory is left as it is.
pub fn create_private_dir(path: &Path) -> io::Result<()> {
    if path.as_os_str().is_empty() || path.is_dir() {
        return Ok(());
    }
    system::create_dir(path)
}

/// Checks that the path is a directory and not a link, belongs to this user, and is closed to other users.
pub fn check_private_dir(path: &Path) -> Result<(), Unreadable> {
    let metadata = fs::symlink_metadata(path).map_err(Unreadable::Io)?;
    if !metadata.file_type().is_dir() {
        return Err(Unreadable::Io(io::ErrorKind::NotADirectory.into()));
    }
    system::check_private(path, &metadata).map_err(Unreadable::Exposed)
}

/// Reads a private file. Returns `None` if it does not exist.
///
/// At most `limit + 1` bytes are read, so that the caller can detect a file that is too long.
pub fn read_private(path: &Path, limit: u64) -> Result<Option<Vec<u8>>, Unreadable> {
    match checked(path, OpenOptions::new().read(true))
        .and_then(|file| read_limited(&file, limit).map_err(Unreadable::Io))
    {
        // Another process may remove the file at any moment.
        Err(Unreadable::Io(error)) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        read => read.map(Some),
    }
}

/// Opens a private file for reading and writing. Returns `None` if it does not exist.
pub fn open_existing_private(path: &Path) -> Result<Option<File>, Unreadable> {
    match checked(path, OpenOptions::new().read(true).write(true)) {
        Err(Unreadable::Io(error)) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        opened => opened.map(Some),
    }
}

/// Reads from `offset` until `bytes` is full or the file ends, and returns the number of bytes read.
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

/// Writes all of `bytes` at `offset`. `file` is the open file at `path`.
pub fn write_at(file: &File, path: &Path, bytes: &[u8], offset: u64) -> io::Result<()> {
    write_all_at(file, bytes, offset)?;
    steps::written(path);
    Ok(())
}

/// Syncs the data of the file at `path`, so that it is on the disk when this function returns.
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

/// Returns `true` if both are the metadata of one file. Only on Unix does this identify a file.
pub fn is_same_file(one: &fs::Metadata, other: &fs::Metadata) -> bool {
    system::same_file(one, other)
}

/// Returns `true` if the open file is the one at `path`.
pub fn is_at(file: &File, path: &Path) -> io::Result<bool> {
    match fs::symlink_metadata(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
        named => Ok(system::same_file(&named?, &file.metadata()?)),
    }
}

fn checked(path: &Path, options: &OpenOptions) -> Result<File, Unreadable> {
    // Another process may replace the file between these steps. If it puts a link there, the next round rejects it.
    for _ in 0..MAX_LOOKS {
        let named = fs::symlink_metadata(path).map_err(Unreadable::Io)?;
        if !named.file_type().is_file() {
            break;
        }
        // The file is also checked before it is opened, so that the error for a file that may not be opened says why.
        system::check_private(path, &named).map_err(Unreadable::Exposed)?;
        let file = options.open(path).map_err(Unreadable::Io)?;
        // The opened file must be the checked one, because a link may have replaced it in between.
        let opened = file.metadata().map_err(Unreadable::Io)?;
        if system::same_file(&named, &opened) {
            system::check_private(path, &opened).map_err(Unreadable::Exposed)?;
            return Ok(file);
        }
    }
    Err(Unreadable::Exposed(NotPrivate::NotRegular(path.to_owned())))
}

/// Reads one byte more than allowed, so that the caller detects a file that is too long. The buffer does not grow, so
/// no copies of a secret stay in memory.
fn read_limited(file: &File, limit: u64) -> io::Result<Vec<u8>> {
    let most = limit.saturating_add(1);
    let size = usize::try_from(file.metadata()?.len().min(most)).unwrap_or(0);
    let mut bytes = Vec::with_capacity(size.saturating_add(1));
    file.take(most).read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// Creates a file for its owner only, and returns when it is on the disk.
///
/// If the file exists, the error is [`io::ErrorKind::AlreadyExists`]. If two processes write at the same time,
/// one gets this error and finds the whole file of the other. A crash leaves the whole file or none, and perhaps a
/// temporary file with `.new` in its name, which is never read.
pub fn write_new_private(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let draft = write_temporary(path)?;
    let linked = write_exclusively(&draft, bytes).map(|()| steps::link(&draft, path));
    let removed = fs::remove_file(&draft);
    match linked? {
        Ok(()) => removed?,
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => return Err(error),
        // Without hard links, the file may be cut short by a crash, but no existing file is overwritten.
        Err(_) => write_exclusively(path, bytes)?,
    }
    sync_parent(path)
}

/// Creates or replaces a file for its owner only, and returns when it is on the disk. A crash leaves the former file or
/// the new one, each whole.
pub fn replace_private(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let draft = write_temporary(path)?;
    let written = write_exclusively(&draft, bytes).and_then(|()| steps::rename(&draft, path));
    if written.is_err() {
        // The temporary file may not exist, so this error is ignored.
        fs::remove_file(&draft).unwrap_or_default();
    }
    written?;
    sync_parent(path)
}

/// Moves a file to another name in its directory, and returns when the new name is on the disk. An existing file of that
/// name is replaced. A crash leaves the file under one of the two names.
pub fn move_file(from: &Path, to: &Path) -> io::Result<()> {
    steps::rename(from, to)?;
    sync_parent(to)
}

/// Returns the path of a temporary file in the same directory. Each call returns another path.
fn write_temporary(path: &Path) -> io::Result<PathBuf> {
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

/// Opens a file for writing and locking. If it does not exist, an empty file is created for its owner only.
pub fn open_private(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.read(true).write(true).create(true).truncate(false);
    system::private(&mut options);
    let file = options.open(path)?;
    // The process that creates the file may have a mask that takes the right to read it from the owner, too.
    system::make_private(&file)?;
    Ok(file)
}

fn sync_parent(path: &Path) -> io::Result<()> {
    match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => steps::sync_dir(parent),
        _ => steps::sync_dir(Path::new(".")),
    }
}
