//! Tools in containers: composed of a kind's data, what is to be started, a profile and the host's policy.
//!
//! The host owns every limit; a kind only says in which image its tool is, what of the user's configuration it reads, and
//! which variables it wants. Nothing runs without a container that was asked for with one.

mod argv;
mod compose;
mod copies;
mod error;
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
    ConnectionRegistry, Error, SpawnOptions,
    registry::{KindEntry, Shared, has_environment},
    services::crypto::SystemCrypto,
};

pub use compose::{SandboxMount, SandboxRun};
use copies::Scratch;
pub use error::SandboxError;
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
    /// The container of a kind's tool, as this owner runs it. What the kind mounts of the user's configuration is of whoever
    /// runs this process, so an owner other than the one for whom the registry was opened has none of it: a profile of its
    /// own is mounted, or nothing starts.
    ///
    /// # Errors
    ///
    /// [`Error::UnknownKind`]; [`SandboxError::Unsupported`] for a kind that has none, and [`SandboxError::NotAllowed`] for
    /// one that says of its tool what the host's policy does not allow, before anything starts.
    pub fn sandbox(&self, kind: &Kind) -> Result<Sandbox, Error> {
        let entry = self.shared.kinds.entry(kind).ok_or_else(|| Error::UnknownKind(kind.clone()))?;
        let Some(spec) = entry.sandbox.clone() else {
            return Err(SandboxError::Unsupported { kind: kind.clone() }.into());
        };
        let policy = &self.shared.lent.tools;
        let profiles = entry.profiles.iter().map(|profiles| policy.check_profiles(&entry.descriptor, profiles));
        let allowed = profiles.chain([policy.check_sandbox(&entry.descriptor, &spec)]).collect::<Result<(), _>>();
        allowed.map_err(|why| SandboxError::NotAllowed { kind: kind.clone(), why })?;
        Ok(Sandbox { shared: self.shared.clone(), owner: self.owner.clone(), entry, spec })
    }
}

impl Sandbox {
    /// What would run, of what is to be started after all else was put into it, the profile last. Looks at the disk and
    /// changes nothing.
    ///
    /// # Errors
    ///
    /// [`SandboxError`] for whatever cannot be done as it was asked: nothing is silently left without a container.
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

    /// Builds the image of a directory with a `Containerfile`, under the name that runs will use. Blocks as long as that
    /// takes; what the engine says goes to standard error. The engine has these variables and no others: what of this
    /// process is secret is nothing to what is built.
    ///
    /// # Errors
    ///
    /// [`SandboxError::Image`] for a name that is none, [`SandboxError::Engine`] when the engine is not there or fails.
    pub fn build<V: AsRef<OsStr>>(
        &self,
        policy: &SandboxPolicy,
        context: &Path,
        variables: impl IntoIterator<Item = (V, V)>,
    ) -> Result<String, Error> {
        let file = context.join("Containerfile");
        self.built(policy, &["--file".as_ref(), file.as_os_str(), context.as_os_str()], None, variables)
    }

    /// The same of a `Containerfile` beside which is nothing. It is written nowhere.
    ///
    /// # Errors
    ///
    /// Those of [`build`](Self::build).
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
                // An engine that does not read it says why, and ends so.
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

/// What is wrong with what a plugin says of its container.
pub(crate) fn check(spec: Option<&SandboxSpec>, profiles: Option<&ProfileSpec>) -> Result<(), String> {
    let Some(spec) = spec else { return Ok(()) };
    image::check(&spec.default_image).map_err(|error| error.to_string())?;
    let public = variables::public(&spec.env).map_err(|error| error.to_string())?;
    let mut marked = 0;
    for mount in &spec.config_mounts {
        compose::target(&mount.container).map_err(|error| error.to_string())?;
        // Its fields can be written to, also behind the constructor that looks at them.
        if PathSpec::new(mount.host.base.clone(), mount.host.relative.clone()).is_none() {
            let relative = &mount.host.relative;
            return Err(format!("the path '{relative}' of its container is not relative and plain"));
        }
        for name in &mount.keeps {
            writable::plain(name).map_err(|error| error.to_string())?;
        }
        marked += usize::from(mount.is_profile);
        if let Some(profiles) = profiles.filter(|_| mount.is_profile) {
            let (mut env, mut public) = (Default::default(), public.clone());
            variables::of_profile(profiles, &mount.container, &mut env, &mut public)
                .map_err(|error| error.to_string())?;
        }
    }
    match marked {
        0 => Ok(()),
        1 if profiles.is_some() => Ok(()),
        1 => Err("its container has a place for a profile, and it has no profiles".to_owned()),
        _ => Err("its container has more than one place for a profile".to_owned()),
    }
}

/// A run whose private copies are made: they go when this is dropped, so keep it until the container has ended.
#[derive(Debug)]
pub struct PreparedRun {
    run: SandboxRun,
    _scratch: Option<Scratch>,
}

impl SandboxRun {
    /// Makes the private copies, and removes those of runs whose processes are gone. Blocks.
    ///
    /// # Errors
    ///
    /// [`SandboxError::Copy`] or [`SandboxError::CopyTooLarge`], after which nothing is left of them, and
    /// [`SandboxError::Mount`] for a writable subdirectory that has become a link.
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
                        return Err(failed("this host says nowhere where copies may be made".into()).into());
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
    /// As it is run, with the copies in the place of what they are of.
    pub fn run(&self) -> &SandboxRun {
        &self.run
    }

    /// The engine and its arguments.
    pub fn argv(&self) -> Vec<OsString> {
        self.run.argv()
    }

    /// What to start: the engine with its arguments, and in its environment the values that it hands on. Its exit code is
    /// the tool's; 125 to 127 may be the engine's own.
    pub fn command(&self) -> Command {
        let argv = self.argv();
        let mut command = Command::new(self.run.engine.program());
        command.args(argv.iter().skip(1)).envs(&self.run.env);
        command
    }
}
