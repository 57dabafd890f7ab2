//! Composes a run in a container from the kind's data, the start options, the profile and the host's policy.
//!
//! The result is a value that can be inspected before anything starts. A kind never widens what the policy grants.
//! Paths in the user's directories are resolved here and not earlier.

use std::{
    collections::BTreeMap,
    ffi::{OsStr, OsString},
    path::{Path, PathBuf},
};

use connection_contract::{DisplayText, MountMode};
use connection_core::{SpawnOptions, profile_variables, sandbox_rules};

use super::{
    Sandbox, SandboxAccess, SandboxEngine, SandboxError, SandboxNetwork, SandboxPolicy,
    policy::{CopyBounds, Shared, Source},
    variables,
    writable::Part,
};

/// A tool in a container, ready to be run.
///
/// # Examples
///
/// ```
/// use connection_agent::SandboxRun;
///
/// /// Shows what would be run, and what the container does not have.
/// fn show(run: &SandboxRun) {
///     println!("{:?}", run.argv());
///     for mount in &run.mounts {
///         println!("{} at {}", mount.source.display(), mount.target);
///     }
///     for reason in &run.left_out {
///         println!("left out: {reason}");
///     }
/// }
/// ```
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct SandboxRun {
    /// The engine that runs the container.
    pub engine: SandboxEngine,
    /// The options of the engine itself, which precede its command, such as `--storage-driver=vfs`.
    pub engine_options: Vec<String>,
    /// The image of the container, with its tag or digest.
    pub image: String,
    /// The program to run in the container.
    pub program: OsString,
    /// The arguments of the program, as they were given.
    pub args: Vec<OsString>,
    /// The variables that the engine passes on from its own environment. Their values are never shown and are in no
    /// argument.
    pub env: BTreeMap<String, OsString>,
    /// The variables that the kind sets. They take precedence.
    pub public_env: BTreeMap<String, String>,
    /// The mounts, in order. Each target occurs once: the last mount of a target wins. A mount whose target is
    /// below another one's lies inside that mount, in whatever order they are listed.
    pub mounts: Vec<SandboxMount>,
    /// The things that were left out, each with its reason: configuration that does not exist, and variables that
    /// belong to the engine.
    pub left_out: Vec<String>,
    /// The working directory in the container, in the project; `None` without a project.
    pub workdir: Option<String>,
    /// The memory limit, in bytes.
    pub memory: u64,
    /// The maximum number of processes in the container.
    pub pids: u32,
    /// The processor limit, in thousandths of a processor.
    pub millicpus: Option<u32>,
    /// The network that the container may use.
    pub network: SandboxNetwork,
    /// `true` if a person is at a terminal.
    pub terminal: bool,
    /// The user and group ids in the container, whatever the image names. They are those of this process, so that
    /// it owns the mounted files there, too. Root has no capabilities in the container, so it can use only the
    /// files that root owns. `None` on platforms where users have no ids.
    pub user: Option<(u32, u32)>,
    pub(super) scratch: Option<PathBuf>,
    pub(super) bounds: CopyBounds,
}

/// A mount of a container.
///
/// [`SandboxRun`] has an example.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct SandboxMount {
    /// A path of the host, or the name of a volume.
    pub source: PathBuf,
    /// The absolute path in the container.
    pub target: String,
    /// The access mode: who may write to the mount, and whether changes stay.
    pub mode: MountMode,
    pub(super) is_volume: bool,
    /// The subdirectory of the configuration that this mount keeps writable, if any.
    pub(super) part: Option<Part>,
}

impl SandboxMount {
    /// Creates a mount of a directory that the tool may write.
    pub(super) fn writable(source: PathBuf, target: &str) -> Result<Self, SandboxError> {
        checked(source, target, MountMode::Writable)
    }
}

