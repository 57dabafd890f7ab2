//! The parts of a tool's configuration that the tool may write from a container, if the host's policy allows it.
//!
//! Nothing is writable by default. A directory that is allowed lies within the configuration: its name has no `..`,
//! each part of it is written as the disk has it, and no part is a link.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use connection_contract::{ConfigMount, MountMode};
use connection_core::sandbox_rules;

use super::{SandboxError, SandboxMount, compose::unmountable};

/// The parts of a tool's configuration in which changes from a container stay.
///
/// The same tool reads these changes outside of containers. A whole configuration can hold settings that name
/// programs to run, so allow it only for tools that you also trust outside of a container.
///
/// # Examples
///
/// ```
/// use connection_agent::{SandboxPolicy, SandboxWritable};
///
/// let policy = SandboxPolicy::new().writable(SandboxWritable::Subdirectories(vec!["projects".to_owned()]));
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum SandboxWritable {
    /// The subdirectories that the kind declares with [`ConfigMount::keeps`].
    Declared,
    /// Each directory of the configuration. A file beside it remains a copy: tools replace a file by renaming
    /// another one, which the mount of a single file does not allow.
    Everything,
    /// No part is writable: changes are lost when the run ends.
    #[default]
    Nothing,
    /// The subdirectories with these names in each directory of the configuration, such as `projects`.
    Subdirectories(Vec<String>),
}

impl SandboxWritable {
    /// Returns how a directory or file of the configuration is mounted. A path that a kind declares as writable is
    /// a copy unless the host allows everything.
    pub(super) fn mode(&self, mount: &ConfigMount, is_directory: bool) -> MountMode {
        match (self, mount.mode) {
            (Self::Everything, _) if is_directory => MountMode::Writable,
            (_, MountMode::Writable) => MountMode::Copied,
            (_, mode) => mode,
        }
    }

    /// Returns mounts for the subdirectories that stay writable, each below the target of the whole configuration.
    pub(super) fn mounts(
        &self,
        mount: &ConfigMount,
        configuration: &Path,
        left_out: &mut Vec<String>,
    ) -> Result<Vec<SandboxMount>, SandboxError> {
        let declared: Vec<_>;
        let names: Vec<&str> = match self {
            Self::Nothing | Self::Everything => return Ok(Vec::new()),
            Self::Declared => {
                declared = mount.keeps.clone();
                declared.iter().map(|name| &**name).collect()
            }
            Self::Subdirectories(names) => names.iter().map(String::as_str).collect(),
        };
        let mut mounts = Vec::new();
        for name in outermost(&names) {
            let part = Part { configuration: configuration.to_owned(), name: name.to_owned() };
            match part.find()? {
                Some(source) => {
                    let target = format!("{}/{name}", mount.container.trim_end_matches('/'));
                    mounts.push(SandboxMount { part: Some(part), ..SandboxMount::writable(source, &target)? });
                }
                None => left_out.push(format!(
                    "{}/{name}: {} does not exist, so nothing that is written there is kept",
                    mount.container,
                    configuration.join(name).display()
                )),
            }
        }
        Ok(mounts)
    }
}

fn outermost<'a>(names: &[&'a str]) -> Vec<&'a str> {
    let is_below = |name: &str, other: &str| name.strip_prefix(other).is_some_and(|rest| rest.starts_with('/'));
    let mut kept: Vec<_> =
        names.iter().copied().filter(|name| !names.iter().any(|other| is_below(name, other))).collect();
    kept.sort_unstable();
    kept.dedup();
    kept
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Part {
    configuration: PathBuf,
    name: String,
}

impl Part {
    /// Returns the real path of the subdirectory, or `None` if it does not exist. A link in the path below the
    /// configuration is an error.
    ///
    /// This is called again just before the container starts, since another container may have written in the
    /// meantime.
    pub(super) fn find(&self) -> Result<Option<PathBuf>, SandboxError> {
        sandbox_rules::check_subdirectory(&self.name).map_err(|problem| unmountable(Path::new(&self.name), problem))?;
        // A person may name the configuration by a link. Nothing below it may be one.
        let Ok(mut path) = self.configuration.canonicalize() else { return Ok(None) };
        for part in self.name.split('/') {
            // A file system that ignores case would also find a name that is spelled differently.
            let is_listed = has_entry(&path, part).map_err(|_| unmountable(&path, "it cannot be read"))?;
            path.push(part);
            if !is_listed {
                return Ok(None);
            }
            match fs::symlink_metadata(&path) {
                Ok(found) if found.is_symlink() => {
                    return Err(unmountable(&path, "it is a link, which may lead out of the configuration"));
                }
                Ok(found) if found.is_dir() => {}
                Ok(_) => return Err(unmountable(&path, "it is not a directory")),
                Err(_) => return Ok(None),
            }
        }
        Ok(Some(path))
    }
}

fn has_entry(directory: &Path, name: &str) -> io::Result<bool> {
    for entry in fs::read_dir(directory)? {
        if entry?.file_name() == name {
            return Ok(true);
        }
    }
    Ok(false)
}
