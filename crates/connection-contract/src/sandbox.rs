//! How a tool is run in a container. Data alone: the host composes the run and owns its limits.

use alloc::vec::Vec;

use crate::{PathSpec, Text};

/// What is special about a tool in a container.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct SandboxSpec {
    /// The image, with its tag: `localhost/connections/claude:1`. A user may name another.
    pub default_image: Text,
    /// What the tool is called in the image, found on its `PATH`.
    pub binary: Text,
    /// What of the user's configuration the tool sees, in order. At one place there is the last; what has its place below
    /// another's lies in that one, whichever comes first.
    pub config_mounts: Vec<ConfigMount>,
    /// Variables that win over those of the run.
    pub env: Vec<(Text, Text)>,
}

impl SandboxSpec {
    /// A tool that sees none of the user's configuration.
    pub fn new(default_image: impl Into<Text>, binary: impl Into<Text>) -> Self {
        let (config_mounts, env) = Default::default();
        Self { default_image: default_image.into(), binary: binary.into(), config_mounts, env }
    }
    /// Something of the user's configuration.
    #[must_use]
    pub fn config_mount(mut self, mount: ConfigMount) -> Self {
        self.config_mounts.push(mount);
        self
    }
    /// A variable that wins over that of the run.
    #[must_use]
    pub fn variable(mut self, name: impl Into<Text>, value: impl Into<Text>) -> Self {
        self.env.push((name.into(), value.into()));
        self
    }
}

/// A file or directory of the user in the container.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ConfigMount {
    /// Where it is on the host: resolved when a run is composed, and not before.
    pub host: PathSpec,
    /// Where it is in the container, absolute.
    pub container: Text,
    /// Who may write.
    pub mode: MountMode,
    /// Whether it is the directory that a profile takes the place of.
    pub is_profile: bool,
    /// Whether it goes with the tool's own directory alone.
    pub is_implicit_only: bool,
    /// Subdirectories whose contents the tool needs in a later run, such as the logs of its sessions.
    pub keeps: Vec<Text>,
}

impl ConfigMount {
    /// Something that the tool may read.
    pub fn new(host: PathSpec, container: impl Into<Text>) -> Self {
        Self {
            host,
            container: container.into(),
            mode: MountMode::ReadOnly,
            is_profile: false,
            is_implicit_only: false,
            keeps: Vec::new(),
        }
    }
    /// The tool needs to write the user's own. It is a private copy unless the host's policy allows the tool to write its
    /// whole configuration.
    #[must_use]
    pub fn writable(mut self) -> Self {
        self.mode = MountMode::Writable;
        self
    }
    /// The tool writes to a copy, which goes when the run ends.
    #[must_use]
    pub fn copied(mut self) -> Self {
        self.mode = MountMode::Copied;
        self
    }
    /// A subdirectory, such as `projects`, whose contents the tool needs in a later run: without them it resumes no session.
    /// The host's policy decides whether the tool may write it; by default nothing that is written stays.
    #[must_use]
    pub fn keeps(mut self, subdirectory: impl Into<Text>) -> Self {
        self.keeps.push(subdirectory.into());
        self
    }
    /// A profile's directory takes its place, and the variables of the profile name the path in the container. None does for
    /// the directory that the tool uses by itself where something goes with that [alone](Self::implicit_only): the tool finds
    /// both at these places by itself then.
    #[must_use]
    pub fn profile(mut self) -> Self {
        self.is_profile = true;
        self
    }
    /// It belongs to the directory that the tool uses by itself, as a file beside it: with a profile that has another directory
    /// it is not mounted.
    #[must_use]
    pub fn implicit_only(mut self) -> Self {
        self.is_implicit_only = true;
        self
    }
}

/// Who may write what is mounted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum MountMode {
    /// The tool writes to a private copy, which goes when the run ends.
    Copied,
    /// Nobody.
    #[default]
    ReadOnly,
    /// The tool.
    Writable,
}
