//! The host's decisions about a container, whatever its kind declares: the engine, the limits, the network and the
//! mounts.

use std::path::PathBuf;

use super::SandboxWritable;

/// The program that runs containers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum SandboxEngine {
    /// `docker`.
    Docker,
    /// `podman`.
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
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum SandboxNetwork {
    /// The engine's default: the container has its own network, with access to the outside.
    #[default]
    EngineDefault,
    /// A network of the engine, by its name.
    Named(String),
    /// No network.
    None,
}

/// The access of a tool to a mount.
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
pub(crate) struct Shared {
    pub(crate) source: Source,
    pub(crate) target: String,
    pub(crate) access: SandboxAccess,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Source {
    Directory(PathBuf),
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
#[derive(Clone, Debug)]
#[must_use]
pub struct SandboxPolicy {
    pub(crate) engine: SandboxEngine,
    pub(crate) options: Vec<String>,
    pub(crate) memory: u64,
    pub(crate) pids: u32,
    pub(crate) cpus: Option<u32>,
    pub(crate) network: SandboxNetwork,
    pub(crate) project: Option<Shared>,
    pub(crate) shared: Vec<Shared>,
    pub(crate) image: Option<String>,
    pub(crate) terminal: bool,
    pub(crate) scratch: Option<PathBuf>,
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
        let (engine, options, cpus, network, project, shared, image) = Default::default();
        let memory = Self::MEMORY;
        let pids = Self::PIDS;
        Self {
            engine,
            options,
            memory,
            pids,
            cpus,
            network,
            project,
            shared,
            image,
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

    /// Sets the network.
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
