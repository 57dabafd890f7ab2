//! The files below the directories that a person granted to a connection.

use async_trait::async_trait;
use connection_api::{File, FileContent, FileType};
use connection_contract::GrantedDirectory;
use connection_core::Files as GrantedFiles;
use connection_server::convert;

use super::{Local, Remote, remote::unreadable};
use crate::{Error, Exit};

/// The maximum size of a file that is read, in bytes.
const READ_LIMIT: usize = 256 * 1024 * 1024;

/// The operations on files of the connection with an id. `root` is one of the granted directories, and `path` is below it.
#[async_trait(?Send)]
pub(crate) trait Files {
    /// Returns the granted directories.
    async fn roots(&self, id: &str) -> Result<Vec<String>, Error>;

    /// Lists a directory, or returns the one file that the path names.
    async fn list_files(&self, id: &str, root: &str, path: &str) -> Result<Vec<File>, Error>;

    /// Returns the content of a file; `None` if the path names a directory.
    async fn read_file(&self, id: &str, root: &str, path: &str) -> Result<Option<Vec<u8>>, Error>;
}

impl Local {
    async fn files(&self, id: &str) -> Result<GrantedFiles, Error> {
        Ok(self.connection(id).await?.files().await?)
    }
}

fn root_of<'f>(files: &'f GrantedFiles, root: &str) -> Result<&'f GrantedDirectory, Error> {
    let unknown = || Error::new(Exit::NotFound, "file_not_found", "there is no such granted directory");
    files.roots().iter().find(|known| known.as_str() == root).ok_or_else(unknown)
}

#[async_trait(?Send)]
impl Files for Local {
    async fn roots(&self, id: &str) -> Result<Vec<String>, Error> {
        Ok(self.files(id).await?.roots().iter().map(|root| root.as_str().to_owned()).collect())
    }

    async fn list_files(&self, id: &str, root: &str, path: &str) -> Result<Vec<File>, Error> {
        let files = self.files(id).await?;
        let root = root_of(&files, root)?;
        let file = convert::file(&files.stat(root, path).await?);
        if file.r#type != FileType::Directory {
            return Ok(vec![file]);
        }
        Ok(files.list(root, path).await?.iter().map(convert::file).collect())
    }

    async fn read_file(&self, id: &str, root: &str, path: &str) -> Result<Option<Vec<u8>>, Error> {
        let files = self.files(id).await?;
        let root = root_of(&files, root)?;
        if files.stat(root, path).await.is_ok_and(|stat| convert::file_type(stat.file_type) == FileType::Directory) {
            return Ok(None);
        }
        Ok(Some(files.read(root, path, READ_LIMIT).await?.expose().to_vec()))
    }
}

impl Remote {
    /// Returns what the directory above has under the name of this path. The granted directory itself has no such entry.
    async fn entry(&self, id: &str, root: &str, path: &str) -> Result<Option<File>, Error> {
        let (above, name) = path.rsplit_once('/').unwrap_or(("", path));
        if name.is_empty() {
            return Ok(None);
        }
        let files = self.client.files(id, Some((root, above))).await?;
        Ok(files.into_iter().find(|file| file.name == name))
    }
}

#[async_trait(?Send)]
impl Files for Remote {
    async fn roots(&self, id: &str) -> Result<Vec<String>, Error> {
        Ok(self.client.files(id, None).await?.into_iter().map(|file| file.name).collect())
    }

    async fn list_files(&self, id: &str, root: &str, path: &str) -> Result<Vec<File>, Error> {
        match self.entry(id, root, path).await? {
            Some(file) if file.r#type != FileType::Directory => Ok(vec![file]),
            _ => Ok(self.client.files(id, Some((root, path))).await?),
        }
    }

    async fn read_file(&self, id: &str, root: &str, path: &str) -> Result<Option<Vec<u8>>, Error> {
        let is_directory = |file: File| file.r#type == FileType::Directory;
        if path.is_empty() || self.entry(id, root, path).await?.is_some_and(is_directory) {
            return Ok(None);
        }
        let content: FileContent = self.client.file(id, root, path).await?;
        content.bytes().map(|bytes| Some(bytes.into_owned())).ok_or_else(|| unreadable("a file"))
    }
}
