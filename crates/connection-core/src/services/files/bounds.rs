//! The files that one owner may read at one moment: within the host's bounds, and not protected.

use std::{
    fs::{self, File},
    io,
    path::{Path, PathBuf},
    sync::Arc,
};

use connection_contract::{GrantedDirectory, Kind, ServiceError, host};

use super::{
    FilesPolicy,
    identity::{self, Directory, Identity},
    policy::Bound,
    protected::ProtectedNow,
    refused::{DirectoryRefused, GrantError},
};
use crate::{
    contain::Runtimes,
    kinds::KindTable,
    owner::{DEFAULT_OWNER, has_environment},
    store::Store,
};

/// The directory of a profile of some owner.
#[derive(Clone, Debug)]
pub(crate) struct ProfileDirectory {
    pub(crate) owner: String,
    pub(crate) path: PathBuf,
    /// Files of which at least one exists after the tool has used the directory; empty if none are known.
    pub(crate) signs: Vec<String>,
}

impl ProfileDirectory {
    fn is_used(&self) -> bool {
        self.signs.is_empty() || self.signs.iter().any(|sign| fs::symlink_metadata(self.path.join(sign)).is_ok())
    }
}

/// Access to the directories of the profiles of all owners.
#[derive(Clone)]
pub(crate) struct ProfileDirectories {
    store: Store,
    kinds: Arc<KindTable>,
    runtimes: Arc<Runtimes>,
}

impl ProfileDirectories {
    pub(crate) fn new(store: Store, kinds: Arc<KindTable>, runtimes: Arc<Runtimes>) -> Self {
        Self { store, kinds, runtimes }
    }

    async fn read(&self) -> Result<Vec<ProfileDirectory>, ServiceError> {
        let store = self.store.clone();
        // Runs on a task of the core, because the store's connections belong to its runtime.
        let read = self.runtimes.spawn(async move { store.reader().await?.profile_directories().await });
        let rows = read.await.map_err(|_| ServiceError::Unavailable)?.map_err(|error| {
            tracing::warn!(%error, "no file is read, because the profiles of other owners cannot be looked up");
            ServiceError::Unavailable
        })?;
        let found = rows.into_iter().map(|(owner, kind, path)| {
            let kind = Kind::parse(&kind).and_then(|kind| self.kinds.entry(&kind));
            let probe = kind.and_then(|entry| entry.profiles.clone()).and_then(|spec| spec.probe);
            let signs = probe.map(|probe| {
                let logins = probe.logins.into_iter().map(|login| login.file.to_string());
                probe.markers.into_iter().map(|marker| marker.to_string()).chain(logins).collect()
            });
            ProfileDirectory { owner, path: path.into(), signs: signs.unwrap_or_default() }
        });
        Ok(found.collect())
    }
}

/// An owner on whose behalf files are read, with access to the list of profiles.
#[derive(Clone)]
pub(crate) struct Reading {
    policy: Arc<FilesPolicy>,
    owner: Arc<str>,
    /// `None` outside of a registry.
    profiles: Option<ProfileDirectories>,
}

impl std::fmt::Debug for Reading {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Reading").field("policy", &self.policy).field("owner", &self.owner).finish_non_exhaustive()
    }
}

impl Reading {
    /// Creates a reader for an owner of a registry.
    pub(crate) fn new(policy: Arc<FilesPolicy>, owner: &str, profiles: ProfileDirectories) -> Self {
        Self { policy, owner: owner.into(), profiles: Some(profiles) }
    }

    /// Returns what the owner may read now.
    ///
    /// # Errors
    ///
    /// Errors of the store: without the list of profiles, directories of other owners cannot be recognized.
    pub(crate) async fn bounds(&self) -> Result<Bounds, ServiceError> {
        let profiles = match &self.profiles {
            None => Vec::new(),
            Some(profiles) => profiles.read().await?,
        };
        Ok(Bounds { policy: self.policy.clone(), owner: self.owner.clone(), profiles })
    }
}

/// Creates a reader for the owner of the process, without profiles of other owners.
impl From<FilesPolicy> for Reading {
    fn from(policy: FilesPolicy) -> Self {
        Self { policy: Arc::new(policy), owner: DEFAULT_OWNER.into(), profiles: None }
    }
}

/// The files that an owner may read.
#[derive(Clone, Debug)]
pub(crate) struct Bounds {
    policy: Arc<FilesPolicy>,
    owner: Arc<str>,
    profiles: Vec<ProfileDirectory>,
}

impl Bounds {
    /// Turns an answer into a granted directory. Reads the disk, so it must be called where blocking is allowed.
    pub(crate) fn grant(&self, text: &str) -> Result<GrantedDirectory, GrantError> {
        let path = || text.to_owned();
        let given = Path::new(text);
        if !given.is_absolute() {
            return Err(GrantError::NotAbsolute { path: path() });
        }
        let canonical = given.canonicalize().map_err(|error| match error.kind() {
            io::ErrorKind::NotFound => GrantError::NotFound { path: path() },
            io::ErrorKind::NotADirectory => GrantError::NotADirectory { path: path() },
            _ => GrantError::Closed { path: path() },
        })?;
        if !canonical.is_dir() {
            return Err(GrantError::NotADirectory { path: path() });
        }
        // The error for a refused directory reveals nothing about it, not even that it cannot be listed.
        if let Bound::Nothing = self.bound() {
            return Err(DirectoryRefused::NoBound { path: path() }.into());
        }
        let refused = || GrantError::from(DirectoryRefused::Protected { path: path() });
        if !self.forbidden_files().and_then(|look| look.opens(&canonical)).unwrap_or_default() {
            return Err(refused());
        }
        if fs::read_dir(&canonical).is_err() {
            return Err(GrantError::Closed { path: path() });
        }
        if !self.allows(&canonical) {
            let allowed = match self.bound() {
                Bound::Below(paths) => {
                    paths.iter().map(|path| path.display().to_string()).collect::<Vec<_>>().join(" or ")
                }
                Bound::Nothing | Bound::Unbounded => String::new(),
            };
            return Err(GrantError::OutOfBounds { path: path(), allowed });
        }
        canonical.to_str().map(host::granted_directory).ok_or_else(|| GrantError::NotUnicode { path: path() })
    }

