//! Elsewhere: files take the protection of the user's directory. Written, not run.

use std::{io, path::Path};

/// What asks a program to end: Ctrl-C.
#[derive(Debug)]
pub(crate) struct Signals;

impl Signals {
    pub(crate) fn new() -> io::Result<Self> {
        Ok(Self)
    }

    pub(crate) fn of_a_person() -> io::Result<Self> {
        Ok(Self)
    }

    /// The next one.
    pub(crate) async fn next(&mut self) {
        if tokio::signal::ctrl_c().await.is_err() {
            // There are none to come.
            std::future::pending().await
        }
    }
}

/// Cannot be told.
pub(crate) fn is_private(_: &Path) -> Option<bool> {
    None
}

/// Whether it is not marked read-only.
pub(crate) fn is_writable(path: &Path) -> bool {
    path.metadata().is_ok_and(|metadata| !metadata.permissions().readonly())
}

/// Leaves the terminal as it is.
pub(crate) struct Terminal;

impl Terminal {
    pub(crate) fn now() -> Self {
        Self
    }
}
