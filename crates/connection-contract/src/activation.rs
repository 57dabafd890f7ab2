//! What a kind is given once, when it is registered, to keep: the services that need no connection.

use alloc::{boxed::Box, string::String, sync::Arc};
use core::{fmt, time::Duration};

use crate::{BoxFuture, DisplayText, KvService, Link, Root, Secret, ServiceError, Text, ToolService};

/// Services for a kind, behind a handle that is cheap to copy and may be kept. Each is there or not; nothing says so twice.
///
/// Requests, time and randomness are not among them: they come with a context. Used in a setup, it is an effect of that setup
/// and recorded.
#[derive(Clone, Default)]
pub struct HostServices {
    kv: Option<Arc<dyn KvService>>,
    file_cache: Option<Arc<dyn FileCache>>,
    login_window: Option<Arc<dyn LoginWindowService>>,
    tools: Option<Arc<dyn ToolService>>,
}

impl HostServices {
    /// A host without any. Made by the host.
    pub fn new() -> Self {
        Self::default()
    }
    /// The kind's own key-value store. Set by the host.
    #[must_use]
    pub fn with_kv(mut self, kv: Arc<dyn KvService>) -> Self {
        self.kv = Some(kv);
        self
    }
    /// What was made of files. Set by the host.
    #[must_use]
    pub fn with_file_cache(mut self, cache: Arc<dyn FileCache>) -> Self {
        self.file_cache = Some(cache);
        self
    }
    /// Windows to log in. Set by the host.
    #[must_use]
    pub fn with_login_window(mut self, window: Arc<dyn LoginWindowService>) -> Self {
        self.login_window = Some(window);
        self
    }
    /// Local tools. Set by the host.
    #[must_use]
    pub fn with_tools(mut self, tools: Arc<dyn ToolService>) -> Self {
        self.tools = Some(tools);
        self
    }
    /// The kind's own key-value store, of the owner for whom the host registered the kind.
    pub fn kv(&self) -> Option<&dyn KvService> {
        self.kv.as_deref()
    }
    /// What was made of files.
    pub fn file_cache(&self) -> Option<&dyn FileCache> {
        self.file_cache.as_deref()
    }
    /// Windows to log in.
    pub fn login_window(&self) -> Option<&dyn LoginWindowService> {
        self.login_window.as_deref()
    }
    /// Local tools.
    pub fn tools(&self) -> Option<&dyn ToolService> {
        self.tools.as_deref()
    }
}

impl fmt::Debug for HostServices {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("HostServices")
    }
}

/// Makes something of a file's content, once: `None` is a result, too.
pub type Compute<'a> = Box<dyn FnOnce(&Secret) -> Result<Option<String>, ServiceError> + Send + 'a>;

/// Keeps what was made of files for as long as they stay as they are.
pub trait FileCache: Send + Sync {
    /// What was made of a file of at most `limit` bytes; made now, unless it was made of the same file by the same version.
    ///
    /// A file is the same while its size and the time of its last change are. They are taken before it is read.
    ///
    /// # Repetition
    ///
    /// Calls for the same file and version at the same time share one reading. A result of more than 64 KiB is returned and
    /// not kept, and an error is not kept.
    ///
    /// # Errors
    ///
    /// As [`FileService::read`](crate::FileService::read), and what `compute` says. For a file that is not there nothing is
    /// made: `Ok(None)`. Of one that cannot be looked at nothing is made either, and it is an error, so that nobody takes it
    /// for gone. What was kept of either goes.
    fn cached<'a>(
        &'a self,
        root: &'a Root,
        path: &'a str,
        version: u32,
        limit: usize,
        compute: Compute<'a>,
    ) -> BoxFuture<'a, Result<Option<String>, ServiceError>>;

    /// Forgets what was made of files below a root, but for these; returns how many went.
    ///
    /// # Errors
    ///
    /// [`ServiceError::Denied`] outside the granted roots.
    fn prune<'a>(&'a self, root: &'a Root, live: &'a [&'a str]) -> BoxFuture<'a, Result<u64, ServiceError>>;
}

/// Opens a window in which a person logs in, and takes a cookie from it.
pub trait LoginWindowService: Send + Sync {
    /// Opens it and waits until it ends.
    ///
    /// # Cancellation
    ///
    /// Dropped, the window closes.
    fn open(&self, window: LoginWindow) -> BoxFuture<'_, LoggedIn>;
}

/// A window in which a person logs in.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct LoginWindow {
    /// Where it begins.
    pub link: Link,
    /// The cookie that says that the person has logged in.
    pub cookie_name: Text,
    /// Of which domain.
    pub cookie_domain: Text,
    /// Windows of one partition share their cookies, and none with another. The host puts kind and profile before it.
    pub partition: Text,
    /// What the window is called.
    pub title: DisplayText,
    /// How long it stays.
    pub timeout: Duration,
}

impl LoginWindow {
    /// A window called `Connect` that stays for five minutes.
    pub fn new(link: Link, cookie_name: impl Into<Text>, cookie_domain: impl Into<Text>) -> Self {
        let (partition, title) = (Text::Borrowed("login"), "Connect".into());
        let timeout = Duration::from_secs(300);
        Self { link, cookie_name: cookie_name.into(), cookie_domain: cookie_domain.into(), partition, title, timeout }
    }
    /// Keeps its cookies apart.
    #[must_use]
    pub fn partition(mut self, partition: impl Into<Text>) -> Self {
        self.partition = partition.into();
        self
    }
    /// What the window is called.
    #[must_use]
    pub fn title(mut self, title: impl Into<DisplayText>) -> Self {
        self.title = title.into();
        self
    }
    /// How long it stays.
    #[must_use]
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }
}

/// How a window in which a person logs in came to its end.
#[derive(Debug)]
#[non_exhaustive]
pub enum LoggedIn {
    /// The person closed it.
    Cancelled,
    /// The host could not show it.
    Failed(DisplayText),
    /// With the cookie.
    Success(Secret),
    /// Its time was over.
    TimedOut,
}
