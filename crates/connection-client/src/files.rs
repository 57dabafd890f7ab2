//! The files below the directories that a person granted to a connection.

use connection_api::{File, FileContent, Page};

use crate::{Client, Error};

/// The maximum size of an answer, in bytes: a file of 16 MiB, of which each byte may be escaped.
const MAX_ANSWER: usize = 100 << 20;

impl Client {
    /// Lists a directory: the one at a path below a granted directory, or the granted directories themselves.
    ///
    /// # Errors
    ///
    /// As [`connection`](Self::connection); with the code `file_not_found` if there is no such directory, and `denied` if
    /// it is outside of the granted ones.
    pub async fn files(&self, id: &str, below: Option<(&str, &str)>) -> Result<Vec<File>, Error> {
        let path = ["connections", id, "files"];
        let call = self.get(&path);
        let call = call.query("root", below.map(|(root, _)| root)).query("path", below.map(|(_, path)| path));
        call.answer().await.map(|page: Page<File>| page.items)
    }

    /// Returns the content of the file at a path below a granted directory. It has at most 16 MiB.
    ///
    /// # Errors
    ///
    /// As [`files`](Self::files).
    pub async fn file(&self, id: &str, root: &str, below: &str) -> Result<FileContent, Error> {
        let path = ["connections", id, "files", "content"];
        let call = self.get(&path).limit(MAX_ANSWER);
        call.query("root", Some(root)).query("path", Some(below)).answer().await
    }
}
