//! The environment of a host, and the paths that follow from it. It is read at each use, so that changes take
//! effect.

use std::{ffi::OsString, fmt, path::PathBuf};

use connection_contract::{PathBase, PathSpec};

/// The environment variables of a process. A host with a separate environment for each user implements this itself.
pub trait Environment: Send + Sync {
    /// Returns the value of a variable; `None` if it is not set.
    fn variable(&self, name: &str) -> Option<OsString>;
}

impl<F: Fn(&str) -> Option<OsString> + Send + Sync> Environment for F {
    fn variable(&self, name: &str) -> Option<OsString> {
        self(name)
    }
}

/// The environment variables of this process.
#[derive(Clone, Copy, Default)]
#[expect(clippy::exhaustive_structs, reason = "it holds nothing")]
pub struct SystemEnvironment;

impl fmt::Debug for SystemEnvironment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SystemEnvironment")
    }
}

impl Environment for SystemEnvironment {
    #[expect(clippy::disallowed_methods, reason = "this is what is injected, unless the host gives another one")]
    fn variable(&self, name: &str) -> Option<OsString> {
        std::env::var_os(name)
    }
}

/// Resolves a path of a plugin; returns `None` if the environment does not define its base. Does not read the disk.
pub(crate) fn resolve(environment: &dyn Environment, path: &PathSpec) -> Option<PathBuf> {
    let mut resolved = base(environment, &path.base)?;
    resolved.extend(path.parts());
    Some(resolved)
}

fn base(environment: &dyn Environment, base: &PathBase) -> Option<PathBuf> {
    match base {
        PathBase::Env(name) => directory(environment, name),
        PathBase::Home => home(environment),
        PathBase::Config if cfg!(windows) => directory(environment, "APPDATA"),
        PathBase::Config if cfg!(target_os = "macos") => {
            Some(home(environment)?.join("Library").join("Application Support"))
        }
        PathBase::Config => {
            directory(environment, "XDG_CONFIG_HOME").or_else(|| Some(home(environment)?.join(".config")))
        }
        _ => None,
    }
}

fn home(environment: &dyn Environment) -> Option<PathBuf> {
    directory(environment, if cfg!(windows) { "USERPROFILE" } else { "HOME" })
}

/// Returns the directory that a variable names. A relative path is ignored, because it depends on the working
/// directory.
fn directory(environment: &dyn Environment, name: &str) -> Option<PathBuf> {
    environment.variable(name).map(PathBuf::from).filter(|path| path.is_absolute())
}
