//! The differences between operating systems: file permissions, and locks that the kernel releases.
//!
//! On Unix, our directories have mode 0700 and our files 0600, whatever the umask is. A secret file of another
//! owner, or one that other users can read, is rejected. On Windows, for which the code was not run yet, files get
//! the protection of their directory.

#[cfg(unix)]
mod unix;
#[cfg(not(unix))]
mod windows;

#[cfg(unix)]
use unix as system;
#[cfg(not(unix))]
use windows as system;

use std::{fs, path::Path, time::Duration};

use connection_contract::Platform;

/// Returns the platform of this process, by the name that extensions use; `None` if there is no such name.
pub(crate) const fn here() -> Option<Platform> {
    if cfg!(target_os = "macos") {
        Some(Platform::Darwin)
    } else if cfg!(target_os = "linux") {
        Some(Platform::Linux)
    } else if cfg!(windows) {
        Some(Platform::Win32)
    } else {
        None
    }
}

/// User and group of this process, where there are such.
pub(crate) fn user() -> Option<(u32, u32)> {
    system::user()
}

/// Returns the time since this machine started; `None` if the system does not tell.
///
/// The time does not pass while the machine sleeps. Data that its kernel has not sent yet is not sent meanwhile
/// either.
pub(crate) fn since_boot() -> Option<Duration> {
    system::since_boot()
}

/// Returns an identifier of the current boot of the machine, if the system has one.
pub(crate) fn boot_id() -> Option<String> {
    if !cfg!(target_os = "linux") {
        return None;
    }
    let boot = fs::read_to_string("/proc/sys/kernel/random/boot_id").ok()?;
    // A container may have its own clock offsets (time_namespaces(7)). The link is missing if the kernel does not
    // support them.
    let namespace = fs::read_link("/proc/self/ns/time").unwrap_or_default();
    Some(format!("{} {}", boot.trim(), namespace.display()))
}

/// Returns the file names under which a program can be found in a directory.
pub(crate) fn program_names(name: &str) -> Vec<String> {
    system::program_names(name)
}

/// Returns `true` if this user may run the file at that path.
pub(crate) fn is_program(path: &Path) -> bool {
    fs::metadata(path).is_ok_and(|metadata| metadata.is_file() && system::may_run(&metadata))
}
