//! The processor time of a thread, by which the suite compares work.
//!
//! No clock is read: on a loaded machine a thread waits longer and works as much as before.

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
