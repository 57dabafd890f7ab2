//! The cache of results that a plugin computes from files.

use alloc::{boxed::Box, string::String};

use crate::{BoxFuture, GrantedDirectory, Secret, ServiceError};

/// Computes a result from the content of a file. It runs at most once, and `None` is a result as well.
pub type Compute<'a> = Box<dyn FnOnce(&Secret) -> Result<Option<String>, ServiceError> + Send + 'a>;

/// Caches results computed from files, for as long as the files do not change.
pub trait FileCache: Send + Sync {
    /// Returns the result for a file of at most `limit` bytes. `compute` runs unless the result of the same version for
    /// the unchanged file is cached.
    ///
    /// A file counts as unchanged while its size and its modification time stay the same. Both are read before its
    /// content.
    ///
    /// # Repetition
    ///
    /// Concurrent calls for the same file and version share one read. A result of more than 64 KiB is returned but not
    /// cached, and an error is not cached.
    ///
    /// # Errors
    ///
    /// The errors of [`FileService::read`](crate::FileService::read), and the errors of `compute`. A file that does not
    /// exist is not an error: the result is `Ok(None)` and `compute` does not run. A file whose metadata cannot be read
    /// is an error, so that it is not mistaken for a missing file. In both cases the cached result is dropped.
    fn cached<'a>(
        &'a self,
        root: &'a GrantedDirectory,
        path: &'a str,
        version: u32,
        limit: usize,
        compute: Compute<'a>,
    ) -> BoxFuture<'a, Result<Option<String>, ServiceError>>;

    /// Drops the cached results of the files below a granted directory, except for the `live` files, and returns how
    /// many were dropped.
    ///
    /// # Errors
    ///
    /// [`ServiceError::Denied`] outside the granted directories.
    fn prune<'a>(&'a self, root: &'a GrantedDirectory, live: &'a [&'a str])
    -> BoxFuture<'a, Result<u64, ServiceError>>;
}
