//! The parts of a tool's configuration that a tool in a container may write, where the host's policy allows it.
//!
//! Nothing is writable by default. A directory that is allowed lies within the configuration: its name has no `..`, each
//! part of it is written as the disk has it, and no part is a link.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use connection_contract::{ConfigMount, MountMode, PathBase, PathSpec};

use super::{SandboxError, SandboxMount, compose::unmountable};

/// The parts of a tool's configuration that stay as a tool in a container leaves them.
///
/// What a tool writes there is read by the same tool outside of containers. A whole configuration can hold settings that
/// name programs to run, so a host allows it only to tools that it trusts outside of a container, too.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum SandboxWritable {
    /// The subdirectories that the kind declares with [`ConfigMount::keeps`].
    Declared,
    /// Each directory of the configuration. A file beside it remains a copy: tools replace a file by renaming another one,
    /// which the mount of a single file does not allow.
    Everything,
    /// Nothing: what the tool writes is gone when its run ends.
    #[default]
    Nothing,
    /// These subdirectories of each directory of the configuration, such as `projects`.
    Subdirectories(Vec<String>),
}

impl SandboxWritable {
    /// How a directory or file of the configuration is mounted. What a kind declares as writable is a copy unless the host
    /// allows everything.
    pub(super) fn mode(&self, mount: &ConfigMount, is_directory: bool) -> MountMode {
        match (self, mount.mode) {
            (Self::Everything, _) if is_directory => MountMode::Writable,
            (_, MountMode::Writable) => MountMode::Copied,
            (_, mode) => mode,
        }
    }

    /// Mounts the subdirectories of a configuration that stay writable, each below the place of the whole.
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
                    "{}/{name}: {} is not there, so nothing that is written there stays",
                    mount.container,
                    configuration.join(name).display()
                )),
            }
        }
        Ok(mounts)
    }
}

/// Leaves out the names that lie below another one.
fn outermost<'a>(names: &[&'a str]) -> Vec<&'a str> {
    let is_below = |name: &str, other: &str| name.strip_prefix(other).is_some_and(|rest| rest.starts_with('/'));
    let mut kept: Vec<_> =
        names.iter().copied().filter(|name| !names.iter().any(|other| is_below(name, other))).collect();
    kept.sort_unstable();
    kept.dedup();
    kept
}

/// A subdirectory of a configuration.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Part {
    configuration: PathBuf,
    name: String,
}

impl Part {
    /// Returns where it is, without a link, or `None` where it is not there.
    ///
    /// It is asked again just before the container starts, since another container may have written in the meantime.
    pub(super) fn find(&self) -> Result<Option<PathBuf>, SandboxError> {
        plain(&self.name)?;
        // A person may name the configuration by a link. Nothing below it may be one.
        let Ok(mut path) = self.configuration.canonicalize() else { return Ok(None) };
        for part in self.name.split('/') {
            // A file system that does not tell upper from lower case finds a name that is written in another way.
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

/// Refuses a name that is not a relative path of plain parts.
pub(super) fn plain(name: &str) -> Result<(), SandboxError> {
    let is_plain = !name.is_empty()
        && !name.chars().any(|c| c.is_control() || matches!(c, ',' | '"'))
        && PathSpec::new(PathBase::Home, name.to_owned()).is_some();
    let problem = "a subdirectory of a configuration is a relative path without '..', as in projects";
    if is_plain { Ok(()) } else { Err(unmountable(Path::new(name), problem)) }
}

fn has_entry(directory: &Path, name: &str) -> io::Result<bool> {
    for entry in fs::read_dir(directory)? {
        if entry?.file_name() == name {
            return Ok(true);
        }
    }
    Ok(false)
}
