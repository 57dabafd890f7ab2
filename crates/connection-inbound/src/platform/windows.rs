//! Windows: the shell's URL handler, without `cmd`, which would interpret `&` and `%` in an address.

/// The program, which is part of the system.
pub(crate) const PROGRAM: &str = "rundll32.exe";
/// The arguments before the address.
pub(crate) const ARGUMENTS: &[&str] = &["url.dll,FileProtocolHandler"];
/// The variables that identify the system and the user's settings.
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
