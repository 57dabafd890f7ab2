//! A tool that is started with a profile runs with that profile's directory in the container, or does not run:
//! without it, it would run with another identity.

use connection_agent::{Sandbox, SandboxEngine, SandboxError, SandboxPolicy};
use connection_contract::{ConfigMount, Kind, PathBase, PathSpec, ProfileSpec, SandboxSpec, prelude::*};
use connection_core::{AllowedTool, Machine, NewProfile, SpawnOptions, ToolPolicy};
use connection_faults::scripted::Scripted;

use crate::tool::Tools;

/// A kind whose container has no mount for a profile.
const UNPLACED: Kind = Kind::from_static("unplaced");
/// A kind that mounts something else at the path of its profile.
const COVERED: Kind = Kind::from_static("covered");
/// A kind whose declaration is correct.
const PLACED: Kind = Kind::from_static("placed");

fn home(relative: &'static str) -> PathSpec {
    PathSpec::new(PathBase::Home, relative).unwrap()
}

/// A plugin of one of these kinds.
fn cli(kind: Kind) -> Scripted {
    let spec = SandboxSpec::new("localhost/connections/cli:1", "cli");
    let own = ConfigMount::new(home(".cli"), "/config/.cli");
    let other = ConfigMount::new(home(".other"), "/config/.cli");
    let spec = match kind.as_str() {
        "unplaced" => spec.config_mount(other),
        "covered" => spec.config_mount(own.profile()).config_mount(other),
        _ => spec.config_mount(other).config_mount(own.profile()),
    };
    let descriptor = Descriptor::new(kind, "Cli", AuthType::None).needs(Need::Files).tool(ToolSpec::new("cli"));
    Scripted::new(descriptor).profiles(ProfileSpec::new("CLI_HOME", home(".cli"))).sandbox(spec)
}

#[tokio::test]
async fn a_tool_whose_profile_has_no_place_in_the_container_does_not_run_with_it() {
    let allowed = AllowedTool::new("cli").variable("CLI_HOME").paths([home(".cli"), home(".other")]);
    let tools = ToolPolicy::new().allow(allowed);
    let it = Tools::with(|builder| {
        builder.machine(Machine::new().tools(tools)).kind(cli(UNPLACED)).kind(cli(COVERED)).kind(cli(PLACED))
    })
    .await;
    for file in [".cli/login", ".other/login", "work/login"] {
        it.write(file, "ada");
    }
    for engine in [SandboxEngine::Docker, SandboxEngine::Podman] {
        let policy = SandboxPolicy::new().engine(engine);
        for kind in [UNPLACED, COVERED, PLACED] {
            let sandbox = Sandbox::new(&it.registry, &kind).unwrap();
            let profiles = it.registry.profiles(&kind).unwrap();
            let own = profiles.default_profile().await.unwrap();
            let work = match profiles.list().await.unwrap().into_iter().find(|profile| profile.id != own.id) {
                Some(work) => work,
                None => profiles.create(NewProfile::new("work", it.path("work"))).await.unwrap(),
            };
            for (profile, directory) in [(own.id, ".cli"), (work.id, "work")] {
                let mut options = SpawnOptions::new("cli");
                profiles.apply_profile(&mut options, profile).await.unwrap();
                let composed = sandbox.compose(&policy, &options);
                if kind == PLACED {
                    // The control: the profile is mounted at its path, and nothing else is.
                    let run = composed.unwrap();
                    let at =
                        run.mounts.iter().filter(|mount| mount.target == "/config/.cli").map(|mount| &mount.source);
                    assert!(at.eq([&it.path(directory)]), "{run:?}");
                    continue;
                }
                let error = composed.unwrap_err();
                assert_eq!(error, SandboxError::NoProfileMount { kind: kind.clone() });
                assert_eq!((error.code(), error.remedy().is_some()), ("not_supported", true));
            }
            // Without a profile, the mounts are as the kind declares.
            sandbox.compose(&policy, &SpawnOptions::new("cli")).unwrap();
        }
    }
}
