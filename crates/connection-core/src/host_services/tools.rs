//! Local tools of a kind: their paths, and what they print when they are asked for their version. Nothing else is
//! run.
//!
//! A tool is searched for only if the descriptor declares exactly this tool and the host's policy allows it. It is
//! run only in a setup, which a person has started: no activation, verification or other background call runs
//! anything.

use std::{path::PathBuf, sync::Arc};

use connection_contract::{BoxFuture, DisplayText, FoundTool, ServiceError, ToolService, ToolSpec};

use super::MachineTools;
use crate::ground::Ground;
use crate::kinds::KindEntry;

/// The tools of one kind on this machine.
#[derive(Clone)]
pub(crate) struct LocalTools {
    machine: MachineTools,
    kind: Arc<KindEntry>,
}

impl LocalTools {
    /// Returns `None` for a kind that declares no tools, and on a host that allows none.
    pub(crate) fn new(ground: &Ground, kind: &Arc<KindEntry>) -> Option<Self> {
        let policy = &ground.local_services.tools;
        let lends = !policy.is_empty() && !kind.descriptor.tools.is_empty();
        lends.then(|| Self {
            machine: MachineTools::of(policy.clone(), ground.environment.clone(), ground.clock.clone()),
            kind: kind.clone(),
        })
    }

    pub(crate) async fn locate(&self, tool: &ToolSpec) -> Result<FoundTool, ServiceError> {
        self.declared(tool)?;
        let (path, probed) = self.machine.locate(tool).await?;
        let text = |path: &PathBuf| DisplayText::from(path.to_string_lossy().into_owned());
        Ok(FoundTool::new(path.as_ref().map(text), probed.iter().map(text)))
    }

    /// Asks a tool for its version. Only setups call this.
    pub(crate) async fn ask(&self, tool: &ToolSpec) -> Result<String, ServiceError> {
        self.declared(tool)?;
        self.machine.ask(tool).await
    }

    fn declared(&self, tool: &ToolSpec) -> Result<(), ServiceError> {
        let is_declared = self.kind.descriptor.tools.contains(tool);
        if is_declared && self.machine.allows(tool) { Ok(()) } else { Err(ServiceError::Denied) }
    }
}

impl ToolService for LocalTools {
    fn find<'a>(&'a self, tool: &'a ToolSpec) -> BoxFuture<'a, Result<FoundTool, ServiceError>> {
        Box::pin(self.locate(tool))
    }

    fn version<'a>(&'a self, tool: &'a ToolSpec) -> BoxFuture<'a, Result<String, ServiceError>> {
        // A kind gets this service outside of setups, where no tool is run.
        Box::pin(async move { self.declared(tool).and(Err(ServiceError::Denied)) })
    }
}
