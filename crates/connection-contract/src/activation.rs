//! The services that a kind receives once, when it is registered, and may keep.

use alloc::sync::Arc;
use core::fmt;

use crate::{FileCache, KvService, LoginWindowService, ToolService};

/// The services that a kind may keep. The handle is cheap to clone.
///
/// Each service is present or absent. Requests, time and randomness are not included: they come with a context. A
/// service that is used in a setup is an effect of that setup and is recorded.
#[derive(Clone, Default)]
pub struct HostServices {
    kv: Option<Arc<dyn KvService>>,
    file_cache: Option<Arc<dyn FileCache>>,
    login_window: Option<Arc<dyn LoginWindowService>>,
    tools: Option<Arc<dyn ToolService>>,
}

impl HostServices {
    /// Creates a set without services. Only hosts call this.
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets the kind's own key-value store. Only hosts call this.
    #[must_use]
    pub fn with_kv(mut self, kv: Arc<dyn KvService>) -> Self {
        self.kv = Some(kv);
        self
    }

    /// Sets the cache of results computed from files. Only hosts call this.
    #[must_use]
    pub fn with_file_cache(mut self, cache: Arc<dyn FileCache>) -> Self {
        self.file_cache = Some(cache);
        self
    }

    /// Sets the service that opens login windows. Only hosts call this.
    #[must_use]
    pub fn with_login_window(mut self, window: Arc<dyn LoginWindowService>) -> Self {
        self.login_window = Some(window);
        self
    }

    /// Sets the service that looks for local tools. Only hosts call this.
    #[must_use]
    pub fn with_tools(mut self, tools: Arc<dyn ToolService>) -> Self {
        self.tools = Some(tools);
        self
    }

    /// Returns the kind's own key-value store, for the owner for whom the host registered the kind.
    pub fn kv(&self) -> Option<&dyn KvService> {
        self.kv.as_deref()
    }

    /// Returns the cache of results computed from files.
    pub fn file_cache(&self) -> Option<&dyn FileCache> {
        self.file_cache.as_deref()
    }

    /// Returns the service that opens login windows.
    pub fn login_window(&self) -> Option<&dyn LoginWindowService> {
        self.login_window.as_deref()
    }

    /// Returns the service that looks for local tools.
    pub fn tools(&self) -> Option<&dyn ToolService> {
        self.tools.as_deref()
    }
}

impl fmt::Debug for HostServices {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("HostServices")
    }
}
