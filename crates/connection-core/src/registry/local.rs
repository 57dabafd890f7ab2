//! The face of the machine: its environment, and the local tools that kinds may use.

use std::{
    io,
    path::{Path, PathBuf},
};

use connection_contract::PathSpec;

use super::ConnectionRegistry;
use crate::{ToolPolicy, owner::has_environment, services::environment};

/// The tools and files of this machine, as far as the owner of the handle may use them.
///
/// A program that starts local tools by itself, such as in a container, uses it to find the files of a tool and to
/// apply the host's policy. A host provides its tools and files with [`Machine`](crate::Machine).
///
/// # Examples
///
/// ```
/// use std::path::PathBuf;
///
/// use connection_contract::{Kind, PathSpec};
/// use connection_core::ConnectionRegistry;
///
/// /// Returns a file of a tool's user, if the host's policy lets the kind name the file.
/// fn settings(registry: &ConnectionRegistry, kind: &Kind, file: &PathSpec) -> Option<PathBuf> {
///     let tool = registry.kinds().get(kind)?.descriptor.tools.first()?.clone();
///     registry.local().tools().check_tool(&tool.extra_path(file.clone())).ok()?;
///     registry.local().resolve(file)
/// }
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Local<'a> {
    registry: &'a ConnectionRegistry,
}

impl ConnectionRegistry {
    /// Returns this machine, as far as the owner of this handle may use it.
    pub fn local(&self) -> Local<'_> {
        Local { registry: self }
    }
}

impl<'a> Local<'a> {
    /// Returns `true` for the owner that uses the environment of this process, with its home directory and the files
    /// that tools keep there. No other owner may use it.
    pub fn has_environment(self) -> bool {
        has_environment(&self.registry.owner)
    }

    /// Returns the path that a specification names in the environment of this process. Does not read the disk.
    ///
    /// Returns `None` if the environment does not define the base of the path, or does not belong to the owner.
    pub fn resolve(self, path: &PathSpec) -> Option<PathBuf> {
        self.has_environment().then(|| environment::resolve(&*self.registry.systems.ground.environment, path)).flatten()
    }

    /// Returns `true` if a directory is one that the host [protects](crate::FilesPolicy::protect), lies inside one or
    /// contains one. A host gives no program such a directory.
    ///
    /// # Errors
    ///
    /// The directory, or a protected path, cannot be examined.
    pub fn protects(self, directory: &Path) -> io::Result<bool> {
        self.registry.systems.ground.files.protects(directory)
    }

    /// Returns the policy for local tools.
    pub fn tools(self) -> &'a ToolPolicy {
        &self.registry.systems.ground.local_services.tools
    }
}
