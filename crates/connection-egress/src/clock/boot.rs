//! The time since the machine started.

use std::{fs, time::Duration};

/// A boot of a machine, and the time that has passed since it. Every process of one boot agrees about both.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Boot {
    /// The name of the boot. Empty where the system has none: then the time is of the machine, whichever boot it is.
    pub id: String,
    /// The time since then.
    pub passed: Duration,
}

impl Boot {
    /// A boot of that name, so long ago.
    pub fn new(id: impl Into<String>, passed: Duration) -> Self {
        Self { id: id.into(), passed }
    }

    pub(super) fn of_system() -> Option<Self> {
        let passed = since_boot()?;
        Some(Self { id: boot_id().unwrap_or_default(), passed })
    }
}

/// The time since this machine started; `None` where the system does not tell.
///
/// It stands while the machine sleeps, as does what its kernel has not sent yet.
#[cfg(unix)]
fn since_boot() -> Option<Duration> {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::Monotonic);
    Some(Duration::new(u64::try_from(time.tv_sec).ok()?, u32::try_from(time.tv_nsec).ok()?))
}

/// Written to compile, not run.
#[cfg(not(unix))]
fn since_boot() -> Option<Duration> {
    None
}

/// The name of this boot of the machine, where the system has one.
fn boot_id() -> Option<String> {
    if !cfg!(target_os = "linux") {
        return None;
    }
    let boot = fs::read_to_string("/proc/sys/kernel/random/boot_id").ok()?;
    // A container may have times of its own (time_namespaces(7)); the link is missing where the kernel has none.
    let namespace = fs::read_link("/proc/self/ns/time").unwrap_or_default();
    Some(format!("{} {}", boot.trim(), namespace.display()))
}
