//! The signals that ask a process to end.

use crate::Exit;

/// A signal that asks a process to end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum StopSignal {
    /// The terminal was closed.
    HangUp,
    /// Control-C.
    Interrupt,
    /// A supervisor, or the system, ends the process.
    Terminate,
}

impl StopSignal {
    /// Returns the exit status that shells report for a process ended by the signal.
    pub(crate) const fn exit(self) -> Exit {
        match self {
            Self::HangUp => Exit::HungUp,
            Self::Interrupt => Exit::Interrupted,
            Self::Terminate => Exit::Terminated,
        }
    }

    /// Returns what ends the process at once after this signal.
    pub(super) const fn second(self) -> &'static str {
        match self {
            Self::Interrupt => "press Ctrl-C again to stop at once",
            Self::HangUp | Self::Terminate => "a second signal stops at once",
        }
    }
}
