//! Local tools of this machine, as a host sees them: any tool that its policy allows, also without a kind that declares it.
//!
//! Found is what `PATH` finds first, then the further directories; a relative entry is passed over, since it is another
//! directory in each place.

use std::{fmt, path::PathBuf, sync::Arc};

use connection_contract::{Descriptor, DisplayText, FoundTool, PathSpec, ProfileSpec, ServiceError, ToolSpec};

use super::{ToolNotAllowed, ToolPolicy, process};
use crate::{Clock, Environment, SystemClock, SystemEnvironment, platform, services::environment::resolve};

/// So many directories are looked in at most.
const MOST_DIRECTORIES: usize = 256;

/// Looks for local tools and asks them for their version, for a host that tells people of them or runs them. It needs a
/// runtime of `tokio`.
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
    /// With the environment of this process. A tool that the policy does not allow is neither looked for nor run.
    pub fn new(policy: ToolPolicy) -> Self {
        Self::of(policy, Arc::new(SystemEnvironment), Arc::new(SystemClock::new()))
    }

    /// In another environment, with another clock.
    pub fn of(policy: ToolPolicy, environment: Arc<dyn Environment>, clock: Arc<dyn Clock>) -> Self {
        Self { policy, environment, clock }
    }

    /// Where a tool is, and where was looked, for people: what is run is what [`path`](Self::path) gives. Runs nothing.
    ///
    /// # Errors
    ///
    /// [`ToolNotAllowed`] by the policy.
    pub async fn find(&self, tool: &ToolSpec) -> Result<FoundTool, ToolNotAllowed> {
        self.policy.check_tool(tool)?;
        // A look that crashes is a bug of ours; it found nothing.
        let (path, probed) = self.look(tool).await.unwrap_or_default();
        let text = |path: &PathBuf| DisplayText::from(path.to_string_lossy().into_owned());
        Ok(FoundTool::new(path.as_ref().map(text), probed.iter().map(text)))
    }

    /// Where a tool is, as the system has it: a text of it may be another path. `None` when it is nowhere.
    ///
    /// # Errors
    ///
    /// [`ToolNotAllowed`] by the policy.
    pub async fn path(&self, tool: &ToolSpec) -> Result<Option<PathBuf>, ToolNotAllowed> {
        self.policy.check_tool(tool)?;
        Ok(self.look(tool).await.unwrap_or_default().0)
    }

    /// The first line that it prints when it is asked for its version; `None` for one that the policy does not allow, is
    /// nowhere, is [not asked](ToolSpec::is_version_asked), or does not say within two seconds.
    ///
    /// # Cancellation
    ///
    /// Dropped, the process is killed.
    pub async fn version(&self, tool: &ToolSpec) -> Option<String> {
        self.ask(tool).await.ok()
    }

    pub(super) async fn ask(&self, tool: &ToolSpec) -> Result<String, ServiceError> {
        if !tool.is_version_asked || !self.allows(tool) {
            return Err(ServiceError::Denied);
        }
        let (path, _) = self.look(tool).await?;
        let path = path.ok_or(ServiceError::NotFound)?;
        process::first_line(&*self.clock, &*self.environment, &path, tool.version_form).await
    }

    pub(super) fn allows(&self, tool: &ToolSpec) -> bool {
        self.policy.check_tool(tool).is_ok()
    }

    /// The profile's implicit directory may be read by a look for whom it belongs to.
    pub(crate) fn allows_profiles(&self, descriptor: &Descriptor, spec: &ProfileSpec) -> bool {
        self.policy.check_profiles(descriptor, spec).is_ok()
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
