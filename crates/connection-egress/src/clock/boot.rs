//! The boot of the machine, and the time since it.

use std::{fs, time::Duration};

/// A boot of a machine, and the time that has passed since it. Every process of one boot agrees about both.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Boot {
    /// The name of the boot. It is empty if the system has none; different boots then cannot be distinguished.
    pub id: String,
    /// The time since the boot.
    pub passed: Duration,
}

impl Boot {
    /// Creates a boot with this name, which was `passed` ago.
    pub fn new(id: impl Into<String>, passed: Duration) -> Self {
        Self { id: id.into(), passed }
    }

    pub(super) fn of_system() -> Option<Self> {
        let passed = since_boot()?;
        Some(Self { id: boot_id().unwrap_or_default(), passed })
    }
}

/// Returns the time since this machine started; `None` if the system does not report it.
///
/// This clock stops while the machine sleeps. Data that the kernel has not sent yet waits for the same time.
#[cfg(unix)]
fn since_boot() -> Option<Duration> {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::Monotonic);
    Some(Duration::new(u64::try_from(time.tv_sec).ok()?, u32::try_from(time.tv_nsec).ok()?))
}

/// Returns `None`. This function has not been run.
#[cfg(not(unix))]
fn since_boot() -> Option<Duration> {
    None
}

/// Returns the time since this machine started with the time for which it slept; `None` if the system does not report it.
#[cfg(target_os = "linux")]
pub(super) fn passed_with_sleep() -> Option<Duration> {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::Boottime);
    Some(Duration::new(u64::try_from(time.tv_sec).ok()?, u32::try_from(time.tv_nsec).ok()?))
}

/// Returns `None`.
#[cfg(not(target_os = "linux"))]
pub(super) fn passed_with_sleep() -> Option<Duration> {
    None
}

/// Returns the name of this boot, if the system has one.
fn boot_id() -> Option<String> {
    if !cfg!(target_os = "linux") {
        return None;
    }
    let boot = fs::read_to_string("/proc/sys/kernel/random/boot_id").ok()?;
    // A container may have its own time namespace (time_namespaces(7)). Kernels without them have no link.
    let namespace = fs::read_link("/proc/self/ns/time").unwrap_or_default();
    Some(format!("{} {}", boot.trim(), namespace.display()))
}
