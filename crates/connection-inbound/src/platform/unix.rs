//! Desktops that follow freedesktop.org.

/// The program, found in `PATH`.
pub(crate) const PROGRAM: &str = "xdg-open";
/// The arguments before the address.
pub(crate) const ARGUMENTS: &[&str] = &[];
/// The variables that identify the desktop, the user's choice of a browser, and the screen.
pub(crate) const VARIABLES: &[&str] = &[
    "BROWSER",
    "DBUS_SESSION_BUS_ADDRESS",
    "DESKTOP_SESSION",
    "DISPLAY",
    "HOME",
    "KDE_FULL_SESSION",
    "KDE_SESSION_VERSION",
    "LANG",
    "LOGNAME",
    "PATH",
    "USER",
    "WAYLAND_DISPLAY",
    "WSL_DISTRO_NAME",
    "WSL_INTEROP",
    "XAUTHORITY",
    "XDG_CONFIG_DIRS",
    "XDG_CONFIG_HOME",
    "XDG_CURRENT_DESKTOP",
    "XDG_DATA_DIRS",
    "XDG_DATA_HOME",
    "XDG_RUNTIME_DIR",
    "XDG_SESSION_TYPE",
];
