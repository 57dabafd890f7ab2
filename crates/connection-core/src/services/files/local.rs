//! The file service on the local disk. It reads what is really below a granted root, and nothing else.
//!
//! All work is done on threads that may block. A listed entry may be removed a moment later. A link that replaces a
//! directory between the check and the listing can show names and sizes outside of the root. The contents of files are
//! protected by [`open`](super::open), which opens them without following such a link.

use std::{
    collections::BTreeSet,
    fs,
    io::{self, Read},
    path::{Path, PathBuf},
    time::{SystemTime, UNIX_EPOCH},
};

use connection_contract::{
    BoxFuture, FileService, FileStat, FileType, GrantedDirectory, Secret, ServiceError, Timestamp,
};
use connection_egress::SecretBuffer;

use super::{
    bounds::{Bounds, ForbiddenFiles, Reading},
    open::open,
    refused::DirectoryRefused,
};
/// The maximum number of entries that are listed of a directory: the first by name.
const MAX_ENTRIES: usize = 10_000;

/// The size of a file and its modification time, as precise as the disk has it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct FileVersion {
    size: u64,
    modified: Option<SystemTime>,
}

/// The files below these roots that their owner may read now.
#[derive(Clone, Debug)]
pub(crate) struct LocalFiles {
    roots: Vec<GrantedDirectory>,
    reading: Reading,
}

/// The reason why a file is not read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum ReadRefusal {
    /// The granted directory is not opened, because the host protects it or restricts its owner.
    Refused(DirectoryRefused),
    /// Another reason, which the plugin gets unchanged. For `Refused`, the plugin gets [`ServiceError::Denied`].
    Service(ServiceError),
}

impl From<ServiceError> for ReadRefusal {
    fn from(error: ServiceError) -> Self {
        Self::Service(error)
    }
}

impl From<DirectoryRefused> for ReadRefusal {
    fn from(refused: DirectoryRefused) -> Self {
        Self::Refused(refused)
    }
}

impl From<ReadRefusal> for ServiceError {
    fn from(unread: ReadRefusal) -> Self {
        match unread {
            ReadRefusal::Refused(_) => Self::Denied,
            ReadRefusal::Service(error) => error,
        }
    }
}

impl LocalFiles {
    pub(crate) fn new(roots: impl IntoIterator<Item = GrantedDirectory>, reading: impl Into<Reading>) -> Self {
        Self { roots: roots.into_iter().collect(), reading: reading.into() }
    }

    /// Returns the size and modification time of a file, which change with its content.
    pub(crate) async fn mark(&self, root: &GrantedDirectory, path: &str) -> Result<FileVersion, ServiceError> {
        let mark = self.below(root, path, |place| {
            let metadata = fs::symlink_metadata(&place.canonical).map_err(|error| failure(&error))?;
            match metadata.is_file() {
                true => Ok(FileVersion { size: metadata.len(), modified: metadata.modified().ok() }),
                false => Err(ServiceError::NotFound.into()),
            }
        });
        Ok(mark.await?)
    }

    /// Returns `true` if this root was granted. It may no longer exist, or the policy may have closed it since.
    pub(crate) fn may_read(&self, root: &GrantedDirectory) -> bool {
        self.roots.contains(root)
    }

    pub(crate) fn has_roots(&self) -> bool {
        !self.roots.is_empty()
    }

    /// Returns why one of the roots is refused now, even though it was granted.
    pub(crate) async fn refused(&self) -> Option<DirectoryRefused> {
        for root in &self.roots {
            if let Err(ReadRefusal::Refused(refused)) = self.below(root, "", |_| Ok(())).await {
                return Some(refused);
            }
        }
        None
    }

