//! Files of a connection that has roots.

use connection_contract::{FileService, FileStat, Root, Secret};

use super::Connection;
use crate::{Error, services::files::LocalFiles};

impl Connection {
    /// The files below the directories that the user granted, read only.
    ///
    /// # Errors
    ///
    /// [`Error::NotSupported`] for a connection without any, [`Error::Sealed`], [`Error::UnknownKind`], and the store's.
    pub async fn files(&self) -> Result<Files, Error> {
        let (_, row) = self.open().await?;
        let roots = &row.payload.roots;
        if roots.is_empty() {
            return Err(self.cannot("read files"));
        }
        let files = LocalFiles::new(roots.clone(), self.shared.files.clone());
        Ok(Files { files, roots: roots.clone() })
    }
}

/// Files below granted directories, read only. Paths are relative to a root, with `/`; the empty path is the root.
#[derive(Debug)]
pub struct Files {
    files: LocalFiles,
    roots: Vec<Root>,
}

impl Files {
    /// The granted directories.
    pub fn roots(&self) -> &[Root] {
        &self.roots
    }

    /// What is at that path.
    ///
    /// # Errors
    ///
    /// [`Error::Files`].
    pub async fn stat(&self, root: &Root, path: &str) -> Result<FileStat, Error> {
        self.files.stat(root, path).await.map_err(Error::Files)
    }

    /// What is in a directory, by name.
    ///
    /// # Errors
    ///
    /// [`Error::Files`].
    pub async fn list(&self, root: &Root, path: &str) -> Result<Vec<FileStat>, Error> {
        self.files.list(root, path).await.map_err(Error::Files)
    }

    /// A file of at most `limit` bytes.
    ///
    /// # Errors
    ///
    /// [`Error::Files`].
    pub async fn read(&self, root: &Root, path: &str, limit: usize) -> Result<Secret, Error> {
        self.files.read(root, path, limit).await.map_err(Error::Files)
    }
}
