//! An empty store for commands that only read. Without a database they answer as on an empty one, and create none.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use connection_core::{IdGenerator as _, KeyFile, RegistryBuilder, UuidV7};

use crate::Error;

/// A private temporary directory with a store, which is removed when this value is dropped.
pub(crate) struct EmptyStore(PathBuf);

impl EmptyStore {
    pub(crate) fn new() -> Result<Self, Error> {
        let path = std::env::temp_dir().join(format!("connections-empty-{}", UuidV7::new().next()));
        make(&path).map_err(|error| Error::io(path.display(), &error))?;
        Ok(Self(path))
    }

    /// Sets this store, with a key of its own, on a registry's builder.
    pub(crate) fn apply(&self, builder: RegistryBuilder) -> RegistryBuilder {
        let store = self.0.join("connections.db").display().to_string();
        builder.store(store).key(KeyFile::at(self.0.join("root.key")))
    }
}

impl Drop for EmptyStore {
    fn drop(&mut self) {
        // A directory that cannot be removed holds no data, and is cleaned up like other temporary files.
        fs::remove_dir_all(&self.0).unwrap_or_default();
    }
}

#[cfg(unix)]
fn make(path: &Path) -> io::Result<()> {
    use std::os::unix::fs::DirBuilderExt as _;
    fs::DirBuilder::new().mode(0o700).create(path)
}

#[cfg(not(unix))]
fn make(path: &Path) -> io::Result<()> {
    fs::create_dir(path)
}