    /// Runs `work` on a thread that may block, if the root was granted.
    async fn below<T: Send + 'static>(
        &self,
        root: &GrantedDirectory,
        path: &str,
        work: impl FnOnce(&OpenPath<'_>) -> Result<T, ReadRefusal> + Send + 'static,
    ) -> Result<T, ReadRefusal> {
        if !self.roots.contains(root) {
            return Err(ServiceError::Denied.into());
        }
        let bounds = self.reading.bounds().await?;
        let root = PathBuf::from(root.as_str());
        let path = path.to_owned();
        let work = move || work(&OpenPath::find(&bounds, root, &path)?);
        // A panic in `work` is a bug of this crate, and no reason to end the plugin.
        tokio::task::spawn_blocking(work).await.unwrap_or(Err(ServiceError::Unavailable.into()))
    }

    /// Returns the metadata of a path.
    pub(crate) async fn stated(&self, root: &GrantedDirectory, path: &str) -> Result<FileStat, ReadRefusal> {
        let stated = self.below(root, path, |place| {
            let metadata = fs::symlink_metadata(&place.canonical).map_err(|error| failure(&error))?;
            Ok(stat(place.name.clone(), &metadata))
        });
        stated.await
    }

    /// Returns the entries of a directory, by name.
    pub(crate) async fn listed(&self, root: &GrantedDirectory, path: &str) -> Result<Vec<FileStat>, ReadRefusal> {
        let listed = self.below(root, path, |place| {
            let mut names = BTreeSet::new();
            for entry in fs::read_dir(&place.canonical).map_err(|error| failure(&error))? {
                names.insert(entry.map_err(|error| failure(&error))?.file_name());
                if names.len() > MAX_ENTRIES {
                    names.pop_last();
                }
            }
            Ok(names.iter().map(|name| place.entry(Path::new(name))).collect())
        });
        listed.await
    }

    /// Returns the content of a file of at most `limit` bytes.
    pub(crate) async fn content(
        &self,
        root: &GrantedDirectory,
        path: &str,
        limit: usize,
    ) -> Result<Secret, ReadRefusal> {
        self.below(root, path, move |place| place.read(limit)).await
    }
}

impl FileService for LocalFiles {
    fn stat<'a>(&'a self, root: &'a GrantedDirectory, path: &'a str) -> BoxFuture<'a, Result<FileStat, ServiceError>> {
        Box::pin(async move { Ok(self.stated(root, path).await?) })
    }

    fn list<'a>(
        &'a self,
        root: &'a GrantedDirectory,
        path: &'a str,
    ) -> BoxFuture<'a, Result<Vec<FileStat>, ServiceError>> {
        Box::pin(async move { Ok(self.listed(root, path).await?) })
    }

    fn read<'a>(
        &'a self,
        root: &'a GrantedDirectory,
        path: &'a str,
        limit: usize,
    ) -> BoxFuture<'a, Result<Secret, ServiceError>> {
        Box::pin(async move { Ok(self.content(root, path, limit).await?) })
    }
}

/// A path that exists and is really below its root.
struct OpenPath<'a> {
    look: ForbiddenFiles<'a>,
    root: PathBuf,
    canonical: PathBuf,
    /// The name as it was requested, which may be that of a link.
    name: String,
}

impl<'a> OpenPath<'a> {
    fn find(bounds: &'a Bounds, root: PathBuf, path: &str) -> Result<Self, ReadRefusal> {
        let text = || root.display().to_string();
        if bounds.is_nothing() {
            return Err(DirectoryRefused::NoBound { path: text() }.into());
        }
        // If a link has replaced the root, it is not the directory that was granted.
        if root.canonicalize().map_err(|error| failure(&error))? != root || !bounds.allows(&root) {
            return Err(ServiceError::Denied.into());
        }
        let look = bounds.forbidden_files().map_err(|error| failure(&error))?;
        if !look.opens(&root).map_err(|error| failure(&error))? {
            return Err(DirectoryRefused::Protected { path: text() }.into());
        }
        let mut canonical = root.clone();
        // Resolved part by part, so that nothing is revealed about the target of a link that leads out.
        for part in parts(path)? {
            canonical = canonical.join(part).canonicalize().map_err(|error| failure(&error))?;
            if !canonical.starts_with(&root) || !look.shows(&canonical).map_err(|error| failure(&error))? {
                return Err(ServiceError::Denied.into());
            }
        }
        let name = path.rsplit('/').next().unwrap_or_default().to_owned();
        Ok(Self { look, root, canonical, name })
    }

