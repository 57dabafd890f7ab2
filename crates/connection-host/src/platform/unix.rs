//! Unix: permission bits.

use std::{os::unix::fs::PermissionsExt as _, path::Path};

use rustix::fs::Access;

/// Whether nobody but the owner may do anything with it; `None` when that cannot be told.
pub(crate) fn is_private(path: &Path) -> Option<bool> {
    Some(path.metadata().ok()?.permissions().mode() & 0o077 == 0)
}

/// Whether who runs this may make something in the directory; what the system really allows shows when it is made.
pub(crate) fn is_writable(path: &Path) -> bool {
    rustix::fs::access(path, Access::WRITE_OK | Access::EXEC_OK).is_ok()
}
