//! Paths as data: what a plugin can say about a directory without reading an environment.

use alloc::{string::String, vec::Vec};

use crate::Text;

/// Where a [`PathSpec`] starts; the host resolves it at use.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum PathBase {
    /// The platform's configuration directory of the user.
    Config,
    /// The directory that an environment variable names.
    Env(Text),
    /// The user's home directory.
    Home,
}

/// A path relative to a base that only the host can resolve.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct PathSpec {
    /// Where it starts.
    pub base: PathBase,
    /// Relative, with `/`; without `.` and `..` parts.
    pub relative: Text,
}

impl PathSpec {
    /// A path below `base`; `None` when `relative` is absolute or has an empty, `.` or `..` part.
    pub fn new(base: PathBase, relative: impl Into<Text>) -> Option<Self> {
        let relative = relative.into();
        let plain = |part: &str| !matches!(part, "" | "." | "..") && !part.contains(['\\', '\0', ':']);
        let fits = relative.is_empty() || relative.split('/').all(plain);
        fits.then_some(Self { base, relative })
    }

    /// The parts of the relative path.
    pub fn parts(&self) -> Vec<String> {
        self.relative.split('/').filter(|part| !part.is_empty()).map(Into::into).collect()
    }
}
