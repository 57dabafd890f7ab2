//! Windows: the shell's own handler of addresses, without `cmd`, which would read `&` and `%` in them.

/// Part of the system.
pub(crate) const PROGRAM: &str = "rundll32.exe";
/// Before the address.
pub(crate) const ARGUMENTS: &[&str] = &["url.dll,FileProtocolHandler"];
/// How the system and the user's settings are found.
pub(crate) const VARIABLES: &[&str] = &[
    "APPDATA",
    "LOCALAPPDATA",
    "PATH",
    "ProgramData",
    "ProgramFiles",
    "SystemDrive",
    "SystemRoot",
    "TEMP",
    "USERPROFILE",
];
