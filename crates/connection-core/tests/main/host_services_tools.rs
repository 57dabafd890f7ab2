//! Local tools: only declared ones, found where they are, and asked only for their version.
#![cfg(unix)]

use std::{ffi::OsString, fs, path::PathBuf, sync::Arc, time::Duration};

use connection_contract::{PathBase, PathSpec, SignIn, ToolSpec};
use connection_core::{ConnectionRegistry, Environment, HostService, MachineTools, RegisterError};
use tokio::runtime::Handle;

use crate::{
    service_kind::{Act, Borrower, LENT, begin_setup, named, says, shell_as, tool},
    test_host::{World, code, outlasted, tools},
};

/// A machine with two directories in its path and one beside it.
struct Machine {
    world: World,
    first: PathBuf,
    second: PathBuf,
    home: PathBuf,
}

impl Machine {
    async fn new() -> Self {
        let world = World::new().await;
        let [first, second, home] = ["first", "second", "home"].map(|name| world.directory.path().join(name));
        for directory in [&first, &second, &home.join("tools")] {
            fs::create_dir_all(directory).unwrap();
        }
        Self { world, first, second, home }
    }

    fn environment(&self) -> Arc<dyn Environment> {
        let path = std::env::join_paths(["relative".into(), self.first.clone(), self.second.clone()]).unwrap();
        let home = self.home.clone();
        Arc::new(move |name: &str| match name {
            "PATH" => Some(path.clone()),
            "HOME" => Some(home.clone().into_os_string()),
            "SECRET_OF_OURS" => Some(OsString::from("canary-variable")),
            _ => None,
        })
    }

    async fn open(&self, plugin: &Borrower) -> ConnectionRegistry {
        let builder = self
            .world
            .builder()
            .kind(plugin.clone())
            .machine(connection_core::Machine::new().environment(self.environment()));
        let registry = builder.open().await.unwrap();
        plugin.until_activated(1).await;
        registry
    }
}

impl Machine {
    /// Asks for versions as a host does, without a kind and without a setup.
    fn tools(&self) -> MachineTools {
        MachineTools::of(tools(), self.environment(), Arc::new(self.world.clock.clone()))
    }

    /// Returns the version that the helper prints when it runs this script.
    async fn said(&self, script: &str) -> Option<String> {
        if !self.first.join("helper").exists() {
            shell_as(&self.first, "helper");
        }
        says(&self.first, script);
        self.tools().version(&tool("helper")).await
    }
}

fn nested() -> PathSpec {
    PathSpec::new(PathBase::Home, "tools").unwrap()
}

#[tokio::test]
async fn a_tool_is_found_on_the_path_first_and_then_where_its_kind_says() {
    let machine = Machine::new().await;
    let spec = tool("helper").extra_path(nested());
    let plugin = Borrower::new([spec.clone()]);
    let _registry = machine.open(&plugin).await;
    assert_eq!(plugin.act(Act::Find(spec.clone())).await, "None");
    for directory in [machine.home.join("tools"), machine.second.clone(), machine.first.clone()] {
        shell_as(&directory, "helper");
        let path = directory.join("helper");
        assert_eq!(plugin.act(Act::Find(spec.clone())).await, format!("{:?}", Some(path.to_str().unwrap())));
    }
    let handle = plugin.handle();
    let found = handle.tools().unwrap().find(&spec).await.unwrap();
    let probed: Vec<_> = found.probed.iter().map(ToString::to_string).collect();
    assert_eq!(probed, [machine.first, machine.second, machine.home.join("tools")].map(|p| p.display().to_string()));
}

