//! The processor time of a thread, by which the suite compares work.
//!
//! A clock would not do, because a thread waits longer on a loaded machine, while its work stays the same.

use std::time::Duration;

/// How much processor time this thread has used; `None` where the system does not tell.
#[cfg(unix)]
pub(crate) fn used() -> Option<Duration> {
    Duration::try_from(rustix::time::clock_gettime(rustix::time::ClockId::ThreadCPUTime)).ok()
}

/// How much processor time this thread has used; `None` where the system does not tell.
#[cfg(not(unix))]
pub(crate) fn used() -> Option<Duration> {
    None
}
