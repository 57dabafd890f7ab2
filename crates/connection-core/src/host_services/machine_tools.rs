//! Local tools of this machine, as a host sees them: any tool that its policy allows, even if no kind declares it.
//!
//! A tool is searched for in the directories of `PATH`, then in its further directories. Relative directories are
//! skipped, because they depend on the working directory.

use std::{fmt, path::PathBuf, sync::Arc};

use connection_contract::{
    BoxFuture, Descriptor, DisplayText, FoundTool, PathSpec, ProfileSpec, ServiceError, ToolSpec,
};

use super::version_command;
use crate::{
    Clock, Environment, SystemClock, SystemEnvironment, ToolNotAllowed, ToolPolicy, platform,
    services::environment::resolve,
};

/// The maximum number of directories to search.
const MAX_DIRECTORIES: usize = 256;

/// Finds local tools and asks them for their version, for a host that shows or runs them. It needs a `tokio`
/// runtime.
#[derive(Clone)]
pub struct MachineTools {
    policy: ToolPolicy,
    environment: Arc<dyn Environment>,
    clock: Arc<dyn Clock>,
}

impl fmt::Debug for MachineTools {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("MachineTools")
    }
}

impl MachineTools {
    /// Creates the tools with the environment of this process. A tool that the policy does not allow is neither
    /// searched for nor run.
    pub fn new(policy: ToolPolicy) -> Self {
        Self::of(policy, Arc::new(SystemEnvironment), Arc::new(SystemClock::new()))
    }

    /// Creates the tools with another environment and another clock.
    pub fn of(policy: ToolPolicy, environment: Arc<dyn Environment>, clock: Arc<dyn Clock>) -> Self {
        Self { policy, environment, clock }
    }

    /// Returns where a tool is and which directories were searched, as text for people. To run the tool, use the
    /// path that [`path`](Self::path) returns. Runs nothing.
    ///
    /// # Errors
    ///
    /// [`ToolNotAllowed`] if the policy does not allow the tool.
    pub fn find<'a>(&'a self, tool: &'a ToolSpec) -> BoxFuture<'a, Result<FoundTool, ToolNotAllowed>> {
        Box::pin(async move {
            self.policy.check_tool(tool)?;
            // A panic during the search is a bug of this crate, and counts as nothing found.
            let (path, probed) = self.locate(tool).await.unwrap_or_default();
            let text = |path: &PathBuf| DisplayText::from(path.to_string_lossy().into_owned());
            Ok(FoundTool::new(path.as_ref().map(text), probed.iter().map(text)))
        })
    }

    /// Returns the path of a tool, or `None` if it was not found. The path is not converted to text, which could
    /// change it.
    ///
    /// # Errors
    ///
    /// [`ToolNotAllowed`] if the policy does not allow the tool.
    pub fn path<'a>(&'a self, tool: &'a ToolSpec) -> BoxFuture<'a, Result<Option<PathBuf>, ToolNotAllowed>> {
        Box::pin(async move {
            self.policy.check_tool(tool)?;
            Ok(self.locate(tool).await.unwrap_or_default().0)
        })
    }

    /// Returns the first line that a tool prints when it is asked for its version. Returns `None` if the policy
    /// does not allow the tool, if it was not found, if it [must not be asked](ToolSpec::is_version_asked), or if
    /// it prints nothing within two seconds.
    ///
    /// # Cancellation
    ///
    /// If the future is dropped, the process is killed.
    pub fn version<'a>(&'a self, tool: &'a ToolSpec) -> BoxFuture<'a, Option<String>> {
        Box::pin(async move { self.ask(tool).await.ok() })
    }

    pub(super) async fn ask(&self, tool: &ToolSpec) -> Result<String, ServiceError> {
        if !tool.is_version_asked || !self.allows(tool) {
            return Err(ServiceError::Denied);
        }
        let (path, _) = self.locate(tool).await?;
        let path = path.ok_or(ServiceError::NotFound)?;
        version_command::first_line(&*self.clock, &*self.environment, &path, tool.version_form).await
    }

    pub(super) fn allows(&self, tool: &ToolSpec) -> bool {
        self.policy.check_tool(tool).is_ok()
    }

    /// Returns `true` if the policy allows what the kind declares for its profiles, including the directory that
    /// the tool uses by itself.
    pub(crate) fn allows_profiles(&self, descriptor: &Descriptor, spec: &ProfileSpec) -> bool {
        self.policy.check_profiles(descriptor, spec).is_ok()
    }

    pub(super) async fn locate(&self, tool: &ToolSpec) -> Result<(Option<PathBuf>, Vec<PathBuf>), ServiceError> {
        let directories = self.directories(tool);
        let names = platform::program_names(&tool.binary);
        let look = move || {
            let paths = directories.iter().flat_map(|directory| names.iter().map(move |name| directory.join(name)));
            let found = { paths }.find(|path| platform::is_program(path));
            (found, directories)
        };
        // A panic during the search is a bug of this crate.
        tokio::task::spawn_blocking(look).await.map_err(|_| ServiceError::Unavailable)
    }

    /// Resolves a path of the user in the current environment.
    pub(crate) fn resolved(&self, path: &PathSpec) -> Option<PathBuf> {
        resolve(&*self.environment, path)
    }

    fn directories(&self, tool: &ToolSpec) -> Vec<PathBuf> {
        let path = self.environment.variable("PATH").unwrap_or_default();
        let further = tool.extra_paths.iter().filter_map(|path| self.resolved(path));
        let mut directories = Vec::new();
        for directory in std::env::split_paths(&path).chain(further).filter(|directory| directory.is_absolute()) {
            if directories.len() < MAX_DIRECTORIES && !directories.contains(&directory) {
                directories.push(directory);
            }
        }
        directories
    }
}
