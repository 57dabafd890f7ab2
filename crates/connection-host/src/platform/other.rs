//! Elsewhere: files take the protection of the user's directory. Written, not run.

use std::path::Path;

/// Cannot be told.
pub(crate) fn is_private(_: &Path) -> Option<bool> {
    None
}

/// Whether it is not marked read-only.
pub(crate) fn is_writable(path: &Path) -> bool {
    path.metadata().is_ok_and(|metadata| !metadata.permissions().readonly())
}
