//! The local programs that a host allows: none by default, never a shell, and never without a request.
#![cfg(unix)]

use std::{ffi::OsString, fs, sync::Arc};

use connection_contract::{Descriptor, EnvValue, PathBase, PathSpec, ProfileSpec, ToolSpec};
use connection_core::{
    AllowedTool, Error, HostService, KeyFile, Machine, MachineTools, NeedState, ProfileError, ToolNotAllowed,
    ToolPolicy,
};

use crate::{
    service_kind::{Act, Borrower, LENT, begin_setup, named, says, shell_as, tool},
    test_host::{World, code, step},
    tool::{STRICT, TOOL, Tools, home},
};

/// A helper that leaves a mark when it runs.
struct Trap {
    world: World,
    plugin: Borrower,
}

impl Trap {
    async fn new() -> Self {
        let world = World::new().await;
        let path = world.directory.path().to_owned();
        shell_as(&path, "helper");
        says(&path, &format!("echo ran > '{}'; echo 1.0", path.join("ran").display()));
        Self { world, plugin: Borrower::new([tool("helper")]) }
    }

    async fn open(&self, policy: ToolPolicy) -> connection_core::ConnectionRegistry {
        let path = self.world.directory.path().as_os_str().to_owned();
        let variables = move |name: &str| -> Option<OsString> { (name == "PATH").then(|| path.clone()) };
        let builder = self
            .world
            .builder()
            .kind(self.plugin.clone())
            .machine(Machine::new().tools(policy).environment(Arc::new(variables)));
        let registry = builder.open().await.unwrap();
        self.plugin.until_activated(1).await;
        registry
    }

    /// Returns `true` if it ran since the last call.
    fn ran(&self) -> bool {
        fs::remove_file(self.world.directory.path().join("ran")).is_ok()
    }
}

#[tokio::test]
async fn a_registry_that_says_nothing_of_programs_finds_and_runs_none() {
    let trap = Trap::new().await;
    // This registry has no tool policy, unlike that of the tests' builder.
    let path = trap.world.directory.path().as_os_str().to_owned();
    let variables = move |name: &str| -> Option<OsString> { (name == "PATH").then(|| path.clone()) };
    let store = trap.world.directory.path().join("own/connections.db").display().to_string();
    let builder = connection_core::ConnectionRegistry::builder().store(store);
    let builder = builder.key(KeyFile::at(trap.world.key())).machine(Machine::new().environment(Arc::new(variables)));
    let registry = builder.kind(trap.plugin.clone()).open().await.unwrap();
    trap.plugin.until_activated(1).await;
    assert!(trap.plugin.handle().tools().is_none());
    assert!(!registry.kinds().support(&LENT).unwrap().services.contains(&HostService::Tools));
    let machine = MachineTools::new(ToolPolicy::new());
    let refused = machine.find(&tool("helper")).await.unwrap_err();
    assert_eq!(refused, ToolNotAllowed::Program { program: "helper".into() });
    assert_eq!(machine.path(&tool("helper")).await.unwrap_err(), refused);
    assert_eq!(machine.version(&tool("helper")).await, None);
    assert!(!trap.ran());
}

#[tokio::test]
async fn a_program_that_is_allowed_is_run_in_a_setup_and_at_no_other_time() {
    let trap = Trap::new().await;
    let registry = trap.open(ToolPolicy::new().allow(AllowedTool::new("helper"))).await;
    // The handle is used outside of a setup, as in an activation.
    assert_eq!(trap.plugin.act(Act::Version(tool("helper"))).await, "Err(Denied)");
    assert!(trap.plugin.act(Act::Find(tool("helper"))).await.contains("helper"));
    assert!(!trap.ran());
    // The control: a person starts a setup.
    trap.plugin.does([Act::Version(tool("helper"))]);
    let session = begin_setup(&registry).await;
    assert_eq!(trap.plugin.seen(), ["Ok(\"1.0\")"]);
    assert!(trap.ran());
    assert_eq!(code(&named(&session, "ada").await), "done Live");
}

#[tokio::test]
async fn a_program_that_is_not_allowed_is_denied_by_name_and_the_kind_works_without_it() {
    let trap = Trap::new().await;
    let registry = trap.open(ToolPolicy::new().allow(AllowedTool::new("other"))).await;
    let support = registry.kinds().support(&LENT).unwrap();
    assert_eq!(support.not_allowed, [ToolNotAllowed::Program { program: "helper".into() }]);
    trap.plugin.does([Act::Find(tool("helper")), Act::Version(tool("helper")), Act::ContextVersion(tool("helper"))]);
    let session = begin_setup(&registry).await;
    assert_eq!(trap.plugin.seen(), ["Denied, Err(Denied), Err(Denied)"]);
    assert!(!trap.ran());
    assert_eq!(code(&named(&session, "ada").await), "done Live");
}

