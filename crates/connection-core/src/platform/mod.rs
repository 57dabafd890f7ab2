//! The differences between operating systems, apart from files and clocks: the name and the programs of a machine.
//!
//! Private files are in [`connection_seal::platform`].

#[cfg(unix)]
mod unix;
#[cfg(not(unix))]
mod windows;

#[cfg(unix)]
use unix as system;
#[cfg(not(unix))]
use windows as system;

use std::{fs, path::Path};

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

/// Returns the name of this machine, if its system has one.
pub(crate) fn machine_name() -> Option<String> {
    system::machine_name().filter(|name| !name.is_empty())
}

/// Returns the name of this process for people, with that of its machine if the system has one.
pub(crate) fn process_name() -> String {
    let id = std::process::id();
    match machine_name() {
        Some(machine) => format!("process {id} on {machine}"),
        None => format!("process {id}"),
    }
}

/// Returns the file names under which a program can be found in a directory.
pub(crate) fn program_names(name: &str) -> Vec<String> {
    system::program_names(name)
}

/// Returns `true` if this user may run the file at that path.
pub(crate) fn is_program(path: &Path) -> bool {
    fs::metadata(path).is_ok_and(|metadata| metadata.is_file() && system::may_run(&metadata))
}
