//! Tools in containers, composed from a kind's data, the start options, a profile and the host's policy.
//!
//! The host sets every limit. A kind only declares the image of its tool, the configuration that the tool reads,
//! and the variables that it needs. A start that was requested in a container never runs without one.

mod argv;
mod compose;
mod copies;
mod image;
mod policy;
mod variables;
mod writable;

use std::{
    ffi::{OsStr, OsString},
    fmt,
    io::Write as _,
    path::Path,
    process::{Command, Stdio},
    sync::Arc,
};

use connection_contract::{Crypto as _, Kind, MountMode, PathSpec, ProfileSpec, SandboxSpec, encode};

use crate::{
    ConnectionRegistry, Error, SandboxError, SpawnOptions, kinds::KindEntry, owner::has_environment, registry::Shared,
    services::crypto::SystemCrypto,
};

pub use compose::{SandboxMount, SandboxRun};
use copies::Scratch;
pub use policy::{SandboxAccess, SandboxEngine, SandboxNetwork, SandboxPolicy};
pub use writable::SandboxWritable;

/// The container of one kind's tool, as one owner runs it.
#[derive(Clone)]
pub struct Sandbox {
    shared: Arc<Shared>,
    owner: Arc<str>,
    entry: Arc<KindEntry>,
    spec: SandboxSpec,
}

impl fmt::Debug for Sandbox {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = f.debug_struct("Sandbox");
        shown.field("owner", &self.owner).field("kind", self.entry.kind()).field("spec", &self.spec);
        shown.finish_non_exhaustive()
    }
}

impl ConnectionRegistry {
    /// Returns the container of a kind's tool for this owner.
    ///
    /// The user's configuration that the kind mounts belongs to the user who runs this process. An owner other than
    /// the one for whom the registry was opened gets none of it: a profile of that owner is mounted, or nothing
    /// starts.
    ///
    /// # Errors
    ///
    /// [`Error::UnknownKind`], [`SandboxError::Unsupported`] for a kind that declares no container, and
    /// [`SandboxError::NotAllowed`] if the host's policy does not allow what the kind declares for its tool.
    /// Nothing was started.
    pub fn sandbox(&self, kind: &Kind) -> Result<Sandbox, Error> {
        let entry = self.shared.kinds.entry(kind).ok_or_else(|| Error::UnknownKind(kind.clone()))?;
        let Some(spec) = entry.sandbox.clone() else {
            return Err(SandboxError::Unsupported { kind: kind.clone() }.into());
        };
        let policy = &self.shared.local_services.tools;
        let profiles = entry.profiles.iter().map(|profiles| policy.check_profiles(&entry.descriptor, profiles));
        let allowed = profiles.chain([policy.check_sandbox(&entry.descriptor, &spec)]).collect::<Result<(), _>>();
        allowed.map_err(|why| SandboxError::NotAllowed { kind: kind.clone(), why })?;
        Ok(Sandbox { shared: self.shared.clone(), owner: self.owner.clone(), entry, spec })
    }
}

impl Sandbox {
    /// Composes a run from the final start options, to which the profile was applied last. Reads the disk and
    /// changes nothing.
    ///
    /// # Errors
    ///
    /// [`SandboxError`] for anything that cannot be done as requested: a tool is never silently run without a
    /// container.
    pub fn compose(&self, policy: &SandboxPolicy, options: &SpawnOptions) -> Result<SandboxRun, Error> {
        let parts = compose::Parts {
            owner: &self.owner,
            kind: self.entry.kind(),
            spec: &self.spec,
            profiles: self.entry.profiles.as_ref(),
            environment: has_environment(&self.owner).then_some(&*self.shared.environment),
        };
        Ok(compose::compose(&parts, policy, options)?)
    }

    /// Builds the image of a directory with a `Containerfile`, and returns the name that runs will use.
    ///
    /// Blocks until the build ends; the engine writes its output to standard error. The engine gets these variables
    /// and no others, so that secrets in the environment of this process do not reach the build.
    ///
    /// # Errors
    ///
    /// [`SandboxError::Image`] for a name that is not valid, and [`SandboxError::Engine`] if the engine is missing
    /// or fails.
    pub fn build<V: AsRef<OsStr>>(
        &self,
        policy: &SandboxPolicy,
        context: &Path,
        variables: impl IntoIterator<Item = (V, V)>,
    ) -> Result<String, Error> {
        let file = context.join("Containerfile");
        self.built(policy, &["--file".as_ref(), file.as_os_str(), context.as_os_str()], None, variables)
    }

