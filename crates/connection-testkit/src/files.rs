//! Directories in memory, one tree per granted directory.

use std::collections::BTreeMap;

use connection_contract::{FileStat, FileType, GrantedDirectory, Secret, ServiceError};

type Tree = BTreeMap<String, Vec<u8>>;

/// The directories of a fake host. Each has files or is refused. A directory that is not added does not exist.
///
/// ```
/// use connection_testkit::FakeFiles;
///
/// FakeFiles::new().root("/home/ada/notes", &[("todo.md", "milk"), ("old/2024.md", "")]).denied("/etc");
/// ```
#[derive(Clone, Debug, Default)]
pub struct FakeFiles(BTreeMap<String, Result<Tree, ServiceError>>);

impl FakeFiles {
    /// Creates a file system without any directory.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a directory with these files, given as relative paths with their contents.
    #[must_use]
    pub fn root(mut self, path: &str, files: &[(&str, &str)]) -> Self {
        let tree = files.iter().map(|(path, content)| ((*path).to_owned(), content.as_bytes().to_vec())).collect();
        self.0.insert(path.to_owned(), Ok(tree));
        self
    }

    /// Adds a regular file where a directory is expected.
    #[must_use]
    pub fn file(self, path: &str, content: &str) -> Self {
        self.root(path, &[("", content)])
    }

    /// Adds a directory that the host does not allow.
    #[must_use]
    pub fn denied(self, path: &str) -> Self {
        self.failing(path, ServiceError::Denied)
    }

    /// Adds a directory that cannot be read at the moment.
    #[must_use]
    pub fn unavailable(self, path: &str) -> Self {
        self.failing(path, ServiceError::Unavailable)
    }

    fn failing(mut self, path: &str, error: ServiceError) -> Self {
        self.0.insert(path.to_owned(), Err(error));
        self
    }

    fn tree(&self, root: &GrantedDirectory, path: &str) -> Result<&Tree, ServiceError> {
        if !path.is_empty() && path.split('/').any(|part| matches!(part, "" | "." | "..")) {
            return Err(ServiceError::Denied);
        }
        self.0.get(root.as_str()).ok_or(ServiceError::NotFound)?.as_ref().map_err(|error| *error)
    }

    pub(crate) fn stat(&self, root: &GrantedDirectory, path: &str) -> Result<FileStat, ServiceError> {
        let tree = self.tree(root, path)?;
        let name = path.rsplit('/').next().unwrap_or_default();
        if let Some(content) = tree.get(path) {
            return Ok(FileStat::new(name, FileType::File).size(content.len() as u64));
        }
        let inside = path.is_empty() || tree.keys().any(|file| below(file, path).is_some());
        if inside { Ok(FileStat::new(name, FileType::Directory)) } else { Err(ServiceError::NotFound) }
    }

    pub(crate) fn list(&self, root: &GrantedDirectory, path: &str) -> Result<Vec<FileStat>, ServiceError> {
        let mut found: Vec<FileStat> = Vec::new();
        for (file, content) in self.tree(root, path)? {
            let Some(rest) = below(file, path) else { continue };
            let stat = match rest.split_once('/') {
                Some((name, _)) => FileStat::new(name, FileType::Directory),
                None => FileStat::new(rest, FileType::File).size(content.len() as u64),
            };
            if !found.iter().any(|other| other.name == stat.name) {
                found.push(stat);
            }
        }
        if found.is_empty() && !path.is_empty() { Err(ServiceError::NotFound) } else { Ok(found) }
    }

    pub(crate) fn read(&self, root: &GrantedDirectory, path: &str, limit: usize) -> Result<Secret, ServiceError> {
        let content = self.tree(root, path)?.get(path).ok_or(ServiceError::NotFound)?;
        if content.len() > limit { Err(ServiceError::TooLarge) } else { Ok(Secret::new(content.as_slice())) }
    }
}

/// Returns the path of `file` relative to `directory`, or `None` if it is not below that directory.
fn below<'a>(file: &'a str, directory: &str) -> Option<&'a str> {
    if directory.is_empty() { Some(file) } else { file.strip_prefix(directory)?.strip_prefix('/') }
}