    /// Returns `true` if a canonical path is within the bounds of the owner.
    pub(crate) fn allows(&self, canonical: &Path) -> bool {
        self.bound().allows(canonical)
    }

    /// Returns `true` if the owner is allowed nothing at all.
    pub(super) fn is_nothing(&self) -> bool {
        matches!(self.bound(), Bound::Nothing)
    }

    fn bound(&self) -> Bound<'_> {
        self.policy.bound(&self.owner)
    }

    /// Looks up what must not be read now.
    pub(crate) fn forbidden_files(&self) -> io::Result<ForbiddenFiles<'_>> {
        let profiles = self.profiles.iter().filter_map(|profile| {
            // A directory that is missing, or that the process cannot open, is closed to everybody.
            let identity = Directory::open(&profile.path).and_then(|directory| directory.identity()).ok()?;
            Some((identity, profile))
        });
        Ok(ForbiddenFiles { bounds: self, protected: self.policy.protected.look()?, profiles: profiles.collect() })
    }
}

/// The directories and files that must not be read at one moment.
pub(crate) struct ForbiddenFiles<'a> {
    bounds: &'a Bounds,
    protected: ProtectedNow,
    profiles: Vec<(Identity, &'a ProfileDirectory)>,
}

impl ForbiddenFiles<'_> {
    /// Returns `true` if a root may be at that path.
    pub(crate) fn opens(&self, root: &Path) -> io::Result<bool> {
        self.opens_directory(&Directory::open(root)?)
    }

    /// Returns `true` if this directory may be a root.
    pub(super) fn opens_directory(&self, root: &Directory) -> io::Result<bool> {
        let directories = root.and_above()?;
        let contains = directories.first().is_some_and(|root| self.protected.lies_in(root));
        Ok(!contains && !self.closes(&directories))
    }

    /// Returns `true` if the file or directory at that path may be read below a root. A link is not followed.
    pub(crate) fn shows(&self, path: &Path) -> io::Result<bool> {
        if fs::symlink_metadata(path)?.is_dir() {
            return Ok(!self.closes(&Directory::open(path)?.and_above()?));
        }
        let directory = path.parent().map(Directory::open).transpose()?;
        let directories = directory.map(|directory| directory.and_above()).transpose()?;
        let is_closed = directories.is_some_and(|directories| self.closes(&directories));
        // A pipe or a broken link is not a protected file.
        Ok(!is_closed && !identity::at(path).is_ok_and(|file| self.protected.has_file(&file)))
    }

    /// Returns `true` if this file, which was opened in this directory, may be read.
    #[cfg(unix)]
    pub(super) fn shows_file(&self, directory: &Directory, file: &File) -> io::Result<bool> {
        Ok(!self.closes(&directory.and_above()?) && !self.protected.has_file(&identity::of_file(file)?))
    }

    /// Returns `true` if this file, which was opened at a path that may be read, may be read.
    #[cfg(not(unix))]
    pub(super) fn shows_file(&self, path: &Path, _: &File) -> io::Result<bool> {
        self.shows(path)
    }

    /// Returns `true` if a directory is closed to the owner, given with the directories that it lies in.
    fn closes(&self, directories: &[Identity]) -> bool {
        self.protected.holds_any(directories) || self.is_of_another_profile(directories)
    }

    /// Returns `true` if the directory is that of a profile of another owner, or lies inside it.
    ///
    /// A profile closes its directory only after its tool has used it, and only if its owner could read it: an
    /// owner must not close a directory to others by creating a profile above it. The owner of the process can
    /// always read the directories of its own profiles.
    fn is_of_another_profile(&self, directories: &[Identity]) -> bool {
        let Bounds { owner, policy, .. } = self.bounds;
        let here =
            || self.profiles.iter().filter(|(identity, _)| directories.contains(identity)).map(|(_, found)| *found);
        if has_environment(owner) && here().any(|profile| *profile.owner == **owner) {
            return false;
        }
        let may_read = |profile: &ProfileDirectory| {
            has_environment(&profile.owner)
                || profile.path.canonicalize().is_ok_and(|path| policy.bound(&profile.owner).allows(&path))
        };
        here().any(|profile| *profile.owner != **owner && profile.is_used() && may_read(profile))
    }
}

/// Creates the bounds for use without a registry: those of the owner of the process.
impl From<FilesPolicy> for Bounds {
    fn from(policy: FilesPolicy) -> Self {
        Self { policy: Arc::new(policy), owner: DEFAULT_OWNER.into(), profiles: Vec::new() }
    }
}
