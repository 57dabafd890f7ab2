//! A container gets of the user what the host's policy lists, and the container of an unknown kind does not exist.

use connection_agent::{Sandbox, SandboxError};
use connection_contract::Kind;
use connection_core::{AllowedTool, Machine, ToolPolicy};

use crate::tool::{TOOL, Tools, home};

/// Returns the policy of this test for the tool, without one part.
fn policy(without: &str) -> ToolPolicy {
    let variables = ["TOOL_HOME", "TOOL_PARENT", "TOOL_ISOLATED"].into_iter().filter(|name| *name != without);
    let tool = variables.fold(AllowedTool::new("tool"), AllowedTool::variable);
    let tool = if without == "--isolated" { tool } else { tool.argument("--isolated") };
    ToolPolicy::new().allow(tool.paths([".tool", ".toolrc"].into_iter().filter(|path| *path != without).map(home)))
}

#[tokio::test]
async fn a_container_has_no_variable_argument_or_path_that_the_host_does_not_list() {
    for without in ["TOOL_HOME", "TOOL_ISOLATED", "--isolated", ".tool", ".toolrc"] {
        let it = Tools::with(|builder| builder.machine(Machine::new().tools(policy(without)))).await;
        let error = Sandbox::new(&it.registry, &TOOL).unwrap_err();
        assert!(matches!(error, SandboxError::NotAllowed { .. }), "{error}");
        assert_eq!((error.code(), error.remedy().is_some()), ("tool_not_allowed", true));
    }
    let it = Tools::with(|builder| builder.machine(Machine::new().tools(policy("")))).await;
    assert!(Sandbox::new(&it.registry, &TOOL).is_ok());
    let unknown = Sandbox::new(&it.registry, &Kind::from_static("unknown")).unwrap_err();
    assert_eq!((unknown.code(), unknown.remedy().is_some()), ("unknown_kind", true));
}
