//! Prepares a composed run: makes its private copies, and checks again what may have changed since.

use std::{ffi::OsString, process::Command};

use connection_contract::MountMode;

use super::{SandboxError, SandboxMount, SandboxRun, compose, copies::Scratch};
use crate::random;

/// A run with its private copies. They are removed when this is dropped, so keep it until the container has ended.
///
/// [`Sandbox`](crate::Sandbox) has an example.
#[derive(Debug)]
pub struct PreparedRun {
    run: SandboxRun,
    _scratch: Option<Scratch>,
}

impl SandboxRun {
    /// Makes the private copies, and removes those of runs whose processes have ended. Blocks.
    ///
    /// # Errors
    ///
    /// [`SandboxError::Copy`] or [`SandboxError::CopyTooLarge`], after which no copy is left, and
    /// [`SandboxError::Mount`] or [`SandboxError::NoDirectory`] for a writable subdirectory that has become a link
    /// or no longer exists.
    pub fn prepare(mut self) -> Result<PreparedRun, SandboxError> {
        let copied = |mount: &&mut SandboxMount| mount.mode == MountMode::Copied;
        let parts: Vec<_> =
            self.mounts.iter().filter(|mount| mount.part.is_some()).map(|mount| mount.source.clone()).collect();
        let mut scratch = None;
        for (number, mount) in self.mounts.iter_mut().filter(copied).enumerate() {
            let failed = |problem: String| SandboxError::Copy { path: mount.source.display().to_string(), problem };
            let scratch: &Scratch = match &mut scratch {
                Some(scratch) => scratch,
                none => {
                    let Some(base) = &self.scratch else {
                        return Err(failed("this host has no directory for copies".into()));
                    };
                    let made = Scratch::new(base, &format!("run-{:016x}", random::number()));
                    none.insert(made.map_err(|error| failed(error.to_string()))?)
                }
            };
            mount.source = scratch.copy(&mount.source, number, &parts, self.bounds)?;
            compose::source(&mount.source)?;
        }
        for mount in &self.mounts {
            let Some(part) = &mount.part else { continue };
            if part.find()?.as_ref() != Some(&mount.source) {
                return Err(SandboxError::NoDirectory { path: mount.source.display().to_string() });
            }
        }
        Ok(PreparedRun { run: self, _scratch: scratch })
    }
}

impl PreparedRun {
    /// Returns the run with the copies in place of their originals.
    pub fn run(&self) -> &SandboxRun {
        &self.run
    }

    /// Returns the engine and its arguments.
    pub fn argv(&self) -> Vec<OsString> {
        self.run.argv()
    }

    /// Returns the command to start: the engine with its arguments, with the variables to pass on in its
    /// environment.
    ///
    /// Its exit code is that of the tool. Codes from 125 to 127 may come from the engine itself.
    pub fn command(&self) -> Command {
        let argv = self.argv();
        let mut command = Command::new(self.run.engine.program());
        command.args(argv.iter().skip(1)).envs(&self.run.env);
        command
    }
}
