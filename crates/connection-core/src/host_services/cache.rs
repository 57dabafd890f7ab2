//! The cache of results that a kind computed from files of an owner. It is shared by all contexts of the kind.

use std::sync::Arc;

use connection_contract::{BoxFuture, Compute, FileCache, GrantedDirectory, Kind, ServiceError};

use crate::{
    ground::Ground,
    services::{
        file_cache::{Cache, Computation},
        files::LocalFiles,
    },
};

/// The cache over the files that one context may read.
#[derive(Clone)]
pub(crate) struct CachedFiles {
    files: LocalFiles,
    cache: Arc<Cache>,
    namespace: String,
}

impl CachedFiles {
    pub(crate) fn new(ground: &Ground, owner: &str, kind: &Kind, files: LocalFiles) -> Self {
        // Kinds have no space in their names, so two namespaces never collide.
        let namespace = format!("plugin {kind} {owner}");
        Self { files, cache: ground.file_cache.clone(), namespace }
    }

    /// Returns the same cache over other files of the same kind and owner.
    pub(crate) fn over(self, files: LocalFiles) -> Self {
        Self { files, ..self }
    }
}

impl FileCache for CachedFiles {
    fn cached<'a>(
        &'a self,
        root: &'a GrantedDirectory,
        path: &'a str,
        version: u32,
        limit: usize,
        compute: Compute<'a>,
    ) -> BoxFuture<'a, Result<Option<String>, ServiceError>> {
        let made = Computation { namespace: &self.namespace, root, path, version, limit };
        Box::pin(self.cache.cached(made, &self.files, compute))
    }

    fn prune<'a>(
        &'a self,
        root: &'a GrantedDirectory,
        live: &'a [&'a str],
    ) -> BoxFuture<'a, Result<u64, ServiceError>> {
        Box::pin(async move {
            match self.files.may_read(root) {
                true => Ok(self.cache.prune(&self.namespace, root, live)),
                false => Err(ServiceError::Denied),
            }
        })
    }
}
