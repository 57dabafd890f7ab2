//! The handle that a kind keeps. It gives access to services outside of any context, and in a setup through its
//! session.
//!
//! It holds only weak references to the registry and the kind, because both may hold it. When one of them is gone,
//! every service is unavailable.

use std::sync::{Arc, Weak};

use connection_contract::{
    BoxFuture, Compute, FileCache, FoundTool, GrantedDirectory, HostServices, KvService, LoginOutcome, LoginWindow,
    LoginWindowService, Secret, ServiceError, Text, ToolService, ToolSpec,
};

use crate::{
    ground::Ground,
    host_services::{
        CachedFiles, LocalTools,
        kv::{self, Part, StoredValues},
    },
    kinds::KindEntry,
    profile_rows,
    services::files::LocalFiles,
    setup::{Effects, current_run},
};

/// Access to the services of one kind and owner, while the kind is registered.
struct Handle {
    ground: Weak<Ground>,
    entry: Weak<KindEntry>,
    owner: Arc<str>,
}

/// Returns the services that a kind may keep: those that this host has, and no others.
pub(super) fn services(ground: &Arc<Ground>, entry: &Arc<KindEntry>, owner: &Arc<str>) -> HostServices {
    let handle =
        Arc::new(Handle { ground: Arc::downgrade(ground), entry: Arc::downgrade(entry), owner: owner.clone() });
    let mut services = HostServices::new().with_kv(handle.clone()).with_file_cache(handle.clone());
    if ground.local_services.window.is_some() {
        services = services.with_login_window(handle.clone());
    }
    if LocalTools::new(ground, entry).is_some() {
        services = services.with_tools(handle);
    }
    services
}

struct CallTarget {
    ground: Arc<Ground>,
    entry: Arc<KindEntry>,
    /// The session of the setup that makes the call, if any.
    session: Option<Arc<Effects>>,
}

impl Handle {
    fn target(&self) -> Result<CallTarget, ServiceError> {
        let there = self.ground.upgrade().zip(self.entry.upgrade());
        let (ground, entry) = there.ok_or(ServiceError::Unavailable)?;
        let session = current_run(&entry);
        // A session that is running may use the services until it ends, even if its kind was unregistered.
        if session.is_none() && entry.activation.is_over() {
            return Err(ServiceError::Unavailable);
        }
        Ok(CallTarget { ground, entry, session })
    }

    /// Returns the values of the owner whose setup makes the call. Outside of a setup, these are the values of the
    /// owner for whom the kind was registered.
    fn values(&self, there: &CallTarget) -> StoredValues {
        let owner = there.session.as_ref().map_or(&*self.owner, |session| session.host().owner());
        StoredValues::new(&there.ground, owner, &there.entry)
    }

    async fn read(&self, part: Part, key: &str) -> Result<Option<Secret>, ServiceError> {
        let there = self.target()?;
        let values = self.values(&there);
        match &there.session {
            Some(session) => session.read_value("lent get", &part, key, values.read(&part, key)).await,
            None => values.read(&part, key).await,
        }
    }

    async fn write(&self, part: Part, key: &str, value: Option<Secret>) -> Result<(), ServiceError> {
        let there = self.target()?;
        let values = self.values(&there);
        match &there.session {
            Some(session) => {
                let write = |value| values.write(&part, key, value);
                session.write_value("lent put", &part, key, value, write).await
            }
            None => values.write(&part, key, value).await,
        }
    }
}

impl KvService for Handle {
    fn get<'a>(&'a self, key: &'a str) -> BoxFuture<'a, Result<Option<String>, ServiceError>> {
        Box::pin(async move { Ok(kv::text(self.read(Part::Public, key).await?)) })
    }

    fn put<'a>(&'a self, key: &'a str, value: Option<String>) -> BoxFuture<'a, Result<(), ServiceError>> {
        Box::pin(self.write(Part::Public, key, value.map(Secret::from)))
    }