    /// Builds an image from a `Containerfile` without other files. Its text is not written to the disk.
    ///
    /// # Errors
    ///
    /// The errors of [`build`](Self::build).
    pub fn build_text<V: AsRef<OsStr>>(
        &self,
        policy: &SandboxPolicy,
        containerfile: &str,
        variables: impl IntoIterator<Item = (V, V)>,
    ) -> Result<String, Error> {
        self.built(policy, &["-".as_ref()], Some(containerfile), variables)
    }

    fn built<V: AsRef<OsStr>>(
        &self,
        policy: &SandboxPolicy,
        what: &[&OsStr],
        input: Option<&str>,
        variables: impl IntoIterator<Item = (V, V)>,
    ) -> Result<String, Error> {
        let image = policy.image.clone().unwrap_or_else(|| self.spec.default_image.to_string());
        image::check(&image)?;
        let engine = policy.engine.program();
        let failed = |problem: String| SandboxError::Engine { engine, problem };
        let mut command = Command::new(engine);
        command.args(&policy.options).args(["build", "--tag", &image]).args(what);
        command.env_clear().envs(variables);
        command.stdin(if input.is_some() { Stdio::piped() } else { Stdio::null() }).stdout(Stdio::null());
        let ended = command.spawn().and_then(|mut child| {
            if let (Some(mut pipe), Some(text)) = (child.stdin.take(), input) {
                // An engine that does not read its input reports the reason and ends with an error.
                pipe.write_all(text.as_bytes()).unwrap_or_default();
            }
            child.wait()
        });
        match ended {
            Ok(status) if status.success() => Ok(image),
            Ok(status) => Err(failed(format!("it ended with {status}")).into()),
            Err(error) => Err(failed(format!("it does not start: {error}")).into()),
        }
    }
}

/// Checks what a plugin declares for its container, and returns the problem as an error.
pub(crate) fn check(spec: Option<&SandboxSpec>, profiles: Option<&ProfileSpec>) -> Result<(), String> {
    let Some(spec) = spec else { return Ok(()) };
    image::check(&spec.default_image).map_err(|error| error.to_string())?;
    let public = variables::public(&spec.env).map_err(|error| error.to_string())?;
    let mut marked = 0;
    for mount in &spec.config_mounts {
        compose::target(&mount.container).map_err(|error| error.to_string())?;
        // The fields are public, so they may have changed since the constructor checked them.
        if PathSpec::new(mount.host.base.clone(), mount.host.relative.clone()).is_none() {
            let relative = &mount.host.relative;
            return Err(format!("the path '{relative}' of its container is not relative and plain"));
        }
        for name in &mount.keeps {
            writable::check_plain_name(name).map_err(|error| error.to_string())?;
        }
        marked += usize::from(mount.is_profile);
        if let Some(profiles) = profiles.filter(|_| mount.is_profile) {
            let mut env = Default::default();
            let mut public = public.clone();
            variables::of_profile(profiles, &mount.container, &mut env, &mut public)
                .map_err(|error| error.to_string())?;
        }
    }
    match marked {
        0 => Ok(()),
        1 if profiles.is_some() => Ok(()),
        1 => Err("its container has a place for a profile, but it has no profiles".to_owned()),
        _ => Err("its container has more than one place for a profile".to_owned()),
    }
}

/// A run with its private copies. They are removed when this is dropped, so keep it until the container has ended.
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
    pub fn prepare(mut self) -> Result<PreparedRun, Error> {
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
                        return Err(failed("this host has no directory for copies".into()).into());
                    };
                    let mut random = [0; 8];
                    SystemCrypto.random(&mut random);
                    let made = Scratch::new(base, &format!("run-{}", encode::hex(&random)));
                    none.insert(made.map_err(|error| failed(error.to_string()))?)
                }
            };
            mount.source = scratch.copy(&mount.source, number, &parts, self.bounds)?;
            compose::source(&mount.source)?;
        }
        for mount in &self.mounts {
            let Some(part) = &mount.part else { continue };
            if part.find()?.as_ref() != Some(&mount.source) {
                return Err(SandboxError::NoDirectory { path: mount.source.display().to_string() }.into());
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
