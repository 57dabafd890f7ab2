//! Kinds of the user: the files in the directory `kinds` beside the configuration file.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use connection_core::{FileContent, GuardedFile};
use connection_manifest::{FileKind, KindSet};

/// The kinds of a directory, and what is wrong with its files.
#[derive(Default)]
pub(crate) struct OwnKinds {
    pub(crate) kinds: Vec<FileKind>,
    /// One sentence for each problem. A file with a problem is left out, and the others are used.
    pub(crate) problems: Vec<String>,
}

/// Reads the files that end in `.toml` or `.json`. A directory that does not exist is empty.
pub(crate) fn read(directory: &Path) -> OwnKinds {
    let mut own = OwnKinds::default();
    let mut set = KindSet::new();
    for path in files(directory) {
        let name = path.display().to_string();
        match text(&path) {
            Ok(text) => set = set.file(name, text),
            Err(problem) => own.problems.push(format!("{name} is not used: {problem}")),
        }
    }
    let (kinds, problems) = set.read();
    own.kinds = kinds.iter().map(|kind| kind.definition()).collect();
    own.problems.extend(problems.iter().map(ToString::to_string));
    own
}

/// Returns the files in the order of their names.
fn files(directory: &Path) -> Vec<PathBuf> {
    let Ok(entries) = fs::read_dir(directory) else { return Vec::new() };
    let is_kind = |path: &PathBuf| {
        let extension = path.extension().and_then(|extension| extension.to_str());
        extension.is_some_and(|extension| matches!(extension, "toml" | "json"))
    };
    let mut files: Vec<_> = entries.filter_map(|entry| Some(entry.ok()?.path())).filter(is_kind).collect();
    files.sort();
    files
}

/// Returns the text of a file that nobody else can change: it decides where secrets are sent.
fn text(path: &Path) -> Result<String, String> {
    let unreadable = |error: io::Error| format!("it cannot be read: {error}");
    let mut file = GuardedFile::open(path).map_err(unreadable)?;
    file.check(FileContent::Settings).map_err(|exposed| format!("{exposed}; {}", exposed.remedy()))?;
    file.read_to_string().map_err(unreadable)
}
