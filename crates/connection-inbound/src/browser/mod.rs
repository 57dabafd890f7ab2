//! Opens an address in the desktop's browser.
//!
//! The address comes from a provider and may be an attack on the program that opens it (CVE-2025-6514): it is parsed,
//! written again, and passed as a single argument to a program that is not a shell. The program gets only the
//! environment variables that a desktop needs, so that no secret in the host's environment reaches a browser.

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

/// The time after which a program that is still running counts as successful; some run as long as the browser.
const PATIENCE: Duration = Duration::from_secs(3);

/// The reason why no browser was opened. Show the address to the person in any case.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OpenBrowserError {
    /// The address is neither `https` nor `http` on this machine, or contains something that no provider's address has.
    #[error("the address is not one that is opened in a browser")]
    Address,
    /// The program reported a failure.
    #[error("'{program}' could not open the address ({status})")]
    Failed {
        /// The program that was started to open a browser, such as `xdg-open`.
        program: String,
        /// The exit status of the program.
        status: ExitStatus,
    },
    /// The program could not be started.
    #[error("'{program}' cannot be started")]
    Start {
        /// The program that cannot be started.
        program: String,
        /// The error of the operating system.
        #[source]
        source: io::Error,
    },
}

impl OpenBrowserError {
    /// Returns what a person can do about the error.
    pub fn remedy(&self) -> &'static str {
        match self {
            Self::Address => "check the address before you open it by hand",
            Self::Failed { .. } | Self::Start { .. } => "open the address by hand",
        }
    }
}

/// The program that opens addresses on this machine.
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
    /// Returns the desktop's own program: `xdg-open`, `open`, or the shell of Windows.
    pub fn of_desktop() -> Self {
        Self::command(platform::PROGRAM, platform::ARGUMENTS.iter().copied())
    }

    /// Returns another program with arguments that precede the address. The program is not run by a shell.
    pub fn command<A: AsRef<OsStr>>(program: impl Into<OsString>, arguments: impl IntoIterator<Item = A>) -> Self {
        let arguments = arguments.into_iter().map(|argument| argument.as_ref().to_owned()).collect();
        Self { program: program.into(), arguments, environment: Vec::new() }
    }

    /// Sets the environment from the host's; only the variables that a desktop needs are passed on.
    #[must_use]
    pub fn environment(mut self, variables: impl IntoIterator<Item = (OsString, OsString)>) -> Self {
        let needed = |name: &OsStr| {
            let name = name.to_string_lossy();
            platform::VARIABLES.iter().any(|needed| needed.eq_ignore_ascii_case(&name)) || name.starts_with("LC_")
        };
        self.environment = variables.into_iter().filter(|(name, _)| needed(name)).collect();
        self
    }

    /// Opens an address.
    ///
    /// Show the address too: a started program does not mean that a person sees a page.
    ///
    /// # Cancellation
    ///
    /// Dropping the future leaves the program running.
    ///
    /// # Errors
    ///
    /// Returns [`OpenBrowserError`] if no browser was opened; a setup does not depend on it.
    pub async fn open(&self, address: &str) -> Result<(), OpenBrowserError> {
        let address = address::normalized(address).ok_or(OpenBrowserError::Address)?;
        let program = || self.program.to_string_lossy().into_owned();
        let mut command = Command::new(&self.program);
        command.args(&self.arguments).arg(&address).env_clear();
        command.envs(self.environment.iter().map(|(name, value)| (name, value)));
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        // A signal to the host must not reach the browser.
        #[cfg(unix)]
        command.process_group(0);
        let mut child = command.spawn().map_err(|source| OpenBrowserError::Start { program: program(), source })?;
        match tokio::time::timeout(PATIENCE, child.wait()).await {
            Ok(Ok(status)) if !status.success() => Err(OpenBrowserError::Failed { program: program(), status }),
            Ok(Err(source)) => Err(OpenBrowserError::Start { program: program(), source }),
            // The runtime reaps a program that is still running.
            Ok(Ok(_)) | Err(_) => Ok(()),
        }
    }
}

/// Opens an address with the desktop's own program; `environment` is the host's, such as [`std::env::vars_os`].
///
/// # Errors
///
/// Returns the errors of [`Browser::open`].
pub async fn open_browser(
    address: &str,
    environment: impl IntoIterator<Item = (OsString, OsString)>,
) -> Result<(), OpenBrowserError> {
    Browser::of_desktop().environment(environment).open(address).await
}
