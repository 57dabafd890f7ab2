//! Opens a file at a canonical path below a root without following any link on the way.
//!
//! On Unix, each part is opened relative to the directory before it and must not be a link, so a part that becomes a
//! link after the check is not followed. Elsewhere, the path is checked, opened and checked again. If another process
//! swaps a directory for a link and back at the right moments, a file outside of the root can still be read.

use std::{fs::File, io, path::Path};

use super::bounds::ForbiddenFiles;
#[cfg(unix)]
use super::identity::Directory;

/// Opens a file for reading. `below` is relative to `root`; both `root` and `root.join(below)` are canonical.
///
/// Returns the file if `look` allows it to be read. The checks apply to the handles of the root and of the
/// directory in which the file was opened.
#[cfg(unix)]
pub(super) fn open(look: &ForbiddenFiles<'_>, root: &Path, below: &Path) -> io::Result<Option<File>> {
    use rustix::fs::{Mode, OFlags, open, openat};

    let directory = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    // Opening a pipe without a writer must not block the thread.
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
    // The root itself is not a file.
    Err(io::ErrorKind::NotFound.into())
}

/// Opens a file for reading. `below` is relative to `root`; both `root` and `root.join(below)` are canonical.
///
/// Returns the file if `look` allows it to be read.
#[cfg(not(unix))]
pub(super) fn open(look: &ForbiddenFiles<'_>, root: &Path, below: &Path) -> io::Result<Option<File>> {
    let path = root.join(below);
    let file = File::open(&path)?;
    if path.canonicalize()? != path {
        return Err(io::ErrorKind::NotFound.into());
    }
    Ok((look.opens(root)? && look.shows_file(&path, &file)?).then_some(file))
}
