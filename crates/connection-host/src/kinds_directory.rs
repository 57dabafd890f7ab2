//! Kinds of the user: the files in the directory `kinds` beside the configuration file.

use std::{
    collections::BTreeMap,
    fs, io,
    path::{Path, PathBuf},
    time::SystemTime,
};

use connection_contract::Kind;
use connection_core::{FileContent, GuardedFile, RegistryBuilder};
use connection_manifest::{FileKind, KindFile, KindSet};

use crate::platform::device;

/// The files of a directory, as they were at one look.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Stamps {
    /// The time of the last change and the size of each file, as far as they can be read.
    pub(crate) files: BTreeMap<PathBuf, Option<(SystemTime, u64)>>,
    /// The device of the directory; `None` if the directory does not exist.
    device: Option<u64>,
}

impl Stamps {
    /// Returns `true` if the files are gone since the look `before` because the directory is: it does not exist, or what
    /// is in its place is on another device, as after the end of a mount.
    pub(crate) fn are_gone_with_directory(&self, before: &Self) -> bool {
        self.files.is_empty() && !before.files.is_empty() && self.device != before.device
    }
}

/// The kinds of a directory, and what is wrong with its files.
#[derive(Default)]
pub(crate) struct OwnKinds {
    /// Each kind, and its file.
    pub(crate) kinds: Vec<(PathBuf, FileKind)>,
    /// One sentence for each problem of a file. A file with a problem is left out, and the others are used.
    pub(crate) problems: BTreeMap<PathBuf, Vec<String>>,
    /// The files before they were read, so that a change during the reading is seen later.
    pub(crate) stamps: Stamps,
}

/// Reads the files when a command begins. A directory that cannot be read is a problem, and the command works without
/// its kinds.
pub(crate) fn read_at_start(directory: &Path) -> OwnKinds {
    read(directory).unwrap_or_else(|error| {
        let problem = format!("the kinds in {} are not used: {error}", directory.display());
        OwnKinds { problems: BTreeMap::from([(directory.to_owned(), vec![problem])]), ..OwnKinds::default() }
    })
}

/// Reads the files that end in `.toml` or `.json`. Hidden files, such as the locks of editors, are no kinds. A directory
/// that does not exist is empty.
///
/// # Errors
///
/// The directory cannot be read, so nothing is known about its files.
pub(crate) fn read(directory: &Path) -> io::Result<OwnKinds> {
    let mut own = OwnKinds { stamps: stamps(directory)?, ..OwnKinds::default() };
    let mut set = KindSet::new();
    for path in own.stamps.files.keys() {
        let name = path.display().to_string();
        match bytes(path) {
            Ok(bytes) => set = set.bytes(name, &bytes),
            Err(problem) => {
                own.problems.entry(path.clone()).or_default().push(format!("{name} is not used: {problem}"));
            }
        }
    }
    let (kinds, problems) = set.read();
    for kind in &kinds {
        let path = PathBuf::from(kind.file());
        match refused(kind, kind.file()) {
            Some(problem) => own.problems.entry(path).or_default().push(problem),
            None => own.kinds.push((path, kind.definition())),
        }
    }
    for problem in &problems {
        own.problems.entry(problem.file.as_str().into()).or_default().push(problem.to_string());
    }
    Ok(own)
}

/// Returns why a registry refuses the kind of a file, which is at `place`.
pub(crate) fn refused(kind: &KindFile, place: &str) -> Option<String> {
    RegistryBuilder::check_kind(kind.definition()).err().map(|error| format!("{place}: {error}"))
}

/// Returns the files, in the order of their names; none of a directory that cannot be read.
pub(crate) fn files(directory: &Path) -> Vec<PathBuf> {
    stamps(directory).unwrap_or_default().files.into_keys().collect()
}

/// Returns the files with their times and sizes. A directory that does not exist is empty.
///
/// # Errors
///
/// The directory cannot be read, for example because the process has too many open files.
pub(crate) fn stamps(directory: &Path) -> io::Result<Stamps> {
    let device = match fs::metadata(directory) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Stamps::default()),
        metadata => Some(device(&metadata?)),
    };
    let entries = fs::read_dir(directory)?;
    let is_kind = |path: &PathBuf| {
        let is_hidden = path.file_name().is_none_or(|name| name.as_encoded_bytes().starts_with(b"."));
        let extension = path.extension().and_then(|extension| extension.to_str());
        !is_hidden && extension.is_some_and(|extension| matches!(extension, "toml" | "json"))
    };
    let paths = entries.map(|entry| entry.map(|entry| entry.path())).collect::<io::Result<Vec<PathBuf>>>()?;
    let stamp = |path: &Path| {
        let metadata = fs::metadata(path).ok()?;
        Some((metadata.modified().ok()?, metadata.len()))
    };
    let files = paths.into_iter().filter(is_kind).map(|path| (path.clone(), stamp(&path))).collect();
    Ok(Stamps { files, device })
}

/// Returns `true` if a file has the name that the file of this kind has.
pub(crate) fn describes(file: &Path, kind: &Kind) -> bool {
    file.file_stem().is_some_and(|stem| stem == kind.as_str())
}

/// Returns the files that describe the kind `id`, or that should, by their names.
pub(crate) fn files_of(directory: &Path, id: &str) -> Vec<PathBuf> {
    let is_named = |path: &PathBuf| path.file_stem().is_some_and(|stem| stem == id);
    files(directory).into_iter().filter(is_named).collect()
}

/// Returns the content of a file that nobody else can change: it decides where secrets are sent.
///
/// A file that is too large is cut one byte after the limit, and refused where it is parsed.
pub(crate) fn bytes(path: &Path) -> Result<Vec<u8>, String> {
    let unreadable = |error: io::Error| format!("it cannot be read: {error}");
    // A pipe would block, so the type is checked before the file is opened.
    if !fs::metadata(path).map_err(unreadable)?.is_file() {
        return Err("it is not a file; put the file itself there".to_owned());
    }
    let mut file = GuardedFile::open(path).map_err(unreadable)?;
    file.check(FileContent::Settings).map_err(|exposed| format!("{exposed}; {}", exposed.remedy()))?;
    file.read_limited(KindFile::MAX_BYTES as u64).map_err(unreadable)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_directory_that_cannot_be_read_is_not_an_empty_one() {
        let home = tempfile::tempdir().unwrap();
        let kinds = home.path().join("kinds");
        assert!(read(&kinds).unwrap().stamps.files.is_empty(), "it does not exist");
        fs::write(&kinds, "").unwrap();
        assert!(stamps(&kinds).is_err() && read(&kinds).is_err());
        let own = read_at_start(&kinds);
        assert!(own.kinds.is_empty() && own.problems.contains_key(&kinds), "the person is told");
    }

    #[test]
    fn files_that_are_gone_with_their_directory_are_told_from_deleted_ones() {
        let file = || BTreeMap::from([(PathBuf::from("acme.toml"), None)]);
        let before = Stamps { files: file(), device: Some(1) };
        for (files, device, expected) in [
            (BTreeMap::new(), None, true),
            (BTreeMap::new(), Some(2), true),
            (BTreeMap::new(), Some(1), false),
            (file(), Some(2), false),
        ] {
            let now = Stamps { files, device };
            assert_eq!(now.are_gone_with_directory(&before), expected, "{now:?}");
        }
        let empty = Stamps { device: Some(1), ..Stamps::default() };
        assert!(!Stamps::default().are_gone_with_directory(&empty), "there was no file");
    }
}
