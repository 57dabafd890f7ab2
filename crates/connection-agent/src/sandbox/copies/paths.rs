//! Copies a directory by paths, on platforms that cannot open an entry relative to the handle of its directory.
//!
//! Another process that swaps a file for a link after it was looked at can have a different file copied.

use std::{
    fs::{self, File},
    io,
    path::Path,
};

use connection_seal::platform;

use super::{Budget, copy_file, failed};
use crate::SandboxError;

pub(super) fn copy(source: &Path, target: &Path, left: &mut Budget<'_>) -> Result<(), SandboxError> {
    let failed = |error: io::Error| failed(source, &error);
    left.take(1, 0).map_err(failed)?;
    let kind = fs::symlink_metadata(source).map_err(failed)?.file_type();
    if kind.is_dir() {
        platform::create_private_dir(target).map_err(failed)?;
        if left.is_part(source) {
            return Ok(());
        }
        for entry in fs::read_dir(source).map_err(failed)? {
            let entry = entry.map_err(failed)?;
            let copied = copy(&entry.path(), &target.join(entry.file_name()), left);
            match fs::symlink_metadata(entry.path()) {
                Err(gone) if gone.kind() == io::ErrorKind::NotFound => {}
                _ => copied?,
            }
        }
    } else if kind.is_file() {
        copy_file(File::open(source).map_err(failed)?, target, left).map_err(failed)?;
    }
    Ok(())
}