#[tokio::test]
async fn no_policy_takes_a_path_or_a_shell_for_a_program() {
    let world = World::new().await;
    for (program, says) in [
        ("sh", "it is a shell"),
        ("BASH", "it is a shell"),
        ("env", "runs other programs"),
        ("/bin/helper", "it must be a name"),
        ("../helper", "it must be a name"),
        ("helper.exe", "it must be a name"),
        ("-x", "it must be a name"),
        ("", "it must be a name"),
    ] {
        let policy = ToolPolicy::new().allow(AllowedTool::new(program));
        let refused = world.builder().machine(Machine::new().tools(policy.clone())).open().await.unwrap_err();
        assert_eq!(refused.code(), "tool_policy_invalid");
        assert!(refused.to_string().contains(says) && refused.to_string().contains(program), "{refused}");
        // A host without a registry does not run them either.
        assert!(MachineTools::new(policy).find(&ToolSpec::new(program.to_owned())).await.is_err(), "{program}");
    }
    world
        .builder()
        .machine(Machine::new().tools(ToolPolicy::new().allow(AllowedTool::new("helper"))))
        .open()
        .await
        .unwrap();
}

/// Returns the policy of these tests for the tool, without one part.
fn policy(without: &str) -> ToolPolicy {
    let variables = ["TOOL_HOME", "TOOL_PARENT", "TOOL_ISOLATED"].into_iter().filter(|name| *name != without);
    let tool = variables.fold(AllowedTool::new("tool"), AllowedTool::variable);
    let tool = if without == "--isolated" { tool } else { tool.argument("--isolated") };
    ToolPolicy::new().allow(tool.paths([".tool", ".toolrc"].into_iter().filter(|path| *path != without).map(home)))
}

#[tokio::test]
async fn a_profile_sets_no_variable_argument_or_path_that_the_host_does_not_list() {
    for (without, says) in [
        ("TOOL_HOME", "the variable 'TOOL_HOME' for 'tool'"),
        ("TOOL_ISOLATED", "the variable 'TOOL_ISOLATED' for 'tool'"),
        ("--isolated", "to give 'tool' the argument '--isolated'"),
        (".tool", "to name '~/.tool' for 'tool'"),
    ] {
        let it = Tools::with(|builder| builder.machine(Machine::new().tools(policy(without)))).await;
        let Err(Error::Profile(refused)) = it.registry.profiles(&TOOL) else { panic!("{without} is not listed") };
        assert!(matches!(refused, ProfileError::NotAllowed { .. }) && refused.to_string().contains(says), "{refused}");
        assert_eq!(refused.code(), "tool_not_allowed");
        assert!(refused.remedy().unwrap().contains("ToolPolicy"));
        assert!(!it.registry.kinds().support(&TOOL).unwrap().not_allowed.is_empty());
        // The rest of the kind works: it can be connected like a kind without profiles.
        let session = it.registry.setups().begin(&TOOL).await.unwrap();
        step(&session).await;
    }
    let it = Tools::with(|builder| builder.machine(Machine::new().tools(policy("")))).await;
    assert!(it.registry.profiles(&TOOL).is_ok());
    assert_eq!(it.registry.kinds().support(&TOOL).unwrap().not_allowed, []);
    // A file of the user that its container would get.
    let it = Tools::with(|builder| builder.machine(Machine::new().tools(policy(".toolrc")))).await;
    assert!(it.registry.profiles(&TOOL).is_ok());
    let not_allowed = it.registry.kinds().support(&TOOL).unwrap().not_allowed;
    assert!(matches!(&not_allowed[..], [ToolNotAllowed::Path { .. }]), "{not_allowed:?}");
    assert_eq!(it.registry.profiles(&STRICT).map(drop).map_err(|error| error.code().to_owned()), Ok(()));
}

#[test]
fn what_is_allowed_of_one_program_is_not_allowed_of_another() {
    let descriptor = |name: &'static str| {
        let kind = connection_contract::Kind::from_static("k");
        Descriptor::new(kind, "K", connection_contract::AuthType::None).tool(ToolSpec::new(name))
    };
    let home = PathSpec::new(PathBase::Home, ".one").unwrap();
    let policy = ToolPolicy::new()
        .allow(AllowedTool::new("one").variable("ONE_HOME").paths([home.clone()]))
        .allow(AllowedTool::new("two"));
    let spec = ProfileSpec::new("ONE_HOME", home);
    assert_eq!(policy.check_profiles(&descriptor("one"), &spec), Ok(()));
    assert!(policy.check_profiles(&descriptor("two"), &spec).is_err());
    let preload = spec.variable("LD_PRELOAD", EnvValue::Text("/tmp/evil.so".into()));
    let refused = policy.check_profiles(&descriptor("one"), &preload).unwrap_err();
    assert_eq!(refused, ToolNotAllowed::Variable { program: "one".into(), variable: "LD_PRELOAD".into() });
}

#[tokio::test]
async fn a_need_for_tools_that_the_host_does_not_allow_is_told_apart_from_one_that_it_does_not_have() {
    assert_ne!(NeedState::NotAllowed, NeedState::Absent);
    let world = World::new().await;
    for (policy, state) in [
        (ToolPolicy::new(), NeedState::Absent),
        (ToolPolicy::new().allow(AllowedTool::new("other")), NeedState::NotAllowed),
        (ToolPolicy::new().allow(AllowedTool::new("helper")), NeedState::Effective),
    ] {
        let plugin = Borrower::new([tool("helper")]).needing_tools();
        let registry = world.builder().machine(Machine::new().tools(policy)).kind(plugin).open().await.unwrap();
        let support = registry.kinds().support(&LENT).unwrap();
        assert_eq!(support.needs, [(connection_contract::Need::Tools, state)]);
        registry.close().await;
    }
}
