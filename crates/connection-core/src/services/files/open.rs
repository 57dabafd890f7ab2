//! Opens a file at a canonical path below a root without following any link on the way.
//!
//! On Unix every part is opened in the directory before it and none may be a link, so that a part that turns into one after
//! the check leads nowhere. Elsewhere the path is checked, opened and checked again: whoever can swap a directory for a
//! link and back, at both moments, can still have a file outside the root read.

use std::{fs::File, io, path::Path};

use super::bounds::Look;
#[cfg(unix)]
use super::identity::Directory;

/// Opens for reading; `below` is relative to `root`, which is canonical, as `root.join(below)` is. Returns the file that
/// `look` lets be read: of the root and of the directory in which the file was opened, what counts is the handle.
#[cfg(unix)]
pub(super) fn open(look: &Look<'_>, root: &Path, below: &Path) -> io::Result<Option<File>> {
    use rustix::fs::{Mode, OFlags, open, openat};

    let directory = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    // A pipe without a writer does not hold the thread.
    let file = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::CLOEXEC | OFlags::NONBLOCK | OFlags::NOCTTY;
    let mut at = Directory::from(open(root, directory, Mode::empty())?);
    if !look.opens_directory(&at)? {
        return Ok(None);
    }
    let mut parts = below.components().peekable();
    while let Some(part) = parts.next() {
        let flags = if parts.peek().is_some() { directory } else { file };
        let next = openat(&at, part.as_os_str(), flags, Mode::empty())?;
        if parts.peek().is_none() {
            let file = File::from(next);
            return Ok(look.shows_file(&at, &file)?.then_some(file));
        }
        at = Directory::from(next);
    }
    // The root itself is no file.
    Err(io::ErrorKind::NotFound.into())
}

/// Opens for reading; `below` is relative to `root`, which is canonical, as `root.join(below)` is. Returns the file that
/// `look` lets be read.
#[cfg(not(unix))]
pub(super) fn open(look: &Look<'_>, root: &Path, below: &Path) -> io::Result<Option<File>> {
    let path = root.join(below);
    let file = File::open(&path)?;
    if path.canonicalize()? != path {
        return Err(io::ErrorKind::NotFound.into());
    }
    Ok((look.opens(root)? && look.shows_file(&path, &file)?).then_some(file))
}
