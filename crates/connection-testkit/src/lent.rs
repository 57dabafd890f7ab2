//! What a host lends: local tools, windows to log in, what was made of files. In memory, and said by the test.

use std::sync::Arc;

use connection_contract::{
    BoxFuture, Compute, FileCache, FoundTool, HostServices, LoggedIn, LoginWindow, LoginWindowService, Root, Secret,
    ServiceError, ToolService, ToolSpec,
};

use crate::{poll::yield_once, world::World};

/// Tools on a machine in memory: a tool that is not named here is nowhere.
///
/// ```
/// use connection_testkit::FakeTools;
///
/// FakeTools::new().tool("claude", "/usr/bin/claude", "2.1.0 (Claude Code)").broken("codex", "/usr/bin/codex");
/// ```
#[derive(Clone, Debug)]
pub struct FakeTools {
    tools: Vec<FakeTool>,
    probed: Vec<String>,
    is_unavailable: bool,
    /// Those of the descriptor.
    pub(crate) granted: Vec<ToolSpec>,
}

impl Default for FakeTools {
    /// Nothing is there, and `/usr/bin` was looked in.
    fn default() -> Self {
        let (tools, is_unavailable, granted) = Default::default();
        Self { tools, probed: vec!["/usr/bin".to_owned()], is_unavailable, granted }
    }
}

#[derive(Clone, Debug)]
struct FakeTool {
    binary: String,
    path: String,
    version: Option<String>,
}

impl FakeTools {
    /// Nothing is there.
    pub fn new() -> Self {
        Self::default()
    }

    /// A tool, where it is, and what it says when it is asked for its version.
    #[must_use]
    pub fn tool(self, binary: &str, path: &str, version: &str) -> Self {
        self.with(binary, path, Some(version.to_owned()))
    }

    /// A tool that does not say its version.
    #[must_use]
    pub fn broken(self, binary: &str, path: &str) -> Self {
        self.with(binary, path, None)
    }

    /// The directories that are looked in; `/usr/bin`, unless said.
    #[must_use]
    pub fn probed(mut self, directories: &[&str]) -> Self {
        self.probed = directories.iter().map(|directory| (*directory).to_owned()).collect();
        self
    }

    /// Nobody can look for a tool now.
    #[must_use]
    pub fn unavailable(mut self) -> Self {
        self.is_unavailable = true;
        self
    }

    fn with(mut self, binary: &str, path: &str, version: Option<String>) -> Self {
        self.tools.push(FakeTool { binary: binary.to_owned(), path: path.to_owned(), version });
        self
    }

    fn known(&self, tool: &ToolSpec) -> Result<Option<&FakeTool>, ServiceError> {
        match (self.granted.contains(tool), self.is_unavailable) {
            (false, _) => Err(ServiceError::Denied),
            (true, true) => Err(ServiceError::Unavailable),
            (true, false) => Ok(self.tools.iter().find(|known| *known.binary == *tool.binary)),
        }
    }

    pub(crate) fn found(&self, tool: &ToolSpec) -> Result<FoundTool, ServiceError> {
        let path = self.known(tool)?.map(|known| known.path.clone().into());
        Ok(FoundTool::new(path, self.probed.iter().map(|directory| directory.clone().into())))
    }

    pub(crate) fn said(&self, tool: &ToolSpec) -> Result<String, ServiceError> {
        let known = self.known(tool)?;
        if !tool.is_version_asked {
            return Err(ServiceError::Denied);
        }
        let known = known.ok_or(ServiceError::NotFound)?;
        known.version.clone().ok_or(ServiceError::Unavailable)
    }
}

impl ToolService for FakeTools {
    fn find<'a>(&'a self, tool: &'a ToolSpec) -> BoxFuture<'a, Result<FoundTool, ServiceError>> {
        Box::pin(async move {
            yield_once().await;
            self.found(tool)
        })
    }

    fn version<'a>(&'a self, tool: &'a ToolSpec) -> BoxFuture<'a, Result<String, ServiceError>> {
        Box::pin(async move {
            yield_once().await;
            // Outside of a setup nobody asked, and a host runs nothing.
            self.known(tool)?;
            Err(ServiceError::Denied)
        })
    }
}

/// How a window of the test ends.
#[derive(Clone, Debug)]
pub(crate) enum WindowEnd {
    Cancelled,
    Cookie(String),
    Failed(String),
    TimedOut,
}

impl WindowEnd {
    pub(crate) fn told(self) -> LoggedIn {
        match self {
            Self::Cancelled => LoggedIn::Cancelled,
            Self::Cookie(cookie) => LoggedIn::Success(Secret::from(cookie)),
            Self::Failed(why) => LoggedIn::Failed(why.into()),
            Self::TimedOut => LoggedIn::TimedOut,
        }
    }
}

/// Windows, each of which ends as the test says.
#[derive(Clone, Debug)]
pub struct FakeWindow(WindowEnd);

impl FakeWindow {
    /// The person logs in; the cookie is this.
    pub fn cookie(cookie: &str) -> Self {
        Self(WindowEnd::Cookie(cookie.to_owned()))
    }

    /// The person closes it.
    pub fn cancelled() -> Self {
        Self(WindowEnd::Cancelled)
    }

    /// Its time is over.
    pub fn timed_out() -> Self {
        Self(WindowEnd::TimedOut)
    }

    /// It cannot be shown.
    pub fn failed(why: &str) -> Self {
        Self(WindowEnd::Failed(why.to_owned()))
    }

    pub(crate) fn next(&self) -> WindowEnd {
        self.0.clone()
    }
}

impl LoginWindowService for FakeWindow {
    fn open(&self, _: LoginWindow) -> BoxFuture<'_, LoggedIn> {
        Box::pin(async move {
            yield_once().await;
            self.next().told()
        })
    }
}

impl World {
    /// What a kind is given to keep.
    pub(crate) fn lent(&self) -> HostServices {
        let mut services = HostServices::new();
        if let Some(kv) = &self.kv {
            services = services.with_kv(Arc::new(kv.clone()));
        }
        if let Some(tools) = &self.tools {
            services = services.with_tools(Arc::new(tools.clone()));
        }
        if let Some(window) = &self.window {
            services = services.with_login_window(Arc::new(window.clone()));
        }
        services
    }

    pub(crate) fn made(
        &self,
        root: &Root,
        path: &str,
        limit: usize,
        compute: Compute<'_>,
    ) -> Result<Option<String>, ServiceError> {
        let read = |files: &crate::FakeFiles| match files.read(root, path, limit) {
            Ok(content) => compute(&content),
            Err(ServiceError::NotFound) => Ok(None),
            Err(error) => Err(error),
        };
        let made = self.files.as_ref().map_or(Err(ServiceError::Denied), read)?;
        self.made_of_files().extend(made.clone());
        Ok(made)
    }
}

/// Nothing is kept: a plugin must not tell whether something was.
impl FileCache for World {
    fn cached<'a>(
        &'a self,
        root: &'a Root,
        path: &'a str,
        _: u32,
        limit: usize,
        compute: Compute<'a>,
    ) -> BoxFuture<'a, Result<Option<String>, ServiceError>> {
        Box::pin(async move {
            yield_once().await;
            self.made(root, path, limit, compute)
        })
    }

    fn prune<'a>(&'a self, _: &'a Root, _: &'a [&'a str]) -> BoxFuture<'a, Result<u64, ServiceError>> {
        Box::pin(async { Ok(0) })
    }
}
