//! macOS: `open` (its manual page, section 1).

/// A fixed path, so that nothing in `PATH` takes its place.
pub(crate) const PROGRAM: &str = "/usr/bin/open";
/// Before the address.
pub(crate) const ARGUMENTS: &[&str] = &["-u"];
/// The system keeps the rest.
pub(crate) const VARIABLES: &[&str] = &["HOME", "LANG", "LOGNAME", "PATH", "TMPDIR", "USER"];
