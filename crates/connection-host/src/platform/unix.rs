//! Unix: permission bits.

use std::{os::unix::fs::PermissionsExt as _, path::Path};

/// Whether nobody but the owner may do anything with it; `None` when that cannot be told.
pub(crate) fn is_private(path: &Path) -> Option<bool> {
    Some(path.metadata().ok()?.permissions().mode() & 0o077 == 0)
}

/// Whether the owner may write; what the system really allows shows when something is written.
pub(crate) fn is_writable(path: &Path) -> bool {
    path.metadata().is_ok_and(|metadata| metadata.permissions().mode() & 0o200 != 0)
}
