//! Sends a person to an address, in the browser of the desktop.
//!
//! The address comes from a provider and may be an attack on whatever opens it (CVE-2025-6514): it is read, written anew,
//! and handed over as one argument, to a program that is no shell. What the program is told of its surroundings is what a
//! desktop needs and nothing else, so that no secret in the host's environment gets to a browser.

mod address;
#[cfg(test)]
mod tests;

use std::{
    ffi::{OsStr, OsString},
    fmt, io,
    process::{ExitStatus, Stdio},
    time::Duration,
};

use tokio::process::Command;

use crate::platform;

/// What does not fail by then has opened something; some programs run as long as the browser.
const PATIENCE: Duration = Duration::from_secs(3);

/// Why no browser was opened. The address is shown to the person in any case.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OpenBrowserError {
    /// Not `https`, nor `http` on this machine, or with something in it that no address of a provider has.
    #[error("the address is not one that is opened in a browser")]
    Address,
    /// The program said that it could not.
    #[error("'{program}' could not open it ({status})")]
    Failed {
        /// Which one.
        program: String,
        /// What it ended with.
        status: ExitStatus,
    },
    /// The program could not be run.
    #[error("'{program}' cannot be started")]
    Start {
        /// Which one.
        program: String,
        /// Why.
        #[source]
        source: io::Error,
    },
}

impl OpenBrowserError {
    /// What to do.
    pub fn remedy(&self) -> &'static str {
        match self {
            Self::Address => "look at the address before you open it by hand",
            Self::Failed { .. } | Self::Start { .. } => "open the address by hand",
        }
    }
}

/// What opens addresses on this machine.
#[derive(Clone)]
pub struct Browser {
    program: OsString,
    arguments: Vec<OsString>,
    environment: Vec<(OsString, OsString)>,
}

impl fmt::Debug for Browser {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Browser").field("program", &self.program).finish_non_exhaustive()
    }
}

impl Browser {
    /// The desktop's own way: `xdg-open`, `open`, or the shell of Windows.
    pub fn of_desktop() -> Self {
        Self::command(platform::PROGRAM, platform::ARGUMENTS.iter().copied())
    }

    /// Another program, with what stands before the address. It is not a shell.
    pub fn command<A: AsRef<OsStr>>(program: impl Into<OsString>, arguments: impl IntoIterator<Item = A>) -> Self {
        let arguments = arguments.into_iter().map(|argument| argument.as_ref().to_owned()).collect();
        Self { program: program.into(), arguments, environment: Vec::new() }
    }

    /// The host's environment, of which what a desktop needs is passed on.
    #[must_use]
    pub fn environment(mut self, variables: impl IntoIterator<Item = (OsString, OsString)>) -> Self {
        let needed = |name: &OsStr| {
            let name = name.to_string_lossy();
            platform::VARIABLES.iter().any(|needed| needed.eq_ignore_ascii_case(&name)) || name.starts_with("LC_")
        };
        self.environment = variables.into_iter().filter(|(name, _)| needed(name)).collect();
        self
    }

    /// Opens an address. Show it, too: that a program was started does not mean that a person sees a page.
    ///
    /// # Cancellation
    ///
    /// Dropped, the program runs on.
    ///
    /// # Errors
    ///
    /// [`OpenBrowserError`]; nothing depends on it.
    pub async fn open(&self, address: &str) -> Result<(), OpenBrowserError> {
        let address = address::written_anew(address).ok_or(OpenBrowserError::Address)?;
        let program = || self.program.to_string_lossy().into_owned();
        let mut command = Command::new(&self.program);
        command.args(&self.arguments).arg(&address).env_clear();
        command.envs(self.environment.iter().map(|(name, value)| (name, value)));
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        // A signal to the host is not meant for the browser.
        #[cfg(unix)]
        command.process_group(0);
        let mut child = command.spawn().map_err(|source| OpenBrowserError::Start { program: program(), source })?;
        match tokio::time::timeout(PATIENCE, child.wait()).await {
            Ok(Ok(status)) if !status.success() => Err(OpenBrowserError::Failed { program: program(), status }),
            Ok(Err(source)) => Err(OpenBrowserError::Start { program: program(), source }),
            // Left behind, it is waited for by the runtime.
            Ok(Ok(_)) | Err(_) => Ok(()),
        }
    }
}

/// Opens an address by the desktop's own way; `environment` is the host's, such as [`std::env::vars_os`].
///
/// # Errors
///
/// As [`Browser::open`].
pub async fn open_browser(
    address: &str,
    environment: impl IntoIterator<Item = (OsString, OsString)>,
) -> Result<(), OpenBrowserError> {
    Browser::of_desktop().environment(environment).open(address).await
}