    fn get_secret<'a>(&'a self, key: &'a str) -> BoxFuture<'a, Result<Option<Secret>, ServiceError>> {
        Box::pin(self.read(Part::Secret, key))
    }

    fn put_secret<'a>(&'a self, key: &'a str, value: Option<Secret>) -> BoxFuture<'a, Result<(), ServiceError>> {
        Box::pin(self.write(Part::Secret, key, value))
    }

    fn get_shared<'a>(
        &'a self,
        origins: &'a [Text],
        key: &'a str,
    ) -> BoxFuture<'a, Result<Option<Secret>, ServiceError>> {
        Box::pin(self.read(Part::shared(origins), key))
    }

    fn put_shared<'a>(
        &'a self,
        origins: &'a [Text],
        key: &'a str,
        value: Option<Secret>,
    ) -> BoxFuture<'a, Result<(), ServiceError>> {
        Box::pin(self.write(Part::shared(origins), key, value))
    }
}

impl ToolService for Handle {
    fn find<'a>(&'a self, tool: &'a ToolSpec) -> BoxFuture<'a, Result<FoundTool, ServiceError>> {
        Box::pin(async move {
            let there = self.target()?;
            match &there.session {
                Some(session) => session.find(tool).await,
                None => tools(&there)?.locate(tool).await,
            }
        })
    }

    fn version<'a>(&'a self, tool: &'a ToolSpec) -> BoxFuture<'a, Result<String, ServiceError>> {
        Box::pin(async move {
            let there = self.target()?;
            match &there.session {
                Some(session) => session.version(tool).await,
                None => tools(&there)?.version(tool).await,
            }
        })
    }
}

/// In a setup, this reads the files of the setup. Outside of one, it reads the profiles' directories of the
/// handle's owner.
impl FileCache for Handle {
    fn cached<'a>(
        &'a self,
        root: &'a GrantedDirectory,
        path: &'a str,
        version: u32,
        limit: usize,
        compute: Compute<'a>,
    ) -> BoxFuture<'a, Result<Option<String>, ServiceError>> {
        Box::pin(async move {
            let there = self.target()?;
            match &there.session {
                Some(session) => session.cached(root, path, version, limit, compute).await,
                None => self.files(&there).await.cached(root, path, version, limit, compute).await,
            }
        })
    }

    fn prune<'a>(
        &'a self,
        root: &'a GrantedDirectory,
        live: &'a [&'a str],
    ) -> BoxFuture<'a, Result<u64, ServiceError>> {
        Box::pin(async move {
            let there = self.target()?;
            match &there.session {
                Some(session) => session.prune(root, live).await,
                None => self.files(&there).await.prune(root, live).await,
            }
        })
    }
}

impl Handle {
    async fn files(&self, there: &CallTarget) -> CachedFiles {
        let ground = &there.ground;
        let owner = &self.owner;
        let roots = profile_rows::granted_all(ground, owner, &there.entry).await;
        CachedFiles::new(ground, owner, there.entry.kind(), LocalFiles::new(roots, ground.reading(owner)))
    }
}

fn tools(there: &CallTarget) -> Result<LocalTools, ServiceError> {
    LocalTools::new(&there.ground, &there.entry).ok_or(ServiceError::Unavailable)
}

/// In a setup, this opens a window of the setup. Outside of one, there is no window.
impl LoginWindowService for Handle {
    fn open(&self, window: LoginWindow) -> BoxFuture<'_, LoginOutcome> {
        Box::pin(async move {
            let failed = |why: &'static str| LoginOutcome::Failed(why.into());
            let Ok(there) = self.target() else { return failed("this host can no longer show windows") };
            match &there.session {
                Some(session) => session.open(window).await,
                // No person asked for the window, and it is not known whose cookies it would have.
                None => failed("a window can be shown only during a setup"),
            }
        })
    }
}
