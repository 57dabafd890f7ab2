//! Local tools: where they are, and what they print when they are asked for their version. Nothing else is ever run.
//!
//! What may be looked for is what the descriptor declares, as it is there. Found is what `PATH` finds first, then the
//! further directories; a relative entry is passed over, since it is another directory in each place.

use std::{
    path::PathBuf,
    sync::Arc,
};

use connection_contract::{BoxFuture, DisplayText, FoundTool, ServiceError, ToolService, ToolSpec};

use super::process;
use crate::{
    Clock, Environment, platform,
    registry::{KindEntry, Shared},
    services::environment::resolve,
};

/// So many directories are looked in at most.
const MOST_DIRECTORIES: usize = 256;

/// The tools of one kind on this machine.
#[derive(Clone)]
pub(crate) struct LocalTools {
    environment: Arc<dyn Environment>,
    clock: Arc<dyn Clock>,
    kind: Arc<KindEntry>,
}

impl LocalTools {
    /// `None` for a kind that declares none, and on a host that looks for none.
    pub(crate) fn new(shared: &Shared, kind: &Arc<KindEntry>) -> Option<Self> {
        let lends = shared.lent.tools && !kind.descriptor.tools.is_empty();
        lends.then(|| Self {
            environment: shared.environment.clone(),
            clock: shared.clock.clone(),
            kind: kind.clone(),
        })
    }

    pub(crate) async fn look(&self, tool: &ToolSpec) -> Result<FoundTool, ServiceError> {
        let (path, probed) = self.found(tool).await?;
        let text = |path: &PathBuf| DisplayText::from(path.to_string_lossy().into_owned());
        Ok(FoundTool::new(path.as_ref().map(text), probed.iter().map(text)))
    }

    pub(crate) async fn ask(&self, tool: &ToolSpec) -> Result<String, ServiceError> {
        let (path, _) = self.found(tool).await?;
        let path = path.ok_or(ServiceError::NotFound)?;
        process::first_line(&*self.clock, &*self.environment, &path, &tool.version_args).await
    }

    async fn found(&self, tool: &ToolSpec) -> Result<(Option<PathBuf>, Vec<PathBuf>), ServiceError> {
        if !self.kind.descriptor.tools.contains(tool) {
            return Err(ServiceError::Denied);
        }
        let (directories, names) = (self.directories(tool), platform::program_names(&tool.binary));
        let look = move || {
            let paths = directories.iter().flat_map(|directory| names.iter().map(move |name| directory.join(name)));
            let found = { paths }.find(|path| platform::is_program(path));
            (found, directories)
        };
        // A panic in there is ours.
        tokio::task::spawn_blocking(look).await.map_err(|_| ServiceError::Unavailable)
    }

    fn directories(&self, tool: &ToolSpec) -> Vec<PathBuf> {
        let path = self.environment.variable("PATH").unwrap_or_default();
        let further = tool.extra_paths.iter().filter_map(|path| resolve(&*self.environment, path));
        let mut directories = Vec::new();
        for directory in std::env::split_paths(&path).chain(further).filter(|directory| directory.is_absolute()) {
            if directories.len() < MOST_DIRECTORIES && !directories.contains(&directory) {
                directories.push(directory);
            }
        }
        directories
    }
}

impl ToolService for LocalTools {
    fn find<'a>(&'a self, tool: &'a ToolSpec) -> BoxFuture<'a, Result<FoundTool, ServiceError>> {
        Box::pin(self.look(tool))
    }
    fn version<'a>(&'a self, tool: &'a ToolSpec) -> BoxFuture<'a, Result<String, ServiceError>> {
        Box::pin(self.ask(tool))
    }
}
