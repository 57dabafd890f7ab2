//! Fakes of local tools and login windows. They are in memory, and the test determines how they answer.

use connection_contract::{
    BoxFuture, FoundTool, LoginOutcome, LoginWindow, LoginWindowService, Secret, ServiceError, ToolService, ToolSpec,
};

use crate::poll::yield_once;

/// The local tools of a fake host. A tool that is not added is not found.
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
    /// The tools that the descriptor declares.
    pub(crate) granted: Vec<ToolSpec>,
}

impl Default for FakeTools {
    /// Creates a machine without tools, on which `/usr/bin` is searched.
    fn default() -> Self {
        Self { tools: Vec::new(), probed: vec!["/usr/bin".to_owned()], is_unavailable: false, granted: Vec::new() }
    }
}

#[derive(Clone, Debug)]
struct FakeTool {
    binary: String,
    path: String,
    version: Option<String>,
}

impl FakeTools {
    /// Creates a machine without tools, on which `/usr/bin` is searched.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a tool with its path and the text that it prints as its version.
    #[must_use]
    pub fn tool(self, binary: &str, path: &str, version: &str) -> Self {
        self.with(binary, path, Some(version.to_owned()))
    }

    /// Adds a tool that fails when it is run for its version.
    #[must_use]
    pub fn broken(self, binary: &str, path: &str) -> Self {
        self.with(binary, path, None)
    }

    /// Sets the directories that are searched. The default is `/usr/bin`.
    #[must_use]
    pub fn probed(mut self, directories: &[&str]) -> Self {
        self.probed = directories.iter().map(|directory| (*directory).to_owned()).collect();
        self
    }

    /// Makes each search for a declared tool fail with [`ServiceError::Unavailable`].
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

    pub(crate) fn find_tool(&self, tool: &ToolSpec) -> Result<FoundTool, ServiceError> {
        let path = self.known(tool)?.map(|known| known.path.clone().into());
        Ok(FoundTool::new(path, self.probed.iter().map(|directory| directory.clone().into())))
    }

    pub(crate) fn version_of(&self, tool: &ToolSpec) -> Result<String, ServiceError> {
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
            self.find_tool(tool)
        })
    }

    fn version<'a>(&'a self, tool: &'a ToolSpec) -> BoxFuture<'a, Result<String, ServiceError>> {
        Box::pin(async move {
            yield_once().await;
            // A host runs a tool only in a setup, which a person has started.
            self.known(tool)?;
            Err(ServiceError::Denied)
        })
    }
}

/// The way in which a login window ends.
#[derive(Clone, Debug)]
pub(crate) enum WindowEnd {
    Cancelled,
    Cookie(String),
    Failed(String),
    TimedOut,
}

impl WindowEnd {
    pub(crate) fn outcome(self) -> LoginOutcome {
        match self {
            Self::Cancelled => LoginOutcome::Cancelled,
            Self::Cookie(cookie) => LoginOutcome::Success(Secret::from(cookie)),
            Self::Failed(why) => LoginOutcome::Failed(why.into()),
            Self::TimedOut => LoginOutcome::TimedOut,
        }
    }
}

/// A login window that always ends in the same way.
#[derive(Clone, Debug)]
pub struct FakeWindow(WindowEnd);

impl FakeWindow {
    /// Creates a window in which the person logs in and gets this cookie.
    pub fn cookie(cookie: &str) -> Self {
        Self(WindowEnd::Cookie(cookie.to_owned()))
    }

    /// Creates a window that the person closes.
    pub fn cancelled() -> Self {
        Self(WindowEnd::Cancelled)
    }

    /// Creates a window whose time runs out.
    pub fn timed_out() -> Self {
        Self(WindowEnd::TimedOut)
    }

    /// Creates a window that cannot be shown, for this reason.
    pub fn failed(why: &str) -> Self {
        Self(WindowEnd::Failed(why.to_owned()))
    }

    pub(crate) fn next(&self) -> WindowEnd {
        self.0.clone()
    }
}

impl LoginWindowService for FakeWindow {
    fn open(&self, _: LoginWindow) -> BoxFuture<'_, LoginOutcome> {
        Box::pin(async move {
            yield_once().await;
            self.next().outcome()
        })
    }
}
