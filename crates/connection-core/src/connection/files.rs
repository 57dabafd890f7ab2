//! Reads files of a connection with granted directories.

use connection_contract::{FileStat, Root, Secret};

use super::Connection;
use crate::{
    Error,
    services::files::{LocalFiles, Reading, Unread},
};

impl Connection {
    /// Returns the files below the directories that the user granted, read-only.
    ///
    /// # Errors
    ///
    /// [`Error::NotSupported`] for a connection without directories, [`Error::Sealed`], [`Error::UnknownKind`], and the
    /// store's errors.
    pub async fn files(&self) -> Result<Files, Error> {
        let (_, row) = self.open().await?;
        let roots = &row.payload.roots;
        if roots.is_empty() {
            return Err(self.cannot("read files"));
        }
        let files = LocalFiles::new(roots.clone(), Reading::of(&self.shared, &self.info.owner));
        Ok(Files { files, roots: roots.clone() })
    }
}

/// Files below granted directories, read-only. Paths are relative to a root and use `/`; the empty path is the root.
#[derive(Debug)]
pub struct Files {
    files: LocalFiles,
    roots: Vec<Root>,
}

impl Files {
    /// Returns the granted directories.
    pub fn roots(&self) -> &[Root] {
        &self.roots
    }

    /// Returns the metadata of the file or directory at this path.
    ///
    /// # Errors
    ///
    /// [`Error::Files`], and [`Error::Directory`] for a root that the host no longer allows.
    pub async fn stat(&self, root: &Root, path: &str) -> Result<FileStat, Error> {
        Ok(self.files.stated(root, path).await?)
    }

    /// Returns the entries of a directory, in the order of their names.
    ///
    /// # Errors
    ///
    /// [`Error::Files`], and [`Error::Directory`] for a root that the host no longer allows.
    pub async fn list(&self, root: &Root, path: &str) -> Result<Vec<FileStat>, Error> {
        Ok(self.files.listed(root, path).await?)
    }

    /// Returns the content of a file of at most `limit` bytes.
    ///
    /// # Errors
    ///
    /// [`Error::Files`], and [`Error::Directory`] for a root that the host no longer allows.
    pub async fn read(&self, root: &Root, path: &str, limit: usize) -> Result<Secret, Error> {
        Ok(self.files.content(root, path, limit).await?)
    }
}

impl From<Unread> for Error {
    fn from(unread: Unread) -> Self {
        match unread {
            Unread::Refused(refused) => Self::Directory(refused),
            Unread::Service(error) => Self::Files(error),
        }
    }
}
