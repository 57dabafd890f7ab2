//! The rules for containers of local tools.
//!
//! A registration applies them to what a kind declares. A program that composes containers applies the same rules to
//! what its user adds. Each check returns the problem as the rest of a sentence about the value.

use std::ffi::OsStr;

pub use connection_replay::container::{check_container_path, check_image, check_subdirectory};

/// Checks that a variable can be passed to a container.
///
/// # Errors
///
/// The problem: `its value has a zero byte`.
pub fn check_variable(name: &OsStr, value: &OsStr) -> Result<(), &'static str> {
    let Some(name) = name.to_str() else { return Err("its name is not Unicode") };
    // The check looks only for a zero byte, which the replacement of other bytes leaves as it is.
    connection_replay::container::check_variable(name, &value.to_string_lossy())
}
