//! Reading and replacing a configuration of another program.

use std::{
    ffi::OsString,
    fs,
    io::ErrorKind,
    path::{Path, PathBuf},
};

use connection_core::write_new_private;

use crate::Error;

/// Returns the content of a file; `None` if it does not exist.
pub(super) fn read(path: &Path) -> Result<Option<Vec<u8>>, Error> {
    match fs::read(path) {
        Ok(content) => Ok(Some(content)),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(Error::io(path.display(), &error)),
    }
}

/// Replaces the content of a file, which keeps its permissions; a link keeps leading to it. Nothing is written if the
/// content is not the expected one any more.
///
/// A crash leaves the former or the new content, and perhaps a file beside it, which the next call removes.
pub(super) fn replace(path: &Path, expected: &[u8], content: &[u8]) -> Result<(), Error> {
    let failed = |error: std::io::Error| Error::io(path.display(), &error);
    let target = fs::canonicalize(path).map_err(failed)?;
    let draft = draft(&target);
    remove(&draft)?;
    write_new_private(&draft, content).map_err(failed)?;
    let permissions = fs::metadata(&target).map_err(failed)?.permissions();
    fs::set_permissions(&draft, permissions).map_err(failed)?;
    if fs::read(&target).map_err(failed)? != expected {
        return remove(&draft);
    }
    fs::rename(&draft, &target).map_err(failed)
}

/// Removes a file that may not exist.
pub(super) fn remove(path: &Path) -> Result<(), Error> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != ErrorKind::NotFound => Err(Error::io(path.display(), &error)),
        _ => Ok(()),
    }
}

fn draft(target: &Path) -> PathBuf {
    let mut name = OsString::from(target.as_os_str());
    name.push(".connections-new");
    PathBuf::from(name)
}
