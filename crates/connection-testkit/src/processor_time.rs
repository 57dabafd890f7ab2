//! The processor time of a thread, by which the suite compares work.
//!
//! A clock is not suitable, because a thread waits longer on a loaded machine, while its work stays the same.

use std::time::Duration;

/// Returns the processor time that this thread has used, or `None` if the system does not report it.
#[cfg(unix)]
pub(crate) fn used() -> Option<Duration> {
    Duration::try_from(rustix::time::clock_gettime(rustix::time::ClockId::ThreadCPUTime)).ok()
}

/// Returns the processor time that this thread has used, or `None` if the system does not report it.
#[cfg(not(unix))]
pub(crate) fn used() -> Option<Duration> {
    None
}
