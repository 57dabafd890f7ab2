//! Tools in containers, composed from a kind's data, the start options, a profile and the host's policy.
//!
//! The host sets every limit. A kind only declares the image of its tool, the configuration that the tool reads,
//! and the variables that it needs. A start that was requested in a container never runs without one.

mod argv;
mod compose;
mod copies;
mod error;
mod policy;
mod prepare;
mod variables;
mod writable;

use std::{
    ffi::OsStr,
    fmt,
    io::Write as _,
    path::Path,
    process::{Command, Stdio},
};

use connection_contract::{Kind, ProfileSpec, SandboxSpec};
use connection_core::{ConnectionRegistry, SpawnOptions};

pub use compose::{SandboxMount, SandboxRun};
pub use error::SandboxError;
pub use policy::{SandboxAccess, SandboxEngine, SandboxNetwork, SandboxPolicy};
pub use prepare::PreparedRun;
pub use writable::SandboxWritable;

/// The container of one kind's tool, as one owner runs it.
///
/// # Examples
///
/// ```
/// use std::{path::Path, process::ExitStatus};
///
/// use connection_agent::{Sandbox, SandboxAccess, SandboxPolicy};
/// use connection_contract::Kind;
/// use connection_core::{ConnectionRegistry, SpawnOptions};
///
/// /// Runs a tool on a project, with the login of one of its profiles.
/// async fn run(registry: &ConnectionRegistry, kind: &Kind, project: &Path) -> Result<ExitStatus, Box<dyn std::error::Error>> {
///     let profiles = registry.profiles(kind)?;
///     let mut options = SpawnOptions::new("claude").arg("--print").arg("hello");
///     profiles.apply_profile(&mut options, profiles.default_profile().await?.id).await?;
///     let policy = SandboxPolicy::new().memory(2 << 30).project(project, "/workspace", SandboxAccess::Writable);
///     let run = Sandbox::new(registry, kind)?.compose(&policy, &options)?;
///     println!("{:?}", run.argv());
///     // The private copies exist until this value is dropped.
///     let prepared = run.prepare()?;
///     Ok(prepared.command().status()?)
/// }
/// ```
#[derive(Clone)]
pub struct Sandbox {
    registry: ConnectionRegistry,
    kind: Kind,
    profiles: Option<ProfileSpec>,
    spec: SandboxSpec,
}

impl fmt::Debug for Sandbox {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = f.debug_struct("Sandbox");
        shown.field("owner", &self.registry.owner_name()).field("kind", &self.kind).field("spec", &self.spec);
        shown.finish_non_exhaustive()
    }
}

impl Sandbox {
    /// Returns the container of a kind's tool for the owner of the registry's handle.
    ///
    /// The user's configuration that the kind mounts belongs to the user who runs this process. An owner other than
    /// the one for whom the registry was opened gets none of it: a profile of that owner is mounted, or nothing
    /// starts.
    ///
    /// # Errors
    ///
    /// [`SandboxError::UnknownKind`], [`SandboxError::Unsupported`] for a kind that declares no container, and
    /// [`SandboxError::NotAllowed`] if the host's policy does not allow what the kind declares for its tool.
    /// Nothing was started.
    pub fn new(registry: &ConnectionRegistry, kind: &Kind) -> Result<Self, SandboxError> {
        let info = registry.kinds().get(kind).ok_or_else(|| SandboxError::UnknownKind(kind.clone()))?;
        let Some(spec) = info.sandbox else {
            return Err(SandboxError::Unsupported { kind: kind.clone() });
        };
        let policy = registry.local().tools();
        let profiles = info.profiles.iter().map(|profiles| policy.check_profiles(&info.descriptor, profiles));
        let allowed = profiles.chain([policy.check_sandbox(&info.descriptor, &spec)]).collect::<Result<(), _>>();
        allowed.map_err(|why| SandboxError::NotAllowed { kind: kind.clone(), why })?;
        Ok(Self { registry: registry.clone(), kind: kind.clone(), profiles: info.profiles, spec })
    }

    /// Composes a run from the final start options, to which the profile was applied last. Reads the disk and
    /// changes nothing.
    ///
    /// # Errors
    ///
    /// [`SandboxError`] for anything that cannot be done as requested: a tool is never silently run without a
    /// container.
    pub fn compose(&self, policy: &SandboxPolicy, options: &SpawnOptions) -> Result<SandboxRun, SandboxError> {
        compose::compose(self, policy, options)
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
    ) -> Result<String, SandboxError> {
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
    ) -> Result<String, SandboxError> {
        self.built(policy, &["-".as_ref()], Some(containerfile), variables)
    }

    fn built<V: AsRef<OsStr>>(
        &self,
        policy: &SandboxPolicy,
        what: &[&OsStr],
        input: Option<&str>,
        variables: impl IntoIterator<Item = (V, V)>,
    ) -> Result<String, SandboxError> {
        let image = self.image(policy)?;
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
            Ok(status) => Err(failed(format!("it ended with {status}"))),
            Err(error) => Err(failed(format!("it does not start: {error}"))),
        }
    }

    /// Returns the image that runs use: the one of the policy, or that of the kind.
    fn image(&self, policy: &SandboxPolicy) -> Result<String, SandboxError> {
        let image = policy.image.clone().unwrap_or_else(|| self.spec.default_image.to_string());
        SandboxError::check_image(&image)?;
        Ok(image)
    }
}
