//! What differs between systems: the program that opens an address, and what it needs to know of the session it runs in.
//!
//! Only the one for Linux was run; the others are as their makers describe them.

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