    /// Returns one entry of this directory. A link below the root shows its target.
    fn entry(&self, name: &Path) -> FileStat {
        let text = name.to_string_lossy().into_owned();
        // Paths are text, so a name that is not Unicode cannot be requested.
        let askable = name.to_str().is_some_and(|name| parts(name).is_ok());
        let path = self.canonical.join(name);
        let real = path.canonicalize().ok().filter(|real| askable && real.starts_with(&self.root));
        match real.and_then(|real| fs::symlink_metadata(real).ok()) {
            Some(metadata) => stat(text, &metadata),
            None => FileStat::new(text, FileType::Other),
        }
    }

    fn read(&self, limit: usize) -> Result<Secret, ReadRefusal> {
        // Opening a device or a pipe can have side effects.
        let before = fs::symlink_metadata(&self.canonical).map_err(|error| failure(&error))?;
        if !before.is_file() {
            return Err(ServiceError::NotFound.into());
        }
        let below = self.canonical.strip_prefix(&self.root).map_err(|_| ServiceError::Denied)?;
        let opened = open(&self.look, &self.root, below).map_err(|error| failure(&error))?;
        let mut file = opened.ok_or(ServiceError::Denied)?;
        let metadata = file.metadata().map_err(|error| failure(&error))?;
        if !metadata.is_file() {
            return Err(ServiceError::NotFound.into());
        }
        if metadata.len() > u64::try_from(limit).unwrap_or(u64::MAX) {
            return Err(ServiceError::TooLarge.into());
        }
        let mut collected = SecretBuffer::new(limit, Some(metadata.len()));
        let mut piece = vec![0; 64 * 1024];
        let outcome = copy(&mut file, &mut piece, &mut collected);
        drop(Secret::new(piece));
        outcome?;
        Ok(collected.into_secret())
    }
}

/// Reads to the end of the file or to the limit. The file may grow meanwhile.
fn copy(file: &mut impl Read, piece: &mut [u8], collected: &mut SecretBuffer) -> Result<(), ServiceError> {
    loop {
        let read = file.read(piece).map_err(|error| failure(&error))?;
        match piece.get(..read) {
            None | Some([]) => return Ok(()),
            Some(bytes) => collected.push(bytes).map_err(|_| ServiceError::TooLarge)?,
        }
    }
}

/// Returns the parts of a relative path as the contract defines it: separated by `/`, none of them empty, `.` or
/// `..`, and none that some platform reads as more than a name.
fn parts(path: &str) -> Result<Vec<&str>, ServiceError> {
    if path.is_empty() {
        return Ok(Vec::new());
    }
    let odd = |c: char| c == '\0' || (cfg!(windows) && matches!(c, '\\' | ':'));
    let name = |part: &str| !matches!(part, "" | "." | "..") && !part.contains(odd);
    path.split('/').map(|part| name(part).then_some(part).ok_or(ServiceError::Denied)).collect()
}

fn stat(name: String, metadata: &fs::Metadata) -> FileStat {
    let file_type = match metadata.file_type() {
        kind if kind.is_dir() => FileType::Directory,
        kind if kind.is_file() => FileType::File,
        _ => FileType::Other,
    };
    let modified = metadata.modified().ok().and_then(|time| time.duration_since(UNIX_EPOCH).ok());
    let modified = modified.and_then(|since| i64::try_from(since.as_secs()).ok()).map(Timestamp::from_seconds);
    let size = if file_type == FileType::File { metadata.len() } else { 0 };
    FileStat::new(name, file_type).size(size).modified(modified)
}

fn failure(error: &io::Error) -> ServiceError {
    match error.kind() {
        io::ErrorKind::NotFound | io::ErrorKind::NotADirectory => ServiceError::NotFound,
        _ => ServiceError::Unavailable,
    }
}
