//! The host's decisions about a container, whatever its kind declares: the engine, the limits, the network and the
//! mounts.

use std::path::PathBuf;

use super::SandboxWritable;

/// The program that runs containers.
///
/// # Examples
///
/// ```
/// use connection_agent::SandboxEngine;
///
/// assert_eq!(SandboxEngine::default().program(), "podman");
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum SandboxEngine {
    /// Docker, whose command is `docker`.
    Docker,
    /// Podman, whose command is `podman`.
    #[default]
    Podman,
}

impl SandboxEngine {
    /// Returns the name of the program.
    pub const fn program(self) -> &'static str {
        match self {
            Self::Docker => "docker",
            Self::Podman => "podman",
        }
    }
}

/// The network of a container.
///
/// # Examples
///
/// ```
/// use connection_agent::{SandboxNetwork, SandboxPolicy};
///
/// let policy = SandboxPolicy::new().network(SandboxNetwork::Named("agents".to_owned()));
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum SandboxNetwork {
    /// The engine's default: the container has its own network, with access to the outside.
    #[default]
    EngineDefault,
    /// A network of the engine, by its name.
    Named(String),
    /// The container has no network.
    None,
}

/// The access of a tool to a mount.
///
/// # Examples
///
/// ```
/// use connection_agent::{SandboxAccess, SandboxPolicy};
///
/// let policy = SandboxPolicy::new().shared_directory("/srv/reference", "/reference", SandboxAccess::ReadOnly);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum SandboxAccess {
    /// The tool may only read.
    ReadOnly,
    /// The tool may also write.
    Writable,
}

/// A directory of the host, or a volume of the engine, that is mounted in containers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Shared {
    pub(super) source: Source,
    pub(super) target: String,
    pub(super) access: SandboxAccess,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Source {
    Directory(PathBuf),
    OwnProgram,
    Volume(String),
}

/// The limits of a private copy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct CopyBounds {
    pub(super) bytes: u64,
    pub(super) entries: u64,
}

/// The host's decisions about a container. Under every policy all capabilities are dropped and no new privileges
/// can be gained.
///
/// # Examples
///
/// ```
/// use connection_agent::{SandboxAccess, SandboxEngine, SandboxNetwork, SandboxPolicy, SandboxWritable};
///
/// let policy = SandboxPolicy::new()
///     .engine(SandboxEngine::Docker)
///     .memory(2 << 30)
///     .network(SandboxNetwork::None)
///     .project("/home/ada/shop", "/workspace", SandboxAccess::Writable)
///     .scratch("/home/ada/.cache/copies")
///     .writable(SandboxWritable::Declared);
/// ```
#[derive(Clone, Debug)]
#[must_use]
pub struct SandboxPolicy {
    pub(super) engine: SandboxEngine,
    pub(super) options: Vec<String>,
    pub(super) memory: u64,
    pub(super) pids: u32,
    pub(super) cpus: Option<u32>,
    pub(super) network: SandboxNetwork,
    pub(super) project: Option<Shared>,
    pub(super) shared: Vec<Shared>,
    pub(super) image: Option<String>,
    pub(super) terminal: bool,
    pub(super) scratch: Option<PathBuf>,
    pub(super) bounds: CopyBounds,
    pub(super) writable: SandboxWritable,
}

impl Default for SandboxPolicy {
    fn default() -> Self {
        Self::new()
    }
}

impl SandboxPolicy {
    const MEMORY: u64 = 4 << 30;
    const PIDS: u32 = 512;
    const COPIES: CopyBounds = CopyBounds { bytes: 1 << 30, entries: 100_000 };

    /// Creates a policy with Podman, 4 GiB of memory, 512 processes, the engine's default network, no shared
    /// directories, read-only configuration, and private copies of at most 1 GiB and 100,000 entries.
    pub fn new() -> Self {
        Self {
            engine: SandboxEngine::default(),
            options: Vec::new(),
            memory: Self::MEMORY,
            pids: Self::PIDS,
            cpus: None,
            network: SandboxNetwork::default(),
            project: None,
            shared: Vec::new(),
            image: None,
            terminal: false,
            scratch: None,
            bounds: Self::COPIES,
            writable: SandboxWritable::Nothing,
        }
    }

    /// Sets the program that runs containers.
    pub fn engine(mut self, engine: SandboxEngine) -> Self {
        self.engine = engine;
        self
    }

    /// Adds an option of that program itself, to be put before its command, such as `--storage-driver=vfs`.
    pub fn engine_option(mut self, option: impl Into<String>) -> Self {
        self.options.push(option.into());
        self
    }

    /// Limits the memory to this number of bytes. None of them are swapped.
    pub fn memory(mut self, bytes: u64) -> Self {
        self.memory = bytes.max(1);
        self
    }

    /// Limits the number of processes.
    pub fn pids(mut self, pids: u32) -> Self {
        self.pids = pids.max(1);
        self
    }

    /// Limits the processor time, in thousandths of a processor.
    pub fn millicpus(mut self, cpus: u32) -> Self {
        self.cpus = Some(cpus.max(1));
        self
    }

    /// Sets the network that the container is attached to.
    pub fn network(mut self, network: SandboxNetwork) -> Self {
        self.network = network;
        self
    }

    /// Sets the project that the tool works on, and its path in the container, which is also the working directory.
    pub fn project(mut self, host: impl Into<PathBuf>, container: impl Into<String>, access: SandboxAccess) -> Self {
        self.project = Some(Shared { source: Source::Directory(host.into()), target: container.into(), access });
        self
    }

    /// Mounts another directory of the host.
    pub fn shared_directory(
        mut self,
        host: impl Into<PathBuf>,
        container: impl Into<String>,
        access: SandboxAccess,
    ) -> Self {
        self.shared.push(Shared { source: Source::Directory(host.into()), target: container.into(), access });
        self
    }

    /// Mounts the program of this process, which the tool may only read and start.
    pub fn own_program(mut self, container: impl Into<String>) -> Self {
        let access = SandboxAccess::ReadOnly;
        self.shared.push(Shared { source: Source::OwnProgram, target: container.into(), access });
        self
    }

    /// Mounts a volume of the engine.
    pub fn shared_volume(
        mut self,
        name: impl Into<String>,
        container: impl Into<String>,
        access: SandboxAccess,
    ) -> Self {
        self.shared.push(Shared { source: Source::Volume(name.into()), target: container.into(), access });
        self
    }

    /// Replaces the kind's image: the user's setting `sandbox.image.KIND`.
    pub fn image(mut self, image: Option<String>) -> Self {
        self.image = image;
        self
    }

    /// Connects the tool to a terminal.
    pub fn terminal(mut self) -> Self {
        self.terminal = true;
        self
    }

    /// Sets the directory for private copies. Each copy is accessible only to its user. Without this setting, a run
    /// that needs a copy is rejected.
    pub fn scratch(mut self, directory: impl Into<PathBuf>) -> Self {
        self.scratch = Some(directory.into());
        self
    }

    /// Limits the bytes of a private copy, for each mount: the setting `sandbox.copy_size`, which is in MiB.
    pub fn copy_size(mut self, bytes: u64) -> Self {
        self.bounds.bytes = bytes;
        self
    }

    /// Limits the files and directories of a private copy, for each mount: the setting `sandbox.copy_entries`.
    pub fn copy_entries(mut self, entries: u64) -> Self {
        self.bounds.entries = entries;
        self
    }

    /// Lets the tool write these parts of its configuration: the setting `sandbox.writable.KIND`. The default is
    /// nothing.
    pub fn writable(mut self, writable: SandboxWritable) -> Self {
        self.writable = writable;
        self
    }
}
