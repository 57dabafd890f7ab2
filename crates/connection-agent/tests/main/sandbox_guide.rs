//! A container, as shown in the guide.

use std::path::Path;

use connection_agent::{Sandbox, SandboxAccess, SandboxError, SandboxPolicy, SandboxRun};
use connection_contract::Kind;
use connection_core::{ConnectionRegistry, SpawnOptions};

use crate::tool::{TOOL, Tools};

// region: sandbox
/// Composes a run in a container, which the host can inspect before it starts anything.
fn contained(
    registry: &ConnectionRegistry,
    tool: &Kind,
    project: &Path,
    options: &SpawnOptions,
) -> Result<SandboxRun, SandboxError> {
    let policy = SandboxPolicy::new().memory(2 << 30).project(project, "/project", SandboxAccess::Writable);
    Sandbox::new(registry, tool)?.compose(&policy, options)
}
// end: sandbox

#[tokio::test]
async fn a_tool_runs_in_the_project_as_the_guide_has_it() {
    let it = Tools::new().await;
    let project = it.write("project/file", "").parent().unwrap().to_owned();
    let run = contained(&it.registry, &TOOL, &project, &SpawnOptions::new("tool")).unwrap();
    assert_eq!(run.workdir.as_deref(), Some("/project"));
}
