//! Paths as data. A plugin names a directory without reading the environment.

use alloc::{string::String, vec::Vec};

use crate::Text;

/// The directory that a [`PathSpec`] starts at. The host resolves it when the path is used.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum PathBase {
    /// The user's configuration directory on this platform.
    Config,
    /// The directory that an environment variable names.
    Env(Text),
    /// The user's home directory.
    Home,
}

/// A path relative to a directory that only the host can resolve.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct PathSpec {
    /// The directory that the path starts at.
    pub base: PathBase,
    /// Relative path with `/` as the separator, without `.` and `..` parts.
    pub relative: Text,
}

impl PathSpec {
    /// Creates a path below `base`. Returns `None` if `relative` is absolute or contains an empty, `.` or `..` part.
    pub fn new(base: PathBase, relative: impl Into<Text>) -> Option<Self> {
        let relative = relative.into();
        let plain = |part: &str| !matches!(part, "" | "." | "..") && !part.contains(['\\', '\0', ':']);
        let fits = relative.is_empty() || relative.split('/').all(plain);
        fits.then_some(Self { base, relative })
    }

    /// Returns the parts of the relative path.
    pub fn parts(&self) -> Vec<String> {
        self.relative.split('/').filter(|part| !part.is_empty()).map(Into::into).collect()
    }
}
