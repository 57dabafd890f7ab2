//! Users, programs and clocks on Unix.

use std::{fs::Metadata, os::unix::fs::MetadataExt as _, time::Duration};

pub(super) fn user() -> Option<(u32, u32)> {
    Some((rustix::process::geteuid().as_raw(), rustix::process::getegid().as_raw()))
}

pub(super) fn program_names(name: &str) -> Vec<String> {
    vec![name.to_owned()]
}

/// Returns `true` if any user may run the file. The system decides for this user when the file is run.
pub(super) fn may_run(metadata: &Metadata) -> bool {
    metadata.mode() & 0o111 != 0
}

pub(super) fn since_boot() -> Option<Duration> {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::Monotonic);
    Some(Duration::new(u64::try_from(time.tv_sec).ok()?, u32::try_from(time.tv_nsec).ok()?))
}
