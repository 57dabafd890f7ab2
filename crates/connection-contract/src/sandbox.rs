//! The description of a tool's run in a container, as data. The host composes the run and sets its limits.

use alloc::vec::Vec;

use crate::{PathSpec, Text};

/// The properties of a tool that a host needs to run it in a container.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct SandboxSpec {
    /// Default image with its tag: `localhost/connections/claude:1`. A user may choose another.
    pub default_image: Text,
    /// Name of the binary, which is on the `PATH` of the image.
    pub binary: Text,
    /// Files and directories of the user's configuration that the tool can see, in order. If two of them have the same
    /// path in the container, the last one counts. A mount below the path of another is inside that one, in any order.
    pub config_mounts: Vec<ConfigMount>,
    /// Environment variables that override those of the run.
    pub env: Vec<(Text, Text)>,
}

impl SandboxSpec {
    /// Creates a specification without any of the user's configuration.
    pub fn new(default_image: impl Into<Text>, binary: impl Into<Text>) -> Self {
        Self { default_image: default_image.into(), binary: binary.into(), config_mounts: Vec::new(), env: Vec::new() }
    }

    /// Adds a file or directory of the user's configuration.
    #[must_use]
    pub fn config_mount(mut self, mount: ConfigMount) -> Self {
        self.config_mounts.push(mount);
        self
    }

    /// Adds an environment variable that overrides that of the run.
    #[must_use]
    pub fn variable(mut self, name: impl Into<Text>, value: impl Into<Text>) -> Self {
        self.env.push((name.into(), value.into()));
        self
    }
}

/// A file or directory of the user that is mounted into the container.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ConfigMount {
    /// Path on the host. It is resolved when a run is composed, and not earlier.
    pub host: PathSpec,
    /// Absolute path in the container.
    pub container: Text,
    /// Access that the tool has.
    pub mode: MountMode,
    /// `true` if the profile's directory is mounted instead of `host`.
    pub is_profile: bool,
    /// `true` if it is mounted only together with the directory that the tool uses by default.
    pub is_implicit_only: bool,
    /// Subdirectories whose contents a later run needs, such as the logs of sessions.
    pub keeps: Vec<Text>,
}

impl ConfigMount {
    /// Creates a mount that the tool can only read.
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

    /// Lets the tool write the user's own files. The tool receives a private copy unless the host's policy allows it to
    /// write its whole configuration.
    #[must_use]
    pub fn writable(mut self) -> Self {
        self.mode = MountMode::Writable;
        self
    }

    /// Gives the tool a private copy, which is deleted when the run ends.
    #[must_use]
    pub fn copied(mut self) -> Self {
        self.mode = MountMode::Copied;
        self
    }

    /// Adds a subdirectory, such as `projects`, whose contents a later run needs in order to resume a session. The
    /// host's policy decides whether the tool may write to it. By default, nothing that the tool writes there is kept.
    #[must_use]
    pub fn keeps(mut self, subdirectory: impl Into<Text>) -> Self {
        self.keeps.push(subdirectory.into());
        self
    }

    /// Mounts the profile's directory instead of `host`, and sets the variables of the profile to the path in the
    /// container.
    ///
    /// For the directory that the tool uses by default, no variable is set if another mount is only for that directory
    /// (see [`implicit_only`](Self::implicit_only)), because the tool finds both at their usual paths.
    #[must_use]
    pub fn profile(mut self) -> Self {
        self.is_profile = true;
        self
    }

    /// Mounts the file only together with the directory that the tool uses by default, next to which the file is. It is
    /// not mounted for a profile with another directory.
    #[must_use]
    pub fn implicit_only(mut self) -> Self {
        self.is_implicit_only = true;
        self
    }
}

/// The access of a tool to a mount.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum MountMode {
    /// The tool writes to a private copy, which is deleted when the run ends.
    Copied,
    /// The tool reads the directory itself and cannot write to it.
    #[default]
    ReadOnly,
    /// The tool reads and writes the directory itself.
    Writable,
}
