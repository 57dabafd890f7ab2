//! Reads files of a connection with granted directories.

use connection_contract::{BoxFuture, FileStat, GrantedDirectory, Secret};

use super::Connection;
use crate::{
    Error,
    services::files::{LocalFiles, ReadRefusal},
};

impl Connection {
    /// Returns the files below the directories that the user granted, read-only.
    ///
    /// # Errors
    ///
    /// [`Error::NotSupported`] for a connection without directories, [`Error::Sealed`], [`Error::UnknownKind`], and the
    /// store's errors.
    pub fn files(&self) -> BoxFuture<'_, Result<Files, Error>> {
        Box::pin(async move {
            let (_, row) = self.open_current().await?;
            let roots = &row.payload.roots;
            if roots.is_empty() {
                return Err(self.cannot("read files"));
            }
            let files = LocalFiles::new(roots.clone(), self.system.ground.reading(&self.info.owner));
            Ok(Files { files, roots: roots.clone(), connection: self.clone() })
        })
    }
}

/// Files below granted directories, read-only. Paths are relative to a root and use `/`; the empty path is the root.
#[derive(Debug)]
pub struct Files {
    files: LocalFiles,
    roots: Vec<GrantedDirectory>,
    connection: Connection,
}

impl Files {
    /// Returns the directories that the user has granted to the connection.
    pub fn roots(&self) -> &[GrantedDirectory] {
        &self.roots
    }

    /// Returns the metadata of the file or directory at this path.
    ///
    /// # Errors
    ///
    /// [`Error::Files`], [`Error::Directory`] for a root that the host no longer allows, and [`Error::Frozen`].
    pub fn stat<'a>(&'a self, root: &'a GrantedDirectory, path: &'a str) -> BoxFuture<'a, Result<FileStat, Error>> {
        Box::pin(async move {
            self.connection.check_frozen().await?;
            Ok(self.files.stated(root, path).await?)
        })
    }

    /// Returns the entries of a directory, in the order of their names.
    ///
    /// # Errors
    ///
    /// [`Error::Files`], [`Error::Directory`] for a root that the host no longer allows, and [`Error::Frozen`].
    pub fn list<'a>(
        &'a self,
        root: &'a GrantedDirectory,
        path: &'a str,
    ) -> BoxFuture<'a, Result<Vec<FileStat>, Error>> {
        Box::pin(async move {
            self.connection.check_frozen().await?;
            Ok(self.files.listed(root, path).await?)
        })
    }

    /// Returns the content of a file of at most `limit` bytes.
    ///
    /// # Errors
    ///
    /// [`Error::Files`], [`Error::Directory`] for a root that the host no longer allows, and [`Error::Frozen`].
    pub fn read<'a>(
        &'a self,
        root: &'a GrantedDirectory,
        path: &'a str,
        limit: usize,
    ) -> BoxFuture<'a, Result<Secret, Error>> {
        Box::pin(async move {
            self.connection.check_frozen().await?;
            Ok(self.files.content(root, path, limit).await?)
        })
    }
}

impl From<ReadRefusal> for Error {
    fn from(unread: ReadRefusal) -> Self {
        match unread {
            ReadRefusal::Refused(refused) => Self::Directory(refused),
            ReadRefusal::Service(error) => Self::Files(error),
        }
    }
}
