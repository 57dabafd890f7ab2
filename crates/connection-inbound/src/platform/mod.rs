//! The differences between systems: the program that opens an address, and the variables that it needs.
//!
//! Only the one for Linux has been run; the others follow their vendors' documentation.

#[cfg(target_os = "macos")]
mod macos;
#[cfg(not(any(target_os = "macos", windows)))]
mod unix;
#[cfg(windows)]
mod windows;

#[cfg(target_os = "macos")]
pub(crate) use macos::{ARGUMENTS, PROGRAM, VARIABLES};
#[cfg(not(any(target_os = "macos", windows)))]
pub(crate) use unix::{ARGUMENTS, PROGRAM, VARIABLES};
#[cfg(windows)]
pub(crate) use windows::{ARGUMENTS, PROGRAM, VARIABLES};
