//! macOS: `open` (its manual page, section 1).

/// The path is fixed, so that no program in `PATH` can replace it.
pub(crate) const PROGRAM: &str = "/usr/bin/open";
/// The arguments before the address.
pub(crate) const ARGUMENTS: &[&str] = &["-u"];
/// The variables that are passed on; `open` needs no others.
pub(crate) const VARIABLES: &[&str] = &["HOME", "LANG", "LOGNAME", "PATH", "TMPDIR", "USER"];