#[tokio::test]
async fn what_is_not_declared_as_it_is_asked_for_is_denied_and_nothing_is_run() {
    let machine = Machine::new().await;
    shell_as(&machine.first, "helper");
    says(&machine.first, &format!("echo ran > '{}'; echo 1", machine.home.join("ran").display()));
    let plugin = Borrower::new([tool("helper")]);
    let registry = machine.open(&plugin).await;
    for other in [ToolSpec::new("helper"), tool("gone"), tool("helper").extra_path(nested())] {
        assert_eq!(plugin.act(Act::Find(other.clone())).await, "Denied");
        plugin.does([Act::Version(other.clone()), Act::ContextVersion(other)]);
        begin_setup(&registry).await;
        assert_eq!(plugin.seen(), ["Err(Denied), Err(Denied)"]);
    }
    assert!(!machine.home.join("ran").exists());
    // The control: the declared tool is run.
    plugin.does([Act::Version(tool("helper"))]);
    begin_setup(&registry).await;
    assert!(machine.home.join("ran").exists());
    // Without any tools there is no service, and neither on a host that allows none.
    let none = Borrower::new([]);
    let _without = machine.open(&none).await;
    assert!(none.handle().tools().is_none());
    let host = machine
        .world
        .builder()
        .kind(plugin.clone())
        .machine(connection_core::Machine::new().tools(Default::default()))
        .open()
        .await
        .unwrap();
    assert!(host.kinds().support(&LENT).unwrap().services.iter().all(|service| *service != HostService::Tools));
}

#[tokio::test]
async fn the_version_is_the_first_line_that_is_printed_with_nothing_of_ours_in_it() {
    let machine = Machine::new().await;
    std::os::unix::fs::symlink("/bin/cat", machine.first.join("cat")).unwrap();
    for (script, version) in [
        ("echo ' helper 1.2.3'; echo more", Some("helper 1.2.3")),
        ("cat; echo empty", Some("empty")),
        ("exit 1", None),
        ("printf one", Some("one")),
        ("case \"$PATH\" in *relative*) echo relative ;; *) echo absolute ;; esac", Some("absolute")),
        ("echo one >&2", None),
        ("echo one; while :; do echo more; done", Some("one")),
        ("echo \"$#\"", Some("0")),
    ] {
        assert_eq!(machine.said(script).await.as_deref(), version, "{script}");
    }
    let said = machine.said("echo \"$HOME-$SECRET_OF_OURS$USER\"").await.unwrap();
    assert_eq!(said, format!("{}-", machine.home.display()));
    // Only absolute directories are in the path, so that programs in the host's working directory are not found.
    let said = machine.said("echo \"at $PWD: $PATH\"").await.unwrap();
    assert!(said.starts_with("at /: /"), "{said}");
    assert_eq!(machine.tools().version(&tool("gone")).await, None);
}

#[tokio::test]
async fn only_the_beginning_of_an_endless_line_is_read() {
    let machine = Machine::new().await;
    let said = machine.said("while :; do printf 0123456789abcdef; done").await.unwrap();
    assert!(said.starts_with("0123456789abcdef0123456789abcdef") && said.len() <= 4096, "{} bytes", said.len());
}

#[tokio::test]
async fn a_tool_that_does_not_end_is_killed_after_two_seconds_of_the_hosts_clock() {
    let machine = Machine::new().await;
    shell_as(&machine.first, "helper");
    let began = machine.home.join("began");
    says(&machine.first, &format!("echo $$ > '{}'; while :; do :; done", began.display()));
    let asking = machine.tools();
    let version = Handle::current().spawn(async move { asking.version(&tool("helper")).await });
    let process = loop {
        match fs::read_to_string(&began) {
            Ok(process) if process.ends_with('\n') => break process.trim().to_owned(),
            _ => tokio::task::yield_now().await,
        }
    };
    machine.world.clock.advance(Duration::from_millis(1_900));
    tokio::task::yield_now().await;
    assert!(!version.is_finished());
    assert_eq!(outlasted(&machine.world, version).await, None);
    while is_running(&process) {
        tokio::task::yield_now().await;
    }
}

/// The host's clock stands still, so only the first line can end the call.
#[tokio::test]
async fn after_the_first_line_nobody_waits_and_nothing_that_the_tool_began_goes_on() {
    let machine = Machine::new().await;
    for (name, script) in
        [("stays", "echo 1.0; while :; do :; done"), ("leaves", "while :; do :; done & echo $! >&3; echo 1.0")]
    {
        let process = machine.home.join(name);
        let said = machine.said(&format!("exec 3> '{}'; echo $$ >&3; {script}", process.display())).await;
        assert_eq!(said.as_deref(), Some("1.0"));
        for process in fs::read_to_string(&process).unwrap().lines() {
            while is_running(process) {
                tokio::task::yield_now().await;
            }
        }
    }
}