/// Composes a run. This reads the disk to see whether the mounts exist, and changes nothing.
pub(super) fn compose(
    sandbox: &Sandbox,
    policy: &SandboxPolicy,
    options: &SpawnOptions,
) -> Result<SandboxRun, SandboxError> {
    let Sandbox { registry, kind, spec, profiles } = sandbox;
    let image = sandbox.image(policy)?;
    network(&policy.network)?;
    if let Some(of) = options.profile_kind().filter(|of| *of != kind) {
        return Err(SandboxError::OtherProfile { kind: kind.clone(), of: of.clone() });
    }
    if options.profile_owner().is_some_and(|of| of != registry.owner_name()) {
        return Err(SandboxError::OtherOwner { kind: kind.clone() });
    }
    let mut left_out = Vec::new();
    let mut mounts = Vec::new();
    let shared = policy.project.iter().chain(&policy.shared);
    for shared in shared {
        mounts.push(of_policy(sandbox, shared)?);
    }
    let inside = configuration(sandbox, policy, options, &mut mounts, &mut left_out)?;
    let mounts = last_of_each_target(mounts);
    // Without its directory the tool would run with another identity. This also applies if another mount took the
    // target.
    let is_there =
        |directory| mounts.iter().any(|mount| Some(&mount.target) == inside.as_ref() && mount.source == directory);
    if options.profile().is_some_and(|(_, directory)| !is_there(directory)) {
        return Err(SandboxError::NoProfileMount { kind: kind.clone() });
    }
    let mut env = options.env.clone();
    let mut args = options.args.clone();
    let of_kind = variables::public(&spec.env);
    let mut public_env = of_kind.clone();
    if let (Some(inside), Some(profiles)) = (&inside, profiles) {
        // The values that were set for the host name a path that does not exist in the container.
        profile_variables::names(profiles).for_each(|name| drop(env.remove(&name)));
        args = options.own_args().to_vec();
        if !finds_by_itself(sandbox, options) {
            variables::of_profile(profiles, inside, &mut env, &mut public_env);
            args.splice(..0, profile_variables::arguments(profiles));
        }
    }
    let env = variables::passed_variables(env, &of_kind, &mut left_out)?;
    let is_absolute = options.program.is_absolute();
    let program = if is_absolute { OsString::from(&*spec.binary) } else { options.program.clone().into_os_string() };
    Ok(SandboxRun {
        engine: policy.engine,
        engine_options: policy.options.clone(),
        image,
        program,
        args,
        env,
        public_env,
        workdir: workdir(policy, options),
        mounts,
        left_out,
        memory: policy.memory,
        pids: policy.pids,
        millicpus: policy.cpus,
        network: policy.network.clone(),
        terminal: policy.terminal,
        user: user(),
        scratch: policy.scratch.clone(),
        bounds: policy.bounds,
    })
}

/// Returns `true` if the profile's directory is not the one that the tool uses by itself.
fn is_elsewhere(sandbox: &Sandbox, options: &SpawnOptions) -> bool {
    let local = sandbox.registry.local();
    let implicit = sandbox.profiles.as_ref().and_then(|profiles| local.resolve(&profiles.implicit_dir));
    options.profile().is_some_and(|(_, directory)| implicit.as_deref() != Some(directory))
}

/// Returns `true` if no variable may name the directory, because the tool finds a file beside it only without one.
fn finds_by_itself(sandbox: &Sandbox, options: &SpawnOptions) -> bool {
    let has_more_beside = sandbox.spec.config_mounts.iter().any(|mount| mount.is_implicit_only);
    has_more_beside && !is_elsewhere(sandbox, options)
}

/// Adds the mounts of the user's configuration that exist. Returns where the profile's directory is in the
/// container, if there is a profile.
fn configuration(
    sandbox: &Sandbox,
    policy: &SandboxPolicy,
    options: &SpawnOptions,
    mounts: &mut Vec<SandboxMount>,
    left_out: &mut Vec<String>,
) -> Result<Option<String>, SandboxError> {
    let mut inside = None;
    let local = sandbox.registry.local();
    let is_elsewhere = is_elsewhere(sandbox, options);
    for mount in &sandbox.spec.config_mounts {
        if mount.is_implicit_only && is_elsewhere {
            left_out.push(format!(
                "{}: it belongs to the tool's own directory, and a profile has another one",
                mount.container
            ));
            continue;
        }
        let profile = options.profile().filter(|_| mount.is_profile);
        if profile.is_none() && !local.has_environment() {
            // It may hold a login, which belongs to another person.
            if mount.is_profile {
                return Err(SandboxError::NoProfile { kind: sandbox.kind.clone() });
            }
            left_out.push(format!(
                "{}: it belongs to the user who runs this program and to no other owner",
                mount.container
            ));
            continue;
        }
        let source = match profile {
            Some((_, directory)) => Some(directory.to_owned()),
            None => local.resolve(&mount.host),
        };
        let Some(source) = source else {
            left_out.push(format!("{}: its path on the host is unknown", mount.container));
            continue;
        };
        if profile.is_some() {
            inside = Some(mount.container.to_string());
        }
        match std::fs::metadata(&source) {
            Ok(found) if !found.is_file() && !found.is_dir() => {
                return Err(unmountable(&source, "it is neither a file nor a directory"));
            }
            Ok(found) => {
                let mode = policy.writable.mode(mount, found.is_dir());
                mounts.push(checked(source.clone(), &mount.container, mode)?);
                if found.is_dir() {
                    mounts.extend(policy.writable.mounts(mount, &source, left_out)?);
                }
            }
            // Without its directory the tool would run with another identity.
            Err(_) if profile.is_some() => return Err(SandboxError::NoDirectory { path: display_path(&source) }),
            Err(_) => left_out.push(format!("{}: {} does not exist", mount.container, source.display())),
        }
    }
    Ok(inside)
}

