//! The name of a machine and its programs on Unix.

use std::{fs::Metadata, os::unix::fs::MetadataExt as _};

pub(super) fn machine_name() -> Option<String> {
    Some(rustix::system::uname().nodename().to_string_lossy().into_owned()).filter(|name| !name.is_empty())
}

pub(super) fn program_names(name: &str) -> Vec<String> {
    vec![name.to_owned()]
}

/// Returns `true` if any user may run the file. The system decides for this user when the file is run.
pub(super) fn may_run(metadata: &Metadata) -> bool {
    metadata.mode() & 0o111 != 0
}