/// Returns `true` if the process runs; a zombie does not.
fn is_running(process: &str) -> bool {
    let stat = fs::read_to_string(format!("/proc/{process}/stat")).unwrap_or_default();
    stat.rsplit(')').next().is_some_and(|rest| !rest.trim().is_empty() && !rest.trim().starts_with('Z'))
}

#[tokio::test]
async fn a_replay_returns_the_tool_that_a_setup_found_without_asking_again() {
    let machine = Machine::new().await;
    shell_as(&machine.first, "helper");
    let runs = machine.home.join("runs");
    says(&machine.first, &format!("echo run >> '{}'; echo 1.0", runs.display()));
    let spec = tool("helper");
    let plugin = Borrower::new([spec.clone()]);
    let registry = machine.open(&plugin).await;
    plugin.does([Act::Find(spec.clone()), Act::Version(spec.clone()), Act::ContextVersion(spec)]);
    let session = begin_setup(&registry).await;
    fs::remove_file(machine.first.join("helper")).unwrap();
    assert_eq!(code(&named(&session, "ada").await), "done Live");
    let seen = plugin.seen();
    assert!(
        seen.len() > 1 && seen.iter().all(|one| *one == seen[0] && one.ends_with("Ok(\"1.0\"), Ok(\"1.0\")")),
        "{seen:?}"
    );
    assert_eq!(fs::read_to_string(&runs).unwrap(), "run\nrun\n");
}

#[tokio::test]
async fn a_tool_that_is_not_to_be_asked_for_its_version_is_found_and_not_run() {
    let machine = Machine::new().await;
    shell_as(&machine.first, "helper");
    let ran = machine.home.join("ran");
    // The tool is killed after its line was read, so it leaves its mark before.
    says(&machine.first, &format!("echo ran > '{}'; echo 1.0", ran.display()));
    for (spec, said) in [(tool("helper").version_not_asked(), "Err(Denied)"), (tool("helper"), "Ok(\"1.0\")")] {
        let plugin = Borrower::new([spec.clone()]);
        let registry = machine.open(&plugin).await;
        assert!(plugin.act(Act::Find(spec.clone())).await.contains("helper"));
        plugin.does([Act::Version(spec.clone())]);
        begin_setup(&registry).await;
        assert_eq!(plugin.seen(), [said]);
        assert_eq!(machine.tools().version(&spec).await.is_some(), spec.is_version_asked);
        assert_eq!(ran.exists(), spec.is_version_asked);
        registry.close().await;
    }
}

/// Each message is one sentence that names the faulty part.
#[tokio::test]
async fn a_descriptor_that_says_odd_things_of_a_tool_is_refused() {
    let world = World::new().await;
    let registry = world.acme().await;
    let fine = || ToolSpec::new("helper");
    for (tools, part) in [
        (vec![ToolSpec::new("../helper")], "cannot be the name of a tool"),
        (vec![ToolSpec::new("helper.exe")], "cannot be the name of a tool"),
        (vec![ToolSpec::new("-x")], "cannot be the name of a tool"),
        (vec![fine(), fine()], "two tools are named 'helper'"),
        (vec![fine().docs_url("http://acme.example")], "not at an https address"),
        (vec![fine().install_command("a\nb")], "not one line of plain text"),
        (
            vec![fine().sign_in(SignIn::new(["helper".into()]).docs_url("http://acme.example"))],
            "about signing in with 'helper' is not at an https",
        ),
    ] {
        match registry.kinds().register(Borrower::new(tools)) {
            Err(RegisterError::Descriptor { problem, .. }) => assert!(problem.contains(part), "{problem}"),
            other => panic!("{part}: {other:?}"),
        }
    }
}