fn of_policy(sandbox: &Sandbox, shared: &Shared) -> Result<SandboxMount, SandboxError> {
    let mode = match shared.access {
        SandboxAccess::ReadOnly => MountMode::ReadOnly,
        SandboxAccess::Writable => MountMode::Writable,
    };
    match &shared.source {
        Source::Directory(path) if !path.is_dir() => Err(unmountable(path, "it is not an existing directory")),
        // This host protects the program, which nothing in a container can change.
        Source::OwnProgram => {
            let unknown = |_| unmountable(Path::new("this program"), "its path is unknown");
            checked(std::env::current_exe().map_err(unknown)?, &shared.target, MountMode::ReadOnly)
        }
        Source::Directory(path) if sandbox.registry.local().protects(path).unwrap_or(true) => {
            Err(unmountable(path, "it is, contains or lies inside a directory that this host protects"))
        }
        Source::Directory(path) => checked(path.clone(), &shared.target, mode),
        Source::Volume(name) => {
            let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-');
            if !name.starts_with(|c: char| c.is_ascii_alphanumeric()) || !name.chars().all(plain) {
                return Err(unmountable(Path::new(name), "it is not a valid name of a volume"));
            }
            Ok(SandboxMount { is_volume: true, ..checked_target(name.into(), &shared.target, mode)? })
        }
    }
}

fn checked(source: PathBuf, target: &str, mode: MountMode) -> Result<SandboxMount, SandboxError> {
    self::source(&source)?;
    checked_target(source, target, mode)
}

/// Checks that a path of the host can be passed to an engine.
pub(super) fn source(source: &Path) -> Result<(), SandboxError> {
    let Some(text) = source.to_str() else { return Err(unmountable(source, "its name is not Unicode")) };
    if !source.is_absolute() {
        return Err(unmountable(source, "its path is not absolute"));
    }
    if text.chars().any(char::is_control) {
        return Err(unmountable(source, "its name has control characters"));
    }
    // Each of the two ways to write a mount ends a path at one of these characters.
    if text.contains(':') && text.contains([',', '"']) {
        let problem = "its name has a colon and a comma or a quotation mark, which no engine accepts";
        return Err(unmountable(source, problem));
    }
    Ok(())
}

/// Keeps the last mount of each target, because engines reject two mounts at one target.
fn last_of_each_target(mounts: Vec<SandboxMount>) -> Vec<SandboxMount> {
    let mut kept: Vec<SandboxMount> = Vec::new();
    for mount in mounts {
        kept.retain(|earlier| earlier.target != mount.target);
        kept.push(mount);
    }
    kept
}

fn checked_target(source: PathBuf, target: &str, mode: MountMode) -> Result<SandboxMount, SandboxError> {
    sandbox_rules::check_container_path(target).map_err(|problem| unmountable(Path::new(target), problem))?;
    Ok(SandboxMount { source, target: target.to_owned(), mode, is_volume: false, part: None })
}

/// Checks the name of a network. The network of the host or of another container would not isolate this container.
fn network(network: &SandboxNetwork) -> Result<(), SandboxError> {
    match network {
        SandboxNetwork::Named(name) => {
            let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-');
            let is_name = name.starts_with(|c: char| c.is_ascii_alphanumeric()) && name.chars().all(plain);
            if is_name && name != "host" { Ok(()) } else { Err(SandboxError::Network(name.clone())) }
        }
        SandboxNetwork::EngineDefault | SandboxNetwork::None => Ok(()),
    }
}

/// Returns the working directory in the container: the one of the options if it is in the project, else the
/// project.
fn workdir(policy: &SandboxPolicy, options: &SpawnOptions) -> Option<String> {
    let project = policy.project.as_ref()?;
    let Source::Directory(host) = &project.source else { return None };
    let below = options.cwd.as_deref().and_then(|cwd| cwd.strip_prefix(host).ok());
    let parts = below.into_iter().flat_map(Path::components).map(|part| part.as_os_str().to_string_lossy());
    Some(parts.fold(project.target.clone(), |path, part| path + "/" + &part))
}

pub(super) fn unmountable(path: &Path, problem: &'static str) -> SandboxError {
    SandboxError::Mount { path: display_path(path), problem }
}

fn display_path(path: &Path) -> String {
    DisplayText::from(path.to_string_lossy().into_owned()).to_string()
}

/// Returns the user id and group id of this process, on platforms that have them.
#[cfg(unix)]
#[expect(clippy::unnecessary_wraps, reason = "other platforms have no ids")]
fn user() -> Option<(u32, u32)> {
    Some((rustix::process::geteuid().as_raw(), rustix::process::getegid().as_raw()))
}

/// Returns the user id and group id of this process, on platforms that have them.
#[cfg(not(unix))]
fn user() -> Option<(u32, u32)> {
    None
}

impl std::fmt::Debug for SandboxRun {
    /// Shows the arguments as they are run, without the values of variables.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let argv = self.argv();
        let argv: Vec<_> = argv.iter().map(|arg| OsStr::to_string_lossy(arg)).collect();
        f.debug_struct("SandboxRun").field("argv", &argv).field("left_out", &self.left_out).finish()
    }
}
