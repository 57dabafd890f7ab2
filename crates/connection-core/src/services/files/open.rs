//! Opens a file at a canonical path below a root without following any link on the way.
//!
//! On Unix every part is opened in the directory before it and none may be a link, so that a part that turns into one after
//! the check leads nowhere. Elsewhere the path is checked, opened and checked again: whoever can swap a directory for a
//! link and back, at both moments, can still have a file outside the root read.

use std::{fs::File, io, path::Path};

/// Opens for reading; `below` is relative to `root`, which is canonical, as `root.join(below)` is.
#[cfg(unix)]
pub(super) fn open(root: &Path, below: &Path) -> io::Result<File> {
    use rustix::fs::{Mode, OFlags, open, openat};

    let directory = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    // A pipe without a writer does not hold the thread.
    let file = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::CLOEXEC | OFlags::NONBLOCK | OFlags::NOCTTY;
    let mut at = open(root, directory, Mode::empty())?;
    let mut parts = below.components().peekable();
    while let Some(part) = parts.next() {
        let flags = if parts.peek().is_some() { directory } else { file };
        at = openat(&at, part.as_os_str(), flags, Mode::empty())?;
    }
    Ok(File::from(at))
}

/// Opens for reading; `below` is relative to `root`, which is canonical, as `root.join(below)` is.
#[cfg(not(unix))]
pub(super) fn open(root: &Path, below: &Path) -> io::Result<File> {
    let path = root.join(below);
    let file = File::open(&path)?;
    if path.canonicalize()? == path { Ok(file) } else { Err(io::ErrorKind::NotFound.into()) }
}
