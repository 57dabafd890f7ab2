//! What the host decides of a container, whatever its kind says: the engine, the limits, the network, what is shared.

use std::path::PathBuf;

use super::SandboxWritable;

/// Which program runs containers.
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
    /// The name of the program.
    pub const fn program(self) -> &'static str {
        match self {
            Self::Docker => "docker",
            Self::Podman => "podman",
        }
    }
}

/// What a container reaches.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum SandboxNetwork {
    /// What the engine gives every container: a network of its own that leads out.
    #[default]
    EngineDefault,
    /// A network of the engine's, by its name.
    Named(String),
    /// Nothing.
    None,
}

/// Who may write what is mounted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum SandboxAccess {
    /// Nobody.
    ReadOnly,
    /// The tool.
    Writable,
}

/// A directory of the host, or a volume of the engine, that containers share.
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

/// How much a private copy may hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct CopyBounds {
    pub(super) bytes: u64,
    pub(super) entries: u64,
}

/// What the host decides. All capabilities are dropped and no new privileges are had under every policy.
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

    /// Podman, 4 GiB of memory, 512 processes, the engine's network, nothing shared, nothing of the configuration writable,
    /// and private copies of 1 GiB and 100,000 entries.
    pub fn new() -> Self {
        let (engine, options, cpus, network, project, shared, image) = Default::default();
        let (memory, pids) = (Self::MEMORY, Self::PIDS);
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
    /// Another program that runs containers.
    pub fn engine(mut self, engine: SandboxEngine) -> Self {
        self.engine = engine;
        self
    }
    /// An option of that program itself, before what it is to do: `--storage-driver=vfs`.
    pub fn engine_option(mut self, option: impl Into<String>) -> Self {
        self.options.push(option.into());
        self
    }
    /// At most so many bytes of memory, none of them swapped.
    pub fn memory(mut self, bytes: u64) -> Self {
        self.memory = bytes.max(1);
        self
    }
    /// At most so many processes.
    pub fn pids(mut self, pids: u32) -> Self {
        self.pids = pids.max(1);
        self
    }
    /// At most so many thousandths of a processor.
    pub fn millicpus(mut self, cpus: u32) -> Self {
        self.cpus = Some(cpus.max(1));
        self
    }
    /// What it reaches.
    pub fn network(mut self, network: SandboxNetwork) -> Self {
        self.network = network;
        self
    }
    /// The project that the tool works on, and where it is in the container: it runs there.
    pub fn project(mut self, host: impl Into<PathBuf>, container: impl Into<String>, access: SandboxAccess) -> Self {
        self.project = Some(Shared { source: Source::Directory(host.into()), target: container.into(), access });
        self
    }
    /// A further directory of the host.
    pub fn shared_directory(
        mut self,
        host: impl Into<PathBuf>,
        container: impl Into<String>,
        access: SandboxAccess,
    ) -> Self {
        self.shared.push(Shared { source: Source::Directory(host.into()), target: container.into(), access });
        self
    }
    /// A volume of the engine's.
    pub fn shared_volume(
        mut self,
        name: impl Into<String>,
        container: impl Into<String>,
        access: SandboxAccess,
    ) -> Self {
        self.shared.push(Shared { source: Source::Volume(name.into()), target: container.into(), access });
        self
    }
    /// Another image than the kind's: the user's `sandbox.image.KIND`.
    pub fn image(mut self, image: Option<String>) -> Self {
        self.image = image;
        self
    }
    /// The tool talks to a person at a terminal.
    pub fn terminal(mut self) -> Self {
        self.terminal = true;
        self
    }
    /// Where private copies are made, each in a directory of its owner only. Without it a kind that wants a copy is refused.
    pub fn scratch(mut self, directory: impl Into<PathBuf>) -> Self {
        self.scratch = Some(directory.into());
        self
    }
    /// The most bytes that a private copy may hold, counted for each mount: the setting `sandbox.copy_size`, which is in MiB.
    pub fn copy_size(mut self, bytes: u64) -> Self {
        self.bounds.bytes = bytes;
        self
    }
    /// The most files and directories that a private copy may hold, counted for each mount: the setting
    /// `sandbox.copy_entries`.
    pub fn copy_entries(mut self, entries: u64) -> Self {
        self.bounds.entries = entries;
        self
    }
    /// Lets the tool write these parts of its configuration: the setting `sandbox.writable.KIND`. Nothing, unless this is said.
    pub fn writable(mut self, writable: SandboxWritable) -> Self {
        self.writable = writable;
        self
    }
}
