//! The services that a kind receives once, when it is registered, and may keep.

use alloc::{boxed::Box, string::String, sync::Arc};
use core::{fmt, time::Duration};

use crate::{BoxFuture, DisplayText, GrantedDirectory, KvService, Link, Secret, ServiceError, Text, ToolService};

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

/// Opens a window in which a person logs in, and reads a cookie from it.
pub trait LoginWindowService: Send + Sync {
    /// Opens a window and waits until it ends.
    ///
    /// # Cancellation
    ///
    /// The window closes when the future is dropped.
    fn open(&self, window: LoginWindow) -> BoxFuture<'_, LoginOutcome>;
}

/// A window in which a person logs in.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct LoginWindow {
    /// Address that the window opens first.
    pub link: Link,
    /// Name of the cookie that shows that the person has logged in.
    pub cookie_name: Text,
    /// Domain of the cookie that shows that the person has logged in.
    pub cookie_domain: Text,
    /// Cookie store of the window. Windows of one partition share their cookies with each other and with no other
    /// window. The host prefixes it with the kind and the profile.
    pub partition: Text,
    /// Title of the window, which a person reads.
    pub title: DisplayText,
    /// Time after which the window closes.
    pub timeout: Duration,
}

impl LoginWindow {
    /// Creates a window with the title `Connect` that closes after five minutes.
    pub fn new(link: Link, cookie_name: impl Into<Text>, cookie_domain: impl Into<Text>) -> Self {
        Self {
            link,
            cookie_name: cookie_name.into(),
            cookie_domain: cookie_domain.into(),
            partition: Text::Borrowed("login"),
            title: "Connect".into(),
            timeout: Duration::from_secs(300),
        }
    }

    /// Sets the partition, whose cookies are separate from those of other partitions.
    #[must_use]
    pub fn partition(mut self, partition: impl Into<Text>) -> Self {
        self.partition = partition.into();
        self
    }

    /// Sets the title of the window.
    #[must_use]
    pub fn title(mut self, title: impl Into<DisplayText>) -> Self {
        self.title = title.into();
        self
    }

    /// Sets the time after which the window closes.
    #[must_use]
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }
}

/// The result of a login window.
#[derive(Debug)]
#[non_exhaustive]
pub enum LoginOutcome {
    /// The person closed the window.
    Cancelled,
    /// The host could not show the window.
    Failed(DisplayText),
    /// The person logged in. Holds the value of the cookie that shows it.
    Success(Secret),
    /// The window closed because its time was over.
    TimedOut,
}
