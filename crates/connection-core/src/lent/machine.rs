//! Local tools of this machine, as a host sees them: any tool, without a kind that declares it.
//!
//! Found is what `PATH` finds first, then the further directories; a relative entry is passed over, since it is another
//! directory in each place.

use std::{fmt, path::PathBuf, sync::Arc};

use connection_contract::{DisplayText, FoundTool, PathSpec, ServiceError, ToolSpec};

use super::process;
use crate::{Clock, Environment, SystemClock, SystemEnvironment, platform, services::environment::resolve};

/// So many directories are looked in at most.
const MOST_DIRECTORIES: usize = 256;

/// Looks for local tools and asks them for their version, for a host that tells people of them or runs them. On a runtime of
/// `tokio`.
#[derive(Clone)]
pub struct MachineTools {
    environment: Arc<dyn Environment>,
    clock: Arc<dyn Clock>,
}

impl Default for MachineTools {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for MachineTools {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("MachineTools")
    }
}

impl MachineTools {
    /// With the environment of this process.
    pub fn new() -> Self {
        Self::of(Arc::new(SystemEnvironment), Arc::new(SystemClock::new()))
    }

    pub(crate) fn of(environment: Arc<dyn Environment>, clock: Arc<dyn Clock>) -> Self {
        Self { environment, clock }
    }

    /// Where a tool is, and where was looked, for people: what is run is what [`path`](Self::path) gives. Runs nothing.
    pub async fn find(&self, tool: &ToolSpec) -> FoundTool {
        // A look that crashes is a bug of ours; it found nothing.
        let (path, probed) = self.look(tool).await.unwrap_or_default();
        let text = |path: &PathBuf| DisplayText::from(path.to_string_lossy().into_owned());
        FoundTool::new(path.as_ref().map(text), probed.iter().map(text))
    }

    /// Where a tool is, as the system has it: a text of it may be another path. `None` when it is nowhere.
    pub async fn path(&self, tool: &ToolSpec) -> Option<PathBuf> {
        self.look(tool).await.unwrap_or_default().0
    }

    /// The first line that it prints when it is asked for its version; `None` for one that is nowhere, is
    /// [not asked](ToolSpec::is_version_asked), or does not say within two seconds.
    ///
    /// # Cancellation
    ///
    /// Dropped, the process is killed.
    pub async fn version(&self, tool: &ToolSpec) -> Option<String> {
        self.ask(tool).await.ok()
    }

    pub(super) async fn ask(&self, tool: &ToolSpec) -> Result<String, ServiceError> {
        if !tool.is_version_asked {
            return Err(ServiceError::Denied);
        }
        let (path, _) = self.look(tool).await?;
        let path = path.ok_or(ServiceError::NotFound)?;
        process::first_line(&*self.clock, &*self.environment, &path, &tool.version_args).await
    }

    pub(super) async fn look(&self, tool: &ToolSpec) -> Result<(Option<PathBuf>, Vec<PathBuf>), ServiceError> {
        let (directories, names) = (self.directories(tool), platform::program_names(&tool.binary));
        let look = move || {
            let paths = directories.iter().flat_map(|directory| names.iter().map(move |name| directory.join(name)));
            let found = { paths }.find(|path| platform::is_program(path));
            (found, directories)
        };
        // A panic in there is ours.
        tokio::task::spawn_blocking(look).await.map_err(|_| ServiceError::Unavailable)
    }

    /// A path of the user, as the environment is now.
    pub(crate) fn resolved(&self, path: &PathSpec) -> Option<PathBuf> {
        resolve(&*self.environment, path)
    }

    fn directories(&self, tool: &ToolSpec) -> Vec<PathBuf> {
        let path = self.environment.variable("PATH").unwrap_or_default();
        let further = tool.extra_paths.iter().filter_map(|path| self.resolved(path));
        let mut directories = Vec::new();
        for directory in std::env::split_paths(&path).chain(further).filter(|directory| directory.is_absolute()) {
            if directories.len() < MOST_DIRECTORIES && !directories.contains(&directory) {
                directories.push(directory);
            }
        }
        directories
    }
}
